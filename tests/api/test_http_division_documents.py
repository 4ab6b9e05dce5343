"""What of a division others must agree to 审批: persons and rights, certificates, banks, code sets.

An administrator alone could give himself, or anybody, any right, and put any key in the place of a
bank's.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from division.credentials import make_token
from division.persons import RegisterPerson
from division.recording import submit
from division.rights import Rights
from ledger.account_set import standing_ledger
from ledger.books import load_charts
from ledger.deciding.approvals import APPROVAL_POLICY, ApprovalPolicy
from ledger.deciding.command import Submission
from ledger.errors import RequestError
from ledger.events import LedgerOpened
from ledger.gm import default_provider
from ledger.postgres.database import Database
from payments.verification.run import Options, verify_ledger
from tests.api.test_http_banks import bank, certificate
from tests.api.test_http_code_sets import HEADER, PATH, ROW
from tests.support.http_server import HttpTreasury, http_treasury_on
from tests.support.redeciding import taken_again

DIVISION = "/v1/divisions/440000000"
PERSONS = f"{DIVISION}/persons"
DOCUMENTS = f"{DIVISION}/documents"
ALL, GUANGDONG = standing_ledger(""), standing_ledger("44")


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(module_database) as opened:
        opened.tokens["officer_and_admin"] = opened.token("Boss", "admin", "security_officer")
        yield opened


def submitted(own: HttpTreasury, principal: str, **more: Any) -> dict[str, Any]:
    body = {"principal": principal, "roles": ["auditor"], **more}
    answer = own.post(PERSONS, body, "admin")
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def agree(own: HttpTreasury, document: dict[str, Any], person: str) -> Any:
    path = f"{DOCUMENTS}/{document['kind']}/{document['number']}/approve"
    return own.post(path, None, person)


def registered(own: HttpTreasury) -> list[str]:
    listed = own.ok(own.get(PERSONS, page_size=1000))["items"]
    return [person["principal"] for person in listed]


def findings(own: HttpTreasury, ledger_id: int) -> list[Any]:
    conninfo = own.treasury.database.app_conninfo
    with TemporaryDirectory() as folder:
        options = Options(folder=Path(folder))
        report = verify_ledger(conninfo, load_charts(), default_provider(), ledger_id, options)
    again = taken_again(conninfo, ledger_id)
    return [*report.findings, *again.all()]


# ---- persons


def test_a_person_waits_for_the_security_officer(own: HttpTreasury) -> None:
    waits = submitted(own, "Wang.Wu", valid_until="2099-12-31")
    assert {name: waits[name] for name in ("ledger", "state", "kind", "number", "awaits")} == {
        "ledger": "440000000-0000",
        "state": "submitted",
        "kind": "person.register",
        "number": "wang.wu",
        "awaits": ["security_officer"],
    }
    assert "Wang.Wu" not in registered(own)
    shown = own.ok(own.get(f"{DOCUMENTS}/person.register/wang.wu"))
    assert (shown["by"], shown["asks"]["principal"]) == ("admin", "Wang.Wu")
    assert agree(own, waits, "checker").json()["code"] == "forbidden"

    done = agree(own, waits, "officer")
    assert (done.status_code, done.json()["principal"]) == (201, "Wang.Wu")
    assert "Wang.Wu" in registered(own)
    body = {"principal": "Wang.Wu", "roles": ["auditor"], "valid_until": "2099-12-31"}
    again = own.post(PERSONS, body, "admin")
    assert (again.status_code, again.json()) == (201, done.json())
    assert agree(own, waits, "officer").headers["idempotent-replayed"] == "true"


def test_nobody_agrees_to_what_he_has_asked_for(own: HttpTreasury) -> None:
    answer = own.post(PERSONS, {"principal": "me", "roles": ["admin"]}, "officer_and_admin")
    refused = agree(own, answer.json(), "officer_and_admin")
    assert (refused.status_code, refused.json()["code"]) == (403, "same_person")


def test_rights_and_credentials_wait_and_an_end_of_a_credential_does_not(own: HttpTreasury) -> None:
    own.ok(agree(own, submitted(own, "zhao.liu"), "officer"))
    own.ok(agree(own, own.post(
        f"{PERSONS}/ZHAO.LIU/rights", {"roles": ["ops"], "change_no": "QX-1"}, "admin"
    ).json(), "officer"))  # fmt: skip
    key = "ab" * 32
    made = own.post(f"{PERSONS}/Zhao.Liu/tokens", {"token_sm3": key, "roles": ["ops"]}, "admin")
    assert made.status_code == 202
    assert agree(own, made.json(), "officer").status_code == 201
    ended = own.post(f"{DIVISION}/tokens/{key}/end", None, "admin")
    assert (ended.status_code, ended.json()["ended_at"] != "") == (200, True)
    gone = own.post(f"{PERSONS}/zhao.liu/end", {"change_no": "QX-2"}, "admin")
    assert (gone.status_code, gone.json()["awaits"]) == (202, ["security_officer"])
    assert own.ok(agree(own, gone.json(), "officer"))["has_ended"]
    assert findings(own, GUANGDONG) == []


def test_what_was_given_back_is_free_again(own: HttpTreasury) -> None:
    waits = submitted(own, "qian.yi")
    path = f"{DOCUMENTS}/person.register/qian.yi/return"
    returned = own.ok(own.post(path, {"reason": "无任职文件"}, "officer"))
    assert (returned["state"], returned["reason"]) == ("returned", "无任职文件")
    assert agree(own, waits, "officer").json()["code"] == "invalid_state"
    assert submitted(own, "qian.yi", name="钱一")["state"] == "submitted"
    path = f"{DOCUMENTS}/person.register/nobody/return"
    assert own.post(path, {"reason": "x"}, "officer").json()["code"] == "not_found"


def test_a_change_without_a_number_is_one_change_however_often_it_is_asked_for(
    own: HttpTreasury,
) -> None:
    """Each repetition after an unknown answer made another document."""
    own.ok(agree(own, submitted(own, "sun.er"), "officer"))
    path, about = f"{PERSONS}/sun.er/rights", "person/sun.er"

    def asked(*roles: str) -> Any:
        return own.post(path, {"roles": list(roles)}, "admin")

    def waiting() -> list[str]:
        listed = own.ok(own.get(DOCUMENTS, about=about, kind="person.set_rights"))["items"]
        return [item["number"] for item in listed]

    first = asked("ops")
    again = asked("ops")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert again.json() == first.json()
    done = agree(own, first.json(), "officer")
    late = asked("ops")  # whoever asked had no answer, and the other person was quick
    assert (late.status_code, late.headers["idempotent-replayed"]) == (200, "true")
    assert late.json() == done.json()
    assert waiting() == [first.json()["number"]]

    own.ok(agree(own, asked("auditor").json(), "officer"))
    once_more = asked("ops")  # what he had before is something else now
    assert (once_more.status_code, once_more.json()["state"]) == (202, "submitted")
    assert len(waiting()) == 3
    own.ok(agree(own, once_more.json(), "officer"))
    assert findings(own, GUANGDONG) == []


def test_many_are_listed_and_agreed_to_in_one_call(own: HttpTreasury) -> None:
    names = [f"many.{n}" for n in range(3)]
    for name in names:
        submitted(own, name)
    serial = own.ok(certificate(own, pay_bank_code="111"))["number"]
    mine = own.ok(own.get(DOCUMENTS, "officer", mine="true", state="submitted", page_size=1000))
    waiting = {(item["kind"], item["number"]): item["ledger"] for item in mine["items"]}
    assert waiting["certificate.register", serial] == "000000000-0000"
    asked = [{"kind": "person.register", "number": name} for name in names]
    assert all(waiting[each["kind"], each["number"]] == "440000000-0000" for each in asked)
    asked += [{"kind": "certificate.register", "number": serial}]
    missing = {"kind": "person.register", "number": "nobody"}
    results = own.ok(own.post(f"{DOCUMENTS}:approve", {"documents": [*asked, missing]}, "officer"))
    assert [each["status"] for each in results["results"]] == ["created"] * 4 + ["refused"]
    assert results["results"][0]["answer"]["principal"] == "many.0"
    assert results["results"][4]["problem"]["code"] == "not_found"
    assert set(names) <= set(registered(own))
    [first] = own.ok(own.get(DOCUMENTS, kind="certificate.register", page_size=1))["items"]
    assert (first["kind"], first["state"]) == ("certificate.register", "approved")


# ---- what is of all divisions


def test_a_certificate_is_agreed_to_in_the_division_that_asks(own: HttpTreasury) -> None:
    waits = own.ok(certificate(own, pay_bank_code="105"))
    assert (waits["ledger"], waits["awaits"]) == ("000000000-0000", ["security_officer"])
    own.tokens["guangxi"] = own.token("guangxi", "security_officer", division="45")
    elsewhere = f"/v1/divisions/450000000/documents/{waits['kind']}/{waits['number']}/approve"
    assert own.post(elsewhere, None, "guangxi").json()["code"] == "not_found"
    done = agree(own, waits, "officer")
    assert (done.status_code, done.json()["subject"]) == (201, "bank/105")

    appointing = bank(own, "105", waits["number"]).json()
    assert (appointing["kind"], appointing["awaits"]) == ("bank.appoint", ["treasury_checker"])
    own.tokens["root"] = own.token("root", "admin", division="")
    own.tokens["root_officer"] = own.token("root_officer", "security_officer", division="")
    everywhere = "/v1/divisions/000000000"
    path = f"{everywhere}/certificates/{waits['number']}/revoke"
    revoking = own.post(path, None, "root").json()
    path = f"{everywhere}/documents/{revoking['kind']}/{revoking['number']}/approve"
    assert own.ok(own.post(path, None, "root_officer"))["revoked_at"]
    late = agree(own, appointing, "checker")
    assert (late.status_code, late.json()["code"]) == (422, "certificate_invalid")
    shown = own.ok(own.get(f"{DOCUMENTS}/bank.appoint/105"))
    assert shown["state"] == "submitted"
    assert findings(own, ALL) == []


def test_of_two_first_certificates_of_a_bank_one_takes_all_divisions(own: HttpTreasury) -> None:
    """Both were asked for while it had none: whoever had both agreed to spoke for it everywhere."""
    first, second = (certificate(own, pay_bank_code="109").json() for _ in range(2))
    own.ok(agree(own, first, "officer"))
    assert agree(own, second, "officer").json()["code"] == "forbidden"


def test_code_sets_are_measured_when_others_agree(own: HttpTreasury) -> None:
    """Both were submitted while neither held; what each changes is told when it takes effect."""
    loads = [
        own.call("POST", PATH, "admin", content=(HEADER + ROW + row).encode()).json()
        for row in ("", "fund_type_code,1112,其他财力安排,111,440000000\n")
    ]
    assert [each["awaits"] for each in loads] == [["treasury_checker"]] * 2
    done = [own.ok(agree(own, each, "checker")) for each in loads]
    counted = [(each["added"], each["unchanged"], each["loaded_by"]) for each in done]
    assert counted == [(1, 0, "admin"), (1, 1, "admin")]
    assert findings(own, ALL) == []


# ---- the policy


def test_the_policy_waits_for_the_security_officer_too(own: HttpTreasury) -> None:
    def policy(**kinds: list[str]) -> Any:
        asked = {kind.replace("_", "."): roles for kind, roles in kinds.items()}
        return own.call("PUT", f"{DIVISION}/approval-policy", "admin", json=asked)

    waits = policy(bank_end=[])
    assert (waits.status_code, waits.json()["awaits"]) == (202, ["security_officer"])
    done = own.ok(agree(own, waits.json(), "officer"))
    assert (done["ledger"], done["policy"]) == ("440000000-0000", {"bank.end": []})
    shown = own.ok(own.get(f"{DIVISION}/approval-policy"))["policy"]
    assert (shown["bank.end"], shown["person.*"]) == ([], ["security_officer"])
    assert policy(bank_king=["security_officer"]).status_code == 202  # bank.* is all of them
    assert policy(king_register=[]).json()["code"] == "malformed"
    end = own.post(f"{DIVISION}/banks/199/end", {"end_date": "2026-02-01"}, "admin")
    assert end.json()["code"] == "not_found"  # decided at once, and nobody is waited for


def test_the_policy_of_certificates_is_that_of_all_divisions(own: HttpTreasury) -> None:
    path = "/v1/divisions/000000000/approval-policy"
    asked = {"code_sets.load": []}
    assert own.call("PUT", path, "admin", json=asked).json()["code"] == "forbidden"
    own.tokens["root"] = own.token("root", "admin", division="")
    waits = own.call("PUT", path, "root", json=asked)
    assert (waits.status_code, waits.json()["ledger"]) == (202, "000000000-0000")
    assert agree(own, waits.json(), "officer").json()["code"] == "not_found"  # not his division's


def test_a_standing_ledger_of_an_earlier_release_wants_nobody_else() -> None:
    opened = LedgerOpened(
        mof_div_code="440000000", mof_div_name="", fiscal_year=0, name="基础信息", by="guoku"
    )
    assert APPROVAL_POLICY.fold(ApprovalPolicy(), opened).roles_for("person.register") == ()


# ---- at the machine


def test_an_operator_needs_nobody_else_and_is_seen_as_what_he_is(own: HttpTreasury) -> None:
    own.token("made.at.the.machine", "auditor")
    assert "made.at.the.machine" in registered(own)
    waits = submitted(own, "both.ways")
    own.token("both.ways", "ops")  # though a document of the same name waits
    assert "both.ways" in registered(own)
    assert agree(own, waits, "officer").json()["code"] == "idempotency_conflict"
    assert findings(own, GUANGDONG) == []


@pytest.mark.parametrize("name", ["operator", "Operator", "guoku", "migration", "import"])
def test_no_person_is_called_as_who_acts_at_the_machine(own: HttpTreasury, name: str) -> None:
    refused = own.post(PERSONS, {"principal": name, "roles": ["admin"]}, "admin")
    assert refused.json()["code"] == "malformed"
    with (
        own.treasury.pool.connection() as connection,
        pytest.raises(RequestError, match="acts at the machine"),
    ):
        make_token(connection, name, Rights("44", ("ops",)), own.treasury.sequencer.conditions)


def test_verification_finds_what_nobody_else_has_agreed_to(own: HttpTreasury) -> None:
    """A canary, and so the last: an act that passes the mechanism by without saying so."""
    command = RegisterPerson(principal="hidden", division="440000000", roles=("admin",))
    alone = Submission(command=command, by="admin", at_machine=True)
    with own.treasury.pool.connection() as connection:
        submit(connection, GUANGDONG, [alone], own.treasury.sequencer.conditions)
    unapproved, otherwise = findings(own, GUANGDONG)
    assert (unapproved.check, "未经审批" in unapproved.detail) == ("approval", True)
    assert (otherwise.check, "taken again it is document.submitted" in otherwise.detail) == (
        "decision",
        True,
    )
