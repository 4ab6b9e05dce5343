"""2301 申请划款凭证 and 2302 申请退款凭证: the agent bank and the central bank settle the day.

The agent bank has paid in advance 垫付. At the end of the day it claims the sum from the treasury
single account by a 2301, detailed by first-level unit and function code; a 2302 of the same shape
gives refunds back. The central bank answers with the same form, its X… elements filled. Fields: the
interface standard 国库集中支付电子化管理接口报文规范.
"""

import datetime as dt
from operator import itemgetter

import msgspec

from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.money import parse_yuan, yuan
from payments.messages import layout
from payments.messages.fixed_layout import FixedLayout, Texts
from payments.messages.layout import Form, check_agrees, compact_date, detail_pointer
from payments.messages.reader import amount_of, date_of, malformed, text_of, year_of
from payments.messages.vt_codes import CLAIM, REFUND_CLAIM, ClaimCode

VT_CODES: tuple[ClaimCode, ...] = (CLAIM, REFUND_CLAIM)


class ClearingDetail(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line: what one first-level unit 一级预算单位 spent under one function code, in fen."""

    id: str
    sup_dep_code: str
    exp_func_code: str
    pay_amt: int
    sup_dep_name: str = ""
    exp_func_name: str = ""
    voucher_no: str = ""
    pay_summary_name: str = ""


class ClearingVoucher(msgspec.Struct, frozen=True, kw_only=True):
    """A claim or a return of one fund type. Names are those of the elements, in snake_case.

    Attributes:
        vt_code: ``2301`` claim, ``2302`` return.
        tre_code: 国库主体代码.
        fin_org_code: 财政机关代码.
        agent_acct_no: receives in a 2301: the agent bank's account for advances 垫款户.
        clear_acct_no: pays in a 2301: the treasury single account 国库单一账户.
        pay_amt: 汇总清算金额, fen; the sum of the details.
        details: 1 to 499.
    """

    vt_code: ClaimCode
    id: str
    adm_div_code: str
    st_year: int
    vou_date: dt.date
    voucher_no: str
    tre_code: str
    fin_org_code: str
    fund_type_code: str
    pay_type_code: str
    agent_acct_no: str
    clear_acct_no: str
    pay_amt: int
    pay_bank_no: str
    details: tuple[ClearingDetail, ...]
    bgt_type_code: str = ""
    bgt_type_name: str = ""
    fund_type_name: str = ""
    pay_type_name: str = ""
    agent_acct_name: str = ""
    agent_acct_bank_name: str = ""
    clear_acct_name: str = ""
    clear_acct_bank_name: str = ""
    pay_bank_name: str = ""
    remark: str = ""
    money_corp_code: str = ""


class ClearingOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the central bank did: all of it (``x_pay_amt`` = the claim, fen) or nothing (0)."""

    x_pay_snd_bnk_no: str
    x_clear_date: dt.date
    x_pay_amt: int


class ClearingReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt 回单 says; amounts in fen."""

    vt_code: ClaimCode
    adm_div_code: str
    st_year: int
    voucher_no: str
    pay_amt: int
    x_pay_snd_bnk_no: str
    x_clear_date: dt.date
    x_pay_amt: int


MAIN = Form(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo TreCode FinOrgCode
    BgtTypeCode BgtTypeName FundTypeCode FundTypeName PayTypeCode PayTypeName
    AgentAcctNo AgentAcctName AgentAcctBankName ClearAcctNo ClearAcctName ClearAcctBankName
    PayAmt PayBankName PayBankNo Remark MoneyCorpCode XPaySndBnkNo XClearDate XPayAmt
    Hold1 Hold2
    """,
    ClearingVoucher,
)

DETAIL = Form(
    """
    Id VoucherNo SupDepCode SupDepName ExpFuncCode ExpFuncName PayAmt PaySummaryName
    Hold1 Hold2 Hold3 Hold4
    """,
    ClearingDetail,
)
FIXED = FixedLayout(MAIN.tags, MAIN.tags, DETAIL.tags, DETAIL.tags)
_texts_of = itemgetter(*map(MAIN.tags.index, MAIN.text_tags))
_AMOUNT = DETAIL.tags.index("PayAmt")
_HOLDS = ("",) * 4


