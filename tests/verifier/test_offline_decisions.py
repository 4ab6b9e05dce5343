"""What the offline verifier decides again of payments and indicators, on files made to fit."""

from pathlib import Path

import psycopg
import pytest

from ledger.postgres.database import Database
from tests.support.audited_books import Audited, export_audited
from tests.support.tampering import Tampering, rewritten
from tests.verifier.test_offline_verifier import TRUSTED, first, run

MADE_TO_FIT: dict[str, tuple[Tampering, str]] = {
    "what is left of an indicator": (
        rewritten("payment.applied", 1, b'"canuse_amt":"', b'"canuse_amt":"9'),
        "canuse_amt is",
    ),
    "what is planned of it": (
        rewritten("plan.set", 0, b'"5000.00","plan_canuse', b'"5001.00","plan_canuse'),
        "plan_amt is 5001.00",
    ),
    "a unit that is not the indicator's": (
        rewritten("payment.applied", 1, b'"agency_code":"101001"', b'"agency_code":"101002"'),
        "agency_code is '101002', taken again it is '101001'",
    ),
    "the number of a voucher": (
        rewritten("payment.approved", 1, b'"pay_cert_no":"44', b'"pay_cert_no":"45'),
        "pay_cert_no is",
    ),
    "its day": (
        rewritten("payment.approved", 1, b'"vou_date":"2026-03-02"', b'"vou_date":"2026-03-01"'),
        "vou_date is '2026-03-01', taken again it is '2026-03-02'",
    ),
    "others to sign it": (
        rewritten("payment.approved", 1, b'"roles":["treasury"]', b'"roles":["unit"]'),
        "roles is ['unit'], taken again it is ['treasury']",
    ),
    "another bank to pay it": (
        rewritten("payment.approved", 1, b'"pay_bank_code":"102"', b'"pay_bank_code":"103"'),
        "pay_bank_code is '103', taken again it is '102'",
    ),
    "another voucher that is signed": (
        rewritten("voucher.signed", 1, b'"pay_cert_no":"44', b'"pay_cert_no":"45'),
        "pay_cert_no is",
    ),
    "what a freeze says": (
        rewritten("indicator.frozen", 0, b'"amt":"', b'"amt":"9'),
        "its journal books A",
    ),
    "another outcome": (
        rewritten("voucher.receipted", 0, b'"outcome":"paid"', b'"outcome":"failed"'),
        "outcome is 'failed', taken again it is 'paid'",
    ),
}


@pytest.mark.parametrize(("tampering", "told"), MADE_TO_FIT.values(), ids=MADE_TO_FIT.keys())
def test_what_is_made_to_fit_is_not_what_was_decided(
    audited: Audited, copied: Database, tmp_path: Path, tampering: Tampering, told: str
) -> None:
    with psycopg.connect(copied.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        position = tampering(connection, audited.ledger_id)
    folder = export_audited(copied, audited.ledger_id, tmp_path / "export", [])
    code, output = run(str(folder), *TRUSTED)
    assert code == 1
    assert first(output) == position
    assert told in output
