"""The result of a run: one JSON document, and tables for people."""

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from bench.measure import SuiteResult

FORMAT = 1


class BenchReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that ``guoku bench`` says.

    Attributes:
        server: version and settings of Postgres, as it reported them.
        ratios: those of all suites together, by name.
    """

    format: int = FORMAT
    started_at: str
    duration_s: float
    scale: str
    machine: dict[str, Any]
    software: dict[str, Any]
    server: dict[str, str]
    suites: dict[str, SuiteResult]
    ratios: dict[str, float]


def write_json(report: BenchReport, path: Path) -> None:
    """Writes the report, indented, for programs and for diffs."""
    text = msgspec.json.format(msgspec.json.encode(report), indent=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text + b"\n")


def print_report(report: BenchReport, console: Console) -> None:
    for name, suite in report.suites.items():
        _print_suite(name, suite, console)
    machine, server = report.machine, report.server
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB, "
        f"{machine['filesystem']}, fdatasync {machine['fdatasync_median_us']:.0f} µs · "
        f"Python {report.software['python']} · Postgres {server['server_version']}, "
        f"fsync {server['fsync']}, synchronous_commit {server['synchronous_commit']} · "
        f"commit {report.software['commit'] or '-'} · {report.scale}, {report.duration_s:.0f} s",
        style="dim",
        highlight=False,
    )


def _print_suite(name: str, suite: SuiteResult, console: Console) -> None:
    table = Table(title=f"{name}: medians of the rounds", title_justify="left")
    table.add_column("what", min_width=44)
    for heading in ("value", "unit", "lowest", "highest", "rounds"):
        table.add_column(heading, justify="left" if heading == "unit" else "right")
    for figure in suite.figures:
        low, high = min(figure.rounds), max(figure.rounds)
        values = (_number(figure.value), figure.unit, _number(low), _number(high))
        table.add_row(figure.name, *values, str(len(figure.rounds)))
    console.print(table)
    if suite.latencies:
        console.print(_latency_table(name, suite))
    if not suite.ratios:
        return
    ratios = Table(title=f"{name}: ratios within this run", title_justify="left")
    ratios.add_column("ratio")
    ratios.add_column("value", justify="right")
    for ratio, value in suite.ratios.items():
        ratios.add_row(ratio, f"{value:.3f}")
    console.print(ratios)


def _latency_table(name: str, suite: SuiteResult) -> Table:
    table = Table(title=f"{name}: latency of a request, ms", title_justify="left")
    table.add_column("what", min_width=44)
    for heading in ("requests", "p50", "p95", "p99", "max"):
        table.add_column(heading, justify="right")
    for latency in suite.latencies:
        waits_ms = (latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.max_ms)
        table.add_row(latency.name, f"{latency.requests:,}", *(f"{ms:,.1f}" for ms in waits_ms))
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
