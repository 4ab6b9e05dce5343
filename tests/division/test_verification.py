"""Every row of the standing tables is held to an event: a canary for each way of cheating."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from division import certificates, code_sets
from division.adopting import adopt
from division.certificate import serial_of
from division.credentials import find_holder, make_token, token_sm3
from division.rights import Rights
from division.verification import check_notes, check_tables
from ledger.account_set import standing_ledger
from ledger.elements.code_sets import CodeRow
from ledger.gm import default_provider
from ledger.postgres.database import Database, connect
from ledger.verification.findings import Finding, Findings
from tests.division.test_banks import KnowingBookkeeper
from tests.support.at_machine import FREELY

KEY = default_provider().public_key(default_provider().generate_key())
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
GUANGDONG, ALL = standing_ledger("44"), standing_ledger("")


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with connect(database.app_conninfo) as connection:
        adopt(connection, FREELY)
        make_token(connection, "zhang.san", Rights("44", ("unit",), ("101",), "2099-12-31"), FREELY)
        make_token(connection, "ops", Rights("", ("ops",)), FREELY)
        registered = certificates.register(
            connection, "bank/102", KEY, FREELY, not_before=BEGIN, not_after=END
        )
        certificates.revoke(connection, registered.serial, BEGIN, FREELY)
        row = CodeRow("fund_type_code", "1111", "本级", "111", mof_div_code="440000000")
        code_sets.load(connection, [row], FREELY, loaded_by="ops-1")
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


LOADED = (
    "INSERT INTO code_set_loads (load_id, loaded_by, version, file_name, file_sm3, added,"
    " superseded, unchanged) VALUES (99, 'm', 'v', '', '', 0, 0, 0)"
)
CODE = (
    "INSERT INTO code_sets SELECT 'fund_type_code', '1112', 'x', '111', 1, 1, 2, '2026-01-01',"
    " '2026-12-31', '', '', load_id FROM code_set_loads"
)


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        (LOADED, "code_set_loads 99: no event tells of this row"),
        (CODE, "code_sets fund_type_code 1112"),
        ("UPDATE certificates SET not_after = 'infinity'", "not_after is infinity"),
        ("UPDATE certificates SET revoked_at = NULL", "revoked_at is None"),
        ("UPDATE certificates SET subject = 'bank/105'", "subject is bank/105"),
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
    owner_conn.execute("SET session_replication_role = replica")  # no trigger hinders who rules
    done = owner_conn.execute(tampering.encode())
    assert done.rowcount == 1
    owner_conn.commit()
    [finding] = found(conn)
    assert told in finding.detail
    assert finding.check == "standing"


def test_two_faults_are_both_told(conn: psycopg.Connection, owner_conn: psycopg.Connection) -> None:
    owner_conn.execute("UPDATE tokens SET roles = '{admin}'")
    owner_conn.commit()
    assert len({finding.position for finding in found(conn)}) == 2


# ---- what years have noted


def test_a_standing_ledger_that_was_rewritten_does_not_lead_to_what_was_noted(
    database: Database, conn: psycopg.Connection, owner_conn: psycopg.Connection
) -> None:
    books = KnowingBookkeeper(database)
    books.open()
    books.issue("B1", "100.00")
    books.close()
    books.pool.close()
    findings = Findings()
    check_notes(conn, books.ledger_id, findings)
    assert (findings.all(), findings.counts) == ([], {"noted": 2})
    owner_conn.execute("ALTER TABLE commits DISABLE TRIGGER ALL")
    owner_conn.execute("UPDATE commits SET chain = sha256(chain) WHERE ledger_id = 4400000000000")
    owner_conn.commit()
    conn.rollback()
    check_notes(conn, books.ledger_id, findings)
    [finding] = findings.all()
    assert "440000000-0000 does not lead to what was noted" in finding.detail
    assert finding.position == 2


# ---- adopting


def test_what_was_there_before_is_put_on_record_once(
    database: Database, owner_conn: psycopg.Connection
) -> None:
    """As an earlier release left it: one person with two tokens, one of them revoked."""
    owner_conn.execute(
        "INSERT INTO certificates (serial, subject, public_key, not_before, not_after, revoked_at)"
        " VALUES (%s, 'bank/102', %s, %s, %s, '2026-02-01Z')",
        (serial_of("bank/102", KEY, BEGIN), KEY.point, BEGIN, END),
    )
    owner_conn.execute(
        "INSERT INTO code_set_loads (load_id, loaded_by, version, file_name, file_sm3, added,"
        " superseded, unchanged) VALUES (3, 'ops-1', 'v3', 'a.csv', '', 1, 0, 0)"
    )
    owner_conn.execute(
        "INSERT INTO code_sets SELECT 'fund_type_code', '1111', '本级', '111', 1, 1, 2,"
        " '2026-01-01', '2026-12-31', '440000000', '', 3"
    )
    for text, roles, revoked in (("a", "{unit}", None), ("b", "{ops}", "2026-02-01Z")):
        owner_conn.execute(
            "INSERT INTO tokens (token_sm3, principal, roles, division, revoked_at)"
            " VALUES (%s, 'old', %s, '44', %s)",
            (token_sm3(text), roles, revoked),
        )
    owner_conn.commit()
    with connect(database.app_conninfo) as conn:
        adopt(conn, FREELY)
        holder = find_holder(conn, token_sm3("a"))
        assert holder is not None
        assert holder.rights == Rights("44", ("unit",))
        assert find_holder(conn, token_sm3("b")) is None
        assert found(conn) == []
        by = conn.execute(
            "SELECT DISTINCT convert_from(payload, 'UTF8')::jsonb ->> 'by' FROM events"
            " WHERE type NOT IN ('ledger.opened', 'code_sets.rows')"
        ).fetchall()
        assert by == [("migration",)]


def test_a_row_that_appears_afterwards_is_not_adopted(
    conn: psycopg.Connection, owner_conn: psycopg.Connection
) -> None:
    owner_conn.execute(INSERTED.format(more="", values="").encode())
    owner_conn.commit()
    adopt(conn, FREELY)
    [finding] = found(conn)
    assert "no event tells of this row" in finding.detail
