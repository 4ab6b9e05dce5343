"""Examples of commands without a number, by operation: what stands before each, and who asks."""

from collections.abc import Callable
from datetime import date

from ledger.deciding.command import Command
from tests.support.bookkeeper import (
    Bookkeeper,
)

MARCH_2 = date(2026, 3, 2)
AskedBy = tuple[Command, str]
Example = Callable[[Bookkeeper], AskedBy]
EXAMPLES: dict[str, Example] = {}


def example(operation: str) -> Callable[[Example], Example]:
    def add(function: Example) -> Example:
        EXAMPLES[operation] = function
        return function

    return add


def plainly(operation: str, command: Command, by: str = "maker") -> None:
    """A command that an indicator of 100,000.00 is enough for."""
    EXAMPLES[operation] = lambda _: (command, by)
