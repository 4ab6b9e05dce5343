"""What the sealer has the system ledger put on record. Pure decisions.

The text of a checkpoint is a function of history, its signature is not: SM2 signs differently each
time. So the number of a checkpoint is its origin and size, and its body the text. The same one
twice is one, whoever sealed it; another text for that size is refused as a conflict, and history
that was rewritten cannot come to a second checkpoint beside the first.
"""

from collections.abc import Iterable
from typing import ClassVar

from ledger.deciding.command import Command, Told, fields_in
from ledger.deciding.state import Decision, LedgerState
from ledger.events import Event
from ledger.gm import sm3
from ledger.integrity.note import PROVINCE_ORIGIN, assemble
from ledger.sealing.events import (
    CheckpointCosigned,
    CheckpointSealed,
    LogKeyRegistered,
    ProvinceSealed,
)


class RegisterNoteKey(Command, frozen=True, kw_only=True):
    """Puts a public key on record that signs, or cosigns, from now on."""

    OPERATION: ClassVar[str] = "log_key.register"
    name: str
    key_hash: str
    public_key: str

    @property
    def number(self) -> str:
        return f"{self.name}:{self.key_hash}"

    @classmethod
    def number_in(cls, event: LogKeyRegistered) -> str:
        return f"{event.name}:{event.key_hash}"

    def decide(self, state: LedgerState, by: str) -> Decision:
        return _on_record(
            state,
            LogKeyRegistered(name=self.name, key_hash=self.key_hash, public_key=self.public_key),
        )


class SealCheckpoint(Command, frozen=True, kw_only=True):
    """A ledger's checkpoint: its text and the log's signature line."""

    OPERATION: ClassVar[str] = "checkpoint.seal"
    origin: str
    size: int
    text: str
    line: str

    @property
    def number(self) -> str:
        return f"{self.origin}:{self.size}"

    @property
    def body(self) -> object:
        return self.text

    @classmethod
    def number_in(cls, event: CheckpointSealed) -> str:
        return f"{event.origin}:{event.size}"

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        text, line = _parts_of(told.event.note)
        return (cls(**fields_in(cls, told.event, text=text, line=line)),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        note = assemble(self.text, [self.line])
        return _on_record(state, CheckpointSealed(origin=self.origin, size=self.size, note=note))


class SealProvince(Command, frozen=True, kw_only=True):
    """A province head; it names its moment, so that no two are alike."""

    OPERATION: ClassVar[str] = "province.seal"
    size: int
    text: str
    line: str

    @property
    def number(self) -> str:
        return sm3(self.text.encode()).hex()

    @property
    def body(self) -> object:
        return self.text

    @classmethod
    def number_in(cls, event: ProvinceSealed) -> str:
        return sm3(_parts_of(event.note)[0].encode()).hex()

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        text, line = _parts_of(told.event.note)
        return (cls(**fields_in(cls, told.event, text=text, line=line)),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        note = assemble(self.text, [self.line])
        return _on_record(state, ProvinceSealed(origin=PROVINCE_ORIGIN, size=self.size, note=note))


class Cosign(Command, frozen=True, kw_only=True):
    """A witness's signature line under the note at ``position`` of this system ledger."""

    OPERATION: ClassVar[str] = "checkpoint.cosign"
    origin: str
    size: int
    position: int
    witness: str
    line: str

    @property
    def number(self) -> str:
        return f"{self.position}:{self.witness}"

    @property
    def body(self) -> object:
        return self.origin, self.size

    @classmethod
    def number_in(cls, event: CheckpointCosigned) -> str:
        return f"{event.position}:{event.witness}"

    def decide(self, state: LedgerState, by: str) -> Decision:
        return _on_record(
            state,
            CheckpointCosigned(
                origin=self.origin,
                size=self.size,
                position=self.position,
                witness=self.witness,
                line=self.line,
            ),
        )


def _on_record(state: LedgerState, event: Event) -> Decision:
    return Decision(events=[(None, "", event)], effective_on=state.today)


def _parts_of(note: str) -> tuple[str, str]:
    """A note's text, and the line of the one who has signed it; a blank line is between them."""
    text, _, line = note.partition("\n\n")
    return f"{text}\n", line.removesuffix("\n")
