"""What the simulated agent bank and central bank have in common.

Both take in an envelope, verify it as a stranger would (the treasury's certificates come from its
public API), do their work once per number, and owe a signed receipt until the treasury has
acknowledged it. Faults can be switched on, by chance but repeatable by a seed.
"""

import os
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
import msgspec

from division.certificates import Certificate, require_valid
from ledger.account_set import ledger_text
from ledger.errors import Code, GuokuError, Refusal, RequestError, UnavailableError
from ledger.gm import PublicKey, default_provider
from ledger.gm.keystore import KeyStore
from ledger.integrity.merkle import Tree, leaf_hash
from ledger.money import yuan
from payments.delivery.bank_client import (
    Acknowledgement,
    Acknowledgements,
    InquiryAnswer,
    InquiryAnswers,
    VoucherProblem,
)
from payments.manifest import RECEIPT_ROLE, ManifestText, leaf_of
from payments.messages.envelope import (
    RECEIPT,
    SEND,
    VoucherBody,
    VoucherSignature,
    add_signature,
    parse_envelope,
    signed_bytes,
)
from payments.messages.manifest_list import SignedManifest
from payments.messages.message_types import MessageType, Party, received_by
from payments.signing.verifying import Verifier
from payments.simulators.answers import Answer, Notice
from payments.simulators.book import PaidVoucher, SimulatorBook
from payments.simulators.faults import Faults
from payments.simulators.recalls import returned_receipt
from payments.voucher_number import bill_no, ledger_of_voucher

CHUNK = 50  # vouchers that a thread takes at once
CERTIFICATE_KEPT_S = 60.0  # so long may a revocation stay unnoticed
SECOND_COPY_AFTER_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterpartyConfig:
    """How a simulator runs.

    Attributes:
        port, data: where it listens; its directory, where nobody else writes.
        guoku_url: base address of the treasury's API, without ``/v1``.
        token: a bearer token of role ``bank``, for posting receipts.
        keystore, passphrase: the key store that has its private key under its subject's name.
        cert_serial: of the certificate over that key, registered with the treasury.
        trusted: by what the treasury's certificate is verified where ``guoku_url`` is HTTPS.
        timeout_s: for each step of one HTTP exchange.
        receipts_per_message_max: in one message to the treasury.
        message_bytes_max: documents of one message, before base64.
    """

    host: str = "127.0.0.1"
    port: int
    data: Path
    guoku_url: str
    token: str = field(repr=False)
    keystore: Path
    passphrase: str = field(repr=False)
    cert_serial: str
    faults: Faults = field(default_factory=Faults)
    trusted: ssl.SSLContext | bool = True
    timeout_s: float = 30.0
    receipts_per_message_max: int = 1_000
    message_bytes_max: int = 5 * 1024 * 1024

    @property
    def subject(self) -> str:
        """Its name on the treasury's register, and of its key."""
        raise NotImplementedError


class CertificateDocument(msgspec.Struct, frozen=True):
    """A certificate as ``GET /v1/certificates/{serial}`` shows it; the key is 128 hex digits."""

    serial: str
    subject: str
    public_key: str
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None = None


