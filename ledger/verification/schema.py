"""数据库结构: tables, triggers, grants, owner and functions, against those of a fresh database.

The expected lines are declared once (``ledger/data/schema.txt``), and a test holds them against
what the migrations make. So nothing has to be believed of the database that is looked at.
"""

from importlib import resources

import psycopg

from ledger.postgres.catalogue import describe_schema, expected_schema
from ledger.verification.checks import name_check
from ledger.verification.findings import Findings

SCHEMA = name_check(
    "schema", "数据库结构 schema, triggers, grants, owner", "objects", "schema_migrations"
)


def declared_schema() -> str:
    """The text of what a fresh database has."""
    return (resources.files("ledger.data") / "schema.txt").read_text(encoding="utf-8")


def check_schema(findings: Findings, connection: psycopg.Connection) -> None:
    """``connection`` is of the user who should own it all."""
    expected = expected_schema(declared_schema(), connection.info.server_version)
    tables = {line.split()[1] for line in expected if line.startswith(("table ", "view ", "seq"))}
    found = describe_schema(connection, tables)
    findings.count(SCHEMA, len(expected))
    for line in sorted(expected - found):
        findings.add(SCHEMA, 0, f"the database lacks: {line} 结构缺失")
    for line in sorted(found - expected):
        findings.add(SCHEMA, 0, f"the database has beside what the program makes: {line} 结构多出")
