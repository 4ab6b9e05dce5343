"""Persons, rights and tokens: who may what, until when, and what the record says of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from division.credentials import end_token, end_tokens_of, find_holder, make_token, token_sm3
from division.persons import EndRights, RegisterPerson, SetRights
from division.recording import record
from division.rights import Rights, both, ends_at
from division.tokens import EndToken, IssueToken
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from ledger.errors import GuokuError, Refusal, RequestError
from ledger.events import decode
from ledger.postgres.database import Database, connect
from tests.support.at_machine import FREELY

GUANGDONG = standing_ledger("44")
UNIT = Rights("44", ("unit",))


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    with connect(database.app_conninfo) as connection:
        yield connection


def holder(conn: psycopg.Connection, token: str) -> tuple[str, Rights] | None:
    found = find_holder(conn, token_sm3(token))
    return (found.principal, found.rights) if found else None


def history(conn: psycopg.Connection, ledger_id: int = GUANGDONG) -> list[tuple[str, str]]:
    rows = conn.execute(
        "SELECT type, payload FROM events WHERE ledger_id = %s ORDER BY position", (ledger_id,)
    )
    return [(name, getattr(decode(name, payload), "by", "")) for name, payload in rows]


# ---- tokens


def test_a_token_is_on_record_with_its_person(conn: psycopg.Connection) -> None:
    token = make_token(conn, "zhang.san", UNIT, FREELY)
    assert holder(conn, token) == ("zhang.san", UNIT)
    assert history(conn) == [
        ("ledger.opened", "guoku"),
        ("person.registered", "operator"),
        ("token.issued", "operator"),
    ]
    payloads = conn.execute("SELECT payload FROM events").fetchall()
    assert not any(token.encode() in payload for (payload,) in payloads)


def test_a_prefix_and_the_division_that_it_names_share_a_ledger(conn: psycopg.Connection) -> None:
    make_token(conn, "a", Rights("44", ("ops",)), FREELY)
    make_token(conn, "b", Rights("440000000", ("ops",)), FREELY)
    make_token(conn, "c", Rights("4401", ("ops",)), FREELY)
    make_token(conn, "d", Rights("", ("ops",)), FREELY)
    rows = conn.execute("SELECT ledger_id FROM ledgers ORDER BY ledger_id").fetchall()
    assert [row[0] for row in rows] == [0, 4400000000000, 4401000000000]


def test_each_token_carries_what_it_was_made_for(conn: psycopg.Connection) -> None:
    """Two tokens of one person: the second gives him more, and the first is what it was."""
    first = make_token(conn, "zhang.san", Rights("440000000", ("unit",)), FREELY)
    second = make_token(conn, "Zhang.San", Rights("44", ("auditor",)), FREELY)
    assert holder(conn, first) == ("zhang.san", Rights("440000000", ("unit",)))
    assert holder(conn, second) == ("zhang.san", Rights("44", ("auditor",)))
    assert history(conn)[-2:] == [("person.rights_set", "operator"), ("token.issued", "operator")]


def test_what_is_not_said_of_units_and_end_stays(conn: psycopg.Connection) -> None:
    make_token(conn, "u", Rights("44", ("unit",), ("101",), "2099-12-31"), FREELY)
    again = make_token(conn, "u", UNIT, FREELY)
    assert holder(conn, again) == ("u", Rights("44", ("unit",), ("101",)))
    [row] = conn.execute("SELECT agency_prefixes, valid_until IS NULL FROM persons").fetchall()
    assert row == (["101"], False)


def test_rights_that_end_end_every_token(conn: psycopg.Connection) -> None:
    tokens = [make_token(conn, "li.si", UNIT, FREELY) for _ in range(2)]
    record(conn, GUANGDONG, [EndRights(principal="Li.Si", change_no="1")], FREELY, by=OPERATOR)
    assert [holder(conn, token) for token in tokens] == [None, None]
    with pytest.raises(Refusal, match="no rights any more"):
        record(
            conn, GUANGDONG, [EndRights(principal="li.si", change_no="2")], FREELY, by="operator"
        )
    given = SetRights(principal="li.si", change_no="3", division="44", roles=("auditor", "unit"))
    record(conn, GUANGDONG, [given], FREELY, by=OPERATOR)
    assert holder(conn, tokens[0]) == ("li.si", UNIT), "his credentials are good again"


def test_a_narrowed_right_narrows_his_tokens(conn: psycopg.Connection) -> None:
    token = make_token(conn, "li.si", Rights("44", ("auditor", "unit")), FREELY)
    less = SetRights(
        principal="li.si", change_no="1", division="4400", roles=("unit",), agency_prefixes=("101",)
    )
    record(conn, GUANGDONG, [less], FREELY, by=OPERATOR)
    assert holder(conn, token) == ("li.si", Rights("4400", ("unit",), ("101",)))
    none_left = SetRights(principal="li.si", change_no="2", division="44", roles=("ops",))
    record(conn, GUANGDONG, [none_left], FREELY, by=OPERATOR)
    assert holder(conn, token) is None


@pytest.mark.parametrize("of_token", [True, False])
def test_a_token_holds_until_its_end(conn: psycopg.Connection, of_token: bool) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    register = RegisterPerson(
        principal="p", division="44", roles=("ops",), valid_until="" if of_token else past
    )
    key = token_sm3("secret").hex()
    issue = IssueToken(
        token_sm3=key,
        principal="p",
        division="44",
        roles=("ops",),
        valid_until=past if of_token else "",
    )
    record(conn, GUANGDONG, [register, issue], FREELY, by=OPERATOR)
    assert holder(conn, "secret") is None
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert holder(conn, make_token(conn, "p", Rights("44", ("ops",), (), tomorrow), FREELY))


def test_a_token_carries_no_more_than_its_person_has(conn: psycopg.Connection) -> None:
    make_token(conn, "p", Rights("4400", ("unit",), ("101",)), FREELY)
    asked = {"token_sm3": "a" * 64, "principal": "p", "division": "4400", "roles": ("unit",)}
    for more in ({"agency_prefixes": ("10",)}, {"division": "44"}, {"roles": ("admin",)}):
        token = IssueToken(**{**asked, **more})
        with pytest.raises(Refusal, match="has not the rights"):
            record(conn, GUANGDONG, [token], FREELY, by=OPERATOR)
    narrower = IssueToken(**{**asked, "division": "440000000", "agency_prefixes": ("101001",)})
    record(conn, GUANGDONG, [narrower], FREELY, by=OPERATOR)


def test_ending_tokens_says_how_many(conn: psycopg.Connection) -> None:
    token = make_token(conn, "p", UNIT, FREELY)
    make_token(conn, "p", Rights("", ("ops",)), FREELY)
    assert end_token(conn, token, FREELY)
    assert not end_token(conn, token, FREELY)
    assert end_tokens_of(conn, "P", FREELY) == 1
    assert end_tokens_of(conn, "p", FREELY) == 0
    again = EndToken(token_sm3=token_sm3(token).hex())
    [outcome] = record(conn, GUANGDONG, [again], FREELY, by=OPERATOR)
    assert outcome.replayed, "ending it again changes nothing"


def test_the_same_person_is_registered_once(conn: psycopg.Connection) -> None:
    both_cases = [
        RegisterPerson(principal=name, division="44", roles=("ops",)) for name in ("Both", "both")
    ]
    with pytest.raises(Refusal) as caught:
        record(conn, GUANGDONG, both_cases, FREELY, by=OPERATOR)
    assert caught.value.code.text == "idempotency_conflict"
    assert [name for name, _ in history(conn)].count("person.registered") == 1


def test_nobody_is_given_what_does_not_exist(conn: psycopg.Connection) -> None:
    for rights in (
        Rights("44x", ("ops",)),
        Rights("44", ()),
        Rights("44", ("king",)),
        Rights("44", ("unit",), ("1 1",)),
        Rights("44", ("unit",), (), "tomorrow"),
        Rights("44", ("unit",), (), "2026-12-31T10:00:00"),
    ):
        with pytest.raises(RequestError):
            make_token(conn, "p", rights, FREELY)
    with pytest.raises(GuokuError, match="not registered"):
        record(
            conn, GUANGDONG, [EndRights(principal="nobody", change_no="1")], FREELY, by="operator"
        )


# ---- the arithmetic of rights


def test_a_day_is_included_in_beijing() -> None:
    end = ends_at("2026-12-31")
    assert end is not None
    assert end.isoformat() == "2027-01-01T00:00:00+08:00"


def test_prefixes_that_both_lists_reach() -> None:
    assert both((), ()) == ()
    assert both(("101",), ()) == ("101",)
    assert both(("101", "2"), ("101001", "202")) == ("101001", "202")
    assert both(("101",), ("102",)) is None
