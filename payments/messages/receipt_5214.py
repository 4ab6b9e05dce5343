"""The receipt of a 5214 回单: the bank's answer, the same form with its X… elements filled.

How it shows a failed line: DA/T 95—2022, table B.1.
"""

import datetime as dt
from collections.abc import Sequence
from operator import itemgetter

import msgspec

from ledger.errors import Code, GuokuError, Refusal
from ledger.money import parse_yuan, yuan
from payments.messages import gbk, layout
from payments.messages.fixed_layout import FixedLayout, template
from payments.messages.layout import compact_date, detail_pointer
from payments.messages.reader import (
    EDGES,
    amount_of,
    date_of,
    malformed,
    text_of,
    trimmed_of,
    year_of,
)
from payments.messages.voucher_5214 import (
    DETAIL,
    MAIN,
    SENT,
    Voucher5214,
    main_texts,
    own_texts,
    parse,
)
from payments.messages.vt_codes import PAYMENT_VOUCHER

_ANSWERED_ONCE = (
    *("XPayDate", "XAgentBusinessNo", "XPayAmt"),
    *("XPayeeAcctBankName", "XPayeeAcctNo", "XPayeeAcctName"),
)
_ANSWERED = (
    *("XAgentBusinessNo", "XPayAmt", "XAddWord"),
    *("XPayeeAcctBankName", "XPayeeAcctNo", "XPayeeAcctName"),
)
FIXED = FixedLayout(MAIN.tags, SENT.filled + _ANSWERED_ONCE, DETAIL.tags, SENT.own + _ANSWERED)
_in_order = itemgetter(*((SENT.filled + _ANSWERED_ONCE).index(tag) for tag in FIXED.filled))
# The same elements as they stand together, without their texts and with places for them.
_UNANSWERED, _UNANSWERED_LINE, _ANSWER, _ANSWER_OF_LINE = (
    template(tags[tags.index("XPayDate") : tags.index("XPayeeAcctName") + 1], contents)
    for tags, contents in (
        (MAIN.tags, {}),
        (DETAIL.tags, {}),
        (MAIN.tags, dict.fromkeys(_ANSWERED_ONCE, b"%b")),
        (DETAIL.tags, dict.fromkeys(("XPayDate", *_ANSWERED), b"%b")),
    )
)
# what a receipt is asked for
_READ_OF_MAIN = (
    *("VtCode", "AdmDivCode", "StYear", "VoucherNo"),
    *("PayAmt", "XPayDate", "XAgentBusinessNo", "XPayAmt"),
)
_READ_OF_LINE = ("Id", "PayeeAcctNo", "PayAmt", "XPayAmt", "XAddWord", "XPayeeAcctNo")
_of_main = itemgetter(*map(FIXED.filled.index, _READ_OF_MAIN))
_of_line = itemgetter(*map(FIXED.own.index, _READ_OF_LINE))


class DetailOutcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the bank did with one line: ``x_pay_amt`` fen is its amount, or 0 with the reason."""

    id: str
    x_pay_amt: int
    x_add_word: str = ""


class VoucherOutcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the bank did with a voucher: an outcome per detail, and its serial number 交易流水号."""

    x_pay_date: dt.date
    x_agent_business_no: str
    details: tuple[DetailOutcome, ...]


