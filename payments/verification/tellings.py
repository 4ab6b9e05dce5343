"""支付调整: what whoever was told of a correction has signed, against the event (invariant 14)."""

from collections.abc import Iterator
from typing import Any

from payments.messages import adjustments
from payments.messages.message_types import SignedBy
from payments.messages.vt_codes import VOUCHER_ADJUSTMENT
from payments.order_answers import TELLING_ANSWERS
from payments.signing.tellings import TellingEvent, adjustment
from payments.telling_events import TellingAnswered, TellingDeclined
from payments.verification.agreement import Differing, NamedDocument, compare


def subject_of(event: TellingAnswered) -> str:
    """Whose certificate has to have signed an answer; the central bank's begins so."""
    if event.vt_code == VOUCHER_ADJUSTMENT:
        return SignedBy.AGENT_BANK.subject(event.pay_bank_code)
    return f"{SignedBy.CENTRAL_BANK}/"


@compare(*TELLING_ANSWERS)
def _telling_answer(named: NamedDocument) -> Iterator[Differing]:
    event: Any = named.event
    told = next((each for each in named.others if isinstance(each, TellingEvent)), None)
    if told is None:
        raise ValueError("there is no message for it")
    said = adjustments.parse_answer(named.document, told.vt_code)
    declined = event.reason if isinstance(event, TellingDeclined) else ""
    due: tuple[Differing, ...] = (
        ("VoucherNo", said.voucher_no, event.voucher_no),
        ("VtCode", told.vt_code, event.vt_code),
        ("PayBankCode", told.pay_bank_code, event.pay_bank_code),
        ("XAccDate", said.x_acc_date.isoformat(), event.xacc_date),
        ("XDealResult", bool(said.declined), bool(declined)),
        ("XAddWord", said.declined[: len(declined)], declined),
    )
    yield from (each for each in due if each[1] != each[2])
    yield from adjustments.said_otherwise(adjustment(named.ledger_id, told), named.document)
