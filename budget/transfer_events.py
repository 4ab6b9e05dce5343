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
_BACK_FROM_BELOW: AmountMoves = {"indicator": {"rest": 1}}
_GIVEN_UP: AmountMoves = {"indicator": {"rest": -1}}
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
        moves=("budget_row", "received_transfer", "transfer", "sent_below", "tier_funds"),
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
        title="转移支付接收确认",
    )
    transfer_no: str
    rec_no: str
    amt: Yuan
    accepted: EventPlace
    by: str


class TransferReductionAsked(Event, frozen=True, kw_only=True):
    """转移支付调减: the receiver is asked to give up ``amt``; nothing moves before it has.

    ``rest_amt`` is what the receiver had not allotted when that was looked at; "" where it had
    entered nothing.
    """

    TYPE: ClassVar[str] = "transfer.reduction_asked"
    TRAITS: ClassVar[Traits] = Traits(
        subject="transfer", asked_by="transfer.reduce", moves=("transfer",), title="转移支付调减"
    )
    transfer_no: str
    reduce_no: str
    amt: Yuan
    reason: str = ""
    rest_amt: str = ""
    by: str


class TransferReduced(Event, frozen=True, kw_only=True):
    """转移支付收回: what the receiver has given up, as its event at ``told`` says, is the sender's
    again: asked for by ``reduce_no``, or returned by ``return_no``.

    ``was_accepted`` is whether the sender had it on record as accepted.
    """

    TYPE: ClassVar[str] = "transfer.reduced"
    TRAITS: ClassVar[Traits] = Traits(
        subject="transfer",
        asked_by="transfer.note_reduction",
        moves=("budget_row", "received_transfer", "transfer", "sent_below", "tier_funds"),
        posts={"transfer.reduced": RuleNeeds(ELEMENTS, {"amount": _BACK_FROM_BELOW})},
        title="转移支付收回",
    )
    transfer_no: str
    reduce_no: str = ""
    return_no: str = ""
    amt: Yuan
    told: EventPlace
    rec_div_code: str
    bgt_doc_no: str
    bgt_pman_id: str = ""
    sup_bgt_doc_no: str = ""
    fund_type_code: str = ""
    is_dir_code: str = ""
    was_accepted: bool
    by: str


class TransferReductionDropped(Event, frozen=True, kw_only=True):
    """调减未果: the receiver has allotted too much to give ``amt`` up, as its event says."""

    TYPE: ClassVar[str] = "transfer.reduction_dropped"
    TRAITS: ClassVar[Traits] = Traits(
        subject="transfer",
        asked_by="transfer.drop_reduction",
        moves=("transfer",),
        title="转移支付调减未果",
    )
    transfer_no: str
    reduce_no: str
    amt: Yuan
    told: EventPlace
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


class _OfReduction(Event, frozen=True, kw_only=True):
    """What becomes of a reduction that the sender's event at ``asked`` asks for."""

    sup_bgt_doc_no: str
    from_ledger: str
    transfer_no: str
    reduce_no: str
    amt: Yuan
    asked: EventPlace


class TransferReductionTaken(_OfReduction, frozen=True, kw_only=True):
    """调减: ``amt`` that was not allotted is the sender's again; ``was_accepted`` is whether it had
    been accepted."""

    TYPE: ClassVar[str] = "transfer.reduction_taken"
    TRAITS: ClassVar[Traits] = Traits(
        subject="received_transfer",
        asked_by="transfer.take_reduction",
        moves=("received_transfer", "from_above"),
        posts={"transfer.reduction_taken": RuleNeeds(ELEMENTS, {"amount": _GIVEN_UP})},
        title="上级转移支付调减",
    )
    was_accepted: bool
    by: str


class TransferReductionDeclined(_OfReduction, frozen=True, kw_only=True):
    """调减未果: of what was received no more than ``rest_amt`` is not allotted."""

    TYPE: ClassVar[str] = "transfer.reduction_declined"
    TRAITS: ClassVar[Traits] = Traits(
        subject="received_transfer",
        asked_by="transfer.take_reduction",
        title="上级转移支付调减未果",
    )
    rest_amt: Yuan
    by: str


class TransferGivenBack(Event, frozen=True, kw_only=True):
    """退回: all that was received by the document goes back; nothing of it was allotted."""

    TYPE: ClassVar[str] = "transfer.given_back"
    TRAITS: ClassVar[Traits] = Traits(
        subject="received_transfer",
        asked_by="transfer.give_back",
        moves=("received_transfer", "from_above"),
        posts={"transfer.given_back": RuleNeeds(ELEMENTS, {"amount": _GIVEN_UP})},
        ends=True,
        title="上级转移支付退回",
    )
    sup_bgt_doc_no: str
    return_no: str
    from_ledger: str
    transfer_no: str
    amt: Yuan
    was_accepted: bool
    reason: str = ""
    by: str


register(
    TransferReductionAsked,
    TransferReduced,
    TransferReductionDropped,
    TransferReductionTaken,
    TransferReductionDeclined,
    TransferGivenBack,
    TransferIssued,
    TransferAcceptanceNoted,
    TransferWrittenOff,
    TransferReceived,
    TransferAccepted,
)
