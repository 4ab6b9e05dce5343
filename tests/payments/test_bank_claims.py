"""清算 as it is: the agent bank claims what it has paid, and the treasury agrees to what its books
have as well. Unit 101, function 2010102 where nothing else is said."""

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.deciding.command import Outcome
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from payments.clearing.bank_claims import BANK_CLAIM, ReturnBankClaim
from payments.clearing.claims import ApplyClaimReceipt, RequestClearing
from payments.clearing.clearing_policy import SetClearingPolicy
from payments.clearing.uncleared import UNCLEARED
from payments.corrections.correcting import CorrectPayment
from payments.payment import Payment
from tests.support.bank_claims import MARCH_2, Line, bank_claim
from tests.support.bookkeeper import Bookkeeper, claim_receipt
from tests.support.central_bank_reports import SigningCentralBank, told
from tests.support.channel_parties import BANK, SigningTreasury

UNIT, FUNCTION = "101", "2010102"

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def parties(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningCentralBank:
    bookkeeper.do(SetClearingPolicy(claimed_by="banks"), "admin")
    return SigningCentralBank(SigningTreasury(bookkeeper, tmp_path))


def paid(keeper: Bookkeeper, number: str, amount: str, **more: Any) -> Payment:
    """A payment of an indicator of its own, paid on 2 March."""
    keeper.issue(f"B-{number}", amount, **more)
    subject: Payment = keeper.pay(number, f"B-{number}", amount).subjects[0]
    return subject


def claim(parties: SigningCentralBank, *bodies: Any) -> list[Outcome]:
    return parties.hand_in([parties.signed(body, BANK) for body in bodies])


def agree(keeper: Bookkeeper, clear_no: str, *claim_nos: str, day: date = MARCH_2) -> Outcome:
    keeper.until(day)
    numbers = tuple(f"102-{number}" for number in claim_nos)
    return keeper.ask(
        RequestClearing(clear_no=clear_no, clear_date=day, pay_bank_code="102", claim_nos=numbers)
    )


def settle(keeper: Bookkeeper, agreed: Outcome, day: date = MARCH_2) -> None:
    """The central bank moves the money for each claim of a clearing."""
    assert agreed.problem is None, str(agreed.problem)
    requested = agreed.subjects[0].requested
    for each in requested.claims:
        keeper.do(claim_receipt(requested.clear_no, each.voucher_no, each.pay_amt, day), "pboc")


def waiting(keeper: Bookkeeper) -> dict[str, int]:
    with keeper.pool.connection() as connection:
        rows = read_rows(connection, keeper.ledger_id, UNCLEARED)
    return {text: row.amount for text, row in rows.items() if row.amount}


def test_a_claim_that_agrees_is_taken_agreed_to_and_settled(
    bookkeeper: Bookkeeper, parties: SigningCentralBank
) -> None:
    """Domain 8: 300,000.00 and 250,000.00 are claimed as one sum of unit and function."""
    paid(bookkeeper, "P1", "300000.00")
    paid(bookkeeper, "P2", "250000.00", gov_bgt_eco_code="50202", dep_bgt_eco_code="30215")
    assert told(claim(parties, bank_claim("S1", [(UNIT, FUNCTION, "550000.00")]))) == ["created"]
    assert sum(waiting(bookkeeper).values()) == 55_000_000  # it moves nothing by itself
    agreed = agree(bookkeeper, "QS-1", "S1")
    settle(bookkeeper, agreed)
    books = bookkeeper.books()
    assert "零余额账户" not in books
    assert books["国库存款"] == "-550000.00"
    assert waiting(bookkeeper) == {}
    [made] = agreed.subjects[0].requested.claims
    assert (made.claim_no, made.pay_amt) == ("102-S1", "550000.00")


@pytest.mark.parametrize(
    ("lines", "differences"),
    [
        ([(UNIT, FUNCTION, "100.01")], [("100.01", "100.00")]),
        ([(UNIT, FUNCTION, "99.99")], [("99.99", "100.00")]),
        ([(UNIT, "2010101", "100.00")], [("100.00", "0.00"), ("0.00", "100.00")]),
        ([("102", FUNCTION, "100.00")], [("0.00", "100.00"), ("100.00", "0.00")]),
        ([(UNIT, FUNCTION, "100.00"), ("102", FUNCTION, "1.00")], [("1.00", "0.00")]),
    ],
    ids=["a fen more", "a fen less", "another function", "another unit", "one unit too many"],
)
def test_what_differs_is_refused_with_the_differences_and_is_on_record(
    bookkeeper: Bookkeeper,
    parties: SigningCentralBank,
    lines: list[tuple[str, str, str]],
    differences: list[tuple[str, str]],
) -> None:
    paid(bookkeeper, "P1", "100.00")
    [outcome] = claim(parties, bank_claim("S1", lines))
    assert outcome.problem is not None
    assert outcome.problem.code.text == "receipt_mismatch"
    found = outcome.problem.extra["differences"]
    assert [(d["claimed_amt"], d["waiting_amt"]) for d in found] == differences
    [refused] = [e for _, _, e in bookkeeper.events() if e.TYPE == "command.refused"]
    assert (refused.operation, refused.code) == ("clearing.claim", "receipt_mismatch")
    assert refused.extra["differences"] == found
    # and the bank claims what is right, under the same number
    right = bank_claim("S1", [(UNIT, FUNCTION, "100.00")])
    assert told(claim(parties, right)) == ["created"]


def test_a_claim_leaves_no_unit_out(bookkeeper: Bookkeeper, parties: SigningCentralBank) -> None:
    paid(bookkeeper, "P1", "100.00")
    paid(bookkeeper, "P2", "10.00", agency_code="102001")
    [outcome] = claim(parties, bank_claim("S1", [(UNIT, FUNCTION, "100.00")]))
    assert told([outcome]) == ["receipt_mismatch"]
    assert outcome.problem is not None
    assert outcome.problem.extra["differences"] == [
        {
            "pay_app_no": "",
            "sup_dep_code": "102",
            "exp_func_code": FUNCTION,
            "claimed_amt": "0.00",
            "waiting_amt": "10.00",
        }
    ]


def test_the_same_amounts_under_two_numbers_are_agreed_to_once(
    bookkeeper: Bookkeeper, parties: SigningCentralBank
) -> None:
    paid(bookkeeper, "P1", "100.00")
    lines = [(UNIT, FUNCTION, "100.00")]
    assert told(claim(parties, bank_claim("S1", lines), bank_claim("S2", lines))) == ["created"] * 2
    assert agree(bookkeeper, "QS-1", "S1", "S2").problem is not None  # both at once
    settle(bookkeeper, agree(bookkeeper, "QS-2", "S1"))
    assert told([agree(bookkeeper, "QS-3", "S2")]) == ["clearing_empty"]
    paid(bookkeeper, "P2", "30.00")
    assert told([agree(bookkeeper, "QS-4", "S2")]) == ["receipt_mismatch"]
    assert told([agree(bookkeeper, "QS-5", "S1")]) == ["invalid_state"]


def test_a_claim_comes_once_from_the_bank_that_has_paid(
    bookkeeper: Bookkeeper, parties: SigningCentralBank
) -> None:
    paid(bookkeeper, "P1", "100.00")
    body = bank_claim("S1", [(UNIT, FUNCTION, "100.00")])
    assert told(parties.hand_in([parties.signed(body, "pboc/1")])) == ["signature_invalid"]
    other = parties.hand_in([parties.signed(body, "bank/103")])
    assert told(other) == ["receipt_mismatch"]
    assert told(claim(parties, body)) == ["created"]
    assert told(claim(parties, body)) == ["replayed"]
    changed = bank_claim("S1", [(UNIT, FUNCTION, "90.00")])
    assert told(claim(parties, changed)) == ["idempotency_conflict"]


def test_a_rejected_claim_is_made_again_under_another_number(
    bookkeeper: Bookkeeper, parties: SigningCentralBank
) -> None:
    """Scenario 22, by the bank: 300.00 of 111 and 50.00 of 121 are rejected, and claimed again."""
    paid(bookkeeper, "P1", "300.00")
    paid(bookkeeper, "P2", "50.00", fund_type_code="121", exp_func_code="2120801")
    general = [(UNIT, FUNCTION, "300.00")]
    land = [(UNIT, "2120801", "50.00")]
    first = claim(parties, bank_claim("S1", general), bank_claim("S2", land, fund="121"))
    assert told(first) == ["created"] * 2
    agreed = agree(bookkeeper, "QS-1", "S1", "S2")
    assert agreed.problem is None
    for each in agreed.subjects[0].requested.claims:
        receipt = claim_receipt("QS-1", each.voucher_no, "0.01", MARCH_2)
        no = msgspec.structs.replace(receipt, xpay_fen=0, rejected="库款余额不足")
        bookkeeper.do(no, "pboc")
    assert bookkeeper.books()["零余额账户"] == "-350.00"
    second = claim(parties, bank_claim("S3", general), bank_claim("S4", land, fund="121"))
    assert told(second) == ["created"] * 2
    settle(bookkeeper, agree(bookkeeper, "QS-2", "S3", "S4"))
    assert "零余额账户" not in bookkeeper.books()


def test_what_came_back_is_claimed_by_a_2302_and_by_no_other(
    bookkeeper: Bookkeeper, parties: SigningCentralBank
) -> None:
    paid(bookkeeper, "P1", "100.00")
    back = bank_claim("T1", [(UNIT, FUNCTION, "40.00")], vt_code="2302")
    assert told(claim(parties, back)) == ["receipt_mismatch"]  # without a refund that matches
    bookkeeper.refund("P1", "40.00")
    assert told(claim(parties, back)) == ["created"]
    assert told(claim(parties, bank_claim("S1", [(UNIT, FUNCTION, "100.00")]))) == ["created"]
    settle(bookkeeper, agree(bookkeeper, "QS-1", "S1", "T1"))
    assert bookkeeper.books()["国库存款"] == "-60.00"
    assert "零余额账户" not in bookkeeper.books()


def test_the_treasury_returns_a_claim_and_it_is_made_again(
    bookkeeper: Bookkeeper, parties: SigningCentralBank
) -> None:
    paid(bookkeeper, "P1", "100.00")
    lines = [(UNIT, FUNCTION, "100.00")]
    claim(parties, bank_claim("S1", lines))
    bookkeeper.do(ReturnBankClaim(claim_no="102-S1", reason="额度未到"), "treasury")
    assert told([agree(bookkeeper, "QS-1", "S1")]) == ["invalid_state"]
    assert bookkeeper.refusal(ReturnBankClaim(claim_no="102-S1", reason="再退")) == "invalid_state"
    assert bookkeeper.refusal(ReturnBankClaim(claim_no="102-S9", reason="无")) == "not_found"
    claim(parties, bank_claim("S2", lines))
    settle(bookkeeper, agree(bookkeeper, "QS-2", "S2"))
    assert "零余额账户" not in bookkeeper.books()


# ---- singly


@pytest.fixture
def singly(bookkeeper: Bookkeeper, parties: SigningCentralBank) -> SigningCentralBank:
    """Payments of a thousand and more are claimed singly."""
    policy = SetClearingPolicy(claimed_by="banks", singly_from_amt="1000.00")
    bookkeeper.do(policy, "admin")
    return parties


def test_a_large_payment_is_claimed_by_its_voucher_and_in_no_sum(
    bookkeeper: Bookkeeper, singly: SigningCentralBank
) -> None:
    large = paid(bookkeeper, "P1", "1000.00")
    other = paid(bookkeeper, "P2", "2000.00")
    paid(bookkeeper, "P3", "999.99")
    with_it = bank_claim("S1", [(UNIT, FUNCTION, "1999.99")])
    assert told(claim(singly, with_it)) == ["receipt_mismatch"]
    first = bank_claim("S2", [(UNIT, FUNCTION, "1000.00", large.pay_cert_no)])
    second = bank_claim("S3", [(UNIT, FUNCTION, "2000.00", other.pay_cert_no)])
    rest = bank_claim("S4", [(UNIT, FUNCTION, "999.99")])
    assert told(claim(singly, first, second, rest)) == ["created"] * 3
    settle(bookkeeper, agree(bookkeeper, "QS-1", "S2", "S4"))
    # what the first names is claimed, and is not claimed again by another
    again = bank_claim("S5", [(UNIT, FUNCTION, "1000.00", large.pay_cert_no)])
    assert told(claim(singly, again)) == ["receipt_mismatch"]
    settle(bookkeeper, agree(bookkeeper, "QS-2", "S3"))
    assert waiting(bookkeeper) == {}
    assert bookkeeper.books()["国库存款"] == "-3999.99"


def test_a_claim_names_vouchers_one_to_one(
    bookkeeper: Bookkeeper, singly: SigningCentralBank
) -> None:
    large = paid(bookkeeper, "P1", "1000.00")
    small = paid(bookkeeper, "P2", "5.00")
    named = large.pay_cert_no
    cases: list[tuple[str, list[Line], str]] = [
        ("S1", [(UNIT, FUNCTION, "1000.01", named)], "receipt_mismatch"),
        ("S2", [(UNIT, FUNCTION, "999.99", named)], "receipt_mismatch"),
        ("S3", [(UNIT, FUNCTION, "1000.00", named)] * 2, "receipt_mismatch"),
        ("S4", [(UNIT, FUNCTION, "5.00", small.pay_cert_no)], "receipt_mismatch"),
        ("S5", [(UNIT, FUNCTION, "1000.00", named), (UNIT, FUNCTION, "5.00")], "receipt_mismatch"),
        ("S6", [(UNIT, FUNCTION, "1000.00", _another(named))], "payment_not_found"),
        ("S7", [(UNIT, FUNCTION, "1000.00", "9" * 35)], "payment_not_found"),
    ]
    for number, lines, code in cases:
        assert told(claim(singly, bank_claim(number, lines))) == [code], number
    returned = bank_claim("S8", [(UNIT, FUNCTION, "5.00", small.pay_cert_no)], vt_code="2302")
    assert told(claim(singly, returned)) == ["receipt_mismatch"]


def _another(number: str) -> str:
    return number[:-1] + ("1" if number.endswith("0") else "0")


def test_a_rejected_single_payment_waits_singly_again(
    bookkeeper: Bookkeeper, singly: SigningCentralBank
) -> None:
    large = paid(bookkeeper, "P1", "1000.00")
    line = (UNIT, FUNCTION, "1000.00", large.pay_cert_no)
    claim(singly, bank_claim("S1", [line]))
    agreed = agree(bookkeeper, "QS-1", "S1")
    [each] = agreed.subjects[0].requested.claims
    receipt: ApplyClaimReceipt = claim_receipt("QS-1", each.voucher_no, "0.01", MARCH_2)
    bookkeeper.do(msgspec.structs.replace(receipt, xpay_fen=0, rejected="库款余额不足"), "pboc")
    assert told(claim(singly, bank_claim("S2", [(UNIT, FUNCTION, "1000.00")]))) == [
        "receipt_mismatch"
    ]
    assert told(claim(singly, bank_claim("S3", [line]))) == ["created"]
    settle(bookkeeper, agree(bookkeeper, "QS-2", "S3"))
    assert waiting(bookkeeper) == {}


def test_a_single_payment_that_was_corrected_is_claimed_as_it_stands(
    bookkeeper: Bookkeeper, singly: SigningCentralBank
) -> None:
    """400.00 of 1,000.00 are another function's before the bank has claimed them."""
    large = paid(bookkeeper, "P1", "1000.00")
    bookkeeper.issue("B2", "1000.00", exp_func_code="2010101")
    bookkeeper.do(
        CorrectPayment(
            cor_no="GZ-1", pay_app_no="P1", to_bgt_id="B2", amt="400.00", reason="科目用错"
        )
    )
    named = large.pay_cert_no
    as_paid = bank_claim("S1", [(UNIT, FUNCTION, "1000.00", named)])
    assert told(claim(singly, as_paid)) == ["receipt_mismatch"]
    lines = [(UNIT, FUNCTION, "600.00", named), (UNIT, "2010101", "400.00", named)]
    assert told(claim(singly, bank_claim("S2", lines))) == ["created"]
    settle(bookkeeper, agree(bookkeeper, "QS-1", "S2"))
    assert waiting(bookkeeper) == {}


# ---- whose it is to claim


def test_the_treasury_does_not_claim_for_banks_that_claim(
    bookkeeper: Bookkeeper, parties: SigningCentralBank
) -> None:
    paid(bookkeeper, "P1", "100.00")
    bookkeeper.until(MARCH_2)
    own = RequestClearing(clear_no="QS-1", clear_date=MARCH_2, pay_bank_code="102")
    assert bookkeeper.refusal(own) == "invalid_state"
    bookkeeper.do(SetClearingPolicy(claimed_by="treasury"), "admin")
    body = bank_claim("S1", [(UNIT, FUNCTION, "100.00")])
    assert told(claim(parties, body)) == ["invalid_state"]
    named = msgspec.structs.replace(own, clear_no="QS-2", claim_nos=("102-S1",))
    assert bookkeeper.refusal(named) == "invalid_state"
    settle(bookkeeper, bookkeeper.do(msgspec.structs.replace(own, clear_no="QS-3")))


def test_what_was_to_be_claimed_singly_the_treasury_claims_in_its_sums(
    bookkeeper: Bookkeeper, singly: SigningCentralBank
) -> None:
    paid(bookkeeper, "P1", "1000.00")
    paid(bookkeeper, "P2", "5.00")
    bookkeeper.do(SetClearingPolicy(claimed_by="treasury"), "admin")
    settle(bookkeeper, bookkeeper.clear("QS-1", MARCH_2))
    assert waiting(bookkeeper) == {}
    assert bookkeeper.books()["国库存款"] == "-1005.00"


def test_a_claim_is_agreed_to_on_its_own_day_and_with_its_bank(
    bookkeeper: Bookkeeper, parties: SigningCentralBank
) -> None:
    paid(bookkeeper, "P1", "100.00")
    claim(parties, bank_claim("S1", [(UNIT, FUNCTION, "100.00")]))
    assert told([agree(bookkeeper, "QS-1", "S1", day=date(2026, 3, 3))]) == ["invalid_state"]
    assert told([agree(bookkeeper, "QS-2", "S9")]) == ["not_found"]
    with bookkeeper.pool.connection() as connection:
        found = read_objects(connection, bookkeeper.ledger_id, BANK_CLAIM, ["102-S1"])
    assert found["102-S1"].status == "waiting"
