"""Sessions of persons at browsers: logging in, what a cookie may and may not, when it is over."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.http import authentication
from division import certificates
from division.credentials import end_tokens_of, token_sm3
from division.persons import EndRights
from division.recording import record
from division.sessions import SessionKeys, SessionOrigin, Sessions, session_sm3
from ledger.account_set import standing_ledger
from ledger.deciding.principals import OPERATOR
from ledger.gm import PrivateKey
from tests.support.at_machine import FREELY
from tests.support.http_server import HttpTreasury, http, require_published
from tests.support.waiting import HANG_S, wait_until

CSRF = "X-CSRF-Token"


class Browser:
    """It keeps the cookie and sends it with everything, whoever has asked for that."""

    def __init__(self, http: HttpTreasury) -> None:
        self.http = http
        self.client = httpx.Client(base_url=http.url, timeout=HANG_S, trust_env=False)
        self.csrf = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        path = path.replace("…", f"/v1/ledgers/{self.http.ledger}", 1)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.request(method, path, json=body, headers=headers)
        require_published(method, path.partition("?")[0], answer)
        return answer

    def write(self, path: str, body: Any, method: str = "POST") -> httpx.Response:
        return self.ask(method, path, body, **{CSRF: self.csrf})

    def log_in(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask("POST", "/v1/sessions", body)
        assert answer.status_code == 201, answer.text
        session = dict(answer.json())
        self.csrf = session["csrf"]
        return session

    def as_person(self, person: str) -> dict[str, Any]:
        return self.log_in({"token": self.http.tokens[person]})

    def code(self, path: str = "…") -> str:
        """Of a read; "" where it is answered."""
        answer = self.ask("GET", path)
        return "" if answer.is_success else str(answer.json()["code"])

    def end(self) -> httpx.Response:
        return self.ask("DELETE", "/v1/sessions/current", **{CSRF: self.csrf})

    @property
    def secret(self) -> str:
        return self.client.cookies["guoku_session"]


class KeyHolder:
    """A person with a key and a certificate of his own."""

    def __init__(self, http: HttpTreasury, *roles: str) -> None:
        self.http, self.name = http, http.number("person").lower()
        http.tokens[self.name] = http.token(self.name, *roles)
        self.provider = http.treasury.provider
        self.key = self.provider.generate_key()
        self.serial = self.certificate(self.key)

    def certificate(self, key: PrivateKey, name: str = "") -> str:
        now = datetime.now(UTC)
        with self.http.treasury.pool.connection() as connection:
            return certificates.register(
                connection,
                f"principal/{name or self.name}",
                self.provider.public_key(key),
                FREELY,
                not_before=now - timedelta(minutes=1),
                not_after=now + timedelta(days=365),
            ).serial

    def nonce(self) -> str:
        answer = self.http.post("/v1/sessions/nonce", {"principal": self.name}, "")
        return str(self.http.ok(answer)["nonce"])

    def signed(self, nonce: str, key: PrivateKey | None = None) -> str:
        signature = self.provider.sign(key or self.key, nonce.encode())
        return base64.b64encode(signature).decode("ascii")

    def login(self) -> dict[str, str]:
        nonce = self.nonce()
        return {
            "principal": self.name,
            "nonce": nonce,
            "signature": self.signed(nonce),
            "cert_serial": self.serial,
        }


@pytest.fixture
def browser(http: HttpTreasury) -> Browser:
    return Browser(http)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of a caller is asked anew at every call, as it is after five seconds."""
    monkeypatch.setattr(authentication, "REMEMBERED_S", 0.0)


def refused(answer: httpx.Response, code: str) -> bool:
    return not answer.is_success and answer.json()["code"] == code


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


# ---- with one's own key


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
