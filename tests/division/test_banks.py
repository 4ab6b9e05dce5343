"""Appointed banks: who pays, by which channel, from which day on; and what years know of it."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from division.appointing import appoint
from division.bank import AppointBank, AppointedBank, ChangeBank, Channel, EndBank
from division.learning import KnowledgeReader
from division.recording import record
from ledger.account_set import ledger_text, standing_ledger
from ledger.books import load_charts
from ledger.deciding.principals import OPERATOR
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeSets
from ledger.errors import UnavailableError
from ledger.postgres.database import Database, connect
from ledger.reading.standing_heads import read_standing_heads
from ledger.writing.sequencer import Sequencer
from payments.clearing.claims import RequestClearing
from payments.delivery.channels import Channels
from payments.signature_policy import SetSignaturePolicy
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import Bookkeeper, fresh_pool

pytestmark = pytest.mark.usefixtures("decided_again")

ALL, GUANGDONG = standing_ledger(""), standing_ledger("440000000")
MARCH, MAY = date(2026, 3, 1), date(2026, 5, 1)
CHANNEL = Channel(MARCH, "样例银行", "http://127.0.0.1:1", "")


class KnowingBookkeeper(Bookkeeper):
    """Decides in the knowledge of its division."""

    def __init__(
        self, database: Database, codes: Callable[[], CodeSets] = stored_code_sets.shipped
    ) -> None:
        super().__init__(fresh_pool(database.app_conninfo))
        self.sequencer.close()
        self.sequencer = Sequencer(
            self.pool,
            load_charts(),
            codes,
            self.clock,
            standing=KnowledgeReader(),
        )

    def noted(self) -> list[tuple[int, list[tuple[str, int]]]]:
        """Position and heads of each note in the year's ledger."""
        return [
            (position, [(head.ledger, head.position) for head in event.heads])
            for position, name, event in self.events()
            if name == "standing.noted"
        ]


@pytest.fixture
def books(database: Database) -> Iterator[KnowingBookkeeper]:
    keeper = KnowingBookkeeper(database)
    keeper.open()
    yield keeper
    keeper.close()
    keeper.pool.close()


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with connect(database.app_conninfo) as connection:
        yield connection


def appointed(code: str, start: date = MARCH) -> AppointBank:
    return AppointBank(
        pay_bank_code=code, name="银行", url=f"http://bank{code}", cert_serial="", start_date=start
    )


# ---- what is decided


def test_a_ledger_without_standing_data_works_as_before(books: KnowingBookkeeper) -> None:
    books.policy("treasury", pay_bank_code="103")
    assert books.noted() == []


def test_only_an_appointed_bank_pays(books: KnowingBookkeeper, conn: psycopg.Connection) -> None:
    record(conn, ALL, [appointed("105"), appointed("106", MAY)], FREELY, by=OPERATOR)
    assert books.refusal(SetSignaturePolicy(roles=("treasury",))) == "bank_not_appointed"
    books.policy("treasury", pay_bank_code="105")
    later = SetSignaturePolicy(roles=("treasury",), pay_bank_code="106")
    assert books.refusal(later) == "bank_not_appointed", "it begins in May"
    books.clock.now = datetime(2026, 5, 1, tzinfo=UTC)
    assert books.refusal(later) == ""


