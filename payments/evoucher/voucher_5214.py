"""5214 国库集中支付凭证: the payment instruction from the treasury to the agent bank.

One voucher per payment application, or per part of a disbursement (批量: no payee on the main
form). The bank answers with the same form, its X… elements filled. Fields: the interface standard
(国库集中支付电子化管理接口报文规范, 2019-12-25) as sent in the integrated system; how a receipt
shows a failed line: DA/T 95—2022, table B.1.
"""

import datetime as dt
from collections.abc import Iterator

import msgspec

from ledger.errors import Code, Refusal
from ledger.money import yuan
from payments.evoucher import layout
from payments.evoucher.layout import Form, check_agrees, compact_date, detail_pointer
from payments.evoucher.reader import amount_of, date_of, malformed, text_of, year_of

VT_CODE = "5214"


class Detail5214(msgspec.Struct, frozen=True, kw_only=True):
    """One line to one payee. The id is chosen by the sender, and the receipt answers by it.

    Attributes:
        id: unique within the voucher.
        voucher_detail_no: 支付申请序号.
        pay_amt: fen, positive.
        tracking_id: 业务追溯识别码.
    """

    id: str
    pay_amt: int
    voucher_detail_no: str = ""
    payee_acct_no: str = ""
    payee_acct_name: str = ""
    payee_acct_bank_name: str = ""
    payee_acct_bank_no: str = ""
    tracking_id: str = ""
    receiver_code: str = ""
    remark: str = ""


class Voucher5214(msgspec.Struct, frozen=True, kw_only=True):
    """A payment voucher as it is sent. Names are those of the elements, in snake_case.

    Derived when written, so not kept twice: VtCode; SupDepCode 一级预算单位, the first three
    digits of ``agency_code``; ExpFuncCode1..3, the 类 款 项 of ``exp_func_code``; a detail's
    dimensions, which are the main form's.

    Attributes:
        adm_div_code: six digits, as banks have it; the ledger's division has nine.
        bill_no: 支付申请编号 (``pay_app_no``).
        pay_acct_no: the zero-balance account 零余额账户 that pays.
        clear_acct_no: the treasury single account 国库单一账户 that reimburses it.
        pay_summary_name: 用途 (``use_des``).
        pay_amt: fen; the sum of the details.
        details: 1 to 499.
    """

    id: str
    adm_div_code: str
    st_year: int
    vou_date: dt.date
    voucher_no: str
    bill_no: str
    fund_type_code: str
    bgt_type_code: str
    pay_type_code: str
    agency_code: str
    exp_func_code: str
    gov_exp_eco_code: str
    dep_exp_eco_code: str
    pay_amt: int
    details: tuple[Detail5214, ...]
    fund_type_name: str = ""
    bgt_type_name: str = ""
    pay_type_name: str = ""
    pro_cat_code: str = ""
    pro_cat_name: str = ""
    mof_dep_code: str = ""
    mof_dep_name: str = ""
    sup_dep_name: str = ""
    agency_name: str = ""
    exp_func_name: str = ""
    exp_func_name1: str = ""
    exp_func_name2: str = ""
    exp_func_name3: str = ""
    gov_exp_eco_name: str = ""
    dep_exp_eco_name: str = ""
    dep_pro_code: str = ""
    dep_pro_name: str = ""
    set_mode_code: str = ""
    set_mode_name: str = ""
    pay_bank_code: str = ""
    pay_bank_name: str = ""
    clear_bank_code: str = ""
    clear_bank_name: str = ""
    clear_acct_no: str = ""
    clear_acct_name: str = ""
    clear_acct_bank_name: str = ""
    payee_acct_no: str = ""
    payee_acct_name: str = ""
    payee_acct_bank_name: str = ""
    payee_acct_bank_no: str = ""
    pay_acct_no: str = ""
    pay_acct_name: str = ""
    pay_acct_bank_name: str = ""
    pay_summary_code: str = ""
    pay_summary_name: str = ""
    business_type_code: str = ""
    business_type_name: str = ""


class DetailOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank did with one line: ``x_pay_amt`` fen is its amount, or 0 with the reason."""

    id: str
    x_pay_amt: int
    x_add_word: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank did with a voucher: an outcome per detail, and its serial number 交易流水号."""

    x_pay_date: dt.date
    x_agent_business_no: str
    details: tuple[DetailOutcome, ...]


class ReceiptDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a receipt; amounts in fen."""

    id: str
    payee_acct_no: str
    pay_amt: int
    x_pay_amt: int
    x_add_word: str


class Receipt5214(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt 回单 says; amounts in fen."""

    adm_div_code: str
    st_year: int
    voucher_no: str
    pay_amt: int
    x_pay_date: dt.date
    x_agent_business_no: str
    x_pay_amt: int
    details: tuple[ReceiptDetail, ...]


