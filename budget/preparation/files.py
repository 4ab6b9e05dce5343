"""编报文件: the register of how many drafts were sent in which file.

The same file under two numbers is one draft entered twice more often than it is meant: it is told
to whoever sends it, and to whoever checks the draft.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.preparation_events import DraftEntered
from ledger.books import Charts
from ledger.deciding.registers import (
    Movement,
    Register,
    RegisterFold,
    Rows,
    Shortage,
    declare,
)
from ledger.errors import Code, GuokuError
from ledger.events import Event


class SentFile(msgspec.Struct, frozen=True, gc=False):
    """How many drafts a file has become."""

    drafts: int = 0


class _Entered(msgspec.Struct, frozen=True, gc=False):
    """Of ``DraftEntered``."""

    file_sm3: str = ""


class FileFold(RegisterFold):
    """By the SM3 of the file."""

    FOLLOWS: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {DraftEntered: _Entered}

    def take(self, event: Any, day: date, rows: Rows, charts: Charts) -> Iterator[Movement]:
        if event.file_sm3:
            yield event.file_sm3, 0, 1


def _touched(event: Event) -> Iterator[str]:
    if isinstance(event, DraftEntered) and event.file_sm3:
        yield event.file_sm3


def _refuse(short: Shortage) -> GuokuError:
    return GuokuError(Code.INTERNAL, f"drafts of the file {short.key} only become more")


DRAFT_FILES: Register[SentFile] = declare(
    Register(
        name="draft_file",
        row=SentFile,
        floored=("drafts",),
        refuse=_refuse,
        fold=FileFold,
        touched=_touched,
    )
)
