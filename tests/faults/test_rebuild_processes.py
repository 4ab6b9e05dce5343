"""Rebuilding in several processes, and what is left when one of them is killed."""

# ruff: noqa: F401, F811  (pytest finds the fixture `keeper` by its import)

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool

import projections.core.rebuild
import projections.parallel
from ledger.errors import Code, GuokuError, UnavailableError
from ledger.postgres.database import Database
from projections.catalogue import PROJECTIONS
from projections.core.comparison import Comparison
from projections.core.rebuild import remove_abandoned, verify
from projections.core.runner import Runner
from projections.indicators import Indicators
from projections.parallel import in_parallel
from tests.support.allocations import allocated
from tests.support.approved_documents import agreeing, keeper, submitted
from tests.support.bookkeeper import Bookkeeper
from tests.support.command_line import clean_environment, run
from tests.support.histories import commit_ends, differences, live_positions, mixed_history, tamper
from tests.support.waiting import HANG_S, wait_for_end_of_sessions

Found = dict[tuple[int, str], Comparison]


@pytest.fixture
def neighbour(pool: ConnectionPool) -> Iterator[Bookkeeper]:
    """A second ledger in the same database."""
    keeper = Bookkeeper(pool, division="440300000")
    keeper.open()
    yield keeper
    keeper.close()


def compare(database: Database, *books: Bookkeeper, replace: bool = False, processes: int) -> Found:
    """What the workers found; each told its progress up to where it was to go."""
    told: dict[tuple[int, str], tuple[int, int]] = {}

    def progress(ledger_id: int, name: str, position: int, upto: int) -> None:
        told[ledger_id, name] = (position, upto)

    ledgers = [b.ledger_id for b in books]
    found = {
        (ledger_id, comparison.projection): comparison
        for ledger_id, comparison in in_parallel(
            database.app_conninfo,
            ledgers,
            PROJECTIONS,
            replace=replace,
            progress=progress,
            domains="api.domains",
            processes=processes,
        )
    }
    assert told == {key: (c.position, c.position) for key, c in found.items()}
    return found


def test_a_process_knows_of_all_that_moves_an_indicator(
    bookkeeper: Bookkeeper, database: Database
) -> None:
    """It had asked which types do before it knew those of orders: rebuilt, an indicator had not
    paid what was allocated of it."""
    b = bookkeeper
    b.issue("B1", "100.00")
    allocated(b, "SB-1", "B1", "40.00")
    Runner(b.pool).catch_up()
    assert all(found.equal for found in compare(database, b, processes=2).values())


def test_ledgers_and_projections_are_rebuilt_in_several_processes(
    bookkeeper: Bookkeeper, neighbour: Bookkeeper, database: Database
) -> None:
    b = bookkeeper
    mixed_history(b)
    mixed_history(neighbour)
    Runner(b.pool).catch_up()
    # two ledgers and two processes: a ledger each. One of the two has a row that is wrong.
    tamper(b, "UPDATE proj_payments SET xpay_fen = 1 WHERE ledger_id = 4403000002026")
    tamper(b, "UPDATE proj_indicators SET pay_fen = 1 WHERE ledger_id = 4403000002026")
    found = compare(database, b, neighbour, processes=2)
    assert len(found) == 2 * len(PROJECTIONS)
    wrong = {(neighbour.ledger_id, "payments"), (neighbour.ledger_id, "indicators")}
    assert {key for key, comparison in found.items() if not comparison.equal} == wrong
    # one ledger and three processes: a projection each
    mended = compare(database, neighbour, replace=True, processes=3)
    assert {key for key, comparison in mended.items() if not comparison.equal} == wrong
    assert verify(b.pool, neighbour.ledger_id).equal
    assert {c.rebuilt_digest for c in found.values()} >= {c.rebuilt_digest for c in mended.values()}


def test_a_worker_says_what_kept_it(bookkeeper: Bookkeeper, database: Database) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    held = projections_locked(b)
    next(held)
    with pytest.raises(UnavailableError, match="is being rebuilt already") as error:
        compare(database, b, processes=2)
    assert error.value.code is Code.BUSY
    held.close()
    assert all(comparison.equal for comparison in compare(database, b, processes=2).values())


def projections_locked(b: Bookkeeper) -> Iterator[None]:
    with projections.core.rebuild._alone(b.pool, b.ledger_id, [Indicators()]):
        yield


