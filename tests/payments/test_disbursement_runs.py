"""Disbursement runs over HTTP: from the file to every line's outcome."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import psycopg
import pytest

from api.http import disbursements
from ledger.account_set import parse_ledger
from ledger.postgres.database import Database
from payments.disbursement.execution import WINDOW, Execution
from payments.disbursement.lock import held
from tests.support.disbursement_runs import HttpRun, csv_of, row
from tests.support.draw_hold import draw_held
from tests.support.http_server import HttpTreasury, http
from tests.support.waiting import HANG_S

pytestmark = pytest.mark.usefixtures("decided_again")


def test_a_run_from_the_file_to_the_result_file(http: HttpTreasury) -> None:
    run = HttpRun(http, "20000.00")
    assert run.opened["status"] == "opened"
    loaded = http.ok(run.load(csv_of(1000)))
    assert (loaded["status"], loaded["line_count"]) == ("loaded", 1000)
    assert loaded["pay_amt"] == "10000.00"
    assert http.figures(run.bgt_id)["canuse_amt"] == "20000.00", "nothing is occupied yet"
    approved = http.ok(run.approve(lines_sm3=loaded["lines_sm3"]))
    assert (approved["status"], approved["voucher_count"]) == ("approved", 3)
    figures = http.figures(run.bgt_id)
    assert (figures["canuse_amt"], figures["frozen_amt"]) == ("10000.00", "10000.00")
    shown = run.executed()
    assert (shown["status"], shown["vouchers"]) == ("executed", {"signed": 3})
    figures = http.figures(run.bgt_id)
    assert (figures["frozen_amt"], figures["pay_app_amt"]) == ("0.00", "10000.00")

    first, second, third = run.payments(3)
    payments = [http.ok(http.get(f"…/payments/{number}")) for number in (first, second, third)]
    assert [len(p["details"]) for p in payments] == [499, 499, 2]
    assert {(p["by"], p["checked_by"]) for p in payments} == {("maker", "checker")}
    assert {s["by"] for p in payments for s in p["signatures"]} == {"signer"}
    run.receive(first, "D7", "D499")
    run.receive(second)
    assert run.show()["pending_count"] == 2
    run.receive(third, "D999", "D1000")
    shown = run.show()
    assert (shown["status"], shown["paid_count"], shown["failed_count"]) == ("finished", 996, 4)
    assert (shown["xpay_amt"], shown["failed_amt"]) == ("9960.00", "40.00")
    assert http.figures(run.bgt_id)["canuse_amt"] == "10040.00"

    page = http.ok(http.get(f"{run.path}/results", page_size="600"))
    rest = http.ok(http.get(f"{run.path}/results", cursor=page["next_cursor"], page_size="600"))
    lines = page["items"] + rest["items"]
    assert [line["line_no"] for line in lines] == list(range(1, 1001))
    assert rest["next_cursor"] is None
    failed = {
        line["pay_detail_id"]: line["xadd_word"] for line in lines if line["outcome"] == "failed"
    }
    assert failed == dict.fromkeys(("D7", "D499", "D999", "D1000"), "账号户名不符")
    assert {line["outcome"] for line in lines} == {"paid", "failed"}
    answer = http.get(f"{run.path}/results.csv")
    table = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["outcome"] for row in table] == [line["outcome"] for line in lines]
    assert sum(float(row["xpay_amt"]) for row in table) == 9960


def test_a_run_is_covered_before_anything_is_paid(http: HttpTreasury) -> None:
    run = HttpRun(http, "100.00")
    http.ok(run.load(csv_of(11)))
    refused = run.approve().json()
    assert (refused["code"], refused["requested_amt"]) == ("insufficient_indicator", "110.00")
    assert run.act("execute", "signer").json()["code"] == "invalid_state"
    http.ok(run.load(csv_of(10)))
    http.ok(run.approve())
    stranger = http.post("…/payments", http.payment(run.bgt_id, "0.01"))
    assert stranger.json()["code"] == "insufficient_indicator", "the run's money is its own"
    assert run.executed()["status"] == "executed"


def test_maker_and_checker_of_a_run_are_two_persons(http: HttpTreasury) -> None:
    run = HttpRun(http)
    http.tokens["both"] = http.token("both", "treasury_maker", "treasury_checker")
    http.ok(run.load(csv_of(2), person="both"))
    assert run.approve("both").json()["code"] == "same_person"
    http.tokens["maker2"] = http.token("maker", "treasury_checker")
    assert run.approve("maker2").json()["code"] == "same_person", "the opener is a maker too"
    http.ok(run.approve())


def test_a_run_is_loaded_anew_until_it_is_approved(http: HttpTreasury) -> None:
    run = HttpRun(http)
    first = http.ok(run.load(csv_of(600)))
    second = http.ok(run.load(csv_of(3)))
    assert (second["line_count"], second["pay_amt"]) == (3, "30.00")
    assert first["lines_sm3"] != second["lines_sm3"]
    stale = run.act("approve", "checker", {"lines_sm3": first["lines_sm3"]}).json()
    assert stale["code"] == "details_mismatch"
    http.ok(run.approve())
    assert run.load(csv_of(4)).json()["code"] == "invalid_state"
    assert run.show()["line_count"] == 3


def test_a_run_stops_and_goes_on(
    http: HttpTreasury, module_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told to stop while its second window of vouchers is in hand."""
    told, stop = Event(), Execution.stop

    def noted(self: Execution) -> None:
        stop(self)
        told.set()

    monkeypatch.setattr(Execution, "stop", noted)
    monkeypatch.setattr(disbursements, "STOP_TIMEOUT_S", HANG_S)
    run = HttpRun(http).approved(csv_of(499 * 30))
    with ThreadPoolExecutor(1) as signer:
        with draw_held(module_database.owner_conninfo, WINDOW + 1) as hold:
            http.ok(run.act("execute", "signer"))
            hold.wait_until_reached()
            stopping = signer.submit(run.act, "stop", "signer", {"reason": "复核"})
            assert told.wait(HANG_S)
        stopped = http.ok(stopping.result())
    assert (stopped["status"], stopped["problem"]) == ("stopped", "复核")
    drawn = 2 * WINDOW
    assert (stopped["drawn_count"], stopped["vouchers"]) == (drawn, {"signed": drawn})
    reserved = float(stopped["reserved_amt"])
    assert reserved == 4990 * (30 - drawn)
    assert run.at_rest()["drawn_count"] == drawn
    shown = run.executed()
    assert (shown["status"], shown["vouchers"]) == ("executed", {"signed": 30})
    assert shown["reserved_amt"] == "0.00"
    numbers = [f"{run.run_no}-{n:06d}" for n in range(1, 31)]
    listed = http.ok(http.get("…/payments", bgt_id=run.bgt_id, page_size="1000"))["items"]
    assert sorted(p["pay_app_no"] for p in listed) == numbers, "each once"


