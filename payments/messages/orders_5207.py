"""5207 实拨拨款凭证 and 3208 实拨退款通知书: what the treasury orders, and what comes back.

A 5207 is of one payee 单笔 and has one detail; the central bank answers with the same form, its X…
elements filled. A 3208 names the order by its number and says what came back of it. The elements
are those that central-bank front ends fill (decision 0044).
"""

import datetime as dt
from collections.abc import Mapping

import msgspec

from ledger.errors import Code, Refusal
from ledger.money import yuan
from payments.messages import layout
from payments.messages.layout import check_agrees, compact_date, read_voucher
from payments.messages.plain_form import PlainForm
from payments.messages.reader import amount_of, date_of, malformed, text_of, year_of
from payments.messages.vt_codes import ORDER, ORDER_RETURN

SINGLE = "1"  # 业务类型: 单笔
DETAIL_ID = "1"


class Order5207(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order; names are those of the elements, in snake_case, amounts in fen.

    Attributes:
        bill_no: the order's own number with us. tre_code: 国库主体代码.
        agency_code, exp_func_code, …: "" of an advance, which no indicator bears yet.
        pay_acct_no: the treasury account that pays.
    """

    adm_div_code: str
    st_year: int
    vou_date: dt.date
    voucher_no: str
    bill_no: str
    tre_code: str
    fund_type_code: str
    agency_code: str = ""
    exp_func_code: str = ""
    gov_exp_eco_code: str = ""
    dep_exp_eco_code: str = ""
    pay_acct_no: str = ""
    payee_acct_no: str
    payee_acct_name: str
    payee_acct_bank_name: str
    payee_acct_bank_no: str = ""
    pay_summary_name: str = ""
    pay_amt: int


class OrderReceipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the central bank did: all of it (``x_pay_amt`` = the order, fen) or nothing (0);
    ``payee_acct_no`` is "" of an order that pays nobody, a 5407."""

    adm_div_code: str
    st_year: int
    voucher_no: str
    payee_acct_no: str
    pay_amt: int
    x_pay_amt: int
    x_pay_date: dt.date
    x_agent_business_no: str


class OrderReturn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A 3208; ``original_voucher_no`` is the order's number, amounts in fen."""

    adm_div_code: str
    st_year: int
    vou_date: dt.date
    voucher_no: str
    original_voucher_no: str
    agent_business_no: str
    pay_amt: int
    remark: str = ""


_TEXTS = {
    "BillNo": "bill_no",
    "TreCode": "tre_code",
    "FundTypeCode": "fund_type_code",
    "AgencyCode": "agency_code",
    "ExpFuncCode": "exp_func_code",
    "GovExpEcoCode": "gov_exp_eco_code",
    "DepExpEcoCode": "dep_exp_eco_code",
    "PayAcctNo": "pay_acct_no",
    "PayeeAcctNo": "payee_acct_no",
    "PayeeAcctName": "payee_acct_name",
    "PayeeAcctBankName": "payee_acct_bank_name",
    "PayeeAcctBankNo": "payee_acct_bank_no",
    "PaySummaryName": "pay_summary_name",
}
_ANSWERED = ("XPayDate", "XAgentBusinessNo", "XPayAmt")
_ORDER = PlainForm(
    "Id AdmDivCode StYear VtCode VouDate VoucherNo BusinessTypeCode "
    + " ".join(_TEXTS)
    + " PayAmt "
    + " ".join(_ANSWERED)
    + " Hold1 Hold2",
    "Id VoucherDetailNo PayeeAcctNo PayeeAcctName PayeeAcctBankName PayAmt Hold1 Hold2",
)
_RETURN = PlainForm(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo OriginalVoucherNo AgentBusinessNo PayAmt Remark
    Hold1 Hold2
    """,
    "Id PayAmt Hold1 Hold2",
)


def build(order: Order5207) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        RequestError: ``malformed`` for text outside GBK.
    """
    return _written(order, {})


def _written(order: Order5207, answered: Mapping[str, str]) -> bytes:
    amount = yuan(order.pay_amt)
    detail = {
        "Id": DETAIL_ID,
        "VoucherDetailNo": DETAIL_ID,
        "PayeeAcctNo": order.payee_acct_no,
        "PayeeAcctName": order.payee_acct_name,
        "PayeeAcctBankName": order.payee_acct_bank_name,
        "PayAmt": amount,
    }
    return _ORDER.write({**_main(order), **answered}, [detail])


def _main(order: Order5207) -> dict[str, str]:
    return {
        "Id": order.voucher_no,
        "AdmDivCode": order.adm_div_code,
        "StYear": str(order.st_year),
        "VtCode": ORDER,
        "VouDate": compact_date(order.vou_date),
        "VoucherNo": order.voucher_no,
        "BusinessTypeCode": SINGLE,
        **{tag: getattr(order, name) for tag, name in _TEXTS.items()},
        "PayAmt": yuan(order.pay_amt),
    }


def parse(data: bytes) -> Order5207:
    """The reverse of :func:`build`.

    Raises:
        RequestError: ``malformed``: an element missing, twice or misshapen; not one detail over the
            whole amount.
    """
    main, rows = read_voucher(data)
    if text_of(main, "VtCode", "") != ORDER:
        raise malformed(f"VtCode is not {ORDER}", "/VtCode")
    amount_fen = amount_of(main, "PayAmt", "")
    if len(rows) != 1 or amount_of(rows[0], "PayAmt", "/DetailList/0") != amount_fen:
        raise malformed("an order has one detail, over its amount", "/DetailList")
    order = Order5207(
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        vou_date=date_of(main, "VouDate", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        pay_amt=amount_fen,
        **{name: main.get(tag, "") for tag, name in _TEXTS.items()},
    )
    written = _main(order)
    check_agrees(written, {tag: main.get(tag, "") for tag in written}, "")
    return order


def receipt_of(order: Order5207, serial: str, day: dt.date, *, paid: bool) -> bytes:
    """The receipt as the central bank writes it; ``serial`` is its number of the movement."""
    return _written(
        order,
        {
            "XPayDate": compact_date(day),
            "XAgentBusinessNo": serial,
            "XPayAmt": yuan(order.pay_amt if paid else 0),
        },
    )


def parse_receipt(data: bytes) -> OrderReceipt:
    """What a receipt says. Elements that are not needed here may be there, in any order.

    Raises:
        RequestError: ``malformed``.
        Refusal: ``receipt_mismatch``: an amount that is neither the order's nor 0.00.
    """
    main, _ = layout.read_voucher(data, answered=True)
    receipt = OrderReceipt(
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        payee_acct_no=main.get("PayeeAcctNo", ""),
        pay_amt=amount_of(main, "PayAmt", ""),
        x_pay_amt=amount_of(main, "XPayAmt", ""),
        x_pay_date=date_of(main, "XPayDate", ""),
        x_agent_business_no=main.get("XAgentBusinessNo", ""),
    )
    if receipt.x_pay_amt not in (0, receipt.pay_amt):
        raise Refusal(
            Code.RECEIPT_MISMATCH, "an order is paid in full or not at all", pointer="/XPayAmt"
        )
    return receipt


def build_return(notice: OrderReturn, *, vt_code: str = ORDER_RETURN) -> bytes:
    """A 3208 as the central bank writes it, or a 3210 of income."""
    amount = yuan(notice.pay_amt)
    main = {
        "Id": notice.voucher_no,
        "AdmDivCode": notice.adm_div_code,
        "StYear": str(notice.st_year),
        "VtCode": vt_code,
        "VouDate": compact_date(notice.vou_date),
        "VoucherNo": notice.voucher_no,
        "OriginalVoucherNo": notice.original_voucher_no,
        "AgentBusinessNo": notice.agent_business_no,
        "PayAmt": amount,
        "Remark": notice.remark,
    }
    return _RETURN.write(main, [{"Id": DETAIL_ID, "PayAmt": amount}])


def parse_return(data: bytes, *, vt_code: str = ORDER_RETURN) -> OrderReturn:
    """What a 3208 says, or a 3210 of income; raises RequestError ``malformed``."""
    main, _ = layout.read_voucher(data, answered=True)
    if text_of(main, "VtCode", "") != vt_code:
        raise malformed(f"VtCode is not {vt_code}", "/VtCode")
    return OrderReturn(
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        vou_date=date_of(main, "VouDate", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        original_voucher_no=text_of(main, "OriginalVoucherNo", ""),
        agent_business_no=main.get("AgentBusinessNo", ""),
        pay_amt=amount_of(main, "PayAmt", ""),
        remark=main.get("Remark", ""),
    )
