"""Signing with one's own key: the server says what to sign, and never sees what signs it."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from division import certificates
from ledger.errors import Refusal
from ledger.gm import PrivateKey
from ledger.gm.gmssl_provider import GmsslProvider
from ledger.gm.signature import encode_signature
from tests.support.http_server import HttpTreasury, http
from tests.support.own_keys import approved, enrolled

POLICY = {"roles": ["treasury"], "pay_bank_code": "102"}


class Device:
    """What a person carries: it signs a digest and knows nothing else."""

    def __init__(
        self, http: HttpTreasury, person: str, begins: timedelta = timedelta(minutes=-1)
    ) -> None:
        self._provider = GmsslProvider()
        self._key: PrivateKey = self._provider.generate_key()
        public_key = self._provider.public_key(self._key)
        self.certificate = enrolled(http, person, public_key, begins)

    def sign(self, digest: str) -> str:
        pair = self._provider.sign_digest(self._key, bytes.fromhex(digest))
        return base64.b64encode(encode_signature(*pair)).decode("ascii")


class Person:
    """A signer of the treasury with a device of his own."""

    def __init__(self, http: HttpTreasury) -> None:
        self.http, self.name = http, http.number("signer").lower()
        http.tokens[self.name] = http.token(self.name, "treasury")
        self.device = Device(http, self.name)

    def prepare(self, *numbers: str, serial: str = "") -> Any:
        serial = serial or self.device.certificate.serial
        asked = {"pay_app_nos": numbers, "role": "treasury", "cert_serial": serial}
        return self.http.post("…/payments:prepare-signature", asked, self.name)

    def prepared(self, *numbers: str) -> list[dict[str, Any]]:
        return list(self.http.ok(self.prepare(*numbers))["items"])

    def submit(self, body: dict[str, Any]) -> Any:
        return self.http.post("…/payments:submit-signature", body, self.name)

    def submitted(self, *items: dict[str, str]) -> list[str]:
        """A result each, as its status or the code of its problem."""
        answer = self.http.ok(self.submit({"items": items}))
        return [
            result["problem"]["code"] if "problem" in result else result["status"]
            for result in answer["results"]
        ]

    def signature_of(self, item: dict[str, Any]) -> dict[str, str]:
        return {"pay_app_no": item["pay_app_no"], "signature": self.device.sign(item["digest"])}


@pytest.fixture
def person(http: HttpTreasury) -> Person:
    return Person(http)


def test_what_a_device_has_signed_is_paid_and_says_whose_key_it_was(
    http: HttpTreasury, person: Person
) -> None:
    number = approved(http, http.indicator())
    [item] = person.prepared(number)
    assert number.encode() in base64.b64decode(item["voucher"])
    asked = person.signature_of(item)
    assert person.submitted(asked) == ["created"]
    assert person.submitted(asked) == ["replayed"]
    assert person.submitted(person.signature_of(item)) == ["replayed"]  # signed once more

    [signature] = http.ok(http.get(f"…/payments/{number}"))["signatures"]
    assert (signature["by"], signature["custody"]) == (person.name, "own")
    assert signature["cert_serial"] == person.device.certificate.serial
    assert not http.treasury.keys.names().count(f"principal/{person.name}")
    http.ok(http.deliver(http.receipt_for(number)))
    assert http.ok(http.get(f"…/payments/{number}"))["status"] == "paid"


def test_no_other_signature_is_taken(http: HttpTreasury, person: Person) -> None:
    bgt_id = http.indicator()
    one, other = (approved(http, bgt_id, amount) for amount in ("100.00", "200.00"))
    first, second = person.prepared(one, other)
    stranger = Person(http).device
    forged = {"pay_app_no": one, "signature": stranger.sign(first["digest"])}
    replayed = {"pay_app_no": one, "signature": person.device.sign(second["digest"])}
    noise = {"pay_app_no": one, "signature": "no base64"}
    for wrong in (forged, replayed, noise):
        assert person.submitted(wrong) == ["signature_invalid"]
    assert person.submitted(person.signature_of(first), forged | {"pay_app_no": other}) == [
        "created",
        "signature_invalid",
    ]
    kept = http.ok(http.get("…/refusals", operation="voucher.sign"))["items"]
    assert {one, other} <= {refusal["number"] for refusal in kept}


def test_only_a_valid_certificate_of_ones_own_signs(http: HttpTreasury, person: Person) -> None:
    number = approved(http, http.indicator())
    foreign = person.prepare(number, serial=Person(http).device.certificate.serial)
    assert foreign.json()["code"] == "certificate_invalid"
    [item] = person.prepared(number)
    with http.treasury.pool.connection() as connection:
        certificates.revoke(
            connection,
            person.device.certificate.serial,
            datetime.now(UTC),
            http.treasury.sequencer.conditions,
        )
    assert person.prepare(number).json()["code"] == "certificate_invalid"
    late = person.submit({"items": [person.signature_of(item)]})
    assert late.json()["code"] == "certificate_invalid"


def test_the_server_makes_no_signature_for_who_has_a_key_of_his_own(
    http: HttpTreasury, person: Person
) -> None:
    number = approved(http, http.indicator())
    asked = {"pay_app_nos": [number], "role": "treasury"}
    [result] = http.ok(http.post("…/payments:sign", asked, person.name))["results"]
    assert result["problem"]["code"] == "certificate_invalid"


def test_a_key_of_ones_own_counts_from_before_the_servers(
    http: HttpTreasury, person: Person
) -> None:
    """The server went on signing where a person's own certificate began before the server's."""
    name = http.number("late").lower()
    http.tokens[name] = http.token(name, "treasury")
    bgt_id = http.indicator()
    first, second = approved(http, bgt_id), approved(http, bgt_id)
    asked = {"pay_app_nos": [first], "role": "treasury"}
    [signed] = http.ok(http.post("…/payments:sign", asked, name))["results"]
    assert signed["status"] == "created"
    Device(http, name, begins=timedelta(days=-60))
    [refused] = http.ok(http.post("…/payments:sign", {**asked, "pay_app_nos": [second]}, name))[
        "results"
    ]
    assert refused["problem"]["code"] == "certificate_invalid"


def test_a_key_speaks_for_one_person(http: HttpTreasury, person: Person) -> None:
    """A key on record for two persons made both signatures of a voucher."""
    public_key = person.device.certificate.public_key
    with (
        http.treasury.pool.connection() as connection,
        pytest.raises(Refusal, match="is that of principal/"),
    ):
        certificates.register(
            connection,
            "principal/another",
            public_key,
            http.treasury.sequencer.conditions,
            not_before=datetime.now(UTC),
            not_after=datetime.now(UTC) + timedelta(days=1),
        )


def test_a_dry_run_makes_no_key_and_no_certificate(http: HttpTreasury) -> None:
    name = http.number("new").lower()
    http.tokens[name] = http.token(name, "treasury")
    asked = {"pay_app_nos": [approved(http, http.indicator())], "role": "treasury"}
    http.ok(http.post("…/payments:sign?dry_run=true", asked, name))
    assert f"principal/{name}" not in http.treasury.keys.names()
    with http.treasury.pool.connection() as connection:
        assert not certificates.has_any(connection, f"principal/{name}")


def test_one_signature_covers_a_manifest(http: HttpTreasury, person: Person) -> None:
    http.ok(http.call("PUT", "…/signature-policy", "admin", json={**POLICY, "signing": "manifest"}))
    bgt_id = http.indicator()
    numbers = [approved(http, bgt_id) for _ in range(3)]
    prepared = http.ok(person.prepare(*numbers, "none"))
    assert [item.get("problem", {}).get("code") for item in prepared["items"]] == [
        *(None, None, None),
        "payment_not_found",
    ]
    manifest = prepared["manifest"]
    assert manifest["pay_app_nos"] == numbers
    signed = {"manifest": manifest, "signature": person.device.sign(manifest["digest"])}

    turned = {**signed, "manifest": {**manifest, "pay_app_nos": numbers[::-1]}}
    forged = {**signed, "signature": Person(http).device.sign(manifest["digest"])}
    other_text = manifest["text"].replace("\ntreasury\n", "\nunit\n")
    for wrong in (turned, forged, {**signed, "manifest": {**manifest, "text": other_text}}):
        assert person.submit(wrong).json()["code"] == "signature_invalid"

    results = http.ok(person.submit(signed))["results"]
    assert [result["status"] for result in results] == ["created"] * 3
    again = http.ok(person.submit(signed))["results"]
    assert [result["status"] for result in again] == ["replayed"] * 3
    for number in numbers:
        [signature] = http.ok(http.get(f"…/payments/{number}"))["signatures"]
        assert (signature["custody"], bool(signature["manifest_no"])) == ("own", True)
        http.ok(http.deliver(http.receipt_for(number)))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"items": []},
        {"items": [{"pay_app_no": "P", "signature": ""}] * 2},
        {"items": [], "manifest": {"text": "", "pay_app_nos": ["P"]}},
        {"items": [{"pay_app_no": "P"}]},
    ],
)
def test_what_is_neither_signatures_nor_a_manifest_is_malformed(
    http: HttpTreasury, person: Person, wrong: dict[str, Any]
) -> None:
    assert person.submit(wrong).json()["code"] == "malformed"
