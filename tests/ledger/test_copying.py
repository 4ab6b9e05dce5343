"""A batch that comes in pages is copied as a whole or not at all, however it ends."""

from collections.abc import Iterator
from struct import pack

import psycopg
import pytest

from ledger.postgres import copying
from ledger.postgres.copying import PagedCopy
from ledger.postgres.database import Database

EVENTS = "COPY paged_events (n) FROM STDIN (FORMAT BINARY)"
KEYS = "COPY paged_keys (n) FROM STDIN (FORMAT BINARY)"
DOCUMENTS = "COPY paged_documents (n) FROM STDIN (FORMAT BINARY)"


def rows(*numbers: int) -> bytes:
    """Rows of one bigint each, as COPY takes them."""
    return b"".join(pack(">h iq", 1, 8, number) for number in numbers)


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_conninfo) as connection:
        for table in ("events", "keys", "documents"):
            connection.execute(
                f"CREATE TEMPORARY TABLE paged_{table} (n bigint PRIMARY KEY)"  # type: ignore[arg-type]
            )
        connection.commit()
        yield connection


def copy_pages(connection: psycopg.Connection, *pages: tuple[bytes, dict[str, bytes]]) -> None:
    with PagedCopy(connection, EVENTS) as batch:
        for page, others in pages:
            batch.write(page, others)


def copied(connection: psycopg.Connection) -> list[list[int]]:
    tables = ("paged_events", "paged_keys", "paged_documents")
    return [
        [n for (n,) in connection.execute(f"SELECT n FROM {table} ORDER BY n")]  # type: ignore[arg-type]
        for table in tables
    ]


@pytest.mark.parametrize("waiting_bytes_max", [0, 30, 10_000])
def test_what_waits_is_copied_whenever_it_becomes_too_much(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, waiting_bytes_max: int
) -> None:
    monkeypatch.setattr(copying, "WAITING_BYTES_MAX", waiting_bytes_max)
    pages = [
        (
            rows(2 * page, 2 * page + 1),
            {KEYS: rows(page), DOCUMENTS: rows(page) if page % 2 else b""},
        )
        for page in range(5)
    ]
    copy_pages(connection, *pages)
    connection.commit()

    assert copied(connection) == [list(range(10)), list(range(5)), [1, 3]]


def test_a_batch_without_pages_copies_nothing(connection: psycopg.Connection) -> None:
    copy_pages(connection)

    assert copied(connection) == [[], [], []]


@pytest.mark.parametrize("waiting_bytes_max", [0, 10_000])
def test_whoever_gives_up_copies_nothing_and_can_go_on(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, waiting_bytes_max: int
) -> None:
    monkeypatch.setattr(copying, "WAITING_BYTES_MAX", waiting_bytes_max)

    def give_up() -> None:
        with PagedCopy(connection, EVENTS) as batch:
            batch.write(rows(1), {KEYS: rows(1)})
            raise EOFError

    with pytest.raises(EOFError):
        give_up()
    connection.rollback()

    assert copied(connection) == [[], [], []]


@pytest.mark.parametrize("waiting_bytes_max", [0, 10_000])
@pytest.mark.parametrize(
    ("page", "others"),
    [
        pytest.param(rows(1), {KEYS: rows(2)}, id="an event"),
        pytest.param(rows(2), {KEYS: rows(1)}, id="a number"),
    ],
)
def test_a_row_that_is_there_fails_the_batch_and_the_next_one_is_copied(
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    waiting_bytes_max: int,
    page: bytes,
    others: dict[str, bytes],
) -> None:
    monkeypatch.setattr(copying, "WAITING_BYTES_MAX", waiting_bytes_max)
    good = (rows(1), {KEYS: rows(1)})
    with pytest.raises(psycopg.errors.UniqueViolation):
        copy_pages(connection, good, (page, others), (rows(3), {KEYS: rows(3)}))
    connection.rollback()
    assert copied(connection) == [[], [], []]

    copy_pages(connection, good)
    assert copied(connection) == [[1], [1], []]


@pytest.mark.fault
def test_a_connection_that_is_lost_in_a_batch_is_said_to_be(
    connection: psycopg.Connection, database: Database
) -> None:
    def lose_it() -> None:
        with PagedCopy(connection, EVENTS) as batch:
            batch.write(rows(1), {KEYS: rows(1)})
            with psycopg.connect(database.owner_conninfo, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
            batch.write(rows(2), {})

    with pytest.raises(psycopg.OperationalError):
        lose_it()
    assert connection.broken
