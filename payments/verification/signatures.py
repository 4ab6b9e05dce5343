"""签章: every signature over the document that its event names, by a certificate valid then.

SM2 takes most of the time, and lets go of the interpreter lock: the work is spread over threads. So
this is a stage of its own behind the reading of the events, which leaves what is to be verified in
a file. What a manifest's signature covers needs no SM2, but the manifest's leaves: they are opened
once for all that name them.
"""

import base64
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from struct import Struct
from typing import NamedTuple

import msgspec
import psycopg

from division import certificates
from division.certificates import Certificate
from ledger.errors import IntegrityError, Refusal
from ledger.events import decode
from ledger.gm import Provider
from ledger.integrity.chain import moment_of
from ledger.integrity.merkle import HASH_BYTES, root_of
from ledger.reading.documents import decompress
from ledger.reading.objects import read_bodies, read_objects, read_payloads
from ledger.verification.checks import BROKEN, name_check
from ledger.verification.findings import Findings
from payments.manifest import MANIFEST, RECEIPT_ROLE, Manifest, read_text, split_leaves
from payments.messages.message_types import SignedBy
from payments.signing.verifying import signed_by
from payments.verification.agreement import NamedDocument, disagreement

BULK = 500  # signatures whose documents are in memory at once
_LENGTH = Struct(">I")


class SignatureToVerify(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One signature to verify, as its event says it.

    Attributes:
        document_sm3: hex; of a manifest, of its leaves.
        subject: whose certificate it has to be; one that ends in / is a beginning.
        manifest_no, leaf: where a manifest's signature covers it.
        text: of a manifest, what is signed.
        since_us: the first moment at which it can have been made, where the clock was ahead; then
            ``recorded_us`` is the last one.
        told_at: the positions of the events that say what the document has to say, beside its own;
            None where it is not compared.
    """

    position: int
    recorded_us: int
    document_sm3: str
    subject: str
    cert_serial: str
    signature: str
    manifest_no: str = ""
    leaf: int = 0
    text: str = ""
    since_us: int = 0
    told_at: tuple[int, ...] | None = None

    @property
    def listed(self) -> bool:
        """Whether a manifest's signature covers it: it has none of its own."""
        return bool(self.manifest_no) and not self.text


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SignatureToVerify).decode


