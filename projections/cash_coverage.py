"""库款保障: how long what lies at the treasury lasts, what will be claimed of it, and who waits.

The balance is held against what went out of 国库存款 in a month on average; what is paid back of
income is less income, and no outlay, nor is what is placed with banks. What is due is known by kind
of fund, nearest first: what claims and orders have taken, what banks have paid, what is approved,
and what is applied for; the last two parted by whether they are for one of the three guarantees
三保, which go first where a reserve is kept.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

import msgspec
import psycopg

from accounting.income_register import INCOME
from ledger.books import Charts
from ledger.books.posted import Posted, amounts_of
from ledger.errors import Code, Refusal
from ledger.events import names_that
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_head
from payments.clearing.cash import CASH, CONTROL, Cash, account_by_kind, kind_of
from payments.clearing.cash_policy import CASH_POLICY, KINDS, CashPolicy
from payments.clearing.promised import PROMISED, Promised, Spare, spare_of
from payments.clearing.uncleared import UNCLEARED
from payments.orders.placements import PLACED
from payments.payment import APPLIED
from projections.core.moments import one_moment
from projections.journals import AccountTotals, Journals
from projections.payments import Payments

_OUTLAYS = """
SELECT extract(month FROM t.effective_on)::int, sum(t.credit_fen)
FROM proj_positions m JOIN proj_account_totals t
    ON t.ledger_id = m.ledger_id AND t.generation = m.generation
WHERE m.ledger_id = %s AND m.projection = %s AND m.live AND t.account = ANY(%s)
  AND t.effective_on <= %s
GROUP BY 1 HAVING sum(t.credit_fen) > 0 ORDER BY 1"""
_OF_INCOME = """
SELECT extract(month FROM j.effective_on)::int, e.payload
FROM proj_positions t JOIN proj_positions m ON m.ledger_id = t.ledger_id AND m.live
    JOIN proj_journals j ON j.ledger_id = m.ledger_id AND j.generation = m.generation
    JOIN events e ON e.ledger_id = j.ledger_id AND e.position = j.position
WHERE t.ledger_id = %s AND t.projection = %s AND t.live AND m.projection = %s
  AND j.bgt_id = '' AND j.event = ANY(%s) AND j.position <= t.position AND j.effective_on <= %s"""
_APPLIED = """
SELECT p.exp_func_code, p.gov_bgt_eco_code, p.dep_bgt_eco_code, p.fund_type_code, sum(p.pay_fen)
FROM proj_positions m JOIN proj_payments p
    ON p.ledger_id = m.ledger_id AND p.generation = m.generation
