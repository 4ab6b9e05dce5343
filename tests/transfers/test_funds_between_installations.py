"""库款调度与结算 between two installations: known at the sender, and its year ends."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from budget.transfer_events import EventPlace
from ledger.closing import ClosePeriod
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.loading import read_rows
from tests.accounting.test_verifying import found
from tests.conftest import drop_database, new_database
from tests.payments.test_closing import blockers
from tests.support.exports import export
from tests.support.openings import cash_opened
from tests.support.tier_cash import arrival_of, dispatch, dispatched, receipt_of, settlement
from tests.support.tiers import CITY, sending
from tests.support.two_installations import TwoInstallations, two_installations
from tests.transfers.test_both_ends import CLOSE_DECEMBER, NEW_YEAR
from tests.verifier.test_offline_verifier import run
from transfers.arriving import NoteArrival
from transfers.messages import FORMAT, FUNDS_FORMAT, read_message, read_signed
from transfers.settling import NoteSettlement
from transfers.tier_funds import TIER_FUNDS, TierFunds

NEXT_YEAR = datetime(2027, 12, 31, tzinfo=UTC)
LAST_DAY = {"effective_on": date(2026, 12, 31)}


@pytest.fixture
def elsewhere(cluster: EmbeddedPostgres, template: str) -> Iterator[Database]:
    made = new_database(cluster, template)
    yield made
    drop_database(cluster, made)


@pytest.fixture
def both(database: Database, elsewhere: Database) -> Iterator[TwoInstallations]:
    with two_installations(database, elsewhere, acquainted=False) as opened:
        opened.province.knows(opened.city, until=NEXT_YEAR)
        opened.city.knows(opened.province, until=NEXT_YEAR)
        opened.budget.do(cash_opened(f111="1000.00"), "accountant")
        yield opened


def between(both: TwoInstallations) -> TierFunds:
    key = f"{CITY}/11/"
    with both.budget.pool.connection() as connection:
        rows = read_rows(connection, both.budget.ledger_id, TIER_FUNDS, [key])
    return rows.get(key, TierFunds())


def on_its_way(both: TwoInstallations) -> tuple[int, int]:
    row = between(both)
    return row.in_transit, row.unsettled


def settled_up(both: TwoInstallations) -> None:
    """300.00 lent, 250.00 sent, accepted and settled."""
    both.budget.do(sending(amt="250.00"))
    dispatched(both.budget, both.tier, "DD-1", CITY, "300.00")
    both.budget.do(settlement("JS-1", CITY, "250.00"))
    both.exchange()
    both.tier.accept()
    both.exchange()


def test_cash_and_a_settlement_are_known_to_be_there_and_the_year_ends(
    both: TwoInstallations,
) -> None:
    province, city = both.budget, both.tier
    province.do(sending(amt="250.00"))
    both.exchange()
    city.accept()
    both.exchange()
    dispatched(province, city, "DD-1", CITY, "300.00")
    province.clock.now = city.clock.now = NEW_YEAR
    province.do(CLOSE_DECEMBER, "accountant")
    province.do(settlement("JS-1", CITY, "250.00", **LAST_DAY))
    late = ClosePeriod(through="2026-13")
    assert blockers(province.ask(late)) == [("funds_in_transit", f"{CITY}/11/", "550.00")]
    assert both.exchange() == 2, "the arrival, and that the settlement is there"
    assert (city.books()["补助收入"], city.books()["与上级往来"]) == ("250.00", "50.00")
    assert on_its_way(both) == (0, 0)
    assert province.ask(late, "accountant").problem is None
    assert both.exchange() == 0, "what is noted is no news"


def test_an_arrival_that_overtakes_the_senders_receipt_is_heard_again(
    both: TwoInstallations,
) -> None:
    province, city = both.budget, both.tier
    dispatched(province, city, "DD-1", CITY, "100.00")  # so that there is something to ask about
    exchanging = both.province.exchanging(both.link)
    ordered = province.do(dispatch("DD-2", CITY, "200.00")).subjects[0]
    city.do(arrival_of(province, ordered), "pboc")
    assert exchanging.look() == 1, "of DD-1 alone"
    assert between(both).leaving == 200_00
    province.do(receipt_of(ordered), "pboc")
    assert exchanging.look() == 1
    assert on_its_way(both) == (0, 0)


def test_whatever_the_link_does_each_is_booked_once(
    both: TwoInstallations, database: Database, elsewhere: Database, tmp_path: Path
) -> None:
    """Messages of the past come again, in any order, between cuts, lost answers and new starts."""
    chance = random.Random(20261201)
    province, city = both.budget, both.tier
    province.do(sending(amt="250.00"))
    exchanging = both.province.exchanging(both.link)
    for number in range(6):
        ordered = province.do(dispatch(f"DD-{number}", CITY, "10.00")).subjects[0]
        steps = [(province, receipt_of(ordered)), (city, arrival_of(province, ordered))]
        for keeper, told in chance.sample(steps, 2):
            keeper.do(told, "pboc")
        province.do(settlement(f"JS-{number}", CITY, "5.00"))
        both.link.is_cut = chance.random() < 0.3
        both.link.loses_answers = chance.random() < 0.3
        if chance.random() < 0.3:
            exchanging = both.province.exchanging(both.link)
        exchanging.look()
        for body in chance.sample(both.link.sent, min(2, len(both.link.sent))):
            both.city.take_in(body)
    both.link.is_cut = both.link.loses_answers = False
    exchanging.look()
    assert on_its_way(both) == (0, 0)
    assert between(both).due_from_below == 3000
    assert (city.books()["与上级往来"], city.books()["补助收入"]) == ("30.00", "30.00")
    names = [name for _, name, _ in city.events()]
    assert names.count("transfer.settlement_taken") == names.count("transfer.funds_arrived") == 6
    for side, keeper in ((database, province), (elsewhere, city)):
        assert found(side, keeper, tmp_path) == []


def test_offline_each_export_stands_by_its_messages_and_both_agree(
    both: TwoInstallations, tmp_path: Path
) -> None:
    settled_up(both)
    folders = [tmp_path / "province", tmp_path / "city"]
    for folder, keeper in zip(folders, (both.budget, both.tier), strict=True):
        export(keeper.pool, keeper.ledger_id, folder)
    province, city = map(str, folders)
    for said, asked in ((3, (province, "--other", city)), (2, (city,)), (3, (province,))):
        _, output = run(*asked)  # the central bank's documents are none that it signed
        assert f"✓ 相符  转移支付 transfers say the same at both ends: {said} transfers" in output


def test_who_says_that_it_is_there_without_a_message_is_found(
    both: TwoInstallations, database: Database, tmp_path: Path
) -> None:
    """Who gains is the province's own clerk: a year that ends with cash on its way."""
    province = both.budget
    province.do(sending(amt="250.00"))
    ordered = province.do(dispatch("DD-1", CITY, "300.00")).subjects[0]
    province.do(receipt_of(ordered), "pboc")
    province.do(settlement("JS-1", CITY, "250.00"))
    place = EventPlace(f"{CITY}-2026", 7, "ab" * 32, "cd" * 32)
    province.do(NoteArrival(dispatch_no="DD-1", amt="300.00", arrived=place), "guoku")
    province.do(NoteSettlement(settle_no="JS-1", amt="250.00", taken=place), "guoku")
    findings = found(database, province, tmp_path)
    assert len(findings) == 2, findings
    assert all("无签名消息" in each for each in findings)


def test_an_installation_that_knows_transfers_alone_goes_on_with_those(
    both: TwoInstallations,
) -> None:
    """One of an earlier release refuses what it cannot read: the message of funds, and no other."""
    both.budget.do(sending(amt="250.00"))
    both.budget.do(settlement("JS-1", CITY, "250.00"))
    both.exchange()
    formats = [read_message(read_signed(body).text).format for body in both.link.sent]
    assert formats == [FORMAT, FUNDS_FORMAT]
