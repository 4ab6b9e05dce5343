"""No dead ends: after every fault of a bank that ends, everything reaches a final state by itself.

Real dispatchers and bank processes. Nobody lets anything go again, and nothing is paid twice.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from payments.simulators.faults import Faults
from payments.simulators.outage import OUTAGE_PATH
from tests.support import asking
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import (
    FAST,
    ReceiptServer,
    SigningTreasury,
    Simulator,
    bank,
)
from tests.support.dispatcher_process import start_dispatcher
from tests.support.sending import dead, event_counts, rows, sending
from tests.support.waiting import wait_until

# what the accounts ask of the simulated bank: paid, no receipt of a payment, failed, refused
PAID, FAILED, REFUSED = "6222000000000000001", "9999000000000001", "9993000000000001"
ENDS = {PAID: "paid", FAILED: "failed", REFUSED: "signed"}
IMPATIENT = replace(FAST, timeout_s=1.0)


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


@pytest.fixture
def server(treasury: SigningTreasury) -> Iterator[ReceiptServer]:
    with ReceiptServer(treasury) as server:
        yield server


def tell(simulator: Simulator, kind: str) -> None:
    answer = asking.post(f"{simulator.url}{OUTAGE_PATH}", json={"kind": kind})
    assert answer.status_code == 200, answer.text


@contextmanager
def told(simulator: Simulator, kind: str) -> Iterator[None]:
    tell(simulator, kind)
    yield
    tell(simulator, "none")


@contextmanager
def killed(simulator: Simulator) -> Iterator[None]:
    simulator.kill()
    yield
    simulator.start()


@contextmanager
def acknowledging_nothing(simulator: Simulator) -> Iterator[None]:
    """It pays and does not say so."""
    simulator.kill()
    simulator.config = replace(simulator.config, faults=Faults(drop_ack_rate=1.0))
    simulator.start()
    yield
    simulator.kill()
    simulator.config = replace(simulator.config, faults=Faults())
    simulator.start()


FAULTS: dict[str, Callable[[Simulator], object]] = {
    **{
        kind: lambda simulator, kind=kind: told(simulator, kind)  # type: ignore[misc]
        for kind in (
            "bare-400",
            "html-200",
            "html-502",
            "error-500",
            "silence",
            "lost-answers",
        )
    },
    "refused connections": killed,
    "no acknowledgement": acknowledging_nothing,
}


def some_signed(treasury: SigningTreasury, name: str) -> dict[str, str]:
    """Signed payments to each kind of account; by number the status in which they end."""
    ends: dict[str, str] = {}
    for account, end in ENDS.items():
        numbers = treasury.signed(3, f"{name}-{account[:4]}-", payee_acct_no=account)
        ends |= dict.fromkeys(numbers, end)
    return ends


def wait_for_ends(treasury: SigningTreasury, ends: dict[str, str]) -> None:
    def all_final() -> bool:
        payments = treasury.payments(list(ends))
        return all(
            payment.status == ends[number] and (ends[number] != "signed" or payment.refused)
            for number, payment in payments.items()
        )

    wait_until(all_final, f"final states of {len(ends)} payments")
    refused = {number for number, end in ends.items() if end == "signed"}
    wait_until(lambda: {number for number, _ in rows(treasury)} == refused)
    wait_until(lambda: dead(treasury).keys() == refused)


def assert_paid_once(treasury: SigningTreasury, simulator: Simulator, ends: dict[str, str]) -> None:
    paid = sum(end == "paid" for end in ends.values())
    failed = sum(end == "failed" for end in ends.values())
    assert simulator.figures()["paid_amt"] == f"{paid}.00"
    assert simulator.figures()["vouchers"] == paid + failed
    assert event_counts(treasury)["voucher.receipted"] == paid + failed
    figures = treasury.keeper.figures("B")
    assert figures["paid"] == f"{paid}.00"
    assert figures["occupied"] == f"{len(ends) - paid - failed}.00"


@pytest.mark.parametrize("fault", FAULTS)
def test_what_met_a_fault_ends_when_the_fault_has(
    treasury: SigningTreasury, server: ReceiptServer, fault: str
) -> None:
    """A gateway's 400 for a minute kept its payments for ever, and a bank away for an hour, too."""
    simulator = bank(treasury, server.url)
    with simulator, sending(treasury, simulator.url, policy=IMPATIENT):
        ends = some_signed(treasury, "before")
        with FAULTS[fault](simulator):  # type: ignore[attr-defined]
            ends |= some_signed(treasury, "amid")
            wait_until(lambda: held(treasury) > 0)
        ends |= some_signed(treasury, "after")
        wait_for_ends(treasury, ends)
        assert_paid_once(treasury, simulator, ends)
    assert server.refusals == []


def held(treasury: SigningTreasury) -> int:
    [(count,)] = treasury.keeper.sql(
        "SELECT count(*) FROM outbox WHERE ledger_id = %s AND state = 'held'"
    )
    return int(count)


@pytest.mark.parametrize("carried_out", [True, False])
def test_what_a_killed_dispatcher_was_sending_ends(
    treasury: SigningTreasury, server: ReceiptServer, carried_out: bool
) -> None:
    """It dies with messages under way that the bank has carried out, or has never seen; the one
    after it finds out which."""
    slow = Faults(ack_delay_s=3600.0)
    simulator = bank(treasury, server.url, faults=slow if carried_out else Faults())
    with simulator:
        if not carried_out:
            tell(simulator, "silence")
        sender = start_dispatcher(treasury.pool.conninfo, treasury.folder, simulator.url)
        try:
            ends = some_signed(treasury, "P")
            wait_until(lambda: under_way(treasury) if not carried_out else paid_by(simulator))
        finally:
            os.kill(sender.pid, signal.SIGKILL)
            sender.wait()
        simulator.kill()
        simulator.config = replace(simulator.config, faults=Faults())
        simulator.start()
        with sending(treasury, simulator.url):
            wait_for_ends(treasury, ends)
        assert_paid_once(treasury, simulator, ends)
    assert server.refusals == []


def paid_by(simulator: Simulator) -> int:
    return int(simulator.figures()["vouchers"])


def under_way(treasury: SigningTreasury) -> int:
    [(count,)] = treasury.keeper.sql(
        "SELECT count(*) FROM outbox WHERE ledger_id = %s AND state = 'due' AND attempts > 0"
    )
    return int(count)
