"""Signing with one's own key: the server says what is to be signed, the person's device signs it.

Two requests, and nothing is kept between them: the bytes follow from the books, so they are built
again when the signature comes and it has to be over just those. What has changed meanwhile (a code
set, another signature) makes them others, and the signature is refused.

The key never comes here. Which certificate has signed is found by verifying; only certificates that
are on record for the person, and valid at the moment, are tried.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg_pool import ConnectionPool

from division import certificates
from division.certificates import Certificate
from ledger.account_set import ledger_text
from ledger.elements.code_sets import CodeSets
from ledger.errors import Code, GuokuError, Refusal
from ledger.gm import Provider, PublicKey
from ledger.gm.signature import canonical, signer_digest
from ledger.integrity.merkle import Tree
from ledger.reading.objects import read_head, read_objects
from payments.manifest import ManifestText, leaf_of, read_text
from payments.payment import PAYMENT, Payment
from payments.signature_policy import PER_MANIFEST, SIGNATURE_POLICY
from payments.signing.credentials import person
from payments.signing.documents import document_to_sign
from payments.signing.signer import (
    OWN,
    SignedVouchers,
    VoucherDocument,
    VoucherDraft,
    manifest_command,
    voucher_command,
)
from payments.signing.unsigned import Peek, UnsignedVoucher, UnsignedVouchers
from payments.voucher import SignVoucher


class PreparedVoucher(NamedTuple):
    """A voucher to sign.

    Attributes:
        document: the bytes, GBK.
        voucher_sm3: of them, by which they are stored.
        digest: e of GB/T 32918.2, what a device signs; b"" where a manifest is signed instead.
    """

    pay_app_no: str
    pay_cert_no: str
    document: bytes
    voucher_sm3: bytes
    digest: bytes


class PreparedManifest(NamedTuple):
    """The text that is signed for all vouchers that may be signed, and its e."""

    text: str
    digest: bytes
    pay_app_nos: tuple[str, ...]


class Prepared(NamedTuple):
    """What is to be signed; ``manifest`` where the ledger's policy has vouchers signed together."""

    items: list[PreparedVoucher | GuokuError]
    manifest: PreparedManifest | None


class Signature(NamedTuple):
    """What a device has made of the digest of one voucher: DER in base64."""

    pay_app_no: str
    signature: str


