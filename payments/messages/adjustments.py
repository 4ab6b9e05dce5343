"""5253 直接支付调整凭证, 5351 额度调整书: what was paid is of other subjects, and no cash moves.

The one tells the agent bank, the other the central bank, of what was claimed. Two details say what
a payment's amount is not (negative) and what it is; over both the amount is 0.00. The receiver
answers with the same form, its X… elements filled: in each detail 1 where it has adjusted it, 0
where it has not and why. The elements are those that central-bank front ends fill (decision 0100).
"""

import datetime as dt
from collections.abc import Iterator, Mapping

import msgspec

from ledger.errors import Code, Refusal
from ledger.money import yuan
from payments.messages.layout import check_agrees, compact_date, detail_pointer, read_voucher
from payments.messages.plain_form import PlainForm
from payments.messages.reader import (
    REPLACED,
    date_of,
    malformed,
    signed_amount_of,
    text_of,
    year_of,
)

ADJUSTED, NOT_ADJUSTED = "1", "0"  # XDealResult 处理结果
_NOTHING = "0.00"  # 汇总调整金额


class AdjustedPart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A detail: fen of a unit under these subjects, negative where they are it no more."""

    sup_dep_code: str
    agency_code: str
    exp_func_code: str
    gov_exp_eco_code: str
    dep_exp_eco_code: str
    dep_pro_code: str
    pay_amt: int


class OutlayAdjustment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Either message; names are those of the elements, in snake_case.

    Attributes:
        bill_no: the correction's own number with us.
        original_voucher_no: of the voucher that was paid.
        parts: what it was, and what it is.
    """

    vt_code: str
    adm_div_code: str
    st_year: int
    vou_date: dt.date
    voucher_no: str
    bill_no: str
    original_voucher_no: str
    fund_type_code: str
    pay_bank_code: str
    remark: str = ""
    parts: tuple[AdjustedPart, AdjustedPart]


class AdjustmentAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the receiver says: ``declined`` is why it has not adjusted it, "" where it has."""

    voucher_no: str
    x_acc_date: dt.date
    declined: str


_MAIN = {
    "BillNo": "bill_no",
    "OriginalVoucherNo": "original_voucher_no",
    "FundTypeCode": "fund_type_code",
    "PayBankCode": "pay_bank_code",
    "Remark": "remark",
}
_DETAIL = {
    "SupDepCode": "sup_dep_code",
    "AgencyCode": "agency_code",
    "ExpFuncCode": "exp_func_code",
    "GovExpEcoCode": "gov_exp_eco_code",
    "DepExpEcoCode": "dep_exp_eco_code",
    "DepProCode": "dep_pro_code",
}
_FREE = frozenset({"VouDate", "Remark"})  # what the receiver need not repeat
_FORM = PlainForm(
    f"Id AdmDivCode StYear VtCode VouDate VoucherNo {' '.join(_MAIN)} PayAmt XAccDate Hold1 Hold2",
    f"Id {' '.join(_DETAIL)} PayAmt XDealResult XAddWord Hold1 Hold2",
)


def build(adjustment: OutlayAdjustment) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        RequestError: ``malformed`` for text outside GBK.
    """
    return _FORM.write(_main_of(adjustment), _details_of(adjustment))


def _main_of(adjustment: OutlayAdjustment) -> dict[str, str]:
    return {
        "Id": adjustment.voucher_no,
        "AdmDivCode": adjustment.adm_div_code,
        "StYear": str(adjustment.st_year),
        "VtCode": adjustment.vt_code,
        "VouDate": compact_date(adjustment.vou_date),
        "VoucherNo": adjustment.voucher_no,
        **{tag: getattr(adjustment, name) for tag, name in _MAIN.items()},
        "PayAmt": _NOTHING,
    }


def _details_of(adjustment: OutlayAdjustment) -> list[dict[str, str]]:
    return [
        {
            "Id": str(place),
            **{tag: getattr(part, name) for tag, name in _DETAIL.items()},
            "PayAmt": yuan(part.pay_amt),
        }
        for place, part in enumerate(adjustment.parts, 1)
    ]


