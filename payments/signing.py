"""签章: signing vouchers in bulk, outside the write path.

The order is: look at the payments, refuse what may not be signed, sign the rest in parallel, verify
what was signed, and give back commands for the sequencer, which decides again. Every signature of a
voucher is over the same bytes: the first signer's are built here, everybody after signs what was
stored with that signature, whatever the code sets have become since.

Where the ledger's signature policy says so, the vouchers of a request are signed together, by one
manifest (``payments.manifest``); otherwise each by itself.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import psycopg
from psycopg_pool import ConnectionPool

from budget.indicator import INDICATOR, Indicator
from ledger.deciding.objects import AnyKind
from ledger.elements.code_sets import CodeSets
from ledger.errors import Code, GuokuError, IntegrityError, Refusal
from ledger.gm import KeyStore, PrivateKey, Provider
from ledger.reading.documents import compress_document, open_document
from ledger.reading.objects import read_bodies, read_head, read_objects
from payments import certificates
from payments.certificates import Certificate
from payments.fresh_documents import FreshDocuments
from payments.payment import PAYMENT, Payment, approved_at
from payments.pen import Document, Draft, Pen, Signed
from payments.signature_policy import PER_MANIFEST, SIGNATURE_POLICY
from payments.voucher import check_signer
from payments.voucher_document import voucher_document

BULK_MAX = 500  # payments in memory at once: each may have 499 details


Peek = Callable[[int, AnyKind, Iterable[str], int], dict[str, Any]]


def _sees_nothing(*_: object) -> dict[str, Any]:
    return {}


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
    peek: Peek = _sees_nothing,
    fresh: FreshDocuments | None = None,
) -> Signed:
    """Signs the vouchers of these payments as ``principal`` in ``role``.

    The key ``principal/<name>`` is made with a person's first signature, and with it a certificate
    of a year. A dry run signs singly: it leaves no manifest behind that a voucher could name.

    Args:
        peek: sees payments and indicators without the database: ``Sequencer.peek``.
        fresh: is given what was signed, for the one who sends it.

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
    together = (
        head is not None
        and head.settings.get(SIGNATURE_POLICY).signing == PER_MANIFEST
        and not dry_run
    )
    position = head.position if head is not None else 0
    pen: Pen | Refusal | None = None
    drafts: list[Draft | GuokuError] = []
    for start in range(0, len(pay_app_nos), BULK_MAX):
        numbers = pay_app_nos[start : start + BULK_MAX]
        with pool.connection() as connection:
            seen = _seen(peek, ledger_id, position, numbers, role, principal)
            others = [number for number in numbers if number not in seen]
            seen |= _read(connection, ledger_id, others, role, principal)
        bulk = [seen[number] for number in numbers]
        if pen is None and any(isinstance(item, _Unsigned) for item in bulk):
            try:
                key, certificate = _credentials(pool, keys, principal, now)
                pen = Pen(provider, key, certificate, role, ledger_id, together)
            except Refusal as refusal:
                pen = refusal
        attempt = partial(_attempt, pen, ledger_id, codes, fresh)
        drafts += pen.each(attempt, bulk) if isinstance(pen, Pen) else map(attempt, bulk)
    if isinstance(pen, Pen):
        return pen.finish(drafts)
    return Signed(None, [draft for draft in drafts if isinstance(draft, GuokuError)])


class _Unsigned(NamedTuple):
    """A payment that this person may sign now.

    ``indicator`` is there for a first signature, ``body`` (as stored) for a later one.
    """

    payment: Payment
    indicator: Indicator | None
    body: bytes | None


def _seen(
    peek: Peek,
    ledger_id: int,
    position: int,
    pay_app_nos: Sequence[str],
    role: str,
    principal: str,
) -> dict[str, "_Unsigned | GuokuError"]:
    """The payments that may be signed for the first time, so far as they are in view.

    What is in view may not be committed yet. An approval up to ``position``, the head that was read
    before, is; and whatever else is true of such a payment the sequencer decides again. The rest,
    and all that would be refused, is for the database to say.
    """
    payments: dict[str, Payment] = {
        number: payment
        for number, payment in peek(ledger_id, PAYMENT, pay_app_nos, position).items()
        if not payment.signatures
        and isinstance(_may_sign(payment, number, role, principal), Payment)
        and approved_at(payment) <= position
    }
    bgt_ids = {payment.applied.bgt_id for payment in payments.values()}
    indicators = peek(ledger_id, INDICATOR, bgt_ids, position)
    return {
        number: _Unsigned(payment, indicators[payment.applied.bgt_id], None)
        for number, payment in payments.items()
        if payment.applied.bgt_id in indicators
    }


def _read(
    connection: psycopg.Connection,
    ledger_id: int,
    pay_app_nos: Sequence[str],
    role: str,
    principal: str,
) -> dict[str, "_Unsigned | GuokuError"]:
    """The payments with what their documents need, or why they may not be signed: five queries."""
    if not pay_app_nos:
        return {}
    payments = read_objects(connection, ledger_id, PAYMENT, pay_app_nos)
    bulk = [_may_sign(payments.get(number), number, role, principal) for number in pay_app_nos]
    signable = [item for item in bulk if isinstance(item, Payment)]
    indicators = read_objects(
        connection, ledger_id, INDICATOR, [p.applied.bgt_id for p in signable if not p.signatures]
    )
    bodies = read_bodies(
        connection, ledger_id, {_signed_before(p) for p in signable if p.signatures}
    )
    return {
        number: _Unsigned(
            item,
            indicators.get(item.applied.bgt_id),
            bodies.get(_signed_before(item)) if item.signatures else None,
        )
        if isinstance(item, Payment)
        else item
        for number, item in zip(pay_app_nos, bulk, strict=True)
    }


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


def _attempt(
    pen: Pen | Refusal | None,
    ledger_id: int,
    codes: CodeSets,
    fresh: FreshDocuments | None,
    item: _Unsigned | GuokuError,
) -> Draft | GuokuError:
    """The draft; a problem of one voucher is its own and stops no other."""
    if isinstance(item, GuokuError):
        return item
    if not isinstance(pen, Pen):
        assert pen is not None, "there are credentials, or a refusal, for what may be signed"
        return pen
    try:
        document = _document(ledger_id, codes, item)
        draft = pen.draft(document)
    except GuokuError as error:
        return error
    if fresh is not None:
        fresh.keep(bytes.fromhex(draft.voucher_sm3), document.body)
    return draft


def _document(ledger_id: int, codes: CodeSets, item: _Unsigned) -> Document:
    """The voucher to sign.

    Raises:
        IntegrityError: what was signed before is not stored, or not as it was signed.
    """
    payment = item.payment
    if not payment.signatures:
        assert item.indicator is not None, "no payment without an indicator"
        document = voucher_document(ledger_id, payment, item.indicator, codes)
        return Document(payment.pay_app_no, document, compress_document(document))
    if item.body is None:
        raise IntegrityError(f"the signed voucher {payment.pay_cert_no} is not stored")
    document = open_document(_signed_before(payment), item.body)
    return Document(payment.pay_app_no, document, item.body)
