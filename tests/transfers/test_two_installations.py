"""转移支付 between two installations: booked once, and no word taken but a signed one."""

import random
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from budget.transfer_events import EventPlace
from division.installation import EndInstallation
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from ledger.errors import GuokuError
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from projections.transfer_lists import transfer_balance
from tests.accounting.test_verifying import found
from tests.conftest import drop_database, new_database
from tests.support.at_machine import FREELY
from tests.support.exports import export
from tests.support.tiers import CITY, DOCUMENT, PROVINCE, sending
from tests.support.two_installations import TwoInstallations, two_installations
from tests.transfers.test_sending import of_document
from tests.verifier.test_offline_verifier import run
from transfers.answering import NoteAcceptance
from transfers.giving_back import GiveBackTransfer
from transfers.messages import read_answer, read_signed
from transfers.reducing import ReduceTransfer
from transfers.transfer import TRANSFER, TRANSFERS, Transfer

HERE, THERE = f"{PROVINCE}-2026", f"{CITY}-2026"


@pytest.fixture
def elsewhere(cluster: EmbeddedPostgres, template: str) -> Iterator[Database]:
    made = new_database(cluster, template)
    yield made
    drop_database(cluster, made)


@pytest.fixture
def both(database: Database, elsewhere: Database) -> Iterator[TwoInstallations]:
    with two_installations(database, elsewhere) as opened:
        yield opened


def read(both: TwoInstallations, number: str) -> Transfer:
    key = both.budget.ledger_id
    with both.budget.pool.connection() as connection:
        transfer: Transfer = read_objects(connection, key, TRANSFER, [number])[number]
    return transfer


def status(both: TwoInstallations, number: str = "tp-1") -> str:
    return read(both, number).status


def in_transit_fen(both: TwoInstallations) -> int:
    with both.budget.pool.connection() as connection:
        rows = read_rows(connection, both.budget.ledger_id, TRANSFERS)
    return sum(row.in_transit for row in rows.values())


def accepted_fen(both: TwoInstallations) -> int:
    with both.budget.pool.connection() as connection:
        rows = read_rows(connection, both.budget.ledger_id, TRANSFERS)
    return sum(row.accepted for row in rows.values())


def told(both: TwoInstallations, folder: Path, *databases: Database) -> list[str]:
    keepers = (both.budget, both.tier)
    return [
        finding
        for database, keeper in zip(databases, keepers, strict=True)
        for finding in found(database, keeper, folder)
    ]


def test_what_is_sent_arrives_is_accepted_and_known_to_be(
    both: TwoInstallations, database: Database, elsewhere: Database, tmp_path: Path
) -> None:
    both.budget.do(sending(amt="600.00"))
    both.exchange()
    received = both.tier.received()
    assert received is not None
    assert (received.status, received.issued.ledger, received.amt_fen) == ("received", HERE, 60000)
    assert both.tier.books()["指标来源"] == "600.00"
    assert (status(both), in_transit_fen(both)) == ("issued", 60000)
    both.tier.accept()
    assert both.exchange() == 1
    assert (status(both), in_transit_fen(both)) == ("accepted", 0)
    for keeper in (both.budget, both.tier):  # each knows its own end
        with keeper.pool.connection() as connection:
            balance = transfer_balance(connection, both.budget.ledger_id, both.tier.ledger_id)
        assert (balance.sent_fen, balance.accepted_fen) == (60000, 60000)
    assert both.exchange() == 0, "what is noted is no news"
    assert told(both, tmp_path, database, elsewhere) == []


def test_offline_both_exports_agree(both: TwoInstallations, tmp_path: Path) -> None:
    both.budget.do(sending(amt="600.00"))
    both.exchange()
    both.tier.accept()
    both.exchange()
    folders = [tmp_path / "province", tmp_path / "city"]
    for folder, keeper in zip(folders, (both.budget, both.tier), strict=True):
        export(keeper.pool, keeper.ledger_id, folder)
    province, city = map(str, folders)
    code, output = run(province, "--other", city)
    assert code == 0, output
    assert "sent 600.00 = accepted 600.00 + in transit 0.00" in output
    code, output = run(city)
    assert code == 0, output
    assert "1 transfers" in output, "held against the signed message, which is in the export"


def test_a_lost_answer_a_cut_and_a_doubled_message_book_it_once(both: TwoInstallations) -> None:
    both.budget.do(sending(amt="600.00"))
    both.link.is_cut = True
    assert both.exchange() == 0
    assert both.tier.received() is None
    both.link.is_cut, both.link.loses_answers = False, True
    both.exchange()
    both.exchange()
    both.link.loses_answers = False
    for body in list(both.link.sent):
        both.city.take_in(body)
    assert both.tier.books()["指标来源"] == "600.00"
    assert [name for _, name, _ in both.tier.events()].count("transfer.received") == 1
    assert status(both) == "issued"