def build(v: ClearingVoucher) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        Refusal: ``details_mismatch``: no detail or more than 499, an empty or repeated id, an
            amount that is not positive, details that do not sum to ``pay_amt``.
        RequestError: ``malformed``: text outside GBK, an identifier that is missing or misshapen.
    """
    _check(v)
    return _written(v, _main_row(v))


def parse(data: bytes) -> ClearingVoucher:
    """The reverse of :func:`build`, for a voucher as sent; layout white space is tolerated.

    Raises:
        RequestError: ``malformed``: an element missing, unknown or twice; an X… element filled.
        Refusal: ``details_mismatch``, as in :func:`build`.
    """
    return _parse_own(data) or _parse_any(data)


def _parse_own(data: bytes) -> ClearingVoucher | None:
    """A document that is byte for byte what :func:`build` makes of its fields; None for any other,
    about which the other way of reading says what is wrong."""
    if (read := _read_own(data)) is None:
        return None
    main, lines = read
    row = dict(zip(MAIN.tags, main, strict=True))
    try:
        voucher = ClearingVoucher(
            **dict(zip(MAIN.text_names, _texts_of(main), strict=True)),
            vt_code=claim_code(text_of(row, "VtCode", "")),
            st_year=year_of(row, "StYear", ""),
            vou_date=date_of(row, "VouDate", ""),
            pay_amt=parse_yuan(row["PayAmt"]),
            details=tuple(map(_detail, lines)),
        )
        _check(voucher)
    except GuokuError:
        return None
    if _main_row(voucher) != row or any(line[-len(_HOLDS) :] != _HOLDS for line in lines):
        return None
    return voucher


def _read_own(data: bytes) -> tuple[Texts, list[Texts]] | None:
    read = FIXED.read(data)
    return read if read and 1 <= len(read[1]) <= layout.DETAILS_MAX else None


def _detail(cells: Texts) -> ClearingDetail:
    """The reverse of :func:`_detail_texts`; raises ``invalid_amount``."""
    id_, number, unit, unit_name, function, function_name, amount, summary = cells[: -len(_HOLDS)]
    return ClearingDetail(
        id=id_,
        sup_dep_code=unit,
        exp_func_code=function,
        pay_amt=parse_yuan(amount),
        sup_dep_name=unit_name,
        exp_func_name=function_name,
        voucher_no=number,
        pay_summary_name=summary,
    )


def _detail_texts(line: ClearingDetail) -> Texts:
    """A line's texts, in the order of the form."""
    return (
        line.id,
        line.voucher_no,
        line.sup_dep_code,
        line.sup_dep_name,
        line.exp_func_code,
        line.exp_func_name,
        yuan(line.pay_amt),
        line.pay_summary_name,
        *_HOLDS,
    )


def _check(v: ClearingVoucher) -> None:
    layout.check_head(v.id, v.voucher_no, v.adm_div_code, v.st_year)
    layout.check_details(v.pay_amt, [(line.id, line.pay_amt) for line in v.details])


def _parse_any(data: bytes) -> ClearingVoucher:
    main, details = layout.read_voucher(data)
    MAIN.check_complete(main, "")
    for index, row in enumerate(details):
        DETAIL.check_complete(row, detail_pointer(index))
    voucher = ClearingVoucher(
        **MAIN.texts(main),
        vt_code=claim_code(text_of(main, "VtCode", "")),
        st_year=year_of(main, "StYear", ""),
        vou_date=date_of(main, "VouDate", ""),
        pay_amt=amount_of(main, "PayAmt", ""),
        details=tuple(
            ClearingDetail(
                **DETAIL.texts(row), pay_amt=amount_of(row, "PayAmt", detail_pointer(index))
            )
            for index, row in enumerate(details)
        ),
    )
    _check(voucher)
    check_agrees(_main_row(voucher), main, "")
    for index, line in enumerate(voucher.details):
        row = dict(zip(DETAIL.tags, _detail_texts(line), strict=True))
        check_agrees(row, details[index], detail_pointer(index))
    return voucher