def test_a_worker_that_dies_is_noticed(
    bookkeeper: Bookkeeper, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = projections.parallel._start

    def start_and_kill(*given: Any) -> Any:
        ours, process = start(*given)
        process.kill()
        return ours, process

    monkeypatch.setattr(projections.parallel, "_start", start_and_kill)
    with pytest.raises(GuokuError, match="was ended"):
        compare(database, bookkeeper, processes=2)


KILLED = """
import sys
import projections.catalogue
from projections.core import rebuild, whole_history
from tests.support.bookkeeper import fresh_pool

whole_history.PAGE_FACTS = whole_history.PAGES_A_STEP = 1
def wait(*_):
    print("step", flush=True)
    sys.stdin.readline()
with fresh_pool(sys.argv[1]) as pool:
    rebuild.rebuild(pool, int(sys.argv[2]), progress=wait)
"""


@pytest.mark.fault
def test_a_killed_rebuild_leaves_the_live_rows_and_is_swept_away(
    bookkeeper: Bookkeeper, database: Database
) -> None:
    b = bookkeeper
    mixed_history(b)
    Runner(b.pool).catch_up()
    before = rows(b)
    conninfo = make_conninfo(database.app_conninfo, application_name="killed")
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, conninfo, str(b.ledger_id)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    for _ in range(3 * len(PROJECTIONS)):
        assert child.stdout.readline() == "step\n"
        child.stdin.write("\n")
        child.stdin.flush()
    with pytest.raises(UnavailableError):  # it is at work still
        verify(b.pool, b.ledger_id)
    assert remove_abandoned(b.pool) == 0
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()
    wait_for_end_of_sessions(database.owner_conninfo, "killed")
    assert rows(b) == before
    assert set(live_positions(b).values()) == {commit_ends(b)[-1]}
    shadows = "SELECT count(*) FROM proj_positions WHERE ledger_id = %s AND NOT live"
    assert b.sql(shadows) == [(len(PROJECTIONS),)]
    restarted = Runner(b.pool)
    restarted.start()
    try:
        b.adjust("B1", "1.00")
        assert restarted.wait_for(b.ledger_id, commit_ends(b)[-1], HANG_S)
    finally:
        restarted.close()
    assert b.sql(shadows) == [(0,)]
    assert b.sql("SELECT count(*) FROM proj_journals WHERE ledger_id = %s AND generation > 1") == [
        (0,)
    ]
    report = verify(b.pool, b.ledger_id)
    assert report.equal, differences(report)


def rows(b: Bookkeeper) -> list[object]:
    """The live payments, whole."""
    return b.sql(
        "SELECT p::text FROM proj_positions g JOIN proj_payments p USING (ledger_id, generation)"
        " WHERE ledger_id = %s AND g.projection = 'payments' AND g.live ORDER BY p.pay_app_no"
    )


def test_workers_know_every_kind_of_document(keeper: Bookkeeper, database: Database) -> None:
    """``guoku projections verify`` ended at the first document of a ledger: "there is no document
    of 'indicator.issue'". A worker had loaded what read models are made of, and no command."""
    submitted(keeper, "B1")
    keeper.do(agreeing("indicator.issue", "B1"), "checker")
    submitted(keeper, "B2")
    Runner(keeper.pool).catch_up()
    found = compare(database, keeper, processes=2)
    assert {c.projection: c.verdict for c in found.values() if not c.equal} == {}


def test_a_model_that_has_stopped_is_a_finding_and_one_on_its_way_is_not(
    bookkeeper: Bookkeeper, database: Database, tmp_path: Path
) -> None:
    b = bookkeeper
    b.clock.now = datetime.now(UTC)
    b.issue("B1", "1000.00")
    Runner(b.pool).catch_up()
    b.adjust("B1", "1.00")
    variables = clean_environment(GUOKU_DSN=database.owner_conninfo, GUOKU_DATA=str(tmp_path))
    done = run("projections", "verify", "--projection", "journals", environment=variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("equal, 2 events on their way")
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute("SET session_replication_role = replica")  # as if an hour had gone by
        owner.execute("UPDATE commits SET recorded_at = recorded_at - interval '1 hour'")
    done = run("projections", "verify", "--projection", "journals", environment=variables)
    assert done.returncode == 1
    assert "stopped at position" in done.stdout
    done = run("audit", "verify", environment=variables)
    assert done.returncode == 1
    assert "读模型停止" in done.stdout
    done = run("projections", "rebuild", "--projection", "indicators", environment=variables)
    assert done.returncode == 0, done.stderr
