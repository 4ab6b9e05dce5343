"""Plots of a report, as PNG and SVG; matplotlib is only needed here."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import BenchError, Figure, SuiteResult
from bench.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATE_ENDING = "/s"
INK, OURS, THEIRS, GRID = "#333333", "#b3261e", "#8a9ba8", "#e3e6e8"
WIDTH_INCHES, BAR_INCHES, MARGIN_INCHES = 9.0, 0.32, 1.3


def write_plots(report: Report, directory: Path) -> list[Path]:
    """One plot for each suite and unit of throughput, and one for its latencies.

    Raises:
        BenchError: matplotlib is not installed.
    """
    plt = _pyplot()
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, suite in report.suites.items():
        for unit in dict.fromkeys(f.unit for f in suite.figures if f.unit.endswith(RATE_ENDING)):
            figures = [figure for figure in suite.figures if figure.unit == unit]
            title = f"{name}: {unit}"
            label = unit.removesuffix(RATE_ENDING)
            path = directory / f"{name}-{label}"
            written += _draw(plt, path, title, unit, len(figures), _bars(figures))
        if suite.latencies:
            path, title = directory / f"{name}-latency", f"{name}: p50, p95, p99 of a request"
            count = len(suite.latencies)
            written += _draw(plt, path, title, "ms, logarithmic", count, _ranges(suite))
    return written


def _pyplot() -> Any:
    try:
        import matplotlib as mpl
    except ImportError:
        raise BenchError("plots need matplotlib: pip install 'guoku[bench]'") from None
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "guoku"  # the same figures give the same file
    import matplotlib.pyplot as plt

    return plt


def _draw(plt: Any, path: Path, title: str, unit: str, count: int, draw: Any) -> list[Path]:
    height = MARGIN_INCHES + BAR_INCHES * count
    figure, axes = plt.subplots(figsize=(WIDTH_INCHES, height), layout="constrained")
    draw(axes)
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.set_xlabel(unit, color=INK)
    axes.invert_yaxis()
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, labelsize=8, colors=INK)
    written = []
    for ending in (".png", ".svg"):
        target = path.with_name(path.name + ending)
        figure.savefig(target, dpi=150, metadata={"Date": None} if ending == ".svg" else None)
        written.append(target)
    plt.close(figure)
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

    return draw


def _ranges(suite: SuiteResult) -> Any:
    """From p50 to p99 as a line, with a mark at each percentile."""

    def draw(axes: "Axes") -> None:
        for latency in suite.latencies:
            colour = OURS if "guoku" in latency.name or "at " in latency.name else THEIRS
            waits_ms = [latency.p50_ms, latency.p95_ms, latency.p99_ms]
            axes.plot(waits_ms, [latency.name] * 3, "o-", color=colour, markersize=4)
        axes.set_xscale("log")

    return draw
