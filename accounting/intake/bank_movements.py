"""银行收付: what the books have moved on the word of banks, by number and by the bank's own day.

One rule says which event is a movement of which kind of voucher. A table holds the movements as far
as they were asked for: a reading of the events, and no truth of its own; a verification reads the
events themselves.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import psycopg

from accounting.reconciliation.matching import BankMovement
from ledger.events import Event, decode, type_names
from ledger.money import stored_fen
from ledger.verification.checks import dispose
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.events import PaymentApproved, PaymentRefunded, VoucherReceipted
from payments.income_order_events import IncomeRefundReturned
from payments.messages.message_types import CENTRAL_BANK_CODE, SignedBy
from payments.messages.vt_codes import INCOME_REFUND_RETURN, ORDER_RETURN, voucher_code
from payments.order_answers import ORDER_RECEIPTS, ORDER_RETURNS
from payments.orders.ordering import vt_code_of

dispose("bank_movements", "a reading of the events for reconciliations; verified against them")
dispose("bank_movement_positions", "up to where that was read")

FOLLOWED_MAX = 50_000  # positions read at once
NUMBERS_AT_ONCE = 5_000

CENTRAL_BANK = SignedBy.CENTRAL_BANK.subject(CENTRAL_BANK_CODE)
_ASKED = (*type_names(PaymentApproved), *type_names(ClearingRequested))
# with each the event of its own stream that says whose it is
_EVENTS = """
SELECT e.position, e.type, e.payload, a.type, a.payload FROM events e
LEFT JOIN LATERAL (
    SELECT type, payload FROM events o WHERE o.ledger_id = e.ledger_id
    AND o.stream_id = e.stream_id AND o.type = ANY(%(asked)s) LIMIT 1) a ON true
