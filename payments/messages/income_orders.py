"""5209 收入退付, 3210 退付退款通知书, 5407 更正通知书: what is ordered of income, and the answers.

A 5209 is of one payee and one kind of income. A 5407 has one line, which says what a kind of
income was 原列 and what it is 现列; over both nothing changes. It is a 收入更正; a 退库更正 where
it names the 5209 that is corrected; a 调库 where it names the treasury whose income it is. The
central bank answers either with the same form, its X… elements filled; a 3210 has the elements of a
3208. The elements are those that central-bank front ends fill (decisions 0054, 0116).
"""

import datetime as dt
from collections.abc import Iterator, Mapping

import msgspec

from ledger.money import yuan
from payments.messages.layout import check_agrees, compact_date, read_voucher
from payments.messages.plain_form import PlainForm
from payments.messages.reader import (
    REPLACED,
    amount_of,
    date_of,
    malformed,
    text_of,
    year_of,
)
from payments.messages.vt_codes import INCOME_CORRECTION, INCOME_REFUND

# 更正类型: 收入更正, 退库更正, 调库 (3, 支出更正, is not ordered by this form)
INCOME_CORRECTED, REFUND_CORRECTED, TREASURY_CHANGED = "1", "2", "4"
_BY_HAND = "2"  # 处理方式: the central bank's clerks do it
_DETAIL_ID = "1"
_NOTHING = "0.00"  # 更正金额: 现列 less 原列


class IncomeOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Either order; names are those of the elements, in snake_case, amounts in fen.

    Attributes:
        bill_no: the order's own number with us. tre_code: 国库主体代码.
        payee_…: of a 退付, "" of a 更正. cur_…: of a 更正, "" of a 退付.
        ori_voucher_no: the 5209 that is corrected. cur_tre_code: the treasury whose income it is.
    """

    vt_code: str
    adm_div_code: str
    st_year: int
    vou_date: dt.date
    voucher_no: str
    bill_no: str
    tre_code: str
    fund_type_code: str
    budget_level_code: str = ""
    income_sort_code: str
    cur_fund_type_code: str = ""
    cur_budget_level_code: str = ""
    cur_income_sort_code: str = ""
    ori_voucher_no: str = ""
    cur_tre_code: str = ""
    payee_acct_no: str = ""
    payee_acct_name: str = ""
    payee_acct_bank_name: str = ""
    payee_acct_bank_no: str = ""
    reason: str = ""
    pay_amt: int


_COMMON = {
    "BillNo": "bill_no",
    "TreCode": "tre_code",
    "FundTypeCode": "fund_type_code",
    "BudgetLevelCode": "budget_level_code",
}
_PAYEE = {
    "PayeeAcctNo": "payee_acct_no",
    "PayeeAcctName": "payee_acct_name",
    "PayeeAcctBankName": "payee_acct_bank_name",
    "PayeeAcctBankNo": "payee_acct_bank_no",
}
# by message: the elements of its main form and of its line that say the order
_MAIN: Mapping[str, Mapping[str, str]] = {
    INCOME_REFUND: {**_COMMON, **_PAYEE, "ReturnReason": "reason"},
    INCOME_CORRECTION: {**_COMMON, "CorrReaName": "reason"},
}
_LINE: Mapping[str, Mapping[str, str]] = {
    INCOME_REFUND: {"IncomeSortCode": "income_sort_code"},
    INCOME_CORRECTION: {
        "OriBudgetSubjectCode": "income_sort_code",
        "OriFundTypeCode": "fund_type_code",
        "OriBudgetLevelCode": "budget_level_code",
        "CurBudgetSubjectCode": "cur_income_sort_code",
        "CurFundTypeCode": "cur_fund_type_code",
        "CurBudgetLevelCode": "cur_budget_level_code",
    },
}
_FIXED: Mapping[str, Mapping[str, str]] = {
    "": {},
    INCOME_CORRECTED: {"EditTypeCode": INCOME_CORRECTED, "EditAmt": _NOTHING},
    **{
        edit: {"EditTypeCode": edit, "DealType": _BY_HAND, "EditAmt": _NOTHING}
        for edit in (REFUND_CORRECTED, TREASURY_CHANGED)
    },
}
# by 更正类型: the elements of the line that it has beside
_BESIDE: Mapping[str, Mapping[str, str]] = {
    "": {},
    INCOME_CORRECTED: {},
    REFUND_CORRECTED: {"OriVoucherNo": "ori_voucher_no"},
    TREASURY_CHANGED: {"OriTreCode": "tre_code", "CurTreCode": "cur_tre_code"},
}
_AMOUNTS = {INCOME_REFUND: ("PayAmt",), INCOME_CORRECTION: ("OriTraAmt", "CurTraAmt")}
# what the central bank need not repeat
_FREE = frozenset(
    {
        "VouDate",
        "PayeeAcctName",
        "PayeeAcctBankName",
        "PayeeAcctBankNo",
        "ReturnReason",
        "CorrReaName",
        "EditTypeCode",
        "DealType",
        "EditAmt",
    }
)
_ANSWERED = "XPayDate XAgentBusinessNo XPayAmt"


def _form(vt_code: str, edit: str) -> PlainForm:
    said = " ".join((*_MAIN[vt_code], *_FIXED[edit]))
    line = " ".join((*_LINE[vt_code], *_BESIDE[edit], *_AMOUNTS[vt_code]))
    head = "Id AdmDivCode StYear VtCode VouDate VoucherNo"
    return PlainForm(f"{head} {said} PayAmt {_ANSWERED} Hold1 Hold2", f"Id {line} Hold1 Hold2")


_FORMS = {
    (vt_code, edit): _form(vt_code, edit)
    for edit in _FIXED
    for vt_code in (INCOME_CORRECTION if edit else INCOME_REFUND,)
}


def _edit_type(order: IncomeOrder) -> str:
    """更正类型; "" of a 退付."""
    if order.vt_code == INCOME_REFUND:
        return ""
    if order.ori_voucher_no:
        return REFUND_CORRECTED
    return TREASURY_CHANGED if order.cur_tre_code else INCOME_CORRECTED


def build(order: IncomeOrder) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        RequestError: ``malformed`` for text outside GBK.
    """
    return _written(order, {})


