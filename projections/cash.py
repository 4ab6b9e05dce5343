"""库款: what lies at the treasury by account and kind of fund, and in special accounts, now or as
of any moment.

Now it is the register itself. Of another moment the acts that move cash are folded again: there are
some hundreds a year, in the ledger's own stream and in those of its clearings and orders.
"""

from datetime import date
from typing import NamedTuple

import psycopg

from ledger.books import Charts
from ledger.deciding.objects import ledger_stream_id
from ledger.deciding.refolding import Refold
from ledger.deciding.settings import LedgerSettings
from ledger.errors import Code, Refusal
from ledger.events import decode, type_names
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head
from payments.clearing.cash import CASH, Cash, split_key
from payments.clearing.cash_events import CashPolicySet
from payments.clearing.cash_policy import CASH_POLICY
from payments.orders.placements import PLACED, PlacedCash
from payments.special_accounts.cash import SPECIAL_CASH, SpecialCash, split_account
from projections.core.moments import Moment, one_moment, reach

_ACTS = """
SELECT position, effective_on, type, payload FROM events
WHERE ledger_id = %(ledger_id)s AND position <= %(upto)s AND type = ANY(%(types)s)
  AND stream_id IN (SELECT stream_id FROM command_keys
      WHERE ledger_id = %(ledger_id)s
        AND operation IN
            ('clearing.request', 'advance.pay', 'allocation.order', 'placement.order',
             'income.refund', 'transfer.dispatch', 'transfer.take_funds')
      UNION ALL SELECT %(own)s::uuid)
  AND (%(through)s::date IS NULL OR effective_on <= %(through)s)
ORDER BY position"""


class CashAt(NamedTuple):
    """What lies where, by (account, kind of fund), in order; the account is "" for what was claimed
    before any was named; ``special`` is what lies in special accounts 财政专户, and in units' own,
    by unit, "" of the treasury's, and number; ``placed_fen`` is placed with banks 国库现金管理 and
    lies in none of them. ``position`` is the last that counts;
    ``cash_control`` what the ledger's policy said then, None where nothing."""

    position: int
    rows: dict[tuple[str, str], Cash]
    special: dict[tuple[str, str], SpecialCash]
    cash_control: bool | None
    placed_fen: int = 0

    @property
    def is_controlled(self) -> bool:
        """Whether a claim above what is free is refused."""
        if self.cash_control is not None:
            return self.cash_control
        return any(acct for acct, _ in self.rows)


def cash_at(
    connection: psycopg.Connection, ledger_id: int, charts: Charts, moment: Moment
) -> CashAt:
    """Cash as of a moment.

    Raises:
        Refusal: ``not_found``: there is no such ledger.
        RequestError: ``malformed`` for an impossible moment.
    """
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        if head is None:
            raise Refusal(Code.NOT_FOUND, "no such ledger")
        if moment.is_now:
            rows = _in_order(read_rows(connection, ledger_id, CASH))
            special = _with_cash(read_rows(connection, ledger_id, SPECIAL_CASH))
            control = head.settings.get(CASH_POLICY).cash_control
            placed_fen = _placed(read_rows(connection, ledger_id, PLACED))
            return CashAt(head.position, rows, special, control, placed_fen)
        upto, through, _ = reach(connection, ledger_id, moment, head.position)
        folded = _folded(connection, ledger_id, charts, upto, through)
        rows, special = _in_order(folded.rows(CASH)), _with_cash(folded.rows(SPECIAL_CASH))
        control = _control(connection, ledger_id, upto, through)
        return CashAt(upto, rows, special, control, _placed(folded.rows(PLACED)))


def _control(
    connection: psycopg.Connection, ledger_id: int, upto: int, through: date | None
) -> bool | None:
    """What the policy in force at a moment says."""
    asked = {
        "ledger_id": ledger_id,
        "upto": upto,
        "through": through,
        "types": list(type_names(CashPolicySet)),
        "own": ledger_stream_id(ledger_id).hex(),
    }
    settings = LedgerSettings()
    for _, _, type_name, payload in connection.execute(_ACTS, asked, binary=True):
        settings = settings.after(decode(type_name, payload))
    return settings.get(CASH_POLICY).cash_control


def _folded(
    connection: psycopg.Connection,
    ledger_id: int,
    charts: Charts,
    upto: int,
    through: date | None,
) -> Refold:
    refold = Refold(charts, registers=[CASH, SPECIAL_CASH, PLACED])
    asked = {
        "ledger_id": ledger_id,
        "upto": upto,
        "through": through,
        "types": list(refold.routes),
        "own": ledger_stream_id(ledger_id).hex(),
    }
    for position, day, type_name, payload in connection.execute(_ACTS, asked, binary=True):
        refold.take(type_name, payload, position, day)
    return refold


def _placed(rows: dict[str, PlacedCash]) -> int:
    return sum(row.left for row in rows.values())


def _with_cash(rows: dict[str, SpecialCash]) -> dict[tuple[str, str], SpecialCash]:
    return {split_account(key): rows[key] for key in sorted(rows) if rows[key] != SpecialCash()}


def _in_order(rows: dict[str, Cash]) -> dict[tuple[str, str], Cash]:
    places = {split_key(key): row for key, row in rows.items()}
    return {place: places[place] for place in sorted(places) if places[place] != Cash()}
