"""What read models read of events: a few of their fields.

Making a field of an event costs as much as using it, and dropping it again half of that. Types that
several models follow have one view with the fields that all of them need, so that each such event
is decoded once.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from budget.balances import BALANCES
from budget.pending import PENDING
from ledger.books.posted import Posted
from ledger.events import Event, JournalPosted, types_that
from payments.correction_events import CorrectionTaken, PaymentCorrected, RefundShared, WaitingPart
from payments.events import (
    PaymentApplied,
    PaymentApproved,
    PaymentRefunded,
    PaymentRejected,
    PaymentWithdrawn,
    VoucherReceipted,
    VoucherSent,
    VoucherSigned,
)
from payments.return_events import PaymentReturned, PriorReturnCarried, PriorReturnTakenBack
from payments.void_events import PaymentVoided


class FiguresView(msgspec.Struct, frozen=True, gc=False):
    """Those of an event's ``Figures`` that the others follow from, in yuan."""

    canuse_amt: str
    frozen_amt: str
    pay_app_amt: str
    pay_amt: str
    plan_amt: str


class Moved(msgspec.Struct, frozen=True, gc=False):
    """What an event that a journal follows tells of an indicator."""

    figures: FiguresView


class _Line(msgspec.Struct, frozen=True, gc=False):
    """That it is there is enough."""


class Applied(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of ``PaymentApplied``."""

    pay_app_no: str
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    pay_amt: str
    payee_acct_name: str = ""
    payee_acct_no: str = ""
    payee_acct_bank_name: str = ""
    use_des: str
    details: tuple[_Line, ...] = ()
    figures: FiguresView
    by: str


class Approved(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentApproved``."""

    pay_app_no: str
    pay_cert_no: str
    pay_bank_code: str
    by: str


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentRejected``."""

    pay_app_no: str
    figures: FiguresView
    by: str


class Withdrawn(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentWithdrawn``."""

    pay_app_no: str
    figures: FiguresView


class Voided(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentVoided``."""

    pay_app_no: str
    figures: FiguresView


class Signed(msgspec.Struct, frozen=True, gc=False):
    """Of ``VoucherSigned``."""

    pay_app_no: str
    final: bool = False


class Sent(msgspec.Struct, frozen=True, gc=False):
    """Of ``VoucherSent``."""

    pay_app_no: str


class Receipted(msgspec.Struct, frozen=True, gc=False):
    """Of ``VoucherReceipted``."""

    pay_app_no: str
    outcome: str
    xpay_amt: str
    figures: FiguresView
    claimed_singly: bool = False


class Refunded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of ``PaymentRefunded``."""

    pay_app_no: str
    refund_no: str
    refund_amt: str
    pay_detail_id: str = ""
    notice_no: str = ""
    bgt_id: str = ""
    borne_amt: str = ""
    figures: FiguresView


class Shared(msgspec.Struct, frozen=True, gc=False):
    """Of ``RefundShared``."""

    pay_app_no: str
    refund_no: str
    bgt_id: str
    refund_amt: str
    figures: FiguresView


class Corrected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of ``PaymentCorrected``."""

    pay_app_no: str
    cor_no: str
    pay_detail_id: str = ""
    agency_code: str
    bgt_id: str
    to_bgt_id: str
    amt: str
    reason: str
    waiting: tuple[WaitingPart, ...] = ()
    figures: FiguresView


class CorrectedTo(msgspec.Struct, frozen=True, gc=False):
    """Of ``CorrectionTaken``."""

    pay_app_no: str
    figures: FiguresView


class Returned(msgspec.Struct, frozen=True, gc=False):
    """Of ``PaymentReturned``."""

    pay_app_no: str
    refund_amt: str


class PriorTakenBack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of ``PriorReturnTakenBack``; ``of_payment`` is one of the year before."""

    return_no: str
    of_payment: str = msgspec.field(name="pay_app_no")
    pay_cert_no: str
    ori_bgt_id: str
    bgt_id: str = ""
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    amt: str
    pay_bank_code: str


class PriorCarried(PriorTakenBack, frozen=True, kw_only=True, gc=False):
    """Of ``PriorReturnCarried``."""

    figures: FiguresView


_MOVING = types_that(lambda traits: BALANCES.name in traits.moves and bool(traits.posts))

VIEWS: Mapping[type[Event], type[msgspec.Struct]] = MappingProxyType(
    {
        **{cls: Moved for cls in _MOVING if PENDING.name not in cls.TRAITS.moves},
        PaymentApplied: Applied,
        PaymentApproved: Approved,
        PaymentRejected: Rejected,
        PaymentWithdrawn: Withdrawn,
        PaymentVoided: Voided,
        VoucherSigned: Signed,
        VoucherSent: Sent,
        VoucherReceipted: Receipted,
        PaymentRefunded: Refunded,
        RefundShared: Shared,
        PaymentCorrected: Corrected,
        CorrectionTaken: CorrectedTo,
        PaymentReturned: Returned,
        PriorReturnTakenBack: PriorTakenBack,
        PriorReturnCarried: PriorCarried,
        JournalPosted: Posted,
    }
)
