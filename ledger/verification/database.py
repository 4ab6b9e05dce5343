"""数据库: what is to be checked of a database as a whole, beside its ledgers.

A check that is about no single ledger is a function that is entered here; like all others it says
what it found, and what it raises ends it alone.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import psycopg

from ledger.verification.checkpoints import KeptNote
from ledger.verification.findings import Findings
from ledger.verification.following import Guard
from ledger.verification.ledgers import LEDGERS, check_ledgers, last_head
from ledger.verification.schema import SCHEMA, check_schema


class ToVerify(NamedTuple):
    """What the checks of a database are given: a connection of its owner, and notes of any origin
    from outside it."""

    connection: psycopg.Connection
    notes: Sequence[KeptNote] = ()


DatabaseCheck = Callable[[Findings, ToVerify], None]

_joined: dict[str, DatabaseCheck] = {}


def join_database(name: str, check: DatabaseCheck) -> None:
    """Enters a check, under the name that it was entered by."""
    _joined[name] = check


def verify_database(asked: ToVerify, findings: Findings) -> None:
    """Runs all of them, each in a transaction of its own, so that a failed one fails alone."""
    guard = Guard(findings)
    for name, check in sorted(_joined.items()):

        def run(check: DatabaseCheck = check) -> None:
            with asked.connection.transaction(force_rollback=True):
                check(findings, asked)

        guard.run(name, run)


join_database(SCHEMA, lambda findings, asked: check_schema(findings, asked.connection))
join_database(
    LEDGERS,
    lambda findings, asked: check_ledgers(
        findings, asked.connection, [*asked.notes, *last_head(asked.connection)]
    ),
)
