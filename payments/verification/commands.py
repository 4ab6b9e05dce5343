"""Which commands a ledger's events come from: the grammar that its numbers are checked by.

What was asked follows from the event, but for fields that a caller may leave out and that are then
filled in: a dimension of a payment, a business date. Each way of asking has its own fingerprint,
and a key must bear one of them. A field of a command that its event does not bear is taken as left
out.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import product
from typing import Any

import msgspec

from budget import indicators
from budget.events import (
    IndicatorAdjusted,
    IndicatorFrozen,
    IndicatorIssued,
    IndicatorReallocatedIn,
    IndicatorReallocatedOut,
    IndicatorUnfrozen,
    PlanSet,
)
from budget.indicator import DIMENSIONS
from ledger.account_set import SYSTEM_DIVISION
from ledger.calendar import ClosePeriod
from ledger.deciding.command import Command
from ledger.deciding.opening import OpenLedger, OpenSystemLedger
from ledger.errors import RequestError
from ledger.events import Event, JournalPosted, LedgerOpened, PeriodClosed
from ledger.gm import sm3
from ledger.integrity.note import parse_note
from ledger.integrity.verification.numbers import Grammar, Numbered
from ledger.sealing.commands import Cosign, RegisterNoteKey, SealCheckpoint, SealProvince
from ledger.sealing.events import (
    CheckpointCosigned,
    CheckpointSealed,
    LogKeyRegistered,
    ProvinceSealed,
)
from payments.application import ApplyPayment, ApprovePayment, RejectPayment, WithdrawPayment
from payments.clearing.claims import ApplyClaimReceipt, RequestClearing
from payments.clearing.events import (
    ClaimReceipted,
    ClearingCleared,
    ClearingRejected,
    ClearingRequested,
)
from payments.disbursement.commands import (
    ApproveRun,
    CloseRun,
    DrawVoucher,
    LoadLines,
    OpenRun,
    StartRun,
    StopRun,
)
from payments.disbursement.events import (
    DisbursementApproved,
    DisbursementClosed,
    DisbursementDrawn,
    DisbursementLoaded,
    DisbursementOpened,
    DisbursementStarted,
    DisbursementStopped,
)
from payments.events import (
    ManifestSigned,
    PaymentApplied,
    PaymentApproved,
    PaymentRefunded,
    PaymentRejected,
    PaymentWithdrawn,
    SignaturePolicySet,
    VoucherReceipted,
    VoucherSent,
    VoucherSigned,
)
from payments.manifest import SignManifest
from payments.signature_policy import SetSignaturePolicy
from payments.voucher import ApplyReceipt, MarkSent, RefundPayment, SignVoucher

_EPOCH = date(1970, 1, 1).toordinal()

Bodies = Callable[[Any, int], Iterable[object]]


def _same_fields(command: type[Command], event_type: type[Event]) -> Bodies:
    """Bodies that have the event's own fields, dated by the caller or not."""
    names = _shared(command, event_type)

    def bodies(event: Any, day: int) -> Iterator[object]:
        fields = {name: getattr(event, name) for name in names}
        for dated in _dates(day):
            yield command(**fields, effective_on=dated)

    return bodies


def _shared(command: type[Command], event_type: type[Event], *but: str) -> list[str]:
    """The fields that a command and its event both have, without the business date."""
    without = {"effective_on", *but}
    return [
        name
        for name in command.__struct_fields__
        if name in event_type.__struct_fields__ and name not in without
    ]


def _dates(day: int) -> tuple[date | None, ...]:
    return None, date.fromordinal(day + _EPOCH)


def _plans(event: PlanSet, day: int) -> Iterator[object]:
    written: tuple[int | str, ...] = (event.plan_month, *_months(event.plan_month))
    for dated, month in product(_dates(day), written):
        yield indicators.SetPlan(
            bgt_id=event.bgt_id,
            plan_voucher_no=event.plan_voucher_no,
            plan_month=month,
            plan_amt=event.plan_amt,
            effective_on=dated,
        )


def _months(month: int) -> tuple[str, str]:
    return f"{month:02d}", str(month)


