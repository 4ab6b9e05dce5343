"""支付调整: what banks are told of a correction, and what they answer."""

from typing import ClassVar

import msgspec

from ledger.events import Event, Traits, Yuan, register
from payments.messages.vt_codes import VOUCHER_ADJUSTMENT
from payments.order_kinds import OrderGiven


class ToldPart(msgspec.Struct, frozen=True, gc=False):
    """What a payment's amount is of, negative where it is it no more."""

    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    amt: Yuan


class _Telling(OrderGiven, frozen=True, kw_only=True):
    """A 5253 to the agent bank, or a 5351 to the central bank: of ``cor_no``, over ``amt`` of it.

    ``tell_no`` is its own number, ``voucher_no`` that by which its receiver carries it out once.
    ``pay_bank_code`` is the bank that has paid, whoever is told.
    """

    tell_no: str
    voucher_no: str
    vt_code: str
    cor_no: str
    pay_app_no: str
    pay_cert_no: str
    pay_bank_code: str
    fund_type_code: str
    amt: Yuan
    was: ToldPart
    now: ToldPart
    reason: str
    order_date: str
    by: str

    @property
    def told_bank(self) -> str:
        return self.pay_bank_code if self.vt_code == VOUCHER_ADJUSTMENT else ""


class CorrectionTold(_Telling, frozen=True, kw_only=True):
    """支付调整通知, of a correction that stands before it."""

    TYPE: ClassVar[str] = "correction.told"
    TRAITS: ClassVar[Traits] = Traits(
        subject="correction_telling",
        opens=("correction.tell", "tell_no"),
        delivery=True,
        step="receipt",
        title="支付调整通知",
    )


class CorrectionToldAgain(_Telling, frozen=True, kw_only=True):
    """Once more, under another number: what ``again_of`` has told was declined."""

    TYPE: ClassVar[str] = "correction.told_again"
    TRAITS: ClassVar[Traits] = Traits(
        subject="correction_telling",
        asked_by="correction.tell",
        delivery=True,
        step="receipt",
        title="支付调整再通知",
    )
    again_of: str


class TellingAnswered(Event, frozen=True, kw_only=True):
    """The receiver's answer, signed by it: a mark of events. ``xacc_date`` is its day,
    ``booked_on`` the business day where that is another one (迟记), else ""."""

    tell_no: str
    voucher_no: str
    vt_code: str
    pay_bank_code: str
    xacc_date: str
    booked_on: str = ""
    receipt_sm3: str
    cert_serial: str
    signature: str
    by: str


class TellingConfirmed(TellingAnswered, frozen=True, kw_only=True):
    """调整成功 (XDealResult 1): its receiver has adjusted its books."""

    TYPE: ClassVar[str] = "correction.telling_confirmed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="correction_telling",
        asked_by="correction.answer",
        delivery=True,
        ends=True,
        step="receipt",
        title="支付调整成功",
    )


class TellingDeclined(TellingAnswered, frozen=True, kw_only=True):
    """调整失败 (XDealResult 0): its receiver has not, and says why. It waits for a person, who
    has it told again or takes the correction back."""

    TYPE: ClassVar[str] = "correction.telling_declined"
    TRAITS: ClassVar[Traits] = Traits(
        subject="correction_telling",
        asked_by="correction.answer",
        delivery=True,
        step="receipt",
        title="支付调整失败",
    )
    reason: str


class TellingSettled(Event, frozen=True, kw_only=True):
    """What was declined waits for nobody: it was told again by ``settled_by``, or the correction
    of that number has taken it back."""

    TYPE: ClassVar[str] = "correction.telling_settled"
    TRAITS: ClassVar[Traits] = Traits(
        subject="correction_telling", ends=True, step="receipt", title="支付调整失败已处理"
    )
    tell_no: str
    settled_by: str


register(CorrectionTold, CorrectionToldAgain, TellingConfirmed, TellingDeclined, TellingSettled)
