"""What the charts that are loaded together must agree on, an invariant to a function.

Each file is held by itself already (``ledger.books.checks``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from ledger.books.chart_file import ChartFile, Fault, refusal
from ledger.books.postings import Choice
from ledger.books.toml_lines import KeyPath, line_of

FaultIn = tuple[ChartFile, Fault]  # the later file, and what is wrong in it
AgreementCheck = Callable[[Sequence[ChartFile]], Iterator[FaultIn]]


def hold_together(charts: Iterable[ChartFile]) -> None:
    """Holds the files against one another.

    Raises:
        ConfigurationError: the first fault that is found, at its place in the later file; it names
            the earlier one.
    """
    by_day = sorted(charts, key=lambda chart: chart.valid_from)
    for check in CHECKS:
        for chart, fault in check(by_day):
            raise refusal(chart.file, chart.lines, [fault])


def versions_are_told_apart(charts: Sequence[ChartFile]) -> Iterator[FaultIn]:
    """A journal names its chart by the version alone, so no two files have the same."""
    for one, other in combinations(charts, 2):
        if one.version == other.version:
            there = _place(one, ("version",))
            reason = f"version {other.version!r} is that of {there} already"
            yield other, Fault(("version",), reason)


def days_are_told_apart(charts: Sequence[ChartFile]) -> Iterator[FaultIn]:
    """On every day one chart is valid, so no two begin on the same."""
    for one, other in combinations(charts, 2):
        if one.valid_from == other.valid_from:
            there = _place(one, ("valid_from",))
            reason = f"from {other.valid_from} the chart of {there} is valid already"
            yield other, Fault(("valid_from",), reason)


def letters_keep_their_book(charts: Sequence[ChartFile]) -> Iterator[FaultIn]:
    """The letter of an account is of one book in all charts: journals are searched by it."""
    for one, other in combinations(charts, 2):
        for letter in one.books.keys() & other.books.keys():
            if (name := one.books[letter].name) != other.books[letter].name:
                there = _place(one, ("books", letter))
                reason = f"{letter} is the letter of book {name} in {there}"
                yield other, Fault(("books", letter), reason)


def controls_keep_their_account(charts: Sequence[ChartFile]) -> Iterator[FaultIn]:
    """Within a year a controlled balance stays that of one account."""
    for before, after in _within_a_year(charts):
        carrying = {a.control: account_id for account_id, a in before.accounts.items()}
        for account_id, account in after.accounts.items():
            if account.control and (other := carrying[account.control]) != account_id:
                there = _place(before, ("accounts", other, "control"))
                reason = f"control {account.control!r} is that of account {other} in {there}"
                yield after, Fault(("accounts", account_id, "control"), reason)


def codes_keep_an_account(charts: Sequence[ChartFile]) -> Iterator[FaultIn]:
    """Within a year a code keeps an account in every book: an indicator that was issued under the
    chart before is paid, and its bank's receipt booked, under the one after."""
    for before, after in _within_a_year(charts):
        prefixes = {
            (choice.element, prefix)
            for chart in (before, after)
            for choice in chart.choices.values()
            for prefix in choice.prefixes
        }
        for name, choice in after.choices.items():
            for element, prefix in sorted(prefixes):
                if element != choice.element or choice.picked({element: prefix}):
                    continue
                if _covered(before.choices, element, prefix):
                    there = _place(before, ("choices",))
                    yield (
                        after,
                        Fault(
                            ("choices", name, "prefixes", prefix),
                            f"choice {name} has no account for {element} {prefix!r}, for which "
                            f"the chart of {there} has one",
                        ),
                    )


def _within_a_year(charts: Sequence[ChartFile]) -> Iterator[tuple[ChartFile, ChartFile]]:
    """Charts that follow one another in the ledgers of one year: a ledger is of a year, so one that
    is valid from 1 January has none before it."""
    for before, after in pairwise(charts):
        if (after.valid_from.month, after.valid_from.day) != (1, 1):
            yield before, after


def _covered(choices: Mapping[str, Choice], element: str, code: str) -> bool:
    """Whether every choice by the element has an account for the code."""
    return all(c.picked({element: code}) for c in choices.values() if c.element == element)


def _place(chart: ChartFile, place: KeyPath) -> str:
    return f"{chart.file}:{line_of(chart.lines, place)}"


CHECKS: tuple[AgreementCheck, ...] = (
    versions_are_told_apart,
    days_are_told_apart,
    letters_keep_their_book,
    controls_keep_their_account,
    codes_keep_an_account,
)
