"""待处理 as an object: what waits, and whether it is settled."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace

from ledger.deciding.objects import Kind
from ledger.deciding.tables import ObjectTable, TableRow
from ledger.events import Event
from ledger.money import stored_fen, yuan
from payments.refunds.booking import Noticed, NoticedLine
from payments.refunds.events import HeldLine, SuspenseHeld, SuspenseResolved

WAITING, BOOKED, NONE_OF_OURS = "waiting", "booked", "none_of_ours"
SUSPENSE_STATES = (WAITING, BOOKED, NONE_OF_OURS)


class SuspenseItem(msgspec.Struct, frozen=True):
    """A notice in suspense."""

    held: SuspenseHeld
    resolved: SuspenseResolved | None = None

    @property
    def state(self) -> str:
        if self.resolved is None:
            return WAITING
        return NONE_OF_OURS if self.resolved.is_none_of_ours else BOOKED


def _fold(item: SuspenseItem | None, event: Event) -> SuspenseItem | None:
    if isinstance(event, SuspenseHeld):
        return SuspenseItem(event)
    if isinstance(event, SuspenseResolved) and item is not None:
        return replace(item, resolved=event)
    return item


def as_held(noticed: Noticed | None) -> dict[str, Any]:
    """What an event keeps of a notice that was read; the reverse is :func:`noticed_in`."""
    if noticed is None:
        return {}
    return {
        "refund_amt": yuan(noticed.refund_fen),
        "pay_date": noticed.pay_date.isoformat(),
        "agent_business_no": noticed.agent_business_no,
        "remark": noticed.remark,
        "lines": tuple(
            HeldLine(
                pay_detail_id=line.detail_id,
                refund_amt=yuan(line.refund_fen),
                payee_acct_no=line.payee_acct_no,
            )
            for line in noticed.lines
        ),
    }


def noticed_in(held: SuspenseHeld) -> Noticed | None:
    """What a notice in suspense says; None where it could not be read."""
    if not held.pay_date:
        return None
    return Noticed(
        pay_date=date.fromisoformat(held.pay_date),
        agent_business_no=held.agent_business_no,
        remark=held.remark,
        lines=tuple(
            NoticedLine(
                detail_id=line.pay_detail_id,
                payee_acct_no=line.payee_acct_no,
                refund_fen=stored_fen(line.refund_amt),
            )
            for line in held.lines
        ),
    )


def _rows(ledger_id: int, item: SuspenseItem) -> Iterable[TableRow]:
    held = item.held
    yield ledger_id, held.suspense_no, held.pay_app_no, item.state == WAITING


ITEMS = ObjectTable(
    name="suspense_items",
    columns=(
        ("ledger_id", "bigint"),
        ("suspense_no", "text"),
        ("pay_app_no", "text"),
        ("is_waiting", "boolean"),
    ),
    key=2,
    rows=_rows,
)
SUSPENSE: Kind[SuspenseItem] = Kind(
    name="suspense", opened_by="bank.notice", fold=_fold, tables=(ITEMS,)
)