_APPLIED = _shared(ApplyPayment, PaymentApplied, *DIMENSIONS)


def _applications(event: PaymentApplied, day: int) -> Iterator[object]:
    """Every combination of dimensions given and left out, the usual ones first."""
    fields = {name: getattr(event, name) for name in _APPLIED}
    dated = _dates(day)[1] if event.dated_by_caller else None
    for given in product((False, True), repeat=len(DIMENSIONS)):
        dimensions: dict[str, Any] = {
            name: getattr(event, name) if has else ""
            for name, has in zip(DIMENSIONS, given, strict=True)
        }
        yield ApplyPayment(**fields, **dimensions, effective_on=dated)


def _receipted(event: Any, _day: int) -> Iterator[object]:
    yield event.receipt_sm3


def _requested(event: ClearingRequested, _day: int) -> Iterator[object]:
    yield RequestClearing(
        clear_no=event.clear_no,
        clear_date=date.fromisoformat(event.clear_date),
        pay_bank_code=event.pay_bank_code,
    )


def _opened(event: LedgerOpened, _day: int) -> Iterator[object]:
    if event.mof_div_code == SYSTEM_DIVISION:
        yield OpenSystemLedger(fiscal_year=event.fiscal_year, name=event.name)
    else:
        yield OpenLedger(
            mof_div_code=event.mof_div_code, fiscal_year=event.fiscal_year, name=event.name
        )


def _run_opened(event: DisbursementOpened, _day: int) -> Iterator[object]:
    yield OpenRun(
        run_no=event.run_no,
        bgt_id=event.bgt_id,
        title=event.title,
        use_des=event.use_des,
        set_mode_code=event.set_mode_code,
        pay_bus_type_code=event.pay_bus_type_code,
        effective_on=date.fromisoformat(event.effective_on) if event.effective_on else None,
    )


def _closed(event: PeriodClosed, _day: int) -> Iterator[object]:
    yield ClosePeriod(through=date.fromisoformat(event.through))


def _note_text(event: CheckpointSealed | ProvinceSealed, _day: int) -> Iterator[str]:
    yield _text_of(event.note)


def _text_of(note: str) -> str:
    """What is signed of a note; "" of one that cannot be read."""
    try:
        return parse_note(note).text
    except RequestError:
        return ""


def _cosigned(event: CheckpointCosigned, _day: int) -> Iterator[object]:
    yield event.origin, event.size


def _manifests(event: ManifestSigned, _day: int) -> Iterator[object]:
    yield event.text, event.cert_serial


