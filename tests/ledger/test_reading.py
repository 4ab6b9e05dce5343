"""Reading outside the write path: it says what was written, and notices what was not."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from budget.balances import BALANCES
from budget.indicator import INDICATOR
from ledger.account_set import ledger_id
from ledger.calendar import PERIODS
from ledger.closing import ClosePeriod
from ledger.deciding.objects import ledger_stream_id
from ledger.deciding.opening import TITLE
from ledger.errors import IntegrityError
from ledger.gm import sm3
from ledger.integrity.chain import day_number, event_digest, microseconds
from ledger.money import parse_yuan
from ledger.postgres.database import Database
from ledger.reading import documents, loading, objects
from payments.payment import PAYMENT
from payments.signature_policy import SIGNATURE_POLICY
from payments.voucher import SignVoucher
from tests.support.bookkeeper import Bookkeeper, payment


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    """The application's own role: what it may not read would fail here."""
    with psycopg.connect(database.app_conninfo, autocommit=True) as connection:
        yield connection


def stored_voucher(b: Bookkeeper, text: bytes = "支付凭证".encode("gbk") * 100) -> bytes:
    """Puts a signed document into the ledger; gives its SM3."""
    b.issue("B", "100.00")
    b.apply("P", "B", "10.00")
    b.approve("P")
    digest = sm3(text)
    b.do(
        SignVoucher(
            pay_app_no="P",
            role="treasury",
            cert_serial="test",
            voucher_sm3=digest.hex(),
            signature="test",
            document=documents.compress_document(text),
        ),
        "signer",
    )
    return digest


def replace_body(database: Database, digest: bytes, body: bytes) -> None:
    """What only somebody who rules the database can do."""
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute("ALTER TABLE documents DISABLE TRIGGER append_only")
        owner.execute("UPDATE documents SET body = %s WHERE sm3 = %s", (body, digest))


# ---- heads


def test_the_head_is_that_of_the_last_commit(
    bookkeeper: Bookkeeper, conn: psycopg.Connection
) -> None:
    commit = bookkeeper.policy("unit", "treasury").commit
    head = objects.read_head(conn, bookkeeper.ledger_id)
    assert head is not None
    assert commit is not None
    assert (head.ledger_id, head.position, head.chain) == (
        bookkeeper.ledger_id,
        commit.position,
        commit.chain,
    )
    assert head.recorded_at == bookkeeper.clock.now
    assert head.settings.get(TITLE).name == "省本级"
    assert head.settings.get(SIGNATURE_POLICY).roles == ("unit", "treasury")


def test_a_closed_period_is_read_as_a_date(
    bookkeeper: Bookkeeper, conn: psycopg.Connection
) -> None:
    bookkeeper.do(ClosePeriod(through="2026-01-31"), "admin")
    head = objects.read_head(conn, bookkeeper.ledger_id)
    assert head is not None
    assert head.settings.get(PERIODS).closed_through == date(2026, 1, 31)


def test_an_unopened_ledger_has_no_head(bookkeeper: Bookkeeper, conn: psycopg.Connection) -> None:
    assert objects.read_head(conn, ledger_id("450000000", 2026)) is None


def test_heads_are_listed_by_prefix_of_the_division(
    pool: ConnectionPool, conn: psycopg.Connection
) -> None:
    for division, year in (
        ("440100000", 2026),
        ("440000000", 2027),
        ("440000000", 2026),
        ("510000000", 2026),
    ):
        keeper = Bookkeeper(pool, division=division, year=year)
        keeper.open()
        keeper.close()

    def listed(prefix: str) -> list[int]:
        return [head.ledger_id for head in objects.list_heads(conn, prefix)]

    guangdong = [4400000002026, 4400000002027, 4401000002026]
    assert listed("") == [*guangdong, 5100000002026]
    assert listed("44") == guangdong
    assert listed("4401") == [4401000002026]
    assert listed("440000000") == guangdong[:2]
    assert listed("9") == []
    for nothing in ("x", "-4", "44 ", "4400000000", "４４"):
        assert listed(nothing) == [], nothing


# ---- objects and balances


def test_objects_are_those_the_write_path_answers_with(
    bookkeeper: Bookkeeper, conn: psycopg.Connection
) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    b.issue("B2", "500.00")
    written = [b.pay(f"P{i}", "B", "10.00").subjects[0] for i in range(3)]
    refunded = b.refund("P1", "4.00").subjects[0]
    read = objects.read_objects(conn, b.ledger_id, PAYMENT, ["P0", "P1", "P2", "P1", "none"])
    assert read == {"P0": written[0], "P1": refunded, "P2": written[2]}
    adjusted = b.adjust("B2", "50.00").subjects[0]
    assert objects.read_objects(conn, b.ledger_id, INDICATOR, ["B2"]) == {"B2": adjusted}
    assert objects.read_objects(conn, b.ledger_id, INDICATOR, []) == {}
    assert objects.read_objects(conn, ledger_id("450000000", 2026), PAYMENT, ["P0"]) == {}


def test_a_refused_application_is_no_object_and_has_no_stream(
    bookkeeper: Bookkeeper, conn: psycopg.Connection
) -> None:
    b = bookkeeper
    b.issue("B", "5.00")
    assert b.refusal(payment("P", "B", "10.00")) == "insufficient_indicator"
    assert objects.read_objects(conn, b.ledger_id, PAYMENT, ["P"]) == {}
    assert objects.stream_of(conn, b.ledger_id, PAYMENT, "P") is None
    assert objects.stream_of(conn, b.ledger_id, PAYMENT, "none") is None