def test_a_bank_that_ended_is_cleared_and_no_more_taken(
    books: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    record(conn, ALL, [appointed("102"), appointed("105")], FREELY, by=OPERATOR)
    books.issue("B1", "100.00")
    books.pay("SQ-1", "B1", "30.00")
    record(
        conn, ALL, [EndBank(pay_bank_code="102", end_date=date(2026, 3, 2))], FREELY, by="operator"
    )
    assert books.refusal(SetSignaturePolicy(roles=("treasury",))) == "bank_not_appointed"
    books.clear("QS-1", date(2026, 3, 2))
    unknown = RequestClearing(clear_no="QS-2", clear_date=date(2026, 3, 2), pay_bank_code="199")
    assert books.refusal(unknown) == "bank_not_appointed"
    nothing = RequestClearing(clear_no="QS-3", clear_date=date(2026, 3, 2), pay_bank_code="105")
    assert books.refusal(nothing) == "clearing_empty"


def test_the_nearest_division_decides(books: KnowingBookkeeper, conn: psycopg.Connection) -> None:
    record(conn, ALL, [appointed("105")], FREELY, by=OPERATOR)
    record(conn, GUANGDONG, [appointed("105", MAY)], FREELY, by=OPERATOR)
    record(conn, standing_ledger("45"), [appointed("106")], FREELY, by=OPERATOR)
    asked = SetSignaturePolicy(roles=("treasury",), pay_bank_code="105")
    assert books.refusal(asked) == "bank_not_appointed", "here from May on alone"
    other = SetSignaturePolicy(roles=("treasury",), pay_bank_code="106")
    assert books.refusal(other) == "bank_not_appointed", "of another province"


# ---- what is noted


def test_what_is_new_is_noted_before_it_is_decided_upon(
    books: KnowingBookkeeper, conn: psycopg.Connection
) -> None:
    record(conn, ALL, [appointed("102")], FREELY, by=OPERATOR)
    books.issue("B1", "100.00")
    books.issue("B2", "100.00")
    root = ledger_text(ALL)
    assert books.noted() == [(2, [(root, 2)])]
    record(conn, GUANGDONG, [appointed("105")], FREELY, by=OPERATOR)
    assert books.ask(SetSignaturePolicy(roles=("treasury",)), dry_run=True).problem is None
    assert len(books.noted()) == 1, "a rehearsal leaves nothing"
    books.policy("treasury")
    [_, (position, heads)] = books.noted()
    assert heads == [(ledger_text(GUANGDONG), 2)]
    assert books.events()[position][1] == "ledger.signature_policy_set", "directly behind it"


def test_another_process_goes_on_where_it_was_noted(
    books: KnowingBookkeeper, conn: psycopg.Connection, database: Database
) -> None:
    record(conn, ALL, [appointed("102")], FREELY, by=OPERATOR)
    books.issue("B1", "100.00")
    other = KnowingBookkeeper(database)
    other.issue("B2", "100.00")
    other.close()
    other.pool.close()
    assert len(books.noted()) == 1
    with conn.transaction():
        heads = read_standing_heads(conn, books.ledger_id)
    chain = conn.execute("SELECT chain FROM ledgers WHERE ledger_id = %s", (ALL,)).fetchone()
    assert chain is not None
    assert heads[ALL].chain == chain[0].hex()


# ---- where vouchers go


def test_each_bank_has_its_own_channel(conn: psycopg.Connection, books: KnowingBookkeeper) -> None:
    channels = Channels({"102": "http://set"}, lambda: MAY)
    assert channels.read(conn, books.ledger_id)("102") == "http://set"
    with pytest.raises(UnavailableError, match="no address is set for bank 103"):
        channels.read(conn, books.ledger_id)("103")
    record(conn, ALL, [appointed("102"), appointed("105")], FREELY, by=OPERATOR)
    moved = ChangeBank(pay_bank_code="105", change_no="1", start_date=MAY, url="http://elsewhere")
    record(conn, ALL, [moved], FREELY, by=OPERATOR)
    url_of = channels.read(conn, books.ledger_id)
    assert [url_of("102"), url_of("105")] == ["http://bank102", "http://elsewhere"]
    before = Channels({}, lambda: MAY - timedelta(days=1)).read(conn, books.ledger_id)
    assert before("105") == "http://bank105"
    with pytest.raises(UnavailableError, match="bank 103 is not appointed"):
        url_of("103")
    record(conn, ALL, [EndBank(pay_bank_code="105", end_date=MARCH)], FREELY, by=OPERATOR)
    assert channels.read(conn, books.ledger_id)("105") == "http://elsewhere"


def test_appointing_the_same_again_leaves_nothing(conn: psycopg.Connection) -> None:
    for channel in (CHANNEL, Channel(MAY, CHANNEL.name, CHANNEL.url, "")):
        appoint(conn, "102", channel, FREELY)
    other = Channel(MAY, CHANNEL.name, "http://127.0.0.1:2", "")
    appoint(conn, "102", other, FREELY)
    types = conn.execute("SELECT type FROM events ORDER BY position").fetchall()
    assert [name for (name,) in types] == ["ledger.opened", "bank.appointed", "bank.changed"]


def test_a_bank_pays_from_its_start_to_its_end() -> None:
    later = Channel(MAY, "样例银行", "http://127.0.0.1:2", "")
    bank = AppointedBank("105", (CHANNEL, later), date(2026, 7, 1))
    assert bank.on(date(2026, 2, 28)) is None
    assert bank.on(MARCH) == CHANNEL
    assert bank.on(MAY) == later
    assert bank.on(date(2026, 7, 1)) is None
    assert bank.reached(date(2026, 7, 1)) == later
