"""``guoku bench``: the measurements, peers beside them, tables, JSON and plots.

A program above all packages, which measures them from outside; the command line starts it.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from bench import (
    machine,
    suite_asof,
    suite_budget,
    suite_disburse,
    suite_engine,
    suite_flood,
    suite_growth,
    suite_http,
    suite_micro,
    suite_projections,
    suite_proofs,
    suite_province,
    suite_sign,
    suite_transfers,
    suite_year_end,
)
from bench.measure import FULL, QUICK, STANDARD, BenchError, Scale, SuiteResult, Tell
from bench.report import BenchReport, print_report, write_json
from bench.server import own_server
from ledger.errors import GuokuError
from ledger.postgres.database import connect
from ledger.postgres.embedded import SUPERUSER, EmbeddedPostgres

Suite = Callable[[EmbeddedPostgres, Scale, Tell], SuiteResult]

SUITES: dict[str, Suite] = {
    "micro": suite_micro.run,
    "engine": suite_engine.run,
    "http": suite_http.run,
    "flood": suite_flood.run,
    "disburse": suite_disburse.run,
    "sign": suite_sign.run,
    "projections": suite_projections.run,
    "proofs": suite_proofs.run,
    "growth": suite_growth.run,
    "asof": suite_asof.run,
    "budget": suite_budget.run,
    "province": suite_province.run,
    "transfers": suite_transfers.run,
    "year-end": suite_year_end.run,
}
INTERRUPTED = 130


class SuiteName(StrEnum):
    micro = "micro"
    engine = "engine"
    http = "http"
    flood = "flood"
    disburse = "disburse"
    sign = "sign"
    projections = "projections"
    proofs = "proofs"
    growth = "growth"
    asof = "asof"
    budget = "budget"
    province = "province"
    transfers = "transfers"
    year_end = "year-end"
    all = "all"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def bench(
    suite: Annotated[SuiteName, typer.Argument(help="What to measure.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="A short look: each suite ends within 50 s.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="More rounds; growth to 20 million events.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Write the result to this file.")] = None,
    plots: Annotated[
        Path | None, typer.Option(help="Write PNG and SVG plots into this directory.")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Where the temporary data directory is made; a real disk.")
    ] = None,
) -> None:
    """Measures guoku beside its peers, on a Postgres of its own that is removed at the end.

    micro: single steps, without a database.
    engine: full payments against raw COPY, the eventsourcing package and a plain-SQL ledger.
    http: payments one by one against an empty endpoint. flood: payments beside hostile callers.
    disburse: a run of a million lines, with
    the bank. sign: SM2 and vouchers. projections: following and rebuilding. proofs: sealing and
    proving. growth: after 100,000, a million and 5 million events. asof: reads
    of the past. province: queries over all divisions.
    transfers: between tiers. budget: a province's, from its units to its
    indicators. year-end: books closed and opened, statements.
    """
    if quick and full:
        raise typer.BadParameter("--quick and --full exclude each other")
    scale = QUICK if quick else FULL if full else STANDARD
    chosen = list(SUITES) if suite is SuiteName.all else [suite.value]
    report = measure(chosen, scale, directory)
    if json is not None:
        write_json(report, json)
    print_report(report, Console())
    if plots is not None:
        from bench.plots import write_plots

        for path in write_plots(report, plots):
            print(path, file=sys.stderr)


def measure(chosen: list[str], scale: Scale, directory: Path | None = None) -> BenchReport:
    """Runs suites, each on a server of its own, and gives what they found.

    Raises:
        BenchError: a figure would not be true.
        GuokuError: a part of guoku could not be used.
    """
    started_at, began = machine.now(), perf_counter()
    results: dict[str, SuiteResult] = {}
    settings: dict[str, str] = {}
    with _progress() as tell:
        for name in chosen:
            tell(f"{name}: starting Postgres")
            with own_server(directory) as server:
                if not results:
                    described = machine.describe_machine(server.data_dir)
                    with connect(server.conninfo(dbname=SUPERUSER)) as connection:
                        settings = machine.describe_server(connection)
                results[name] = SUITES[name](server, scale, _within(tell, name))
                tell(f"{name}: stopping Postgres")
    ratios = {k: v for result in results.values() for k, v in result.ratios.items()}
    if sum(len(result.ratios) for result in results.values()) != len(ratios):
        raise BenchError("two suites give the same ratio")
    return BenchReport(
        started_at=started_at,
        duration_s=round(perf_counter() - began, 3),
        scale=scale.name,
        machine=described,
        software=machine.describe_software(),
        server=settings,
        suites=results,
        ratios=ratios,
    )


def _within(tell: Tell, name: str) -> Tell:
    return lambda text: tell(f"{name}: {text}")


@contextmanager
def _progress() -> Iterator[Tell]:
    """What is being done: a line that changes on a terminal, else a line each."""
    console = Console(stderr=True)
    if not console.is_terminal:
        began = perf_counter()
        yield lambda text: print(f"{perf_counter() - began:6.1f} s  {text}", file=sys.stderr)
        return
    with console.status("") as status:
        yield lambda text: status.update(text)


def _end(signum: int, _: FrameType | None) -> None:
    """The first signal unwinds, so that servers stop and directories go; later ones wait for it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(INTERRUPTED if signum == signal.SIGINT else 128 + signum)


def main() -> None:
    """Exit codes: 0 done, 1 a clear error, 2 wrong usage, 130 interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        app(prog_name="guoku bench")
    except (BenchError, GuokuError) as error:
        print(f"guoku: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