class Counting(psycopg.Connection[Any]):
    """Counts the statements it is asked for."""

    statements = 0

    def execute(self, *args: Any, **how: Any) -> psycopg.Cursor[Any]:
        self.statements += 1
        return super().execute(*args, **how)


def test_many_objects_take_two_queries(bookkeeper: Bookkeeper, database: Database) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    numbers = [f"P{i}" for i in range(40)]
    b.submit(*(payment(number, "B", "1.00") for number in numbers))
    with Counting.connect(database.app_conninfo) as connection:
        read = objects.read_objects(connection, b.ledger_id, PAYMENT, numbers)
        assert sorted(read) == sorted(numbers)
        assert connection.statements == 1, "beside the round trip that reads the numbers"


def test_balances_are_the_controlled_ones(bookkeeper: Bookkeeper, conn: psycopg.Connection) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    b.plan("B", "600.00")
    b.apply("P", "B", "10.00")
    read = loading.read_rows(conn, b.ledger_id, BALANCES, ["B", "none"])
    assert list(read) == ["B"]
    for name, amount in b.figures("B").items():
        assert getattr(read["B"], name) == parse_yuan(amount, zero=True), name


# ---- events


def test_events_come_in_pages_without_a_gap(
    bookkeeper: Bookkeeper, conn: psycopg.Connection
) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    for i in range(5):
        b.apply(f"P{i}", "B", "1.00")
    read: list[objects.StoredRow] = []
    while page := objects.read_events(conn, b.ledger_id, read[-1].position if read else 0, 4):
        assert len(page) <= 4
        read += page
    assert [row.position for row in read] == list(range(1, len(b.events()) + 1))
    assert [row.type for row in read] == [name for _, name, _ in b.events()]
    for row in read:
        assert row.digest == event_digest(
            b.ledger_id,
            row.position,
            row.stream_id.bytes,
            row.stream_version,
            microseconds(row.recorded_at),
            day_number(row.effective_on),
            row.type.encode(),
            row.payload,
        )


def test_events_stop_at_a_position_and_at_a_limit(
    bookkeeper: Bookkeeper, conn: psycopg.Connection
) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    b.apply("P", "B", "1.00")

    def positions(after: int, limit: int, upto: int | None = None) -> list[int]:
        rows = objects.read_events(conn, b.ledger_id, after, limit, upto=upto)
        return [row.position for row in rows]

    assert positions(1, 100, upto=3) == [2, 3]
    assert positions(3, 100, upto=3) == []
    assert positions(0, 2, upto=3) == [1, 2]
    assert positions(0, 0) == []
    assert positions(0, -1) == []


def test_a_stream_holds_one_object_and_its_journals(
    bookkeeper: Bookkeeper, conn: psycopg.Connection
) -> None:
    b = bookkeeper
    b.issue("B", "1000.00")
    b.pay("P1", "B", "1.00")
    b.pay("P2", "B", "1.00")
    stream_id = objects.stream_of(conn, b.ledger_id, PAYMENT, "P2")
    assert stream_id is not None
    rows = objects.read_events(conn, b.ledger_id, 0, 100, stream_id=stream_id)
    assert [row.type for row in rows] == [
        "payment.applied",
        "journal.posted",
        "payment.approved",
        "voucher.signed",
        "voucher.receipted",
        "journal.posted",
    ]
    assert [row.stream_version for row in rows] == [1, 2, 3, 4, 5, 6]
    assert {row.stream_id for row in rows} == {stream_id}
    middle = rows[2].position
    rest = objects.read_events(conn, b.ledger_id, middle, 100, stream_id=stream_id)
    assert rest == rows[3:]
    first = objects.read_events(conn, b.ledger_id, 0, 100, stream_id=stream_id, upto=middle)
    assert first == rows[:3]
    assert stream_id.bytes != ledger_stream_id(b.ledger_id)


# ---- documents


def test_a_document_comes_back_byte_for_byte(
    bookkeeper: Bookkeeper, conn: psycopg.Connection
) -> None:
    text = "支付凭证".encode("gbk") * 100
    digest = stored_voucher(bookkeeper, text)
    assert objects.read_document(conn, bookkeeper.ledger_id, digest) == text
    bodies = objects.read_bodies(conn, bookkeeper.ledger_id, [digest, bytes(32)])
    assert list(bodies) == [digest]
    assert len(bodies[digest]) < len(text) / 4
    assert documents.decompress(bodies[digest]) == text


def test_a_document_that_is_not_there_is_none(
    bookkeeper: Bookkeeper, conn: psycopg.Connection
) -> None:
    digest = stored_voucher(bookkeeper)
    assert objects.read_document(conn, bookkeeper.ledger_id, bytes(32)) is None
    assert objects.read_document(conn, ledger_id("450000000", 2026), digest) is None


@pytest.mark.parametrize(
    "body",
    [documents.compress_document(b"another voucher"), b"no zlib at all", b""],
    ids=["other bytes", "damaged", "empty"],
)
def test_a_changed_document_is_noticed(
    bookkeeper: Bookkeeper, database: Database, conn: psycopg.Connection, body: bytes
) -> None:
    digest = stored_voucher(bookkeeper)
    replace_body(database, digest, body)
    with pytest.raises(IntegrityError):
        objects.read_document(conn, bookkeeper.ledger_id, digest)


def test_a_document_cut_short_is_noticed(
    bookkeeper: Bookkeeper, database: Database, conn: psycopg.Connection
) -> None:
    digest = stored_voucher(bookkeeper)
    whole = objects.read_bodies(conn, bookkeeper.ledger_id, [digest])[digest]
    replace_body(database, digest, whole[:-5])
    with pytest.raises(IntegrityError):
        objects.read_document(conn, bookkeeper.ledger_id, digest)
