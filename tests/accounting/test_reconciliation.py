"""对账: a bank's list of a day against the vouchers that the books have, and who confirms it."""

from datetime import date
from pathlib import Path

import msgspec
import pytest

from accounting.intake.comparing import compare_again
from accounting.reconciliation.confirming import ConfirmReconciliation
from accounting.reconciliation.events import RequiredReconciliation
from accounting.reconciliation.policy import SetReconciliationPolicy
from accounting.reconciliation.receiving import CompareReconciliation
from accounting.reconciliation.statement import Reconciliation
from ledger.closing import ClosePeriod
from tests.support.bookkeeper import Bookkeeper
from tests.support.central_bank_reports import SigningCentralBank, told
from tests.support.channel_parties import CENTRAL_BANK, SigningTreasury
from tests.support.reconciliations import (
    MONDAY,
    TUESDAY,
    ReconcilingBank,
    package,
    packages,
    paid,
    reconciliation,
    told_differences,
)

CLOSE = ClosePeriod(through="2026-01-31")

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def parties(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningCentralBank:
    bookkeeper.issue("B1", "100000.00", effective_on=date(2026, 1, 2))
    return SigningCentralBank(SigningTreasury(bookkeeper, tmp_path))


@pytest.fixture
def bank(parties: SigningCentralBank) -> ReconcilingBank:
    return ReconcilingBank(parties)


def test_a_day_that_agrees(bookkeeper: Bookkeeper, bank: ReconcilingBank) -> None:
    first, second = paid(bookkeeper, "P1", "100.00"), paid(bookkeeper, "P2", "200.50")
    paid(bookkeeper, "P3", "7.00", TUESDAY)  # another day's
    assert told(bank.send(package("D1", [second, first]))) == ["created"]
    found = reconciliation(bookkeeper, "102-D1")
    assert found.state == "agrees"
    assert found.compared is not None
    assert (found.compared.matched_num, found.compared.booked_amt) == (2, "300.50")


def test_each_way_in_which_a_line_differs(bookkeeper: Bookkeeper, bank: ReconcilingBank) -> None:
    """Five vouchers of the day in the books: one agrees, one is 0.01 otherwise, one the bank has
    twice, one it has not; one that it has is of Tuesday, and one nobody knows here."""
    right, cheap = paid(bookkeeper, "P1", "100.00"), paid(bookkeeper, "P2", "200.00")
    twice, lost = paid(bookkeeper, "P3", "300.00"), paid(bookkeeper, "P4", "400.00")
    early = paid(bookkeeper, "P5", "500.00", TUESDAY)
    lines = [right, (cheap[0], "200.01"), twice, twice, early, ("9" * 35, "600.00")]
    assert told(bank.send(package("D1", lines))) == ["created"]
    found = reconciliation(bookkeeper, "102-D1")
    assert found.state == "differs"
    assert sorted(told_differences(found)) == sorted(
        [
            ("other_amount", cheap[0], "200.01", "200.00"),
            ("doubled", twice[0], "300.00", "300.00"),
            ("missing_there", lost[0], "", "400.00"),
            ("other_day", early[0], "500.00", "500.00"),
            ("missing_here", "9" * 35, "600.00", ""),
        ]
    )
    [other_day] = [d for d in found.differences if d.kind == "other_day"]
    assert (other_day.booked_on, other_day.place) == ("2026-01-06", "1/5")


def test_a_voucher_of_which_nothing_was_paid_need_not_be_listed(
    bookkeeper: Bookkeeper, bank: ReconcilingBank
) -> None:
    bookkeeper.apply("P1", "B1", "10.00", effective_on=MONDAY)
    approved = bookkeeper.approve("P1")
    bookkeeper.sign("P1")
    bookkeeper.receipt(approved, "1")
    assert told(bank.send(package("D1", [(approved.pay_cert_no, "0.00")]))) == ["created"]
    assert told(bank.send(package("D2", []))) == ["created"]
    assert reconciliation(bookkeeper, "102-D1").state == "agrees"
    assert reconciliation(bookkeeper, "102-D2").state == "agrees"


def test_packages_count_when_all_are_there_in_whatever_order_and_once(
    bookkeeper: Bookkeeper, bank: ReconcilingBank
) -> None:
    lines = [paid(bookkeeper, f"P{n}", f"{n}.00") for n in range(1, 6)]
    one, two, three = packages("D1", [lines[:2], lines[2:4], lines[4:]])
    assert told(bank.send(three)) == ["created"]
    assert told(bank.send(one, three)) == ["created", "replayed"]
    assert reconciliation(bookkeeper, "102-D1").state == "incomplete"
    assert told(bank.send(two)) == ["created"]
    assert told(bank.send(two, one)) == ["replayed", "replayed"]
    found = reconciliation(bookkeeper, "102-D1")
    assert (found.state, sorted(found.packages)) == ("agrees", [1, 2, 3])


def test_a_line_that_stands_in_two_packages_is_doubled(
    bookkeeper: Bookkeeper, bank: ReconcilingBank
) -> None:
    line = paid(bookkeeper, "P1", "5.00")
    assert told(bank.send(*packages("D1", [[line], [line]]))) == ["created", "created"]
    [difference] = reconciliation(bookkeeper, "102-D1").differences
    assert (difference.kind, difference.place) == ("doubled", "2/1")


def test_a_package_of_another_reconciliation_or_with_other_sums_is_refused(
    bookkeeper: Bookkeeper, bank: ReconcilingBank
) -> None:
    lines = [paid(bookkeeper, "P1", "1.00"), paid(bookkeeper, "P2", "2.00")]
    one, two = packages("D1", [lines[:1], lines[1:]])
    assert told(bank.send(one)) == ["created"]
    [otherwise] = [packages("D1", [lines[:1], lines[1:], []])[1]]
    assert told(bank.send(otherwise)) == ["receipt_mismatch"]
    short = package("D1", [(lines[1][0], "1.99")], all_lines=lines, number=2, of=2)
    assert told(bank.send(short)) == ["receipt_mismatch"]
    other_one = package("D1", lines[1:], all_lines=lines, number=1, of=2)
    assert told(bank.send(other_one)) == ["idempotency_conflict"]
    assert told(bank.send(two)) == ["created"]
    assert reconciliation(bookkeeper, "102-D1").state == "agrees"


def test_who_signs_and_what_contradicts_itself(
    bookkeeper: Bookkeeper, parties: SigningCentralBank, bank: ReconcilingBank
) -> None:
    line = paid(bookkeeper, "P1", "1.00")
    central = ReconcilingBank(parties, CENTRAL_BANK)
    assert told(central.send(package("D1", [line]))) == ["signature_invalid"]
    wrong = package("D1", [line], all_lines=[line, line])
    assert told(bank.send(wrong)) == ["receipt_mismatch"]
    [held] = bank.send(
        msgspec.structs.replace(wrong, voucher=wrong.voucher.replace(b"<AllNum>2", b"<AllNum>two"))
    )
    assert held.subjects[0].held.vt_code == "3502"
    future = package("D1", [line], date(2026, 12, 31))
    assert told(bank.send(future)) == ["future_date"]
    assert told(bank.send(package("D1", [line]))) == ["created"]


def test_refunds_and_claims_are_reconciled_likewise(
    bookkeeper: Bookkeeper, parties: SigningCentralBank, bank: ReconcilingBank
) -> None:
    """Scenario 97: 行、人行 each by day; P1 of 100.00 is paid, 30.00 of it comes back."""
    paid(bookkeeper, "P1", "100.00")
    bookkeeper.refund("P1", "30.00", effective_on=MONDAY)
    [(notice_no,)] = [
        (e.notice_no,) for _, _, e in bookkeeper.events() if e.TYPE == "payment.refunded"
    ]
    of_refunds = package("D1", [(notice_no, "30.00")], e_voucher_type="2203")
    assert told(bank.send(of_refunds)) == ["created"]
    assert reconciliation(bookkeeper, "102-D1").state == "agrees"
    bookkeeper.clear("QS1", MONDAY)
    claims = [e for _, _, e in bookkeeper.events() if e.TYPE == "clearing.claim_receipted"]
    [refunded] = [c for c in claims if c.xpay_amt == "30.00"]
    central = ReconcilingBank(parties, CENTRAL_BANK)
    said = {"vt_code": "3501", "pay_bank_code": "", "tre_code": "4400000000"}
    of_claims = package("D1", [(refunded.voucher_no, "30.00")], e_voucher_type="2302", **said)
    assert told(central.send(of_claims)) == ["created"]
    found = reconciliation(bookkeeper, "pboc-D1")
    assert (found.state, found.opened.sender) == ("agrees", "pboc/1")
    none = package("D2", [], e_voucher_type="2301", **said)
    assert told(central.send(none)) == ["created"]
    [missing] = reconciliation(bookkeeper, "pboc-D2").differences
    assert (missing.kind, missing.booked_amt) == ("missing_there", "100.00")


def test_what_was_claimed_and_given_back_in_a_period(
    bookkeeper: Bookkeeper, parties: SigningCentralBank
) -> None:
    """3507 of January in two packages: 2301 of two days, and the 2302 of what came back."""
    paid(bookkeeper, "P1", "100.00")
    bookkeeper.refund("P1", "30.00", effective_on=MONDAY)
    bookkeeper.clear("QS1", MONDAY)
    paid(bookkeeper, "P2", "7.00", TUESDAY)
    bookkeeper.clear("QS2", TUESDAY)
    claims = [e for _, _, e in bookkeeper.events() if e.TYPE == "clearing.claim_receipted"]
    lines = [(each.voucher_no, each.xpay_amt) for each in claims]
    assert sorted(amt for _, amt in lines) == ["100.00", "30.00", "7.00"]
    said = {
        "vt_code": "3507",
        "pay_bank_code": "",
        "e_voucher_type": "2301,2302",
        "begin_date": date(2026, 1, 1),
        "end_date": date(2026, 1, 31),
    }
    central = ReconcilingBank(parties, CENTRAL_BANK)
    late, first = reversed(packages("M1", [lines[:2], lines[2:]], **said))
    assert told(central.send(late, first)) == ["created", "created"]
    found = reconciliation(bookkeeper, "pboc-M1")
    assert found.state == "agrees"
    assert found.compared is not None
    assert (found.compared.matched_num, found.compared.booked_amt) == (3, "137.00")
    assert told(central.send(*packages("M2", [lines[1:]], **said))) == ["created"]
    [missing] = reconciliation(bookkeeper, "pboc-M2").differences
    assert (missing.kind, missing.number) == ("missing_there", lines[0][0])
    unasked = RequiredReconciliation(
        vt_code="3507", e_voucher_type="2301,2302", start_date="2026-01-02"
    )
    bookkeeper.do(SetReconciliationPolicy(required=(unasked,)), "admin")
    assert blockers(bookkeeper) == [("unreconciled", "pboc-M2")]
    confirm = ConfirmReconciliation(recon_no="pboc-M2", reason="人行漏列")
    bookkeeper.do(confirm, "accountant")
    bookkeeper.do(CLOSE, "accountant")


def test_it_is_compared_again_when_the_books_have_caught_up(
    bookkeeper: Bookkeeper, bank: ReconcilingBank
) -> None:
    """The bank's list came before its receipt."""
    bookkeeper.apply("P1", "B1", "10.00", effective_on=MONDAY)
    approved = bookkeeper.approve("P1")
    bookkeeper.sign("P1")
    bank.send(package("D1", [(approved.pay_cert_no, "10.00")]))
    [early] = reconciliation(bookkeeper, "102-D1").differences
    assert early.kind == "missing_here"
    bookkeeper.receipt(approved, xpay_date=MONDAY)
    assert compare(bookkeeper, "102-D1", "BD1").state == "agrees"
    assert reconciliation(bookkeeper, "102-D1").differences == ()
    bookkeeper.do(ConfirmReconciliation(recon_no="102-D1"), "accountant")
    again = CompareReconciliation(recon_no="102-D1", compare_no="BD2")
    assert bookkeeper.refusal(again, "accountant") == "invalid_state"


def compare(keeper: Bookkeeper, recon_no: str, compare_no: str) -> Reconciliation:
    """As a person asks for it."""
    with keeper.pool.connection() as connection:
        found = compare_again(connection, keeper.ledger_id, reconciliation(keeper, recon_no))
    command = CompareReconciliation(recon_no=recon_no, compare_no=compare_no, comparison=found)
    compared: Reconciliation = keeper.do(command, "accountant").subjects[0]
    return compared


# ---- who confirms it, and what waits for that


def test_differences_want_a_reason_and_nothing_is_confirmed_twice(
    bookkeeper: Bookkeeper, bank: ReconcilingBank
) -> None:
    paid(bookkeeper, "P1", "1.00")
    bank.send(package("D1", []))
    bare = ConfirmReconciliation(recon_no="102-D1")
    assert bookkeeper.refusal(bare, "accountant") == "invalid_state"
    confirm = ConfirmReconciliation(recon_no="102-D1", reason="银行次日入账")
    assert bookkeeper.do(confirm, "accountant").subjects[0].state == "confirmed"
    assert bookkeeper.ask(confirm, "accountant").replayed
    unknown = ConfirmReconciliation(recon_no="102-D9", reason="无")
    assert bookkeeper.refusal(unknown, "accountant") == "not_found"


def test_an_incomplete_one_is_not_confirmed_and_a_later_one_takes_its_place(
    bookkeeper: Bookkeeper, bank: ReconcilingBank
) -> None:
    line = paid(bookkeeper, "P1", "1.00")
    bank.send(packages("D1", [[line], []])[0])
    confirm = ConfirmReconciliation(recon_no="102-D1", reason="包未到齐")
    assert bookkeeper.refusal(confirm, "accountant") == "invalid_state"
    bank.send(package("D2", []))
    bank.send(package("D3", [line]))
    earlier = ConfirmReconciliation(recon_no="102-D2", reason="已更正")
    assert bookkeeper.refusal(earlier, "accountant") == "invalid_state"
    bookkeeper.do(ConfirmReconciliation(recon_no="102-D3"), "accountant")


REQUIRED = RequiredReconciliation(
    vt_code="3502", pay_bank_code="102", e_voucher_type="5214", start_date="2026-01-29"
)


def blockers(keeper: Bookkeeper) -> list[tuple[str, str]]:
    """What keeps January open."""
    problem = keeper.ask(CLOSE, "accountant").problem
    assert problem is not None
    assert problem.code.text == "period_not_ready"
    return [(each["kind"], each["number"]) for each in problem.extra["blockers"]]


def test_a_month_waits_for_what_the_policy_asks_for(
    bookkeeper: Bookkeeper, bank: ReconcilingBank
) -> None:
    """Thursday 29 and Friday 30 January, of which the days off behind are a part."""
    bookkeeper.do(SetReconciliationPolicy(required=(REQUIRED,)), "admin")
    day = "3502/bank/102/5214"
    assert blockers(bookkeeper) == [("unreconciled", f"{day}/2026-01-29")]
    bank.send(package("D29", [], date(2026, 1, 29)))
    assert blockers(bookkeeper) == [
        ("unreconciled", "102-D29"),
        ("unreconciled", f"{day}/2026-01-30"),
    ]
    bookkeeper.do(ConfirmReconciliation(recon_no="102-D29"), "accountant")
    assert blockers(bookkeeper) == [("unreconciled", f"{day}/2026-01-30")]
    bank.send(package("D30", [], date(2026, 1, 30)))
    bookkeeper.do(ConfirmReconciliation(recon_no="102-D30"), "accountant")
    bookkeeper.do(CLOSE, "accountant")


def test_without_a_policy_nothing_waits(bookkeeper: Bookkeeper, bank: ReconcilingBank) -> None:
    bank.send(package("D1", [("9" * 35, "1.00")]))
    bookkeeper.do(CLOSE, "accountant")
