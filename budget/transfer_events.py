"""转移支付: what a tier sends to a tier below, and what it has from the tier above.

Sender and receiver are two ledgers, and each tells its own side. An event that answers the other
side names where in that ledger's history it stands, its digest and the chain behind it, so that
whoever has both histories can hold the one against the other.
"""

from typing import ClassVar

import msgspec

from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register

ELEMENTS = ("fund_type_code",)  # by which rules of transfers may tell accounts
_SENT: AmountMoves = {"indicator": {"rest": -1}}
_RECEIVED: AmountMoves = {"indicator": {"rest": 1}}


class EventPlace(msgspec.Struct, frozen=True, gc=False):
    """Where an event of another ledger stands: its position, its digest, and the chain after the
    commit that brought it, both in hex."""

    ledger: str
    position: int
    digest: str
    chain: str


class TransferTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is sent: the same at both ends.

    Attributes:
        tp_func_code: 转移支付功能科目, 230 and what is below it.
        is_dir_code, track_pro_code: 直达资金标识, 追踪项目, which whatever is made of it keeps.
    """

    tp_func_code: str
    fund_type_code: str
    amt: Yuan
    pro_code: str = ""
    bgt_doc_title: str = ""
    is_dir_code: str = ""
    track_pro_code: str = ""


# ---- of the sender


class TransferIssued(Event, frozen=True, kw_only=True):
    """转移支付下达: ``amt`` of a row of the budget, or of what ``sup_bgt_doc_no`` has brought, is
    the tier's below from here on; ``bgt_doc_no`` is by what it is known there."""

    TYPE: ClassVar[str] = "transfer.issued"
    TRAITS: ClassVar[Traits] = Traits(
        subject="transfer",
        asked_by="transfer.issue",
        moves=("budget_row", "received_transfer", "transfer", "sent_below"),
        posts={"transfer.issued": RuleNeeds(ELEMENTS, {"amount": _SENT})},
        title="转移支付下达",
    )
    transfer_no: str
    rec_div_code: str
    bgt_doc_no: str
    tp_func_code: str
    fund_type_code: str
    pro_code: str = ""
    amt: Yuan
    bgt_pman_id: str = ""
    sup_bgt_doc_no: str = ""
    bgt_doc_title: str = ""
    is_dir_code: str = ""
    track_pro_code: str = ""
    by: str


class TransferAcceptanceNoted(Event, frozen=True, kw_only=True):
    """接收确认: the receiver has accepted what was sent, as its event at ``accepted`` says."""

    TYPE: ClassVar[str] = "transfer.acceptance_noted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="transfer",
        asked_by="transfer.note_acceptance",
        moves=("transfer",),
        ends=True,
        title="转移支付接收确认",
    )
    transfer_no: str
    rec_no: str
    amt: Yuan
    accepted: EventPlace
    by: str


class TransferWrittenOff(Event, frozen=True, kw_only=True):
    """转移支付核销: what was sent leaves the book of a year that is closed."""

    TYPE: ClassVar[str] = "transfer.written_off"
    TRAITS: ClassVar[Traits] = Traits(
        subject="transfer",
        asked_by="transfer.write_off",
        moves=("transfer",),
        posts={"transfer.written_off": RuleNeeds(ELEMENTS, {"amount": {"indicator": {}}})},
        title="转移支付核销",
    )
    transfer_no: str
    amt: Yuan
    by: str


# ---- of the receiver


class TransferReceived(Event, frozen=True, kw_only=True):
    """上级转移支付接收登记: a source of the budget, as the sender's event at ``issued`` says; it is
    allotted when it was accepted."""

    TYPE: ClassVar[str] = "transfer.received"
    TRAITS: ClassVar[Traits] = Traits(
        subject="received_transfer",
        asked_by="transfer.receive",
        moves=("received_transfer", "from_above"),
        posts={"transfer.received": RuleNeeds(ELEMENTS, {"amount": _RECEIVED})},
        title="上级转移支付接收登记",
    )
    sup_bgt_doc_no: str
    transfer_no: str
    terms: TransferTerms
    issued: EventPlace
    by: str


class TransferAccepted(Event, frozen=True, kw_only=True):
    """上级转移支付接收: a person of the receiver has seen to it, and units may have it."""

    TYPE: ClassVar[str] = "transfer.accepted"
    TRAITS: ClassVar[Traits] = Traits(
        subject="received_transfer",
        asked_by="transfer.accept",
        moves=("from_above",),
        ends=True,
        title="上级转移支付接收",
    )
    sup_bgt_doc_no: str
    rec_no: str
    from_ledger: str
    transfer_no: str
    amt: Yuan
    by: str


register(
    TransferIssued,
    TransferAcceptanceNoted,
    TransferWrittenOff,
    TransferReceived,
    TransferAccepted,
)