def test_reductions_and_returns_come_back_across(
    both: TwoInstallations, database: Database, elsewhere: Database, tmp_path: Path
) -> None:
    both.budget.do(sending(amt="1000.00"))
    both.budget.do(sending("tp-2", "50.00", bgt_doc_no="粤财预〔2026〕9号"))
    both.exchange()
    both.tier.accept()
    both.tier.do(of_document("B1", "400.00"))
    both.budget.do(ReduceTransfer(transfer_no="tp-1", reduce_no="TJ-1", amt="300.00"))
    both.budget.do(ReduceTransfer(transfer_no="tp-1", reduce_no="TJ-2", amt="400.00"))
    both.tier.do(GiveBackTransfer(sup_bgt_doc_no="粤财预〔2026〕9号", return_no="TH-1"))
    both.exchange()
    both.exchange()
    assert both.tier.rest_fen() == 30000, "300.00 of the 600.00 not allotted are gone"
    transfer = read(both, "tp-1")
    states = {number: each.state for number, each in transfer.reductions.items()}
    assert states == {"TJ-1": "reduced", "TJ-2": "dropped"}
    assert read(both, "tp-2").status == "returned"
    assert (accepted_fen(both), in_transit_fen(both)) == (70000, 0)
    assert told(both, tmp_path, database, elsewhere) == []


def test_whatever_the_link_does_what_is_sent_is_accepted_or_in_transit(
    both: TwoInstallations, database: Database, elsewhere: Database, tmp_path: Path
) -> None:
    """Messages of the past come again, in any order, between cuts, lost answers and new starts."""
    chance = random.Random(20261130)
    exchanging = both.province.exchanging(both.link)
    for number in range(8):
        document = f"粤财预〔2026〕{number}号"
        both.budget.do(sending(f"tp-{number}", "10.00", bgt_doc_no=document))
        both.link.is_cut = chance.random() < 0.3
        both.link.loses_answers = chance.random() < 0.3
        if chance.random() < 0.3:
            exchanging = both.province.exchanging(both.link)
        exchanging.look()
        for body in chance.sample(both.link.sent, min(2, len(both.link.sent))):
            both.city.take_in(body)
        if (received := both.tier.received(document)) is not None and chance.random() < 0.7:
            assert received.status == "received"
            both.tier.accept(document, f"JS-{number}")
        assert accepted_fen(both) + in_transit_fen(both) == (number + 1) * 1000
    both.link.is_cut = both.link.loses_answers = False
    exchanging.look()
    for number in range(8):
        document = f"粤财预〔2026〕{number}号"
        received = both.tier.received(document)
        assert received is not None
        if received.status == "received":
            both.tier.accept(document, f"JS-{number}")
    exchanging.look()
    assert (accepted_fen(both), in_transit_fen(both)) == (8000, 0)
    assert both.tier.books()["指标来源"] == "80.00"
    assert told(both, tmp_path, database, elsewhere) == []


def refused(both: TwoInstallations, body: bytes) -> str:
    with pytest.raises(GuokuError) as caught:
        both.city.take_in(body)
    return caught.value.code.text


def test_nobody_else_speaks_for_the_province(both: TwoInstallations) -> None:
    """Who gains is the city, or whoever sits on the line: a source of its budget for a message."""
    both.budget.do(sending(amt="600.00"))
    both.link.is_cut = True
    both.exchange()
    [body] = both.link.tried
    assert refused(both, body.replace(b"600.00", b"900.00")) == "signature_invalid"
    text = body.split(b"\n")[0]
    stranger = TwoInstallations.stranger()
    signature = b64encode(stranger.sign(text))
    forged = b"%s\n%s %s\n" % (text, stranger.key.hex().encode(), signature)
    assert refused(both, forged) == "certificate_invalid"
    assert refused(both, b"{}") == "malformed"
    both.tier.clock.now += timedelta(hours=1)
    assert refused(both, body) == "signature_invalid", "somebody has kept it"
    assert both.tier.received() is None


def test_an_installation_that_has_ended_is_not_heard(both: TwoInstallations) -> None:
    with both.tier.pool.connection() as connection:
        ended = EndInstallation(division="44", change_no="1")
        record(connection, standing_ledger(CITY), [ended], FREELY, by=OPERATOR)
    both.budget.do(sending(amt="600.00"))
    assert both.exchange() == 0
    assert both.tier.received() is None
    assert status(both) == "issued"


def test_a_word_on_record_without_a_message_is_found(
    both: TwoInstallations, database: Database, tmp_path: Path
) -> None:
    """Who gains is the province's own clerk: a transfer that seems accepted closes the year."""
    both.budget.do(sending(amt="600.00"))
    place = EventPlace(THERE, 7, "ab" * 32, "cd" * 32)
    made_up = NoteAcceptance(transfer_no="tp-1", rec_no="JS-1", amt="600.00", accepted=place)
    both.budget.do(made_up, "guoku")
    [finding] = found(database, both.budget, tmp_path)
    assert "无签名消息" in finding


def test_the_answer_says_what_is_on_record(both: TwoInstallations) -> None:
    both.budget.do(sending(amt="600.00"))
    both.exchange()
    answer = read_answer(read_signed(both.link.answers[0]).text)
    assert (answer.taken, answer.refused) == ((DOCUMENT,), ())
    assert answer.upto == answer.head
