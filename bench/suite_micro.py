"""micro: what single steps cost, by pytest-benchmark: ``bench/micro_*.py``, without a database.

Each round runs all of them in a process of its own; a figure is the median of the rounds' medians.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from ledger.postgres.embedded import EmbeddedPostgres

FILES = sorted(Path(__file__).parent.glob("micro_*.py"))
SECONDS_EACH = 0.3
TIMEOUT_S = 600

TIMED = {
    "micro_engine": "a batch of 1,000 applications on a ledger's state in memory, the whole batch",
    "micro_evoucher": "one voucher, envelope or receipt, of as many lines as is said",
    "micro_gm": "one operation on 400 bytes",
}


class _Stats(msgspec.Struct):
    median: float  # seconds


class _Benchmark(msgspec.Struct):
    fullname: str
    stats: _Stats


class _Run(msgspec.Struct):
    benchmarks: list[_Benchmark]


def run(_server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    if find_spec("pytest_benchmark") is None:
        raise BenchError("micro needs pytest-benchmark: `make bench-tools` installs it")
    record = Record(tell)
    record.timed.update(TIMED)
    for _ in record.rounds(scale):
        for name, seconds in _round(SECONDS_EACH * scale.volume):
            record.value(name, "µs", seconds * 1e6)
    return record.result()


def _round(seconds_each: float) -> Iterator[tuple[str, float]]:
    """Runs them all once: name and seconds."""
    with TemporaryDirectory(prefix="guoku-bench-micro-") as directory:
        written = Path(directory) / "run.json"
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull),
            *("--benchmark-only", f"--benchmark-json={written}"),
            *(f"--benchmark-max-time={seconds_each}", "--benchmark-min-rounds=3"),
            *map(str, FILES),
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            # started by a test, it is no worker of that test's run
            env={name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")},
        )
        if done.returncode != 0:
            raise BenchError(
                f"micro: a benchmark failed\n{done.stdout[-2000:]}{done.stderr[-500:]}"
            )
        found = msgspec.json.decode(written.read_bytes(), type=_Run)
    for benchmark in found.benchmarks:
        path, _, name = benchmark.fullname.partition("::")
        step = name.removeprefix("test_").replace("[", ", ").rstrip("]")
        yield f"{Path(path).stem}: {step}", benchmark.stats.median
