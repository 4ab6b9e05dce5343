"""What a choice of a chart must be, an invariant to a function; see ``ledger.books.checks``."""

from collections.abc import Iterator
from itertools import product

from ledger.books.chart_file import ChartFile, Fault, rule_lines
from ledger.books.choices import NOTHING, TableChoice, first_row
from ledger.elements.register import ElementRegister
from ledger.events import Needs

ACCOUNT_ID = "acct_cls_id"  # the one element whose codes are the chart's own


def rows_have_a_cell_each(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """A table is by several elements, each once; its rows have a cell of each that says what fits,
    and behind them the account."""
    for name, choice in chart.choices.items():
        if not isinstance(choice, TableChoice):
            continue
        by = len(choice.by)
        if by == 0 or len(set(choice.by)) < by:
            yield Fault(("choices", name, "by"), f"choice {name} is by no element, or by one twice")
        if not choice.rows:
            yield Fault(("choices", name, "rows"), f"choice {name} has no rows")
        for index, row in enumerate(choice.rows):
            place = ("choices", name, "rows", index)
            if len(row) != by + 1:
                yield Fault(
                    place, f"choice {name}: a row has {by + 1} cells, this one has {len(row)}"
                )
            for column, cell in enumerate(row[:-1]):
                if not cell.strip():
                    yield Fault((*place, column), f"choice {name}: a cell is empty; any code is *")


def choices_pick_known_accounts(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """A choice picks accounts of the file, none, or choices that stand behind it; it bears no name
    of an account, nor the word that says that nothing is booked."""
    later = set(chart.choices)
    if NOTHING in chart.choices:
        yield Fault(("choices", NOTHING), f"{NOTHING!r} says that nothing is booked")
    for name, choice in chart.choices.items():
        if name in chart.accounts:
            yield Fault(("choices", name), f"{name!r} is an account and a choice")
        later.remove(name)
        for place, picked in choice.answers():
            known = picked in ("", NOTHING) or picked in chart.accounts or picked in later
            if not known:
                yield Fault(
                    ("choices", name, *place),
                    f"choice {name} picks {picked!r}, which is no account, nor a choice behind it",
                )


def choices_are_complete(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """A choice has an answer to every code: by its default, the prefix "" or a last row of any
    code. None is said by "" as the account, and refuses an indicator when it is issued, not a
    bank's receipt later."""
    for name, choice in chart.choices.items():
        if isinstance(choice, TableChoice):
            if any(choice.cells[-1]):
                place = ("choices", name, "rows", len(choice.rows) - 1)
                yield Fault(place, f"choice {name} lacks a default, a last row of any code (*)")
        elif "" not in choice.prefixes:
            yield Fault(("choices", name, "prefixes"), f'choice {name} lacks a default, "" = ...')
        if not chart.accounts_of(name):
            where = "rows" if isinstance(choice, TableChoice) else "prefixes"
            yield Fault(("choices", name, where), f"choice {name} picks no account at all")


def choices_stay_in_one_book(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """All accounts of a choice are of one book, so that no code unbalances a line."""
    for name, choice in chart.choices.items():
        first = chart.book_of(name)
        for place, picked in choice.answers():
            if picked not in ("", NOTHING) and (book := chart.book_of(picked)) != first:
                yield Fault(
                    ("choices", name, *place), f"choice {name} mixes the books {first} and {book}"
                )


def choices_pick_nothing_controlled(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """What a rule does to a control is the same for all codes."""
    for name, choice in chart.choices.items():
        for place, account_id in choice.answers():
            if account_id in chart.accounts and (control := chart.accounts[account_id].control):
                yield Fault(
                    ("choices", name, *place),
                    f"choice {name} picks {account_id}, which carries control {control!r}",
                )


def choices_are_by_what_is_carried(chart: ChartFile, needs: Needs) -> Iterator[Fault]:
    """A choice is by elements whose codes come with every event that uses it; one that neither a
    rule nor the closing uses would refuse indicators for nothing."""
    used: dict[str, set[str]] = {name: set() for name in chart.choices}
    for _, rule, (debit, credit, _) in rule_lines(chart):
        for name in chart.named((debit, credit)):
            if name in used:
                used[name].add(rule)
    closing = set(chart.named(step.to for step in chart.closing))
    for name, rules in used.items():
        choice = chart.choices[name]
        if not rules and name not in closing:
            yield Fault(("choices", name), f"no rule uses the choice {name}")
        where = "by" if isinstance(choice, TableChoice) else "element"
        for rule in sorted(rules):
            carried = needs[rule].elements
            for element in choice.elements:
                if element not in carried:
                    yield Fault(
                        ("choices", name, where),
                        f"choice {name} is by {element}, which does not come with {rule}; "
                        f"what comes is {', '.join(carried)}",
                    )


def prefixes_begin_codes(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """A prefix is one with which a code can begin, or the id of an account of the chart: another
    would pick nothing, and the default would be booked."""
    for name, choice in chart.choices.items():
        for place, of_element, prefix in choice.conditions():
            element = ElementRegister.ELEMENTS[of_element]
            longer = (prefix + digits for digits in _zeros(element.max_length - len(prefix)))
            if of_element == ACCOUNT_ID:
                can_begin = any(account_id.startswith(prefix) for account_id in chart.accounts)
            else:
                can_begin = any(map(element.shape.fullmatch, longer))
            if not can_begin:
                yield Fault(
                    ("choices", name, *place),
                    f"choice {name}: no {of_element} begins with {prefix!r}",
                )


def rows_are_reached(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """Every prefix of every row of a table counts for some codes: what stands before it does not
    take them all. Else the row looks like a rule, and none is booked by it."""
    for name, choice in chart.choices.items():
        if not isinstance(choice, TableChoice):
            continue
        cells = choice.cells
        for index, row in enumerate(cells):
            # a code that is the prefix and no more is taken by whoever takes all that begin so
            alternatives = list(product(*((prefixes or ("",)) for prefixes in row)))
            reached = [codes for codes in alternatives if first_row(cells, codes) == index]
            for column, prefixes in enumerate(row):
                for prefix in prefixes or ("",):
                    if not any(codes[column] == prefix for codes in reached):
                        yield Fault(
                            ("choices", name, "rows", index, column),
                            f"choice {name}: the rows before take all of "
                            f"{choice.by[column]} {prefix or 'any'} in this one",
                        )


def _zeros(count_max: int) -> Iterator[str]:
    return ("0" * count for count in range(count_max + 1))
