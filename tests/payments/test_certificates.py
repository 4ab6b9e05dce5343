"""Certificates: which key speaks for whom, and exactly from when until when."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest

from division import certificates
from ledger.errors import Code, GuokuError, Refusal, RequestError
from ledger.gm import PublicKey, default_provider
from ledger.postgres.database import Database
from tests.support.at_machine import FREELY

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=365)
INSTANT = timedelta(microseconds=1)
SUBJECT = "principal/li.si"


@pytest.fixture
def conn(database: Database) -> Iterator[psycopg.Connection]:
    """The application's own role: its rights must suffice."""
    with psycopg.connect(database.app_conninfo) as connection:
        yield connection


def new_key() -> PublicKey:
    provider = default_provider()
    return provider.public_key(provider.generate_key())


def register(
    conn: psycopg.Connection,
    subject: str = SUBJECT,
    start: datetime = START,
    end: datetime = END,
    key: PublicKey | None = None,
) -> certificates.Certificate:
    return certificates.register(
        conn, subject, key or new_key(), FREELY, not_before=start, not_after=end
    )


def code_of(error: pytest.ExceptionInfo[GuokuError]) -> Code:
    return error.value.code


def test_a_certificate_is_found_as_it_was_registered(conn: psycopg.Connection) -> None:
    key = new_key()
    registered = register(conn, key=key)
    assert registered.public_key == key
    assert (registered.subject, registered.revoked_at) == (SUBJECT, None)
    assert (registered.not_before, registered.not_after) == (START, END)
    assert len(registered.serial) == 32
    assert certificates.find(conn, registered.serial) == registered
    assert certificates.find(conn, "0" * 32) is None


def test_the_same_certificate_twice_is_one(conn: psycopg.Connection) -> None:
    key = new_key()
    first = register(conn, key=key)
    beijing = START.astimezone(timezone(timedelta(hours=8)))
    assert register(conn, key=key, start=beijing) == first
    others = {
        register(conn, key=key, start=START + INSTANT).serial,
        register(conn, "principal/wang.wu").serial,
        register(conn).serial,
    }
    assert len(others | {first.serial}) == 4
    with pytest.raises(Refusal, match="is that of principal/li"):
        register(conn, "principal/wang.wu", key=key)
    with pytest.raises(RequestError) as error:
        register(conn, key=key, end=END + INSTANT)
    assert error.value.extra["pointer"] == "/not_after"


@pytest.mark.parametrize(
    "subject", ["", "li.si", "principal/", "person/li.si", "bank/1/2", "bank/1 02", "pboc/\n"]
)
def test_a_subject_has_its_shape(conn: psycopg.Connection, subject: str) -> None:
    with pytest.raises(RequestError) as error:
        register(conn, subject)
    assert (code_of(error), error.value.extra["pointer"]) == (Code.MALFORMED, "/subject")


def test_times_are_aware_and_in_order(conn: psycopg.Connection) -> None:
    naive = START.replace(tzinfo=None)
    for start, end, pointer in (
        (naive, END, "/not_before"),
        (START, naive, "/not_after"),
        (END, START, "/not_after"),
    ):
        with pytest.raises(RequestError) as error:
            register(conn, start=start, end=end)
        assert (code_of(error), error.value.extra["pointer"]) == (Code.MALFORMED, pointer)


def test_it_is_valid_from_its_first_to_its_last_instant(conn: psycopg.Connection) -> None:
    certificate = register(conn)
    for at in (START, START + INSTANT, END):
        assert certificates.require_valid(certificate, at) is certificate
        assert certificates.current(conn, SUBJECT, at) == certificate
    for at, reason in ((START - INSTANT, "not valid before"), (END + INSTANT, "expired")):
        with pytest.raises(Refusal, match=reason) as error:
            certificates.require_valid(certificate, at)
        assert code_of(error) is Code.CERTIFICATE_INVALID
        assert error.value.extra["cert_serial"] == certificate.serial
        with pytest.raises(Refusal, match=reason):
            certificates.current(conn, SUBJECT, at)


