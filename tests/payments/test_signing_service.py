"""The service that signs, up to the books: outcomes in order, refusals on record, faults not."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from division import certificates
from ledger.deciding.command import Outcome
from ledger.errors import Refusal
from ledger.postgres.database import Database
from ledger.writing.submitting import submit_to
from payments.messages.message_types import SignedBy
from payments.signature_policy import SetSignaturePolicy
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import SigningTreasury


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


def sign(
    treasury: SigningTreasury, *numbers: str, role: str = "treasury", **how: Any
) -> list[Outcome]:
    submit = submit_to(treasury.keeper.sequencer)
    ledger_id = treasury.keeper.ledger_id
    return treasury.signing().sign_and_submit(ledger_id, numbers, role, "li.si", submit, **how)


def told(outcomes: list[Outcome]) -> list[str]:
    return [o.subjects[0].status if o.problem is None else o.problem.code.text for o in outcomes]


def recorded(treasury: SigningTreasury) -> list[tuple[str, str, str]]:
    """(operation, number, code) of what the ledger has on record as refused."""
    return [
        (event.operation, event.number, event.code)
        for _, _, event in treasury.keeper.events()
        if event.TYPE == "command.refused"
    ]


def test_each_voucher_has_its_outcome_and_refusals_are_on_record(treasury: SigningTreasury) -> None:
    treasury.applied(2)
    treasury.keeper.apply("unchecked", "B", "1.00")
    outcomes = sign(treasury, "P1", "none", "unchecked", "P2")
    assert told(outcomes) == ["signed", "payment_not_found", "invalid_state", "signed"]
    assert recorded(treasury) == [
        ("voucher.sign", "none", "payment_not_found"),
        ("voucher.sign", "unchecked", "invalid_state"),
    ]


def test_a_manifest_has_no_outcome_of_its_own(treasury: SigningTreasury) -> None:
    treasury.keeper.do(SetSignaturePolicy(roles=("treasury",), signing="manifest"), "admin")
    treasury.applied(2)
    assert told(sign(treasury, "P1", "none", "P2")) == ["signed", "payment_not_found", "signed"]
    [number] = {p.signatures[0].manifest_no for p in treasury.payments(["P1", "P2"]).values()}
    assert number


def test_a_fault_of_ours_is_answered_and_not_recorded(
    treasury: SigningTreasury, database: Database
) -> None:
    treasury.keeper.policy("unit", "treasury")
    treasury.applied(2)
    treasury.sign(["P1", "P2"], role="unit", by="zhang.san")
    first = treasury.payments(["P1"])["P1"].signatures[0].voucher_sm3
    with psycopg.connect(database.owner_conninfo) as owner:
        owner.execute("ALTER TABLE documents DISABLE TRIGGER USER")
        owner.execute("DELETE FROM documents WHERE sm3 = %s", (bytes.fromhex(first),))
    assert told(sign(treasury, "P1", "P2")) == ["internal", "signed"]
    assert recorded(treasury) == []


@pytest.mark.parametrize("signing", ["voucher", "manifest"])
def test_a_trial_signs_nothing(treasury: SigningTreasury, signing: str) -> None:
    treasury.keeper.do(SetSignaturePolicy(roles=("treasury",), signing=signing), "admin")
    treasury.applied(1)
    before = len(treasury.keeper.events())
    outcomes = sign(treasury, "P1", "none", dry_run=True)
    assert told(outcomes) == ["signed", "payment_not_found"]
    assert len(treasury.keeper.events()) == before
    assert treasury.statuses(["P1"]) == ["approved"]


def test_what_a_run_submits_stops_at_the_first_problem(treasury: SigningTreasury) -> None:
    treasury.applied(2)
    signed = treasury.signing().sign(
        treasury.keeper.ledger_id, ["P1", "none", "P2", "nil"], "treasury", "li.si"
    )
    with pytest.raises(Refusal, match="'none'"):
        signed.commands()
    numbers = ["P1", "P2"]
    signed = treasury.signing().sign(treasury.keeper.ledger_id, numbers, "treasury", "li.si")
    for command in signed.commands():
        treasury.keeper.do(command, "li.si")
    assert treasury.statuses(numbers) == ["signed", "signed"]


def test_claims_are_signed_by_the_division(treasury: SigningTreasury) -> None:
    signer = treasury.signing().claim_signer(treasury.keeper.ledger_id)
    with treasury.pool.connection() as connection:
        certificate = certificates.find(connection, signer.cert_serial)
    assert certificate is not None
    assert certificate.subject == SignedBy.FINANCE.subject("440000000")
    signature = signer.sign(b"claim")
    assert treasury.provider.verify(certificate.public_key, b"claim", signature)
    again = treasury.signing().claim_signer(treasury.keeper.ledger_id)
    assert again.cert_serial == signer.cert_serial
