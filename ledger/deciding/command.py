"""The shape every command has, and what its caller gets back.

A command is one frozen struct with one pure ``decide``: checks in documented order, then the point
of no return, then events. By what it asks for (``ledger.deciding.fingerprints``) the same number
with another body is told apart, whatever way the caller wrote the JSON.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import msgspec

from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import AnyRegister
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import BY_TEXT, GuokuError, Refusal

Need = tuple[AnyKind | AnyRegister, str]


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One thing a person or a bank asks of a ledger; what equals its default is not written."""

    OPERATION: ClassVar[str] = ""
    KIND: ClassVar[AnyKind | None] = None
    # whether a refusal answers its number for ever; a fact, such as a receipt, may be told again
    KEEPS_REFUSAL: ClassVar[bool] = True

    @property
    def number(self) -> str:
        """The business number that makes it idempotent, or "" where its object's state does."""
        return ""

    @property
    def body(self) -> object:
        """What must be the same for two of one number to be one and the same request."""
        return self

    def needs(self) -> Iterable[Need]:
        """What it looks at: (kind, number) of objects, with which the rows that they move are
        loaded; (register, key) of other rows, or (register, ``WHOLE``)."""
        return ()

    def decide(self, state: LedgerState, by: str) -> Decision:
        """Pure: looks at ``state``, changes nothing.

        Raises:
            Refusal: the first failing check, in the order of ``ledger.errors.Code``.
        """
        raise NotImplementedError


class CommandKey(msgspec.Struct, frozen=True, gc=False):
    """A number that was used, and where its events are."""

    operation: str
    number: str
    fingerprint: bytes
    stream_id: bytes
    first_position: int
    last_position: int


class Submission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A command on its way: who asks, and how."""

    command: Command
    by: str
    idempotency_key: str = ""
    dry_run: bool = False


class Commit(msgspec.Struct, frozen=True, gc=False):
    """Where an accepted write stands: position and digest of its last event, chain after it."""

    ledger_id: int
    position: int
    digest: bytes
    chain: bytes


class Outcome(msgspec.Struct, kw_only=True):
    """What became of a submission.

    Attributes:
        subjects: the objects it changed, as they were directly after it.
        problem: the refusal, or None when it was accepted.
        replayed: whether the answer is that of an earlier submission with the same number.
        commit: where it stands; None for a dry run.
    """

    subjects: tuple[Any, ...] = ()
    problem: GuokuError | None = None
    replayed: bool = False
    first_position: int = 0
    last_position: int = 0
    commit: Commit | None = None

    @property
    def status(self) -> Literal["created", "replayed", "refused"]:
        if self.problem is not None:
            return "refused"
        return "replayed" if self.replayed else "created"


class RecordRefusal(Command, frozen=True, kw_only=True):
    """Puts a refusal that was found at the door (a denied right, a bad signature) on record."""

    OPERATION: ClassVar[str] = "refusal.record"
    refused_operation: str
    refused_number: str
    code: str
    detail: str
    extra: dict[str, Any] = {}

    def decide(self, state: LedgerState, by: str) -> Decision:
        raise Refusal(BY_TEXT[self.code], self.detail, **self.extra)