def test_it_is_valid_until_the_instant_of_its_revocation(conn: psycopg.Connection) -> None:
    certificate = register(conn)
    noon = START + timedelta(hours=12)
    revoked = certificates.revoke(conn, certificate.serial, noon, FREELY)
    assert revoked.revoked_at == noon
    assert certificates.current(conn, SUBJECT, noon - INSTANT) == revoked
    with pytest.raises(Refusal, match="revoked") as error:
        certificates.current(conn, SUBJECT, noon)
    assert code_of(error) is Code.CERTIFICATE_INVALID
    with pytest.raises(Refusal, match="revoked"):
        certificates.require_valid(revoked, END + INSTANT)


def test_a_revocation_stands(conn: psycopg.Connection) -> None:
    certificate = register(conn)
    noon = START + timedelta(hours=12)
    certificates.revoke(conn, certificate.serial, noon, FREELY)
    for other in (noon - timedelta(days=1), noon + timedelta(days=1)):
        assert certificates.revoke(conn, certificate.serial, other, FREELY).revoked_at == noon
    again = register(conn, key=certificate.public_key)
    assert again.revoked_at == noon, "registering it again does not bring it back"


def test_only_a_known_certificate_can_be_revoked(conn: psycopg.Connection) -> None:
    with pytest.raises(RequestError) as error:
        certificates.revoke(conn, "0" * 32, START, FREELY)
    assert code_of(error) is Code.NOT_FOUND
    with pytest.raises(RequestError) as error:
        certificates.revoke(conn, register(conn).serial, START.replace(tzinfo=None), FREELY)
    assert code_of(error) is Code.MALFORMED


def test_the_current_one_is_the_valid_one_that_began_last(conn: psycopg.Connection) -> None:
    old = register(conn, end=END)
    new = register(conn, start=START + timedelta(days=300), end=END + timedelta(days=300))
    future = register(conn, start=END + timedelta(days=100), end=END + timedelta(days=500))
    register(conn, "principal/wang.wu", start=START + timedelta(days=310))

    def current(days: int) -> certificates.Certificate:
        return certificates.current(conn, SUBJECT, START + timedelta(days=days))

    assert current(299) == old
    assert current(300) == new
    assert current(400) == new
    assert current(500) == future
    certificates.revoke(conn, new.serial, START + timedelta(days=320), FREELY)
    assert current(330) == old
    with pytest.raises(Refusal):
        current(400)


def test_who_has_none_is_refused(conn: psycopg.Connection) -> None:
    with pytest.raises(Refusal, match="no certificate") as error:
        certificates.current(conn, "bank/102", START)
    assert code_of(error) is Code.CERTIFICATE_INVALID


def test_the_first_certificate_is_for_a_year_and_the_only_one_given(
    conn: psycopg.Connection,
) -> None:
    key = new_key()
    first = certificates.enrol(conn, SUBJECT, key, FREELY, at=START)
    assert first.not_before == START - certificates.CLOCK_SKEW
    assert first.not_after == START + certificates.VALIDITY
    assert certificates.enrol(conn, SUBJECT, key, FREELY, at=START + timedelta(days=9)) == first
    with pytest.raises(Refusal, match="expired"):
        certificates.enrol(conn, SUBJECT, key, FREELY, at=first.not_after + INSTANT)
    with pytest.raises(Refusal, match="another key"):
        certificates.enrol(conn, SUBJECT, new_key(), FREELY, at=START)
    certificates.revoke(conn, first.serial, START, FREELY)
    with pytest.raises(Refusal, match="revoked"):
        certificates.enrol(conn, SUBJECT, key, FREELY, at=START)


def test_two_first_uses_at_once_give_one_certificate(database: Database) -> None:
    key = new_key()

    def enrol(delay_s: int) -> str:
        with psycopg.connect(database.app_conninfo) as connection:
            at = START + timedelta(seconds=delay_s)
            return certificates.enrol(connection, SUBJECT, key, FREELY, at=at).serial

    with ThreadPoolExecutor(8) as workers:
        # each has another clock, so two that both found none would register two
        serials = set(workers.map(enrol, range(8)))
    assert len(serials) == 1
    with psycopg.connect(database.app_conninfo) as connection:
        rows = connection.execute("SELECT serial FROM certificates").fetchall()
    assert [row[0] for row in rows] == list(serials)


def test_the_application_cannot_strike_one_out(conn: psycopg.Connection) -> None:
    register(conn)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("DELETE FROM certificates")
