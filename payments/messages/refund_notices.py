"""2203 退款通知书 and 2252 收款银行退款通知: the bank says that money has come back.

A 2203 tells what of a payment the agent bank holds again, a 2252 which lines the payee's bank has
sent back; there the amounts are written negative. Fields: the interface standard
国库集中支付电子化管理接口报文规范. What a notice is about is found by the numbers of the original
voucher, so all that it names are kept.
"""

import datetime as dt

import msgspec

from ledger.errors import RequestError
from ledger.money import parse_yuan, yuan
from payments.messages.layout import compact_date, detail_pointer, read_voucher
from payments.messages.plain_form import PlainForm
from payments.messages.reader import date_of, malformed, text_of, trimmed_of
from payments.messages.vt_codes import REFUND_NOTICE, RETURN_NOTICE, NoticeCode

SINGLE, WHOLE = "1", "2"  # RefundType: 单笔退款, 全部退款


class NoticeLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line that came back.

    Attributes:
        id: of the original line.
        voucher_no: 原支付申请序号.
        pay_amt: fen, positive whatever sign the message writes.
    """

    id: str
    pay_amt: int
    voucher_no: str = ""
    payee_acct_no: str = ""
    payee_acct_name: str = ""
    remark: str = ""


class RefundNotice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a notice says; amounts in fen, positive.

    Attributes:
        voucher_no: the notice's own number, the bank's.
        ori_bill_no: 原业务单据号. original_voucher_no: 主支付凭证号 (2252).
        serial: the bank's number of the movement: AgentBusinessNo, or PayDictateNo and its date.
        pay_date: the bank's day.
    """

    vt_code: NoticeCode
    adm_div_code: str
    st_year: str
    voucher_no: str
    ori_bill_no: str
    original_voucher_no: str
    serial: str
    pay_amt: int
    pay_date: dt.date
    remark: str
    details: tuple[NoticeLine, ...]

    @property
    def originals(self) -> tuple[str, ...]:
        """The numbers that may be those of the original voucher or application, best first."""
        lines = (line.voucher_no for line in self.details)
        named = (self.original_voucher_no, self.ori_bill_no, *lines)
        return tuple(dict.fromkeys(number for number in named if number))


_FORM_2203 = PlainForm(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo PayBankCode PayBankName
    AgentBusinessNo OriBillNo RefundType PayAcctNo PayAcctName PayAcctBankName
    PayeeAcctNo PayeeAcctName PayeeAcctBankName PayAmt Remark PayDate Hold1 Hold2
    """,
    """
    Id VoucherNo BgtTypeCode ProCatCode PayKindCode MOFDepCode AgencyCode ExpFuncCode ExpEcoCode
    DepProCode PayAcctNo PayAcctName PayAcctBankName PayeeAcctNo PayeeAcctName PayeeAcctBankName
    PayAmt Remark Hold1 Hold2 Hold3 Hold4
    """,
)
_FORM_2252 = PlainForm(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo OriBillNo OriginalVoucherNo PayType
    PayAmt PayDictateNo PayMsgNo PayEntrustDate PaySndBnkNo PayDate Hold1 Hold2
    """,
    """
    Id VoucherNo PayAcctNo PayAcctName PayAcctBankName PayeeAcctNo PayeeAcctName PayeeAcctBankName
    PayAmt Remark Hold1 Hold2 Hold3 Hold4
    """,
)


def build(notice: RefundNotice) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        RequestError: ``malformed`` for text outside GBK.
    """
    day = compact_date(notice.pay_date)
    main = {
        "Id": notice.voucher_no,
        "AdmDivCode": notice.adm_div_code,
        "StYear": notice.st_year,
        "VtCode": notice.vt_code,
        "VouDate": day,
        "VoucherNo": notice.voucher_no,
        "OriBillNo": notice.ori_bill_no,
        "PayDate": day,
    }
    if notice.vt_code == REFUND_NOTICE:
        kind = SINGLE if len(notice.details) == 1 else WHOLE
        main |= {"AgentBusinessNo": notice.serial, "RefundType": kind, "Remark": notice.remark}
        form, sign = _FORM_2203, ""
    else:
        main |= {"OriginalVoucherNo": notice.original_voucher_no, "PayDictateNo": notice.serial}
        form, sign = _FORM_2252, "-"
    main["PayAmt"] = sign + yuan(notice.pay_amt)
    return form.write(main, [_row(line, sign) for line in notice.details])


def _row(line: NoticeLine, sign: str) -> dict[str, str]:
    return {
        "Id": line.id,
        "VoucherNo": line.voucher_no,
        "PayeeAcctNo": line.payee_acct_no,
        "PayeeAcctName": line.payee_acct_name,
        "PayAmt": sign + yuan(line.pay_amt),
        "Remark": line.remark,
    }


def parse(data: bytes) -> RefundNotice:
    """What a bank's notice says. Elements that are not needed here may be there, in any order.

    Raises:
        RequestError: ``malformed``: neither 2203 nor 2252; an element missing, empty, twice or
            misshapen; lines that do not add up.
    """
    main, rows = read_voucher(data, answered=True)
    details = tuple(_line(row, detail_pointer(index)) for index, row in enumerate(rows))
    code = _code(text_of(main, "VtCode", ""))
    amount_fen = _amount(main, "")
    if sum(line.pay_amt for line in details) != amount_fen:
        raise malformed("the details' PayAmt do not sum to the notice's", "/PayAmt")
    serial = main.get("AgentBusinessNo", "")
    if not serial and (dictate := main.get("PayDictateNo", "")):
        serial = "/".join(filter(None, (dictate, main.get("PayEntrustDate", ""))))
    return RefundNotice(
        vt_code=code,
        adm_div_code=main.get("AdmDivCode", ""),
        st_year=main.get("StYear", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        ori_bill_no=main.get("OriBillNo", ""),
        original_voucher_no=main.get("OriginalVoucherNo", ""),
        serial=serial,
        pay_amt=amount_fen,
        pay_date=date_of(main, "PayDate", ""),
        remark=main.get("Remark", ""),
        details=details,
    )


def _line(row: dict[str, str], pointer: str) -> NoticeLine:
    return NoticeLine(
        id=row.get("Id", ""),
        voucher_no=row.get("VoucherNo", ""),
        payee_acct_no=row.get("PayeeAcctNo", ""),
        payee_acct_name=row.get("PayeeAcctName", ""),
        pay_amt=_amount(row, pointer),
        remark=row.get("Remark", ""),
    )


def _amount(row: dict[str, str], pointer: str) -> int:
    """What came back, in fen: positive in a 2203 and negative in a 2252, here without sign."""
    try:
        return abs(parse_yuan(trimmed_of(row, "PayAmt", pointer), signed=True))
    except RequestError as error:
        raise malformed(f"PayAmt: {error.detail}", f"{pointer}/PayAmt") from None


def _code(text: str) -> NoticeCode:
    if text == REFUND_NOTICE:
        return REFUND_NOTICE
    if text == RETURN_NOTICE:
        return RETURN_NOTICE
    raise malformed("VtCode is neither 2203 nor 2252", "/VtCode")
