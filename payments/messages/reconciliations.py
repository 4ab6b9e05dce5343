"""对账 3501, 3502 and 3507 to 3509: which vouchers a bank has carried out, for how much.

A reconciliation 对账单 (``VoucherCheckNo``) is of one kind of voucher (``EVoucherType``) and of the
days from ``BeginDate`` to ``EndDate``, or of ``CheckDate`` alone. It comes in ``ChildPackNum``
packages, of which this is ``CurPackNo``; where a message names neither, it is whole by itself.
``AllNum`` and ``AllAmt`` are of all packages together. 3501 and 3502 are of a day and say which
kind of voucher; 3507 清算信息, 3508 实拨 and 3509 收入退付 are of a period, each about what was
paid and what came back: a line has ``PayAmt`` or ``RefundAmt``. Fields: the interface standard
国库集中支付电子化管理接口报文规范.
"""

import datetime as dt

import msgspec

from ledger.errors import Code, Refusal
from ledger.money import yuan
from payments.messages.layout import compact_date, detail_pointer, read_voucher
from payments.messages.plain_form import PlainForm
from payments.messages.reader import date_of, malformed, signed_amount_of, text_of, year_of
from payments.messages.vt_codes import (
    BANK_CHECK,
    CLAIM,
    CLAIMS_CHECK,
    INCOME_ORDERS_CHECK,
    INCOME_REFUND,
    INCOME_REFUND_RETURN,
    ORDER,
    ORDER_RETURN,
    ORDERS_CHECK,
    PAYMENT_VOUCHER,
    REFUND_CLAIM,
    REFUND_NOTICE,
    RETURN_NOTICE,
    SPECIAL_VOUCHER,
    VOUCHER_CHECK,
)

PACKAGES_MAX = 1_000
WHOLE_NUMBER_DIGITS_MAX = 9
# of which kinds of voucher each of the two banks speaks
OF_CENTRAL_BANK = (CLAIM, REFUND_CLAIM, ORDER, ORDER_RETURN, INCOME_REFUND, INCOME_REFUND_RETURN)
OF_AGENT_BANK = (PAYMENT_VOUCHER, SPECIAL_VOUCHER, REFUND_NOTICE, RETURN_NOTICE)
# what each message may be about; of those of a period both kinds of voucher together
ABOUT = {
    VOUCHER_CHECK: OF_CENTRAL_BANK,
    BANK_CHECK: OF_AGENT_BANK,
    CLAIMS_CHECK: (f"{CLAIM},{REFUND_CLAIM}",),
    ORDERS_CHECK: (f"{ORDER},{ORDER_RETURN}",),
    INCOME_ORDERS_CHECK: (f"{INCOME_REFUND},{INCOME_REFUND_RETURN}",),
}
OF_A_PERIOD = (CLAIMS_CHECK, ORDERS_CHECK, INCOME_ORDERS_CHECK)


