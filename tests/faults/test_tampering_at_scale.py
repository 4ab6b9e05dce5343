"""The tamper table on a ledger of 100,000 events, by both verifiers. Slow by its size.

Vouchers and receipts are signed in manifests, so that the offline verifier, whose SM2 is Python,
is measured by the events and not by signatures.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger.gm import sm3
from ledger.postgres.database import Database
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.documents import compress_document
from ledger.verification.findings import first_of
from payments.application import ApprovePayment
from payments.manifest import ManifestText, leaf_of
from payments.signature_policy import SetSignaturePolicy
from payments.voucher import MarkSent
from tests.conftest import drop_database, new_database
from tests.projections.test_audit_verify import tamper, verify
from tests.support.audited_books import (
    BANK,
    Audited,
    AuditedBooks,
    audited_as_it_stands,
    export_audited,
)
from tests.support.bookkeeper import Bookkeeper, fresh_pool, payment, receipt
from tests.support.tampering import TAMPERINGS, Tampering
from tests.verifier.test_offline_verifier import TRUSTED, WITNESSED, first, run

pytestmark = pytest.mark.slow

EVENTS = 100_000
BULK = 1_000


@pytest.fixture(scope="module")
def large(
    cluster: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Audited:
    database = new_database(cluster, template)
    with fresh_pool(database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        books = AuditedBooks(keeper, tmp_path_factory.mktemp("large"))
        keeper.open()
        keeper.do(SetSignaturePolicy(roles=("treasury",), signing="manifest"), "admin")
        for bgt_id in ("B1", "B2"):
            keeper.issue(bgt_id, "9000000.00")
        for start in range(0, EVENTS // 7 + 1, BULK):
            pay_in_bulk(books, [f"P{number}" for number in range(start, start + BULK)])
        return audited_as_it_stands(database, keeper)


def pay_in_bulk(books: AuditedBooks, numbers: list[str]) -> None:
    """Seven events a payment, and a manifest for all vouchers and one for all receipts."""
    keeper = books.keeper
    keeper.submit(*(payment(no, f"B{1 + at % 2}", "10.00") for at, no in enumerate(numbers)))
    keeper.submit(*(ApprovePayment(pay_app_no=no) for no in numbers), by="checker")
    books.sign(numbers)
    keeper.submit(*(MarkSent(pay_app_no=no) for no in numbers), by="dispatcher")
    paid = books.payments(numbers)
    documents = [books.receipt_of(paid[no], ()) for no in numbers]
    leaves = [leaf_of(sm3(document)) for document in documents]
    manifest = books.manifest(BANK, ManifestText(BANK, "receipt", 0, b""), leaves)
    answers = [
        receipt(
            paid[no],
            receipt_sm3=sm3(document).hex(),
            cert_serial=manifest.cert_serial,
            signature="",
            manifest_no=manifest.number,
            leaf=leaf,
            document=compress_document(document),
        )
        for leaf, (no, document) in enumerate(zip(numbers, documents, strict=True))
    ]
    for outcome in keeper.submit(manifest, *answers, by="bank"):
        assert outcome.problem is None, str(outcome.problem)


@pytest.fixture
def copied(cluster: EmbeddedPostgres, large: Audited) -> Iterator[Database]:
    made = new_database(cluster, large.dbname)
    yield made
    drop_database(cluster, made)


def test_the_large_ledger_holds(large: Audited, copied: Database, tmp_path: Path) -> None:
    assert large.last > EVENTS
    assert verify(copied, tmp_path / "audit", large.notes).findings == []
    folder = export_audited(copied, large.ledger_id, tmp_path / "export", large.notes)
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 0, output


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_a_tampering_is_found_where_it_began(
    large: Audited, copied: Database, tmp_path: Path, tampering: Tampering
) -> None:
    position = tamper(copied, tampering)
    found = first_of(verify(copied, tmp_path / "audit", large.notes).findings)
    assert found is not None
    assert found.position == position
    folder = export_audited(copied, large.ledger_id, tmp_path / "export", large.notes)
    code, output = run(str(folder), *TRUSTED, *WITNESSED)
    assert code == 1
    if tampering is TAMPERINGS["chain recomputed"]:
        # all agrees with itself: checkpoints alone tell, and they are a commit apart
        assert first(output) == first_of_commit(copied, large.ledger_id, position)
    else:
        assert first(output) == position, output


def first_of_commit(database: Database, ledger_id: int, position: int) -> int:
    with psycopg.connect(database.owner_conninfo) as connection:
        [(began,)] = connection.execute(
            "SELECT first_position FROM commits WHERE ledger_id = %s AND position >= %s"
            " ORDER BY position LIMIT 1",
            (ledger_id, position),
        )
    return int(began)
