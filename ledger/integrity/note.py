"""Checkpoints as signed notes: the C2SP forms signed-note and tlog-checkpoint, signed with SM2.

::

    guoku/440000000-2026
    1234567
    <root, base64>
    chain <chain after that position, base64>
    recorded 2026-11-24T09:30:00.123456Z

    — guoku/log <base64( key hash 4 bytes | signature DER )>

A note is its *text*, through the LF of its last line, which is what is signed; a blank line; and a
line for each signature. ``docs/history-format.md`` is the specification.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from ledger.account_set import ledger_text
from ledger.errors import Code, RequestError
from ledger.gm import PrivateKey, Provider, PublicKey
from ledger.integrity.merkle import HASH_BYTES

LOG_KEY_NAME = "guoku/log"
PROVINCE_ORIGIN = "guoku/province"
NOTE_BYTES_MAX = 1024 * 1024

_KEY_HASH_BYTES = 4
_SIGNATURE_TYPE = b"\xffguoku-sm2-sm3"
_DASH = "\u2014 "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_NAME = re.compile(r"[^\s+]{1,200}")


class SignatureLine(NamedTuple):
    """One signature: whose, by which key of theirs, and its bytes (DER)."""

    name: str
    key_hash: bytes
    signature: bytes


class Note(NamedTuple):
    """A note that was read: what was signed and by whom; nothing is verified yet."""

    text: str
    signatures: tuple[SignatureLine, ...]


class Checkpoint(msgspec.Struct, frozen=True):
    """What the first three lines of a note say; ``extensions`` are the lines behind them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        lines = (self.origin, str(self.size), encode_hash(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def ledger_origin(ledger_id: int) -> str:
    """The origin of a ledger's checkpoints."""
    return f"guoku/{ledger_text(ledger_id)}"


def ledger_checkpoint(
    ledger_id: int, size: int, root: bytes, chain: bytes, recorded_at: datetime
) -> Checkpoint:
    """The checkpoint at a commit: a function of history, so that there is one for each size."""
    extensions = (f"chain {encode_hash(chain)}", f"recorded {moment_text(recorded_at)}")
    return Checkpoint(ledger_origin(ledger_id), size, root, extensions)


def moment_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds and Z."""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z"


def encode_hash(value: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(value).decode("ascii")


def decode_hash(text: str) -> bytes:
    """A 32-byte hash from base64; raises RequestError ``malformed``."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != HASH_BYTES:
        raise RequestError(Code.MALFORMED, f"no hash in base64: {text[:60]!r}")
    return value


def key_hash(name: str, public_key: PublicKey) -> bytes:
    """The four bytes by which a signature line says which key of that name has signed."""
    named = name.encode() + b"\n" + _SIGNATURE_TYPE + public_key.point
    return hashlib.sha256(named).digest()[:_KEY_HASH_BYTES]


def sign_text(provider: Provider, name: str, key: PrivateKey, text: str) -> str:
    """The signature line of ``name`` under a text, without its LF."""
    mark = key_hash(name, provider.public_key(key))
    return _line(SignatureLine(name, mark, provider.sign(key, text.encode())))


def assemble(text: str, lines: Iterable[str]) -> str:
    """The note of a text and its signature lines."""
    return f"{text}\n" + "".join(f"{line}\n" for line in lines)


def parse_note(note: str) -> Note:
    """Reads a note. Raises RequestError ``malformed`` for anything that is none."""
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n") or len(note) > NOTE_BYTES_MAX:
        raise RequestError(Code.MALFORMED, "a note is a text, a blank line and signature lines")
    return Note(f"{text}\n", tuple(parse_line(line) for line in lines[:-1].split("\n")))


def parse_line(line: str) -> SignatureLine:
    """Reads one signature line; raises RequestError ``malformed``."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        packed = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    if not line.startswith(_DASH) or not _NAME.fullmatch(name) or len(packed) <= _KEY_HASH_BYTES:
        raise RequestError(Code.MALFORMED, f"no signature line: {line[:60]!r}")
    return SignatureLine(name, packed[:_KEY_HASH_BYTES], packed[_KEY_HASH_BYTES:])


def parse_checkpoint(text: str) -> Checkpoint:
    """Reads the lines of a checkpoint; raises RequestError ``malformed``."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise RequestError(Code.MALFORMED, "a checkpoint has an origin, a size and a root")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size):
        raise RequestError(Code.MALFORMED, f"no size: {size[:40]!r}")
    return Checkpoint(origin, int(size), decode_hash(root), tuple(extensions))


def verified_by(
    provider: Provider, note: Note, trusted: Mapping[str, Iterable[PublicKey]]
) -> set[str]:
    """The names among ``trusted`` with a signature that verifies by one of their keys.

    Lines of other names, and of other keys of these names, are passed over (signed-note says so).
    """
    found = set()
    for line in note.signatures:
        for key in trusted.get(line.name, ()):
            if line.key_hash == key_hash(line.name, key) and provider.verify(
                key, note.text.encode(), line.signature
            ):
                found.add(line.name)
    return found


def _line(signed: SignatureLine) -> str:
    packed = base64.b64encode(signed.key_hash + signed.signature).decode("ascii")
    return f"{_DASH}{signed.name} {packed}"
