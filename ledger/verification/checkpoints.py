"""检查点: the tree over the history against every signed checkpoint of it, wherever it was kept."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ledger.errors import RequestError
from ledger.gm import Provider, PublicKey
from ledger.integrity.chain import moment_of
from ledger.integrity.growth import GrowingTree
from ledger.integrity.note import (
    Checkpoint,
    Note,
    encode_hash,
    key_hash,
    moment_text,
    parse_checkpoint,
    parse_note,
    verified_by,
)
from ledger.reading.streaming import Chunk, StoredCommit
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.commits import NO_DIGEST, ChainCheck
from ledger.verification.findings import Findings
from ledger.verification.sealed import NodeCheck, sealed_checkpoint

# where a checkpoint was found: on record; how far the sealer has come
STORED, SEALED = "stored", "sealed"
_LOG_NAMES = "guoku/"  # the log's key may be rolled over to one of another name
Keys = Mapping[str, Sequence[PublicKey]]


class KeptNote(NamedTuple):
    """A checkpoint and where it was found: "stored", "file", or "kept" by the auditor."""

    source: str
    note: str


class _Due(NamedTuple):
    source: str
    checkpoint: Checkpoint


class CheckpointCheck:
    """Roots, chains and times against the history; signatures of the log and of witnesses.

    Args:
        held: the checkpoints of this ledger, in any order.
        keys: by name, the keys that may have signed; those of the log are named guoku/….
        chain: tells which commits a chunk has completed.
        nodes: compares what the sealer has stored of the tree.
        required: witnesses who must have cosigned one at least.
    """

    NAME = name_check("checkpoint", "检查点 tree against checkpoints", "checkpoints", "events")
    SIGNATURE = name_check("note", "见证 signatures on checkpoints", "signatures", "events")

    def __init__(
        self,
        findings: Findings,
        provider: Provider,
        origin: str,
        held: Iterable[KeptNote],
        keys: Keys,
        chain: ChainCheck,
        nodes: NodeCheck,
        *,
        required: Iterable[str] = (),
        tree: GrowingTree | None = None,
    ) -> None:
        self._findings, self._provider, self._origin, self._keys = findings, provider, origin, keys
        self._chain, self._nodes = chain, nodes
        self._recorded = 0
        self.tree = tree or GrowingTree()
        self._matched = self.tree.size
        self.cosigned = dict.fromkeys(required, 0)
        self._due: dict[int, list[_Due]] = {}
        seen: set[str] = set()
        for source, text in held:
            if text not in seen:  # the same note is stored and in a file
                seen.add(text)
                self._add(source, text)
        if nodes.sealed is not None and nodes.sealed.size > self.tree.size:
            due = _Due(SEALED, sealed_checkpoint(nodes.sealed))
            self._due.setdefault(nodes.sealed.size, []).append(due)

    def _add(self, source: str, text: str) -> None:
        try:
            note = parse_note(text)
            checkpoint = parse_checkpoint(note.text)
        except RequestError as error:
            self._findings.add(self.SIGNATURE, 0, f"a {source} checkpoint: {error.detail}")
            return
        if checkpoint.origin != self._origin:
            detail = f"a {source} checkpoint is of {checkpoint.origin}"
            self._findings.add(self.SIGNATURE, 0, detail)
            return
        self._verify(source, note, checkpoint)
        if source == STORED:
            self._recorded = max(self._recorded, checkpoint.size)
        if checkpoint.size > self.tree.size:
            self._due.setdefault(checkpoint.size, []).append(_Due(source, checkpoint))

    def _verify(self, source: str, note: Note, checkpoint: Checkpoint) -> None:
        valid = verified_by(self._provider, note, self._keys)
        self._findings.count(self.SIGNATURE, len(valid))
        if not any(name.startswith(_LOG_NAMES) for name in valid):
            detail = f"the {source} checkpoint of {checkpoint.size} is not signed by the log 未签名"
            self._findings.add(self.SIGNATURE, checkpoint.size, detail)
        for line in note.signatures:
            known = any(
                line.key_hash == key_hash(line.name, k) for k in self._keys.get(line.name, ())
            )
            if known and line.name not in valid:
                detail = (
                    f"the {source} checkpoint of {checkpoint.size}: the signature of {line.name} "
                    "is not valid 签名无效"
                )
                self._findings.add(self.SIGNATURE, checkpoint.size, detail)
        for name in valid & self.cosigned.keys():
            self.cosigned[name] = max(self.cosigned[name], checkpoint.size)

    def take(self, chunk: Chunk) -> None:
        """A chunk that the chain has taken before."""
        digests, ended = chunk.digests, self._chain.ended
        due_places = [commit for commit in ended if commit.position in self._due]
        if chunk.positions[-1] != self.tree.size + len(chunk.positions):
            digests = _with_gaps(chunk, self.tree.size)
        start, began = 0, self.tree.size
        for commit in due_places:
            end = commit.position - began
            self._nodes.completed(self.tree.append(digests[start:end]))
            start = end
            self._compare(commit)
        self._nodes.completed(self.tree.append(digests[start:]))

    def _compare(self, commit: StoredCommit) -> None:
        size, root = self.tree.size, encode_hash(self.tree.root)
        try:
            recorded = moment_text(moment_of(commit.recorded_us))
        except BROKEN:  # an infinite time
            recorded = ""
        extensions = (f"chain {encode_hash(commit.chain)}", f"recorded {recorded}")
        for source, checkpoint in self._due.pop(size, ()):
            self._findings.count(self.NAME, source != SEALED)
            if encode_hash(checkpoint.root) != root:
                what = "the root of the tree is another 历史被改写"
            elif checkpoint.extensions != extensions:
                what = "chain or time of the commit are others 历史被改写"
            else:
                self._matched = size
                continue
            detail = (
                f"the {source} checkpoint of {size}: {what}; the last one that agrees is of "
                f"{self._matched}"
            )
            self._findings.add(self.NAME, self._matched + 1, detail, size)

    def conclude(self) -> None:
        self._nodes.conclude(self._recorded)
        last = self.tree.size
        for size, due in sorted(self._due.items()):
            for source, _ in due:
                what = "history ends before it 尾部被截" if size > last else "no commit ends there"
                detail = f"the {source} checkpoint of {size}: {what}"
                self._findings.add(self.NAME, min(size, last + 1), detail)
        for name, size in self.cosigned.items():
            if not size:
                self._findings.add(self.SIGNATURE, 0, f"no checkpoint is cosigned by {name} 无见证")


def _with_gaps(chunk: Chunk, size: int) -> list[bytes]:
    """The digests with something in the place of every event that is missing."""
    digests: list[bytes] = []
    for position, digest in zip(chunk.positions, chunk.digests, strict=True):
        digests += [NO_DIGEST] * (position - 1 - size - len(digests))
        digests.append(digest)
    return digests
