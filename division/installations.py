"""Which installation keeps a ledger that is not here, and whose word is its word."""

from datetime import datetime

import psycopg

from division import certificates
from division.certificate import Certificate
from division.folded import folded_objects
from division.installation import INSTALLATION, Installation
from ledger.account_set import division_of, standing_ledgers_of
from ledger.errors import Code, Refusal
from ledger.gm import PublicKey


def installation_of(connection: psycopg.Connection, own: int, other: int) -> Installation | None:
    """The installation that keeps the ledger ``other``, as one that deals with it from the ledger
    ``own`` knows it; of several the one of the narrowest divisions. None where nobody does.

    What a standing ledger says concerns the divisions below it: one of a county's standing ledger
    is no word to its province.
    """
    division = division_of(other)
    found = [
        each.obj
        for home in standing_ledgers_of(own)
        for each in folded_objects(connection, home, (INSTALLATION,))
        if division.startswith(each.obj.division) and not each.obj.has_ended
    ]
    return max(found, key=lambda each: len(each.division), default=None)


def certificate_of(
    connection: psycopg.Connection, installation: Installation, key: PublicKey, at: datetime
) -> Certificate:
    """The installation's certificate over this key, valid at that moment.

    Raises:
        Refusal: ``certificate_invalid``.
    """
    for certificate in certificates.valid_ones(connection, installation.subject, at):
        if certificate.public_key == key:
            return certificate
    raise Refusal(
        Code.CERTIFICATE_INVALID,
        f"no certificate of {installation.subject} that is valid now is over this key",
        subject=installation.subject,
    )
