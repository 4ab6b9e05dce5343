"""库款调度 by real processes: the central bank pays it, and tells the tier below."""

from pathlib import Path

from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.reading.objects import read_objects
from ledger.writing.submitting import submit_to
from payments.simulators.counterparty import Faults
from payments.verification.run import Options, verify_ledger
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import ReceiptServer, SigningTreasury, central_bank
from tests.support.exports import export
from tests.support.openings import cash_opened
from tests.support.sending import sending
from tests.support.tier_cash import dispatch
from tests.support.tiers import CITY, Tier
from tests.support.waiting import wait_until
from tests.verifier.test_offline_verifier import run
from transfers.bringing_funds import BringingFunds
from transfers.tier_funds import FUND_DISPATCH, FundDispatch


def one(treasury: SigningTreasury) -> FundDispatch:
    with treasury.pool.connection() as connection:
        found = read_objects(connection, treasury.keeper.ledger_id, FUND_DISPATCH, ["DD-1"])
    return found["DD-1"]


def verified(treasury: SigningTreasury, keeper: Bookkeeper, folder: Path) -> list[str]:
    report = verify_ledger(
        treasury.pool.conninfo,
        load_charts(),
        default_provider(),
        keeper.ledger_id,
        Options(folder=folder),
    )
    # the books are in March, the certificates of today
    return [str(each) for each in report.findings if each.check != "signature"]


def test_what_the_central_bank_pays_is_there_on_its_word(
    treasury: SigningTreasury, server: ReceiptServer, tmp_path: Path
) -> None:
    province, city = treasury.keeper, Tier(treasury.pool, division=CITY)
    city.open()
    province.do(cash_opened(f111="1000.00"), "accountant")
    province.do(dispatch("DD-1", CITY, "300.00"))
    with central_bank(treasury, server.url) as bank, sending(treasury, "", bank.url):
        wait_until(lambda: one(treasury).status == "paid")
        wait_until(lambda: city.books().get("与上级往来") == "300.00")
    assert BringingFunds(treasury.pool, submit_to(province.sequencer)).look() == 1
    assert one(treasury).status == "arrived"
    folders = []
    for keeper, name in ((province, "province"), (city, "city")):
        assert verified(treasury, keeper, tmp_path) == []
        folders.append(tmp_path / name)
        export(keeper.pool, keeper.ledger_id, folders[-1])
    for own, other in (folders, reversed(folders)):
        code, output = run(str(own), "--other", str(other))
        lines = [line for line in output.splitlines() if line.startswith("✗")]
        assert all("签章" in line or "证书" in line for line in lines), output
        assert "cash in transit 0.00 and 0.00" in output
        assert code in (0, 1)
    city.close()


def test_what_it_rejects_has_not_left(treasury: SigningTreasury, server: ReceiptServer) -> None:
    treasury.keeper.do(cash_opened(f111="1000.00"), "accountant")
    treasury.keeper.do(dispatch("DD-1", CITY, "300.00"))
    rejecting = central_bank(treasury, server.url, faults=Faults(reject_rate=1.0))
    with rejecting, sending(treasury, "", rejecting.url):
        wait_until(lambda: one(treasury).status == "rejected")
    assert "与下级往来" not in treasury.keeper.books()
