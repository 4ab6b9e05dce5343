"""What a file of charts and rules must be, an invariant to a function.

A chart is free in its accounts. It is not free in what controls a budget, nor may it leave a book
out: each rule is held against what the program needs of it. The checks run in the order of
``CHECKS``, and each may rely on those before it.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from ledger.books.chart_file import ChartFile, Fault, refusal, rule_lines
from ledger.books.choice_checks import (
    choices_are_by_what_is_carried,
    choices_are_complete,
    choices_pick_known_accounts,
    choices_pick_nothing_controlled,
    choices_stay_in_one_book,
    prefixes_begin_codes,
    rows_are_reached,
    rows_have_a_cell_each,
)
from ledger.books.closing_checks import (
    accounts_say_their_kind,
    books_are_kept_by_elements,
    closings_look_at_what_is_kept,
    closings_name_accounts,
    kinds_of,
    nominal_accounts_come_to_nothing,
)
from ledger.books.parallel_checks import (
    pairs_name_known_accounts,
    pairs_share_no_money,
    pairs_stand_in_two_books,
)
from ledger.books.postings import Rule
from ledger.events import Needs

_OF_THE_YEAR = frozenset(("revenue", "expense"))
ChartCheck = Callable[[ChartFile, Needs], Iterator[Fault]]


def hold(chart: ChartFile, needs: Needs) -> None:
    """Holds the file against the program.

    Raises:
        ConfigurationError: with every fault that the first failing check finds.
    """
    for check in CHECKS:
        if faults := list(check(chart, needs)):
            raise refusal(chart.file, chart.lines, faults)


# ---- books and accounts


def books_are_told_apart(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """A book has one letter, with which the ids of its accounts begin, and a name of its own."""
    letters: dict[str, str] = {}
    for letter, book in chart.books.items():
        if not (len(letter) == 1 and letter.isascii() and letter.isupper()):
            yield Fault(("books", letter), f"a book is called by one capital, not {letter!r}")
        if (other := letters.setdefault(book.name, letter)) != letter:
            yield Fault(("books", letter), f"book {other} is called {book.name} already")


def accounts_stand_in_a_book(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """An account is of the book with whose letter its id begins."""
    for account_id in chart.accounts:
        if account_id[:1] not in chart.books:
            yield Fault(("accounts", account_id), f"account {account_id!r} stands in no book")


# ---- controls


def _controls(needs: Needs) -> list[tuple[str, str]]:
    """(book, control) of all that the program controls: what its rules move."""
    moved = (
        (book, control)
        for need in needs.values()
        for movement in need.amounts.values()
        for book, changes in movement.items()
        for control in changes
    )
    return sorted(set(moved))


def controls_are_known(chart: ChartFile, needs: Needs) -> Iterator[Fault]:
    """An account carries no control but those that the program keeps in its book."""
    known = _controls(needs)
    for account_id, account in chart.accounts.items():
        book = chart.book_of(account_id)
        if account.control and (book, account.control) not in known:
            here = [control for of_book, control in known if of_book == book]
            yield Fault(
                ("accounts", account_id, "control"),
                f"unknown control {account.control!r} in book {book}; known are "
                f"{', '.join(here) or 'none'}",
            )


def controls_are_carried_once(chart: ChartFile, needs: Needs) -> Iterator[Fault]:
    """Each control of the program is the balance of exactly one account: what it may not exceed
    would else be the balance of none, or of a part."""
    carrying: dict[tuple[str, str], str] = {}
    for account_id, account in chart.accounts.items():
        if account.control:
            key = chart.book_of(account_id), account.control
            if (other := carrying.setdefault(key, account_id)) != account_id:
                yield Fault(
                    ("accounts", account_id, "control"),
                    f"control {account.control!r} is carried by account {other} already",
                )
    for book, control in _controls(needs):
        if (book, control) not in carrying:
            yield Fault(("accounts",), f"no account of book {book} carries control {control!r}")


# ---- rules


def rules_are_those_of_the_program(chart: ChartFile, needs: Needs) -> Iterator[Fault]:
    """Every event that the program posts has exactly one rule, and there is no other rule."""
    first: dict[str, int] = {}
    for index, rule in enumerate(chart.rules):
        place = ("rules", index, "event")
        if rule.name not in needs:
            yield Fault(place, f"unknown rule {rule.name!r}")
        if first.setdefault(rule.name, index) != index:
            yield Fault(place, f"there is a rule {rule.name} already")
    for name in needs:
        if name not in first:
            yield Fault(("rules",), f"there is no rule {name}")


def lines_name_accounts(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """A line names accounts or choices of the file, and never one account on both sides."""
    for place, rule, (debit, credit, _) in rule_lines(chart):
        unknown = [n for n in (debit, credit) if n not in chart.accounts and n not in chart.choices]
        for name in unknown:
            yield Fault(place, f"rule {rule}: {name!r} is neither an account nor a choice")
        if not unknown and set(chart.accounts_of(debit)) & set(chart.accounts_of(credit)):
            yield Fault(place, f"rule {rule}: {debit} / {credit} may move an account to itself")


def lines_stand_in_one_book(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """Debit and credit of a line are of one book, so every book balances whatever the amounts."""
    for place, rule, (debit, credit, _) in rule_lines(chart):
        if (one := chart.book_of(debit)) != (other := chart.book_of(credit)):
            yield Fault(
                place, f"rule {rule}: {debit} / {credit} does not balance in {one} nor in {other}"
            )


def lines_carry_known_amounts(chart: ChartFile, needs: Needs) -> Iterator[Fault]:
    """A line carries an amount that the program gives to its rule: another would be nothing."""
    for place, rule, (_, _, amount) in rule_lines(chart):
        if amount not in needs[rule].amounts:
            known = ", ".join(needs[rule].amounts)
            yield Fault((*place, 2), f"rule {rule}: unknown amount {amount!r}; known are {known}")


def lines_stand_once(chart: ChartFile, _needs: Needs) -> Iterator[Fault]:
    """An amount moves once between two accounts: no line is written twice, or taken back by
    another of the same journal."""
    seen: set[tuple[str, frozenset[str], str]] = set()
    for place, rule, (debit, credit, amount) in rule_lines(chart):
        line = rule, frozenset((debit, credit)), amount
        if line in seen:
            yield Fault(place, f"rule {rule}: {amount} moves between {debit} and {credit} already")
        seen.add(line)


def amounts_move_their_books(chart: ChartFile, needs: Needs) -> Iterator[Fault]:
    """An amount moves every book it must move (平行记账): else it is missing there, silently."""
    for index, rule in enumerate(chart.rules):
        for amount, movement in needs[rule.name].amounts.items():
            moved = {chart.book_of(debit) for debit, _, of_line in rule.lines if of_line == amount}
            for book in movement:
                if book not in moved:
                    yield Fault(
                        ("rules", index, "event"),
                        f"rule {rule.name}: {amount} moves nothing in book {book}",
                    )


def controls_move_as_they_must(chart: ChartFile, needs: Needs) -> Iterator[Fault]:
    """An amount moves each control by what the program relies on, and no other: an application
    takes its amount from what is available, or nothing would ever run out."""
    for index, rule in enumerate(chart.rules):
        for amount, movement in needs[rule.name].amounts.items():
            needed = {c: change for changes in movement.values() for c, change in changes.items()}
            moved = _moved(chart, rule, amount)
            for control in sorted(needed.keys() | moved.keys()):
                if moved[control] != needed.get(control, 0):
                    yield Fault(
                        ("rules", index, "event"),
                        f"rule {rule.name}: {amount} moves control {control!r} by "
                        f"{moved[control]:+d} times itself, not by {needed.get(control, 0):+d}",
                    )


def _moved(chart: ChartFile, rule: Rule, amount: str) -> Counter[str]:
    """Change of each control by one fen of an amount, positive on the account's own side."""
    changes: Counter[str] = Counter()
    for debit, credit, of_line in rule.lines:
        if of_line == amount:
            for name, side in ((debit, "debit"), (credit, "credit")):
                if name in chart.accounts and (control := chart.accounts[name].control):
                    changes[control] += 1 if side == chart.accounts[name].side else -1
    return changes


