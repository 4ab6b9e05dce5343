"""The shape every command has, and what its caller gets back.

A command is one frozen struct with one pure ``decide``: checks in documented order, then the point
of no return, then events. By what it asks for (``ledger.deciding.fingerprints``) the same number
with another body is told apart, whatever way the caller wrote the JSON.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Literal, NamedTuple, Self

import msgspec

from ledger.deciding.locked_facts import AnyLockedFact
from ledger.deciding.objects import AnyKind
from ledger.deciding.of_division import OfDivision
from ledger.deciding.registers import AnyRegister
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import BY_TEXT, Code, GuokuError, Refusal
from ledger.events import Event

Need = tuple[AnyKind | AnyRegister | AnyLockedFact | OfDivision[Any], str]


def _nothing_behind() -> Sequence[Event]:
    return ()


class Told(NamedTuple):
    """What the record tells of a command that was accepted.

    Attributes:
        event: the first that it left.
        day: on which that takes effect.
        state: of the ledger before it, where whoever asks has one.
        behind: gives the other events that it left, in order.
    """

    event: Any
    day: date
    state: LedgerState | None = None
    behind: Callable[[], Sequence[Event]] = _nothing_behind


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One thing a person or a bank asks of a ledger; what equals its default is not written."""

    OPERATION: ClassVar[str] = ""
    KIND: ClassVar[AnyKind | None] = None
    ALSO: ClassVar[tuple[AnyKind, ...]] = ()  # kinds of other objects that it may change
    CHANNEL: ClassVar[str] = ""  # 录入渠道, of what people enter by it (ledger.elements.register)
    # whether a refusal answers its number for ever; a fact, such as a receipt, may be told again
    KEEPS_REFUSAL: ClassVar[bool] = True
    # whether other persons must agree where the ledger's policy says so (ledger.deciding.approvals)
    APPROVABLE: ClassVar[bool] = False
    # who must, where a policy that is older than the command says nothing of it
    UNLESS_SAID: ClassVar[tuple[str, ...]] = ()
    # whether it looks at what only its own objects tell of (``needs_further``)
    LOOKS_FURTHER: ClassVar[bool] = False
    # why nothing else may be committed, where this is what mends it
    MENDS: ClassVar[Code | None] = None

    NUMBER: ClassVar[str] = ""  # the field of its business number, by the same name in its event

    @classmethod
    def changes(cls) -> tuple[AnyKind, ...]:
        """The kinds of objects of which its answer may tell."""
        return cls.ALSO if cls.KIND is None else (cls.KIND, *cls.ALSO)

    @property
    def number(self) -> str:
        """The business number that makes it idempotent, or "" where its object's state does."""
        return getattr(self, self.NUMBER) if self.NUMBER else ""

    @property
    def body(self) -> object:
        """What must be the same for two of one number to be one and the same request."""
        return self

    @classmethod
    def number_in(cls, event: Any) -> str:
        """The number of the command that an event answers."""
        number: str = getattr(event, cls.NUMBER)
        return number

    @classmethod
    def asked_in(cls, told: Told) -> Iterable["Command"]:
        """Every command of which one must have been asked, the usual one first.

        What was asked follows from the event, but for what a caller may leave out and is then
        filled in, such as the date. What only the documents say, or the state, is taken from there,
        and a document's bytes, by which nothing is decided, are left empty.
        """
        fields = fields_in(cls, told.event)
        if "effective_on" not in cls.__struct_fields__:
            return (cls(**fields),)
        return (cls(**fields, effective_on=dated) for dated in (None, told.day))

    @classmethod
    def bodies_in(cls, event: Any, day: date) -> Iterable[object]:
        """Every body that could have brought about an event which takes effect on ``day``.

        Each way of asking has its own fingerprint. None where the event does not tell.
        """
        return (command.body for command in cls.asked_in(Told(event, day)))

    def is_told_by(self, event: Any) -> bool:
        """Whether an event that answers this operation tells of just this being asked. For commands
        without a number; of the date, the event's row tells."""
        return all(
            getattr(self, name) == getattr(event, name)
            for name in self.__struct_fields__
            if name != "effective_on" and name in event.__struct_fields__
        )

    def day_asked(self, fiscal_year: int) -> date | None:
        """The day on which it asks to take effect, in a ledger of this year; None where that is the
        day on which it is decided."""
        return getattr(self, "effective_on", None)

    def needs(self) -> Iterable[Need]:
        """What it looks at: (kind, number) of objects, with which the rows that they move are
        loaded; (register, key) of other rows, or (register, ``WHOLE``); (kind, ``WHOLE``) of all
        that wait for something, which are then among the cached ones; (``OfDivision(kind)``,
        number) of objects of the division's standing ledger; (fact, key) of what is locked beside
        the events until the commit."""
        return ()

    def needs_further(self, state: LedgerState) -> Iterable[Need]:
        """What it looks at beside that, known only when :meth:`needs` is at hand, and once more
        when this is; of a command that says ``LOOKS_FURTHER``."""
        return ()

    def decide(self, state: LedgerState, by: str) -> Decision:
        """Pure: looks at ``state``, changes nothing.

        Raises:
            Refusal: the first failing check, in the order of ``ledger.errors.Code``.
        """
        raise NotImplementedError