def fill_receipt(voucher: bytes, outcome: ClearingOutcome) -> bytes:
    """The receipt as the central bank writes it: the form with the X… elements filled.

    Raises:
        RequestError: ``malformed``: the voucher, or an outcome without the sending bank's number.
        Refusal: ``receipt_mismatch``: an amount that is neither the claim nor 0.
    """
    return receipt_of(parse(voucher), outcome)


def receipt_of(v: ClearingVoucher, outcome: ClearingOutcome) -> bytes:
    """Likewise, of a claim that was read already; raises what :func:`fill_receipt` does."""
    if not outcome.x_pay_snd_bnk_no:
        raise malformed("XPaySndBnkNo is empty", "/XPaySndBnkNo")
    _check_amount(v.pay_amt, outcome.x_pay_amt)
    main = _main_row(v)
    main["XPaySndBnkNo"] = outcome.x_pay_snd_bnk_no
    main["XClearDate"] = compact_date(outcome.x_clear_date)
    main["XPayAmt"] = yuan(outcome.x_pay_amt)
    return _written(v, main)


def parse_receipt(data: bytes) -> ClearingReceipt:
    """What a receipt says. Elements that are not needed here may be there, in any order.

    Raises:
        RequestError: ``malformed``: neither 2301 nor 2302; an element missing, empty, twice or
            misshapen.
        Refusal: ``receipt_mismatch``: details that contradict the main form, or an amount that is
            neither the claim nor 0.00.
    """
    main, amounts_fen = _main_and_amounts(data)
    receipt = ClearingReceipt(
        vt_code=claim_code(text_of(main, "VtCode", "")),
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        pay_amt=amount_of(main, "PayAmt", ""),
        x_pay_snd_bnk_no=text_of(main, "XPaySndBnkNo", ""),
        x_clear_date=date_of(main, "XClearDate", ""),
        x_pay_amt=amount_of(main, "XPayAmt", ""),
    )
    if sum(amounts_fen) != receipt.pay_amt:
        raise _mismatch("the details' PayAmt do not sum to the voucher's", "/PayAmt")
    _check_amount(receipt.pay_amt, receipt.x_pay_amt)
    return receipt


def _main_and_amounts(data: bytes) -> tuple[dict[str, str], list[int]]:
    """A receipt's main form, and its lines' amounts in fen."""
    if read := _read_own(data):
        main, lines = read
        try:
            amounts_fen = [parse_yuan(line[_AMOUNT], zero=True) for line in lines]
            return dict(zip(MAIN.tags, main, strict=True)), amounts_fen
        except RequestError:
            pass  # which it is, is said below
    row, rows = layout.read_voucher(data, answered=True)
    return row, [amount_of(r, "PayAmt", detail_pointer(index)) for index, r in enumerate(rows)]


def _main_row(v: ClearingVoucher) -> dict[str, str]:
    row = MAIN.row(v)
    row["VtCode"] = v.vt_code
    row["StYear"] = str(v.st_year)
    row["VouDate"] = compact_date(v.vou_date)
    row["PayAmt"] = yuan(v.pay_amt)
    return row


def _written(v: ClearingVoucher, main: dict[str, str]) -> bytes:
    return FIXED.write(tuple(main.values()), map(_detail_texts, v.details))


def claim_code(text: str) -> ClaimCode:
    """The VtCode of a claim; raises ``malformed`` for any other."""
    for code in VT_CODES:
        if code == text:
            return code
    raise malformed("VtCode is neither 2301 nor 2302", "/VtCode")


def _check_amount(pay_amt_fen: int, x_pay_amt_fen: int) -> None:
    if x_pay_amt_fen not in (0, pay_amt_fen):
        raise _mismatch("a claim is cleared in full or not at all", "/XPayAmt")


def _mismatch(detail: str, pointer: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, detail, pointer=pointer)
