"""申请划款 by the simulated bank: what it has paid, with faults that are planted and told."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.account_set import ledger_text
from payments.clearing.bank_claims import ReturnBankClaim
from payments.clearing.bank_events import BankClaimReturnTold
from payments.clearing.claims import RequestClearing
from payments.clearing.clearing_policy import SetClearingPolicy
from payments.corrections.correcting import CorrectPayment
from payments.simulators.faults import AS_ASKED, Faults
from tests.support import asking
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank, central_bank
from tests.support.sending import rows, sending
from tests.support.waiting import wait_until


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.do(SetClearingPolicy(claimed_by="banks"), "admin")
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


def test_a_planted_fault_is_refused_and_the_right_claim_is_settled(
    bookkeeper: Bookkeeper, treasury: SigningTreasury
) -> None:
    """Three payments of 1.00 are paid; the claim of the day comes 0.01 too high, then right, and
    once more under another number."""
    numbers = treasury.signed(3)
    faults = Faults(day=AS_ASKED)  # of the ledger's own days

    def claim(url: str, day: str, **told: Any) -> list[dict[str, Any]]:
        body = {"ledger": ledger_text(bookkeeper.ledger_id), "clear_date": day, **told}
        response = asking.post(f"{url}/sim/claims", json=body)
        assert response.status_code == 200, response.text
        return list(response.json()["claims"])

    with ReceiptServer(treasury) as server, bank(treasury, server.url, faults=faults) as paying:
        with sending(treasury, paying.url):
            wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 3)
        receipt = treasury.payments(numbers)["P1"].receipt
        assert receipt is not None
        day = receipt.xpay_date
        [wrong] = claim(paying.url, day, claim_no="W", other_amount=1)
        assert (wrong["pay_amt"], wrong["faults"]) == ("3.01", ["other_amount"])
        wait_until(lambda: server.refusals == ["receipt_mismatch"])
        right, again = claim(paying.url, day, claim_no="R", doubled=1)
        assert (right["faults"], again["faults"]) == ([], ["doubled"])
        wait_until(lambda: taken(bookkeeper) == ["102-R-1", "102-R-2"])
    clear_date = date.fromisoformat(day)
    bookkeeper.until(clear_date)
    first, second = (
        RequestClearing(
            clear_no=f"C{n}", clear_date=clear_date, pay_bank_code="102", claim_nos=(f"102-R-{n}",)
        )
        for n in (1, 2)
    )
    bookkeeper.do(first)
    assert bookkeeper.refusal(second) == "clearing_empty"
    with (
        ReceiptServer(treasury) as server,
        central_bank(treasury, server.url, faults=faults) as settling,
        sending(treasury, "", settling.url),
    ):
        wait_until(lambda: "零余额账户" not in bookkeeper.books())


def test_a_returned_claim_comes_back_to_its_bank(
    bookkeeper: Bookkeeper, treasury: SigningTreasury
) -> None:
    """It was recorded here alone: the bank waited for its money."""
    numbers = treasury.signed(1)
    faults = Faults(day=AS_ASKED)
    with (
        ReceiptServer(treasury) as server,
        bank(treasury, server.url, faults=faults) as paying,
        sending(treasury, paying.url),
    ):
        wait_until(lambda: treasury.statuses(numbers) == ["paid"])
        receipt = treasury.payments(numbers)["P1"].receipt
        assert receipt is not None
        told = {
            "ledger": ledger_text(bookkeeper.ledger_id),
            "clear_date": receipt.xpay_date,
            "claim_no": "R",
        }
        url = f"{paying.url}/sim/claims"
        assert asking.post(url, json=told).status_code == 200
        wait_until(lambda: taken(bookkeeper) == ["102-R-1"])
        bookkeeper.do(ReturnBankClaim(claim_no="102-R-1", reason="额度未到"), "treasury")
        wait_until(lambda: told_of(bookkeeper) == ["2301:440000000-2026:returned_claim:102-R-1"])
        wait_until(lambda: rows(treasury) == [])


def test_what_a_bank_has_adjusted_it_claims_so(
    bookkeeper: Bookkeeper, treasury: SigningTreasury
) -> None:
    """0.40 of 1.00 are of another function before they are claimed: told, else no claim agreed."""
    numbers = treasury.signed(2)
    bookkeeper.issue("SERVICE", "100.00", exp_func_code="2010103")
    faults = Faults(day=AS_ASKED)
    with (
        ReceiptServer(treasury) as server,
        bank(treasury, server.url, faults=faults) as paying,
        sending(treasury, paying.url),
    ):
        wait_until(lambda: treasury.statuses(numbers) == ["paid"] * 2)
        receipt = treasury.payments(numbers)["P1"].receipt
        assert receipt is not None
        corrected = CorrectPayment(
            cor_no="GZ-1", pay_app_no="P1", to_bgt_id="SERVICE", amt="0.40", reason="功能科目用错"
        )
        bookkeeper.do(corrected, "accountant")
        wait_until(lambda: "correction.telling_confirmed" in [n for _, n, _ in bookkeeper.events()])
        told = {
            "ledger": ledger_text(bookkeeper.ledger_id),
            "clear_date": receipt.xpay_date,
            "claim_no": "R",
        }
        assert asking.post(f"{paying.url}/sim/claims", json=told).status_code == 200
        wait_until(lambda: taken(bookkeeper) == ["102-R-1"])
    [claim] = [e for _, name, e in bookkeeper.events() if name == "clearing.bank_claimed"]
    assert [(line.exp_func_code, line.pay_amt) for line in claim.lines] == [
        ("2010102", "1.60"),
        ("2010103", "0.40"),
    ]
    assert server.refusals == []


def told_of(keeper: Bookkeeper) -> list[str]:
    """The returns that banks have taken in."""
    return [e.voucher_no for _, _, e in keeper.events() if isinstance(e, BankClaimReturnTold)]


def taken(keeper: Bookkeeper) -> list[str]:
    """The claims that are in the books."""
    return [e.claim_no for _, _, e in keeper.events() if e.TYPE == "clearing.bank_claimed"]
