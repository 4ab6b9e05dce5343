"""提交链: commits in step with the events, and the chain after each of them."""

import hashlib
from collections.abc import Iterator

from ledger.reading.streaming import Chunk, StoredCommit
from ledger.verification.checks import name_check
from ledger.verification.findings import Findings

NO_DIGEST = bytes(32)  # in the place of an event that is missing


class ChainCheck:
    """The chain over the digests that the rows bear, commit by commit, up to the head's.

    It goes on from the stored chain of each commit, so that one fault is told once. ``ended`` are
    the commits that the last chunk completed.
    """

    NAME = name_check("chain", "提交链 chain of commits", "commits", "events", "commits")

    def __init__(
        self, findings: Findings, commits: Iterator[StoredCommit], after: int, chain: bytes
    ) -> None:
        self._findings, self._commits = findings, commits
        self.position, self.chain = after, chain
        self.ended: list[StoredCommit] = []
        self._due: StoredCommit | None = next(commits, None)
        self._open: list[bytes] = []
        self._homeless = False

    def take(self, chunk: Chunk) -> None:
        self.ended = []
        positions, digests, recorded = chunk.positions, chunk.digests, chunk.recorded_us
        at, count = 0, len(positions)
        while at < count and self._due is not None:
            due = self._due
            end = at
            if positions[-1] - positions[0] == count - 1:  # the usual case: no gap in the chunk
                end = min(count, due.position - positions[0] + 1)
            else:
                while end < count and positions[end] <= due.position:
                    end += 1
            self._members(positions, digests, recorded, at, max(at, end))
            at = max(at, end)
            if at < count or (count and positions[-1] >= due.position):
                self._end(due)
        if at < count and not self._homeless:
            self._homeless = True
            self._findings.add(self.NAME, positions[at], "it belongs to no commit 不属于任何提交")
        self.position = positions[-1]

    def _members(
        self,
        positions: list[int],
        digests: list[bytes],
        recorded: list[int],
        start: int,
        end: int,
    ) -> None:
        """Events of the commit that is due; missing ones leave their places."""
        due = self._due
        assert due is not None
        place = due.first_position + len(self._open)
        last = place + end - start - 1
        if start < end and positions[start] == place and positions[end - 1] == last:
            self._open += digests[start:end]
        else:
            for position, digest in zip(positions[start:end], digests[start:end], strict=True):
                if position < due.first_position:
                    detail = "no commit begins where the last one ended"
                    self._findings.add(self.NAME, position, detail)
                    continue
                self._open += [NO_DIGEST] * (position - due.first_position - len(self._open))
                self._open.append(digest)
        if any(recorded_us != due.recorded_us for recorded_us in recorded[start:end]):
            position = next(
                p
                for p, r in zip(positions[start:end], recorded[start:end], strict=True)
                if r != due.recorded_us
            )
            self._findings.add(self.NAME, position, "its recorded_at is not that of its commit")

    def _end(self, due: StoredCommit) -> None:
        self._findings.count(self.NAME, 1)
        chain = hashlib.new("sm3", self.chain + b"".join(self._open)).digest()
        if chain != due.chain:
            detail = (
                f"the chain of commit {due.first_position}-{due.position} is another 提交链断裂"
            )
            self._findings.add(self.NAME, due.first_position, detail, due.position)
        self.chain = due.chain
        self.ended.append(due)
        self._open = []
        self._due = next(self._commits, None)

    def conclude(self, head: int, head_chain: bytes) -> None:
        """``head`` and its chain are what the ledger says of itself."""
        if self._due is not None:
            first = min(self._due.position, self.position + 1)
            self._findings.add(self.NAME, first, "commits go on behind the last event 尾部被截")
        elif self.position == head and self.chain != head_chain:
            self._findings.add(self.NAME, head, "the head's chain is not that of the last commit")
