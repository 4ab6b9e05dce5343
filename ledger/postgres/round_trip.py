"""Several statements in one round trip, with parameters that are packed already.

Whoever waits for the server gives up the interpreter, and gets it back behind every other thread
that wants it: a small batch that waited a dozen times spent more on that than on its statements. In
one round trip it waits once. Statements are prepared on each connection when first needed; their
parameters and results are bytes of the server's binary format.
"""

import select
from collections.abc import Collection, Generator, Iterable, Sequence
from enum import Enum
from itertools import count
from struct import Struct
from typing import TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import pq
from psycopg.errors import InvalidSqlStatementName, error_from_result

INT4, INT8, TEXT, BYTEA, DATE, UUID = 23, 20, 25, 17, 1082, 2950  # oids of built-in types

POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01 in microseconds since 1970
POSTGRES_EPOCH_DAY = 10_957  # its days begin there, too

_BINARY = pq.Format.BINARY
_INT8 = Struct(">q").pack
_SHORT = tuple(length.to_bytes(4, "big") for length in range(1024))

_serial = count(1)


class Statement:
    """SQL with parameters ``$1``, ``$2``, …, each with its type (``$1::bigint``).

    Prepared, unless it may go on with a transaction that no round trip has begun.
    """

    def __init__(self, text: str, *, prepared: bool = True) -> None:
        self.text = text.encode()
        self.name = b"statement_%d" % next(_serial) if prepared else b""


Result = pq.abc.PGresult
Query = tuple[Statement, Sequence[bytes]]  # a statement and its parameters

_BEGIN: Query = (Statement("BEGIN"), ())
COMMIT: Query = (Statement("COMMIT"), ())

T = TypeVar("T")


class Awaits(Enum):
    """What a step waits for; the value is what poll is asked for."""

    ANSWER = select.POLLIN
    ROOM = select.POLLIN | select.POLLOUT  # the socket is full: an answer, or room for the rest
    MORE = 0  # from here on more than the connection's socket may be waited for


IoSteps = Generator[Awaits, None, T]  # yields what it waits for before its next step

_prepared: WeakKeyDictionary[psycopg.Connection, set[Statement]] = WeakKeyDictionary()


def round_trip(connection: psycopg.Connection, queries: Sequence[Query]) -> list[Result]:
    """As :func:`round_trip_steps`, waiting here."""
    return waited(connection, round_trip_steps(connection, queries))


def waited(connection: psycopg.Connection, steps: IoSteps[T]) -> T:
    """Takes the steps one by one, waiting for the connection's socket between them."""
    poll = select.poll()
    try:
        while True:
            if (awaited := next(steps)) is not Awaits.MORE:
                poll.register(connection.pgconn.socket, awaited.value)
                poll.poll()
    except StopIteration as end:
        done: T = end.value
        return done


def round_trip_steps(
    connection: psycopg.Connection, queries: Sequence[Query]
) -> IoSteps[list[Result]]:
    """Results of the statements, which run in order and are waited for once.

    A transaction is begun as any other statement of the connection begins one; COMMIT may be asked
    for with the rest. When the driver rolls back it has the server forget all that is prepared,
    ours too. So what begins a transaction, and by then has done nothing, is sent again; the rest of
    a transaction has to follow a round trip that has begun it.

    Raises:
        psycopg.Error: of the first statement that fails; those after it were not run. A connection
            that is lost is closed, and whether a COMMIT has worked is then not known.
    """
    pgconn = connection.pgconn
    if pgconn.transaction_status != pq.TransactionStatus.IDLE:
        return (yield from _pipelined(connection, queries))
    begins = not connection.autocommit
    if begins:
        queries = [_BEGIN, *queries]
    try:
        results = yield from _pipelined(connection, queries)
    except InvalidSqlStatementName:
        pgconn.exec_(b"ROLLBACK")  # not by the driver, or what is prepared is forgotten again
        results = yield from _pipelined(connection, queries)
    return results[1:] if begins else results


