"""5214 国库集中支付凭证: the payment instruction from the treasury to the agent bank.

One voucher per payment application, or per part of a disbursement (批量: no payee on the main
form). Fields: the interface standard (国库集中支付电子化管理接口报文规范, 2019-12-25) as sent in
the integrated system. The bank's answer is in :mod:`payments.messages.receipt_5214`.

What is paid from a special account 财政专户 goes on the same form as a 5212.
"""

import datetime as dt
from collections.abc import Iterable
from operator import itemgetter

import msgspec

from ledger.errors import GuokuError
from ledger.money import parse_yuan, yuan
from payments.messages import layout
from payments.messages.fixed_layout import FixedLayout
from payments.messages.layout import Form, check_agrees, compact_date, detail_pointer
from payments.messages.reader import amount_of, date_of, malformed, year_of
from payments.messages.vt_codes import PAYMENT_VOUCHER, VOUCHER_CODES, VoucherCode


class Detail5214(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


class Voucher5214(msgspec.Struct, frozen=True, gc=False):
    """A payment voucher as it is sent. Names are those of the elements, in snake_case.

    Derived when written, so not kept twice: SupDepCode 一级预算单位, the first three
    digits of ``agency_code``; ExpFuncCode1..3, the 类 款 项 of ``exp_func_code``; a detail's
    dimensions, which are the main form's.

    Attributes:
        adm_div_code: six digits, as banks have it; the ledger's division has nine.
        bill_no: 支付申请编号 (``pay_app_no``).
        vt_code: 5214, or 5212 of what a special account pays.
        pay_acct_no: the zero-balance account 零余额账户 that pays, or the special account.
        clear_acct_no: the treasury single account 国库单一账户 that reimburses it; of a 5212 none.
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
    vt_code: VoucherCode = PAYMENT_VOUCHER
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

# What follows from other fields, as derived_texts gives it, and the main form's amount.
_DERIVED = (
    *("VtCode", "StYear", "VouDate", "SupDepCode"),
    *("ExpFuncCode1", "ExpFuncCode2", "ExpFuncCode3", "PayAmt"),
)
# What a line has of its own, as own_texts gives it.
_OWN = (*DETAIL.text_tags, "VoucherBillId", "VoucherBillNo", "PayAmt")
SENT = FixedLayout(MAIN.tags, MAIN.text_tags + _DERIVED, DETAIL.tags, _OWN)

_GIVEN = MAIN.text_tags + _DERIVED
_in_order = itemgetter(*(_GIVEN.index(tag) for tag in SENT.filled))
_texts_of = itemgetter(*(SENT.filled.index(tag) for tag in MAIN.text_tags))
_READ = (*MAIN.text_names, "vt_code", "st_year", "vou_date", "pay_amt", "details")
_as_fields = itemgetter(*map(_READ.index, Voucher5214.__struct_fields__))
_derived_of = itemgetter(*(SENT.filled.index(tag) for tag in _DERIVED))


def build(v: Voucher5214) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration: the bytes that are signed.

    The same voucher gives the same bytes, always.

    Raises:
        Refusal: ``details_mismatch``: no detail or more than 499, an empty or repeated id, an
            amount that is not positive, details that do not sum to ``pay_amt``.
        RequestError: ``malformed``: text outside GBK, an identifier that is missing or misshapen.
    """
    _check(v)
    return SENT.write(main_texts(v), [own_texts(v, line) for line in v.details])


def parse(data: bytes, *, vt_code: VoucherCode = PAYMENT_VOUCHER) -> Voucher5214:
    """The reverse of :func:`build`, for a voucher as sent; layout white space is tolerated.

    Raises:
        RequestError: ``malformed``: another VtCode; an element missing, unknown or twice; an X…
            element already filled; a derived code that contradicts its source.
        Refusal: ``details_mismatch``, as in :func:`build`.
    """
    voucher = _parse_own(data) or _parse_any(data)
    if voucher.vt_code != vt_code:
        raise malformed(f"VtCode is not {vt_code}", "/VtCode")
    return voucher


def _parse_own(data: bytes) -> Voucher5214 | None:
    """A document that is byte for byte what :func:`build` makes of its fields; None for any other,
    about which the other way of reading says what is wrong."""
    read = SENT.read(data)
    if read is None:
        return None
    main, lines = read
    derived = _derived_of(main)
    vt_code, year, day, _, _, _, _, amount = derived
    try:
        read_of_main = (
            *_texts_of(main),
            _code_of(vt_code),
            int(year),
            dt.date.fromisoformat(day),  # other ways to write a date are compared away below
            parse_yuan(amount),
            tuple(map(_detail, lines)),
        )
        voucher = Voucher5214(*_as_fields(read_of_main))  # fifty names would take ten times as long
        _check(voucher)
    except (GuokuError, ValueError):
        return None
    number, id_ = voucher.voucher_no, voucher.id
    if derived_texts(voucher) != derived or any(line[1:3] != (id_, number) for line in lines):
        return None
    return voucher


def _parse_any(data: bytes) -> Voucher5214:
    main, details = layout.read_voucher(data)
    MAIN.check_complete(main, "")
    for index, row in enumerate(details):
        DETAIL.check_complete(row, detail_pointer(index))
    voucher = _voucher(
        main,
        (
            Detail5214(**DETAIL.texts(row), pay_amt=amount_of(row, "PayAmt", detail_pointer(index)))
            for index, row in enumerate(details)
        ),
    )
    _check(voucher)
    written = dict.fromkeys(MAIN.tags, "") | dict(
        zip(SENT.filled, main_texts(voucher), strict=True)
    )
    check_agrees(written, main, "")
    shared = {tag: written.get(tag, "") for tag in DETAIL.tags}
    for index, line in enumerate(voucher.details):
        row = shared | dict(zip(SENT.own, own_texts(voucher, line), strict=True))
        check_agrees(row, details[index], detail_pointer(index))
    return voucher


def _voucher(main: dict[str, str], details: Iterable[Detail5214]) -> Voucher5214:
    return Voucher5214(
        **MAIN.texts(main),
        vt_code=_code_of(main["VtCode"]),
        st_year=year_of(main, "StYear", ""),
        vou_date=date_of(main, "VouDate", ""),
        pay_amt=amount_of(main, "PayAmt", ""),
        details=tuple(details),
    )


def _code_of(text: str) -> VoucherCode:
    for code in VOUCHER_CODES:
        if text == code:
            return code
    raise malformed(f"VtCode is none of {', '.join(VOUCHER_CODES)}", "/VtCode")


def _check(v: Voucher5214) -> None:
    layout.check_head(v.id, v.voucher_no, v.adm_div_code, v.st_year)
    layout.check_details(v.pay_amt, [(line.id, line.pay_amt) for line in v.details])


def main_texts(v: Voucher5214) -> tuple[str, ...]:
    """The main form's texts, in the order of ``SENT``."""
    texts: tuple[str, ...] = _in_order(MAIN.values(v) + derived_texts(v))
    return texts


def derived_texts(v: Voucher5214) -> tuple[str, ...]:
    """What the main form derives from other fields, and its amount."""
    code = v.exp_func_code
    return (
        v.vt_code,
        str(v.st_year),
        compact_date(v.vou_date),
        v.agency_code[:3],
        code[:3],
        code[3:5],
        code[5:],
        yuan(v.pay_amt),
    )


def own_texts(v: Voucher5214, line: Detail5214) -> tuple[str, ...]:
    """What a line has of its own, in the order of ``SENT``."""
    return (
        line.id,
        v.id,
        v.voucher_no,
        line.voucher_detail_no,
        line.payee_acct_no,
        line.payee_acct_name,
        line.payee_acct_bank_name,
        line.payee_acct_bank_no,
        line.tracking_id,
        yuan(line.pay_amt),
        line.remark,
        line.receiver_code,
    )


def _detail(cells: tuple[str, ...]) -> Detail5214:
    """The reverse; raises ``malformed`` for an amount that is none."""
    id_, _, _, serial, acct_no, acct_name, bank, bank_no, tracking, amount, remark, receiver = cells
    return Detail5214(
        id=id_,
        pay_amt=parse_yuan(amount),
        voucher_detail_no=serial,
        payee_acct_no=acct_no,
        payee_acct_name=acct_name,
        payee_acct_bank_name=bank,
        payee_acct_bank_no=bank_no,
        tracking_id=tracking,
        receiver_code=receiver,
        remark=remark,
    )
