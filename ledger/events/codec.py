"""Events to bytes and back: the register of types, their versions, upcasting."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec

from ledger.errors import IntegrityError
from ledger.events.base import Event
from ledger.events.budget import (
    IndicatorAdjusted,
    IndicatorFrozen,
    IndicatorIssued,
    IndicatorReallocatedIn,
    IndicatorReallocatedOut,
    IndicatorUnfrozen,
    PlanSet,
)
from ledger.events.checkpoints import (
    CheckpointCosigned,
    CheckpointSealed,
    LogKeyRegistered,
    ProvinceSealed,
)
from ledger.events.clearing import (
    ClaimReceipted,
    ClearingCleared,
    ClearingRejected,
    ClearingRequested,
)
from ledger.events.disbursements import (
    DisbursementApproved,
    DisbursementClosed,
    DisbursementDrawn,
    DisbursementLoaded,
    DisbursementOpened,
    DisbursementStarted,
    DisbursementStopped,
)
from ledger.events.journals import JournalPosted
from ledger.events.ledgers import CommandRefused, LedgerOpened, PeriodClosed, SignaturePolicySet
from ledger.events.payments import (
    ManifestSigned,
    PaymentApplied,
    PaymentApproved,
    PaymentRefunded,
    PaymentRejected,
    PaymentWithdrawn,
    VoucherReceipted,
    VoucherSent,
    VoucherSigned,
)
from ledger.events.upcasts import UPCASTERS

V = TypeVar("V", bound=msgspec.Struct)

TYPES: dict[str, type[Event]] = {
    cls.TYPE: cls
    for cls in (
        LedgerOpened,
        SignaturePolicySet,
        PeriodClosed,
        CommandRefused,
        IndicatorIssued,
        IndicatorAdjusted,
        IndicatorReallocatedOut,
        IndicatorReallocatedIn,
        IndicatorFrozen,
        IndicatorUnfrozen,
        PlanSet,
        PaymentApplied,
        PaymentApproved,
        PaymentRejected,
        PaymentWithdrawn,
        ManifestSigned,
        VoucherSigned,
        VoucherSent,
        VoucherReceipted,
        PaymentRefunded,
        DisbursementOpened,
        DisbursementLoaded,
        DisbursementApproved,
        DisbursementStarted,
        DisbursementDrawn,
        DisbursementStopped,
        DisbursementClosed,
        ClearingRequested,
        ClaimReceipted,
        ClearingCleared,
        ClearingRejected,
        JournalPosted,
        LogKeyRegistered,
        CheckpointSealed,
        CheckpointCosigned,
        ProvinceSealed,
    )
}

# "payment.applied", "payment.applied@2"; other names were written through the recorder by other
# applications of the eventsourcing library. The same text serves in SQL.
OWN_TYPE_PATTERN = r"^[a-z_]+\.[a-z_]+(@[0-9]+)?$"
_OWN_TYPE = re.compile(OWN_TYPE_PATTERN, re.ASCII)

encode = msgspec.json.Encoder().encode
_DECODERS = {name: msgspec.json.Decoder(cls).decode for name, cls in TYPES.items()}


def is_own_type(type_name: str) -> bool:
    """Whether a type's name has our shape; another application's recorder may share a ledger."""
    return _OWN_TYPE.fullmatch(type_name) is not None


def base_name(type_name: str) -> str:
    """The name without its version: what a business event is called whenever it was written."""
    return type_name.partition("@")[0]


def type_names(cls: type[Event]) -> tuple[str, ...]:
    """The names under which events of a type are stored: today's, and those of older versions."""
    return tuple(name for name in (*TYPES, *UPCASTERS) if TYPES[_today(name)] is cls)


def _today(type_name: str) -> str:
    """The name of the version that events stored under this one are brought up to."""
    while (step := UPCASTERS.get(type_name)) is not None:
        type_name = step[1]
    return type_name


def decode(type_name: str, payload: bytes) -> Event:
    """The event of a stored row, brought up to today's version of its type.

    Raises:
        IntegrityError: for a type nobody knows, or bytes that are not such an event.
    """
    try:
        if (decoder := _DECODERS.get(type_name)) is not None:
            return decoder(payload)
        if (cls := TYPES.get(_today(type_name))) is not None:
            return msgspec.convert(_upcast(type_name, payload), cls)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"the bytes are no {type_name}: {error}") from error
    raise IntegrityError(f"unknown event type {type_name!r}")


@cache
def decoder(type_name: str, view: type[V]) -> Callable[[bytes], V]:
    """What decodes the stored events of a type into a struct with some of today's fields of it.

    Whoever reads millions of events for a few of their fields need not make the rest of them. What
    it gives raises MsgspecError for bytes that lack one of those fields.
    """
    if type_name in UPCASTERS:
        return lambda payload: msgspec.convert(_upcast(type_name, payload), view)
    return msgspec.json.Decoder(view).decode


def _upcast(type_name: str, payload: bytes) -> dict[str, Any]:
    mapping: dict[str, Any] = msgspec.json.decode(payload)
    while (step := UPCASTERS.get(type_name)) is not None:
        upcast, type_name = step
        mapping = upcast(mapping)
    return mapping
