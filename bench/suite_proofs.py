"""proofs: what sealing costs, what a tree takes of the disk, how long a proof takes to be made.

The events are synthetic, written by SQL past the write path: as many bytes a row as real ones, a
digest each, and commits with a true chain, since the sealer verifies it. A proof reads digests and
nodes, and does not care what the payloads say.
"""

from random import Random
from time import perf_counter, process_time

import psycopg

from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from bench.server import checkpoint, new_database
from ledger.account_set import ledger_id
from ledger.integrity.chain import extend, genesis
from ledger.integrity.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.sealing.stored_tree import StoredTree, read_digests
from ledger.sealing.trees import Trees

LEDGER = ledger_id("440000000", 2026)
COMMIT_EVENTS = 5_000
FILL_EVENTS = 250_000
PROOFS = 200
SEAL = "sealing a backlog"
INCLUSION, CONSISTENCY = "inclusion proof", "consistency proof"
SEED = 20261124

TIMED = {
    SEAL: "Trees.grow in helpings of 100,000 events, commits included: digests read, chain"
    " verified, tree grown, nodes written, the checkpoint's row (not signed here); CPU is that of"
    " this process",
    INCLUSION: "StoredTree.inclusion of a random position in the whole tree, each with a tree of"
    " its own, as a request makes it; verified outside the clock",
    CONSISTENCY: "StoredTree.consistency from a random older size to the whole tree; the same",
}
_FILL = """
INSERT INTO events SELECT %(ledger)s, n, lpad(to_hex(n), 32, '0')::uuid, 1, 'payment.applied',
  timestamptz '2026-03-02 00:00:00+00', date '2026-03-02',
  convert_to(repeat(md5(n::text), 14), 'UTF8'), sha256(int8send(n))
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n"""


# a tree grows only while its last checkpoint is on record; signing it is the sealer's work
_ON_RECORD = """
INSERT INTO checkpoints SELECT ledger_id, size, 2026, size FROM sealed
WHERE ledger_id = %s AND size > 0 ON CONFLICT DO NOTHING"""


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    record = Record(tell)
    record.timed.update(TIMED)
    database = new_database(server, "proofs")
    random = Random(SEED)
    with psycopg.connect(database.owner_conninfo, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ledgers (ledger_id, chain, recorded_at, settings)"
            " VALUES (%s, %s, '2026-03-02', '{}')",
            (LEDGER, genesis(LEDGER)),
        )
        trees, chain, at = Trees(), genesis(LEDGER), 0
        for events in scale.growth_events:
            while at < events:
                last = min(at + FILL_EVENTS, events)
                record.tell(f"{events - at:,} events until there are {events:,}")
                chain = _fill(connection, chain, at, last)
                at = last
            checkpoint(server)
            _seal(record, connection, trees)
            connection.execute("ANALYZE events, merkle_nodes")
            _prove(record, connection, random, events, scale)
        _note_size(record, connection, at)
    first, last = scale.growth_events[0], scale.growth_events[-1]
    for kind, name in ((INCLUSION, "inclusion"), (CONSISTENCY, "consistency")):
        times = [record.percentile_ms(_at(kind, events), 0.5) for events in (first, last)]
        record.ratio_of(f"{name}_last_to_first", times[1] / times[0])
    return record.result()


def _fill(connection: psycopg.Connection, chain: bytes, after: int, last: int) -> bytes:
    """Events up to ``last`` and their commits; gives the chain there."""
    connection.execute(_FILL.encode(), {"ledger": LEDGER, "first": after + 1, "last": last})
    commits = []
    for first in range(after, last, COMMIT_EVENTS):
        end = min(first + COMMIT_EVENTS, last)
        chain = extend(chain, read_digests(connection, LEDGER, first, end))
        commits.append((LEDGER, end, first + 1, "2026-03-02 00:00:00+00", chain))
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO commits VALUES (%s, %s, %s, %s, %s)", commits)
    return chain


def _seal(record: Record, connection: psycopg.Connection, trees: Trees) -> None:
    record.tell(SEAL)
    began, cpu_began, sealed = perf_counter(), process_time(), 0
    while True:
        with connection.transaction():
            count = trees.grow(connection, LEDGER, 100_000)
            connection.execute(_ON_RECORD.encode(), (LEDGER,))
        if not count:
            break
        sealed += count
    record.rate(SEAL, perf_counter() - began, events=sealed)
    record.value(SEAL, "µs of CPU/event", (process_time() - cpu_began) / sealed * 1e6)


def _prove(
    record: Record, connection: psycopg.Connection, random: Random, size: int, scale: Scale
) -> None:
    root = StoredTree(connection, LEDGER, size).root
    for kind in (INCLUSION, CONSISTENCY):
        record.tell(_at(kind, size))
        waits_s = []
        for _ in range(scale.count(PROOFS)):
            chosen = random.randrange(1, size)
            began = perf_counter()
            tree = StoredTree(connection, LEDGER, size)
            path = tree.inclusion(chosen) if kind is INCLUSION else tree.consistency(chosen)
            waits_s.append(perf_counter() - began)
            if not _holds(connection, kind, chosen, size, root, path):
                raise BenchError(f"the {kind} for {chosen} in {size} does not verify")
        record.waits(_at(kind, size), waits_s)


def _holds(
    connection: psycopg.Connection,
    kind: str,
    chosen: int,
    size: int,
    root: bytes,
    path: list[bytes],
) -> bool:
    if kind is INCLUSION:
        [digest] = read_digests(connection, LEDGER, chosen - 1, chosen)
        return verify_inclusion(leaf_hash(digest), chosen - 1, size, path, root)
    older = StoredTree(connection, LEDGER, chosen).root
    return verify_consistency(chosen, size, older, root, path)


def _note_size(record: Record, connection: psycopg.Connection, events: int) -> None:
    row = connection.execute("SELECT pg_total_relation_size('merkle_nodes')").fetchone()
    assert row is not None
    record.value("tree, rows and index", "bytes/event", row[0] / events)


def _at(kind: str, events: int) -> str:
    return f"{kind} at {events:,} events"
