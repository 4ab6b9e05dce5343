"""Which vouchers somebody may sign now, with what their documents are made of.

A payment that the write path has at hand need not be read from the database; everything that would
be refused is, for the database to say why.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import psycopg

from budget.indicator import INDICATOR, Indicator
from ledger.deciding.objects import AnyKind
from ledger.errors import Code, GuokuError, Refusal
from ledger.reading.objects import read_bodies, read_objects
from payments.payment import PAYMENT, Payment
from payments.voucher import SignVoucher, check_signer

# (ledger, kind, numbers, position) -> those of the objects that are at hand
Peek = Callable[[int, AnyKind, Iterable[str], int], dict[str, Any]]


class UnsignedVoucher(NamedTuple):
    """A payment that this person may sign now.

    ``indicator`` is there for a first signature, ``body`` (as stored) for a later one.
    """

    payment: Payment
    indicator: Indicator | None
    body: bytes | None


class UnsignedVouchers(NamedTuple):
    """The vouchers of a ledger that a person may sign in a role, as it stood at ``position``."""

    ledger_id: int
    position: int
    role: str
    principal: str

    def find(
        self, connection: psycopg.Connection, peek: Peek, pay_app_nos: Sequence[str]
    ) -> list[UnsignedVoucher | SignVoucher | GuokuError]:
        """For each payment what its signature needs, the signature that this person has made
        before, or why it may not be signed."""
        found: dict[str, UnsignedVoucher | SignVoucher | GuokuError] = {}
        found |= self._at_hand(peek, pay_app_nos)
        others = [number for number in pay_app_nos if number not in found]
        found |= self._read(connection, others)
        return [found[number] for number in pay_app_nos]

    def _at_hand(self, peek: Peek, pay_app_nos: Sequence[str]) -> dict[str, UnsignedVoucher]:
        """The payments that may be signed for the first time, so far as they are at hand.

        What is at hand may not be committed yet. What has not changed behind ``position``, the head
        that was read before, is; and whatever is true of such a payment is decided again.
        """
        payments: dict[str, Payment] = {
            number: payment
            for number, payment in self._peek(peek, PAYMENT, pay_app_nos).items()
            if not payment.signatures and isinstance(self._signable(payment, number), Payment)
        }
        bgt_ids = {payment.applied.bgt_id for payment in payments.values()}
        indicators = self._peek(peek, INDICATOR, bgt_ids)
        return {
            number: UnsignedVoucher(payment, indicators[payment.applied.bgt_id], None)
            for number, payment in payments.items()
            if payment.applied.bgt_id in indicators
        }

    def _peek(self, peek: Peek, kind: AnyKind, numbers: Iterable[str]) -> dict[str, Any]:
        return peek(self.ledger_id, kind, numbers, self.position)

    def _read(
        self, connection: psycopg.Connection, pay_app_nos: Sequence[str]
    ) -> dict[str, UnsignedVoucher | SignVoucher | GuokuError]:
        """The payments with what their documents need, or why they may not be signed: a query for
        the payments, one for their indicators, one for what was signed before."""
        if not pay_app_nos:
            return {}
        payments = read_objects(connection, self.ledger_id, PAYMENT, pay_app_nos)
        bulk = [self._signable(payments.get(number), number) for number in pay_app_nos]
        signable = [item for item in bulk if isinstance(item, Payment)]
        bgt_ids = [payment.applied.bgt_id for payment in signable if not payment.signatures]
        indicators = read_objects(connection, self.ledger_id, INDICATOR, bgt_ids)
        digests = {signed_before(payment) for payment in signable if payment.signatures}
        bodies = read_bodies(connection, self.ledger_id, digests)
        return {
            number: UnsignedVoucher(
                item,
                indicators.get(item.applied.bgt_id),
                bodies.get(signed_before(item)) if item.signatures else None,
            )
            if isinstance(item, Payment)
            else item
            for number, item in zip(pay_app_nos, bulk, strict=True)
        }

    def _signable(
        self, payment: Payment | None, pay_app_no: str
    ) -> Payment | SignVoucher | GuokuError:
        if payment is None:
            return Refusal(Code.PAYMENT_NOT_FOUND, f"no payment {pay_app_no!r}")
        try:
            check_signer(payment, self.role, self.principal)
        except GuokuError as refusal:
            return self._signed_again(payment) or refusal
        return payment

    def _signed_again(self, payment: Payment) -> SignVoucher | None:
        """The signature that this person has made of it in this role, as it was asked for."""
        for signed in payment.signatures:
            if (signed.role, signed.by) == (self.role, self.principal):
                return SignVoucher(
                    pay_app_no=payment.pay_app_no,
                    role=signed.role,
                    cert_serial=signed.cert_serial,
                    voucher_sm3=signed.voucher_sm3,
                    signature=signed.signature,
                    manifest_no=signed.manifest_no,
                    leaf=signed.leaf,
                    custody=signed.custody,
                    document=b"",
                )
        return None


def signed_before(payment: Payment) -> bytes:
    """SM3 of the bytes that the first signature is over."""
    return bytes.fromhex(payment.signatures[0].voucher_sm3)
