"""系统账套: signed checkpoints, witnesses' cosignatures, and the keys behind them."""

from typing import ClassVar

from ledger.events import Event, Traits, register

SEAL = "seal"  # the subject of what stands in system ledgers about the others


class LogKeyRegistered(Event, frozen=True, kw_only=True):
    """A key that signs checkpoints from now on; a later one of the same name takes its place.

    ``key_hash`` (hex) is how signature lines name it, ``public_key`` x and y in hex.
    """

    TYPE: ClassVar[str] = "log_key.registered"
    TRAITS: ClassVar[Traits] = Traits(subject=SEAL, asked_by="log_key.register")
    name: str
    key_hash: str
    public_key: str


class CheckpointSealed(Event, frozen=True, kw_only=True):
    """A ledger's checkpoint: ``note`` is the signed note, as outsiders are given it."""

    TYPE: ClassVar[str] = "checkpoint.sealed"
    TRAITS: ClassVar[Traits] = Traits(subject=SEAL, asked_by="checkpoint.seal")
    origin: str
    size: int
    note: str


class ProvinceSealed(Event, frozen=True, kw_only=True):
    """The province head: one signature over the latest checkpoints of ``size`` ledgers."""

    TYPE: ClassVar[str] = "province.sealed"
    TRAITS: ClassVar[Traits] = Traits(subject=SEAL, asked_by="province.seal")
    origin: str
    size: int
    note: str


class CheckpointCosigned(Event, frozen=True, kw_only=True):
    """A witness's signature ``line`` under the note that the event at ``position`` holds."""

    TYPE: ClassVar[str] = "checkpoint.cosigned"
    TRAITS: ClassVar[Traits] = Traits(subject=SEAL, asked_by="checkpoint.cosign")
    origin: str
    size: int
    position: int
    witness: str
    line: str


register(
    LogKeyRegistered,
    CheckpointSealed,
    ProvinceSealed,
    CheckpointCosigned,
)
