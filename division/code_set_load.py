"""代码集加载: what treasuries load of the code sets, over what the program ships.

Rows are never changed: a later load supersedes, so the code sets that held after any load, whose
version the events name, can be read again. Which sets hold is one question for all divisions, so
all loads stand in one order, in the standing ledger of all divisions.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

import msgspec

from division.events import CodeSetLine, CodeSetRows, CodeSetsLoaded
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command, Told, fields_in
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.deciding.tables import ObjectTable, TableRow
from ledger.elements.code_sets import CodeRow
from ledger.events import Event
from ledger.gm import sm3

HOME = standing_ledger("")
ROWS_OF_EVENT_MAX = 500
YES, NO = 1, 2  # the Ministry's 是 and 否

_encode = msgspec.json.Encoder().encode


class CodeSetLoad(msgspec.Struct, frozen=True):
    """One load, with the rows that it has put in force."""

    loaded: CodeSetsLoaded
    lines: tuple[CodeSetLine, ...] = ()


def fold(load: CodeSetLoad | None, event: Event) -> CodeSetLoad | None:
    match event:
        case CodeSetsLoaded():
            return CodeSetLoad(event)
        case CodeSetRows() if load is not None:
            return CodeSetLoad(load.loaded, (*load.lines, *event.rows))
        case _:
            return load


def line_of(row: CodeRow) -> CodeSetLine:
    """A row as an event has it."""
    start, end = row.start_date.isoformat(), row.end_date.isoformat()
    return CodeSetLine(*row._replace(start_date=start, end_date=end))  # type: ignore[arg-type]


def row_of(line: CodeSetLine) -> CodeRow:
    """A row as code sets take it."""
    row = CodeRow(*msgspec.structs.astuple(line))
    return row._replace(
        start_date=date.fromisoformat(line.start_date), end_date=date.fromisoformat(line.end_date)
    )


def _load_rows(_ledger_id: int, load: CodeSetLoad) -> Iterable[TableRow]:
    said = load.loaded
    yield (
        said.load_id,
        said.loaded_at,
        said.loaded_by or said.by,
        said.version,
        said.file_name,
        said.file_sm3,
        said.added,
        said.superseded,
        said.unchanged,
    )


def _code_rows(_ledger_id: int, load: CodeSetLoad) -> Iterable[TableRow]:
    for line in load.lines:
        yield (
            line.element,
            line.code,
            line.mof_div_code,
            line.fiscal_year,
            line.start_date,
            load.loaded.load_id,
            line.name,
            line.parent,
            YES if line.is_leaf else NO,
            YES if line.is_enabled else NO,
            YES if line.is_standard else NO,
            line.end_date,
        )


LOADS = ObjectTable(
    name="code_set_loads",
    columns=(
        ("load_id", "bigint"),
        ("loaded_at", "timestamptz"),
        ("loaded_by", "text"),
        ("version", "text"),
        ("file_name", "text"),
        ("file_sm3", "text"),
        ("added", "integer"),
        ("superseded", "integer"),
        ("unchanged", "integer"),
    ),
    key=1,
    rows=_load_rows,
    keeps=True,
    home=HOME,
)
CODES = ObjectTable(
    name="code_sets",
    columns=(
        ("element", "text"),
        ("code", "text"),
        ("mof_div_code", "text"),
        ("fiscal_year", "text"),
        ("start_date", "date"),
        ("load_id", "bigint"),
        ("name", "text"),
        ("parent", "text"),
        ("is_leaf", "smallint"),
        ("is_enabled", "smallint"),
        ("is_standard", "smallint"),
        ("end_date", "date"),
    ),
    key=6,
    rows=_code_rows,
    keeps=True,
    home=HOME,
)
CODE_SET_LOAD: Kind[CodeSetLoad] = Kind(
    name="code_set_load",
    opened_by="code_sets.load",
    fold=fold,
    cost=lambda load: 1 + len(load.lines),
    tables=(LOADS, CODES),
)


class LoadCodeSets(Command, frozen=True, kw_only=True):
    """Puts rows in force, all or none; those that say what holds already are counted alone.

    What follows ``load_id`` is said of a load from before there was a record of it, which is taken
    as it was; ``loaded_by`` also of who has loaded at the machine. ``mof_div_code`` is the division
    that asks for it, "" where nobody over HTTP does.
    """

    OPERATION: ClassVar[str] = "code_sets.load"
    KIND = CODE_SET_LOAD
    APPROVABLE: ClassVar[bool] = True
    KEEPS_REFUSAL: ClassVar[bool] = False
    NUMBER: ClassVar[str] = "load_no"
    load_no: str
    lines: tuple[CodeSetLine, ...]
    file_name: str = ""
    file_sm3: str = ""
    load_id: int = 0
    loaded_at: str = ""
    loaded_by: str = ""
    version: str = ""
    added: int = 0
    superseded: int = 0
    unchanged: int = 0
    mof_div_code: str = ""

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        """As one that is taken as it was: what it said and held already is counted alone."""
        rows = (each for each in told.behind() if isinstance(each, CodeSetRows))
        lines = tuple(line for each in rows for line in each.rows)
        return (cls(**fields_in(cls, told.event, lines=lines)),)

    @classmethod
    def bodies_in(cls, event: CodeSetsLoaded, day: date) -> Iterable[object]:
        return ()  # what was said and held already is not told

    def is_told_by(self, event: CodeSetsLoaded) -> bool:
        """Of rows that held already the number is told alone."""
        given = len({row_of(line).key for line in self.lines})
        said = ("load_no", "file_name", "file_sm3", "loaded_by", "mof_div_code")
        return given == event.added + event.superseded + event.unchanged and all(
            getattr(self, name) == getattr(event, name) for name in said
        )

    def decide(self, state: LedgerState, by: str) -> Decision:
        if self.load_id:
            loaded = self._loaded(self.lines, by, self)
            return _decision(state, loaded, self.lines)
        before = state.codes
        standing = {row.key: row for row in before.rows()}
        given = {row.key: row for row in map(row_of, self.lines)}
        changed = [row for key, row in given.items() if standing.get(key) != row]
        added = sum(row.key not in standing for row in changed)
        # point of no return
        lines = tuple(map(line_of, changed))
        measured = msgspec.structs.replace(
            self,
            load_id=state.next_position,
            loaded_at=state.now.isoformat(),
            version=before.overlaid(changed).version,
            added=added,
            superseded=len(changed) - added,
            unchanged=len(given) - len(changed),
        )
        return _decision(state, self._loaded(lines, by, measured), lines)

    @staticmethod
    def _loaded(lines: tuple[CodeSetLine, ...], by: str, said: "LoadCodeSets") -> CodeSetsLoaded:
        return CodeSetsLoaded(
            load_no=said.load_no,
            load_id=said.load_id,
            loaded_at=said.loaded_at,
            version=said.version,
            file_name=said.file_name,
            file_sm3=said.file_sm3,
            rows_sm3=sm3(_encode(lines)).hex(),
            added=said.added,
            superseded=said.superseded,
            unchanged=said.unchanged,
            loaded_by=said.loaded_by,
            mof_div_code=said.mof_div_code,
            by=by,
        )


def _decision(
    state: LedgerState, loaded: CodeSetsLoaded, lines: tuple[CodeSetLine, ...]
) -> Decision:
    parts = (lines[at : at + ROWS_OF_EVENT_MAX] for at in range(0, len(lines), ROWS_OF_EVENT_MAX))
    events: list[Event] = [
        loaded,
        *(CodeSetRows(load_id=loaded.load_id, rows=part) for part in parts),
    ]
    return Decision(
        events=[(CODE_SET_LOAD, loaded.load_no, event) for event in events],
        effective_on=state.today,
    )
