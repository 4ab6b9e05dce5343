"""The one service that signs: asked over HTTP, by disbursement runs and by the dispatcher.

Signing is outside the write path. The order is: look at the payments, refuse what may not be
signed, sign the rest in parallel, verify what was signed, and give back commands for the books,
which decide again. Every signature of a voucher is over the same bytes: the first signer's are
built here, everybody after signs what was stored with that signature, whatever the code sets have
become since.

Where the ledger's signature policy says so, the vouchers of a request are signed together, by one
manifest (``payments.manifest``); otherwise each by itself.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from psycopg_pool import ConnectionPool

from ledger.deciding.command import Outcome
from ledger.elements.code_sets import CodeSets
from ledger.errors import GuokuError, Refusal
from ledger.gm import Provider
from ledger.gm.keystore import KeyStore
from ledger.reading.objects import read_head
from ledger.writing.conditions import Conditions
from ledger.writing.submitting import Submit
from payments.signature_policy import PER_MANIFEST, SIGNATURE_POLICY
from payments.signing.claims import ClaimSigner
from payments.signing.credentials import (
    Credentials,
    credentials_of,
    finance_department,
    passing_credentials,
    person,
)
from payments.signing.documents import document_to_sign
from payments.signing.fresh_documents import FreshDocuments
from payments.signing.signer import Draft, SignedVouchers, Signer
from payments.signing.submitting import submit_signed
from payments.signing.unsigned import Peek, UnsignedVoucher, UnsignedVouchers
from payments.voucher import SignVoucher

BULK_MAX = 500  # payments in memory at once: each may have 499 details


def _nothing_at_hand(*_: object) -> dict[str, Any]:
    return {}


class SigningService:
    """Signs with the keys of the key store; safe between threads.

    A key, and with it a certificate of a year, is made with the first signature of a person or of a
    division's finance department.

    Args:
        codes: gives the code sets in force; asked once a request.
        conditions: on which a first certificate is put on record.
        peek: what the write path has at hand of payments and indicators.
        fresh: is given what was signed, for the one who sends it.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        keys: KeyStore,
        provider: Provider,
        codes: Callable[[], CodeSets],
        now: Callable[[], datetime],
        conditions: Conditions,
        *,
        peek: Peek = _nothing_at_hand,
        fresh: FreshDocuments | None = None,
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._provider = provider
        self._codes = codes
        self._now = now
        self._conditions = conditions
        self._peek = peek
        self._fresh = FreshDocuments() if fresh is None else fresh

    # ---- vouchers

    def sign(
        self,
        ledger_id: int,
        pay_app_nos: Sequence[str],
        role: str,
        principal: str,
        *,
        dry_run: bool = False,
    ) -> SignedVouchers:
        """Signs the vouchers of these payments as ``principal`` in ``role``.

        A dry run signs singly: it leaves no manifest behind that a voucher could name.

        Returns:
            For each payment the command (that of an earlier request where he has signed it
            before, for the books to answer again), or the problem: ``payment_not_found``,
            ``invalid_state``, ``same_person``, ``signature_order``, ``certificate_invalid``;
            ``malformed`` for a voucher that GBK cannot carry; ``internal`` where a stored document
            or a fresh signature is not sound.

        Raises:
            GuokuError: the key store cannot be used, or has no place for such a name.
        """
        with self._pool.connection() as connection:
            head = read_head(connection, ledger_id)
        together = (
            head is not None
            and head.settings.get(SIGNATURE_POLICY).signing == PER_MANIFEST
            and not dry_run
        )
        asked = UnsignedVouchers(ledger_id, head.position if head else 0, role, principal)
        codes = self._codes()
        signer: Signer | Refusal | None = None
        drafts: list[Draft] = []
        for bulk in self._bulks(asked, pay_app_nos):
            if signer is None and any(isinstance(item, UnsignedVoucher) for item in bulk):
                signer = self._signer(asked, together=together, dry_run=dry_run)
            attempt = partial(self._attempt, signer, ledger_id, codes)
            each = signer.each if isinstance(signer, Signer) else map
            drafts += each(attempt, bulk)
        if isinstance(signer, Signer):
            return signer.finish(drafts)
        told = [draft for draft in drafts if isinstance(draft, SignVoucher | GuokuError)]
        return SignedVouchers(None, told)

    def sign_and_submit(
        self,
        ledger_id: int,
        pay_app_nos: Sequence[str],
        role: str,
        principal: str,
        submit: Submit,
        *,
        dry_run: bool = False,
    ) -> list[Outcome]:
        """Signs as :meth:`sign` does, and brings what came of it to the books; an outcome each."""
        signed = self.sign(ledger_id, pay_app_nos, role, principal, dry_run=dry_run)
        return submit_signed(ledger_id, pay_app_nos, signed, principal, submit, dry_run=dry_run)

    def _bulks(
        self, asked: UnsignedVouchers, pay_app_nos: Sequence[str]
    ) -> Iterator[list[UnsignedVoucher | SignVoucher | GuokuError]]:
        for start in range(0, len(pay_app_nos), BULK_MAX):
            with self._pool.connection() as connection:
                bulk = asked.find(connection, self._peek, pay_app_nos[start : start + BULK_MAX])
            yield bulk

    def _signer(
        self, asked: UnsignedVouchers, *, together: bool, dry_run: bool
    ) -> Signer | Refusal:
        """Who signs, or the refusal ``certificate_invalid``."""
        subject = person(asked.principal)
        try:
            key, certificate = (
                passing_credentials(subject, self._keys, self._pool, self._provider, self._now())
                if dry_run
                else self._credentials_of(subject)
            )
        except Refusal as refusal:
            return refusal
        return Signer(self._provider, key, certificate, asked.role, asked.ledger_id, together)

    def _credentials_of(self, subject: str) -> Credentials:
        return credentials_of(subject, self._keys, self._pool, self._conditions, self._now())

    def _attempt(
        self,
        signer: Signer | Refusal | None,
        ledger_id: int,
        codes: CodeSets,
        item: UnsignedVoucher | SignVoucher | GuokuError,
    ) -> Draft:
        """The draft; a problem of one voucher is its own and stops no other."""
        if not isinstance(item, UnsignedVoucher):
            return item
        if not isinstance(signer, Signer):
            assert signer is not None, "there is a signer, or a refusal, for what may be signed"
            return signer
        try:
            document = document_to_sign(ledger_id, codes, item)
            draft = signer.draft(document)
        except GuokuError as error:
            return error
        self._fresh.keep(bytes.fromhex(draft.voucher_sm3), document.body)
        return draft

    # ---- claims

    def claim_signer(self, ledger_id: int) -> ClaimSigner:
        """Who signs the claims of a ledger: the finance department of its division.

        Raises:
            Refusal: ``certificate_invalid`` when its certificate is no longer valid.
        """
        subject = finance_department(ledger_id)
        key, certificate = self._credentials_of(subject)
        return ClaimSigner(ledger_id, certificate.serial, partial(self._provider.sign, key))