def test_what_a_run_has_frozen_is_set_free_by_the_run_alone(http: HttpTreasury) -> None:
    """It counted as frozen by hand: unfrozen by hand, the run drew on what a purchase plan held."""
    run = HttpRun(http, "100.00")
    planned = {"pur_plan_no": http.number("CG"), "bgt_id": run.bgt_id, "pur_amt": "70.00"}
    http.ok(http.post("…/purchase-plans", {**planned, "pur_class": "台式机"}))
    run.approved(csv_of(2))
    by_hand = {"freeze_no": http.number("DJ"), "amt": "5.00"}
    http.ok(http.post(f"…/indicators/{run.bgt_id}/freezes", by_hand))
    free = {"freeze_no": http.number("JD"), "amt": "5.01"}
    refused = http.post(f"…/indicators/{run.bgt_id}/unfreezes", free)
    assert refused.json()["code"] == "insufficient_indicator"
    assert refused.json()["available_amt"] == "5.00"
    http.ok(http.post(f"…/indicators/{run.bgt_id}/unfreezes", {**by_hand, "freeze_no": "JD-5"}))
    http.ok(run.act("close", "maker"))
    assert http.figures(run.bgt_id)["frozen_amt"] == "70.00"


def test_a_closed_run_gives_back_what_was_not_drawn(http: HttpTreasury) -> None:
    run = HttpRun(http, "100.00").approved(csv_of(5))
    assert http.figures(run.bgt_id)["canuse_amt"] == "50.00"
    closed = http.ok(run.act("close", "maker"))
    assert (closed["status"], closed["reserved_amt"]) == ("closed", "0.00")
    assert http.figures(run.bgt_id)["canuse_amt"] == "100.00"
    assert run.act("execute", "signer").json()["code"] == "invalid_state"
    assert run.act("close", "maker").headers["idempotent-replayed"] == "true"
    assert run.act("close", "unit").json()["code"] == "invalid_state"


