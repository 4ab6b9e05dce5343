"""Decisions of a ledger taken again, for tests."""

from pathlib import Path

import psycopg

from api.verification import Task, redecide
from ledger.verification.findings import Findings
from ledger.verification.redeciding import DecisionCheck
from payments.verification.run import Options

DECISION = DecisionCheck.NAME


def taken_again(conninfo: str, ledger_id: int) -> Findings:
    """What ``guoku audit verify`` finds when it takes every decision of a ledger again."""
    options = Options(folder=Path())
    return redecide(Task(conninfo=conninfo, charts=(), ledger_id=ledger_id, options=options))


def all_taken_again(conninfo: str) -> dict[int, Findings]:
    """The same of every ledger of a database."""
    with psycopg.connect(conninfo) as connection:
        ledgers = connection.execute("SELECT ledger_id FROM ledgers ORDER BY 1").fetchall()
    return {ledger_id: taken_again(conninfo, ledger_id) for (ledger_id,) in ledgers}


def found(findings: Findings) -> list[tuple[int, str]]:
    """Position and detail of what does not hold."""
    return [(each.position, each.detail) for each in findings.all()]
