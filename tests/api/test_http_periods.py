"""Periods over HTTP: what waits in a month, closing it and opening it again."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from tests.support.http_server import HttpTreasury, http


def test_a_month_says_what_waits_and_closes_when_nothing_does(http: HttpTreasury) -> None:
    number = http.applied(http.indicator(effective_on="2026-01-05"), effective_on="2026-01-15")
    shown = http.ok(http.get("…/periods/2026-01"))
    acts = ["payment.approve", "payment.reject", "payment.withdraw"]
    waiting = {"kind": "applied", "number": number, "amt": "100.00", "acts": acts}
    assert (shown["state"], shown["ended"], shown["blockers"]) == ("open", True, [waiting])
    refused = http.post("…/periods:close", {"through": "2026-01-31"}, "accountant")
    assert (refused.status_code, refused.json()["code"]) == (409, "period_not_ready")
    assert refused.json()["blockers"] == [waiting]
    http.ok(http.post(f"…/payments/{number}/withdraw", {"effective_on": "2026-01-15"}))
    closed = http.ok(http.post("…/periods:close", {"through": "2026-01-31"}, "accountant"))
    assert (closed["month"], closed["state"]) == ("2026-01", "closed")
    assert http.ok(http.get("…/periods/2026-01"))["state"] == "closed"
    assert http.ok(http.get("…"))["closed_through"] == "2026-01-31"


def test_a_month_is_opened_again_and_each_repetition_is_a_replay(http: HttpTreasury) -> None:
    closing, opening = {"through": "2026-02-28"}, {"from": "2026-02", "reason": "漏记"}
    for _ in range(2):
        first, again = (http.post("…/periods:close", closing, "accountant") for _ in range(2))
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == first.json()
        first, again = (http.post("…/periods:reopen", opening, "accountant") for _ in range(2))
        assert (first.status_code, first.json()["closed_through"]) == (200, "2026-01-31")
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == first.json()
    other = http.post("…/periods:reopen", {"from": "2025-12", "reason": "漏记"}, "accountant")
    assert other.json()["code"] == "period_closed"


def test_what_is_no_month(http: HttpTreasury) -> None:
    for body in ({"through": "2026-02-27"}, {"through": 1}, {}, {"through": "2026-13", "x": 1}):
        assert http.post("…/periods:close", body, "accountant").json()["code"] == "malformed"
    for body in ({"from": "2026-2", "reason": "x"}, {"from": "2026-02"}, {"reason": "x"}):
        assert http.post("…/periods:reopen", body, "accountant").json()["code"] == "malformed"
    assert http.get("…/periods/2026-14").json()["code"] == "malformed"
    assert http.get("…/periods/2025-01").json()["code"] == "period_closed"
    assert http.post("…/periods:close", {"through": "2026-01-31"}).json()["code"] == "forbidden"
