"""Proofs for whoever asks: an event is in a tree, a tree is the beginning of another."""

import msgspec
import psycopg

from ledger.account_set import ledger_text
from ledger.errors import Code, RequestError
from ledger.integrity.merkle import leaf_hash
from ledger.integrity.note import encode_hash, parse_checkpoint, parse_note
from ledger.sealing.register import RecordedNote, cosigned, latest_checkpoint, latest_province_head
from ledger.sealing.stored_tree import StoredTree, read_digests


class InclusionProof(msgspec.Struct, frozen=True):
    """That the event at ``position`` is leaf ``position - 1`` of the tree over ``size`` events.

    ``digest`` is hex, the hashes base64; ``checkpoint`` the signed note of that size, None where
    no checkpoint was made at it.
    """

    ledger: str
    position: int
    size: int
    digest: str
    leaf: str
    hashes: list[str]
    root: str
    checkpoint: str | None


class ConsistencyProof(msgspec.Struct, frozen=True):
    """That the tree over ``from_size`` events is the beginning of the one over ``to_size``."""

    ledger: str
    from_size: int = msgspec.field(name="from")
    to_size: int = msgspec.field(name="to")
    hashes: list[str]
    from_root: str
    to_root: str
    from_checkpoint: str | None
    to_checkpoint: str | None


def sealed_size(connection: psycopg.Connection, ledger_id: int) -> int:
    """The size of the ledger's last checkpoint, 0 before the first."""
    row = connection.execute(
        "SELECT size FROM checkpoints WHERE ledger_id = %s ORDER BY size DESC LIMIT 1",
        (ledger_id,),
    ).fetchone()
    return row[0] if row else 0


def find_note(
    connection: psycopg.Connection, ledger_id: int, size: int | None = None
) -> str | None:
    """The signed note of the last checkpoint, or of that size, with all cosignatures."""
    recorded = latest_checkpoint(connection, ledger_id, size)
    return cosigned(connection, recorded) if recorded else None


def find_province_head(connection: psycopg.Connection) -> str | None:
    """The last province head with all cosignatures."""
    recorded = latest_province_head(connection)
    return cosigned(connection, recorded) if recorded else None


def prove_inclusion(
    connection: psycopg.Connection, ledger_id: int, position: int, size: int | None = None
) -> InclusionProof:
    """A proof against the last checkpoint, or against a tree of any sealed ``size``.

    Raises:
        RequestError: ``malformed`` for a position or a size that is not there, or not yet.
    """
    size = _sealed(connection, ledger_id, size, "/size")
    if not 1 <= position <= size:
        raise RequestError(Code.MALFORMED, f"position is one of 1 to {size}", pointer="/position")
    tree = StoredTree(connection, ledger_id, size)
    [digest] = read_digests(connection, ledger_id, position - 1, position)
    note, root = _note_and_root(connection, ledger_id, tree)
    return InclusionProof(
        ledger=ledger_text(ledger_id),
        position=position,
        size=size,
        digest=digest.hex(),
        leaf=encode_hash(leaf_hash(digest)),
        hashes=[encode_hash(step) for step in tree.inclusion(position)],
        root=root,
        checkpoint=note,
    )


def prove_consistency(
    connection: psycopg.Connection, ledger_id: int, from_size: int, to_size: int | None = None
) -> ConsistencyProof:
    """A proof between two sealed sizes, the later one by default that of the last checkpoint.

    Raises:
        RequestError: ``malformed`` for sizes that are not there, or in the wrong order.
    """
    to_size = _sealed(connection, ledger_id, to_size, "/to")
    if not 1 <= from_size <= to_size:
        raise RequestError(Code.MALFORMED, f"from is one of 1 to {to_size}", pointer="/from")
    older = StoredTree(connection, ledger_id, from_size)
    tree = StoredTree(connection, ledger_id, to_size)
    from_note, from_root = _note_and_root(connection, ledger_id, older)
    to_note, to_root = _note_and_root(connection, ledger_id, tree)
    return ConsistencyProof(
        ledger=ledger_text(ledger_id),
        from_size=from_size,
        to_size=to_size,
        hashes=[encode_hash(step) for step in tree.consistency(from_size)],
        from_root=from_root,
        to_root=to_root,
        from_checkpoint=from_note,
        to_checkpoint=to_note,
    )


def _sealed(connection: psycopg.Connection, ledger_id: int, size: int | None, pointer: str) -> int:
    last = sealed_size(connection, ledger_id)
    if not last:
        raise RequestError(Code.NOT_FOUND, "the ledger has no checkpoint yet")
    if size is None:
        return last
    if not 1 <= size <= last:
        raise RequestError(Code.MALFORMED, f"history is sealed up to {last}", pointer=pointer)
    return size


def _note_and_root(
    connection: psycopg.Connection, ledger_id: int, tree: StoredTree
) -> tuple[str | None, str]:
    """The note of the tree's size and the root it signs; the computed root where there is none."""
    recorded: RecordedNote | None = latest_checkpoint(connection, ledger_id, tree.size)
    if recorded is None:
        return None, encode_hash(tree.root)
    root = parse_checkpoint(parse_note(recorded.note).text).root
    return cosigned(connection, recorded), encode_hash(root)
