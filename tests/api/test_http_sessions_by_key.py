"""Sessions that are begun with a key of one's own: who signs a nonce is who he says."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from datetime import UTC, datetime, timedelta

import pytest

from division import certificates
from division.persons import EndRights
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from tests.support.at_machine import FREELY
from tests.support.browsers import Browser, KeyHolder, browser, forgetful, refused
from tests.support.http_server import HttpTreasury, http


@pytest.fixture
def zhang(http: HttpTreasury) -> KeyHolder:
    return KeyHolder(http, "treasury_maker")


def test_who_signs_the_nonce_is_logged_in_as_he_is_registered(
    http: HttpTreasury, browser: Browser, zhang: KeyHolder
) -> None:
    session = browser.log_in(zhang.login())
    assert session["principal"] == zhang.name
    body = http.payment(http.indicator())
    assert http.ok(browser.write("…/payments", body))["status"] == "applied"


def test_a_certificate_that_is_not_named_is_found_by_its_key(
    http: HttpTreasury, browser: Browser, zhang: KeyHolder
) -> None:
    """Among his that are valid; never among another's."""
    newer = http.treasury.provider.generate_key()
    zhang.certificate(newer)
    for key in (newer, zhang.key):
        login = zhang.login()
        del login["cert_serial"]
        login["signature"] = zhang.signed(login["nonce"], key)
        assert browser.log_in(login)["principal"] == zhang.name
    other = KeyHolder(http, "treasury_maker")
    login = zhang.login()
    del login["cert_serial"]
    login["signature"] = other.signed(login["nonce"])
    assert refused(browser.ask("POST", "/v1/sessions", login), "unauthenticated")


def test_a_nonce_begins_one_session(browser: Browser, http: HttpTreasury, zhang: KeyHolder) -> None:
    login = zhang.login()
    browser.log_in(login)
    again = Browser(http).ask("POST", "/v1/sessions", login)
    assert refused(again, "unauthenticated")
    resigned = login | {"signature": zhang.signed(login["nonce"])}
    assert refused(browser.ask("POST", "/v1/sessions", resigned), "unauthenticated")
    browser.end()
    assert refused(browser.ask("POST", "/v1/sessions", login), "unauthenticated")


def test_a_nonce_is_ours_and_for_this_person_and_fresh(
    http: HttpTreasury, browser: Browser, zhang: KeyHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = KeyHolder(http, "treasury_maker")
    later = str(int(datetime.now(UTC).timestamp()) + 9_999)
    begins, _, random, mark = zhang.nonce().split(".")
    for nonce in (other.nonce(), "x", f"{begins}.{later}.{random}.{mark}", ""):
        login = zhang.login() | {"nonce": nonce, "signature": zhang.signed(nonce)}
        assert refused(browser.ask("POST", "/v1/sessions", login), "unauthenticated")
    login = zhang.login()
    monkeypatch.setattr(
        type(http.treasury), "now", lambda _: datetime.now(UTC) + timedelta(minutes=2, seconds=1)
    )
    too_old = browser.ask("POST", "/v1/sessions", login)
    assert refused(too_old, "unauthenticated")
    assert "too old" in too_old.json()["detail"]


def test_a_forged_or_foreign_signature_is_refused(
    http: HttpTreasury, browser: Browser, zhang: KeyHolder
) -> None:
    other = KeyHolder(http, "treasury_maker")
    nonce = zhang.nonce()
    sound = zhang.login()
    for wrong in (
        {"signature": other.signed(sound["nonce"])},
        {"signature": zhang.signed(nonce)},  # of another nonce
        {"signature": "no base64"},
        {"signature": ""},
        {"cert_serial": other.serial},
        {"cert_serial": "0" * 32},
        {"principal": other.name},
    ):
        answer = browser.ask("POST", "/v1/sessions", sound | wrong)
        assert refused(answer, "unauthenticated"), wrong
    browser.log_in(sound)  # what was refused has used up nothing


def test_a_key_that_the_server_holds_proves_nobody(
    http: HttpTreasury, browser: Browser, zhang: KeyHolder
) -> None:
    keys = http.treasury.keys
    keys.create(f"principal/{zhang.name}")
    held = keys.private_key(f"principal/{zhang.name}")
    serial = zhang.certificate(held)
    login = zhang.login()
    login |= {"cert_serial": serial, "signature": zhang.signed(login["nonce"], held)}
    assert refused(browser.ask("POST", "/v1/sessions", login), "unauthenticated")


def test_a_session_ends_with_the_certificate(
    http: HttpTreasury, browser: Browser, zhang: KeyHolder, forgetful: None
) -> None:
    browser.log_in(zhang.login())
    assert browser.code() == ""
    with http.treasury.pool.connection() as connection:
        certificates.revoke(connection, zhang.serial, datetime.now(UTC), FREELY)
    assert browser.code() == "unauthenticated"
    assert refused(browser.ask("POST", "/v1/sessions", zhang.login()), "unauthenticated")


def test_a_session_by_key_ends_with_the_rights(
    http: HttpTreasury, browser: Browser, zhang: KeyHolder, forgetful: None
) -> None:
    browser.log_in(zhang.login())
    with http.treasury.pool.connection() as connection:
        ended = EndRights(principal=zhang.name)
        record(connection, standing_ledger("44"), [ended], FREELY, by=OPERATOR)
    assert browser.code() == "unauthenticated"
    assert refused(browser.ask("POST", "/v1/sessions", zhang.login()), "unauthenticated")


def test_who_has_rights_in_two_divisions_says_in_which_he_acts(
    http: HttpTreasury, browser: Browser, zhang: KeyHolder
) -> None:
    http.token(zhang.name, "auditor", division="31")
    answer = browser.ask("POST", "/v1/sessions", zhang.login())
    assert refused(answer, "malformed")
    assert answer.json()["pointer"] == "/division"
    session = browser.log_in(zhang.login() | {"division": "31"})
    assert (session["division"], session["roles"]) == ("31", ["auditor"])
    assert browser.code() == "forbidden"


def test_a_nonce_for_nobody_is_like_one_for_somebody(http: HttpTreasury) -> None:
    """Who is registered is nothing that a stranger learns here."""
    known, unknown = (
        http.ok(http.post("/v1/sessions/nonce", {"principal": name}, ""))
        for name in ("maker", "nobody-here")
    )
    assert len(known["nonce"]) == len(unknown["nonce"])
    assert refused(http.post("/v1/sessions/nonce", {"principal": "a b"}, ""), "malformed")
