"""One ledger verified: its history read once, in one snapshot, by all checks at the same time.

What a verification has found out is kept, so that the next one goes on behind it: at the end of a
history without a fault, where the tree stood, and what the checks knew.
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
from ledger.reading.objects import Head, read_head
from ledger.reading.streaming import snapshot, stream_commits, stream_events, stream_keys
from ledger.verification.amounts import Amounts
from ledger.verification.checkpoints import CheckpointCheck, KeptNote, Keys
from ledger.verification.clock import ClockCheck, corrections_of, server_now_us
from ledger.verification.commits import ChainCheck
from ledger.verification.digests import DigestCheck
from ledger.verification.entries import EntryCheck
from ledger.verification.findings import Finding, Findings
from ledger.verification.grammar import grammar
from ledger.verification.numbers import KeyCheck
from ledger.verification.record import stored_keys, stored_notes
from ledger.verification.registers import RegisterCheck
from ledger.verification.sequence import PositionCheck, VersionCheck
from payments.verification.lifecycle import PaymentCheck, RefundCheck
from payments.verification.signatures import SignatureCheck, SignatureToVerify, SignedFile
from payments.verification.state import Verified, load_verified, save_verified

# called with the name of the stage, what is done and what there is to do
Progress = Callable[[str, int, int], None]

HISTORY, SIGNATURES = "history", "signatures"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to verify.

    Attributes:
        folder: where the verification of this ledger keeps its files.
        resume: whether to go on behind what was verified before.
        files, kept: checkpoints from the append-only files, and the auditor's own.
        keys: by name, public keys that are known to be genuine; without one for the log, those on
            record are taken.
        required: witnesses who must have cosigned.
        share: of the signatures, 0 to 1, that are verified.
        signatures: whether documents and signatures are looked at.
    """

    folder: Path
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
        head = read_head(connections[0], ledger_id)
        if head is None:
            raise AccessError(Code.LEDGER_NOT_FOUND, f"no ledger {ledger_text(ledger_id)}")
        before = load_verified(options.folder) if options.resume else None
        if before is not None and _looks_back(before.position, head.position, options.kept):
            before = None
        verification = _Verification(connections, charts, provider, head, options, before)
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
        head: Head,
        options: Options,
        before: Verified | None,
    ) -> None:
        ledger_id, folder = head.ledger_id, options.folder
        known = grammar()  # before anything is read: where it cannot be made, nothing is left open
        self._head, self._options, self._before = head, options, before
        self._reading, commits, keys, self._asking = connections
        after = before.position if before else 0
        chain = before.chain if before else genesis(ledger_id)
        self._after = after
        self._findings = findings = Findings()
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
        self._chain = ChainCheck(findings, stream_commits(commits, ledger_id, after), after, chain)
        self._checkpoints = CheckpointCheck(
            findings,
            provider,
            ledger_origin(ledger_id),
            self._held(),
            self._keys(),
            required=options.required,
            tree=GrowingTree(after, before.edge if before else ()),
        )
        amounts = Amounts()
        self._registers = RegisterCheck(
            findings, EntryCheck(findings, amounts), charts, before.registers if before else None
        )
        self._numbers = KeyCheck(findings, stream_keys(keys, ledger_id, after), known)
        self._refunds = RefundCheck(findings, folder, before.paid_lengths if before else None)
        self._payments = PaymentCheck(
            findings,
            self._refunds,
            amounts,
            before.under_way if before else None,
            before.claims if before else None,
        )
        self._signed = SignedFile(folder / "signed.bin")
        self._signatures = SignatureCheck(
            findings, provider, self._asking, ledger_id, ledger_text(ledger_id), options.share
        )

    def close(self) -> None:
        self._signed.close()

    def _held(self) -> Iterator[KeptNote]:
        options, origin = self._options, ledger_origin(self._head.ledger_id)
        yield from (KeptNote("stored", note) for note in stored_notes(self._asking, origin))
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
            self._signatures.run(self._signed, lambda done: progress(SIGNATURES, done, aim))
        if not self._findings.wrong and self._options.whole:
            self._keep()
        findings = self._findings
        return VerificationReport(
            ledger_id=self._head.ledger_id,
            after=self._after,
            position=self._head.position,
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
        head = self._head
        for chunk in stream_events(self._reading, head.ledger_id, self._after, 2**62):
            self._digests.take(chunk)
            self._positions.take(chunk)
            self._clock.take(chunk)
            self._chain.take(chunk)
            self._checkpoints.take(chunk, self._chain.ended)
            self._versions.take(chunk)
            self._registers.take(chunk)
            self._numbers.take(chunk)
            self._signed.write(self._dated(self._payments.take(chunk)))
            progress(HISTORY, chunk.positions[-1] - self._after, head.position - self._after)
        self._positions.conclude(head.position)
        self._clock.conclude()
        self._chain.conclude(head.position, head.chain)
        self._checkpoints.conclude()
        self._versions.conclude()
        self._registers.conclude(self._asking, head.ledger_id, head.position)
        self._numbers.conclude()
        self._refunds.conclude()

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

    def _keep(self) -> None:
        save_verified(
            self._options.folder,
            Verified(
                position=self._head.position,
                chain=self._head.chain,
                recorded_us=self._positions.recorded_us,
                edge=self._checkpoints.tree.edge,
                registers=self._registers.folded(),
                under_way=self._payments.under_way,
                claims=self._payments.claims,
                stream_lengths=self._versions.lengths(),
                paid_lengths=self._refunds.lengths(),
                verified_at=datetime.now(UTC),
            ),
        )
