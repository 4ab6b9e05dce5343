"""对账 by the simulated banks: what they have paid, with faults that are planted and told."""

from pathlib import Path
from typing import Any

import pytest

from ledger.account_set import ledger_text
from payments.simulators.faults import AS_ASKED, Faults
from tests.support import asking
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank
from tests.support.reconciliations import reconciliation
from tests.support.waiting import wait_until

PAYMENTS = 12


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


def tell(url: str, **told: Any) -> dict[str, Any]:
    response = asking.post(f"{url}/sim/reconciliations", json=told)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_every_planted_fault_is_found_and_none_is_invented(
    bookkeeper: Bookkeeper, treasury: SigningTreasury
) -> None:
    """Twelve payments go out and are answered; the bank's list of the day comes in three packages,
    the first of them late."""
    numbers = treasury.signed(PAYMENTS)
    faults = Faults(day=AS_ASKED)  # of the ledger's own days
    with ReceiptServer(treasury) as server, bank(treasury, server.url, faults=faults) as simulated:
        dispatcher = treasury.dispatcher(simulated.url)
        dispatcher.start()
        try:
            wait_until(lambda: treasury.statuses(numbers) == ["paid"] * PAYMENTS)
        finally:
            dispatcher.stop()
        day = treasury.payments(numbers)["P1"].receipt.xpay_date
        told = {
            "ledger": ledger_text(bookkeeper.ledger_id),
            "begin_date": day,
            "check_no": "D1",
            "per_package": 5,
            "missing": 2,
            "doubled": 1,
            "other_amount": 1,
            "invented": 1,
        }
        sent = tell(simulated.url, **told, send=[3, 2])
        wait_until(lambda: len(taken(bookkeeper)) == 2)
        tell(simulated.url, **told, send=[3])
        assert reconciliation(bookkeeper, "102-D1").state == "incomplete"
        tell(simulated.url, **told, send=[1])
        wait_until(lambda: len(taken(bookkeeper)) == 3)
    found = reconciliation(bookkeeper, "102-D1")
    by_kind: dict[str, list[str]] = {}
    for each in found.differences:
        by_kind.setdefault(each.kind, []).append(each.number)
    planted = sent["planted"]
    assert by_kind == {
        "missing_there": planted["missing"],
        "doubled": planted["doubled"],
        "other_amount": planted["other_amount"],
        "missing_here": planted["invented"],
    }
    assert found.compared is not None
    assert found.compared.matched_num == PAYMENTS - 3


def taken(keeper: Bookkeeper) -> list[int]:
    """The packages that are in the books."""
    events = keeper.events()
    return [e.pack_no for _, _, e in events if e.TYPE == "reconciliation.package_counted"]
