"""An outsider's reading of docs/history-format.md: proofs and notes checked without our code.

Only SM2 itself is taken from the project's provider; trees are walked by recursion from the top, as
RFC 9162 defines them, where the project walks them from the leaf.
"""

import base64
from datetime import date, datetime, timedelta
from hashlib import new, sha256
from struct import pack
from typing import Any

from ledger.gm import PublicKey, default_provider

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def sm3(data: bytes) -> bytes:
    return new("sm3", data).digest()


def naive_root(leaves: list[bytes]) -> bytes:
    """§2.1.1 as it is written there: split at the largest power of two, and again."""
    if not leaves:
        return sm3(b"")
    if len(leaves) == 1:
        return sm3(b"\x00" + leaves[0])
    split = largest_power_below(len(leaves))
    return sm3(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:]))


def root_by_path(digest: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to; b"" for a path of the wrong length."""
    if size == 1:
        return b"" if path else sm3(b"\x00" + digest)
    if not path:
        return b""
    *below, sibling = path
    split = largest_power_below(size)
    if index < split:
        return sm3(b"\x01" + root_by_path(digest, index, split, below) + sibling)
    return sm3(b"\x01" + sibling + root_by_path(digest, index - split, size - split, below))


def roots_by_path(old: int, size: int, path: list[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """The two roots (old, new) that a consistency proof of §2.1.4 leads to."""
    return _roots(old, size, list(path), old_root, whole=True)


def _roots(
    old: int, size: int, path: list[bytes], old_root: bytes, *, whole: bool
) -> tuple[bytes, bytes]:
    if old == size:
        if whole:
            return (old_root, old_root) if not path else (b"", b"")
        return (path[0], path[0]) if len(path) == 1 else (b"", b"")
    if not path:
        return b"", b""
    *below, step = path
    split = largest_power_below(size)
    if old <= split:
        older, newer = _roots(old, split, below, old_root, whole=whole)
        return older, sm3(b"\x01" + newer + step)
    older, newer = _roots(old - split, size - split, below, old_root, whole=False)
    return sm3(b"\x01" + step + older), sm3(b"\x01" + step + newer)


def largest_power_below(size: int) -> int:
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def hashes(encoded: list[str]) -> list[bytes]:
    return [base64.b64decode(one, validate=True) for one in encoded]


def event_digest(ledger: str, event: dict[str, Any]) -> bytes:
    """The digest of an event as evidence and exports write it."""
    division, year = ledger.split("-")
    kind, payload = event["type"].encode(), base64.b64decode(event["payload"])
    recorded = datetime.fromisoformat(event["recorded_at"]) - EPOCH
    return sm3(
        b"guoku.event.1\x00"
        + pack(">qq", int(division) * 10000 + int(year), event["position"])
        + bytes.fromhex(event["stream_id"].replace("-", ""))
        + pack(">iq", event["stream_version"], recorded // timedelta(microseconds=1))
        + pack(">i", date.fromisoformat(event["effective_on"]).toordinal() - 719163)
        + pack(">H", len(kind))
        + kind
        + payload
    )


def note_fields(note: str) -> tuple[str, int, bytes, list[str]]:
    """Origin, size, root and the further lines of a note."""
    origin, size, root, *more = note.partition("\n\n")[0].split("\n")
    return origin, int(size), base64.b64decode(root), more


def signers(note: str, keys: list[dict[str, str]]) -> set[str]:
    """The names whose line under the note verifies by one of these keys."""
    text, _, lines = note.partition("\n\n")
    found = set()
    for line in lines.splitlines():
        dash, name, encoded = line.split(" ")
        packed = base64.b64decode(encoded)
        for key in keys:
            point = bytes.fromhex(key["public_key"])
            mark = sha256(f"{name}\n".encode() + b"\xffguoku-sm2-sm3" + point).digest()[:4]
            if (dash, name, packed[:4]) == ("—", key["name"], mark) and default_provider().verify(
                PublicKey(point), f"{text}\n".encode(), packed[4:]
            ):
                found.add(name)
    return found


def faults(evidence: dict[str, Any]) -> list[str]:
    """What is wrong with an evidence file; nothing when all of it proves itself."""
    origin, size, root, _ = note_fields(evidence["checkpoint"])
    found = []
    if origin != f"guoku/{evidence['ledger']}":
        found.append("the checkpoint is another ledger's")
    if "guoku/log" not in signers(evidence["checkpoint"], evidence["log_keys"]):
        found.append("the checkpoint is not signed")
    for event in evidence["events"]:
        digest = event_digest(evidence["ledger"], event)
        if digest.hex() != event["digest"]:
            found.append(f"digest of {event['position']}")
        if root_by_path(digest, event["position"] - 1, size, hashes(event["inclusion"])) != root:
            found.append(f"inclusion of {event['position']}")
    bodies = {d["sm3"]: base64.b64decode(d["body"]) for d in evidence["documents"]}
    found += [f"document {named}" for named, body in bodies.items() if sm3(body).hex() != named]
    return found
