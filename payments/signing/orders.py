"""拨款单, written and signed by the finance department of the ledger's division.

A document is a function of its event alone, so an order that is sent again has the same bytes, and
the central bank knows it for the same order.
"""

from datetime import date

from ledger.account_set import division_of, fiscal_year_of
from ledger.money import parse_yuan
from payments.dispatch_events import FundsDispatched
from payments.income_order_events import IncomeCorrectionOrdered, IncomeRefundOrdered
from payments.messages import income_orders
from payments.messages.arrival_3403 import dispatch_words
from payments.messages.envelope import SEND, VoucherBody, add_signature
from payments.messages.income_orders import IncomeOrder
from payments.messages.message_types import ORDER_SENT
from payments.messages.orders_5207 import Order5207
from payments.messages.vt_codes import INCOME_CORRECTION, INCOME_REFUND
from payments.order_events import AdvanceOrdered, AllocationOrdered
from payments.orders.ordering import INCOME_REFUNDS, order_number, vt_code_of
from payments.placement_events import PlacementOrdered
from payments.signing.claims import FINANCE_ROLE, ClaimSigner
from payments.signing.tellings import TellingEvent, adjustment_document
from payments.signing.voucher_document import TREASURY_BANK_CODE, adm_div_code

PayingEvent = AdvanceOrdered | AllocationOrdered | PlacementOrdered | FundsDispatched
IncomeEvent = IncomeRefundOrdered | IncomeCorrectionOrdered
OrderEvent = PayingEvent | IncomeEvent | TellingEvent


def order_document(ledger_id: int, ordered: OrderEvent) -> bytes:
    """An order as 5207, 5209 or 5407, or what is told of a correction as 5253 or 5351.

    Raises:
        RequestError: ``malformed`` for text that GBK cannot carry.
    """
    if isinstance(ordered, IncomeEvent):
        return income_orders.build(income_order(ledger_id, ordered))
    if isinstance(ordered, TellingEvent):
        return adjustment_document(ledger_id, ordered)
    return _paying_document(ledger_id, ordered)


def income_order(ledger_id: int, ordered: IncomeEvent) -> IncomeOrder:
    """What a 5209 or 5407 says."""
    of_refund = isinstance(ordered, IncomeRefundOrdered)
    return IncomeOrder(
        vt_code=INCOME_REFUND if of_refund else INCOME_CORRECTION,
        adm_div_code=adm_div_code(ledger_id),
        st_year=fiscal_year_of(ledger_id),
        vou_date=date.fromisoformat(ordered.order_date),
        voucher_no=ordered.voucher_no,
        bill_no=_own_number(ordered),
        tre_code=ordered.cash_acct,
        fund_type_code=ordered.fund_type_code,
        budget_level_code=ordered.budget_level_code,
        income_sort_code=ordered.inc_sort_code,
        **_corrected_to(ledger_id, ordered),
        reason=ordered.reason,
        pay_amt=parse_yuan(ordered.amt),
    )


def _refund_corrected(ledger_id: int, ordered: IncomeCorrectionOrdered) -> str:
    """The number of the 5209 that a 退库更正 is about."""
    of = ordered.inc_refund_no
    return order_number(ledger_id, INCOME_REFUNDS, of) if of else ""


def _corrected_to(ledger_id: int, ordered: IncomeEvent) -> dict[str, str]:
    """Of a correction what income it is, of a refund who is paid."""
    if isinstance(ordered, IncomeCorrectionOrdered):
        return {
            "cur_income_sort_code": ordered.to_inc_sort_code,
            "cur_fund_type_code": ordered.to_fund_type_code,
            "cur_budget_level_code": ordered.to_budget_level_code,
            "ori_voucher_no": _refund_corrected(ledger_id, ordered),
            "cur_tre_code": ordered.to_tre_code,
        }
    return {
        "payee_acct_no": ordered.payee_acct_no,
        "payee_acct_name": ordered.payee_acct_name,
        "payee_acct_bank_name": ordered.payee_acct_bank_name,
        "payee_acct_bank_no": ordered.payee_bank_no,
    }


def _paying_document(ledger_id: int, ordered: PayingEvent) -> bytes:
    """An order as 5207.

    The accounts are synthetic but fixed where no treasury account is kept, as in
    ``payments.signing.claims``.

    Raises:
        RequestError: ``malformed`` for text that GBK cannot carry.
    """
    division = division_of(ledger_id)
    return ORDER_SENT.build(
        Order5207(
            adm_div_code=adm_div_code(ledger_id),
            st_year=fiscal_year_of(ledger_id),
            vou_date=date.fromisoformat(ordered.order_date),
            voucher_no=ordered.voucher_no,
            bill_no=_own_number(ordered),
            tre_code=ordered.cash_acct or f"{division}0",
            fund_type_code=ordered.fund_type_code,
            **_spent_on(ordered),
            pay_acct_no=f"{TREASURY_BANK_CODE}{division}01",
            payee_acct_no=ordered.payee_acct_no,
            payee_acct_name=ordered.payee_acct_name,
            payee_acct_bank_name=ordered.payee_acct_bank_name,
            payee_acct_bank_no=getattr(ordered, "payee_bank_no", ""),
            pay_summary_name=_purpose(ordered),
            pay_amt=parse_yuan(ordered.amt),
        )
    )


def _own_number(ordered: PayingEvent | IncomeEvent) -> str:
    match ordered:
        case AdvanceOrdered():
            return ordered.adv_no
        case AllocationOrdered():
            return ordered.alloc_no
        case PlacementOrdered():
            return ordered.place_no
        case FundsDispatched():
            return ordered.dispatch_no
        case IncomeRefundOrdered():
            return ordered.inc_refund_no
        case IncomeCorrectionOrdered():
            return ordered.inc_cor_no


def _spent_on(ordered: PayingEvent) -> dict[str, str]:
    """The unit, and the subjects of an allocation; an advance has none of these yet, and what is
    placed or goes to another tier never."""
    if isinstance(ordered, FundsDispatched | PlacementOrdered):
        return {}
    if isinstance(ordered, AdvanceOrdered):
        return {"agency_code": ordered.agency_code}
    return {
        "agency_code": ordered.agency_code,
        "exp_func_code": ordered.exp_func_code,
        "gov_exp_eco_code": ordered.gov_bgt_eco_code,
        "dep_exp_eco_code": ordered.dep_bgt_eco_code,
    }


def _purpose(ordered: PayingEvent) -> str:
    if isinstance(ordered, AllocationOrdered):
        return ordered.use_des
    if isinstance(ordered, PlacementOrdered):
        return ordered.reason or "国库现金管理"
    if isinstance(ordered, FundsDispatched):
        return dispatch_words(ordered.is_dir_code)
    return ordered.reason or ordered.object


def order_body(signer: ClaimSigner, ordered: OrderEvent) -> VoucherBody:
    """The order on its way; raises ``malformed`` as :func:`order_document`."""
    unsigned = VoucherBody(
        adm_div_code=adm_div_code(signer.ledger_id),
        st_year=fiscal_year_of(signer.ledger_id),
        vt_code=vt_code_of(ordered.voucher_no),
        voucher_no=ordered.voucher_no,
        voucher_flag=SEND,
        voucher=order_document(signer.ledger_id, ordered),
    )
    return add_signature(unsigned, no=FINANCE_ROLE, sn=signer.cert_serial, sign=signer.sign)
