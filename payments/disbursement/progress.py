"""How a run stands, read from the events of its payments: of each voucher, and of each line.

Nothing here is remembered by whoever executes, so a run shows the same after a kill as before it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import psycopg

from ledger.events import Event, decode, names_that, type_names
from ledger.money import parse_yuan
from payments.application import DETAILS_MAX
from payments.disbursement.events import DisbursementDrawn, DisbursementStarted
from payments.disbursement.lines import StoredLine, parse_line, read_canonical
from payments.disbursement.run import Run, payment_number
from payments.events import (
    FailedDetail,
    PaymentApplied,
    PaymentApproved,
    PaymentRefunded,
    PaymentRejected,
    PaymentWithdrawn,
    VoucherReceipted,
    VoucherRefused,
    VoucherSent,
    VoucherSigned,
)
from payments.payment import (
    APPLIED,
    APPROVED,
    FAILED,
    PAID,
    PAYMENT,
    REFUNDED,
    REJECTED,
    SENT,
    SIGNED,
    VOIDED,
    WITHDRAWN,
)
from payments.return_events import PaymentReturned
from payments.void_events import PaymentVoided

PENDING = "pending"  # of a line whose voucher is not drawn yet
FINAL = (PAID, "partially_paid", FAILED, REFUNDED, REJECTED, WITHDRAWN, VOIDED)

# of the application only that it is there: its lines are most of what a run stores
_EVENTS = """
SELECT k.number, e.position, e.type, CASE WHEN e.type <> %(applied)s THEN e.payload END
FROM unnest(%(numbers)s::text[]) AS n (number)
JOIN command_keys k ON k.ledger_id = %(ledger_id)s AND k.operation = %(opened_by)s
 AND k.number = n.number
JOIN events e ON e.ledger_id = k.ledger_id AND e.stream_id = k.stream_id
WHERE e.type = ANY(%(types)s) ORDER BY k.number, e.stream_version"""


class Voucher(msgspec.Struct):
    """One voucher of a run.

    Attributes:
        roles: that must sign, in order; ``signed`` of them have.
        acted_at: the position of its last event.
        failed: lines that the bank could not pay.
        refunded_fen: what came back of what was paid.
        is_refused: by the bank, and not taken in since.
    """

    pay_app_no: str
    status: str = APPLIED
    acted_at: int = 0
    is_refused: bool = False
    roles: tuple[str, ...] = ()
    signed: int = 0
    failed: tuple[FailedDetail, ...] = ()
    xpay_fen: int = 0
    refunded_fen: int = 0

    @property
    def next_role(self) -> str:
        """Whose signature it waits for, "" for nobody's."""
        return self.roles[self.signed] if self.status == APPROVED else ""


class Totals(msgspec.Struct, kw_only=True):
    """Figures of a whole run; a line is paid, failed, or still without an outcome."""

    vouchers_by_status: dict[str, int]
    paid_count: int = 0
    failed_count: int = 0
    paid_fen: int = 0
    failed_fen: int = 0
    refunded_fen: int = 0


class LineResult(msgspec.Struct, frozen=True):
    """A line and what became of it."""

    line: StoredLine
    pay_app_no: str
    outcome: str
    xpay_fen: int
    xadd_word: str


def read_vouchers(
    connection: psycopg.Connection, ledger_id: int, pay_app_nos: Sequence[str]
) -> dict[str, Voucher]:
    """The vouchers that were drawn among these, by number, in order."""
    vouchers: dict[str, Voucher] = {}
    rows = connection.execute(
        _EVENTS,
        {
            "ledger_id": ledger_id,
            "opened_by": PAYMENT.opened_by,
            "applied": PaymentApplied.TYPE,
            "numbers": list(pay_app_nos),
            "types": list(names_that(lambda traits: traits.subject == PAYMENT.name)),
        },
    )
    for number, position, type_name, payload in rows:
        if payload is None:
            vouchers[number] = Voucher(number, acted_at=position)
        elif number in vouchers:
            vouchers[number].acted_at = position
            _change(vouchers[number], decode(type_name, payload))
    return vouchers


