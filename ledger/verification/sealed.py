"""封存: what the sealer keeps beside the events, against the tree that the events make.

Proofs are answered from the stored nodes and the row of ``sealed``. Who changes them can forge no
proof, but have the true ones fail; so each node is compared where the tree completes it.
"""

from collections.abc import Sequence

import psycopg

from ledger.integrity.growth import KEPT_EVERY, Kept
from ledger.integrity.note import Checkpoint, encode_hash, ledger_origin, moment_text
from ledger.sealing.trees import Sealed, read_sealed
from ledger.verification.checks import name_check
from ledger.verification.findings import Findings

_NODES = """
SELECT n.level, n.index, m.root FROM unnest(%b::smallint[], %b::bigint[]) AS n (level, index)
LEFT JOIN merkle_nodes m ON m.ledger_id = %s AND m.level = n.level AND m.index = n.index"""
_COUNTS = "SELECT level, count(*) FROM merkle_nodes WHERE ledger_id = %s GROUP BY level"


def sealed_checkpoint(sealed: Sealed) -> Checkpoint:
    """How far a ledger is sealed, in the form in which the tree is held against it."""
    return Checkpoint(
        ledger_origin(sealed.ledger_id),
        sealed.size,
        sealed.root,
        (
            f"chain {encode_hash(sealed.chain)}",
            f"recorded {moment_text(sealed.recorded_at)}",
        ),
    )


class NodeCheck:
    """The stored nodes of a ledger's tree; the rows of ``sealed`` are compared as checkpoints."""

    NAME = name_check(
        "node", "封存 stored nodes of the tree", "nodes", "merkle_nodes", "sealed"
    )  # fmt: skip

    def __init__(self, findings: Findings, asking: psycopg.Connection, ledger_id: int) -> None:
        self._findings, self._asking, self._ledger_id = findings, asking, ledger_id
        try:
            self.sealed = read_sealed(asking, ledger_id)
        except psycopg.DataError as error:  # an infinite time
            self.sealed = None
            findings.add(self.NAME, 0, f"how far it is sealed cannot be read: {error}")
        self._size = self.sealed.size if self.sealed else 0

    def completed(self, kept: Sequence[Kept]) -> None:
        """Nodes that the events have completed; those beyond what is sealed are not stored yet."""
        due = {
            (place.level, place.number): root
            for place, root in kept
            if (place.number + 1) << place.level <= self._size
        }
        if not due:
            return
        self._findings.count(self.NAME, len(due))
        levels, numbers = [level for level, _ in due], [number for _, number in due]
        for level, number, root in self._asking.execute(_NODES, (levels, numbers, self._ledger_id)):
            if root != due[level, number]:
                what = "is missing 节点缺失" if root is None else "is another 节点被改"
                first, last = (number << level) + 1, (number + 1) << level
                detail = f"the node of level {level} over the events {first} to {last} {what}"
                self._findings.add(self.NAME, first, detail, last)

    def conclude(self, recorded: int) -> None:
        """``recorded`` is the size of the last checkpoint on record."""
        for level, number in self._asking.execute(_COUNTS, (self._ledger_id,)):
            due = self._size >> level if level > 0 and level % KEPT_EVERY == 0 else 0
            if number > due:
                detail = f"{number} nodes of level {level} are stored, the tree has {due} 节点多出"
                self._findings.add(self.NAME, 0, detail)
        if recorded > self._size:
            detail = f"it is sealed up to {self._size}, and a checkpoint of {recorded} is on record"
            self._findings.add(self.NAME, self._size + 1, f"{detail} 封存倒退", recorded)