def nominal_accounts_move_on_their_side(chart: ChartFile, needs: Needs) -> Iterator[Fault]:
    """What is spent goes to the debit of an expense, what is earned to the credit of a revenue; a
    red rule, and an amount that takes back, does the opposite. A line with its sides exchanged
    would balance, and a payment make the year's expense less."""
    kinds, red = kinds_of(chart), {rule.name: rule.red for rule in chart.rules}
    for place, rule, (debit, credit, amount) in rule_lines(chart):
        taken_back = red[rule] != (amount in needs[rule].back)
        for name, side in ((debit, "debit"), (credit, "credit")):
            for account_id in chart.accounts_of(name):
                is_own = chart.accounts[account_id].side == side
                if kinds[account_id] in _OF_THE_YEAR and is_own == taken_back:
                    way = "takes back" if taken_back else "is no taking back"
                    reason = f"rule {rule}: {amount} {way}, and {name} stands on the {side} side"
                    yield Fault(place, reason)
                    break


CHECKS: tuple[ChartCheck, ...] = (
    books_are_told_apart,
    accounts_stand_in_a_book,
    controls_are_known,
    controls_are_carried_once,
    rows_have_a_cell_each,
    choices_pick_known_accounts,
    choices_are_complete,
    choices_stay_in_one_book,
    choices_pick_nothing_controlled,
    rules_are_those_of_the_program,
    lines_name_accounts,
    lines_stand_in_one_book,
    lines_carry_known_amounts,
    lines_stand_once,
    amounts_move_their_books,
    controls_move_as_they_must,
    choices_are_by_what_is_carried,
    books_are_kept_by_elements,
    accounts_say_their_kind,
    nominal_accounts_move_on_their_side,
    closings_name_accounts,
    closings_look_at_what_is_kept,
    nominal_accounts_come_to_nothing,
    prefixes_begin_codes,
    rows_are_reached,
    pairs_name_known_accounts,
    pairs_stand_in_two_books,
    pairs_share_no_money,
)
