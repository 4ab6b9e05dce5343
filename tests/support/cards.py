"""Officials' cards, as tests register and use them; nobody has these numbers."""

from typing import Any

import psycopg

from division.agency import RegisterAgency
from division.card import RegisterCard
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from payments.application import ApplyPayment
from payments.events import PaymentDetail
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import payment

CARD, OTHER_CARD = "6282880000000000018", "6282880000000000026"
HOLDER = "样例干部一"
GUANGDONG = standing_ledger("440000000")


def card(card_no: str = CARD, **more: Any) -> RegisterCard:
    said = {"agency_code": "101001", "holder_name": HOLDER, "card_bank_name": "样例银行", **more}
    return RegisterCard(card_no=card_no, **said)


def register_cards(connection: psycopg.Connection, *cards: RegisterCard) -> None:
    """Of two units that are registered, too."""
    units = [
        RegisterAgency(agency_code=code, agency_name=f"样例单位{code}", agency_type_code="1")
        for code in ("101001", "102001")
    ]
    record(connection, GUANGDONG, [*units, *cards], FREELY, by=OPERATOR)


def spent(
    auth_no: str, amount: str, detail_id: str = "1", on: str = "2026-03-01", **more: Any
) -> PaymentDetail:
    """What was spent with the card, reimbursed in full unless ``pay_amt`` says otherwise."""
    said = {
        "payee_acct_name": HOLDER,
        "payee_acct_no": more.get("card_no", CARD),
        "payee_acct_bank_name": "样例银行",
        "pay_amt": amount,
        "card_no": CARD,
        "consume_date": on,
        "card_auth_no": auth_no,
        "merchant_name": "样例宾馆",
        "consume_amt": amount,
        **more,
    }
    return PaymentDetail(pay_detail_id=detail_id, **said)


def reimbursing(number: str, amount: str, *lines: PaymentDetail, **more: Any) -> ApplyPayment:
    nobody = dict.fromkeys(("payee_acct_name", "payee_acct_no", "payee_acct_bank_name"), "")
    return payment(
        number,
        "B1",
        amount,
        details=lines,
        pay_bus_type_code="2",
        use_des="公务卡还款",
        **nobody,
        **more,
    )
