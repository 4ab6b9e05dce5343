"""Certificates for keys that persons keep themselves, and payments that wait for a signature."""

from datetime import UTC, datetime, timedelta

from division import certificates
from ledger.gm import PublicKey
from tests.support.http_server import HttpTreasury


def enrolled(
    http: HttpTreasury,
    person: str,
    public_key: PublicKey,
    begins: timedelta = timedelta(minutes=-1),
) -> certificates.Certificate:
    """A certificate of a year for a person's own key."""
    now = datetime.now(UTC)
    with http.treasury.pool.connection() as connection:
        return certificates.register(
            connection,
            f"principal/{person}",
            public_key,
            http.treasury.sequencer.conditions,
            not_before=now + begins,
            not_after=now + timedelta(days=365),
        )


def approved(http: HttpTreasury, bgt_id: str, amount: str = "100.00") -> str:
    """A payment applied for and approved."""
    number = http.applied(bgt_id, amount)
    http.ok(http.post(f"…/payments/{number}/approve", person="checker"))
    return number
