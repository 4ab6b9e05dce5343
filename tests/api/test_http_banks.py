"""Banks and certificates over HTTP: appointed with a key of their own, changed, ended, revoked."""

from collections.abc import Iterator
from typing import Any

import pytest

from division.certificate import HOME
from ledger.gm import default_provider
from ledger.postgres.database import Database
from tests.support.http_server import HttpTreasury, http_treasury_on

DIVISION = "/v1/divisions/440000000"


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    with http_treasury_on(module_database) as opened:
        yield opened.alone_in_divisions()


def new_key() -> str:
    provider = default_provider()
    return provider.public_key(provider.generate_key()).hex()


def certificate(own: HttpTreasury, person: str = "admin", **of: str) -> Any:
    body = {"public_key": new_key(), "valid_from": "2026-01-01", "valid_until": "2099-12-31", **of}
    return own.post(f"{DIVISION}/certificates", body, person)


def bank(own: HttpTreasury, code: str, serial: str, **more: str) -> Any:
    body = {
        "pay_bank_code": code,
        "name": "样例银行",
        "url": "http://127.0.0.1:1",
        "cert_serial": serial,
        "start_date": "2026-01-01",
        **more,
    }
    return own.post(f"{DIVISION}/banks", body, "admin")


def test_a_bank_is_appointed_with_its_own_certificate(own: HttpTreasury) -> None:
    made = own.ok(certificate(own, pay_bank_code="105"))
    assert made["subject"] == "bank/105"
    assert made["not_after"] == "2099-12-31T23:59:59.999999+08:00"
    assert own.ok(own.get(f"/v1/certificates/{made['cert_serial']}", ""))["subject"] == "bank/105"
    foreign = bank(own, "106", made["cert_serial"])
    assert foreign.json()["code"] == "certificate_invalid"
    appointed = own.ok(bank(own, "105", made["cert_serial"]))
    assert appointed["commit"]["ledger"] == "440000000-0000"
    told = {"start_date": "2026-06-01", "url": "https://bank.example.cn"}
    changed = own.ok(own.post(f"{DIVISION}/banks/105/changes", told, "admin"))
    assert [channel["url"] for channel in changed["channels"]] == [
        "http://127.0.0.1:1",
        "https://bank.example.cn",
    ]
    [listed] = own.ok(own.get(f"{DIVISION}/banks"))["items"]
    assert (listed["pay_bank_code"], listed["end_date"]) == ("105", None)


def test_a_policy_takes_appointed_banks_alone(own: HttpTreasury) -> None:
    policy = {"roles": ["treasury"], "pay_bank_code": "199"}
    refused = own.call("PUT", "…/signature-policy", "admin", json=policy)
    assert (refused.status_code, refused.json()["code"]) == (422, "bank_not_appointed")
    own.ok(own.call("PUT", "…/signature-policy", "admin", json={**policy, "pay_bank_code": "105"}))
    own.ok(own.post(f"{DIVISION}/banks/105/end", {"end_date": "2026-02-01"}, "admin"))
    other = {"roles": ["finance_first"], "pay_bank_code": "105"}
    again = own.call("PUT", "…/signature-policy", "admin", json=other)
    assert again.json()["code"] == "bank_not_appointed"


def test_a_certificate_is_a_registered_persons(own: HttpTreasury) -> None:
    assert certificate(own, principal="nobody").json()["code"] == "not_found"
    own.ok(own.post(f"{DIVISION}/persons", {"principal": "p1", "roles": ["treasury"]}, "admin"))
    made = own.ok(certificate(own, principal="p1"))
    assert made["commit"]["ledger"] == "000000000-0000"
    path = f"{DIVISION}/certificates/{made['cert_serial']}/revoke"
    assert own.ok(own.post(path, None, "admin"))["revoked_at"]
    assert own.post(path, None, "admin").headers["idempotent-replayed"] == "true"
    listed = own.ok(own.get(f"{DIVISION}/certificates", page_size=1000))["items"]
    assert [c["revoked_at"] != "" for c in listed if c["cert_serial"] == made["cert_serial"]]


def test_another_certificate_of_a_known_bank_takes_all_divisions(own: HttpTreasury) -> None:
    own.ok(certificate(own, pay_bank_code="107"))
    assert certificate(own, pay_bank_code="107").json()["code"] == "forbidden"
    own.tokens["root"] = own.token("root", "admin", division="")
    own.ok(certificate(own, "root", pay_bank_code="107"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"principal": "p1", "pay_bank_code": "105"},
        {},
        {"principal": "p1", "usage": "encrypt"},
        {"principal": "p1", "public_key": "00"},
        {"principal": "p1", "valid_from": "soon"},
        {"principal": "p1", "valid_until": ""},
        {"principal": "p1", "valid_from": "2099-01-01", "valid_until": "2026-01-01"},
    ],
)
def test_what_is_no_certificate_is_malformed(own: HttpTreasury, wrong: dict[str, str]) -> None:
    assert certificate(own, **wrong).json()["code"] == "malformed"


def test_all_certificates_are_of_one_ledger() -> None:
    assert HOME == 0
