"""系统账套: signed checkpoints, witnesses' cosignatures, and the keys behind them."""

from typing import ClassVar

from ledger.events.base import Event


class LogKeyRegistered(Event, frozen=True, kw_only=True):
    """A key that signs checkpoints from now on; a later one of the same name takes its place.

    ``key_hash`` (hex) is how signature lines name it, ``public_key`` x and y in hex.
    """

    TYPE: ClassVar[str] = "log_key.registered"
    name: str
    key_hash: str
    public_key: str


class CheckpointSealed(Event, frozen=True, kw_only=True):
    """A ledger's checkpoint: ``note`` is the signed note, as outsiders are given it."""

    TYPE: ClassVar[str] = "checkpoint.sealed"
    origin: str
    size: int
    note: str


class ProvinceSealed(Event, frozen=True, kw_only=True):
    """The province head: one signature over the latest checkpoints of ``size`` ledgers."""

    TYPE: ClassVar[str] = "province.sealed"
    origin: str
    size: int
    note: str


class CheckpointCosigned(Event, frozen=True, kw_only=True):
    """A witness's signature ``line`` under the note that the event at ``position`` holds."""

    TYPE: ClassVar[str] = "checkpoint.cosigned"
    origin: str
    size: int
    position: int
    witness: str
    line: str