class Counterparty(ABC):
    """Takes in what the treasury sends to ``PARTY``. Subclasses say what they do with it."""

    PARTY: ClassVar[Party]

    def __init__(self, config: CounterpartyConfig) -> None:
        self.config = config
        self.book = SimulatorBook(config.data / "book.sqlite")
        self.owing = threading.Event()  # set when there may be receipts to send
        self._provider = default_provider()
        self._verifier = Verifier(self._provider)
        keys = KeyStore(config.keystore, config.passphrase)
        self._key = keys.private_key(config.subject)
        self._http = httpx.Client(timeout=config.timeout_s, trust_env=False, verify=config.trusted)
        self._certificates: dict[str, tuple[float, Certificate]] = {}
        self._workers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="counterparty")

    def close(self) -> None:
        self._workers.shutdown(wait=True)
        self._http.close()
        self.book.close()

    @abstractmethod
    def answer(self, body: VoucherBody, signers: Sequence[Certificate]) -> Answer:
        """What is done with a voucher whose signatures are good.

        Raises:
            GuokuError: the voucher is not taken in.
        """

    def take_in(self, message: bytes) -> Acknowledgements:
        """Carries out a message: every number once, whatever happens after.

        Raises:
            RequestError: ``malformed``: the message cannot be read.
            UnavailableError: the certificates cannot be had.
        """
        bodies = parse_envelope(message)
        self._fetch_certificates({s.sn for body in bodies for s in body.signatures})
        known = self.book.known([body.voucher_no for body in bodies])
        judged = self._judge_all(bodies, known)
        paid = [item for item in judged if isinstance(item, PaidVoucher)]
        known |= self.book.record(paid, self.signed)
        taken: dict[str, bytes] = {}
        results = []
        for body, item in zip(bodies, judged, strict=True):
            number = body.voucher_no
            if isinstance(item, VoucherProblem):
                results.append(Acknowledgement(number, "refused", item))
                continue
            digest = item.digest if item else self._provider.sm3(signed_bytes(body))
            first = known.get(number) or taken.setdefault(number, digest)
            if first != digest and not _kept_as_before(first, body):
                results.append(Acknowledgement(number, "refused", _OTHER_BYTES))
            else:
                results.append(
                    Acknowledgement(number, "replayed" if number in known else "accepted")
                )
        again = [answer.voucher_no for answer in results if answer.status == "replayed"]
        if again:
            self.book.owe_again(again, time.time())
        self.owing.set()
        return Acknowledgements(results)

    def inquire(self, numbers: Sequence[str]) -> InquiryAnswers:
        """What this bank knows of these voucher numbers; those it does not know are left out."""
        return InquiryAnswers(
            [
                InquiryAnswer(number, yuan(known.amount_fen), _bill_no(known.receipt))
                for number, known in self.book.look_up(numbers).items()
            ]
        )

    def _judge_all(
        self, bodies: Sequence[VoucherBody], known: Mapping[str, bytes]
    ) -> list[PaidVoucher | VoucherProblem | None]:
        """Signatures that stand alone are verified on all cores. Of a manifest nearly all work is
        Python's, and threads would only take it out of each other's hands."""
        if all(signature.manifest for body in bodies for signature in body.signatures):
            return [self._judge(body, known) for body in bodies]
        chunks = [bodies[start : start + CHUNK] for start in range(0, len(bodies), CHUNK)]
        judging = self._workers.map(lambda chunk: [self._judge(b, known) for b in chunk], chunks)
        return list(chain.from_iterable(judging))

    def _judge(
        self, body: VoucherBody, known: Mapping[str, bytes]
    ) -> PaidVoucher | VoucherProblem | None:
        """None for a number that was paid before: its bytes are compared, nothing else is done."""
        if body.voucher_no in known:
            return None
        try:
            message = received_by(self.PARTY, body)
            digest = self._provider.sm3(signed_bytes(body))
            answer = self.answer(body, self._verified_signers(message, body, digest))
            return self._paid(body, digest, answer)
        except GuokuError as error:
            return VoucherProblem(error.code.text, error.code.status, error.detail)

    def _paid(self, body: VoucherBody, digest: bytes, answer: Answer) -> PaidVoucher:
        receipt = msgspec.structs.replace(
            body,
            voucher_flag=RECEIPT,
            voucher=answer.receipt,
            return_reason=answer.return_reason,
            signatures=(),
        )
        # what came by a manifest is answered by one: with the others of its message, when it goes
        if answer.receipt and not all(signature.manifest for signature in body.signatures):
            receipt = self.signed(receipt)
        faults, now_s = self.config.faults, time.time()
        due_s = [now_s + delay_s + faults.delay_s for delay_s in answer.delays_s]
        if faults.duplicate_receipts and due_s:
            due_s.append(due_s[-1] + SECOND_COPY_AFTER_S)
        return PaidVoucher(
            number=body.voucher_no,
            digest=digest,
            amount_fen=answer.amount_fen,
            head=f"{body.adm_div_code}-{body.st_year}-{body.vt_code}",
            receipt=msgspec.msgpack.encode(receipt) if answer.receipt else b"",
            due_s=tuple(due_s),
            after_next=answer.after_next,
            notices=tuple(
                self.written(notice, body.adm_div_code, body.st_year) for notice in answer.notices
            ),
            pay_app_no=answer.pay_app_no,
            adm_div_code=body.adm_div_code,
            st_year=body.st_year,
            lines=answer.lines,
            returned=returned_receipt(body, answer.returned),
        )

    def send(self, notice: Notice, adm_div_code: str, st_year: int) -> None:
        """Says something that nobody has asked for."""
        body = self.written(notice, adm_div_code, st_year)
        head = f"{adm_div_code}-{st_year}-{notice.vt_code}"
        self.book.owe_notice(notice.voucher_no, head, body, time.time())
        self.owing.set()

    def written(self, notice: Notice, adm_div_code: str, st_year: int) -> bytes:
        """A notice, signed, as the book keeps what is owed."""
        body = VoucherBody(
            adm_div_code=adm_div_code,
            st_year=st_year,
            vt_code=notice.vt_code,
            voucher_no=notice.voucher_no,
            voucher_flag=SEND,
            voucher=notice.document,
        )
        return msgspec.msgpack.encode(self.signed(body))

    def signed(self, body: VoucherBody) -> VoucherBody:
        config = self.config
        return add_signature(body, no=config.subject, sn=config.cert_serial, sign=self._sign)

    def _sign(self, document: bytes) -> bytes:
        return self._provider.sign(self._key, document)

    def sign_together(self, receipts: Sequence[VoucherBody]) -> list[VoucherBody]:
        """The receipts of one message; those that are not signed yet get one manifest.

        It has its leaves with it, because the treasury keeps them.
        """
        digests = [self._provider.sm3(signed_bytes(b)) for b in receipts if not b.signatures]
        leaves = [leaf_of(digest) for digest in digests]
        if not leaves:
            return list(receipts)
        text = ManifestText(self.config.subject, RECEIPT_ROLE, len(leaves), Tree(leaves).root)
        written = text.written()
        manifest = SignedManifest(written, self._sign(written.encode()), b"".join(leaves))
        places = iter(range(len(leaves)))
        return [
            body
            if body.signatures
            else msgspec.structs.replace(body, signatures=(self._by_leaf(manifest, next(places)),))
            for body in receipts
        ]

    def _by_leaf(self, manifest: SignedManifest, leaf: int) -> VoucherSignature:
        return VoucherSignature(
            no=self.config.subject, sn=self.config.cert_serial, manifest=manifest, leaf=leaf
        )

    def _verified_signers(
        self, message: MessageType[Any], body: VoucherBody, digest: bytes
    ) -> list[Certificate]:
        """The certificates of the signatures, in order, each verified.

        Args:
            digest: the voucher's SM3.

        Raises:
            Refusal: ``signature_invalid``, ``certificate_invalid`` or ``same_person``.
        """
        if not body.signatures:
            raise Refusal(Code.SIGNATURE_INVALID, "the voucher is not signed")
        key = ledger_of_voucher(body.voucher_no)
        owner = "" if key is None else ledger_text(key)
        signers = []
        for signature in body.signatures:
            if signature.sn not in self._certificates:
                raise Refusal(Code.CERTIFICATE_INVALID, f"no certificate {signature.sn[:40]!r}")
            _, certificate = self._certificates[signature.sn]
            if not self._verifier.verifies(
                certificate.public_key,
                signed_bytes(body),
                signature,
                owner=owner,
                role=signature.no,
                digest=digest,
            ):
                raise Refusal(Code.SIGNATURE_INVALID, f"that of {signature.no} does not verify")
            require_valid(certificate, datetime.now(UTC))
            signers.append(certificate)
        if not all(message.signed_by.is_of(signer.subject) for signer in signers):
            raise Refusal(Code.SIGNATURE_INVALID, f"{message.title}: signed by somebody else")
        if len({signer.subject for signer in signers}) < len(signers):
            raise Refusal(Code.SAME_PERSON, "one person has signed twice")
        return signers

    def _fetch_certificates(self, serials: set[str]) -> None:
        for serial in serials:
            kept = self._certificates.get(serial)
            if kept is None or time.monotonic() - kept[0] > CERTIFICATE_KEPT_S:
                certificate = self._fetch(serial)
                if certificate is not None:  # one that is not there may come: it is asked for again
                    self._certificates[serial] = (time.monotonic(), certificate)

    def _fetch(self, serial: str) -> Certificate | None:
        url = f"{self.config.guoku_url}/v1/certificates/{quote(serial, safe='')}"
        try:
            response = self._http.get(url)
            if response.status_code == httpx.codes.NOT_FOUND:
                return None
            response.raise_for_status()
            shown = msgspec.json.decode(response.content, type=CertificateDocument)
            return Certificate(
                shown.serial,
                shown.subject,
                PublicKey(bytes.fromhex(shown.public_key)),
                shown.not_before,
                shown.not_after,
                shown.revoked_at,
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RequestError) as error:
            raise UnavailableError(Code.UNAVAILABLE, f"certificate {serial}: {error}") from error


def _bill_no(receipt: bytes) -> str:
    """The payment's own number in a receipt that is kept; "" where none is."""
    return bill_no(msgspec.msgpack.decode(receipt, type=VoucherBody).voucher) if receipt else ""


def _kept_as_before(digest: bytes, body: VoucherBody) -> bool:
    """Whether this is what earlier books have of the voucher: its leaf in a manifest of then."""
    return digest == leaf_hash(signed_bytes(body))


_OTHER_BYTES = VoucherProblem(
    Code.IDEMPOTENCY_CONFLICT.text, 409, "this voucher number was taken in with another content"
)
