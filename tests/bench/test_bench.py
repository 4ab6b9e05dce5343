"""The bench runs, refuses to lie, and says what it found in one shape. Nothing here asserts a time.

What is measured is only looked at for being there and having its unit.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from rich.console import Console

from bench import machine, peers, processes
from bench.__main__ import SUITES, SuiteName, measure
from bench.bookkeeping import bookkeeping
from bench.drive import ClosedLoop, OpenLoop, accepted
from bench.measure import TINY, BenchError, Record, percentile
from bench.plots import write_plots
from bench.report import BenchReport, print_report, write_json
from bench.server import new_database, own_server
from ledger.deciding.command import Outcome, Submission
from ledger.errors import Code, Refusal
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from payments.voucher import MarkSent
from tests.support.waiting import HANG_S

RATIOS = {
    "micro": set(),
    "engine": {
        "events_to_copy",
        "events_to_eventsourcing",
        "payments_to_plain_sql",
        "movements_to_plain_sql",
        "hot_to_spread",
        "singles64_to_eventsourcing",
        "singles64_commands_to_eventsourcing_saves",
        "singles64_to_plain_sql_64",
    },
    "http": {
        "requests_to_empty",
        "followed_requests_to_empty",
        "requests_to_empty_parsed",
        "p99_to_empty",
        "bulk_payments_to_single",
    },
    "flood": {
        "p99_beside_header_flood",
        "p99_beside_held_bodies",
        "p99_beside_silent_connections",
        "p99_beside_cells_of_120_MB",
        "p99_beside_row_bombs",
    },
    "budget": set(),
    "province": {"province_sum_to_bare"},
    "transfers": set(),
    "year-end": set(),
    "disburse": {"upload_to_copy", "whole_to_plain_sql"},
    "sign": {
        *("signatures_to_provider", "signatures_to_provider_times_cores"),
        *("verified_to_provider", "verified_to_provider_times_cores"),
        *("vouchers_to_provider", "vouchers_to_provider_times_cores"),
        "manifest_to_singly",
    },
    "projections": {
        "follow_to_eventsourcing_replay",
        "rebuild_to_eventsourcing_replay",
        "balances_to_eventsourcing_replay",
        "balances_to_eventsourcing_domain_replay",
        "verify_to_eventsourcing_replay",
        "replay_to_eventsourcing_replay",
    },
    "proofs": {"inclusion_last_to_first", "consistency_last_to_first"},
    "asof": {
        "trial_balance_as_of_a_position_last_to_first",
        "trial_balance_as_of_a_day_last_to_first",
        "trial_balance_as_of_a_day_known_at_a_position_last_to_first",
        "indicator_as_of_a_position_last_to_first",
        "indicator_as_of_a_day_known_at_a_position_last_to_first",
    },
    "growth": {"throughput_last_to_first", "singles64_last_to_first", "memory_last_to_first"},
}
LONG = {"http", "flood", "disburse", "asof", "budget", "year-end"}  # at the smallest scale, too
UNITS = {
    "micro": {"µs"},
    "engine": {"payments/s", "commands/s", "events/s", "movements/s", "transfers/s", "arrivals/s"},
    "http": {"requests/s", "arrivals/s", "payments/s"},
    "flood": {"bytes of memory"},
    "budget": {"items/s", "rows/s", "s", "bytes of memory"},
    "province": {"rows/s"},
    "transfers": {"transfers/s", "s"},
    "year-end": {"s", "bytes of memory"},
    "disburse": {
        *("lines/s", "s", "µs/line", "bytes of memory", "bytes/line"),
    },
    "sign": {"operations/s", "vouchers/s"},
    "projections": {"events/s", "events/CPU s"},
    "proofs": {"events/s", "µs of CPU/event", "bytes/event"},
    "asof": {"events/s", "bytes of memory"},
    "growth": {"payments/s", "commands/s", "events/s", "bytes of memory", "bytes/payment"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with own_server(None) as server:
        yield server


@pytest.fixture(scope="module")
def database(server: EmbeddedPostgres) -> Database:
    return new_database(server, "test_bench", migrated=False)


def nothing(_: str) -> None:
    pass


# ---- the suites


@pytest.fixture(scope="module")
def measured() -> Callable[[str], BenchReport]:
    """What a suite gives at the smallest scale; each is measured once."""

    @cache
    def measured(name: str) -> BenchReport:
        # Not below pytest's own: another session that starts closes that to Postgres's user.
        with TemporaryDirectory(prefix="guoku-test-") as directory:
            report = measure([name], TINY, Path(directory))
            assert list(Path(directory).iterdir()) == []  # its server and data are gone
        return report

    return measured


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in SUITES],
)
def test_a_suite_gives_its_figures_and_ratios(
    name: str, measured: Callable[[str], BenchReport], tmp_path: Path
) -> None:
    report = measured(name)
    write_json(report, tmp_path / "out" / "report.json")
    written = json.loads((tmp_path / "out" / "report.json").read_text())

    suite = written["suites"][name]
    assert set(suite["ratios"]) == RATIOS[name] == set(written["ratios"])
    assert {figure["unit"] for figure in suite["figures"]} == UNITS[name]
    assert all(figure["value"] > 0 and figure["rounds"] for figure in suite["figures"])
    assert all(ratio > 0 for ratio in suite["ratios"].values())
    assert suite["timed"]
    for latency in suite["latencies"]:
        assert latency["requests"] > 0
        assert 0 < latency["p50_ms"] <= latency["p95_ms"] <= latency["p99_ms"] <= latency["max_ms"]
    assert written["scale"] == "tiny"
    assert written["server"]["fsync"] == written["server"]["synchronous_commit"] == "on"
    assert written["machine"]["cores"] >= 1
    assert written["machine"]["memory_bytes"] > 0
    assert written["software"]["python"] == sys.version.split()[0]

    console = Console(width=200, record=True, quiet=True)
    print_report(report, console)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in SUITES],
)
def test_a_suite_is_drawn(
    name: str, measured: Callable[[str], BenchReport], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="plots need what requirements-bench.lock lists")
    written = write_plots(measured(name), tmp_path / "plots")
    assert {path.suffix for path in written} == {".png", ".svg"}
    assert all(path.stat().st_size > 1_000 for path in written)


def test_every_suite_is_a_choice_and_all_is_one() -> None:
    assert {name.value for name in SuiteName} == {*SUITES, "all"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--help",), 0, "--quick"),
        (("nonsense",), 2, "nonsense"),
        ((), 2, "Missing argument"),
        (("sign", "--quick", "--full"), 2, "exclude each other"),
    ],
)
def test_the_command_line(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "bench", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# ---- what is measured


def test_a_full_payment_is_five_commands_and_seven_events(server: EmbeddedPostgres) -> None:
    with bookkeeping(new_database(server, "full_payment"), indicators=3) as books:
        before = books.position()
        paid = books.pay(6, ClosedLoop(batch=4, callers=2))
        assert (paid.payments, paid.commands, paid.events) == (6, 30, 42)
        assert (paid.first_position, paid.last_position) == (before + 1, before + 42)
        assert len(paid.waits_s) == 10  # requests: two for each of the five stages
        assert paid.elapsed_s > 0
        hot = books.pay(2, OpenLoop(rate_per_s=1_000), hot=True)
        assert (hot.payments, hot.events, len(hot.waits_s)) == (2, 14, 10)
        with books.pool.connection() as connection:
            statuses = connection.execute(
                "SELECT count(*) FILTER (WHERE type = 'voucher.receipted'), count(*) FILTER"
                " (WHERE type = 'journal.posted') FROM events"
            ).fetchone()
            documents = connection.execute("SELECT count(*) FROM documents").fetchone()
        assert statuses == (8, 8 * 2 + 4 + 1)  # and the issues' and the sample's journals
        assert documents == (16,)


@pytest.mark.parametrize("drive", [ClosedLoop(batch=2, callers=2), OpenLoop(rate_per_s=1_000)])
def test_a_refusal_is_no_measurement(drive: Any) -> None:
    refused = Outcome(problem=Refusal(Code.PAYMENT_NOT_FOUND, "there is none"))

    def submit(some: Any) -> Future[list[Outcome]]:
        future: Future[list[Outcome]] = Future()
        future.set_result([refused for _ in some])
        return future

    submissions = [Submission(command=MarkSent(pay_app_no="none"), by="x") for _ in range(3)]
    driven = drive(submit, submissions)
    assert (len(driven.outcomes), len(driven.waits_s)) == (
        3,
        2 if drive.__dict__.get("batch") else 3,
    )
    with pytest.raises(BenchError, match="not accepted"):
        accepted(driven)


def test_raw_copy_copies_the_very_same_rows(server: EmbeddedPostgres) -> None:
    database = new_database(server, "copy")
    with bookkeeping(database, indicators=2) as books, peers.RawCopy(database) as copy:
        paid = books.pay(5, ClosedLoop(batch=5, callers=1))
        copied = copy.run(books.ledger_id, paid.first_position, paid.last_position)
        assert (copied.items, len(copied.waits_s)) == (35, 5)  # a COPY for each commit
    with psycopg.connect(database.owner_conninfo) as connection:
        span = (paid.first_position, paid.last_position)
        difference = connection.execute(
            "(SELECT * FROM events WHERE position BETWEEN %s AND %s EXCEPT SELECT * FROM"
            " copy_of_events)",
            span,
        ).fetchall()
        indexes = connection.execute(
            "SELECT tablename, count(*) FROM pg_indexes WHERE tablename IN"
            " ('events', 'copy_of_events') GROUP BY 1"
        ).fetchall()
    assert difference == []
    assert dict(indexes)["events"] == dict(indexes)["copy_of_events"] == 2


# ---- the plain-SQL ledger is a real one


@pytest.fixture(scope="module")
def plain(database: Database) -> Iterator[peers.PlainSqlLedger]:
    with peers.plain_sql_ledger(database) as plain:
        yield plain


def test_the_plain_ledger_balances(plain: peers.PlainSqlLedger, database: Database) -> None:
    assert plain.run(50, 10).items == 50
    assert plain.run(64, 1, callers=8).items == 64
    with psycopg.connect(database.owner_conninfo) as connection:
        assert one(connection, "SELECT count(*) FROM transfers") == 114
        assert one(connection, "SELECT sum(amount_fen) FROM entries") == 0
        wrong = (
            "SELECT count(*) FROM accounts a JOIN LATERAL (SELECT balance_fen FROM entries e WHERE"
            " e.account_id = a.account_id ORDER BY version DESC LIMIT 1) AS e"
            " ON e.balance_fen <> a.balance_fen"
        )
        assert one(connection, wrong) == 0


def test_the_plain_ledger_is_idempotent_and_floored(
    plain: peers.PlainSqlLedger, database: Database
) -> None:
    post = "SELECT post_transfers(ARRAY[%s], ARRAY[%s]::bigint[], ARRAY[2], ARRAY[%s]::bigint[])"
    with psycopg.connect(database.owner_conninfo) as connection:
        first = one(connection, post, "again", 1, 5)
        balance = one(connection, "SELECT balance_fen FROM accounts WHERE account_id = 1")
        assert one(connection, post, "again", 1, 5) == first
        assert one(connection, "SELECT balance_fen FROM accounts WHERE account_id = 1") == balance
        with pytest.raises(psycopg.errors.CheckViolation):
            one(connection, post, "too much", 1, balance + 1)


def one(connection: psycopg.Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row[0]


# ---- arithmetic


def test_percentiles_are_values_that_were_measured() -> None:
    ordered = [float(n) for n in range(1, 101)]
    assert [percentile(ordered, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0


def test_a_ratio_is_taken_within_each_round() -> None:
    sheet = Record(nothing)
    for ours, theirs in ((10, 1), (20, 4), (90, 10)):  # 10, 5, 9
        sheet.rate("ours", 1.0, events=ours)
        sheet.rate("theirs", 1.0, events=theirs)
    sheet.ratio("ours_to_theirs", ("ours", "events/s"), ("theirs", "events/s"))
    result = sheet.result()
    assert result.ratios == {"ours_to_theirs": 9.0}
    assert [(f.name, f.value, f.unit) for f in result.figures] == [
        ("ours", 20.0, "events/s"),
        ("theirs", 4.0, "events/s"),
    ]


def test_nothing_done_is_no_figure() -> None:
    with pytest.raises(BenchError, match="0 events"):
        Record(nothing).rate("idle", 1.0, events=0)


def test_the_machine_is_described(tmp_path: Path) -> None:
    described = machine.describe_machine(tmp_path)
    assert described["fdatasync_median_us"] > 0
    assert described["filesystem"] != ""
    assert processes.resident_bytes() > 1_000_000
