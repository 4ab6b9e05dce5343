"""What an operator does at the machine: tokens, keys, certificates; without a second person, and as
everybody else only while anything may be written."""

from pathlib import Path

import psycopg
import pytest

from api.tokens import find_caller
from division.credentials import token_sm3
from ledger.account_set import standing_ledger
from ledger.events import decode
from ledger.sealing.epoch_mark import ClusterMark, write_mark
from tests.support.command_line import Guoku, guoku

__all__ = ["guoku"]

# ---- tokens


@pytest.mark.parametrize(
    "roles",
    [
        ("--role", "auditor", "--role", "ops"),
        ("--role", "auditor,ops"),
        ("--role", "auditor", "ops"),
        ("--role", "auditor ops"),
    ],
)
def test_token_create_takes_roles_in_every_form(
    guoku: Guoku, owner_conn: psycopg.Connection, roles: tuple[str, ...]
) -> None:
    done = guoku("token", "create", "--principal", "zhang.san", *roles, "--division", "44")
    assert done.returncode == 0, done.stderr
    token = done.stdout.split()[-1]
    caller = find_caller(owner_conn, token_sm3(token))
    assert caller is not None
    assert (caller.principal, caller.division) == ("zhang.san", "44")
    assert caller.roles == {"auditor", "ops"}


def test_token_create_refuses_an_unknown_role(guoku: Guoku, owner_conn: psycopg.Connection) -> None:
    done = guoku("token", "create", "--principal", "p", "--role", "king", "--division", "")
    assert done.returncode == 1
    assert "king" in done.stderr
    assert "treasury_maker" in done.stderr  # it says which there are
    assert owner_conn.execute("SELECT count(*) FROM tokens").fetchone() == (0,)


def test_a_revoked_token_is_nobodys(guoku: Guoku, owner_conn: psycopg.Connection) -> None:
    made = guoku("token", "create", "--principal", "p", "--role", "ops", "--division", "")
    token = made.stdout.split()[-1]
    assert guoku("token", "revoke", "--principal", "p").stdout == "revoked: 1\n"
    assert find_caller(owner_conn, token_sm3(token)) is None
    listed = guoku("token", "list").stdout
    assert listed.startswith("principal\troles\tdivision\t"), "a pipe sees the columns' names"
    assert listed.splitlines()[1].startswith("p\tops\t")
    assert token not in listed
    assert guoku("token", "revoke", "--principal", "p").returncode == 1


# ---- keys and certificates


def test_a_key_has_a_certificate_that_can_be_renewed_and_revoked(guoku: Guoku) -> None:
    made = dict(
        line.split(": ", 1) for line in guoku("keys", "create", "li.si").stdout.splitlines()
    )
    assert made["name"] == "principal/li.si"
    listed = f"name\tpublic_key\nprincipal/li.si\t{made['public_key']}\n"
    assert guoku("keys", "list").stdout == listed

    renewed = guoku("cert", "issue", "principal/li.si", "--days", "30")
    assert renewed.returncode == 0, renewed.stderr
    assert made["public_key"] in renewed.stdout
    assert guoku("cert", "revoke", made["certificate"]).returncode == 0

    names, *rows = [line.split("\t") for line in guoku("cert", "list").stdout.splitlines()]
    assert (names[0], len(rows)) == ("serial", 2)
    revoked = {row[0]: row[4] for row in rows}
    assert revoked.pop(made["certificate"]) != "-"
    assert list(revoked.values()) == ["-"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("cert", "issue", "bank/103", "--public-key", "abc"),
        ("cert", "issue", "bank/103", "--public-key", "00" * 64),
        ("cert", "issue", "principal/nobody"),
        ("cert", "revoke", "no-such-serial"),
        ("ledger", "show", "440000000-2026"),
        ("ledger", "show", "Guangdong"),
    ],
)
def test_what_is_not_there_or_not_right_is_a_clear_error(
    guoku: Guoku, arguments: tuple[str, ...]
) -> None:
    done = guoku(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("guoku: ")
    assert "Traceback" not in done.stderr


def test_a_key_is_not_made_for_a_name_that_no_certificate_can_have(guoku: Guoku) -> None:
    refused = guoku("keys", "create", "guoku/440000000")

    assert refused.returncode == 1
    assert "malformed" in refused.stderr
    assert "guoku/" not in guoku("keys", "list").stdout


# ---- as everybody else


def test_an_operators_act_says_so_and_waits_for_nobody(
    guoku: Guoku, owner_conn: psycopg.Connection
) -> None:
    made = guoku(
        "token", "create", "--principal", "school.101", "--role", "unit", "--division", "44",
        "--agency", "101", "--agency", "102", "--valid-until", "2099-12-31",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    rows = owner_conn.execute(
        "SELECT type, payload FROM events WHERE ledger_id = %s ORDER BY position",
        (standing_ledger("44"),),
    ).fetchall()
    events = [decode(name, payload) for name, payload in rows]
    assert [event.TYPE for event in events] == [
        "ledger.opened", "person.registered", "token.issued",
    ]  # fmt: skip
    opened, registered, issued = events
    assert opened.approval_policy["person.*"] == ("security_officer",)  # type: ignore[attr-defined]
    for event in (registered, issued):
        assert event.by == "operator"  # type: ignore[attr-defined]
        assert event.agency_prefixes == ("101", "102")  # type: ignore[attr-defined]
        assert event.valid_until == "2099-12-31"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "create", "--principal", "p", "--role", "ops", "--division", ""),
        ("keys", "create", "li.si"),
    ],
)
def test_nothing_is_made_while_a_part_of_the_history_may_be_lost(
    guoku: Guoku, tmp_path: Path, owner_conn: psycopg.Connection, arguments: tuple[str, ...]
) -> None:
    assert guoku("token", "list").returncode == 0  # whatever an earlier release left is on record
    before = owner_conn.execute("SELECT count(*) FROM events").fetchone()
    owner_conn.rollback()
    write_mark(tmp_path / "data" / "cluster.json", ClusterMark(restored="yesterday's backup"))
    refused = guoku(*arguments)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "guoku: history_cut: " in refused.stderr
    assert guoku("token", "list").returncode == 0  # reading goes on
    assert owner_conn.execute("SELECT count(*) FROM events").fetchone() == before
