"""历史数据入册: which tables of the time before standing ledgers have been put on record, once."""

from typing import ClassVar

import msgspec

from division.events import RowsAdopted
from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event

LOCK_KEY = int.from_bytes(b"guokuado")  # of the store, held by who adopts or brings it in


class Adopted(msgspec.Struct, frozen=True):
    """Tables of which every row that has no event is from nobody."""

    tables: tuple[str, ...] = ()


def _fold(adopted: Adopted, event: Event) -> Adopted:
    return Adopted((*adopted.tables, event.what)) if isinstance(event, RowsAdopted) else adopted


ADOPTED = declare(Setting("adopted", Adopted(), _fold))


class AdoptRows(Command, frozen=True, kw_only=True):
    """Says that a table's rows are on record; their own events come before."""

    OPERATION: ClassVar[str] = "standing.adopt"
    NUMBER: ClassVar[str] = "what"
    what: str
    rows: int

    def decide(self, state: LedgerState, by: str) -> Decision:
        if self.what in state.settings.get(ADOPTED).tables:
            raise Refusal(Code.INVALID_STATE, f"{self.what} is on record already")
        # point of no return
        adopted = RowsAdopted(what=self.what, rows=self.rows, by=by)
        return Decision(events=[(None, "", adopted)], effective_on=state.today)