def _pipelined(connection: psycopg.Connection, queries: Sequence[Query]) -> IoSteps[list[Result]]:
    pgconn, known = connection.pgconn, _prepared.setdefault(connection, set())
    sent: list[Statement | None] = []  # for each result the statement that it has prepared
    try:
        pgconn.enter_pipeline_mode()
        for statement, parameters in queries:
            formats = (_BINARY,) * len(parameters)
            if not statement.name:
                pgconn.send_query_params(statement.text, parameters, None, formats, _BINARY)
            else:
                if statement not in known and statement not in sent:
                    pgconn.send_prepare(statement.name, statement.text)
                    sent.append(statement)
                pgconn.send_query_prepared(statement.name, parameters, formats, _BINARY)
            sent.append(None)
        pgconn.pipeline_sync()
        results = yield from _results(pgconn)
        pgconn.exit_pipeline_mode()
    except BaseException:
        connection.close()  # nobody knows what it would answer next
        raise
    failed = results and results[-1].status == pq.ExecStatus.FATAL_ERROR
    error = error_from_result(results.pop()) if failed else None
    if isinstance(error, InvalidSqlStatementName):
        known.clear()
    pairs = list(zip(sent, results, strict=error is None))  # nothing follows a failure
    known.update(prepared for prepared, _ in pairs if prepared is not None)
    if error is not None:
        raise error
    return [result for prepared, result in pairs if prepared is None]


def _results(pgconn: pq.abc.PGconn) -> IoSteps[list[Result]]:
    """The results up to the synchronisation, but of what a failure has kept from running."""
    results: list[Result] = []
    unsent = pgconn.flush()
    while True:
        yield Awaits.ROOM if unsent else Awaits.ANSWER
        pgconn.consume_input()
        unsent = unsent and pgconn.flush()
        ended = False
        while not pgconn.is_busy():
            if (result := pgconn.get_result()) is None:
                if ended:  # not the end of a statement: nothing more has come
                    break
                ended = True
                continue
            ended = False
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results
            if result.status != pq.ExecStatus.PIPELINE_ABORTED:
                results.append(result)


def rows_of(result: Result) -> list[list[bytes]]:
    """The rows of a result without nulls, as the server sent them."""
    columns = range(result.nfields)
    return [[result.get_value(row, c) or b"" for c in columns] for row in range(result.ntuples)]


def moment_us(moment: bytes) -> int:
    """Microseconds since 1970 of a timestamp as the server sent it."""
    return int.from_bytes(moment, "big", signed=True) + POSTGRES_EPOCH_US


# ---- packing


def array(of: int, values: Collection[bytes]) -> bytes:
    """An array of a type, by its oid, from values that are packed already."""
    try:
        lengths = [_SHORT[len(value)] for value in values]
    except IndexError:
        lengths = [len(value).to_bytes(4, "big") for value in values]
    packed = [b""] * (2 * len(values))
    packed[::2], packed[1::2] = lengths, values
    return _array_head(of, len(values)) + b"".join(packed)


def fixed_array(of: int, size: int, values: Collection[bytes]) -> bytes:
    """As :func:`array`, of values that have ``size`` bytes each."""
    head, length = _array_head(of, len(values)), _SHORT[size]
    return head + length + length.join(values) if values else head


def integers(values: Collection[int]) -> bytes:
    """An array of bigint."""
    return fixed_array(INT8, 8, list(map(_INT8, values)))


def texts(values: Iterable[str]) -> bytes:
    """An array of text."""
    return array(TEXT, list(map(str.encode, values)))


def integer(value: int) -> bytes:
    """A bigint."""
    return _INT8(value)


def _array_head(of: int, length: int) -> bytes:
    """One dimension, no nulls, counted from 1."""
    return b"\0\0\0\x01\0\0\0\0" + of.to_bytes(4, "big") + length.to_bytes(4, "big") + b"\0\0\0\x01"
