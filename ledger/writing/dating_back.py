"""Decisions of a batch, and the days of registers that are read for those which are dated back.

Most decisions ask for no earlier day. The first one of a batch that does has the days read of all
rows that the batch's commands are about; then it is decided again.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec

import psycopg

from ledger.deciding.command import Command
from ledger.deciding.dated import UNTOLD, DatedRow
from ledger.deciding.objects import Kind
from ledger.deciding.registers import WHOLE, AnyRegister, DaysNotAtHandError, Register
from ledger.deciding.state import Decision, LedgerState
from ledger.reading import loading
from ledger.writing.day_history import fold_days

P = ParamSpec("P")


class DatingBack:
    """Has decisions of one batch made for which days of rows are to be read before.

    Args:
        settled: is called before anything is read, as by ``loading.load_objects``.
        commands: all of the batch.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        state: LedgerState,
        settled: Callable[[], object],
        commands: Iterable[Command],
    ) -> None:
        self._connection, self._state = connection, state
        self._settled, self._commands = settled, commands

    def decided(
        self,
        missing: DaysNotAtHandError,
        decide: Callable[P, Decision],
        *asked: P.args,
        **more: P.kwargs,
    ) -> Decision:
        """What ``decide`` gives, which is pure and has found ``missing``, or raises what it
        raises."""
        read: set[tuple[str, str]] = set()
        while True:
            place = (missing.register.name, missing.key)
            assert place not in read, "days that were read are at hand"
            read.add(place)
            self._read_days(missing.register, missing.key)
            try:
                return decide(*asked, **more)
            except DaysNotAtHandError as further:
                missing = further

    def _read_days(self, register: AnyRegister, key: str) -> None:
        self._settled()
        state, connection = self._state, self._connection
        if not state.has_row(register, key):  # that it is asked for is known only when deciding
            stored = loading.read_dated_rows(connection, state.ledger_id, register, [key])
            state.take_rows(register, {key: stored.get(key, DatedRow(register.row()))})
        keys = {key, *self._keys_of(register)}
        wanted = state.registers.without_days(register, keys)
        if state.registers.dated(register, key).day == UNTOLD:
            fold_days(connection, state.ledger_id, state.charts)
            told = loading.read_dated_rows(connection, state.ledger_id, register, wanted)
            state.take_rows(register, told)
        days = loading.read_days(connection, state.ledger_id, register, wanted)
        state.registers.take_days(register, days)

    def _keys_of(self, register: AnyRegister) -> Iterator[str]:
        """The rows of a register that the batch's commands look at."""
        for command in self._commands:
            for what, number in command.needs():
                if isinstance(what, Register):
                    if what is register and number != WHOLE:
                        yield number
                elif isinstance(what, Kind) and (obj := self._state.get(what, number)) is not None:
                    yield from (key for of, key in what.rows(obj) if of is register)
