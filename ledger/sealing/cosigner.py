"""Asks a witness for its signature under what was sealed, and puts it on record.

One thread for each witness, so that one that is away holds up neither the sealing nor the others.
Only the newest checkpoint of a ledger is of interest. A province head is cosigned by a witness that
has seen every checkpoint it names; so those go first, and the head directly behind them.
"""

import threading
from collections.abc import Mapping, Sequence
from time import monotonic

import httpx
import msgspec
import psycopg
import structlog
from psycopg_pool import ConnectionPool

from ledger.account_set import parse_ledger
from ledger.errors import BY_TEXT, Code, GuokuError, IntegrityError, UnavailableError
from ledger.gm import Provider, PublicKey
from ledger.integrity.note import (
    PROVINCE_ORIGIN,
    Checkpoint,
    Note,
    ledger_origin,
    parse_checkpoint,
    parse_line,
    parse_note,
    verified_by,
)
from ledger.integrity.witness import ledger_lines, write_request
from ledger.sealing.commands import Cosign
from ledger.sealing.proofs import sealed_size
from ledger.sealing.register import (
    PROVINCE,
    RecordedNote,
    latest_checkpoint,
    latest_checkpoints,
    latest_province_head,
    signed_by,
)
from ledger.sealing.stored_tree import StoredTree
from ledger.sealing.system_record import SystemRecord

log = structlog.get_logger(__name__)

POLL_S = 2.0
AWAY_PAUSE_S = 5.0
REFUSED_PAUSE_S = 60.0


class WitnessAddress(msgspec.Struct, frozen=True):
    """A witness as the operator knows it: ``witness/<name>``, where it listens, its key."""

    name: str
    url: str
    public_key: PublicKey


class WitnessHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with a witness.

    Attributes:
        away: why it could not be asked, "" when it could.
        refused: by origin, why it does not cosign: somebody has to look.
        cosigned: signatures put on record by this process.
    """

    witness: str
    running: bool
    away: str
    refused: dict[str, str]
    cosigned: int

    @property
    def reasons(self) -> list[str]:
        """Why the server is not ready. A witness that is away is no reason, one that objects is."""
        found = [
            f"{self.witness} does not cosign {origin}: {why}"
            for origin, why in self.refused.items()
        ]
        if not self.running:
            found.append(f"nobody asks {self.witness} for its signature")
        return found


class Cosigner:
    """Follows what is sealed, from :meth:`start` to :meth:`close`."""

    def __init__(
        self,
        pool: ConnectionPool,
        record: SystemRecord,
        provider: Provider,
        witness: WitnessAddress,
        *,
        timeout_s: float = 5.0,
    ) -> None:
        self._pool = pool
        self._record = record
        self._provider = provider
        self.witness = witness
        self._http = httpx.Client(base_url=witness.url, timeout=timeout_s, trust_env=False)
        self._known: dict[str, int] = {}  # sizes that the witness remembers, as far as we know
        self._refused: dict[str, tuple[str, float]] = {}
        self._away = ""
        self._cosigned = 0
        self._closing = threading.Event()
        self._wakeup = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"cosigner-{witness.name}", daemon=True
        )

    # ---- life

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Waits for the exchange under way and ends the thread."""
        self._closing.set()
        self._wakeup.set()
        if self._thread.is_alive():
            self._thread.join()
        self._http.close()

    def wake(self) -> None:
        """Says that something was sealed; for ``Sealer.on_seal``. Never blocks."""
        self._wakeup.set()

    def health(self) -> WitnessHealth:
        return WitnessHealth(
            witness=self.witness.name,
            running=self._thread.is_alive(),
            away=self._away,
            refused={origin: why for origin, (why, _) in self._refused.items()},
            cosigned=self._cosigned,
        )

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wakeup.clear()
            try:
                self.run_once()
                self._away = ""
            except (httpx.HTTPError, psycopg.OperationalError, GuokuError) as error:
                self._pause(str(error) or type(error).__name__)
            except Exception as error:
                log.exception("asking a witness failed", witness=self.witness.name)
                self._pause(repr(error))
            self._wakeup.wait(POLL_S)

    def _pause(self, why: str) -> None:
        if not self._away:
            log.warning("a witness could not be asked", witness=self.witness.name, reason=why)
        self._away = why
        self._closing.wait(AWAY_PAUSE_S)

    # ---- one pass

    def run_once(self) -> int:
        """Asks for every signature that is missing; gives how many were put on record.

        Raises:
            httpx.HTTPError: the witness does not answer.
            GuokuError: the books do not, or the witness's answer is none.
        """
        with self._pool.connection() as connection:
            heads = self._unsigned([latest_province_head(connection)], connection)
            named = self._named_by(connection, heads)
            latest = self._unsigned(latest_checkpoints(connection), connection)
        cosigned: dict[RecordedNote, Cosign] = {}
        try:
            self._ask_all(named, cosigned)
            if all(recorded in cosigned for recorded in named):
                self._ask_all(heads, cosigned)
            self._ask_all([r for r in latest if r not in named], cosigned)
        finally:
            self._put_on_record(cosigned)
        return len(cosigned)

    def _ask_all(
        self, pending: Sequence[RecordedNote], cosigned: dict[RecordedNote, Cosign]
    ) -> None:
        for recorded in pending:
            if (command := self._ask(recorded)) is not None:
                cosigned[recorded] = command

    def _unsigned(
        self, found: Sequence[RecordedNote | None], connection: psycopg.Connection
    ) -> list[RecordedNote]:
        """Those that the witness has not signed, nor refused a short while ago."""
        notes = [recorded for recorded in found if recorded is not None]
        signed = signed_by(connection, self.witness.name, notes)
        return [r for r in notes if r not in signed and not self._was_refused(_origin(r))]

    def _named_by(
        self, connection: psycopg.Connection, heads: Sequence[RecordedNote]
    ) -> list[RecordedNote]:
        """The checkpoints that a head names and the witness has not signed."""
        found = [
            latest_checkpoint(connection, parse_ledger(origin.removeprefix("guoku/")), size)
            for head in heads
            for origin, (size, _) in ledger_lines(_checkpoint_of(head)).items()
        ]
        return self._unsigned(found, connection)

    def _was_refused(self, origin: str) -> bool:
        _, at = self._refused.get(origin, ("", float("-inf")))
        return monotonic() - at < REFUSED_PAUSE_S

    def _put_on_record(self, cosigned: Mapping[RecordedNote, Cosign]) -> None:
        by_system: dict[int, list[Cosign]] = {}
        for recorded, command in cosigned.items():
            by_system.setdefault(recorded.system_ledger_id, []).append(command)
        for key, commands in by_system.items():
            self._record.submit(key, commands)
        self._cosigned += len(cosigned)

    # ---- one note

    def _ask(self, recorded: RecordedNote) -> Cosign | None:
        """The witness's signature under a note; None where it refuses, which is kept in mind."""
        origin = _origin(recorded)
        try:
            line = self._exchange(recorded, origin)
        except _Refused as refused:
            if self._is_beyond(recorded, refused):
                return None
            self._refused[origin] = f"{refused.code.text}: {refused.detail}", monotonic()
            log.error("a witness refuses", witness=self.witness.name, reason=str(refused))
            return None
        self._refused.pop(origin, None)
        self._known[origin] = recorded.size
        return Cosign(
            origin=origin,
            size=recorded.size,
            position=recorded.position,
            witness=self.witness.name,
            line=line,
        )

    def _is_beyond(self, recorded: RecordedNote, refused: "_Refused") -> bool:
        """Whether the witness has only seen a later checkpoint of this very ledger."""
        size = refused.extra["remembered_size"]
        if refused.code is not Code.HISTORY_SHRUNK or not isinstance(size, int):
            return False
        with self._pool.connection() as connection:
            return size <= sealed_size(connection, recorded.ledger_id)

    def _exchange(self, recorded: RecordedNote, origin: str) -> str:
        """Posts the note with a proof from what the witness remembers: asked again when told so."""
        old_size = self._known.get(origin, 0)
        for _ in range(2):
            body = write_request(old_size, self._proof(recorded, old_size), recorded.note)
            answer = self._http.post("/add-checkpoint", content=body)
            if answer.is_success:
                return self._verified(recorded, answer.text)
            problem = _problem_of(answer)
            if problem.code is not Code.CHECKPOINT_STALE:
                raise problem
            old_size = self._known[origin] = problem.extra["remembered_size"]
        raise problem

    def _proof(self, recorded: RecordedNote, old_size: int) -> list[bytes]:
        """From an older size of the ledger; none for a province head, which grows from nothing."""
        if recorded.ledger_id == PROVINCE or old_size > recorded.size:
            return []
        with self._pool.connection() as connection:
            return StoredTree(connection, recorded.ledger_id, recorded.size).consistency(old_size)

    def _verified(self, recorded: RecordedNote, text: str) -> str:
        """The witness's line of an answer.

        Raises:
            IntegrityError: there is none of it that verifies with the key we know.
        """
        signed = parse_note(recorded.note).text
        for line in text.splitlines():
            note = Note(signed, (parse_line(line),))
            trusted = {self.witness.name: [self.witness.public_key]}
            if verified_by(self._provider, note, trusted):
                return line
        raise IntegrityError(f"{self.witness.name} answered without a signature of its key")


class _Refused(GuokuError):
    """What the witness answered in place of a signature."""


class _Problem(msgspec.Struct):
    """What we read of a problem document."""

    code: str
    detail: str
    remembered_size: int | None = None


def _problem_of(answer: httpx.Response) -> _Refused:
    """The witness's problem document as an error.

    Raises:
        UnavailableError: it is no refusal: the witness, or what stands before it, does not work.
    """
    away = UnavailableError(Code.UNAVAILABLE, f"the witness answers {answer.status_code}")
    try:
        told = msgspec.json.decode(answer.content, type=_Problem)
        code = BY_TEXT[told.code]
    except (msgspec.MsgspecError, KeyError):
        raise away from None
    if answer.is_server_error or (code is Code.CHECKPOINT_STALE and told.remembered_size is None):
        raise away
    return _Refused(code, told.detail, remembered_size=told.remembered_size)


def _origin(recorded: RecordedNote) -> str:
    is_province = recorded.ledger_id == PROVINCE
    return PROVINCE_ORIGIN if is_province else ledger_origin(recorded.ledger_id)


def _checkpoint_of(recorded: RecordedNote) -> Checkpoint:
    return parse_checkpoint(parse_note(recorded.note).text)
