"""Sessions of persons at browsers: logging in, what a cookie may and may not, when it is over."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from datetime import UTC, datetime
from typing import Any

import pytest

from division.credentials import end_tokens_of, token_sm3
from division.persons import EndRights
from division.recording import record
from division.sessions import SessionKeys, Sessions, session_sm3
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from tests.support.at_machine import FREELY
from tests.support.browsers import CSRF, Browser, browser, forgetful, refused
from tests.support.http_server import HttpTreasury, http
from tests.support.waiting import wait_until

# ---- with a token


def test_a_token_begins_a_session_that_reads_and_writes_with_its_rights(
    http: HttpTreasury, browser: Browser
) -> None:
    session = browser.as_person("maker")
    assert (session["principal"], session["roles"]) == ("maker", ["treasury_maker"])
    assert browser.code() == ""
    body = http.payment(http.indicator())
    assert http.ok(browser.write("…/payments", body))["status"] == "applied"
    approve = f"…/payments/{body['pay_app_no']}/approve"
    assert refused(browser.write(approve, None), "forbidden"), "a token of a maker"


def test_the_cookie_is_for_us_alone_and_no_page_reads_it(
    http: HttpTreasury, browser: Browser
) -> None:
    body = {"token": http.tokens["maker"]}
    given = browser.ask("POST", "/v1/sessions", body)
    cookie = given.headers["set-cookie"]
    assert cookie.startswith("guoku_session=")
    for part in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert "Secure" not in cookie, "here it comes without TLS"
    assert given.headers["cache-control"] == "no-store"
    behind_tls = browser.ask("POST", "/v1/sessions", body, X_Forwarded_Proto="https")
    assert "Secure" in behind_tls.headers["set-cookie"]


def test_current_says_who_is_logged_in_and_csrf_again(browser: Browser) -> None:
    """A page that is reloaded has lost what it knew."""
    session = browser.as_person("checker")
    assert browser.ask("GET", "/v1/sessions/current").json() == session
    assert session["expires_at"] > datetime.now(UTC).isoformat()
    assert session["idle_s"] == 1800


def test_a_write_without_the_token_of_the_page_is_forbidden_and_on_record(
    http: HttpTreasury, browser: Browser
) -> None:
    """Another site can have the browser send the cookie, but not read what goes beside it."""
    browser.as_person("maker")
    body = http.payment(http.indicator())
    for csrf in ("", "0" * 64):
        assert refused(browser.ask("POST", "…/payments", body, **{CSRF: csrf}), "forbidden")
    assert refused(browser.ask("DELETE", "/v1/sessions/current"), "forbidden")
    assert browser.code() == "", "the session goes on"
    [*_, last] = http.get("…/refusals", code="forbidden", by="maker").json()["items"]
    assert (last["operation"], last["number"]) == ("payment.apply", body["pay_app_no"])


def test_the_token_of_another_session_is_none_of_this_one(
    http: HttpTreasury, browser: Browser
) -> None:
    other = Browser(http)
    browser.as_person("maker")
    browser.csrf = other.as_person("maker")["csrf"]
    assert refused(browser.write("…/payments", http.payment("B")), "forbidden")


def test_where_a_token_comes_with_a_cookie_the_token_counts(
    http: HttpTreasury, browser: Browser
) -> None:
    browser.as_person("auditor")
    as_maker = {"Authorization": f"Bearer {http.tokens['maker']}"}
    body = http.payment(http.indicator())
    assert http.ok(browser.ask("POST", "…/payments", body, **as_maker))["status"] == "applied"
    assert refused(browser.ask("GET", "…", Authorization="Bearer gk_no"), "unauthenticated")
    asked = browser.ask("GET", "/v1/sessions/current", **as_maker)
    assert refused(asked, "not_found"), "a token has no session"


def test_two_cookies_of_the_name_are_none(http: HttpTreasury, browser: Browser) -> None:
    """A neighbour under the same domain may set one that comes first."""
    browser.as_person("maker")
    both = f"guoku_session=planted; guoku_session={browser.secret}"
    asked = http.client.get("/v1/ledgers", headers={"Cookie": both})
    assert refused(asked, "unauthenticated")
    once = f"other=1; guoku_session={browser.secret}"
    assert http.client.get("/v1/ledgers", headers={"Cookie": once}).is_success


@pytest.mark.parametrize("cookie", ["no", "", "x" * 5000])
def test_a_made_up_cookie_is_nobody(http: HttpTreasury, cookie: str) -> None:
    asked = http.client.get("/v1/ledgers", headers={"Cookie": f"guoku_session={cookie}"})
    assert refused(asked, "unauthenticated")


def test_another_site_logs_nobody_in(http: HttpTreasury, browser: Browser) -> None:
    """He would work in the name of whoever has put the token there."""
    body = {"token": http.tokens["maker"]}
    for site in ("cross-site", "same-site"):
        asked = browser.ask("POST", "/v1/sessions", body, Sec_Fetch_Site=site)
        assert refused(asked, "forbidden")
    assert browser.ask("POST", "/v1/sessions", body, Sec_Fetch_Site="same-origin").is_success


def test_an_unknown_token_begins_nothing_and_is_counted(
    http: HttpTreasury, browser: Browser
) -> None:
    counted = 'guoku_http_logins_total{outcome="unauthenticated"}'
    before = http.figure(counted)
    answer = browser.ask("POST", "/v1/sessions", {"token": "gk_guessed"})
    assert refused(answer, "unauthenticated")
    assert "set-cookie" not in answer.headers
    assert http.figure(counted) == before + 1


def test_a_bank_has_nothing_to_look_at(http: HttpTreasury, browser: Browser) -> None:
    answer = browser.ask("POST", "/v1/sessions", {"token": http.tokens["bank"]})
    assert refused(answer, "forbidden")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": "x", "principal": "maker"},
        {"principal": "maker", "nonce": "x"},
        {"token": 1},
        {"principal": "p", "nonce": "n" * 201, "signature": "", "cert_serial": "b" * 32},
    ],
)
def test_half_a_login_is_malformed(browser: Browser, body: dict[str, Any]) -> None:
    assert refused(browser.ask("POST", "/v1/sessions", body), "malformed")


def test_strangers_do_not_make_us_read_much(browser: Browser) -> None:
    body = {"token": "x" * 70_000}
    answer = browser.ask("POST", "/v1/sessions", body)
    assert refused(answer, "too_many_items")


# ---- when it is over


def test_logging_out_ends_it_at_once(http: HttpTreasury, browser: Browser) -> None:
    browser.as_person("maker")
    cookie = {"Cookie": f"guoku_session={browser.secret}"}
    assert browser.end().json() == {"principal": "maker"}
    assert "guoku_session" not in browser.client.cookies
    assert refused(http.client.get("/v1/ledgers", headers=cookie), "unauthenticated")


def test_logging_in_again_ends_the_session_before(
    http: HttpTreasury, browser: Browser, forgetful: None
) -> None:
    browser.as_person("maker")
    cookie = {"Cookie": f"guoku_session={browser.secret}"}
    browser.as_person("maker")
    assert refused(http.client.get("/v1/ledgers", headers=cookie), "unauthenticated")
    assert browser.code() == ""


def test_a_session_ends_with_its_token(
    http: HttpTreasury, browser: Browser, forgetful: None
) -> None:
    http.tokens["leaver"] = http.token("leaver", "auditor")
    browser.as_person("leaver")
    assert browser.code() == ""
    with http.treasury.pool.connection() as connection:
        assert end_tokens_of(connection, "leaver", FREELY) == 1
    assert browser.code() == "unauthenticated"


def test_a_session_ends_with_the_rights_and_does_not_come_back_with_them(
    http: HttpTreasury, browser: Browser, forgetful: None
) -> None:
    http.tokens["mover"] = http.token("mover", "auditor")
    browser.as_person("mover")
    with http.treasury.pool.connection() as connection:
        ended = EndRights(principal="mover")
        record(connection, standing_ledger("44"), [ended], FREELY, by=OPERATOR)
    assert browser.code() == "unauthenticated"
    http.token("mover", "auditor")  # has rights again
    assert browser.code() == "unauthenticated"


@pytest.mark.parametrize(("column", "older"), [("used_at", "30 min"), ("begun_at", "12 h")])
def test_a_session_ends_when_nobody_uses_it_and_in_any_case_at_night(
    http: HttpTreasury, browser: Browser, forgetful: None, column: str, older: str
) -> None:
    browser.as_person("maker")
    key = session_sm3(browser.secret)
    with http.treasury.pool.connection() as connection:
        connection.execute(
            f"UPDATE sessions SET {column} = {column} - %s::interval WHERE session_sm3 = %s",
            (older, key),
        )
    assert browser.code() == "unauthenticated"


def test_its_use_keeps_it(http: HttpTreasury, browser: Browser) -> None:
    browser.as_person("maker")
    key = session_sm3(browser.secret)
    with http.treasury.pool.connection() as connection:
        connection.execute(
            "UPDATE sessions SET used_at = used_at - interval '20 min' WHERE session_sm3 = %s",
            (key,),
        )
    assert browser.code() == ""

    def is_noted() -> bool:
        asked = "SELECT used_at > now() - interval '1 min' FROM sessions WHERE session_sm3 = %s"
        with http.treasury.pool.connection() as connection:
            return connection.execute(asked, (key,)).fetchone() == (True,)

    wait_until(is_noted, "the use to be noted")


# ---- what is kept


def test_neither_secret_nor_csrf_is_kept(http: HttpTreasury, browser: Browser) -> None:
    browser.as_person("maker")
    with http.treasury.pool.connection() as connection:
        rows = connection.execute("SELECT s::text FROM sessions s").fetchall()
    assert rows
    assert not any(browser.secret in row or browser.csrf in row for [row] in rows)


def test_a_session_made_in_the_database_is_none(http: HttpTreasury) -> None:
    """Whoever administers the database knows each token's SM3, and can choose a secret."""
    with http.treasury.pool.connection() as connection:
        connection.execute(
            "INSERT INTO sessions (session_sm3, token_sm3, begun_at, used_at, seal)"
            " VALUES (%s, %s, now(), now(), %s)",
            (session_sm3("chosen"), token_sm3(http.tokens["checker"]), b"\0" * 32),
        )
    cookie = {"Cookie": "guoku_session=chosen"}
    assert refused(http.client.get("/v1/ledgers", headers=cookie), "unauthenticated")