class ReceiptDetail(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a receipt; amounts in fen."""

    id: str
    payee_acct_no: str
    pay_amt: int
    x_pay_amt: int
    x_add_word: str


class Receipt5214(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a receipt 回单 says; amounts in fen."""

    adm_div_code: str
    st_year: int
    voucher_no: str
    pay_amt: int
    x_pay_date: dt.date
    x_agent_business_no: str
    x_pay_amt: int
    details: tuple[ReceiptDetail, ...]


def fill_receipt(voucher: bytes, outcome: VoucherOutcome) -> bytes:
    """:func:`answer` to a voucher's bytes; raises what :func:`parse` raises, too."""
    return answer(voucher, parse(voucher), outcome)


def answer(voucher: bytes, read: Voucher5214, outcome: VoucherOutcome) -> bytes:
    """The receipt as a bank writes it: the voucher's form with the X… elements filled.

    Args:
        voucher: the bytes that were sent.
        read: what they say.

    Raises:
        RequestError: ``malformed``: an outcome without date or serial number.
        Refusal: ``receipt_mismatch``: not one outcome per detail; a line neither paid in full nor
            failed with a reason.
    """
    _check_outcome(read, outcome)
    once, rows = _rows(read, outcome)
    if (filled := _filled(voucher, once, rows)) is not None:
        return filled
    lines = [(*own_texts(read, v), *row) for v, row in zip(read.details, rows, strict=True)]
    return FIXED.write(_in_order((*main_texts(read), *once)), lines)


def _check_outcome(v: Voucher5214, outcome: VoucherOutcome) -> None:
    if not outcome.x_agent_business_no:
        raise malformed("XAgentBusinessNo is empty", "/XAgentBusinessNo")
    by_id = {line.id: line for line in outcome.details}
    if len(by_id) != len(outcome.details) or by_id.keys() != {line.id for line in v.details}:
        raise _mismatch("the outcome does not have each detail once", "/DetailList")
    for index, line in enumerate(v.details):
        done = by_id[line.id]
        _check_line(index, line.pay_amt, done.x_pay_amt)
        if done.x_pay_amt == 0 and not done.x_add_word:
            raise _mismatch("a failed line has no reason", f"{detail_pointer(index)}/XAddWord")


def _rows(v: Voucher5214, outcome: VoucherOutcome) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """What the bank says: of the voucher (``_ANSWERED_ONCE``), of each line (``_ANSWERED``)."""
    serial = outcome.x_agent_business_no
    once = (
        compact_date(outcome.x_pay_date),
        serial,
        yuan(sum(line.x_pay_amt for line in outcome.details)),
        *(v.payee_acct_bank_name, v.payee_acct_no, v.payee_acct_name),
    )
    by_id = {line.id: line for line in outcome.details}
    rows: list[tuple[str, ...]] = []
    for line in v.details:
        done = by_id[line.id]
        payee = (line.payee_acct_bank_name, line.payee_acct_no, line.payee_acct_name)
        rows.append((serial, yuan(done.x_pay_amt), done.x_add_word, *payee))
    return once, rows


def _filled(voucher: bytes, once: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes | None:
    """The voucher with the answers where it has nothing; None for one that is laid out otherwise.

    It was read, so each element is there once; and without CDATA a tag in its bytes is a tag.
    """
    head, *rest = voucher.split(_UNANSWERED)
    parts = rest[0].split(_UNANSWERED_LINE) if len(rest) == 1 else []
    cells = gbk.encode_all([*once, *(text for row in rows for text in row)])
    if len(parts) != len(rows) + 1 or b"<!" in voucher or cells is None:
        return None
    filled = [head, _ANSWER % tuple(cells[: len(once)])]
    at, width = len(once), len(_ANSWERED)
    for part in parts[:-1]:
        filled += (part, _ANSWER_OF_LINE % (cells[0], *cells[at : at + width]))
        at += width
    return b"".join((*filled, parts[-1]))


def parse_receipt(data: bytes, *, vt_code: str = PAYMENT_VOUCHER) -> Receipt5214:
    """What a bank's receipt says. Elements that are not needed here may be there, in any order.

    A failed line without a reason is taken as it is: the money's fate is clear.

    Raises:
        RequestError: ``malformed``: another VtCode; an element missing, empty, twice or misshapen;
            a detail id twice.
        Refusal: ``receipt_mismatch``: sums that contradict the main form; a line paid in part.
    """
    return _read_own(data, vt_code) or _read_any(data, vt_code)


def _read_own(data: bytes, due: str) -> Receipt5214 | None:
    """A receipt that stands as it is written here and has nothing wrong; None for any other, about
    which the other way of reading says what is wrong."""
    read = FIXED.read(data)
    if read is None or not 1 <= len(read[1]) <= layout.DETAILS_MAX:
        return None
    main, lines = read
    vt_code, division, year, number, amount, day, serial, paid = _of_main(main)
    try:
        receipt = Receipt5214(
            adm_div_code=division,
            st_year=int(year),
            voucher_no=number,
            pay_amt=parse_yuan(amount, zero=True),
            x_pay_date=dt.date.fromisoformat(day),
            x_agent_business_no=serial,
            x_pay_amt=parse_yuan(paid, zero=True),
            details=tuple([_own_detail(*_of_line(line)) for line in lines]),
        )
    except (GuokuError, ValueError):
        return None
    sound = (
        vt_code == due
        and division
        and number
        and serial
        and 1000 <= receipt.st_year <= 9999
        and str(receipt.st_year) == year
        and compact_date(receipt.x_pay_date) == day
        and _adds_up(receipt)
    )
    return receipt if sound else None


def _own_detail(
    id_: str, account: str, amount: str, paid: str, add_word: str, paid_account: str
) -> ReceiptDetail:
    """Raises what is wrong, in no particular words."""
    pay_fen, paid_fen = parse_yuan(amount, zero=True), parse_yuan(paid, zero=True)
    if id_.strip() != id_ or account.strip() != account:  # no part of them
        raise ValueError
    if not id_ or paid_fen not in (0, pay_fen) or (paid_fen and paid_account not in ("", account)):
        raise ValueError
    return ReceiptDetail(
        id=id_, payee_acct_no=account, pay_amt=pay_fen, x_pay_amt=paid_fen, x_add_word=add_word
    )


def _adds_up(receipt: Receipt5214) -> bool:
    details = receipt.details
    if len(details) == 1:
        [line] = details
        return (line.pay_amt, line.x_pay_amt) == (receipt.pay_amt, receipt.x_pay_amt)
    return (
        len({line.id for line in details}) == len(details)
        and sum(line.pay_amt for line in details) == receipt.pay_amt
        and sum(line.x_pay_amt for line in details) == receipt.x_pay_amt
    )


def _read_any(data: bytes, due: str) -> Receipt5214:
    main, rows = layout.read_voucher(data, answered=True)
    if text_of(main, "VtCode", "") != due:
        raise malformed(f"VtCode is not {due}", "/VtCode")
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


def _receipt_detail(index: int, row: dict[str, str]) -> ReceiptDetail:
    pointer = detail_pointer(index)
    detail = ReceiptDetail(
        id=trimmed_of(row, "Id", pointer),
        payee_acct_no=row.get("PayeeAcctNo", "").strip(EDGES),
        pay_amt=amount_of(row, "PayAmt", pointer),
        x_pay_amt=amount_of(row, "XPayAmt", pointer),
        x_add_word=row.get("XAddWord", ""),
    )
    _check_line(index, detail.pay_amt, detail.x_pay_amt)
    paid_account = row.get("XPayeeAcctNo", "").strip(EDGES)
    if detail.x_pay_amt and paid_account not in ("", detail.payee_acct_no):
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
