"""What the closing of a year in a chart must be, an invariant to a function."""

from collections.abc import Iterator

import msgspec

from ledger.books.chart_file import ChartFile, Fault
from ledger.books.choices import NOTHING
from ledger.books.closing_steps import (
    NOMINAL,
    OF_UNIT,
    UNIT_BOOKS,
    UNIT_TYPE,
    AccountKind,
    ClosingStep,
)
from ledger.elements.register import DIMENSIONS
from ledger.events import Needs


def kinds_of(chart: ChartFile) -> dict[str, AccountKind]:
    """By id what each account is: what it says itself, or its nearest heading that does."""
    said: dict[tuple[str, str], AccountKind] = {
        (account_id[:1], account.code): account.kind
        for account_id, account in chart.accounts.items()
        if account.code and account.kind
    }
    return {
        account_id: account.kind
        or next((said[key] for key in _headings(chart, account_id) if key in said), "")
        for account_id, account in chart.accounts.items()
    }


def whole_steps(chart: ChartFile) -> list[ClosingStep]:
    """The steps, each with all accounts that it empties: a detail that none names goes with its
    nearest heading that one does."""
    named = {account_id: step for step in chart.closing for account_id in step.accounts}
    codes = {(i[:1], chart.accounts[i].code): step for i, step in named.items()}
    more: dict[str, list[str]] = {step.name: [] for step in chart.closing}
    for account_id in chart.accounts:
        if account_id not in named:
            above = (codes[key] for key in _headings(chart, account_id) if key in codes)
            if (step := next(above, None)) is not None:
                more[step.name].append(account_id)
    return [
        msgspec.structs.replace(step, accounts=(*step.accounts, *more[step.name]))
        for step in chart.closing
    ]


def _headings(chart: ChartFile, account_id: str) -> Iterator[tuple[str, str]]:
    """Book and code of what may stand above an account, the nearest first."""
    code = chart.accounts[account_id].code
    for length in range(len(code) - 1, 0, -1):
        yield account_id[:1], code[:length]


def books_are_kept_by_elements(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """A book that the year's end closes is kept by dimensions, each once, and one of units by unit:
    else nobody would know next year what is whose. One that other acts empty is kept by none."""
    for letter, book in chart.books.items():
        unknown = [name for name in book.kept_by if name not in DIMENSIONS]
        if unknown or len(set(book.kept_by)) < len(book.kept_by):
            kept, known = ", ".join(book.kept_by), ", ".join(DIMENSIONS)
            yield Fault(
                ("books", letter, "kept_by"),
                f"book {letter} is kept by {kept}; known are, each once, {known}",
            )
        elif book.kept_by and not book.closes:
            yield Fault(("books", letter, "kept_by"), f"book {letter} is not closed, so not kept")
        elif book.closes and book.name in UNIT_BOOKS and OF_UNIT not in book.kept_by:
            yield Fault(
                ("books", letter), f"book {letter} is of units, and is not kept by {OF_UNIT}"
            )


def accounts_say_their_kind(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """Of every account of a book that the year's end closes it is known whether it is closed or
    opens the next year: a revenue that says nothing would be carried on for ever."""
    for account_id, kind in kinds_of(chart).items():
        if chart.books[account_id[:1]].closes and not kind:
            yield Fault(
                ("accounts", account_id),
                f"account {account_id} says no kind: asset, liability, equity, revenue, expense or"
                " result",
            )


def closings_name_accounts(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """A step has a name of its own and is of one book that is closed. It empties accounts, each
    once, that no other does, never one that a register follows, and goes to none of them."""
    names: set[str] = set()
    emptied: dict[str, str] = {}
    for index, step in enumerate(chart.closing):
        place = ("closing", index)
        if step.name in names:
            yield Fault((*place, "name"), f"there is a step {step.name} already")
        names.add(step.name)
        if step.to not in chart.accounts and step.to not in chart.choices:
            yield Fault((*place, "to"), f"{step.to!r} is neither an account nor a choice")
            continue
        into = chart.accounts_of(step.to)
        known = [each for each in (*step.accounts, *into) if each in chart.accounts]
        books = {chart.books[account_id[:1]] for account_id in known}
        if len({book.name for book in books}) != 1 or not all(book.closes for book in books):
            yield Fault((*place, "to"), f"step {step.name} is not of one book that is closed")
        for account_id in step.accounts:
            account = chart.accounts.get(account_id)
            if account is None or account.control:
                what = "no account" if account is None else "kept by its own acts"
                yield Fault((*place, "accounts"), f"{account_id!r} is {what}")
            if (other := emptied.get(account_id)) is not None:
                yield Fault((*place, "accounts"), f"{account_id} is emptied by {other} already")
            emptied[account_id] = step.name
            if account_id in into:
                yield Fault((*place, "to"), f"step {step.name} moves {account_id} to itself")


def closings_look_at_what_is_kept(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """A choice of the closing is by what the book is kept by, and has an account for every code:
    a year that is closed for good cannot be refused for one."""
    for index, step in enumerate(chart.closing):
        kept = chart.books[chart.accounts_of(step.to)[0][:1]].kept_by
        known = {*kept, *((UNIT_TYPE,) if OF_UNIT in kept else ())}
        for name in chart.named([step.to]):
            if name in chart.accounts:
                continue
            choice = chart.choices[name]
            for element in choice.elements:
                if element not in known:
                    yield Fault(
                        ("closing", index, "to"),
                        f"choice {name} is by {element}, by which the book is not kept",
                    )
            if any(picked in ("", NOTHING) for _, picked in choice.answers()):
                yield Fault(
                    ("closing", index, "to"), f"choice {name} has no account for some codes"
                )


def nominal_accounts_come_to_nothing(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """Behind the last step no revenue, expense or result can hold anything: each is emptied, on
    both sides, and nothing goes to it afterwards."""
    kinds = kinds_of(chart)
    holding = {i for i, kind in kinds.items() if kind in NOMINAL and chart.books[i[:1]].closes}
    last: dict[str, int] = {}  # the step that may have left something
    for index, step in enumerate(whole_steps(chart)):
        if not step.only:
            holding -= set(step.accounts)
        for account_id in chart.accounts_of(step.to):
            if kinds[account_id] in NOMINAL:
                holding.add(account_id)
                last[account_id] = index
    for account_id in sorted(holding):
        place = (
            ("closing", last[account_id], "to") if account_id in last else ("accounts", account_id)
        )
        name = chart.accounts[account_id].name
        yield Fault(place, f"account {account_id} {name} is not empty behind the closing 未结平")
