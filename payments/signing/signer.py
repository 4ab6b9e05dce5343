"""A person's signatures over documents that are in memory, singly or by one manifest.

A fault in signing (a broken device, a key exchanged under us) must not reach the books: every fresh
signature is verified before it goes anywhere, and of a manifest the root is made anew from the
leaves as they will be stored. For single signatures that is two fifths of the time; a manifest is
verified once for all its vouchers.
"""

import base64
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple, TypeVar

from division.certificates import Certificate
from ledger.account_set import ledger_text
from ledger.deciding.command import Command
from ledger.errors import Code, GuokuError
from ledger.gm import PrivateKey, Provider, sm3
from ledger.integrity.merkle import Tree, root_of
from ledger.reading.documents import keep_plainly
from payments.manifest import ManifestText, SignManifest, leaf_of, split_leaves
from payments.voucher import SignVoucher

CHUNK = 25  # vouchers that a thread takes at once
SERVER, OWN = "server", "own"  # custody: who holds the key that has signed

T = TypeVar("T")
U = TypeVar("U")


class VoucherDocument(NamedTuple):
    """A payment's voucher: the bytes to sign, and as they are stored."""

    pay_app_no: str
    document: bytes
    body: bytes


class VoucherDraft(NamedTuple):
    """A voucher that is ready for the books, but for its place in a manifest if it is to have one.

    ``signature`` is its own, ``leaf`` its hash in a manifest: the one or the other.
    """

    pay_app_no: str
    voucher_sm3: str
    body: bytes
    signature: bytes = b""
    leaf: bytes = b""


class SignedVouchers(NamedTuple):
    """What is to be submitted.

    Attributes:
        manifest: goes before the vouchers that name it; None where each is signed by itself.
        vouchers: in the order asked for, each with the command or why there is none.
    """

    manifest: SignManifest | None
    vouchers: list[SignVoucher | GuokuError]

    def commands(self) -> list[Command]:
        """All of it for the books, in order; raises the first problem, where there is one."""
        commands: list[Command] = [] if self.manifest is None else [self.manifest]
        for item in self.vouchers:
            if isinstance(item, GuokuError):
                raise item
            commands.append(item)
        return commands


# what may be signed; what this person has signed before; what may not be signed
Draft = VoucherDraft | SignVoucher | GuokuError


class Signer(NamedTuple):
    """What one person signs with in one role; used by several threads at once."""

    provider: Provider
    key: PrivateKey
    certificate: Certificate
    role: str
    ledger_id: int
    together: bool

    def draft(self, document: VoucherDocument) -> VoucherDraft:
        """The document signed, or hashed for the manifest that is signed at the end.

        Raises:
            GuokuError: ``internal``: its signature does not verify.
        """
        number, content, body = document
        digest = self.provider.sm3(content)
        if self.together:
            return VoucherDraft(number, digest.hex(), body, leaf=leaf_of(digest))
        return VoucherDraft(number, digest.hex(), body, signature=self.sign(content))

    def each(self, function: Callable[[T], U], items: Sequence[T]) -> list[U]:
        """What the function makes of each item as this signer, in order.

        Signing lets go of the interpreter lock, so it is done on all cores; a turn for every item
        would cost as much as hashing a voucher, so a thread takes a few at once. For a manifest
        nothing is signed before the end, and threads would only take the lock from one another.
        """
        chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
        if self.together or len(chunks) <= 1:
            return [function(item) for item in items]
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="signing") as workers:
            done = workers.map(lambda chunk: [function(item) for item in chunk], chunks)
            return list(chain.from_iterable(done))

    def sign(self, message: bytes) -> bytes:
        """A signature, verified; raises ``internal`` where it is not sound."""
        signature = self.provider.sign(self.key, message)
        if not self.provider.verify(self.certificate.public_key, message, signature):
            raise GuokuError(
                Code.INTERNAL, f"a fresh signature of {self.certificate.subject} does not verify"
            )
        return signature

    def finish(self, drafts: Sequence[Draft]) -> SignedVouchers:
        """The commands. What goes together is signed here; a fault in that is the fault of each."""
        tree = Tree([draft.leaf for draft in drafts if isinstance(draft, VoucherDraft)])
        manifest = None
        if self.together and len(tree):
            try:
                manifest = self._manifest(tree)
            except GuokuError as error:
                return SignedVouchers(
                    None, [error if isinstance(d, VoucherDraft) else d for d in drafts]
                )
        number = manifest.number if manifest else ""
        commands: list[SignVoucher | GuokuError] = []
        leaf = 0
        for draft in drafts:
            if isinstance(draft, VoucherDraft):
                commands.append(
                    voucher_command(
                        draft, self.role, self.certificate.serial, number, leaf if number else 0
                    )
                )
                leaf += 1
            else:
                commands.append(draft)
        return SignedVouchers(manifest, commands)

    def _manifest(self, tree: Tree) -> SignManifest:
        """The manifest over these leaves; raises ``internal`` where it is not sound."""
        text = ManifestText(ledger_text(self.ledger_id), self.role, len(tree), tree.root)
        if root_of(split_leaves(b"".join(tree.leaves))) != text.root:
            raise GuokuError(Code.INTERNAL, "the root of a fresh manifest does not verify")
        signature = self.sign(text.written().encode())
        return manifest_command(text, tree, self.certificate.serial, signature)


def voucher_command(
    draft: VoucherDraft,
    role: str,
    cert_serial: str,
    manifest_no: str = "",
    leaf: int = 0,
    custody: str = SERVER,
) -> SignVoucher:
    """A voucher's signature for the books: its own, or its place in a manifest."""
    return SignVoucher(
        pay_app_no=draft.pay_app_no,
        role=role,
        cert_serial=cert_serial,
        voucher_sm3=draft.voucher_sm3,
        signature=base64.b64encode(draft.signature).decode("ascii") if draft.signature else "",
        manifest_no=manifest_no,
        leaf=leaf,
        custody=custody,
        document=draft.body,
    )


def manifest_command(
    text: ManifestText, tree: Tree, cert_serial: str, signature: bytes, custody: str = SERVER
) -> SignManifest:
    """A manifest for the books, with the leaves of its vouchers."""
    stored = b"".join(tree.leaves)
    return SignManifest(
        role=text.role,
        cert_serial=cert_serial,
        text=text.written(),
        signature=base64.b64encode(signature).decode("ascii"),
        leaves_sm3=sm3(stored).hex(),
        custody=custody,
        document=keep_plainly(stored),
    )