class SignedFile:
    """Signatures in the order of their events, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self.number = 0

    def write(self, signed: Sequence[SignatureToVerify]) -> None:
        for one in signed:
            encoded = _encode(one)
            self._file.write(_LENGTH.pack(len(encoded)) + encoded)
        self.number += len(signed)

    def read(self) -> Iterator[list[SignatureToVerify]]:
        """All of them, in bulks."""
        self._file.flush()
        with self._path.open("rb") as file:
            bulk: list[SignatureToVerify] = []
            while head := file.read(_LENGTH.size):
                bulk.append(_decode(file.read(*_LENGTH.unpack(head))))
                if len(bulk) == BULK:
                    yield bulk
                    bulk = []
            if bulk:
                yield bulk

    def close(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class SignatureCheck:
    """Verifies signatures and the documents they are over.

    Args:
        share: which share of the signatures is verified, picked by chance with a fixed seed; 1 for
            all of them. Documents of the others are still checked against their SM3.
    """

    NAME = name_check(
        "signature", "签章 signatures, certificates valid then", "signatures", "events"
    )
    EVIDENCE = name_check(
        "evidence", "凭证与事件 signed documents say what their events say", "documents", "events"
    )
    DOCUMENT = name_check("document", "凭证 documents by their SM3", "documents", "documents")

    def __init__(
        self,
        findings: Findings,
        provider: Provider,
        connection: psycopg.Connection,
        ledger_id: int,
        ledger: str,
        share: float = 1.0,
    ) -> None:
        self._findings, self._provider, self._connection = findings, provider, connection
        self._ledger_id, self._ledger, self._share = ledger_id, ledger, share
        self._chance = Random(ledger_id)  # noqa: S311 - a sample that can be drawn again
        self._certificates: dict[str, Certificate | None] = {}
        self._lists: dict[str, _List] = {}

    def run(self, signed: SignedFile, progress: Callable[[int], None] | None = None) -> None:
        """Verifies all that the file holds; ``progress`` is told how many are done."""
        done = 0
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="verifying") as workers:
            for bulk in signed.read():
                self._bulk(bulk, workers)
                done += len(bulk)
                if progress is not None:
                    progress(done)

    def _bulk(self, bulk: list[SignatureToVerify], workers: ThreadPoolExecutor) -> None:
        material = self._material(bulk)
        drawn = [self._share >= 1 or self._chance.random() < self._share for _ in bulk]
        singly = [(one, verify) for one, verify in zip(bulk, drawn, strict=True) if not one.listed]
        found = workers.map(lambda asked: material.faults(*asked), singly)
        self._findings.count(self.DOCUMENT, len(bulk))
        self._findings.count(self.NAME, sum(drawn))
        self._findings.count(self.EVIDENCE, sum(one.told_at is not None for one in bulk))
        for one in bulk:
            faults = material.faults(one, verify=False) if one.listed else next(found)
            for check, fault in zip((self.DOCUMENT, self.NAME, self.EVIDENCE), faults, strict=True):
                if fault:
                    self._findings.add(check, one.position, fault)

    def _material(self, bulk: list[SignatureToVerify]) -> "_Material":
        """All that a bulk is judged by, in a few queries."""
        connection, ledger_id = self._connection, self._ledger_id
        for serial in {one.cert_serial for one in bulk} - self._certificates.keys():
            self._certificates[serial] = self._certificate(serial)
        covering = {one.manifest_no for one in bulk if one.listed}
        # a manifest covers many bulks, one behind the other: those of the last one are at hand
        lists = {number: kept for number, kept in self._lists.items() if number in covering}
        manifests = self._manifests(covering - lists.keys())
        digests = {_digest(one.document_sm3) for one in bulk}
        digests |= {_digest(manifest.signed.leaves_sm3) for manifest in manifests.values()}
        bodies = read_bodies(connection, ledger_id, digests - {b""})
        places = {
            place
            for one in bulk
            if one.told_at is not None
            for place in (one.position, *one.told_at)
        }
        events = read_payloads(connection, ledger_id, places)
        material = _Material(
            self._provider, ledger_id, self._ledger, self._certificates, lists, bodies, events
        )
        for number, manifest in manifests.items():
            lists[number] = material.opened(manifest)
        self._lists = lists
        return material

    def _certificate(self, serial: str) -> Certificate | None:
        try:
            return certificates.find(self._connection, serial)
        except BROKEN:
            return None  # a row that holds none

    def _manifests(self, numbers: Collection[str]) -> dict[str, Manifest]:
        """Those of the books; without those that cannot be read, which is told at their events."""
        try:
            return read_objects(self._connection, self._ledger_id, MANIFEST, numbers)
        except BROKEN:
            if len(numbers) == 1:
                return {}
        return {number: each for one in numbers for number, each in self._manifests({one}).items()}


class _List(NamedTuple):
    """A manifest in the books: whose it is, its leaves, or what is wrong with them."""

    manifest: Manifest
    subject: str
    leaves: bytes
    fault: str


class _Material(NamedTuple):
    """What signatures are judged by; used by several threads at once."""

    provider: Provider
    ledger_id: int
    ledger: str
    certificates: dict[str, Certificate | None]
    lists: dict[str, _List]
    bodies: dict[bytes, bytes]
    events: dict[int, tuple[str, bytes]]

    def opened(self, manifest: Manifest) -> _List:
        signed, text = manifest.signed, manifest.text
        subject = text.owner if text.role == RECEIPT_ROLE else f"principal/{signed.by}"
        try:
            return _List(manifest, subject, self._document(signed.leaves_sm3), "")
        except IntegrityError as error:
            return _List(manifest, subject, b"", error.detail)

    def faults(self, one: SignatureToVerify, verify: bool) -> tuple[str, str, str]:
        """What is wrong with the document, with the signature, and with what it says; "" for
        nothing."""
        try:
            document = self._document(one.document_sm3)
        except IntegrityError as error:
            return error.detail, "", ""
        try:
            signature = self._signed(one, document, verify)
        except BROKEN as error:
            signature = f"it cannot be judged: {error}"
        return "", signature, self._disagreement(one, document)

    def _signed(self, one: SignatureToVerify, document: bytes, verify: bool) -> str:
        if one.text:
            return self._manifest(one, document, verify)
        if one.listed:
            return self._member(one, document)
        return self._signature(one, document, one.subject) if verify else ""

    def _disagreement(self, one: SignatureToVerify, document: bytes) -> str:
        if one.told_at is None:
            return ""
        try:
            event, *others = [decode(*self.events[at]) for at in (one.position, *one.told_at)]
            return disagreement(NamedDocument(self.ledger_id, document, event, others))
        except BROKEN as error:
            return f"what it says cannot be compared with its events: {error}"

    def _document(self, named: str) -> bytes:
        body = self.bodies.get(_digest(named))
        if body is None:
            raise IntegrityError(f"document {named} is missing 凭证缺失")
        document = decompress(body)
        if self.provider.sm3(document) != _digest(named):
            raise IntegrityError(f"document {named} is not what was signed or received 凭证被改")
        return document

    def _signature(self, one: SignatureToVerify, signed: bytes, subject: str) -> str:
        certificate = self.certificates[one.cert_serial]
        if certificate is None:
            return f"its certificate {one.cert_serial} is not known 无此证书"
        if wrong := _not_of(certificate, subject):
            return wrong
        if wrong := _not_valid(certificate, one):
            return wrong
        try:
            signature = base64.b64decode(one.signature, validate=True)
        except ValueError:  # binascii's, and what is no ASCII
            signature = b""
        by_value = SignedBy.is_of_a_bank(certificate.subject)
        key = certificate.public_key
        if not signed_by(self.provider, key, signed, signature, by_value):
            return f"the signature of {certificate.subject} is not over these bytes 签章无效"
        return ""

    def _manifest(self, one: SignatureToVerify, leaves: bytes, verify: bool) -> str:
        try:
            text = read_text(one.text)
        except Refusal as refusal:
            return refusal.detail
        receipts = text.role == RECEIPT_ROLE
        split = split_leaves(leaves)
        if not receipts and text.owner != self.ledger:
            return f"the manifest is of {text.owner}"
        if len(split) != text.leaf_count or root_of(split) != text.root:
            return "the manifest's leaves have another root 清单根不符"
        subject = text.owner if receipts else one.subject
        return self._signature(one, one.text.encode(), subject) if verify else ""

    def _member(self, one: SignatureToVerify, document: bytes) -> str:
        """Of what a manifest's signature covers: whose that is, and its place there."""
        held = self.lists.get(one.manifest_no)
        if held is None or held.manifest.signed.cert_serial != one.cert_serial:
            return f"there is no manifest {one.manifest_no} of this certificate 清单缺失"
        if held.subject != one.subject:
            return f"the manifest {one.manifest_no} is of {held.subject}, not of {one.subject}"
        if held.fault:
            return held.fault
        start = HASH_BYTES * one.leaf
        leaf = held.manifest.text.leaf(document, _digest(one.document_sm3))
        if held.leaves[start : start + HASH_BYTES] != leaf:
            return f"it is not under the manifest {one.manifest_no} 不在签名清单内"
        return ""


