"""签章: signing vouchers in bulk, outside the write path.

The order is: look at the payments, refuse what may not be signed, sign the rest in parallel, verify
what was signed, and give back commands for the sequencer, which decides again. Every signature of a
voucher is over the same bytes: the first signer's are built here, everybody after signs what was
stored with that signature, whatever the code sets have become since.

Where the ledger's signature policy says so, the vouchers of a request are signed together, by one
manifest (``payments.manifest``); otherwise each by itself.
"""

import base64
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from ledger.account_set import ledger_text
from ledger.budget import INDICATOR, Indicator
from ledger.elements import CodeSets
from ledger.errors import Code, GuokuError, IntegrityError, Refusal
from ledger.gm import KeyStore, PrivateKey, Provider
from ledger.integrity.merkle import ProvenTree, Tree, leaf_hash
from ledger.opening import PER_MANIFEST
from ledger.store.documents import compress_document, keep_plainly, open_document
from ledger.store.reading import read_bodies, read_head, read_objects
from payments import certificates
from payments.certificates import Certificate
from payments.manifest import ManifestText, SignManifest
from payments.payment import PAYMENT, Payment
from payments.voucher import SignVoucher, check_signer
from payments.voucher_document import voucher_document

BULK_MAX = 500  # payments in memory at once: each may have 499 details
CHUNK = 25  # vouchers that a thread takes at once

T = TypeVar("T")
U = TypeVar("U")


class Signed(NamedTuple):
    """What is to be submitted.

    Attributes:
        manifest: goes before the vouchers that name it; None where each is signed by itself.
        vouchers: in the order asked for, each with the command or why there is none.
    """

    manifest: SignManifest | None
    vouchers: list[SignVoucher | GuokuError]


def subject_of(principal: str) -> str:
    """The name of a person's key in the key store, and the subject of its certificate."""
    return f"principal/{principal}"


def sign_vouchers(
    pool: ConnectionPool,
    keys: KeyStore,
    provider: Provider,
    codes: CodeSets,
    ledger_id: int,
    pay_app_nos: Sequence[str],
    role: str,
    principal: str,
    now: datetime,
    *,
    dry_run: bool = False,
) -> Signed:
    """Signs the vouchers of these payments as ``principal`` in ``role``.

    The key ``principal/<name>`` is made with a person's first signature, and with it a certificate
    of a year. A dry run signs singly: it leaves no manifest behind that a voucher could name.

    Returns:
        For each payment the command, or the problem: ``payment_not_found``, ``invalid_state``,
        ``same_person``, ``signature_order``, ``certificate_invalid``; ``malformed`` for a voucher
        that GBK cannot carry; ``internal`` where a stored document or a fresh signature is not
        sound.

    Raises:
        GuokuError: the key store cannot be used, or has no place for such a name.
    """
    with pool.connection() as connection:
        head = read_head(connection, ledger_id)
    together = head is not None and head.settings.signing == PER_MANIFEST and not dry_run
    pen: _Pen | Refusal | None = None
    drafts: list[_Draft | GuokuError] = []
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="signing") as workers:
        for start in range(0, len(pay_app_nos), BULK_MAX):
            numbers = pay_app_nos[start : start + BULK_MAX]
            with pool.connection() as connection:
                bulk = _read(connection, ledger_id, numbers, role, principal)
            if pen is None and any(isinstance(item, _Unsigned) for item in bulk):
                try:
                    key, certificate = _credentials(pool, keys, principal, now)
                    pen = _Pen(provider, key, certificate, role, ledger_id, codes, together)
                except Refusal as refusal:
                    pen = refusal
            drafts += _in_threads(workers, partial(_attempt, pen), bulk)
    if not isinstance(pen, _Pen):
        return Signed(None, [draft for draft in drafts if isinstance(draft, GuokuError)])
    if together:
        return _signed_together(pen, drafts)
    return Signed(None, [d if isinstance(d, GuokuError) else pen.command(d) for d in drafts])


def _in_threads(
    workers: ThreadPoolExecutor, function: Callable[[T], U], items: Sequence[T]
) -> list[U]:
    """The function of each item. A turn for every one would cost as much as hashing a voucher."""
    chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
    done = workers.map(lambda chunk: [function(item) for item in chunk], chunks)
    return list(chain.from_iterable(done))


class _Unsigned(NamedTuple):
    """A payment that this person may sign now.

    ``indicator`` is there for a first signature, ``body`` (as stored) for a later one.
    """

    payment: Payment
    indicator: Indicator | None
    body: bytes | None


def _read(
    connection: psycopg.Connection,
    ledger_id: int,
    pay_app_nos: Sequence[str],
    role: str,
    principal: str,
) -> list[_Unsigned | GuokuError]:
    """The payments with what their documents need, or why they may not be signed: five queries."""
    payments = read_objects(connection, ledger_id, PAYMENT, pay_app_nos)
    bulk = [_may_sign(payments.get(number), number, role, principal) for number in pay_app_nos]
    signable = [item for item in bulk if isinstance(item, Payment)]
    indicators = read_objects(
        connection, ledger_id, INDICATOR, [p.applied.bgt_id for p in signable if not p.signatures]
    )
    bodies = read_bodies(
        connection, ledger_id, {_signed_before(p) for p in signable if p.signatures}
    )
    return [
        _Unsigned(
            item,
            indicators.get(item.applied.bgt_id),
            bodies.get(_signed_before(item)) if item.signatures else None,
        )
        if isinstance(item, Payment)
        else item
        for item in bulk
    ]