def parse(data: bytes, vt_code: str) -> OutlayAdjustment:
    """The reverse of :func:`build`.

    Raises:
        RequestError: ``malformed``: an element missing, twice or misshapen; not two details that
            come to nothing, the first of them negative.
    """
    main, rows = read_voucher(data)
    if text_of(main, "VtCode", "") != vt_code:
        raise malformed(f"VtCode is not {vt_code}", "/VtCode")
    if len(rows) != 2:
        raise malformed("an adjustment has two details", "/DetailList")
    was, now = (_part(row, detail_pointer(place)) for place, row in enumerate(rows))
    if was.pay_amt >= 0 or was.pay_amt + now.pay_amt:
        raise malformed("the details take from the one and give to the other", "/DetailList")
    adjustment = OutlayAdjustment(
        vt_code=vt_code,
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        vou_date=date_of(main, "VouDate", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        parts=(was, now),
        **{name: main.get(tag, "") for tag, name in _MAIN.items()},
    )
    due = [(_main_of(adjustment), main, "")]
    due += [
        (written, row, detail_pointer(place))
        for place, (written, row) in enumerate(zip(_details_of(adjustment), rows, strict=True))
    ]
    for written, row, pointer in due:
        check_agrees(written, {tag: row.get(tag, "") for tag in written}, pointer)
    return adjustment


def _part(row: Mapping[str, str], pointer: str) -> AdjustedPart:
    said = {name: row.get(tag, "") for tag, name in _DETAIL.items()}
    return AdjustedPart(**said, pay_amt=signed_amount_of(dict(row), "PayAmt", pointer))


def answer(adjustment: OutlayAdjustment, day: dt.date, declined: str = "") -> bytes:
    """The form as its receiver answers it; ``declined`` is why it has not adjusted it."""
    result = NOT_ADJUSTED if declined else ADJUSTED
    said = {"XDealResult": result, "XAddWord": declined}
    return _FORM.write(
        {**_main_of(adjustment), "XAccDate": compact_date(day)},
        [{**row, **said} for row in _details_of(adjustment)],
    )


def parse_answer(data: bytes, vt_code: str) -> AdjustmentAnswer:
    """What an answer says.

    Raises:
        RequestError: ``malformed``: an element missing, empty, twice or misshapen.
        Refusal: ``receipt_mismatch``: one detail is adjusted and the other is not.
    """
    main, rows = read_voucher(data, answered=True)
    if text_of(main, "VtCode", "") != vt_code:
        raise malformed(f"VtCode is not {vt_code}", "/VtCode")
    results = {text_of(row, "XDealResult", detail_pointer(place)) for place, row in enumerate(rows)}
    if not results <= {ADJUSTED, NOT_ADJUSTED}:
        raise malformed("XDealResult is 1 or 0", "/DetailList/0/XDealResult")
    if len(results) > 1:
        raise Refusal(
            Code.RECEIPT_MISMATCH, "an adjustment is made in both details, or in none of them"
        )
    words = [word for row in rows if (word := row.get("XAddWord", ""))]
    return AdjustmentAnswer(
        voucher_no=text_of(main, "VoucherNo", ""),
        x_acc_date=date_of(main, "XAccDate", ""),
        declined="" if results == {ADJUSTED} else (words[0] if words else NOT_ADJUSTED),
    )


def said_otherwise(adjustment: OutlayAdjustment, data: bytes) -> Iterator[tuple[str, str, str]]:
    """What an answer says of its message otherwise: the element, its text, and the message's. Each
    form has an ``Id`` of its own; free text may be left out, or be such that nobody can read it.

    Raises:
        RequestError: ``malformed``.
    """
    main, rows = read_voucher(data, answered=True)
    details = _details_of(adjustment)
    if len(rows) != len(details):
        yield "DetailList", str(len(rows)), str(len(details))
        return
    for due, row in ((_main_of(adjustment), main), *zip(details, rows, strict=True)):
        for tag, ours in due.items():
            theirs = row.get(tag, "")
            is_left_out = tag in _FREE and (not theirs or REPLACED in theirs)
            if tag != "Id" and theirs != ours and not is_left_out:
                yield tag, theirs, ours
