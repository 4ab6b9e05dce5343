"""以前年度退回: money of a year's payment that comes back in the next one.

The year that paid says what came back and of which payment, once and for all: it alone knows what
was paid and what came back before. The year in which it came back books it.
"""

from typing import ClassVar

import msgspec

from budget.events import Figures
from ledger.events import AmountMoves, Event, RuleNeeds, Traits, Yuan, register
from payments.events import PAID_FOR, ReturnedLine

# the carried indicator has it, and the unit draws on 财政应返还额度 again
_CARRIED: AmountMoves = {
    "indicator": {"available": 1},
    "unit_financial": {},
    "unit_budgetary": {},
    "zero_balance": {},
}
_TAKEN_BACK: AmountMoves = {"zero_balance": {}}
# back on a special account it is the treasury's at once, and nothing of it is claimed
_BACK_ON_SPECIAL: AmountMoves = {"treasury_financial": {}, "treasury_budgetary": {}}
_CARRIED_SPECIAL: AmountMoves = {"indicator": {"available": 1}, **_BACK_ON_SPECIAL}


class ReturnedShare(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What of it an indicator had borne, in yuan, and by which elements it was paid."""

    bgt_id: str
    amt: Yuan
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    agency_type_code: str = ""
    current_item_code: str = ""


class PaymentReturned(Event, frozen=True, kw_only=True):
    """以前年度退回: money of this year's payment came back when the year was over.

    The bank's signed notice (2203, 2252) says so, as of ``payment.refunded``. Nothing of this year
    moves by it: ``to_ledger``, the next year's, books it. It counts against what was paid, so that
    no more comes back over both years. ``own_bgt_id`` is the payment's own indicator,
    ``pay_acct_no`` the special account that has paid and has it back, here as behind it.
    ``contract_no`` has so much less paid of it, and of ``card_lines`` all has come back.
    """

    TYPE: ClassVar[str] = "payment.returned"
    TRAITS: ClassVar[Traits] = Traits(
        subject="payment",
        asked_by="bank.notice",
        delivery=True,
        step="receipt",
        title="以前年度退回",
    )
    pay_app_no: str
    refund_no: str
    refund_amt: Yuan
    pay_detail_id: str = ""
    refund_date: str
    reason: str
    pay_cert_no: str
    suspense_no: str = ""
    vt_code: str
    notice_no: str
    pay_bank_code: str
    agent_business_no: str = ""
    returned: tuple[ReturnedLine, ...]
    notice_sm3: str
    cert_serial: str
    signature: str
    shares: tuple[ReturnedShare, ...]
    own_bgt_id: str
    to_ledger: str
    contract_no: str = ""
    card_lines: tuple[str, ...] = ()
    pay_acct_no: str = ""
    by: str


class PriorReturnBooked(Event, frozen=True, kw_only=True):
    """以前年度退回入账: what came back this year of what ``from_ledger`` had paid.

    ``from_position`` is where that ledger says so, ``from_chain`` its chain there; what it says is
    said here once more, with the bank's notice. ``refund_date`` is the bank's day, ``booked_on``
    the business day where that is another one (迟记), else "". What becomes of it stands behind.
    """

    TYPE: ClassVar[str] = "prior_return.booked"
    TRAITS: ClassVar[Traits] = Traits(
        subject="prior_return",
        asked_by="prior_return.book",
        step="receipt",
        title="以前年度退回入账",
    )
    return_no: str
    from_ledger: str
    from_position: int
    from_chain: str
    pay_app_no: str
    refund_no: str
    refund_amt: Yuan
    pay_detail_id: str = ""
    refund_date: str
    booked_on: str = ""
    reason: str
    pay_cert_no: str
    suspense_no: str = ""
    vt_code: str
    notice_no: str
    pay_bank_code: str
    agent_business_no: str = ""
    returned: tuple[ReturnedLine, ...]
    notice_sm3: str
    cert_serial: str
    signature: str
    shares: tuple[ReturnedShare, ...]
    pay_acct_no: str = ""
    by: str


class _Settled(Event, frozen=True, kw_only=True):
    """What becomes of ``amt`` that ``ori_bgt_id`` had paid in ``paid_year`` by this payment of that
    year; the elements are those by which it is booked, and claimed back from the central bank."""

    return_no: str
    ori_bgt_id: str
    pay_app_no: str
    pay_cert_no: str
    amt: Yuan
    paid_year: int
    pay_bank_code: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str
    fund_type_code: str
    pay_acct_no: str = ""


class PriorReturnCarried(_Settled, frozen=True, kw_only=True):
    """以前年度退回, 结转资金: what the year before has handed on as ``bgt_id`` has it again."""

    TYPE: ClassVar[str] = "prior_return.carried"
    TRAITS: ClassVar[Traits] = Traits(
        subject="prior_return",
        moves=("indicator", "uncleared"),
        posts={
            "prior_return.carried": RuleNeeds(PAID_FOR, {"returned": _CARRIED}),
            "prior_return.carried_special": RuleNeeds(PAID_FOR, {"returned": _CARRIED_SPECIAL}),
        },
        step="receipt",
        title="以前年度退回结转",
    )
    bgt_id: str
    figures: Figures
    by: str


class PriorReturnTakenBack(_Settled, frozen=True, kw_only=True):
    """以前年度退回, 收回: no indicator of this year goes on with it; the treasury has it."""

    TYPE: ClassVar[str] = "prior_return.taken_back"
    TRAITS: ClassVar[Traits] = Traits(
        subject="prior_return",
        moves=("uncleared",),
        posts={
            "prior_return.taken_back": RuleNeeds(PAID_FOR, {"returned": _TAKEN_BACK}),
            "prior_return.taken_back_special": RuleNeeds(PAID_FOR, {"returned": _BACK_ON_SPECIAL}),
        },
        step="receipt",
        title="以前年度退回收回",
    )
    by: str


register(PaymentReturned, PriorReturnBooked, PriorReturnCarried, PriorReturnTakenBack)
