"""A ledger whose vouchers are signed with real keys and certificates, over the real path."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from division import certificates
from ledger.elements import stored_code_sets
from ledger.errors import GuokuError
from ledger.gm import PrivateKey, default_provider
from ledger.gm.keystore import KeyStore
from ledger.reading import objects
from payments.manifest import SignManifest
from payments.signing.credentials import person
from payments.signing.service import SigningService
from payments.voucher import SignVoucher
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import Bookkeeper

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


class SigningLedger:
    """A ledger with its key store: signs over the real path and submits what comes of it."""

    def __init__(self, b: Bookkeeper, keys: KeyStore) -> None:
        self.b, self.keys = b, keys
        self.provider: Any = default_provider()
        self.codes: Any = stored_code_sets.shipped()
        self.manifest: SignManifest | None = None

    def approved(self, *numbers: str, amount: str = "1.00", **more: Any) -> None:
        if not self.b.sql("SELECT 1 FROM registers WHERE ledger_id = %s"):
            self.b.issue("B", "100000.00")
        for number in numbers:
            self.b.apply(number, "B", amount, **more)
            self.b.approve(number)

    def sign(
        self,
        *numbers: str,
        role: str = "treasury",
        by: str = "li.si",
        now: datetime = NOW,
        **more: Any,
    ) -> list[SignVoucher | GuokuError]:
        b = self.b
        signing = SigningService(
            b.pool, self.keys, self.provider, lambda: self.codes, lambda: now, FREELY, **more
        )
        self.manifest, vouchers = signing.sign(b.ledger_id, numbers, role, by)
        return vouchers

    def signed(self, number: str, **how: Any) -> SignVoucher:
        """Signs, and puts the signature into the books."""
        [command] = self.sign(number, **how)
        assert isinstance(command, SignVoucher), command
        self.b.do(command, how.get("by", "li.si"))
        return command

    def document(self, command: SignVoucher) -> bytes:
        with self.b.pool.connection() as connection:
            digest = bytes.fromhex(command.voucher_sm3)
            document = objects.read_document(connection, self.b.ledger_id, digest)
        assert document is not None
        return document

    def verifies(self, command: SignVoucher, document: bytes) -> bool:
        with self.b.pool.connection() as connection:
            certificate = certificates.find(connection, command.cert_serial)
        assert certificate is not None
        signature = base64.b64decode(command.signature, validate=True)
        valid: bool = self.provider.verify(certificate.public_key, document, signature)
        return valid

    def certificate(self, by: str = "li.si") -> certificates.Certificate:
        with self.b.pool.connection() as connection:
            return certificates.current(connection, person(by), NOW)


@pytest.fixture
def ledger(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningLedger:
    return SigningLedger(bookkeeper, KeyStore(tmp_path / "keys", "测试口令", iterations=1000))


def codes_of(results: Sequence[SignVoucher | GuokuError]) -> list[str]:
    """A result as the code of its problem, or "signed"."""
    return [r.code.text if isinstance(r, GuokuError) else "signed" for r in results]


class FaultyDevice:
    """Signs something else for every voucher over ``amount``, as a device with a flipped bit."""

    def __init__(self, amount: bytes) -> None:
        self.sound, self.amount = default_provider(), amount

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        return self.sound.sign(key, message.replace(self.amount, b"0.00"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)
