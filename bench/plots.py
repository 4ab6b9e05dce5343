"""Plots of a report, as PNG and SVG; matplotlib is only needed here."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.measure import BenchError, Figure, SuiteResult
from bench.report import BenchReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATE_ENDING = "/s"
INPUTS = ("arrivals/s",)  # what was asked for is no result
# a plain-SQL transfer stands beside a payment, which is a transfer and more
BESIDE = {"transfers/s": "payments/s"}
INK, OURS, THEIRS, GRID = "#333333", "#b3261e", "#8a9ba8", "#e3e6e8"
WIDTH_INCHES, BAR_INCHES, MARGIN_INCHES = 9.0, 0.32, 1.3


def write_plots(report: BenchReport, directory: Path) -> list[Path]:
    """One plot for each suite and unit of throughput, and one for its latencies.

    Raises:
        BenchError: matplotlib is not installed.
    """
    plt = _pyplot()
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, suite in report.suites.items():
        for unit, figures in _by_unit(suite).items():
            units = " and ".join(dict.fromkeys(figure.unit for figure in figures))
            title = f"{name}: {units}, median, lowest and highest round"
            path = directory / f"{name}-{unit.removesuffix(RATE_ENDING)}"
            record = _Sheet(plt, path, title, units, _conditions(report), len(figures))
            written += _draw(record, _bars(figures))
        if suite.latencies:
            path, title = directory / f"{name}-latency", f"{name}: p50, p95, p99 of a request"
            count = len(suite.latencies)
            record = _Sheet(plt, path, title, "ms, logarithmic", _conditions(report), count)
            written += _draw(record, _ranges(suite))
    return written


class _Sheet(NamedTuple):
    """Where something is drawn, and what is written around it."""

    plt: Any
    path: Path
    title: str
    unit: str
    conditions: str
    rows: int


def _by_unit(suite: SuiteResult) -> dict[str, list[Figure]]:
    """The throughputs of a suite by the plot they belong to."""
    groups: dict[str, list[Figure]] = {}
    units = {figure.unit for figure in suite.figures}
    for figure in suite.figures:
        if figure.unit.endswith(RATE_ENDING) and figure.unit not in INPUTS:
            beside = BESIDE.get(figure.unit, figure.unit)
            groups.setdefault(beside if beside in units else figure.unit, []).append(figure)
    return groups


def _conditions(report: BenchReport) -> str:
    machine, server = report.machine, report.server
    return (
        f"{machine['cpu']}, {machine['cores']} cores · Postgres {server['server_version']}, "
        f"fsync {server['fsync']}, synchronous_commit {server['synchronous_commit']} · "
        f"{report.scale}, commit {report.software['commit'] or '-'}"
    )


def _pyplot() -> Any:
    try:
        import matplotlib as mpl
    except ImportError:
        raise BenchError("plots need matplotlib: `make bench-tools` installs it") from None
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "guoku"  # the same figures give the same file
    import matplotlib.pyplot as plt

    return plt


def _draw(record: _Sheet, draw: Any) -> list[Path]:
    height = MARGIN_INCHES + BAR_INCHES * record.rows
    figure, axes = record.plt.subplots(figsize=(WIDTH_INCHES, height), layout="constrained")
    draw(axes)
    figure.suptitle(record.title, x=0.01, ha="left", color=INK, fontsize=11)
    axes.set_title(record.conditions, loc="right", color=THEIRS, fontsize=6)
    axes.set_xlabel(record.unit, color=INK, fontsize=9)
    axes.invert_yaxis()
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(which="both", length=0, labelsize=8, colors=INK)
    written = []
    for ending in (".png", ".svg"):
        target = record.path.with_name(record.path.name + ending)
        figure.savefig(target, dpi=150, metadata={"Date": None} if ending == ".svg" else None)
        written.append(target)
    record.plt.close(figure)
    return written


def _bars(figures: list[Figure]) -> Any:
    """Medians as bars, lowest and highest round as whiskers."""

    def draw(axes: "Axes") -> None:
        names = [figure.name for figure in figures]
        values = [figure.value for figure in figures]
        low = [max(0.0, figure.value - min(figure.rounds)) for figure in figures]
        high = [max(0.0, max(figure.rounds) - figure.value) for figure in figures]
        colours = [OURS if "guoku" in name or "at " in name else THEIRS for name in names]
        axes.barh(names, values, color=colours, xerr=[low, high], ecolor=INK, capsize=2)
        for index, value in enumerate(values):
            axes.annotate(f" {value:,.0f}", (value, index), va="bottom", fontsize=7, color=INK)
        axes.margins(x=0.12)
        axes.xaxis.set_major_formatter("{x:,.0f}")

    return draw


def _ranges(suite: SuiteResult) -> Any:
    """From p50 to p99 as a line, with a mark at each percentile."""

    def draw(axes: "Axes") -> None:
        for latency in suite.latencies:
            colour = OURS if "guoku" in latency.name or "at " in latency.name else THEIRS
            waits_ms = [latency.p50_ms, latency.p95_ms, latency.p99_ms]
            axes.plot(waits_ms, [latency.name] * 3, "o-", color=colour, markersize=4)
        axes.set_xscale("log", subs=[2, 5])
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("{x:g}")

    return draw