WHERE e.ledger_id = %(key)s AND e.position > %(after)s AND e.position <= %(upto)s
AND e.type = ANY(%(told)s) ORDER BY e.position"""
_INSERT = """
INSERT INTO bank_movements (ledger_id, position, sender, e_voucher_type, number, day, fen)
SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::date[], %s::bigint[])
"""
_BY_NUMBER = """
SELECT number, day, fen FROM bank_movements WHERE ledger_id = %(key)s AND sender = %(sender)s
AND e_voucher_type = ANY(%(kinds)s) AND number = ANY(%(numbers)s) AND position <= %(upto)s
ORDER BY position"""
_BY_DAY = """
SELECT number, day, fen FROM bank_movements WHERE ledger_id = %(key)s AND sender = %(sender)s
AND e_voucher_type = ANY(%(kinds)s) AND day BETWEEN %(begin)s AND %(end)s AND position <= %(upto)s
ORDER BY number, position"""


class ToldMovement(NamedTuple):
    """A movement, and whose it is: ``sender`` by the subject of its certificates."""

    position: int
    sender: str
    e_voucher_type: str
    movement: BankMovement


Read = Callable[[int, Any, Any], ToldMovement | None]
_reading: dict[str, Read] = {}  # by stored type


def _told_by(*types: type[Event]) -> Callable[[Read], Read]:
    """Enters how events of these types tell of a movement; of former ones, too."""

    def enter(read: Read) -> Read:
        _reading.update({name: read for cls in types for name in type_names(cls)})
        return read

    return enter


def moved_by(name: str, position: int, event: Event, asked: Event | None) -> ToldMovement | None:
    """The movement that an event tells of; None where nothing was moved, or no bank has said so.

    Args:
        name: its stored type.
        asked: the approval of its payment, or what was claimed.
    """
    read = _reading.get(name)
    return None if read is None else read(position, event, asked)


@_told_by(VoucherReceipted)
def _of_voucher(position: int, event: Any, asked: Any) -> ToldMovement | None:
    if asked is None:
        return None
    bank = SignedBy.AGENT_BANK.subject(asked.pay_bank_code)
    told = event.pay_cert_no, event.xpay_date, event.xpay_amt
    return _moved(position, bank, voucher_code(event.pay_acct_no), *told)


@_told_by(PaymentRefunded)
def _of_refund(position: int, event: Any, _asked: Any) -> ToldMovement | None:
    if not event.notice_no:  # of a former release, on a person's word
        return None
    bank = SignedBy.AGENT_BANK.subject(event.pay_bank_code)
    told = event.notice_no, event.refund_date, event.refund_amt
    return _moved(position, bank, event.vt_code, *told)


@_told_by(ClaimReceipted)
def _of_claim(position: int, event: Any, asked: Any) -> ToldMovement | None:
    claims = {each.voucher_no: each.vt_code for each in asked.claims} if asked else {}
    kind = claims.get(event.voucher_no, "")
    told = event.voucher_no, event.xclear_date, event.xpay_amt
    return _moved(position, CENTRAL_BANK, kind, *told)


@_told_by(*ORDER_RECEIPTS)
def _of_order(position: int, event: Any, _asked: Any) -> ToldMovement | None:
    kind = vt_code_of(event.voucher_no)
    told = event.voucher_no, event.xpay_date, event.xpay_amt
    return _moved(position, CENTRAL_BANK, kind, *told)


@_told_by(*ORDER_RETURNS)
def _of_order_return(position: int, event: Any, _asked: Any) -> ToldMovement | None:
    kind = INCOME_REFUND_RETURN if isinstance(event, IncomeRefundReturned) else ORDER_RETURN
    return _moved(position, CENTRAL_BANK, kind, event.notice_no, event.return_date, event.amt)


def _moved(
    position: int, sender: str, kind: str, number: str, day: str, amt: str
) -> ToldMovement | None:
    if not (fen := stored_fen(amt)):
        return None
    return ToldMovement(position, sender, kind, BankMovement(number, date.fromisoformat(day), fen))


def read_moved(
    connection: psycopg.Connection, key: int, after: int, upto: int
) -> Iterator[ToldMovement]:
    """What the events ``after < position <= upto`` tell of, in order; read in parts."""
    for first in range(after, upto, FOLLOWED_MAX):
        asked = {
            "key": key,
            "after": first,
            "upto": min(upto, first + FOLLOWED_MAX),
            "asked": list(_ASKED),
            "told": list(_reading),
        }
        for position, name, payload, of, whose in connection.execute(
            _EVENTS.encode(), asked, binary=True
        ):
            before = decode(of, whose) if of else None
            if (moved := moved_by(name, position, decode(name, payload), before)) is not None:
                yield moved


def follow(connection: psycopg.Connection, key: int) -> int:
    """Reads a ledger's movements into the table, from where it was read before; the position up to
    which it holds them. The caller commits."""
    connection.execute(
        "INSERT INTO bank_movement_positions (ledger_id) SELECT ledger_id FROM ledgers"
        " WHERE ledger_id = %s ON CONFLICT DO NOTHING",
        (key,),
    )
    row = connection.execute(
        "SELECT i.position, l.position FROM bank_movement_positions i"
        " JOIN ledgers l USING (ledger_id) WHERE i.ledger_id = %s FOR UPDATE OF i",
        (key,),
    ).fetchone()
    if row is None:
        return 0
    after, head = row
    for first in range(after, head, FOLLOWED_MAX):
        part = list(read_moved(connection, key, first, min(head, first + FOLLOWED_MAX)))
        _insert(connection, key, part)
    connection.execute(
        "UPDATE bank_movement_positions SET position = %s WHERE ledger_id = %s", (head, key)
    )
    return int(head)


def _insert(connection: psycopg.Connection, key: int, part: Sequence[ToldMovement]) -> None:
    if part:
        columns = zip(
            *((m.position, m.sender, m.e_voucher_type, *m.movement) for m in part), strict=True
        )
        connection.execute(_INSERT, (key, *map(list, columns)))


class BookedMovements:
    """What a ledger has moved with one bank by vouchers of some kinds, as of a position."""

    def __init__(
        self, connection: psycopg.Connection, key: int, sender: str, e_voucher_type: str, upto: int
    ) -> None:
        self._connection = connection
        self._asked = {
            "key": key,
            "sender": sender,
            "kinds": e_voucher_type.split(","),
            "upto": upto,
        }

    def under(self, numbers: Iterable[str]) -> Mapping[str, Sequence[BankMovement]]:
        """By number, on whatever days."""
        wanted, found = list(numbers), dict[str, list[BankMovement]]()
        for first in range(0, len(wanted), NUMBERS_AT_ONCE):
            part = wanted[first : first + NUMBERS_AT_ONCE]
            for row in self._connection.execute(_BY_NUMBER, {**self._asked, "numbers": part}):
                found.setdefault(row[0], []).append(BankMovement(*row))
        return found

    def on(self, begin: date, end: date) -> Iterator[BankMovement]:
        """Of these days, by number."""
        days = {"begin": begin, "end": end}
        for row in self._connection.execute(_BY_DAY, {**self._asked, **days}):
            yield BankMovement(*row)
