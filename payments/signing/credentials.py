"""What somebody signs with: a private key out of the key store, and the certificate over it."""

from datetime import datetime
from typing import NamedTuple

from psycopg_pool import ConnectionPool

from division import certificates
from division.certificates import Certificate
from ledger.account_set import division_of
from ledger.gm import PrivateKey, Provider
from ledger.gm.keystore import KeyStore
from ledger.writing.conditions import Conditions


class Credentials(NamedTuple):
    """A private key and the valid certificate over its public half."""

    key: PrivateKey
    certificate: Certificate


def person(principal: str) -> str:
    """The name of a person's key in the key store, and the subject of the certificate."""
    return f"principal/{principal}"


def finance_department(ledger_id: int) -> str:
    """Likewise of the department that signs a division's claims."""
    return f"finance/{division_of(ledger_id)}"


def passing_credentials(
    subject: str, keys: KeyStore, pool: ConnectionPool, provider: Provider, at: datetime
) -> Credentials:
    """Likewise for a dry run, which puts nothing on record: who has no key yet has one for the
    length of it.

    Raises:
        Refusal: ``certificate_invalid`` as :func:`credentials_of`.
    """
    key = keys.private_key(subject) if subject in keys.names() else provider.generate_key()
    public_key = provider.public_key(key)
    with pool.connection() as connection:
        certificate = certificates.would_enrol(connection, subject, public_key, at)
    return Credentials(key, certificate)


def credentials_of(
    subject: str, keys: KeyStore, pool: ConnectionPool, conditions: Conditions, at: datetime
) -> Credentials:
    """The subject's key and certificate; both are made when it signs for the first time.

    Raises:
        Refusal: ``certificate_invalid``: its certificate is not valid at that moment, or over
            another key than the one in the store.
        GuokuError: the key store cannot be used, or has no place for such a name; or a certificate
            is to be made, and nothing may be written now.
    """
    public_key = keys.create(subject)
    with pool.connection() as connection:
        certificate = certificates.enrol(connection, subject, public_key, conditions, at=at)
    return Credentials(keys.private_key(subject), certificate)
