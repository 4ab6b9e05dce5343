"""Disbursement runs that pay the same payees once more: nobody does it without a word."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import pytest

from tests.support.disbursement_runs import HEADER, HttpRun, row
from tests.support.http_server import HttpTreasury, http

pytestmark = pytest.mark.usefixtures("decided_again")


def list_of(*amounts: str) -> bytes:
    """Payees of amounts that no other test pays."""
    rows = (row(n, amount=amount) for n, amount in enumerate(amounts, 1))
    return "\n".join([HEADER, *rows, ""]).encode()


def reordered(content: bytes) -> bytes:
    """The same list as another office would send it: other order, names, ids and spelling."""
    head, *rows = content.decode().splitlines()
    others = (line.replace("收款人", "员工").replace("D", "E") for line in reversed(rows))
    return "\n".join(["工资表", head, *(o.replace("6222", "62-22", 1) for o in others)]).encode()


def test_a_list_is_not_paid_again_without_a_word(http: HttpTreasury) -> None:
    """The same file under two numbers was paid twice, and nobody was told."""
    content = list_of("101.11", "202.22")
    first = HttpRun(http).approved(content)
    second = HttpRun(http)
    loaded = http.ok(second.load(reordered(content)))
    assert loaded["repeated_run_nos"] == [first.run_no]
    refused = second.approve(repeats_run_no="")
    assert (refused.status_code, refused.json()["code"]) == (409, "run_repeated")
    assert refused.json()["run_nos"] == [first.run_no]
    for wrong in (second.run_no, HttpRun(http).run_no):
        answer = second.approve(repeats_run_no=wrong)
        assert answer.json()["code"] == "details_mismatch", wrong
    assert second.approve(repeats_run_no="none").json()["code"] == "not_found"
    approved = http.ok(second.approve(repeats_run_no=first.run_no))
    assert approved["repeats_run_no"] == first.run_no


def test_one_fen_makes_another_list(http: HttpTreasury) -> None:
    HttpRun(http).approved(list_of("303.33", "404.44"))
    other = HttpRun(http)
    loaded = http.ok(other.load(list_of("303.33", "404.45")))
    assert loaded["repeated_run_nos"] == []
    http.ok(other.approve())


def test_a_run_that_ended_before_a_payment_repeats_nothing(http: HttpTreasury) -> None:
    content = list_of("505.55")
    first = HttpRun(http).approved(content)
    http.ok(first.act("close", "maker"))
    second = HttpRun(http)
    assert http.ok(second.load(content))["repeated_run_nos"] == []
    http.ok(second.approve())
    assert second.executed()["status"] == "executed"
    third = HttpRun(http)
    assert http.ok(third.load(content))["repeated_run_nos"] == [first.run_no, second.run_no]
    assert third.approve(repeats_run_no="").json()["code"] == "run_repeated"


def test_the_checker_names_the_lines_that_he_has_seen(http: HttpTreasury) -> None:
    """A run was approved without them after its maker had put others in their place."""
    run = HttpRun(http)
    seen = http.ok(run.load(list_of("606.66")))["lines_sm3"]
    http.ok(run.load(list_of("6060.66")))
    for body in (None, {}, {"lines_sm3": ""}):
        answer = run.act("approve", "checker", body)
        assert answer.json()["code"] == "malformed", answer.text
    assert run.approve(lines_sm3=seen).json()["code"] == "details_mismatch"
    assert run.show()["status"] == "loaded"
    http.ok(run.approve())