_BEGINS: dict[type[Event], Numbered] = {
    LedgerOpened: Numbered(OpenLedger.OPERATION, lambda _: "open", _opened),
    SignaturePolicySet: Numbered(SetSignaturePolicy.OPERATION, None),
    PeriodClosed: Numbered(ClosePeriod.OPERATION, lambda e: e.through, _closed),
    IndicatorIssued: Numbered(
        indicators.IssueIndicator.OPERATION,
        lambda e: e.bgt_id,
        _same_fields(indicators.IssueIndicator, IndicatorIssued),
    ),
    IndicatorAdjusted: Numbered(
        indicators.AdjustIndicator.OPERATION,
        lambda e: e.adj_no,
        _same_fields(indicators.AdjustIndicator, IndicatorAdjusted),
    ),
    IndicatorReallocatedOut: Numbered(
        indicators.ReallocateIndicator.OPERATION,
        lambda e: e.adj_no,
        _same_fields(indicators.ReallocateIndicator, IndicatorReallocatedOut),
    ),
    IndicatorFrozen: Numbered(
        indicators.FreezeIndicator.OPERATION,
        lambda e: e.freeze_no,
        _same_fields(indicators.FreezeIndicator, IndicatorFrozen),
    ),
    IndicatorUnfrozen: Numbered(
        indicators.UnfreezeIndicator.OPERATION,
        lambda e: e.freeze_no,
        _same_fields(indicators.UnfreezeIndicator, IndicatorUnfrozen),
    ),
    PlanSet: Numbered(indicators.SetPlan.OPERATION, lambda e: e.plan_voucher_no, _plans),
    PaymentApplied: Numbered(ApplyPayment.OPERATION, lambda e: e.pay_app_no, _applications),
    PaymentApproved: Numbered(ApprovePayment.OPERATION, None),
    PaymentRejected: Numbered(RejectPayment.OPERATION, None),
    PaymentWithdrawn: Numbered(WithdrawPayment.OPERATION, None),
    ManifestSigned: Numbered(SignManifest.OPERATION, lambda e: e.manifest_no, _manifests),
    VoucherSigned: Numbered(SignVoucher.OPERATION, None),
    VoucherSent: Numbered(MarkSent.OPERATION, None),
    VoucherReceipted: Numbered(
        ApplyReceipt.OPERATION, lambda e: f"{e.pay_cert_no}/{e.receipt_sm3[:16]}", _receipted
    ),
    PaymentRefunded: Numbered(
        RefundPayment.OPERATION,
        lambda e: e.refund_no,
        _same_fields(RefundPayment, PaymentRefunded),
    ),
    ClearingRequested: Numbered(RequestClearing.OPERATION, lambda e: e.clear_no, _requested),
    ClaimReceipted: Numbered(
        ApplyClaimReceipt.OPERATION, lambda e: f"{e.voucher_no}/{e.receipt_sm3[:16]}", _receipted
    ),
    DisbursementOpened: Numbered(OpenRun.OPERATION, lambda e: e.run_no, _run_opened),
    LogKeyRegistered: Numbered(
        RegisterNoteKey.OPERATION,
        lambda e: f"{e.name}:{e.key_hash}",
        lambda e, _: [RegisterNoteKey(name=e.name, key_hash=e.key_hash, public_key=e.public_key)],
    ),
    CheckpointSealed: Numbered(
        SealCheckpoint.OPERATION, lambda e: f"{e.origin}:{e.size}", _note_text
    ),
    ProvinceSealed: Numbered(
        SealProvince.OPERATION, lambda e: sm3(_text_of(e.note).encode()).hex(), _note_text
    ),
    CheckpointCosigned: Numbered(
        Cosign.OPERATION, lambda e: f"{e.position}:{e.witness}", _cosigned
    ),
    DisbursementLoaded: Numbered(LoadLines.OPERATION, None),
    DisbursementApproved: Numbered(ApproveRun.OPERATION, None),
    DisbursementStarted: Numbered(StartRun.OPERATION, None),
    DisbursementDrawn: Numbered(DrawVoucher.OPERATION, None),
    DisbursementStopped: Numbered(StopRun.OPERATION, None),
    DisbursementClosed: Numbered(CloseRun.OPERATION, None),
}
_FOLLOWS = (
    JournalPosted,
    IndicatorReallocatedIn,
    ClearingCleared,
    ClearingRejected,
)
_RUN_EVENTS = {
    cls.TYPE.encode()
    for cls in (
        DisbursementApproved,
        DisbursementDrawn,
        DisbursementClosed,
    )
}
_RUN_MONEY = {cls.TYPE.encode() for cls in (IndicatorFrozen, IndicatorUnfrozen)}


class _Run(msgspec.Struct):
    run_no: str


class _Frozen(msgspec.Struct):
    freeze_no: str


def _run_moves_money(before: bytes, before_payload: bytes, type_: bytes, payload: bytes) -> bool:
    """What a run freezes or sets free stands behind the run's own event, under the run's number."""
    if type_ not in _RUN_MONEY or before not in _RUN_EVENTS:
        return False
    try:
        run = msgspec.json.decode(before_payload, type=_Run)
        return msgspec.json.decode(payload, type=_Frozen).freeze_no == run.run_no
    except msgspec.MsgspecError:
        return False


GRAMMAR = Grammar(
    begins={cls.TYPE.encode(): numbered for cls, numbered in _BEGINS.items()},
    follows=frozenset(cls.TYPE.encode() for cls in _FOLLOWS),
    follows_closely=_run_moves_money,
)