def _change(voucher: Voucher, event: Event) -> None:
    match event:
        case PaymentApproved():
            voucher.status, voucher.roles = APPROVED, event.roles
        case PaymentRejected():
            voucher.status = REJECTED
        case PaymentWithdrawn():
            voucher.status = WITHDRAWN
        case PaymentVoided():
            voucher.status = VOIDED
        case VoucherSigned():
            voucher.signed += 1
            voucher.status = SIGNED if event.final else voucher.status
        case VoucherSent() if voucher.status == SIGNED:
            voucher.status, voucher.is_refused = SENT, False
        case VoucherRefused():
            voucher.is_refused = True
        case VoucherReceipted():
            voucher.status, voucher.failed = event.outcome, event.failed
            voucher.xpay_fen = parse_yuan(event.xpay_amt, zero=True)
        case PaymentRefunded() | PaymentReturned():
            voucher.refunded_fen += parse_yuan(event.refund_amt)
            if voucher.refunded_fen == voucher.xpay_fen:
                voucher.status = REFUNDED


def read_started(
    connection: psycopg.Connection, ledger_id: int, stream_id: object
) -> dict[str, int]:
    """By role the position at which the run was last taken on."""
    rows = connection.execute(
        "SELECT position, type, payload FROM events"
        " WHERE ledger_id = %s AND stream_id = %s AND type = ANY(%s) ORDER BY stream_version",
        (ledger_id, stream_id, list(type_names(DisbursementStarted))),
    )
    started: dict[str, int] = {}
    for position, type_name, payload in rows:
        event = decode(type_name, payload)
        assert isinstance(event, DisbursementStarted)
        started[event.role] = position
    return started


def totals(run: Run, vouchers: Mapping[str, Voucher], drawn_fen: Mapping[str, int]) -> Totals:
    """The figures of a run from its vouchers and their amounts."""
    found = Totals(vouchers_by_status={})
    for voucher in vouchers.values():
        by_status = found.vouchers_by_status
        by_status[voucher.status] = by_status.get(voucher.status, 0) + 1
        found.refunded_fen += voucher.refunded_fen
        if voucher.status in FINAL:
            lines = _lines_of(run, voucher.pay_app_no)
            ended = voucher.status in (REJECTED, WITHDRAWN, VOIDED)
            failed = lines if ended else len(voucher.failed)
            found.failed_count += failed
            found.paid_count += lines - failed
            found.paid_fen += voucher.xpay_fen
            found.failed_fen += drawn_fen.get(voucher.pay_app_no, 0) - voucher.xpay_fen
    return found


def _lines_of(run: Run, pay_app_no: str) -> int:
    assert run.approved is not None
    before = (int(pay_app_no[len(run.run_no) + 1 :]) - 1) * DETAILS_MAX
    return min(DETAILS_MAX, run.approved.line_count - before)


def read_drawn(connection: psycopg.Connection, ledger_id: int, stream_id: object) -> dict[str, int]:
    """The amount in fen of each voucher that was drawn, by payment number."""
    rows = connection.execute(
        "SELECT type, payload FROM events"
        " WHERE ledger_id = %s AND stream_id = %s AND type = ANY(%s)",
        (ledger_id, stream_id, list(type_names(DisbursementDrawn))),
    )
    drawn = {}
    for type_name, payload in rows:
        event = decode(type_name, payload)
        assert isinstance(event, DisbursementDrawn)
        drawn[event.pay_app_no] = parse_yuan(event.pay_amt)
    return drawn


def read_results(
    connection: psycopg.Connection, ledger_id: int, run_no: str, first: int, last: int
) -> list[LineResult]:
    """Lines ``first`` to ``last`` with their outcomes, in order; they are held in memory."""
    lines = [parse_line(c) for c in read_canonical(connection, ledger_id, run_no, first, last)]
    return list(_with_outcomes(connection, ledger_id, run_no, lines))


def _with_outcomes(
    connection: psycopg.Connection, ledger_id: int, run_no: str, lines: Iterable[StoredLine]
) -> Iterator[LineResult]:
    numbered = [
        (line, payment_number(run_no, 1 + (line.line_no - 1) // DETAILS_MAX)) for line in lines
    ]
    vouchers = read_vouchers(connection, ledger_id, sorted({number for _, number in numbered}))
    reasons = {
        number: {detail.pay_detail_id: detail.xadd_word for detail in voucher.failed}
        for number, voucher in vouchers.items()
    }
    for line, number in numbered:
        if number not in vouchers:
            yield LineResult(line, "", PENDING, 0, "")
            continue
        status = vouchers[number].status
        if vouchers[number].xpay_fen or reasons[number]:
            reason = reasons[number].get(line.pay_detail_id)
            if reason is not None:
                yield LineResult(line, number, FAILED, 0, reason)
            else:
                outcome = status if status == REFUNDED else PAID
                yield LineResult(line, number, outcome, line.pay_fen, "")
        else:
            yield LineResult(line, number, status, 0, "")
