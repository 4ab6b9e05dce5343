"""Putting things on a system ledger's record, which is opened when it is first needed."""

from collections.abc import Callable, Sequence

from psycopg_pool import ConnectionPool

from ledger.account_set import fiscal_year_of
from ledger.deciding.command import Command, Outcome, Submission
from ledger.deciding.opening import OpenSystemLedger
from ledger.gm import PublicKey
from ledger.integrity.note import key_hash
from ledger.reading.objects import read_head
from ledger.sealing.commands import RegisterNoteKey
from ledger.sealing.register import follow
from ledger.writing.sequencer import Sequencer

SEALER = "guoku-sealer"
ANSWER_TIMEOUT_S = 60.0


class SystemRecord:
    """The system ledgers as their writers see them; safe between threads.

    Args:
        keys: names and public keys that sign what is recorded; they are registered before it.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        sequencer: Sequencer,
        keys: Callable[[], Sequence[tuple[str, PublicKey]]],
    ) -> None:
        self._pool = pool
        self._sequencer = sequencer
        self._keys = keys
        self._ready: set[int] = set()

    def submit(self, key: int, commands: Sequence[Command]) -> list[Outcome]:
        """Has commands decided and recorded; the register knows of them when it returns.

        Raises:
            GuokuError: the books could not be reached.
        """
        before = [] if key in self._ready else self._preparations(key)
        submissions = [Submission(command=c, by=SEALER) for c in (*before, *commands)]
        outcomes = self._sequencer.submit(key, submissions).result(ANSWER_TIMEOUT_S)
        self._ready.add(key)
        with self._pool.connection() as connection:
            follow(connection, key)
        return outcomes[len(before) :]

    def _preparations(self, key: int) -> list[Command]:
        """What has to be on record before the first note: the ledger itself, and the keys."""
        commands: list[Command] = [
            RegisterNoteKey(name=name, key_hash=key_hash(name, known).hex(), public_key=known.hex())
            for name, known in self._keys()
        ]
        with self._pool.connection() as connection:
            if read_head(connection, key) is None:
                commands.insert(0, OpenSystemLedger(fiscal_year=fiscal_year_of(key)))
        return commands