WHERE m.ledger_id = %s AND m.projection = %s AND m.live AND p.status = %s
GROUP BY 1, 2, 3, 4"""
Level = Literal["low", "normal", "idle"]
_posted = msgspec.json.Decoder(Posted).decode
DAYS_OF_A_MONTH = 30
LOW_HUNDREDTHS, IDLE_HUNDREDTHS = 30, 80  # of a month: less is low, more lies idle


class PaidForCodes(NamedTuple):
    """What applications for payments are for."""

    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str


class KindOfFund(NamedTuple):
    """What of a kind of fund lies there and is due, in fen; ``applied`` is what waits for approval.
    ``reserve_fen`` is None where none is kept."""

    cash: Cash
    spare: Spare
    applied: Promised
    reserve_fen: int | None


class Coverage(NamedTuple):
    """How long cash lasts.

    Attributes:
        outlays: what went out, by month of the year, in fen; months without are left out.
        average_fen: of a month, over the whole ones since the first with outlays; of the month that
            is under way where there is no other.
    """

    position: int
    balance_fen: int
    outlays: Mapping[int, int]
    average_fen: int
    kinds: list[KindOfFund]

    @property
    def cover_hundredths(self) -> int | None:
        """Months that it lasts 保障水平, in hundredths; None where nothing went out."""
        return self.balance_fen * 100 // self.average_fen if self.average_fen else None

    @property
    def cover_days(self) -> int | None:
        """The same in days."""
        return self.balance_fen * DAYS_OF_A_MONTH // self.average_fen if self.average_fen else None

    @property
    def level(self) -> Level | None:
        """None where nothing went out."""
        if (months := self.cover_hundredths) is None:
            return None
        if months < LOW_HUNDREDTHS:
            return "low"
        return "idle" if months > IDLE_HUNDREDTHS else "normal"


def coverage(
    connection: psycopg.Connection, ledger_id: int, charts: Charts, today: date
) -> Coverage:
    """Of a ledger now.

    Raises:
        Refusal: ``not_found``: there is no such ledger.
    """
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        if head is None:
            raise Refusal(Code.NOT_FOUND, "no such ledger")
        policy = head.settings.get(CASH_POLICY)
        cash = read_rows(connection, ledger_id, CASH)
        kinds = _kinds(connection, ledger_id, policy, cash)
        asked = ledger_id, AccountTotals.name, _accounts(charts), today
        outlays = {month: int(fen) for month, fen in connection.execute(_OUTLAYS, asked)}
        for month, fen in _given_back(connection, ledger_id, charts, today).items():
            outlays[month] = outlays.get(month, 0) - fen
        outlays = {month: fen for month, fen in outlays.items() if fen > 0}
        balance_fen = sum(row.balance for row in cash.values())
        return Coverage(head.position, balance_fen, outlays, _average(outlays, today), kinds)


def _accounts(charts: Charts) -> list[str]:
    """国库存款 of every chart."""
    return list(
        {
            account_id
            for books in charts.by_version.values()
            for account_id, account in books.accounts.items()
            if account.control == CONTROL
        }
    )


def _given_back(
    connection: psycopg.Connection, ledger_id: int, charts: Charts, today: date
) -> Mapping[int, int]:
    """What journals of income, and of what is placed with banks, credit 国库存款 with, by month, in
    fen."""
    no_outlay = {INCOME.name, PLACED.name}
    acts = list(names_that(lambda traits: not no_outlay.isdisjoint(traits.moves)))
    asked = ledger_id, AccountTotals.name, Journals.name, acts, today
    accounts, found = {*_accounts(charts)}, dict[int, int]()
    for month, payload in connection.execute(_OF_INCOME, asked):
        for account, _, credit_fen in amounts_of(bytes(_posted(payload).lines)):
            if account in accounts:
                found[month] = found.get(month, 0) + credit_fen
    return found


def _average(outlays: Mapping[int, int], today: date) -> int:
    if not outlays:
        return 0
    first = min(outlays)
    whole = range(first, today.month) or range(first, first + 1)
    return sum(outlays.get(month, 0) for month in whole) // len(whole)


def _kinds(
    connection: psycopg.Connection, ledger_id: int, policy: CashPolicy, cash: Mapping[str, Cash]
) -> list[KindOfFund]:
    waiting = read_rows(connection, ledger_id, UNCLEARED)
    promised = read_rows(connection, ledger_id, PROMISED)
    applied = _applied(connection, ledger_id, policy)
    found = []
    for kind, acct in sorted(account_by_kind(cash, KINDS).items()):
        reserve_fen = policy.reserve_fen(kind)
        spare = spare_of(kind, acct, reserve_fen or 0, cash, waiting, promised)
        lies = [row for key, row in cash.items() if key.endswith(f"/{kind}")]
        total = Cash(*(sum(getattr(row, f) for row in lies) for f in Cash.__struct_fields__))
        of_kind = KindOfFund(total, spare, applied.get(kind, Promised()), reserve_fen)
        if any((total.balance, total.claimed, spare.uncleared, reserve_fen, *_fens(of_kind))):
            found.append(of_kind)
    return found


def _fens(of_kind: KindOfFund) -> tuple[int, ...]:
    promised, applied = of_kind.spare.promised, of_kind.applied
    return promised.guaranteed, promised.other, applied.guaranteed, applied.other


def _applied(
    connection: psycopg.Connection, ledger_id: int, policy: CashPolicy
) -> dict[str, Promised]:
    """What waits for approval, by kind of fund."""
    found: dict[str, Promised] = {}
    rows: Any = connection.execute(_APPLIED, (ledger_id, Payments.name, APPLIED))
    for *codes, fund, fen in rows:
        before = found.get(kind_of(fund), Promised())
        if policy.guarantee_of(PaidForCodes(*codes)):
            after = Promised(before.guaranteed + int(fen), before.other)
        else:
            after = Promised(before.guaranteed, before.other + int(fen))
        found[kind_of(fund)] = after
    return found
