"""逐笔勾对 against a matcher that knows nothing of it, and in ten thousand vouchers."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounting.reconciliation.matching import BankLine, BankMovement, ComparedLines, Matcher
from ledger.money import yuan
from payments.application import ApprovePayment
from payments.messages.reconciliations import CheckedVoucher
from payments.simulators.reconciling import ReconciliationTold, with_faults
from payments.voucher import ApplyReceipt
from tests.support.bookkeeper import Bookkeeper, payment, receipt, signature
from tests.support.central_bank_reports import SigningCentralBank, told
from tests.support.channel_parties import SigningTreasury
from tests.support.histories import MARCH_2
from tests.support.reconciliations import ReconcilingBank, packages, reconciliation

FIRST = date(2026, 1, 5)
BEGIN, END = FIRST + timedelta(1), FIRST + timedelta(2)

numbers = st.sampled_from("abcde")
amounts = st.sampled_from((0, 100, 100, 101, -100))
lines_of_packages = st.lists(st.lists(st.tuples(numbers, amounts), max_size=4), max_size=3)
booked = st.lists(
    st.tuples(numbers, st.integers(0, 3), amounts.filter(bool)),
    max_size=6,
    unique_by=lambda each: (each[0], each[1]),
)


def matched(parts: list[list[tuple[str, int]]], movements: list[BankMovement]) -> ComparedLines:
    matcher = Matcher(BEGIN, END)
    for pack, lines in enumerate(parts, 1):
        said = [BankLine(no, fen, f"{pack}/{at}") for at, (no, fen) in enumerate(lines, 1)]
        under = {no: [m for m in movements if m.number == no] for no, _ in lines}
        matcher.take(said, under)
    within = [m for m in movements if BEGIN <= m.day <= END]
    return matcher.conclude(within, [], 0)


@settings(max_examples=150, deadline=None)
@given(parts=lines_of_packages, movements=booked)
def test_it_finds_what_another_matcher_finds(
    parts: list[list[tuple[str, int]]], movements: list[tuple[str, int, int]]
) -> None:
    """The other one counts by number: what each side has of it, and says what that means."""
    books = [BankMovement(no, FIRST + timedelta(at), fen) for no, at, fen in movements]
    result = matched(parts, books)
    said = [line for part in parts for line in part]
    due: Counter[tuple[str, str]] = Counter()
    agree = 0
    for number in "abcde":
        theirs = [fen for no, fen in said if no == number]
        ours = [m for m in books if m.number == number and BEGIN <= m.day <= END]
        elsewhere = [m for m in books if m.number == number and not BEGIN <= m.day <= END]
        if len(theirs) > 1:
            due["doubled", number] = len(theirs) - 1
        if not theirs and ours:
            due["missing_there", number] = 1
        elif theirs and ours and theirs[0] != sum(m.fen for m in ours):
            due["other_amount", number] = 1
        elif theirs and ours:
            agree += 1
        elif theirs and elsewhere:
            due["other_day", number] = 1
        elif theirs and theirs[0]:
            due["missing_here", number] = 1
    assert Counter((d.kind, d.number) for d in result.differences) == due
    assert result.matched_num == agree
    assert result.booked_fen == sum(m.fen for m in books if BEGIN <= m.day <= END)


VOUCHERS, FAULTS, AT_ONCE = 10_000, 25, 1_000


@pytest.mark.slow
def test_every_planted_difference_in_ten_thousand_vouchers(
    bookkeeper: Bookkeeper, tmp_path: Path
) -> None:
    """One in a hundred is missing, doubled, another amount or nobody's."""
    bookkeeper.issue("B1", "10000000.00")
    for first in range(0, VOUCHERS, AT_ONCE):
        pay_all(bookkeeper, [f"P{number}" for number in range(first, first + AT_ONCE)])
    paid = [e.pay_cert_no for _, _, e in events_of(bookkeeper)]
    assert len(paid) == VOUCHERS
    lines = [CheckedVoucher(voucher_no=number, amt=100 + at) for at, number in enumerate(paid)]
    asked = ReconciliationTold(
        ledger="",
        begin_date=MARCH_2,
        missing=FAULTS,
        doubled=FAULTS,
        other_amount=FAULTS,
        invented=FAULTS,
    )
    told_lines, planted = with_faults(lines, asked, "D1")
    said = [(line.voucher_no, yuan(line.amt)) for line in told_lines]
    parts = [said[at : at + 499] for at in range(0, len(said), 499)]
    bank = ReconcilingBank(SigningCentralBank(SigningTreasury(bookkeeper, tmp_path)))
    assert set(told(bank.send(*packages("D1", parts, MARCH_2)))) == {"created"}
    found = reconciliation(bookkeeper, "102-D1")
    by_kind: dict[str, list[str]] = {}
    for each in found.differences:
        by_kind.setdefault(each.kind, []).append(each.number)
    assert by_kind == {
        "missing_there": planted["missing"],
        "doubled": planted["doubled"],
        "other_amount": planted["other_amount"],
        "missing_here": planted["invented"],
    }
    assert found.compared is not None
    assert found.compared.matched_num == VOUCHERS - 2 * FAULTS


def events_of(keeper: Bookkeeper) -> list[tuple[int, str, ApplyReceipt]]:
    """The receipts, in order."""
    return [each for each in keeper.events() if each[2].TYPE == "voucher.receipted"]


def pay_all(keeper: Bookkeeper, numbers: list[str]) -> None:
    """Payments of 1.00 and so many fen more as their number says."""
    at = {number: int(number[1:]) for number in numbers}
    keeper.submit(*(payment(n, "B1", yuan(100 + at[n])) for n in numbers))
    approved = [
        outcome.subjects[0]
        for outcome in keeper.submit(*(ApprovePayment(pay_app_no=n) for n in numbers), by="checker")
    ]
    keeper.submit(*(signature(n) for n in numbers), by="signer")
    keeper.submit(*(receipt(each) for each in approved), by="bank")