def _may_sign(
    payment: Payment | None, pay_app_no: str, role: str, principal: str
) -> Payment | GuokuError:
    if payment is None:
        return Refusal(Code.PAYMENT_NOT_FOUND, f"no payment {pay_app_no!r}")
    try:
        check_signer(payment, role, principal)
    except GuokuError as refusal:
        return refusal
    return payment


def _signed_before(payment: Payment) -> bytes:
    """SM3 of the bytes that the first signature is over."""
    return bytes.fromhex(payment.signatures[0].voucher_sm3)


def _credentials(
    pool: ConnectionPool, keys: KeyStore, principal: str, now: datetime
) -> tuple[PrivateKey, Certificate]:
    """The person's key and its certificate; raises the refusal ``certificate_invalid``."""
    subject = subject_of(principal)
    public_key = keys.create(subject)
    with pool.connection() as connection:
        certificate = certificates.enrol(connection, subject, public_key, at=now)
    return keys.private_key(subject), certificate


class _Draft(NamedTuple):
    """A voucher that is ready for the books, but for its place in a manifest if it is to have one.

    ``signature`` is its own, ``leaf`` its hash in a manifest: the one or the other.
    """

    pay_app_no: str
    voucher_sm3: str
    body: bytes
    signature: bytes = b""
    leaf: bytes = b""


class _Pen(NamedTuple):
    """What one person signs with; used by several threads at once."""

    provider: Provider
    key: PrivateKey
    certificate: Certificate
    role: str
    ledger_id: int
    codes: CodeSets
    together: bool

    def draft(self, item: _Unsigned) -> _Draft:
        document, body = self._document(item)
        draft = _Draft(item.payment.pay_app_no, self.provider.sm3(document).hex(), body)
        if self.together:
            return draft._replace(leaf=leaf_hash(document))
        return draft._replace(signature=self.sign(document))

    def sign(self, message: bytes) -> bytes:
        """A signature that was verified: a fault in signing (a broken device, a key exchanged under
        us) must not reach the books.

        Raises:
            GuokuError: ``internal``: it does not verify.
        """
        signature = self.provider.sign(self.key, message)
        if not self.provider.verify(self.certificate.public_key, message, signature):
            raise GuokuError(
                Code.INTERNAL, f"a fresh signature of {self.certificate.subject} does not verify"
            )
        return signature

    def command(self, draft: _Draft, manifest_no: str = "", leaf: int = 0) -> SignVoucher:
        return SignVoucher(
            pay_app_no=draft.pay_app_no,
            role=self.role,
            cert_serial=self.certificate.serial,
            voucher_sm3=draft.voucher_sm3,
            signature=base64.b64encode(draft.signature).decode("ascii"),
            manifest_no=manifest_no,
            leaf=leaf,
            document=draft.body,
        )

    def _document(self, item: _Unsigned) -> tuple[bytes, bytes]:
        """The bytes to sign, and as they are stored.

        Raises:
            IntegrityError: what was signed before is not stored, or not as it was signed.
        """
        payment = item.payment
        if not payment.signatures:
            assert item.indicator is not None, "no payment without an indicator"
            document = voucher_document(self.ledger_id, payment, item.indicator, self.codes)
            return document, compress_document(document)
        if item.body is None:
            raise IntegrityError(f"the signed voucher {payment.pay_cert_no} is not stored")
        return open_document(_signed_before(payment), item.body), item.body


def _attempt(pen: _Pen | Refusal | None, item: _Unsigned | GuokuError) -> _Draft | GuokuError:
    """The draft; a problem of one voucher is its own and stops no other."""
    if isinstance(item, GuokuError):
        return item
    if not isinstance(pen, _Pen):
        assert pen is not None, "there are credentials, or a refusal, for what may be signed"
        return pen
    try:
        return pen.draft(item)
    except GuokuError as error:
        return error


def _signed_together(pen: _Pen, drafts: Sequence[_Draft | GuokuError]) -> Signed:
    """One signature over all drafts; a fault in it is the fault of each."""
    tree = Tree([draft.leaf for draft in drafts if isinstance(draft, _Draft)])
    if not len(tree):
        return Signed(None, [draft for draft in drafts if isinstance(draft, GuokuError)])
    try:
        manifest = _manifest(pen, tree)
    except GuokuError as error:
        return Signed(None, [d if isinstance(d, GuokuError) else error for d in drafts])
    commands: list[SignVoucher | GuokuError] = []
    number, leaf = manifest.number, 0
    for draft in drafts:
        if isinstance(draft, GuokuError):
            commands.append(draft)
        else:
            commands.append(pen.command(draft, number, leaf))
            leaf += 1
    return Signed(manifest, commands)


def _manifest(pen: _Pen, tree: Tree) -> SignManifest:
    """The manifest over these leaves, signed.

    Raises:
        GuokuError: ``internal``: the signature does not verify, or a leaf not by its path.
    """
    text = ManifestText(ledger_text(pen.ledger_id), pen.role, len(tree), tree.root)
    proven, leaves = ProvenTree(len(tree), text.root), tree.leaves
    for index, (leaf, path) in enumerate(zip(leaves, tree.inclusion_paths(), strict=True)):
        if not proven.proves(leaf, index, path):
            raise GuokuError(Code.INTERNAL, f"leaf {index} of a fresh manifest does not verify")
    stored = b"".join(leaves)
    written = text.written()
    return SignManifest(
        role=pen.role,
        cert_serial=pen.certificate.serial,
        text=written,
        signature=base64.b64encode(pen.sign(written.encode())).decode("ascii"),
        leaves_sm3=pen.provider.sm3(stored).hex(),
        document=keep_plainly(stored),
    )