def owner(database: Database) -> psycopg.Connection:
    return psycopg.connect(database.owner_conninfo, autocommit=True)


def test_lines_changed_after_approval_are_not_paid(
    http: HttpTreasury, module_database: Database
) -> None:
    run = HttpRun(http).approved(csv_of(1000))
    with owner(module_database) as connection:
        changed = connection.execute(
            "UPDATE disbursement_lines SET payee_acct_no = '6222000000000000666'"
            " WHERE run_no = %s AND line_no = 700",
            (run.run_no,),
        )
        assert changed.rowcount == 1
    assert run.act("execute", "signer").json()["code"] == "details_mismatch"
    assert run.show()["drawn_count"] == 0
    refusals = [
        item
        for item in http.ok(http.get("…/refusals", page_size="1000"))["items"]
        if item["operation"] == "disbursement.execute" and item["code"] == "details_mismatch"
    ]
    assert refusals, "the attempt stays on record"


def test_lines_changed_before_approval_are_not_approved(
    http: HttpTreasury, module_database: Database
) -> None:
    run = HttpRun(http)
    http.ok(run.load(csv_of(3)))
    with owner(module_database) as connection:
        connection.execute(
            "UPDATE disbursement_lines SET pay_fen = pay_fen + 1 WHERE run_no = %s", (run.run_no,)
        )
    assert run.approve().json()["code"] == "details_mismatch"


