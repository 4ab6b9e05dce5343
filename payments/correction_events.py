"""更正: what was paid is another indicator's; and what comes back of it to whom bears it now."""

from typing import ClassVar

import msgspec

from budget.events import Figures
from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register
from payments.events import OF_SPECIAL_ACCOUNTS, PAID_FOR, REFUNDED_SPECIAL

_OF_THE_UNIT: AmountMoves = {"unit_financial": {}, "unit_budgetary": {}}
_GIVEN: AmountMoves = {"indicator": {"paid": -1, "available": 1}, **_OF_THE_UNIT}
_TAKEN: AmountMoves = {"indicator": {"paid": 1, "available": -1}, **_OF_THE_UNIT}
# of what is claimed already; cash comes to nothing over both
_CLAIMED_LESS: AmountMoves = {"treasury_financial": {"cash": 1}, "treasury_budgetary": {}}
_CLAIMED_MORE: AmountMoves = {"treasury_financial": {"cash": -1}, "treasury_budgetary": {}}
# of what a special account has paid
_TAKEN_SPECIAL: AmountMoves = {"indicator": {"paid": 1, "available": -1}, **OF_SPECIAL_ACCOUNTS}


class CorrectedLine(msgspec.Struct, frozen=True, gc=False):
    """What of a payment's line is corrected."""

    pay_detail_id: str
    amt: Yuan


class WaitingPart(msgspec.Struct, frozen=True, gc=False):
    """What of it waited to be claimed, and since which day: where the register has it."""

    since: str
    amt: Yuan


class PaymentCorrected(Event, frozen=True, kw_only=True):
    """更正, the indicator that gives: what it had paid is available again. It stands directly
    before the indicator that takes.

    ``bgt_id`` bore it until now; ``own_bgt_id`` is the payment's own indicator. Of ``amt``,
    ``waiting`` was not claimed from the central bank yet and is claimed as the other indicator's;
    what is neither in it nor in ``claimed_amt`` is claimed no otherwise than before. By
    ``claimed_amt`` the treasury's books move, too. ``told`` are the messages that tell banks of it
    (``correction.told`` behind it); ``undoes`` is the correction that this one takes back, whose
    telling was declined.
    """

    TYPE: ClassVar[str] = "payment.corrected"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="correction.apply",
        moves=("indicator", "uncleared"),
        posts={
            "payment.corrected": RuleNeeds(
                PAID_FOR, {"corrected": _GIVEN, "claimed": _CLAIMED_LESS}
            ),
            "payment.corrected_special": RuleNeeds(PAID_FOR, {"corrected": REFUNDED_SPECIAL}),
        },
        step="receipt",
        title="支付更正",
    )
    pay_app_no: str
    cor_no: str
    pay_detail_id: str = ""
    agency_code: str
    bgt_id: str
    own_bgt_id: str
    to_bgt_id: str
    amt: Yuan
    reason: str
    cor_date: str
    lines: tuple[CorrectedLine, ...]
    pay_bank_code: str
    waiting: tuple[WaitingPart, ...] = ()
    claimed_amt: Yuan
    claimed_singly: bool = False
    told: tuple[str, ...] = ()
    undoes: str = ""
    figures: Figures
    by: str


class CorrectionTaken(Event, frozen=True, kw_only=True):
    """更正, the indicator that takes: it has paid this. Its elements are those of its issue;
    ``is_carried`` where the year before has handed it on."""

    TYPE: ClassVar[str] = "payment.correction_taken"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        moves=("indicator", "uncleared"),
        posts={
            "payment.correction_taken": RuleNeeds(
                PAID_FOR, {"corrected": _TAKEN, "claimed": _CLAIMED_MORE}
            ),
            "payment.correction_taken_special": RuleNeeds(PAID_FOR, {"corrected": _TAKEN_SPECIAL}),
        },
        step="receipt",
        title="支付更正转入",
    )
    pay_app_no: str
    cor_no: str
    bgt_id: str
    from_bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    amt: Yuan
    waiting_amt: Yuan
    claimed_amt: Yuan
    is_carried: bool = False
    claimed_singly: bool = False
    figures: Figures
    by: str


class RefundShared(Event, frozen=True, kw_only=True):
    """退款: the part of what came back that restores a further indicator, which bore it."""

    TYPE: ClassVar[str] = "payment.refund_shared"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        moves=("indicator", "uncleared"),
        posts={
            "payment.refund_shared": RuleNeeds(
                PAID_FOR, {"refund": {**_GIVEN, "zero_balance": {}}}
            ),
            "payment.refund_shared_special": RuleNeeds(PAID_FOR, {"refund": REFUNDED_SPECIAL}),
        },
        step="receipt",
        title="退款归还",
    )
    pay_app_no: str
    refund_no: str
    bgt_id: str
    refund_amt: Yuan
    pay_acct_no: str = ""
    figures: Figures
    by: str


register(PaymentCorrected, CorrectionTaken, RefundShared)
