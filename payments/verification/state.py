"""What a verification without a fault leaves, so that the next one goes on behind it."""

from datetime import datetime
from pathlib import Path

import msgspec

from ledger.deciding.refolding import Folded
from payments.verification.clearing import ClearedTotals
from payments.verification.open_items import OpenClaim, OpenRequests, UnderWay

STATE_VERSION = 6
_NAME = "verified.msgpack"


class Verified(msgspec.Struct, kw_only=True):
    """Where it ended, and what the checks knew there.

    Attributes:
        edge: of the tree over the events up to ``position``.
        registers: as they were folded to there.
        stream_lengths, paid_lengths, named_lengths: of the parts of the spills, in bytes.
        totals: of the zero-balance account and of claims.
        memories: by name, of the checks that follow some types of events.
    """

    version: int = STATE_VERSION
    position: int
    chain: bytes
    recorded_us: int
    edge: list[bytes]
    registers: Folded
    under_way: dict[bytes, UnderWay]
    claims: dict[str, OpenClaim]
    requests: OpenRequests
    stream_lengths: list[int]
    paid_lengths: list[int]
    totals: ClearedTotals
    named_lengths: list[int]
    memories: dict[str, bytes]
    verified_at: datetime


def load_verified(folder: Path) -> Verified | None:
    """The last state, or None where there is none that this program can go on from."""
    try:
        state = msgspec.msgpack.decode(folder.joinpath(_NAME).read_bytes(), type=Verified)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return state if state.version == STATE_VERSION else None


def save_verified(folder: Path, state: Verified) -> None:
    """In the place of the last one, at once: a kill leaves the one or the other."""
    draft = folder / f"{_NAME}.draft"
    draft.write_bytes(msgspec.msgpack.encode(state))
    draft.replace(folder / _NAME)
