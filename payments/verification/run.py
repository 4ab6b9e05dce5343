"""One ledger verified: its history read once, in one snapshot, by all checks at the same time.

It begins at genesis, unless the auditor brings a memory of his own: a folder in which an earlier
verification of his has left where a history without a fault ended, where the tree stood, and what
the checks knew. What lies on the operator's machine is never gone on from.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

import msgspec
import psycopg

from ledger.account_set import ledger_text
from ledger.books import Charts
from ledger.errors import AccessError, Code
from ledger.gm import Provider, PublicKey
from ledger.integrity.chain import genesis
from ledger.integrity.growth import GrowingTree
from ledger.integrity.note import ledger_origin, parse_checkpoint, parse_note
from ledger.reading.streaming import Chunk, snapshot, stream_commits, stream_events, stream_keys
from ledger.verification import approvals, codes, heads, readings
from ledger.verification.amounts import Amounts
from ledger.verification.checkpoints import STORED, CheckpointCheck, KeptNote, Keys
from ledger.verification.clock import ClockCheck, corrections_of, server_now_us
from ledger.verification.commits import ChainCheck
from ledger.verification.digests import DigestCheck
from ledger.verification.entries import EntryCheck
from ledger.verification.findings import Finding, Findings
from ledger.verification.following import Context, EventChecks, Guard, Place
from ledger.verification.grammar import grammar
from ledger.verification.heads import read_place
from ledger.verification.numbers import KeyCheck
from ledger.verification.record import stored_keys, stored_notes
from ledger.verification.registers import RegisterCheck
from ledger.verification.sealed import NodeCheck
from ledger.verification.sequence import PositionCheck, VersionCheck
from payments.verification import carried, debts_carried, issued, lines, register
from payments.verification.clearing import ClearedTotals, ClearingCheck, zero_balance_accounts
from payments.verification.documents import NamedDocuments
from payments.verification.lifecycle import PaymentCheck
from payments.verification.outgoing import OutboxCheck, read_upto
from payments.verification.refunds import RefundCheck
from payments.verification.signatures import SignatureCheck, SignatureToVerify, SignedFile
from payments.verification.state import Verified, load_verified, save_verified

# called with the name of the stage, what is done and what there is to do
Progress = Callable[[str, int, int], None]

HISTORY, SIGNATURES = "history", "signatures"
JOINED = (  # in every run
    *(approvals, codes, heads, readings),
    *(carried, debts_carried, issued, lines, register),
)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to verify.

    Attributes:
        folder: where the verification of this ledger keeps its files while it runs.
        memory: the auditor's own folder, to go on behind what he verified with it, and to leave
            there what was found out; None to begin at genesis and leave nothing.
        resume: whether to go on behind what the memory holds.
        files, kept: checkpoints from the append-only files, and the auditor's own.
        keys: by name, public keys that are known to be genuine; without one for the log, those on
            record are taken.
        required: witnesses who must have cosigned.
        share: of the signatures, 0 to 1, that are verified.
        signatures: whether documents and signatures are looked at.
    """

    folder: Path
    memory: Path | None = None
    resume: bool = True
    files: Sequence[str] = ()
    kept: Sequence[str] = ()
    keys: dict[str, list[bytes]] = {}
    required: Sequence[str] = ()
    share: float = 1.0
    signatures: bool = True

    @property
    def whole(self) -> bool:
        """Whether nothing is left out, so that a later verification may go on behind it."""
        return self.signatures and self.share >= 1


class VerificationReport(msgspec.Struct, kw_only=True):
    """What was checked of one ledger behind position ``after``, and what does not hold; ``notes``
    tell what was allowed when it was recorded, and is not any more."""

    ledger_id: int
    after: int
    position: int
    counts: dict[str, int]
    wrong: dict[str, int]
    findings: list[Finding]
    noted: dict[str, int]
    notes: list[Finding]
    cosigned: dict[str, int]
    history_s: float
    history_cpu_s: float
    signatures_s: float


def verify_ledger(
    conninfo: str,
    charts: Charts,
    provider: Provider,
    ledger_id: int,
    options: Options,
    progress: Progress | None = None,
) -> VerificationReport:
    """Verifies one ledger; see the module.

    Raises:
        AccessError: ``ledger_not_found``.
        RequestError: ``malformed``: a checkpoint that is kept is none.
    """
    with snapshot(conninfo, 4) as connections:
        place = read_place(connections[0], ledger_id)
        if place is None:
            raise AccessError(Code.LEDGER_NOT_FOUND, f"no ledger {ledger_text(ledger_id)}")
        before = load_verified(options.memory) if options.memory and options.resume else None
        if before is not None and _looks_back(before.position, place.position, options.kept):
            before = None
        verification = _Verification(connections, charts, provider, place, options, before)
        try:
            return verification.run(progress or (lambda *_: None))
        finally:
            verification.close()