def fields_in(cls: type[Command], event: Any, **otherwise: Any) -> dict[str, Any]:
    """The fields of a command that its event has under the same names, but for the date, and those
    that it tells ``otherwise``."""
    names, values_in = _told_fields(cls, event.__class__)
    told = dict(zip(names, values_in(event), strict=True))
    told.update(otherwise)
    return told


@cache
def _told_fields(
    cls: type[Command], of: type[Event]
) -> tuple[tuple[str, ...], Callable[[Any], Iterable[Any]]]:
    """Their names, and what gives their values, all at once: a verification asks each event."""
    names = tuple(
        name
        for name in cls.__struct_fields__
        if name != "effective_on" and name in of.__struct_fields__
    )
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda event: [getattr(event, name) for name in names]


class CommandKey(msgspec.Struct, frozen=True, gc=False):
    """A number that was used, and where its events are."""

    operation: str
    number: str
    fingerprint: bytes
    stream_id: bytes
    first_position: int
    last_position: int


def commands() -> dict[str, type[Command]]:
    """Every command that the loaded domains have, by its operation."""
    found: dict[str, type[Command]] = {}
    waiting = Command.__subclasses__()
    for cls in waiting:
        waiting += cls.__subclasses__()
        if cls.OPERATION:
            found.setdefault(cls.OPERATION, cls)
    return found


_by_operation: dict[str, type[Command]] = {}


def command_named(operation: str) -> type[Command] | None:
    """The command of an operation; None where no loaded domain has it. Each document asks for its
    own, several times: all classes are walked only for one that was not found before."""
    if operation not in _by_operation:
        _by_operation.update(commands())
    return _by_operation.get(operation)


class Submission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A command on its way: who asks, and how.

    ``at_machine``: by one of ``principals.AT_MACHINE``, at the machine itself; nobody else has to
    agree. That is never said of what came over the network, whatever its caller is called.
    """

    command: Command
    by: str
    idempotency_key: str = ""
    dry_run: bool = False
    at_machine: bool = False


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
        brought: the command that took effect by it, where it was the last agreement to a document.
    """

    subjects: tuple[Any, ...] = ()
    problem: GuokuError | None = None
    replayed: bool = False
    first_position: int = 0
    last_position: int = 0
    commit: Commit | None = None
    brought: Command | None = None

    @property
    def status(self) -> Literal["created", "replayed", "refused"]:
        if self.problem is not None:
            return "refused"
        return "replayed" if self.replayed else "created"


class RecordRefusal(Command, frozen=True, kw_only=True):
    """Puts on record what was refused before the books: a denied right, a bad signature."""

    OPERATION: ClassVar[str] = "refusal.record"
    refused_operation: str
    refused_number: str
    code: str
    detail: str
    extra: dict[str, Any] = {}

    @classmethod
    def of(cls, operation: str, number: str, error: GuokuError) -> Self:
        """What puts this error on record, as the refusal of ``number``."""
        return cls(
            refused_operation=operation,
            refused_number=number,
            code=error.code.text,
            detail=error.detail,
            extra=error.recorded,
        )

    def decide(self, state: LedgerState, by: str) -> Decision:
        raise Refusal(BY_TEXT[self.code], self.detail, **self.extra)
