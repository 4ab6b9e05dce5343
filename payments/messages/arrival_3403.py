"""3403 资金到账通知: one movement onto a treasury account, as the central bank tells of it.

It names the order by which another treasury has sent it (``OriginalVoucherNo``), and repeats what
that said: payer, payee, fund, amount and purpose. The elements are those of a single movement's
message as central-bank front ends show it.
"""

import datetime as dt

import msgspec

from ledger.money import yuan
from payments.messages.layout import compact_date, read_voucher
from payments.messages.plain_form import PlainForm
from payments.messages.reader import amount_of, date_of, malformed, text_of, year_of
from payments.messages.vt_codes import ARRIVAL

DISPATCHED = "库款调度"
DIRECT = "直达资金调度"


class Arrival3403(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A notice; ``voucher_no`` is the central bank's number of it, amounts in fen.

    Attributes:
        tre_code: 国库主体代码 of the account that the money is on.
        original_voucher_no: the order's number. add_word: what it is for.
        pay_traseq_no: the central bank's number of the movement.
    """

    adm_div_code: str
    st_year: int
    vou_date: dt.date
    voucher_no: str
    tre_code: str
    original_voucher_no: str
    fund_type_code: str
    rec_acct_no: str
    pay_traseq_no: str
    add_word: str
    amt: int


_TEXTS = {
    "TreCode": "tre_code",
    "OriginalVoucherNo": "original_voucher_no",
    "FundTypeCode": "fund_type_code",
    "RecAcctNo": "rec_acct_no",
    "PayTraseqNo": "pay_traseq_no",
    "AddWord": "add_word",
}
_FORM = PlainForm(
    f"Id AdmDivCode StYear VtCode VouDate VoucherNo MsgType {' '.join(_TEXTS)} Amt Hold1 Hold2",
    "Id Amt Hold1 Hold2",
)
_CREDITED = "1"


def build(notice: Arrival3403) -> bytes:
    """The inner ``<Voucher>`` document, GBK, with its declaration; byte-deterministic.

    Raises:
        RequestError: ``malformed`` for text outside GBK.
    """
    amount = yuan(notice.amt)
    main = {
        "Id": notice.voucher_no,
        "AdmDivCode": notice.adm_div_code,
        "StYear": str(notice.st_year),
        "VtCode": ARRIVAL,
        "VouDate": compact_date(notice.vou_date),
        "VoucherNo": notice.voucher_no,
        "MsgType": _CREDITED,
        **{tag: getattr(notice, name) for tag, name in _TEXTS.items()},
        "Amt": amount,
    }
    return _FORM.write(main, [{"Id": "1", "Amt": amount}])


def parse(data: bytes) -> Arrival3403:
    """What a notice says; raises RequestError ``malformed``."""
    main, _ = read_voucher(data, answered=True)
    if text_of(main, "VtCode", "") != ARRIVAL:
        raise malformed(f"VtCode is not {ARRIVAL}", "/VtCode")
    return Arrival3403(
        adm_div_code=text_of(main, "AdmDivCode", ""),
        st_year=year_of(main, "StYear", ""),
        vou_date=date_of(main, "VouDate", ""),
        voucher_no=text_of(main, "VoucherNo", ""),
        amt=amount_of(main, "Amt", ""),
        **{name: text_of(main, tag, "") for tag, name in _TEXTS.items()},
    )


def dispatch_words(is_dir_code: str) -> str:
    """What an order says it is for: cash of direct funds bears their mark, and arrives with it."""
    return f"{DIRECT}{is_dir_code}" if is_dir_code else DISPATCHED


def mark_in(add_word: str) -> str | None:
    """The reverse; None of what no dispatch says."""
    if add_word == DISPATCHED:
        return ""
    mark = add_word.removeprefix(DIRECT)
    return mark if mark and mark != add_word else None