class CheckedVoucher(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line: a voucher, and what was moved by it, in fen; 0 where it was returned."""

    voucher_no: str
    amt: int
    pro_state: str = ""


class ReconciliationPackage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one package says; names are those of the elements, in snake_case.

    Attributes:
        vt_code: a key of ``ABOUT``.
        voucher_no: the message's own number.
        check_no: the reconciliation's, the bank's.
        pack_num, pack_no: how many packages there are, and which this is, from 1.
        e_voucher_type: the VtCode of the vouchers, or both, with a comma.
        all_num, all_amt: lines and fen of all packages together.
        lines: none where nothing was moved, at most 499.
    """

    vt_code: str
    adm_div_code: str
    st_year: int
    voucher_no: str
    check_no: str
    pack_num: int = 1
    pack_no: int = 1
    tre_code: str = ""
    pay_bank_code: str = ""
    e_voucher_type: str
    begin_date: dt.date
    end_date: dt.date
    all_num: int
    all_amt: int
    lines: tuple[CheckedVoucher, ...] = ()

    @property
    def amount_fen(self) -> int:
        """Of the lines of this package together."""
        return sum(line.amt for line in self.lines)


_FORM = PlainForm(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo VoucherCheckNo ChildPackNum CurPackNo TreCode
    PayBankCode ClearBankCode CheckDate BeginDate EndDate EVoucherType AllNum AllAmt Hold1 Hold2
    """,
    "Id VoucherNo Amt ProState Hold1 Hold2 Hold3 Hold4",
)
_FORM_OF_PERIOD = PlainForm(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo VoucherCheckNo ChildPackNum CurPackNo TreCode
    ClearBankCode ClearAccNo ClearAccNanme BeginDate EndDate AllNum AllAmt Hold1 Hold2
    """,  # ClearAccNanme: so the standard spells it
    """
    Id PayAgentBillNo PayDetailId VoucherNo SupDepCode FundTypeCode PayBankCode ExpFuncCode
    ProCatCode PayTypeCode PayAmt PlanAmt RefundAmt PlanRemainAmt Hold1 Hold2 Hold3 Hold4
    """,
)


def build(package: ReconciliationPackage) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        RequestError: ``malformed`` for text outside GBK.
    """
    begin, end = compact_date(package.begin_date), compact_date(package.end_date)
    main = {
        "Id": package.voucher_no,
        "AdmDivCode": package.adm_div_code,
        "StYear": str(package.st_year),
        "VtCode": package.vt_code,
        "VouDate": end,
        "VoucherNo": package.voucher_no,
        "VoucherCheckNo": package.check_no,
        "ChildPackNum": str(package.pack_num),
        "CurPackNo": str(package.pack_no),
        "TreCode": package.tre_code,
        "PayBankCode": package.pay_bank_code,
        "CheckDate": end,
        "BeginDate": begin,
        "EndDate": end,
        "EVoucherType": package.e_voucher_type,
        "AllNum": str(package.all_num),
        "AllAmt": yuan(package.all_amt),
    }
    of_period = package.vt_code in OF_A_PERIOD
    rows = [
        {"Id": str(number), "VoucherNo": line.voucher_no}
        | ({"PayAmt": yuan(line.amt)} if of_period else _amount_and_state(line))
        for number, line in enumerate(package.lines, 1)
    ]
    if not of_period:
        return _FORM.write(main, rows)
    said = {tag: text for tag, text in main.items() if tag in _FORM_OF_PERIOD.main}
    return _FORM_OF_PERIOD.write(said, rows)


def _amount_and_state(line: CheckedVoucher) -> dict[str, str]:
    return {"Amt": yuan(line.amt), "ProState": line.pro_state}


def parse(data: bytes, *, vt_code: str) -> ReconciliationPackage:
    """What a package says. Elements that are not needed here may be there, in any order.

    Raises:
        RequestError: ``malformed``: no such message; an element missing, empty, twice or misshapen.
        Refusal: ``receipt_mismatch``: days in a wrong order, a package behind the last, or one that
            says it is whole and whose lines do not make its sums.
    """
    main, rows = read_voucher(data, answered=True, least=0)
    if text_of(main, "VtCode", "") != vt_code:
        raise malformed(f"VtCode is not {vt_code}", "/VtCode")
    end = _day(main, "EndDate")
    package = ReconciliationPackage(
        vt_code=vt_code,
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        check_no=main.get("VoucherCheckNo") or text_of(main, "VoucherNo", ""),
        pack_num=_count(main, "ChildPackNum", missing=1),
        pack_no=_count(main, "CurPackNo", missing=1),
        tre_code=main.get("TreCode", ""),
        pay_bank_code=main.get("PayBankCode") or main.get("ClearBankCode", ""),
        e_voucher_type=_kind(main, vt_code),
        begin_date=_day(main, "BeginDate"),
        end_date=end,
        all_num=_count(main, "AllNum"),
        all_amt=signed_amount_of(main, "AllAmt", ""),
        lines=tuple(_line(row, detail_pointer(index)) for index, row in enumerate(rows)),
    )
    _check(package)
    return package


def _check(package: ReconciliationPackage) -> None:
    """Raises Refusal ``receipt_mismatch`` for a package that contradicts itself."""
    if package.begin_date > package.end_date:
        raise _mismatch("it ends before it begins", "/EndDate")
    if not 1 <= package.pack_no <= package.pack_num <= PACKAGES_MAX:
        detail = f"package {package.pack_no} of {package.pack_num}, of {PACKAGES_MAX} at most"
        raise _mismatch(detail, "/CurPackNo")
    if package.pack_num == 1:
        said, made = package.all_num, len(package.lines)
        if said != made:
            raise _mismatch(f"it has {made} lines and says {said}", "/AllNum")
        if package.all_amt != package.amount_fen:
            detail = f"its lines sum to {yuan(package.amount_fen)}, it says {yuan(package.all_amt)}"
            raise _mismatch(detail, "/AllAmt")


def _kind(main: dict[str, str], vt_code: str) -> str:
    known = ABOUT[vt_code]
    if vt_code in OF_A_PERIOD:
        return known[0]
    kind = text_of(main, "EVoucherType", "")
    if kind not in known:
        raise malformed(f"EVoucherType of {vt_code} is one of {', '.join(known)}", "/EVoucherType")
    return kind


def _day(main: dict[str, str], tag: str) -> dt.date:
    return date_of(main, tag if main.get(tag) else "CheckDate", "")


def _count(main: dict[str, str], tag: str, missing: int | None = None) -> int:
    if missing is not None and not main.get(tag):
        return missing
    text = text_of(main, tag, "")
    if not (text.isascii() and text.isdigit()) or len(text) > WHOLE_NUMBER_DIGITS_MAX:
        raise malformed(f"{tag} is no whole number", f"/{tag}")
    return int(text)


def _line(row: dict[str, str], pointer: str) -> CheckedVoucher:
    return CheckedVoucher(
        voucher_no=text_of(row, "VoucherNo", pointer),
        amt=signed_amount_of(row, _amount_tag(row), pointer),
        pro_state=row.get("ProState", ""),
    )


def _amount_tag(row: dict[str, str]) -> str:
    """Where a line says how much was moved."""
    if "Amt" in row:
        return "Amt"
    return "RefundAmt" if row.get("RefundAmt") and not row.get("PayAmt") else "PayAmt"


def _mismatch(detail: str, pointer: str) -> Refusal:
    return Refusal(Code.RECEIPT_MISMATCH, detail, pointer=pointer)
