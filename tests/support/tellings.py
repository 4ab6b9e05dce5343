"""支付调整, as banks answer what they are told of a correction."""

from datetime import date

from ledger.gm import sm3
from ledger.reading.documents import compress_document
from payments.corrections.telling import AnswerTelling
from tests.support.bookkeeper import Bookkeeper

BANK_TOLD, CENTRAL_BANK_TOLD = "5253", "5351"
_OF = {BANK_TOLD: "voucher_adjustment", CENTRAL_BANK_TOLD: "quota_adjustment"}
MARCH_2 = date(2026, 3, 2)


def answer(vt_code: str, tell_no: str, declined: str = "", day: date = MARCH_2) -> AnswerTelling:
    """The answer 回单 to a message about a correction; ``declined`` is why it was not adjusted."""
    voucher_no = f"{vt_code}:440000000-2026:{_OF[vt_code]}:{tell_no}"
    text = f"answer {voucher_no} {declined}".encode()
    return AnswerTelling(
        tell_no=tell_no,
        voucher_no=voucher_no,
        xacc_date=day,
        declined=declined,
        receipt_sm3=sm3(text).hex(),
        cert_serial="pboc",
        signature="test",
        document=compress_document(text),
    )


def answered(keeper: Bookkeeper, cor_no: str, *, bank: str = "", central_bank: str = "") -> None:
    """Both answer what they were told of a correction; each says why it declines, "" if not."""
    for vt_code, declined in ((BANK_TOLD, bank), (CENTRAL_BANK_TOLD, central_bank)):
        keeper.do(answer(vt_code, f"{cor_no}-{vt_code}", declined), "bank")