def _written(order: IncomeOrder, answered: Mapping[str, str]) -> bytes:
    main = {**_main_of(order), **answered}
    return _FORMS[order.vt_code, _edit_type(order)].write(main, [_line_of(order)])


def _main_of(order: IncomeOrder) -> dict[str, str]:
    return {
        "Id": order.voucher_no,
        "AdmDivCode": order.adm_div_code,
        "StYear": str(order.st_year),
        "VtCode": order.vt_code,
        "VouDate": compact_date(order.vou_date),
        "VoucherNo": order.voucher_no,
        **{tag: getattr(order, name) for tag, name in _MAIN[order.vt_code].items()},
        **_FIXED[_edit_type(order)],
        "PayAmt": yuan(order.pay_amt),
    }


def _line_of(order: IncomeOrder) -> dict[str, str]:
    said = {**_LINE[order.vt_code], **_BESIDE[_edit_type(order)]}
    return {
        "Id": _DETAIL_ID,
        **{tag: getattr(order, name) for tag, name in said.items()},
        **dict.fromkeys(_AMOUNTS[order.vt_code], yuan(order.pay_amt)),
    }


def parse(data: bytes) -> IncomeOrder:
    """The reverse of :func:`build`.

    Raises:
        RequestError: ``malformed``: an element missing, twice or misshapen; not one line over the
            whole amount; a 5407 of another 更正类型, or that does not come to nothing.
    """
    main, rows = read_voucher(data)
    vt_code = text_of(main, "VtCode", "")
    if vt_code not in _MAIN:
        raise malformed(f"VtCode is none of {', '.join(_MAIN)}", "/VtCode")
    if len(rows) != 1:
        raise malformed("an order has one detail, over its amount", "/DetailList")
    edit = "" if vt_code == INCOME_REFUND else text_of(main, "EditTypeCode", "")
    if (vt_code, edit) not in _FORMS:
        raise malformed(f"更正类型 {edit} is not ordered by a {vt_code}", "/EditTypeCode")
    said = {name: rows[0].get(tag, "") for tag, name in _BESIDE[edit].items()}
    said |= {name: main.get(tag, "") for tag, name in _MAIN[vt_code].items()}
    said |= {name: rows[0].get(tag, "") for tag, name in _LINE[vt_code].items()}
    order = IncomeOrder(
        vt_code=vt_code,
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        vou_date=date_of(main, "VouDate", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        pay_amt=amount_of(main, "PayAmt", ""),
        **said,
    )
    for written, row, pointer in (
        (_main_of(order), main, ""),
        (_line_of(order), rows[0], "/DetailList/0"),
    ):
        check_agrees(written, {tag: row.get(tag, "") for tag in written}, pointer)
    return order


def receipt_of(order: IncomeOrder, serial: str, day: dt.date, *, done: bool) -> bytes:
    """The receipt as the central bank writes it; ``serial`` is its number of the movement."""
    return _written(
        order,
        {
            "XPayDate": compact_date(day),
            "XAgentBusinessNo": serial,
            "XPayAmt": yuan(order.pay_amt if done else 0),
        },
    )


def said_otherwise(order: IncomeOrder, receipt: bytes) -> Iterator[tuple[str, str, str]]:
    """What a receipt says of its order otherwise: the element, its text, and the order's. Each
    form has an ``Id`` of its own; free text may be left out, or be such that nobody can read it.

    Raises:
        RequestError: ``malformed``.
    """
    main, rows = read_voucher(receipt, answered=True)
    if len(rows) != 1:
        yield "DetailList", str(len(rows)), "1"
        return
    for due, row in ((_main_of(order), main), (_line_of(order), rows[0])):
        for tag, ours in due.items():
            theirs = row.get(tag, "")
            is_left_out = tag in _FREE and (not theirs or REPLACED in theirs)
            if tag != "Id" and theirs != ours and not is_left_out:
                yield tag, theirs, ours