def _digest(named: str) -> bytes:
    """The SM3 of a document from its hex; no document has the empty one."""
    try:
        return bytes.fromhex(named)
    except ValueError:
        return b""


def _not_valid(certificate: Certificate, one: SignatureToVerify) -> str:
    """A certificate has to be valid when the event was recorded; where that time is known to be
    ahead, at some moment at which it can have been."""
    if one.since_us:
        since, until = moment_of(one.since_us), moment_of(one.recorded_us)
        since = min(max(since, certificate.not_before), until)
    else:
        since = moment_of(one.recorded_us)
    try:
        certificates.require_valid(certificate, since)
    except Refusal as refusal:
        return f"{refusal.detail} 证书在签章时无效"
    return ""


def _not_of(certificate: Certificate, subject: str) -> str:
    """A certificate says by its serial of which key and subject it is: a changed one does not."""
    serial = certificates.serial_of(
        certificate.subject, certificate.public_key, certificate.not_before
    )
    if serial != certificate.serial:
        return f"certificate {certificate.serial} is not what was registered 证书被改"
    prefix = subject.endswith("/")
    fits = certificate.subject.startswith(subject) if prefix else certificate.subject == subject
    return "" if fits else f"it is signed by {certificate.subject}, not by {subject} 签章人不符"
