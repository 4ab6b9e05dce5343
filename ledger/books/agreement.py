"""What the charts that are loaded together must agree on, an invariant to a function.

Each file is held by itself already (``ledger.books.checks``).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, pairwise, product
from typing import NamedTuple

from ledger.books.chart_file import ChartFile, Fault, refusal
from ledger.books.choices import Choice
from ledger.books.toml_lines import KeyPath, line_of


class LoadedCharts(NamedTuple):
    """The files that are loaded together: the shipped ones by edition, an office's own by day."""

    shipped: Sequence[ChartFile]
    own: Sequence[ChartFile]

    @property
    def all(self) -> Sequence[ChartFile]:
        """Each of them; the later one of two stands behind."""
        return *self.shipped, *self.own


FaultIn = tuple[ChartFile, Fault]  # the later file, and what is wrong in it
AgreementCheck = Callable[[LoadedCharts], Iterator[FaultIn]]


def hold_together(own: Iterable[ChartFile], shipped: Sequence[ChartFile]) -> None:
    """Holds the files against one another.

    Raises:
        ConfigurationError: the first fault that is found, at its place in the later file; it names
            the earlier one.
    """
    loaded = LoadedCharts(shipped, sorted(own, key=lambda chart: chart.valid_from))
    for check in CHECKS:
        for chart, fault in check(loaded):
            raise refusal(chart.file, chart.lines, [fault])


def versions_are_told_apart(charts: LoadedCharts) -> Iterator[FaultIn]:
    """A journal names its chart by the version alone, so no two files have the same."""
    for one, other in combinations(charts.all, 2):
        if one.version == other.version:
            there = _place(one, ("version",))
            reason = f"version {other.version!r} is that of {there} already"
            yield other, Fault(("version",), reason)


def days_are_told_apart(charts: LoadedCharts) -> Iterator[FaultIn]:
    """On every day one chart is valid, so no two of an office begin on the same; they go before
    the shipped ones."""
    for one, other in combinations(charts.own, 2):
        if one.valid_from == other.valid_from:
            there = _place(one, ("valid_from",))
            reason = f"from {other.valid_from} the chart of {there} is valid already"
            yield other, Fault(("valid_from",), reason)


def letters_keep_their_book(charts: LoadedCharts) -> Iterator[FaultIn]:
    """The letter of an account is of one book in all charts: journals are searched by it."""
    for one, other in combinations(charts.all, 2):
        for letter in one.books.keys() & other.books.keys():
            if (name := one.books[letter].name) != other.books[letter].name:
                there = _place(one, ("books", letter))
                reason = f"{letter} is the letter of book {name} in {there}"
                yield other, Fault(("books", letter), reason)


def controls_keep_their_account(charts: LoadedCharts) -> Iterator[FaultIn]:
    """Within a year a controlled balance stays that of one account."""
    for before, after in _within_a_year(charts):
        carrying = {a.control: account_id for account_id, a in before.accounts.items()}
        for account_id, account in after.accounts.items():
            if account.control and (other := carrying[account.control]) != account_id:
                there = _place(before, ("accounts", other, "control"))
                reason = f"control {account.control!r} is that of account {other} in {there}"
                yield after, Fault(("accounts", account_id, "control"), reason)


def codes_keep_an_account(charts: LoadedCharts) -> Iterator[FaultIn]:
    """Within a year a code keeps an account in every book: an indicator that was issued under the
    chart before is paid, and its bank's receipt booked, under the one after."""
    for before, after in _within_a_year(charts):
        told: set[tuple[str, str, str]] = set()
        for codes in _combinations([*_refusing(before).values(), *_refusing(after).values()]):
            if not all(choice.picked(codes)[0] for choice in _refusing(before).values()):
                continue
            for name, choice in _refusing(after).items():
                picked, element = choice.picked(codes)
                if picked or (fault := (name, element, codes[element])) in told:
                    continue
                told.add(fault)
                there = _place(before, ("choices",))
                yield (
                    after,
                    Fault(
                        ("choices", name, "prefixes", codes[element]),
                        f"choice {name} has no account for {element} {codes[element]!r}, for which "
                        f"the chart of {there} has one",
                    ),
                )


def _refusing(chart: ChartFile) -> dict[str, Choice]:
    """The choices that have no account for some code."""
    return {
        name: choice
        for name, choice in chart.choices.items()
        if any(not picked for _, picked in choice.answers())
    }


def _combinations(choices: Iterable[Choice]) -> Iterator[dict[str, str]]:
    """The codes that are told apart by these choices, and "" for any other, in each combination."""
    prefixes: dict[str, dict[str, None]] = {}
    for choice in choices:
        for element in choice.elements:
            prefixes.setdefault(element, {})
        for _, element, prefix in choice.conditions():
            prefixes[element][prefix] = None
    for codes in product(*((*found, "") for found in prefixes.values())):
        yield dict(zip(prefixes, codes, strict=True))


def _within_a_year(charts: LoadedCharts) -> Iterator[tuple[ChartFile, ChartFile]]:
    """Charts that follow one another in the ledgers of one year: a ledger is of a year, so one that
    is valid from 1 January has none before it. Before an office's first stand the shipped ones."""
    firsts = [(shipped, own) for own in charts.own[:1] for shipped in charts.shipped]
    for before, after in (*firsts, *pairwise(charts.own)):
        if (after.valid_from.month, after.valid_from.day) != (1, 1):
            yield before, after


def _place(chart: ChartFile, place: KeyPath) -> str:
    return f"{chart.file}:{line_of(chart.lines, place)}"


CHECKS: tuple[AgreementCheck, ...] = (
    versions_are_told_apart,
    days_are_told_apart,
    letters_keep_their_book,
    controls_keep_their_account,
    codes_keep_an_account,
)
