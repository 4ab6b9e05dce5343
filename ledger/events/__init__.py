"""Every event type of the project: one frozen struct each.

The payload of an event is the JSON of its struct with the element names of the MoF technical
standard; the bytes are stored as they were hashed. Amounts in payloads are yuan text, as everywhere
outside the process. A type's later versions are named ``type@2``; old bytes are upcast when read
and never rewritten. What an event says holds at its own position: figures and names are those of
that moment.
"""

from ledger.events.base import Event, Figures, Yuan
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
    Claim,
    ClaimLine,
    ClaimReceipted,
    ClearingCleared,
    ClearingRejected,
    ClearingRequested,
)
from ledger.events.codec import (
    OWN_TYPE_PATTERN,
    TYPES,
    base_name,
    decode,
    decoder,
    encode,
    is_own_type,
    type_names,
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
from ledger.events.journals import JournalPosted, Line
from ledger.events.ledgers import CommandRefused, LedgerOpened, PeriodClosed, SignaturePolicySet
from ledger.events.payments import (
    FailedDetail,
    ManifestSigned,
    PaymentApplied,
    PaymentApproved,
    PaymentDetail,
    PaymentRefunded,
    PaymentRejected,
    PaymentWithdrawn,
    VoucherReceipted,
    VoucherSent,
    VoucherSigned,
)
from ledger.events.upcasts import UPCASTERS

__all__ = [
    "OWN_TYPE_PATTERN",
    "TYPES",
    "UPCASTERS",
    "CheckpointCosigned",
    "CheckpointSealed",
    "Claim",
    "ClaimLine",
    "ClaimReceipted",
    "ClearingCleared",
    "ClearingRejected",
    "ClearingRequested",
    "CommandRefused",
    "DisbursementApproved",
    "DisbursementClosed",
    "DisbursementDrawn",
    "DisbursementLoaded",
    "DisbursementOpened",
    "DisbursementStarted",
    "DisbursementStopped",
    "Event",
    "FailedDetail",
    "Figures",
    "IndicatorAdjusted",
    "IndicatorFrozen",
    "IndicatorIssued",
    "IndicatorReallocatedIn",
    "IndicatorReallocatedOut",
    "IndicatorUnfrozen",
    "JournalPosted",
    "LedgerOpened",
    "Line",
    "LogKeyRegistered",
    "ManifestSigned",
    "PaymentApplied",
    "PaymentApproved",
    "PaymentDetail",
    "PaymentRefunded",
    "PaymentRejected",
    "PaymentWithdrawn",
    "PeriodClosed",
    "PlanSet",
    "ProvinceSealed",
    "SignaturePolicySet",
    "VoucherReceipted",
    "VoucherSent",
    "VoucherSigned",
    "Yuan",
    "base_name",
    "decode",
    "decoder",
    "encode",
    "is_own_type",
    "type_names",
]
