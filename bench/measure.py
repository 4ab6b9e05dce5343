"""What a suite writes down: figures with their units, latencies, ratios; round by round.

Rounds of all contestants alternate, so a load that comes and goes on the machine meets all alike. A
figure is the median of its rounds; a ratio is the median of the ratios within each round.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter

import msgspec

Tell = Callable[[str], None]


class BenchError(Exception):
    """A measurement that would not be true: something was refused, or nothing was done."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured.

    Attributes:
        rounds_max: rounds at most.
        budget_s: no further round is begun that would probably end after it (of a suite).
        volume: factor on the counts of a round.
        growth_events: sizes of history between which throughput is compared.
        disburse_lines: lines of a disbursement run.
    """

    name: str
    rounds_max: int
    budget_s: float
    volume: float
    growth_events: tuple[int, ...]
    disburse_lines: int

    def count(self, standard: int) -> int:
        """A round's count at this scale; at least one."""
        return max(1, round(standard * self.volume))


TINY = Scale(
    name="tiny",
    rounds_max=1,
    budget_s=5,
    volume=0.01,
    growth_events=(500, 1_500),
    disburse_lines=1_000,
)
QUICK = Scale(
    name="quick",
    rounds_max=3,
    budget_s=34,
    volume=0.5,
    growth_events=(100_000, 250_000),
    disburse_lines=50_000,
)
STANDARD = Scale(
    name="standard",
    rounds_max=7,
    budget_s=180,
    volume=1,
    growth_events=(100_000, 1_000_000, 5_000_000),
    disburse_lines=1_000_000,
)
FULL = Scale(
    name="full",
    rounds_max=9,
    budget_s=300,
    volume=1,
    growth_events=(100_000, 1_000_000, 5_000_000, 20_000_000),
    disburse_lines=1_000_000,
)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A measured value: the median of its rounds."""

    name: str
    value: float
    unit: str
    rounds: tuple[float, ...]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long a request waited for its answer, over all rounds."""

    name: str
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class SuiteResult(msgspec.Struct, frozen=True, kw_only=True):
    """All that one suite found; ``timed`` says what the clock ran over."""

    timed: dict[str, str]
    duration_s: float
    figures: list[Figure]
    latencies: list[Latency]
    ratios: dict[str, float]


class Record:
    """Collects a suite's measurements while it runs."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.timed: dict[str, str] = {}
        self._started = perf_counter()
        self._rounds: dict[tuple[str, str], list[float]] = {}
        self._waits_s: dict[str, list[float]] = {}
        self._ratios: dict[str, float] = {}

    def rate(self, name: str, elapsed_s: float, **items: int) -> None:
        """Notes a round in which so many ``items`` were done: ``events=700`` gives events/s."""
        for item, count in items.items():
            if count <= 0 or elapsed_s <= 0:
                raise BenchError(f"{name}: {count} {item} in {elapsed_s} s")
            self.value(name, f"{item}/s", count / elapsed_s)

    def value(self, name: str, unit: str, value: float) -> None:
        self._rounds.setdefault((name, unit), []).append(value)

    def waits(self, name: str, seconds: Iterable[float]) -> None:
        """Notes how long requests waited for their answers."""
        self._waits_s.setdefault(name, []).extend(seconds)

    def median(self, name: str, unit: str) -> float:
        return median(self._rounds[name, unit])

    def best(self, names: Sequence[str], unit: str) -> str:
        """The name with the highest median in this unit."""
        return max(names, key=lambda name: self.median(name, unit))

    def ratio(self, name: str, over: tuple[str, str], under: tuple[str, str]) -> None:
        """Notes a ratio of two figures (name, unit), taken within each round."""
        pairs = zip(self._rounds[over], self._rounds[under], strict=True)
        self._ratios[name] = median(a / b for a, b in pairs)

    def ratio_of(self, name: str, value: float) -> None:
        """Notes a ratio of what was measured once or over all rounds."""
        self._ratios[name] = value

    def percentile_ms(self, name: str, share: float) -> float:
        return percentile(sorted(self._waits_s[name]), share) * 1000

    def rounds(self, scale: Scale) -> Iterator[int]:
        """Round numbers from 1, as many as the scale's count and time allow."""
        began = perf_counter()
        for number in range(1, scale.rounds_max + 1):
            spent_s = perf_counter() - began
            so_far_s = perf_counter() - self._started
            if number > 1 and so_far_s + spent_s / (number - 1) > scale.budget_s:
                return
            self.tell(f"round {number} of at most {scale.rounds_max}")
            yield number

    def result(self) -> SuiteResult:
        return SuiteResult(
            timed=self.timed,
            duration_s=round(perf_counter() - self._started, 3),
            figures=[
                Figure(name=name, value=_rounded(median(all_)), unit=unit, rounds=_all(all_))
                for (name, unit), all_ in self._rounds.items()
            ],
            latencies=[_latency(name, all_) for name, all_ in self._waits_s.items()],
            ratios={name: round(ratio, 4) for name, ratio in self._ratios.items()},
        )


class Stopwatch:
    """Seconds that passed inside its ``running`` blocks."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = perf_counter()
        yield
        self.elapsed_s += perf_counter() - began


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the ordered values does not exceed."""
    rank = -int(-share * len(ordered) // 1)  # ceiling
    return ordered[max(0, rank - 1)]


def _latency(name: str, seconds: Sequence[float]) -> Latency:
    ordered = sorted(seconds)
    p50, p95, p99 = (round(percentile(ordered, share) * 1000, 3) for share in (0.5, 0.95, 0.99))
    return Latency(
        name=name,
        requests=len(ordered),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        max_ms=round(ordered[-1] * 1000, 3),
    )


def _rounded(value: float) -> float:
    return round(value, 1 if abs(value) >= 10 else 4)


def _all(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(map(_rounded, values))
