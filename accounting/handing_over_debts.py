"""债务移交: what a closed year owes, as the next one takes it."""

import psycopg

from budget.debt_register import DEBT, DEBT_LIMIT, GENERAL, SPECIAL, DebtLimit
from budget.debts import BOND, DEBTS_KEPT
from budget.year_end.taking_debts import TakeDebts, as_carried
from ledger.account_set import ledger_text
from ledger.deciding.command import Command
from ledger.money import yuan
from ledger.reading.loading import read_rows
from ledger.reading.objects import all_numbers, read_head, read_objects


def debts_left(
    connection: psycopg.Connection, key: int, to: int, closed_at: tuple[int, str]
) -> list[Command]:
    """What brings limits and bonds to the next year; nothing where this one keeps no debts, or the
    next one has them, whether brought or told by hand.

    Args:
        closed_at: position and chain of the year's closing.
    """
    head, received = read_head(connection, key), read_head(connection, to)
    assert head is not None, "it is closed"
    assert received is not None, "the next year is open"
    if not head.settings.get(DEBTS_KEPT).on or received.settings.get(DEBTS_KEPT).on:
        return []
    numbers = sorted(all_numbers(connection, key, BOND))
    bonds = read_objects(connection, key, BOND, numbers)
    rows, limits = read_rows(connection, key, DEBT), read_rows(connection, key, DEBT_LIMIT)
    position, chain = closed_at
    taken = TakeDebts(
        from_ledger=ledger_text(key),
        from_position=position,
        from_chain=chain,
        general_amt=yuan(limits.get(GENERAL, DebtLimit()).limit),
        special_amt=yuan(limits.get(SPECIAL, DebtLimit()).limit),
        bonds=tuple(as_carried(bonds[number].registered, rows.get(number)) for number in numbers),
    )
    return [taken]
