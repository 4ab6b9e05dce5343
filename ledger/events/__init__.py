"""Events: what happened, one frozen struct for each type, beside the fields what the type is.

The payload of an event is the JSON of its struct with the element names of the MoF technical
standard; the bytes are stored as they were hashed. Amounts in payloads are yuan text, as everywhere
outside the process. A type's later versions are named ``type@2``; old bytes are upcast when read
and never rewritten. What an event says holds at its own position: figures and names are those of
that moment. Each domain has its own types (``budget.events``, ``payments.events``, …) and enters
them in the registry; here are those of every ledger.
"""

from ledger.events.base import LEDGER, Event, Traits, Yuan
from ledger.events.codec import decode, decoder, encode
from ledger.events.documents import (
    ApprovalPolicySet,
    DocumentApproved,
    DocumentReturned,
    DocumentSubmitted,
    Policy,
)
from ledger.events.journals import JournalPosted, Line, PostedView
from ledger.events.ledgers import (
    ClockCorrected,
    CommandRefused,
    FloorsDated,
    LedgerOpened,
    LossAccepted,
    OpenItem,
    PeriodClosed,
    PeriodReopened,
    StandingHead,
    StandingNoted,
    YearClosed,
)
from ledger.events.needs import AmountMoves, Needs, RuleNeeds
from ledger.events.registry import (
    OWN_TYPE_PATTERN,
    TYPES,
    UPCASTS,
    base_name,
    is_own_type,
    names_that,
    of_year,
    register,
    renamed,
    rule_needs,
    title_of,
    type_names,
    types_that,
)
from ledger.events.sharing import sharing

__all__ = [
    "LEDGER",
    "OWN_TYPE_PATTERN",
    "TYPES",
    "UPCASTS",
    "AmountMoves",
    "ApprovalPolicySet",
    "ClockCorrected",
    "CommandRefused",
    "DocumentApproved",
    "DocumentReturned",
    "DocumentSubmitted",
    "Event",
    "FloorsDated",
    "JournalPosted",
    "LedgerOpened",
    "Line",
    "LossAccepted",
    "Needs",
    "OpenItem",
    "PeriodClosed",
    "PeriodReopened",
    "Policy",
    "PostedView",
    "RuleNeeds",
    "StandingHead",
    "StandingNoted",
    "Traits",
    "YearClosed",
    "Yuan",
    "base_name",
    "decode",
    "decoder",
    "encode",
    "is_own_type",
    "names_that",
    "of_year",
    "register",
    "renamed",
    "rule_needs",
    "sharing",
    "title_of",
    "type_names",
    "types_that",
]