def test_the_application_itself_cannot_change_a_line(http: HttpTreasury) -> None:
    run = HttpRun(http).approved(csv_of(1))
    with (
        http.treasury.pool.connection() as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(
            "UPDATE disbursement_lines SET pay_fen = 1 WHERE run_no = %s", (run.run_no,)
        )


def test_each_role_of_the_policy_signs_in_turn(http: HttpTreasury) -> None:
    run = HttpRun(http)
    policy = "/v1/ledgers/" + http.ledger + "/signature-policy"
    three = {"roles": ["unit", "finance_first", "finance_second"]}
    http.ok(http.call("PUT", policy, "admin", json=three))
    try:
        run.approved(csv_of(600))
        assert run.act("execute", "signer").json()["code"] == "forbidden"
        shown = run.executed("first")
        assert (shown["status"], shown["drawn_count"]) == ("executing", 0), "not the first to sign"
        assert run.executed("unit")["vouchers"] == {"approved": 2}
        assert run.executed("second")["vouchers"] == {"approved": 2}, "out of turn: nothing signed"
        assert run.executed("first")["vouchers"] == {"approved": 2}
        assert run.executed("second")["vouchers"] == {"signed": 2}
    finally:
        http.ok(http.call("PUT", policy, "admin", json={"roles": ["treasury"]}))
    payment = http.ok(http.get(f"…/payments/{run.payments(1)[0]}"))
    assert [s["role"] for s in payment["signatures"]] == three["roles"]


def test_a_run_is_signed_by_manifests_where_the_bank_takes_them(http: HttpTreasury) -> None:
    run = HttpRun(http)
    policy = "/v1/ledgers/" + http.ledger + "/signature-policy"
    by_manifest = {"roles": ["treasury"], "signing": "manifest"}
    http.ok(http.call("PUT", policy, "admin", json=by_manifest))
    try:
        run.approved(csv_of(600))
        assert run.executed()["vouchers"] == {"signed": 2}
    finally:
        http.ok(http.call("PUT", policy, "admin", json={"roles": ["treasury"]}))
    for number in run.payments(2):
        [signature] = http.ok(http.get(f"…/payments/{number}"))["signatures"]
        assert (signature["signature"], len(signature["manifest_no"])) == ("", 32)
        assert b"<ManifestList>" in http.get(f"…/payments/{number}/voucher").content


def test_a_problem_on_the_way_stops_the_run_and_can_be_mended(http: HttpTreasury) -> None:
    """Somebody with the right over the budget cuts the plan that the run was approved within."""
    bgt_id = http.indicator("12000.00", is_contrlbyplan=True)

    def planned(amt: str) -> None:
        plan = {"plan_voucher_no": http.number("JH"), "plan_month": 12, "plan_amt": amt}
        http.ok(http.post(f"…/indicators/{bgt_id}/plans", plan))

    planned("6000.00")
    run = HttpRun(http, bgt_id=bgt_id).approved(csv_of(600))
    planned("-6000.00")
    shown = run.executed()
    assert (shown["status"], shown["drawn_count"]) == ("stopped", 0)
    assert "insufficient_plan" in shown["problem"]
    planned("6000.00")
    assert run.executed()["status"] == "executed"


def test_a_number_that_a_payment_has_is_seen_at_approval(http: HttpTreasury) -> None:
    run = HttpRun(http)
    http.ok(run.load(csv_of(2)))
    body = http.payment(run.bgt_id, pay_app_no=f"{run.run_no}-000001")
    http.ok(http.post("…/payments", body))
    assert run.approve().json()["code"] == "idempotency_conflict"


def test_opening_is_idempotent_and_unknown_runs_are_not_found(http: HttpTreasury) -> None:
    run = HttpRun(http)
    body = {"run_no": run.run_no, "bgt_id": run.bgt_id, "title": "三月工资"}
    again = http.post("…/disbursements", body)
    assert again.headers["idempotent-replayed"] == "true"
    other = http.post("…/disbursements", {**body, "title": "四月工资"})
    assert other.json()["code"] == "idempotency_conflict"
    assert http.get("…/disbursements/none").json()["code"] == "not_found"
    for wrong in (
        {"run_no": "a/b"},
        {"run_no": "x" * 94},
        {"title": ""},
        {"use_des": "𠮷"},
        {"x": 1},
    ):
        assert http.post("…/disbursements", {**body, **wrong}).json()["code"] == "malformed"
    assert http.post("…/disbursements", {**body, "run_no": "N", "bgt_id": "none"}).json()[
        "code"
    ] == ("indicator_not_found")


def test_runs_are_listed_in_pages(http: HttpTreasury) -> None:
    mine = [HttpRun(http).run_no for _ in range(3)]
    found, query = [], {"page_size": "2"}
    while True:
        page = http.ok(http.get("…/disbursements", **query))
        found += [item["run_no"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query = {"page_size": "2", "cursor": page["next_cursor"]}
    assert [number for number in found if number in mine] == mine
    assert len(found) == len(set(found))


def test_a_dry_run_leaves_nothing(http: HttpTreasury) -> None:
    run = HttpRun(http)
    path = f"{run.path}/lines?dry_run=true"
    tried = http.ok(http.call("POST", path, content=csv_of(3)))
    assert (tried["line_count"], tried["commit"]) == (3, None)
    assert run.show()["status"] == "opened"
    http.ok(run.load(csv_of(2)))
    asked = {"lines_sm3": run.show()["lines_sm3"], "repeats_run_no": "".join(run.repeated[:1])}
    http.ok(http.post(f"{run.path}/approve?dry_run=true", asked, "checker"))
    assert run.show()["status"] == "loaded"
    http.ok(run.approve())
    http.ok(http.post(f"{run.path}/execute?dry_run=true", None, "signer"))
    assert run.show()["status"] == "approved"


def test_every_act_on_a_run_is_answered_again(http: HttpTreasury) -> None:
    """While somebody is at work on the run, too: the answer may have been lost just then."""
    run = HttpRun(http)
    content = csv_of(499 * 3)

    def ask(name: str, person: str) -> Any:
        if name == "lines":
            return run.load(content)
        return run.approve(person) if name == "approve" else run.act(name, person)

    def twice(name: str, person: str) -> None:
        first, again = (ask(name, person) for _ in range(2))
        assert http.ok(again)["commit"] == http.ok(first)["commit"]
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"

    twice("lines", "maker")
    twice("approve", "checker")
    twice("execute", "signer")
    run.at_rest()
    with held(http.treasury.pool, parse_ledger(http.ledger), run.run_no):
        assert http.ok(run.load(content))["suspect_count"] == 0, "known, though it is approved"
        assert run.act("execute", "signer").headers["idempotent-replayed"] == "true"
        assert run.approve().headers["idempotent-replayed"] == "true"
        assert run.act("execute", "admin").json()["code"] in ("invalid_state", "forbidden")
    twice("stop", "signer")
    assert run.load(csv_of(3)).json()["code"] == "invalid_state"