def _looks_back(verified: int, head: int, kept: Sequence[str]) -> bool:
    """Whether what was verified before has to be read again: history has become shorter, or the
    auditor holds a checkpoint of it."""
    return head < verified or any(
        parse_checkpoint(parse_note(note).text).size <= verified for note in kept
    )


class _Verification:
    """All checks of one ledger on one snapshot."""

    def __init__(
        self,
        connections: Sequence[psycopg.Connection],
        charts: Charts,
        provider: Provider,
        place: Place,
        options: Options,
        before: Verified | None,
    ) -> None:
        known = grammar()  # before anything is read: where it cannot be made, nothing is left open
        ledger_id, folder = place.ledger_id, options.memory or options.folder
        self._place, self._options, self._before = place, options, before
        self._reading, commits, keys, self._asking = connections
        after = before.position if before else 0
        chain = before.chain if before else genesis(ledger_id)
        self._after = after
        self._findings = findings = Findings()
        self._guard = Guard(findings)
        self._digests = DigestCheck(ledger_id, findings)
        recorded_us = before.recorded_us if before else 0
        self._positions = PositionCheck(findings, after, recorded_us)
        self._clock = ClockCheck(
            findings,
            corrections_of(self._asking, ledger_id),
            server_now_us(self._asking),
            recorded_us,
        )
        self._versions = VersionCheck(findings, folder, before.stream_lengths if before else None)
        self._commits = stream_commits(commits, ledger_id, after)
        self._chain = ChainCheck(findings, self._commits, after, chain)
        self._checkpoints = CheckpointCheck(
            findings,
            provider,
            ledger_origin(ledger_id),
            self._held(),
            self._keys(),
            self._chain,
            NodeCheck(findings, self._asking, ledger_id),
            required=options.required,
            tree=GrowingTree(after, before.edge if before else ()),
        )
        self._keys_read = stream_keys(keys, ledger_id, after)
        self._numbers = KeyCheck(findings, self._keys_read, known)
        self._of_books(charts, folder, before)
        self._signed = SignedFile(folder / "signed.bin")
        self._signatures = SignatureCheck(
            findings, provider, self._asking, ledger_id, ledger_text(ledger_id), options.share
        )
        memories = before.memories if before else {}
        context = Context(findings, self._asking, place, charts, provider, folder)
        self._others = EventChecks(lambda name: context._replace(memory=memories.get(name, b"")))

    def _of_books(self, charts: Charts, folder: Path, before: Verified | None) -> None:
        """The checks of what the events say of money."""
        findings, amounts = self._findings, Amounts()
        totals = before.totals if before else ClearedTotals()
        entries = EntryCheck(findings, amounts, zero_balance_accounts(charts), totals.post)
        self._clearing = ClearingCheck(findings, totals, charts)
        self._registers = RegisterCheck(
            findings, entries, charts, before.registers if before else None
        )
        self._refunds = RefundCheck(findings, folder, before.paid_lengths if before else None)
        outbox_upto = read_upto(self._asking, self._place.ledger_id)
        self._payments = PaymentCheck(
            findings,
            self._refunds,
            amounts,
            before.under_way if before else None,
            before.claims if before else None,
            outbox_upto,
            totals,
            before.requests if before else None,
        )
        self._outbox = OutboxCheck(findings, outbox_upto)
        self._documents = NamedDocuments(findings, folder, before.named_lengths if before else None)

    def close(self) -> None:
        self._commits.close()  # a history that ends before its commits leaves some unread
        self._keys_read.close()
        self._signed.close()

    def _held(self) -> Iterator[KeptNote]:
        options, origin = self._options, ledger_origin(self._place.ledger_id)
        yield from (KeptNote(STORED, note) for note in stored_notes(self._asking, origin))
        yield from (KeptNote("file", note) for note in options.files)
        yield from (KeptNote("kept", note) for note in options.kept)

    def _keys(self) -> Keys:
        keys: dict[str, list[PublicKey]] = stored_keys(self._asking)
        given = self._options.keys.items()
        return keys | {name: [PublicKey(point) for point in points] for name, points in given}

    def run(self, progress: Progress) -> VerificationReport:
        began, began_cpu = perf_counter(), process_time()
        self._read(progress)
        history_s, history_cpu_s = perf_counter() - began, process_time() - began_cpu
        began = perf_counter()
        aim = self._signed.number
        if self._options.signatures:
            moved: Callable[[int], None] = lambda done: progress(SIGNATURES, done, aim)  # noqa: E731
            self._guard.run(SignatureCheck.NAME, lambda: self._signatures.run(self._signed, moved))
        if self._options.memory and not self._findings.wrong and self._options.whole:
            self._keep(self._options.memory)
        findings = self._findings
        return VerificationReport(
            ledger_id=self._place.ledger_id,
            after=self._after,
            position=self._place.position,
            counts=findings.counts,
            wrong=findings.wrong,
            findings=findings.all(),
            noted=findings.noted,
            notes=findings.notes,
            cosigned=self._checkpoints.cosigned,
            history_s=history_s,
            history_cpu_s=history_cpu_s,
            signatures_s=perf_counter() - began,
        )

    def _read(self, progress: Progress) -> None:
        """The history, once; what a check says first explains what the later ones find."""
        head, after = self._place.position, self._after
        for chunk in stream_events(self._reading, self._place.ledger_id, after, 2**62):
            self._take(chunk)
            progress(HISTORY, chunk.positions[-1] - after, head - after)
        self._conclude()

    def _take(self, chunk: Chunk) -> None:
        take = self._guard.take
        take(self._digests, chunk)
        take(self._positions, chunk)
        take(self._clock, chunk)
        take(self._chain, chunk)
        take(self._checkpoints, chunk)
        take(self._versions, chunk)
        take(self._registers, chunk)
        take(self._numbers, chunk)
        signed = self._dated(take(self._payments, chunk) or ())
        self._signed.write(signed)
        self._documents.take(signed)
        take(self._others, chunk)

    def _conclude(self) -> None:
        place, run = self._place, self._guard.run
        run(PositionCheck.NAME, lambda: self._positions.conclude(place.position))
        run(ClockCheck.NAME, self._clock.conclude)
        run(ChainCheck.NAME, lambda: self._chain.conclude(place.position, place.chain))
        run(CheckpointCheck.NAME, self._checkpoints.conclude)
        run(VersionCheck.NAME, self._versions.conclude)
        run(
            RegisterCheck.STORED,
            lambda: self._registers.conclude(self._asking, place.ledger_id, place.position),
        )
        run(KeyCheck.NAME, self._numbers.conclude)
        run(RefundCheck.NAME, self._refunds.conclude)
        run(
            ClearingCheck.NAME,
            lambda: self._clearing.conclude(self._asking, place.ledger_id, place.position),
        )
        run(
            OutboxCheck.NAME,
            lambda: self._outbox.conclude(
                self._asking,
                place.ledger_id,
                place.position,
                self._payments.under_way,
                self._payments.claims,
                self._payments.requests,
                self._payments.answered,
            ),
        )
        run(
            NamedDocuments.NAME,
            lambda: self._documents.conclude(self._asking, place.ledger_id),
        )
        self._others.conclude(self._guard)

    def _dated(self, signed: Sequence[SignatureToVerify]) -> Sequence[SignatureToVerify]:
        """With the time in which they can have been made, where the clock was ahead."""
        if not self._clock.stretches:
            return signed
        spans = [self._clock.span(one.position, one.recorded_us) for one in signed]
        return [
            one
            if since_us == until_us
            else msgspec.structs.replace(one, since_us=since_us, recorded_us=until_us)
            for one, (since_us, until_us) in zip(signed, spans, strict=True)
        ]

    def _keep(self, memory: Path) -> None:
        save_verified(
            memory,
            Verified(
                position=self._place.position,
                chain=self._place.chain,
                recorded_us=self._positions.recorded_us,
                edge=self._checkpoints.tree.edge,
                registers=self._registers.folded(),
                under_way=self._payments.under_way,
                claims=self._payments.claims,
                requests=self._payments.requests,
                stream_lengths=self._versions.lengths(),
                paid_lengths=self._refunds.lengths(),
                totals=self._payments.totals,
                named_lengths=self._documents.lengths(),
                memories=self._others.remembered(),
                verified_at=datetime.now(UTC),
            ),
        )