class OwnKeySigning:
    """Takes signatures that persons have made themselves; safe between threads.

    Args:
        codes: gives the code sets in force; asked once a request.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        provider: Provider,
        codes: Callable[[], CodeSets],
        now: Callable[[], datetime],
        peek: Peek,
    ) -> None:
        self._pool = pool
        self._provider = provider
        self._codes = codes
        self._now = now
        self._peek = peek

    # ---- preparing

    def prepare(
        self, ledger_id: int, pay_app_nos: Sequence[str], role: str, principal: str, serial: str
    ) -> Prepared:
        """What ``principal`` signs in ``role`` with the certificate of this serial number.

        Returns:
            For each payment its voucher, or why it may not be signed: ``payment_not_found``,
            ``invalid_state`` (he has signed it already, too), ``same_person``, ``signature_order``,
            ``malformed`` for a voucher that GBK cannot carry.

        Raises:
            Refusal: ``certificate_invalid``: it is not his, or not valid now.
        """
        certificate = self._certificate(principal, serial)
        together = self._signs_together(ledger_id)
        codes = self._codes()
        found = self._find(ledger_id, pay_app_nos, role, principal)
        items = [
            self._prepared(ledger_id, codes, item, certificate.public_key, together=together)
            for item in found
        ]
        manifest = self._manifest(ledger_id, role, certificate, items) if together else None
        return Prepared(items, manifest)

    def _certificate(self, principal: str, serial: str) -> Certificate:
        with self._pool.connection() as connection:
            certificate = certificates.find(connection, serial)
        if certificate is None or certificate.subject != person(principal):
            raise Refusal(
                Code.CERTIFICATE_INVALID, f"{principal} has no certificate {serial[:40]!r}"
            )
        return certificates.require_valid(certificate, self._now())

    def _signs_together(self, ledger_id: int) -> bool:
        with self._pool.connection() as connection:
            head = read_head(connection, ledger_id)
        return head is not None and head.settings.get(SIGNATURE_POLICY).signing == PER_MANIFEST

    def _find(
        self, ledger_id: int, pay_app_nos: Sequence[str], role: str, principal: str
    ) -> list[UnsignedVoucher | SignVoucher | GuokuError]:
        with self._pool.connection() as connection:
            head = read_head(connection, ledger_id)
            asked = UnsignedVouchers(ledger_id, head.position if head else 0, role, principal)
            return asked.find(connection, self._peek, pay_app_nos)

    def _prepared(
        self,
        ledger_id: int,
        codes: CodeSets,
        item: UnsignedVoucher | SignVoucher | GuokuError,
        public_key: PublicKey,
        *,
        together: bool,
    ) -> PreparedVoucher | GuokuError:
        if isinstance(item, SignVoucher):
            return Refusal(Code.INVALID_STATE, f"you have signed {item.pay_app_no} as {item.role}")
        if isinstance(item, GuokuError):
            return item
        try:
            document = document_to_sign(ledger_id, codes, item).document
        except GuokuError as error:
            return error
        digest = b"" if together else self._digest(public_key, document)
        voucher_sm3 = self._provider.sm3(document)
        number = item.payment.pay_app_no
        return PreparedVoucher(number, item.payment.pay_cert_no, document, voucher_sm3, digest)

    def _digest(self, public_key: PublicKey, message: bytes) -> bytes:
        """e = SM3(ZA ‖ message), GB/T 32918.2 §6.1."""
        sm3 = self._provider.sm3
        return sm3(signer_digest(public_key, sm3) + message)

    def _manifest(
        self,
        ledger_id: int,
        role: str,
        certificate: Certificate,
        items: Iterable[PreparedVoucher | GuokuError],
    ) -> PreparedManifest | None:
        """Over those that may be signed, in the order asked for; None where there is none."""
        vouchers = [item for item in items if isinstance(item, PreparedVoucher)]
        if not vouchers:
            return None
        tree = Tree([leaf_of(voucher.voucher_sm3) for voucher in vouchers])
        text = ManifestText(ledger_text(ledger_id), role, len(tree), tree.root).written()
        digest = self._digest(certificate.public_key, text.encode())
        return PreparedManifest(text, digest, tuple(each.pay_app_no for each in vouchers))

    # ---- what was signed

    def signed_each(
        self,
        ledger_id: int,
        signatures: Sequence[Signature],
        principal: str,
        roles: Sequence[str],
    ) -> SignedVouchers:
        """The signatures of single vouchers, each in the role whose turn it is.

        Args:
            roles: that the person holds.

        Returns:
            For each signature the command (that of an earlier request where he has signed it
            before), or the problem: as of :meth:`prepare`, or ``signature_invalid``.

        Raises:
            Refusal: ``certificate_invalid``: he has no certificate that is valid now.
        """
        role_of = self._roles_of(ledger_id, signatures, principal, roles)
        found: dict[str, UnsignedVoucher | SignVoucher | GuokuError] = {}
        for role in dict.fromkeys(role_of.values()):
            numbers = [number for number, its in role_of.items() if its == role]
            items = self._find(ledger_id, numbers, role, principal)
            found |= dict(zip(numbers, items, strict=True))
        valid, codes = self._valid_ones(principal), self._codes()
        signed: list[SignVoucher | GuokuError] = []
        for number, signature in signatures:
            item = found[number]
            if isinstance(item, UnsignedVoucher):
                item = self._signed(ledger_id, codes, item, valid, role_of[number], signature)
            signed.append(item)
        return SignedVouchers(None, signed)

    def signed_together(
        self,
        ledger_id: int,
        text: str,
        pay_app_nos: Sequence[str],
        signature: str,
        principal: str,
        roles: Sequence[str],
    ) -> SignedVouchers:
        """The signature of a prepared manifest, with all its vouchers.

        Raises:
            Refusal: ``signature_invalid``: it is no such text, not in a role of his, not over these
                vouchers as they are now, or not signed by him; ``certificate_invalid``; or why one
                of the vouchers may not be signed: then none is.
        """
        manifest = read_text(text)
        if manifest.role not in roles:
            raise Refusal(Code.SIGNATURE_INVALID, f"it is signed as {manifest.role[:40]!r}")
        found = self._find(ledger_id, pay_app_nos, manifest.role, principal)
        before = [item for item in found if isinstance(item, SignVoucher)]
        if len(before) == len(found):  # asked again
            return SignedVouchers(None, [*before])
        drafts, codes, valid = [], self._codes(), self._valid_ones(principal)
        for item in found:
            if isinstance(item, SignVoucher):
                raise Refusal(Code.SIGNATURE_INVALID, f"you have signed {item.pay_app_no} before")
            if isinstance(item, GuokuError):
                raise item
            drafts.append(self._leaf(document_to_sign(ledger_id, codes, item)))
            valid = self._unused(valid, item)
        tree = Tree([draft.leaf for draft in drafts])
        if ManifestText(ledger_text(ledger_id), manifest.role, len(tree), tree.root) != manifest:
            raise Refusal(Code.SIGNATURE_INVALID, "it is not over these vouchers as they are now")
        serial, der = self._verified(valid, text.encode(), signature)
        command = manifest_command(manifest, tree, serial, der, OWN)
        return SignedVouchers(
            command,
            [
                voucher_command(draft, manifest.role, serial, command.number, leaf, OWN)
                for leaf, draft in enumerate(drafts)
            ],
        )

    def _roles_of(
        self,
        ledger_id: int,
        signatures: Sequence[Signature],
        principal: str,
        roles: Sequence[str],
    ) -> dict[str, str]:
        """The role that each payment is signed in: that of his signature, or whose turn it is, or
        else one of his, for which it is refused."""
        numbers = [each.pay_app_no for each in signatures]
        with self._pool.connection() as connection:
            payments = read_objects(connection, ledger_id, PAYMENT, numbers)
        return {
            number: _role_of(payments.get(number), principal, roles) or roles[0]
            for number in numbers
        }

    def _valid_ones(self, principal: str) -> list[Certificate]:
        with self._pool.connection() as connection:
            valid = certificates.valid_ones(connection, person(principal), self._now())
        if not valid:
            raise Refusal(Code.CERTIFICATE_INVALID, f"{principal} has no valid certificate")
        return valid

    def _unused(self, valid: list[Certificate], item: UnsignedVoucher) -> list[Certificate]:
        """Those with keys that have not signed the voucher, whoever they were made out to."""
        if not item.payment.signatures:
            return valid
        with self._pool.connection() as connection:
            used = [certificates.find(connection, s.cert_serial) for s in item.payment.signatures]
        keys = {certificate.public_key for certificate in used if certificate is not None}
        return [certificate for certificate in valid if certificate.public_key not in keys]

    def _signed(
        self,
        ledger_id: int,
        codes: CodeSets,
        item: UnsignedVoucher,
        valid: list[Certificate],
        role: str,
        signature: str,
    ) -> SignVoucher | GuokuError:
        try:
            number, document, body = document_to_sign(ledger_id, codes, item)
            serial, der = self._verified(self._unused(valid, item), document, signature)
        except GuokuError as error:
            return error
        draft = VoucherDraft(number, self._provider.sm3(document).hex(), body, signature=der)
        return voucher_command(draft, role, serial, custody=OWN)

    def _verified(
        self, valid: Sequence[Certificate], message: bytes, signature: str
    ) -> tuple[str, bytes]:
        """The serial of the certificate that has signed, and the signature in its one encoding."""
        try:
            der = canonical(base64.b64decode(signature, validate=True))
        except (binascii.Error, ValueError):
            der = None
        if der is not None:
            for certificate in valid:
                if self._provider.verify(certificate.public_key, message, der):
                    return certificate.serial, der
        raise Refusal(
            Code.SIGNATURE_INVALID,
            "it is no signature of these bytes as they are now by a valid certificate of yours",
        )

    def _leaf(self, document: VoucherDocument) -> VoucherDraft:
        digest = self._provider.sm3(document.document)
        return VoucherDraft(document.pay_app_no, digest.hex(), document.body, leaf=leaf_of(digest))


def _role_of(payment: Payment | None, principal: str, roles: Sequence[str]) -> str:
    if payment is None or payment.approved is None:
        return ""
    for signature in payment.signatures:
        if signature.by == principal:
            return signature.role
    due = payment.approved.roles[len(payment.signatures) :][:1]
    return due[0] if due and due[0] in roles else ""
