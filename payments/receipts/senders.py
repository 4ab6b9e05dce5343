"""Who has signed what comes in: the certificates of one message's signatures, each verified.

A receipt is believed for its signature alone: that of the bank that has to answer, over the exact
inner bytes, with a certificate that is valid now.
"""

import base64
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg

from division import certificates
from ledger.errors import Code, Refusal
from ledger.gm import Provider
from ledger.reading.documents import compress_document
from payments.manifest import RECEIPT_ROLE
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import MessageType, SignedBy
from payments.receipts.evidence import ReceiptEvidence
from payments.signing.verifying import Verifier


class Senders:
    """The certificates that one message names, read in its beginning; safe between threads."""

    def __init__(
        self,
        connection: psycopg.Connection,
        provider: Provider,
        bodies: Iterable[VoucherBody],
        now: datetime,
    ) -> None:
        self._provider, self._now = provider, now
        self._verifier = Verifier(provider)
        serials = {signature.sn for body in bodies for signature in body.signatures}
        self._certificates = {sn: certificates.find(connection, sn) for sn in serials}

    def bank_of(self, body: VoucherBody) -> str:
        """The agent bank whose certificate a body names, "" where it is none's: of what matches
        nothing that a certain bank was sent."""
        certificate = self._certificates.get(body.signatures[0].sn) if body.signatures else None
        subject = certificate.subject if certificate else ""
        return subject.partition("/")[2] if SignedBy.AGENT_BANK.is_of(subject) else ""

    def verified(
        self, message: MessageType[Any], body: VoucherBody, sender: str
    ) -> ReceiptEvidence:
        """The bytes and their signature, once it is established that the sender made it.

        Args:
            sender: the code of the bank that has to answer.

        Raises:
            Refusal: ``signature_invalid``: none or several, another's, or not over these bytes;
                ``certificate_invalid``: its certificate is unknown, expired, revoked, not begun.
        """
        if len(body.signatures) != 1:
            raise _forged("a receipt carries the one signature of its sender")
        signature, subject = body.signatures[0], message.signed_by.subject(sender)
        if signature.manifest is not None and not message.manifest:
            raise _forged(f"{message.title} is signed by itself")
        certificate = self._certificates[signature.sn]
        if certificate is None:
            raise Refusal(Code.CERTIFICATE_INVALID, f"no certificate {signature.sn[:40]!r}")
        if certificate.subject != subject:
            raise _forged(f"it is signed by {certificate.subject}, not by {subject}")
        document = signed_bytes(body)
        digest = self._provider.sm3(document)
        if not self._verifier.verifies(
            certificate.public_key,
            document,
            signature,
            owner=subject,
            role=RECEIPT_ROLE,
            digest=digest,
            by_value=True,
        ):
            raise _forged(f"the signature of {subject} is not over these bytes")
        certificates.require_valid(certificate, self._now)
        return ReceiptEvidence(
            receipt_sm3=digest.hex(),
            cert_serial=certificate.serial,
            signature=base64.b64encode(signature.value).decode("ascii"),
            document=compress_document(document),
        )


def _forged(detail: str) -> Refusal:
    return Refusal(Code.SIGNATURE_INVALID, f"the receipt is refused: {detail}")
