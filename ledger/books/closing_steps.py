"""What a chart says of the closing of a year: its steps, and what each account is to it."""

from typing import Literal

import msgspec

AccountKind = Literal["", "asset", "liability", "equity", "revenue", "expense", "result"]
# what has nothing left when the year is closed
NOMINAL: frozenset[AccountKind] = frozenset(("revenue", "expense", "result"))
UNIT_TYPE = "agency_type_code"  # beside the elements of a book that is kept by unit
OF_UNIT = "agency_code"
UNIT_BOOKS = frozenset(("unit_financial", "unit_budgetary"))


class ClosingStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``accounts`` hold goes to the account, or the choice, ``to``.

    Attributes:
        name: of the step, in the words of the standard.
        accounts: those that are emptied, and such of their details as no step names.
        only: the one side on which what they hold is moved; "" for both.
    """

    name: str
    accounts: tuple[str, ...]
    to: str
    only: Literal["", "debit", "credit"] = ""
