"""5203 退款申请, 5204 撤销申请: the treasury asks a bank to return money or stop a voucher.

The interface standard knows the bank's notice (2203) and no request for it, so the form is ours,
with the notice's elements (decision 0025). To the one the bank answers with its notice when it has
the money, to the other with the voucher's receipt; or it refuses the request.
"""

import datetime as dt

import msgspec

from ledger.money import yuan
from payments.messages.layout import compact_date, read_voucher
from payments.messages.plain_form import PlainForm
from payments.messages.reader import amount_of, date_of, malformed, text_of, year_of


class BankRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request; names are those of the elements, in snake_case.

    Attributes:
        vt_code: what is asked.
        voucher_no: the request's own number, by which the bank carries it out once.
        ori_bill_no: 支付申请编号 of the payment. original_voucher_no: its voucher's number.
        detail_id: the line; "" where the payment as a whole is meant.
        pay_amt: fen; the voucher's where it is to be stopped.
        remark: why.
    """

    vt_code: str
    adm_div_code: str
    st_year: int
    vou_date: dt.date
    voucher_no: str
    ori_bill_no: str
    original_voucher_no: str
    pay_bank_code: str
    pay_amt: int
    detail_id: str
    remark: str


_FORM = PlainForm(
    """
    Id AdmDivCode StYear VtCode VouDate VoucherNo OriBillNo OriginalVoucherNo PayBankCode
    PayAmt Remark Hold1 Hold2
    """,
    "Id PayAmt Hold1 Hold2",
)


def build(request: BankRequest) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        RequestError: ``malformed`` for text outside GBK.
    """
    amount = yuan(request.pay_amt)
    main = {
        "Id": request.voucher_no,
        "AdmDivCode": request.adm_div_code,
        "StYear": str(request.st_year),
        "VtCode": request.vt_code,
        "VouDate": compact_date(request.vou_date),
        "VoucherNo": request.voucher_no,
        "OriBillNo": request.ori_bill_no,
        "OriginalVoucherNo": request.original_voucher_no,
        "PayBankCode": request.pay_bank_code,
        "PayAmt": amount,
        "Remark": request.remark,
    }
    return _FORM.write(main, [{"Id": request.detail_id, "PayAmt": amount}])


def parse(data: bytes, vt_code: str) -> BankRequest:
    """The reverse of :func:`build`.

    Raises:
        RequestError: ``malformed``: an element missing, empty, twice or misshapen; not one detail
            over the whole amount.
    """
    main, rows = read_voucher(data)
    if text_of(main, "VtCode", "") != vt_code:
        raise malformed(f"VtCode is not {vt_code}", "/VtCode")
    amount_fen = amount_of(main, "PayAmt", "")
    if len(rows) != 1 or amount_of(rows[0], "PayAmt", "/DetailList/0") != amount_fen:
        raise malformed("a request has one detail, over its amount", "/DetailList")
    return BankRequest(
        vt_code=vt_code,
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        vou_date=date_of(main, "VouDate", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        ori_bill_no=main.get("OriBillNo", ""),
        original_voucher_no=text_of(main, "OriginalVoucherNo", ""),
        pay_bank_code=main.get("PayBankCode", ""),
        pay_amt=amount_fen,
        detail_id=rows[0].get("Id", ""),
        remark=main.get("Remark", ""),
    )
