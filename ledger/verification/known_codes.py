"""Which code sets a decision of a history can have been taken by.

An indicator names the version. Other acts do not: they were decided by what had been loaded where
the standing ledgers stood that were noted before, or by what held a moment before or after that,
since a program looks for newer code sets every two seconds, and not when it notes the ledgers.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import psycopg

from ledger.account_set import ledger_text, standing_ledger
from ledger.deciding.noted import NOTED
from ledger.deciding.settings import LedgerSettings
from ledger.elements import stored_code_sets
from ledger.elements.code_sets import CodeRow, CodeSets

HOME = standing_ledger("")  # where all loads stand, each under its position
_HOME = ledger_text(HOME)
_ALL = 2**63 - 1


class KnownCodes:
    """All code sets that were ever in force, made when they are asked for."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._last = stored_code_sets.shipped()
        self._after: dict[tuple[str, int], CodeSets] = {}

    def candidates(
        self, event: Any, settings: LedgerSettings, own_upto: int = 0
    ) -> Iterator[CodeSets]:
        """Those by which an event can have been decided, the likely one first; none where it names
        a version that is on no record.

        ``own_upto``: the last position that may have loaded any, where the ledger itself has them.
        """
        named = getattr(event, "codes_version", None)
        if named is None or self._last.version == named:
            yield self._last
        upto = own_upto or self._just_behind(settings.get(NOTED).positions.get(_HOME, 0))
        if named is not None:
            upto = _ALL
        for codes in self._all(upto):
            if codes is not self._last and named in (None, codes.version):
                yield codes

    def held(self, codes: CodeSets) -> None:
        """By these a decision came out as it stands on record."""
        self._last = codes

    def _just_behind(self, noted: int) -> int:
        """The first load behind what was noted, where anything was."""
        return next((load_id for load_id in self._loads if noted and load_id > noted), noted)

    @cached_property
    def _loads(self) -> list[int]:
        return [load.load_id for load in stored_code_sets.loads(self._connection)]

    @cached_property
    def _rows(self) -> list[tuple[int, CodeRow]]:
        return stored_code_sets.stored_rows(self._connection)

    def _all(self, upto: int) -> Iterator[CodeSets]:
        """From the newest load to the first, over what this release ships, then over what former
        ones did."""
        for shipped in reversed(stored_code_sets.shipped_versions().values()):
            for load_id in reversed(self._loads):
                if load_id <= upto:
                    yield self._overlaid(shipped, load_id)
            yield shipped

    def _overlaid(self, shipped: CodeSets, load_id: int) -> CodeSets:
        """What was in force directly after a load."""
        place = shipped.version, load_id
        if place not in self._after:
            rows = [row for at, row in self._rows if at <= load_id]
            self._after[place] = shipped.overlaid(rows)
        return self._after[place]