MAIN = Form(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo BillNo
    FundTypeCode FundTypeName BgtTypeCode BgtTypeName PayTypeCode PayTypeName
    ProCatCode ProCatName MOFDepCode MOFDepName SupDepCode SupDepName AgencyCode AgencyName
    ExpFuncCode ExpFuncName ExpFuncCode1 ExpFuncName1 ExpFuncCode2 ExpFuncName2
    ExpFuncCode3 ExpFuncName3 GovExpEcoCode GovExpEcoName DepExpEcoCode DepExpEcoName
    DepProCode DepProName SetModeCode SetModeName PayBankCode PayBankName
    ClearBankCode ClearBankName ClearAcctNo ClearAcctName ClearAcctBankName
    PayeeAcctNo PayeeAcctName PayeeAcctBankName PayeeAcctBankNo
    PayAcctNo PayAcctName PayAcctBankName PaySummaryCode PaySummaryName PayAmt
    BusinessTypeCode BusinessTypeName TaxBillNo TaxayerID TaxOrgCode GovProcurementID
    CheckNo PayCode ForeignAmt CurrencyCode EstRat AmtUnit
    XPayDate XAgentBusinessNo XCheckNo XPayAmt XPayeeAcctBankName XPayeeAcctNo XPayeeAcctName
    Hold1 Hold2
    """,
    Voucher5214,
)

DETAIL = Form(
    """
    Id VoucherBillId VoucherBillNo VoucherDetailNo
    FundTypeCode FundTypeName BgtTypeCode BgtTypeName ProCatCode ProCatName
    PayKindCode PayKindName MOFDepCode MOFDepName SupDepCode SupDepName AgencyCode AgencyName
    ExpFuncCode ExpFuncName GovExpEcoCode GovExpEcoName DepExpEcoCode DepExpEcoName
    DepProCode DepProName PayeeAcctNo PayeeAcctName PayeeAcctBankName PayeeAcctBankNo
    TrackingID PayAmt Remark ForeignAmt CurrencyCode EstRat ReceiverCode AmtUnit
    XPayDate XAgentBusinessNo XCheckNo XPayAmt XAddWord
    XPayeeAcctBankName XPayeeAcctNo XPayeeAcctName Hold1 Hold2 Hold3 Hold4
    """,
    Detail5214,
)

# A detail repeats the main form wherever both have an element and the line has no field of its own.
_REPEATED = tuple(tag for tag in DETAIL.tags if tag in MAIN.tags and tag not in DETAIL.text_tags)


def build(v: Voucher5214) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration: the bytes that are signed.

    The same voucher gives the same bytes, always.

    Raises:
        Refusal: ``details_mismatch``: no detail or more than 499, an empty or repeated id, an
            amount that is not positive, details that do not sum to ``pay_amt``.
        RequestError: ``malformed``: text outside GBK, an identifier that is missing or misshapen.
    """
    layout.check_head(v.id, v.voucher_no, v.adm_div_code, v.st_year)
    layout.check_details(v.pay_amt, [(detail.id, detail.pay_amt) for detail in v.details])
    main = _main_row(v)
    return layout.write_voucher(MAIN, main, DETAIL, _detail_rows(v, main))


def parse(data: bytes) -> Voucher5214:
    """The reverse of :func:`build`, for a voucher as sent; layout white space is tolerated.

    Raises:
        RequestError: ``malformed``: an element missing, unknown or twice; an X… element already
            filled; a derived code that contradicts its source.
        Refusal: ``details_mismatch``, as in :func:`build`.
    """
    main, details = layout.read_voucher(data)
    MAIN.check_complete(main, "")
    for index, row in enumerate(details):
        DETAIL.check_complete(row, detail_pointer(index))
    voucher = Voucher5214(
        **MAIN.texts(main),
        st_year=year_of(main, "StYear", ""),
        vou_date=date_of(main, "VouDate", ""),
        pay_amt=amount_of(main, "PayAmt", ""),
        details=tuple(
            Detail5214(**DETAIL.texts(row), pay_amt=amount_of(row, "PayAmt", detail_pointer(index)))
            for index, row in enumerate(details)
        ),
    )
    layout.check_head(voucher.id, voucher.voucher_no, voucher.adm_div_code, voucher.st_year)
    layout.check_details(voucher.pay_amt, [(line.id, line.pay_amt) for line in voucher.details])
    written = _main_row(voucher)
    check_agrees(written, main, "")
    for index, row in enumerate(_detail_rows(voucher, written)):
        check_agrees(row, details[index], detail_pointer(index))
    return voucher


def fill_receipt(voucher: bytes, outcome: Outcome) -> bytes:
    """The receipt as a bank writes it: the voucher's form with the X… elements filled.

    Raises:
        RequestError: ``malformed``: the voucher, or an outcome without date or serial number.
        Refusal: ``receipt_mismatch``: not one outcome per detail; a line neither paid in full nor
            failed with a reason.
    """
    v = parse(voucher)
    if not outcome.x_agent_business_no:
        raise malformed("XAgentBusinessNo is empty", "/XAgentBusinessNo")
    by_id = {line.id: line for line in outcome.details}
    if len(by_id) != len(outcome.details) or by_id.keys() != {line.id for line in v.details}:
        raise _mismatch("the outcome does not have each detail once", "/DetailList")
    main = _main_row(v)
    main["XPayDate"] = compact_date(outcome.x_pay_date)
    main["XAgentBusinessNo"] = outcome.x_agent_business_no
    main["XPayAmt"] = yuan(sum(line.x_pay_amt for line in outcome.details))
    _fill_payee(main)
    rows = []
    for index, (line, row) in enumerate(zip(v.details, _detail_rows(v, main), strict=True)):
        done = by_id[line.id]
        _check_line(index, line.pay_amt, done.x_pay_amt)
        if done.x_pay_amt == 0 and not done.x_add_word:
            raise _mismatch("a failed line has no reason", f"{detail_pointer(index)}/XAddWord")
        row["XPayAmt"] = yuan(done.x_pay_amt)
        row["XAddWord"] = done.x_add_word
        _fill_payee(row)
        rows.append(row)
    return layout.write_voucher(MAIN, main, DETAIL, rows)


def parse_receipt(data: bytes) -> Receipt5214:
    """What a bank's receipt says. Elements that are not needed here may be there, in any order.

    A failed line without a reason is taken as it is: the money's fate is clear.

    Raises:
        RequestError: ``malformed``: not a 5214; an element missing, empty, twice or misshapen; a
            detail id twice.
        Refusal: ``receipt_mismatch``: sums that contradict the main form; a line paid in part.
    """
    main, rows = layout.read_voucher(data)
    if text_of(main, "VtCode", "") != VT_CODE:
        raise malformed(f"VtCode is not {VT_CODE}", "/VtCode")
    details = tuple(_receipt_detail(index, row) for index, row in enumerate(rows))
    if len({detail.id for detail in details}) != len(details):
        raise malformed("a detail id is there twice", "/DetailList")
    receipt = Receipt5214(
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        pay_amt=amount_of(main, "PayAmt", ""),
        x_pay_date=date_of(main, "XPayDate", ""),
        x_agent_business_no=text_of(main, "XAgentBusinessNo", ""),
        x_pay_amt=amount_of(main, "XPayAmt", ""),
        details=details,
    )
    if sum(detail.pay_amt for detail in details) != receipt.pay_amt:
        raise _mismatch("the details' PayAmt do not sum to the voucher's", "/PayAmt")
    if sum(detail.x_pay_amt for detail in details) != receipt.x_pay_amt:
        raise _mismatch("the details' XPayAmt do not sum to the voucher's", "/XPayAmt")
    return receipt


def _main_row(v: Voucher5214) -> dict[str, str]:
    row = MAIN.row(v)
    code = v.exp_func_code
    row["VtCode"] = VT_CODE
    row["StYear"] = str(v.st_year)
    row["VouDate"] = compact_date(v.vou_date)
    row["SupDepCode"] = v.agency_code[:3]
    row["ExpFuncCode1"], row["ExpFuncCode2"], row["ExpFuncCode3"] = code[:3], code[3:5], code[5:]
    row["PayAmt"] = yuan(v.pay_amt)
    return row


def _detail_rows(v: Voucher5214, main: dict[str, str]) -> Iterator[dict[str, str]]:
    shared = {tag: main[tag] for tag in _REPEATED}
    shared["VoucherBillId"] = v.id
    shared["VoucherBillNo"] = v.voucher_no
    for detail in v.details:
        row = DETAIL.row(detail)
        row.update(shared)
        row["PayAmt"] = yuan(detail.pay_amt)
        yield row


def _fill_payee(row: dict[str, str]) -> None:
    for tag in ("PayeeAcctBankName", "PayeeAcctNo", "PayeeAcctName"):
        row[f"X{tag}"] = row[tag]


def _receipt_detail(index: int, row: dict[str, str]) -> ReceiptDetail:
    pointer = detail_pointer(index)
    detail = ReceiptDetail(
        id=text_of(row, "Id", pointer),
        payee_acct_no=row.get("PayeeAcctNo", ""),
        pay_amt=amount_of(row, "PayAmt", pointer),
        x_pay_amt=amount_of(row, "XPayAmt", pointer),
        x_add_word=row.get("XAddWord", ""),
    )
    _check_line(index, detail.pay_amt, detail.x_pay_amt)
    if detail.x_pay_amt and row.get("XPayeeAcctNo", "") not in ("", detail.payee_acct_no):
        raise _mismatch(
            "another account was paid than the voucher's", f"{detail_pointer(index)}/XPayeeAcctNo"
        )
    return detail


def _check_line(index: int, pay_amt_fen: int, x_pay_amt_fen: int) -> None:
    if x_pay_amt_fen not in (0, pay_amt_fen):
        raise _mismatch(
            "a line is paid in full or not at all: XPayAmt is neither PayAmt nor 0.00",
            f"{detail_pointer(index)}/XPayAmt",
        )


def _mismatch(detail: str, pointer: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, detail, pointer=pointer)
