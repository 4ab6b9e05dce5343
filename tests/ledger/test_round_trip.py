"""Several statements in one round trip: what they give, and what a failure among them leaves."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from ledger.postgres.database import Database
from ledger.postgres.round_trip import (
    BYTEA,
    COMMIT,
    TEXT,
    Statement,
    array,
    integer,
    integers,
    round_trip,
    rows_of,
    texts,
)

NUMBERS = Statement("SELECT n FROM unnest($1::bigint[]) AS n")
NAMES = Statement("SELECT n FROM unnest($1::text[]) AS n")
BODIES = Statement("SELECT sm3 FROM (SELECT unnest($1::bytea[]) AS sm3) AS given")
KEEP = Statement("INSERT INTO kept (n) VALUES ($1::bigint)")
SEEN = Statement("SELECT n FROM kept WHERE n = ANY($1::bigint[])", prepared=False)
NONSENSE = Statement("SELECT nothing FROM nowhere")


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("CREATE TABLE kept (n bigint PRIMARY KEY CHECK (n < 100))")
        connection.commit()
        yield connection


def kept(database: Database) -> list[int]:
    with psycopg.connect(database.owner_conninfo) as other:
        return [n for (n,) in other.execute("SELECT n FROM kept ORDER BY n")]


def test_each_statement_has_its_result(conn: psycopg.Connection) -> None:
    for _ in range(2):  # the second time they are prepared already
        numbers, names, none = round_trip(
            conn,
            [
                (NUMBERS, (integers([1, -1, 2**62]),)),
                (NAMES, (texts(["支付", "", "x" * 5_000]),)),
                (NUMBERS, (integers([]),)),
            ],
        )
        assert [int.from_bytes(n, "big", signed=True) for (n,) in rows_of(numbers)] == [
            1,
            -1,
            2**62,
        ]
        assert [name.decode() for (name,) in rows_of(names)] == ["支付", "", "x" * 5_000]
        assert rows_of(none) == []


def test_more_bytes_than_a_socket_takes_at_once_go_and_come(conn: psycopg.Connection) -> None:
    bodies = [bytes([n]) * 1_000_000 for n in range(20)]
    first, again = round_trip(conn, [(BODIES, (array(BYTEA, bodies),))] * 2)
    assert rows_of(first) == rows_of(again) == [[body] for body in bodies]


def test_a_trip_is_in_a_transaction_until_it_is_committed(
    conn: psycopg.Connection, database: Database
) -> None:
    round_trip(conn, [(KEEP, (integer(1),))])
    assert kept(database) == []
    conn.rollback()
    round_trip(conn, [(KEEP, (integer(2),)), COMMIT])
    assert conn.info.transaction_status == TransactionStatus.IDLE
    round_trip(conn, [(KEEP, (integer(3),))])
    conn.commit()
    conn.autocommit = True
    round_trip(conn, [(KEEP, (integer(4),))])
    assert kept(database) == [2, 3, 4]


def test_the_first_failure_is_raised_and_nothing_after_it_is_done(
    conn: psycopg.Connection, database: Database
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        round_trip(
            conn, [(KEEP, (integer(1),)), (KEEP, (integer(100),)), (NAMES, (texts([]),)), COMMIT]
        )
    assert conn.info.transaction_status == TransactionStatus.INERROR
    conn.rollback()
    with pytest.raises(psycopg.errors.UndefinedTable):
        round_trip(conn, [(KEEP, (integer(1),)), (NONSENSE, ()), COMMIT])
    conn.rollback()
    with pytest.raises(psycopg.errors.CharacterNotInRepertoire):
        round_trip(conn, [(NAMES, (array(TEXT, [b"\0"]),)), COMMIT])
    conn.rollback()
    round_trip(conn, [(KEEP, (integer(5),)), (NAMES, (texts(["a"]),)), COMMIT])
    assert kept(database) == [5]


def test_what_the_driver_makes_the_server_forget_is_prepared_anew(
    conn: psycopg.Connection, database: Database
) -> None:
    conn.prepare_threshold = 0  # the driver prepares, and at a rollback has all forgotten
    for n in (1, 2, 3):
        round_trip(conn, [(KEEP, (integer(n),)), (NAMES, (texts(["a"]),))])
        round_trip(conn, [(NUMBERS, (integers([n]),)), COMMIT])
        conn.execute("SELECT count(*) FROM kept WHERE n = %s", [n])
        conn.rollback()
    conn.autocommit = True
    round_trip(conn, [(NUMBERS, (integers([1]),)), (NAMES, (texts(["a"]),))])
    assert kept(database) == [1, 2, 3]


def test_what_is_not_prepared_goes_on_with_a_transaction_that_the_driver_began(
    conn: psycopg.Connection,
) -> None:
    conn.prepare_threshold = 0
    for _ in range(2):
        conn.execute("INSERT INTO kept (n) VALUES (%s)", [7])
        [seen] = round_trip(conn, [(SEEN, (integers([6, 7]),))])
        assert [int.from_bytes(n, "big") for (n,) in rows_of(seen)] == [7]
        conn.rollback()  # and all that was prepared is forgotten


def test_a_lost_connection_is_closed(conn: psycopg.Connection, database: Database) -> None:
    round_trip(conn, [(KEEP, (integer(1),))])
    with psycopg.connect(database.owner_conninfo, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [conn.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        round_trip(conn, [(KEEP, (integer(2),)), COMMIT])
    assert conn.closed
    with pytest.raises(psycopg.OperationalError):
        round_trip(conn, [COMMIT])
    assert kept(database) == []
