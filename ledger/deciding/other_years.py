"""What is done once in a division, whichever of its years does it: looked for, locked, beside the
ledger's own register.

A register is of one ledger. What was spent in December, the wages and subsidies of December, may
be paid in either of two years; so who enters one asks as well whether another year's ledger has
the row, and nobody else of the division decides on it until he has committed.
"""

import msgspec

from ledger.deciding.locked_facts import LockedFact
from ledger.deciding.registers import AnyRegister
from ledger.events import Event


class OtherYear(msgspec.Struct, frozen=True):
    """The ledger in which there is such a row, beside this one; "" in none."""

    ledger: str = ""


def _told_by(_: Event) -> OtherYear | None:
    return None  # an event that moves the row tells by being there that no other year had it


def in_other_years(register: AnyRegister) -> LockedFact[OtherYear]:
    """By the register's keys; for decisions that accept only where no other year has the row.

    How it is read: ``ledger.reading.other_ledgers.lock_other_years``.
    """
    return LockedFact(f"{register.name}_other_year", _told_by, OtherYear())
