"""Every row of the standing tables is held to an event: a canary for each way of cheating."""

from collections.abc import Iterator

import psycopg
import pytest

from division.adopting import adopt
from division.credentials import find_holder, make_token, token_sm3
from division.rights import Rights
from division.verification import check_tables
from ledger.account_set import standing_ledger
from ledger.postgres.database import Database, connect
from ledger.verification.findings import Finding, Findings

GUANGDONG, ALL = standing_ledger("44"), standing_ledger("")


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with connect(database.app_conninfo) as connection:
        adopt(connection)
        make_token(connection, "zhang.san", Rights("44", ("unit",), ("101",), "2099-12-31"))
        make_token(connection, "ops", Rights("", ("ops",)))
        connection.commit()
        yield connection


def found(conn: psycopg.Connection) -> list[Finding]:
    findings = Findings()
    for ledger_id in (ALL, GUANGDONG):
        check_tables(conn, ledger_id, findings)
    conn.rollback()
    return findings.all()


def test_what_the_program_wrote_agrees(conn: psycopg.Connection) -> None:
    findings = Findings()
    check_tables(conn, GUANGDONG, findings)
    assert findings.all() == []
    assert findings.counts == {"standing": 2}


INSERTED = (
    "INSERT INTO tokens (token_sm3, principal, roles, division{more}) SELECT sha256('x'),"
    " 'mallory', '{{admin}}', ''{values}"
)


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        (INSERTED.format(more="", values=""), "no event tells of this row"),
        (
            INSERTED.format(
                more=", ledger_id, principal_key", values=", 4400000000000, 'zhang.san'"
            ),
            "no event tells of this row",
        ),
        (
            INSERTED.format(more=", ledger_id, principal_key", values=", 770000, 'mallory'"),
            "no event tells of this row",
        ),
        ("UPDATE tokens SET roles = '{admin}' WHERE principal = 'zhang.san'", "roles is ['admin']"),
        ("UPDATE tokens SET agency_prefixes = '{}' WHERE principal = 'zhang.san'", "agency_prefix"),
        ("UPDATE tokens SET division = '' WHERE principal = 'zhang.san'", "division is "),
        ("UPDATE tokens SET valid_until = NULL WHERE principal = 'zhang.san'", "valid_until is"),
        ("UPDATE persons SET roles = '{admin}' WHERE principal = 'zhang.san'", "roles is"),
        ("UPDATE persons SET valid_until = NULL WHERE principal = 'zhang.san'", "valid_until is"),
        ("UPDATE persons SET has_ended = true WHERE principal = 'zhang.san'", "has_ended is"),
        ("DELETE FROM persons WHERE principal = 'zhang.san'", "is gone"),
        ("DELETE FROM tokens WHERE principal = 'zhang.san'", "is gone"),
        (
            "INSERT INTO persons SELECT 0, 'm', 'm', '', '', '{admin}', '{}', NULL, false",
            "no event tells of this row",
        ),
    ],
)
def test_a_row_without_its_event_is_found(
    conn: psycopg.Connection, owner_conn: psycopg.Connection, tampering: str, told: str
) -> None:
    done = owner_conn.execute(tampering.encode())
    assert done.rowcount == 1
    owner_conn.commit()
    [finding] = found(conn)
    assert told in finding.detail
    assert finding.check == "standing"


def test_two_faults_are_both_told(conn: psycopg.Connection, owner_conn: psycopg.Connection) -> None:
    owner_conn.execute("UPDATE tokens SET roles = '{admin}'")
    owner_conn.commit()
    assert sorted(finding.position for finding in found(conn)) == [3, 4]


# ---- adopting


def test_what_was_there_before_is_put_on_record_once(
    database: Database, owner_conn: psycopg.Connection
) -> None:
    """As an earlier release left it: one person with two tokens, one of them revoked."""
    for text, roles, revoked in (("a", "{unit}", None), ("b", "{ops}", "2026-02-01Z")):
        owner_conn.execute(
            "INSERT INTO tokens (token_sm3, principal, roles, division, revoked_at)"
            " VALUES (%s, 'old', %s, '44', %s)",
            (token_sm3(text), roles, revoked),
        )
    owner_conn.commit()
    with connect(database.app_conninfo) as conn:
        adopt(conn)
        holder = find_holder(conn, token_sm3("a"))
        assert holder is not None
        assert holder.rights == Rights("44", ("unit",))
        assert find_holder(conn, token_sm3("b")) is None
        assert found(conn) == []
        by = conn.execute(
            "SELECT DISTINCT convert_from(payload, 'UTF8')::jsonb ->> 'by' FROM events"
            " WHERE type <> 'ledger.opened'"
        ).fetchall()
        assert by == [("migration",)]


def test_a_row_that_appears_afterwards_is_not_adopted(
    conn: psycopg.Connection, owner_conn: psycopg.Connection
) -> None:
    owner_conn.execute(INSERTED.format(more="", values="").encode())
    owner_conn.commit()
    adopt(conn)
    [finding] = found(conn)
    assert "no event tells of this row" in finding.detail