def test_a_session_is_not_made_longer_or_anothers_in_the_database(
    http: HttpTreasury, browser: Browser, forgetful: None
) -> None:
    browser.as_person("auditor")
    for change in ("begun_at = now() + interval '1 day'", "token_sm3 = %(other)s"):
        with http.treasury.pool.connection() as connection:
            connection.execute(
                f"UPDATE sessions SET {change} WHERE session_sm3 = %(key)s",
                {"key": session_sm3(browser.secret), "other": token_sm3(http.tokens["checker"])},
            )
        assert browser.code() == "unauthenticated"


def test_another_server_process_and_a_restart_know_it(http: HttpTreasury, browser: Browser) -> None:
    browser.as_person("maker")
    keys = SessionKeys(http.treasury.keys, http.treasury.provider)
    elsewhere = Sessions(keys, http.treasury.settings.session_bounds)
    with http.treasury.pool.connection() as connection:
        found = elsewhere.find(connection, session_sm3(browser.secret))
    assert found is not None
    assert found.holder.principal == "maker"


def test_what_is_long_over_is_forgotten(http: HttpTreasury, browser: Browser) -> None:
    browser.as_person("maker")
    old = session_sm3(browser.secret)
    with http.treasury.pool.connection() as connection:
        connection.execute(
            "UPDATE sessions SET begun_at = begun_at - interval '13 h 1 min'"
            " WHERE session_sm3 = %s",
            (old,),
        )
    Browser(http).as_person("maker")
    with http.treasury.pool.connection() as connection:
        left = connection.execute("SELECT session_sm3 FROM sessions").fetchall()
    assert (old,) not in left


# ---- two tabs


def test_two_tabs_of_one_person_are_not_maker_and_checker(http: HttpTreasury) -> None:
    """Two tokens of him with a role each, two sessions, one spelled otherwise: one person."""
    http.tokens["li.si"] = http.token("li.si", "treasury_maker")
    http.tokens["LI.SI"] = http.token("LI.SI", "treasury_checker")
    first, second = Browser(http), Browser(http)
    first.as_person("li.si")
    second.as_person("LI.SI")
    body = http.payment(http.indicator())
    http.ok(first.write("…/payments", body))
    approve = f"…/payments/{body['pay_app_no']}/approve"
    assert refused(second.write(approve, None), "same_person")
    assert http.ok(http.post(approve, person="checker"))["status"] == "approved"
