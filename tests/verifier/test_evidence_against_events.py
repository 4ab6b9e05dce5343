"""Events that say otherwise than the documents they name, by both verifiers (invariant 14).

The forged history is the program's own: digests, chain, numbers, fingerprints, figures and balances
all fit. Only what the bank has signed, and what was signed for it, says something else.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from budget.indicator import INDICATOR
from ledger.account_set import ledger_id
from ledger.elements import stored_code_sets
from ledger.money import parse_yuan
from ledger.postgres.database import Database
from ledger.reading.documents import compress_document
from ledger.reading.objects import read_objects
from payments.clearing.claims import RequestClearing
from payments.messages import clearing_2301, receipt_5214
from payments.messages.clearing_2301 import ClearingOutcome
from payments.messages.receipt_5214 import DetailOutcome, VoucherOutcome
from payments.payment import Payment
from payments.signing.claims import claim_document
from payments.signing.voucher_document import voucher_document
from payments.voucher import SignVoucher
from tests.projections.test_audit_verify import verify
from tests.support.audited_books import (
    BANK,
    CENTRAL_BANK,
    SIGNER,
    AuditedBooks,
    audited_as_it_stands,
    export_audited,
)
from tests.support.bookkeeper import Bookkeeper, claim_receipt, detail, fresh_pool, receipt
from tests.support.histories import MARCH_2
from tests.verifier.test_offline_verifier import first
from tests.verifier.test_offline_verifier import run as run_offline

LEDGER = ledger_id("440000000", 2026)
OTHER = "6222000000000000666"
replace = msgspec.structs.replace

# what the honest document has, where the events have something else
Honest = Callable[[Payment], Payment]


def applied(**fields: Any) -> Honest:
    return lambda payment: replace(
        payment,
        applied=replace(payment.applied, **fields),
        pay_fen=parse_yuan(fields.get("pay_amt", payment.applied.pay_amt)),
    )


def approved(**fields: Any) -> Honest:
    def honest(payment: Payment) -> Payment:
        assert payment.approved is not None
        return replace(payment, approved=replace(payment.approved, **fields))

    return honest


VOUCHERS: dict[str, tuple[str, Honest]] = {
    "payee's account": ("PayeeAcctNo", applied(payee_acct_no=OTHER)),
    "payee's name": ("PayeeAcctName", applied(payee_acct_name="另一公司")),
    "payee's bank": ("PayeeAcctBankName", applied(payee_acct_bank_name="另一银行")),
    "amount": ("PayAmt", applied(pay_amt="9.00")),
    "purpose": ("PaySummaryName", applied(use_des="别的")),
    "application": ("BillNo", applied(pay_app_no="ANOTHER")),
    "number": ("VoucherNo", approved(pay_cert_no="44000000020260000000099")),
    "date": ("VouDate", approved(vou_date="2026-03-01")),
    "bank": ("PayBankCode", approved(pay_bank_code="103")),
}

RECEIPTS: dict[str, tuple[str, Callable[[VoucherOutcome], VoucherOutcome]]] = {
    "date": ("XPayDate", lambda o: replace(o, x_pay_date=date(2026, 3, 9))),
    "serial": ("XAgentBusinessNo", lambda o: replace(o, x_agent_business_no="another")),
    "failed": (
        "XPayAmt",
        lambda o: replace(
            o, details=tuple(replace(d, x_pay_amt=0, x_add_word="户名不符") for d in o.details)
        ),
    ),
}


class Forger:
    """Keeps books whose documents say something else."""

    def __init__(self, books: AuditedBooks) -> None:
        self.books, self.keeper = books, books.keeper

    def open(self) -> None:
        self.keeper.open()
        self.keeper.issue("B", "1000.00")
        self.books.pay(["HONEST"], "B", "10.00")

    def document(self, honest: Payment) -> bytes:
        with self.keeper.pool.connection() as connection:
            [indicator] = read_objects(
                connection, LEDGER, INDICATOR, [honest.applied.bgt_id]
            ).values()
        return voucher_document(LEDGER, honest, indicator, stored_code_sets.shipped())

    def sign(self, document: bytes) -> None:
        signed = self.books.seal(SIGNER, document)
        self.keeper.do(
            SignVoucher(
                pay_app_no="P",
                role="treasury",
                cert_serial=signed["cert_serial"],
                voucher_sm3=signed["receipt_sm3"],
                signature=signed["signature"],
                document=compress_document(document),
            ),
            "signer",
        )

    def answer(
        self, document: bytes, honest: Payment, said: Callable[[VoucherOutcome], VoucherOutcome]
    ) -> None:
        """The bank's receipt of what it was sent, under events that have the payment as it is."""
        outcome = VoucherOutcome(
            x_pay_date=MARCH_2,
            x_agent_business_no="bank-P",
            details=tuple(
                DetailOutcome(id=d.pay_detail_id, x_pay_amt=parse_yuan(d.pay_amt))
                for d in honest.details
            ),
        )
        signed = self.books.seal(BANK, receipt_5214.fill_receipt(document, said(outcome)))
        payment = self.books.payments(["P"])["P"]
        booked = receipt(payment, xpay_date=MARCH_2, agent_business_no="bank-P", **signed)
        self.keeper.do(booked, "bank")

    def judged(self, database: Database, folder: Path) -> tuple[dict[int, str], int, str]:
        """What the default verification finds in evidence, and what the offline one says."""
        stands = audited_as_it_stands(database, self.keeper)
        report = verify(database, folder / "audit", stands.notes, required=[])
        assert report.wrong.keys() <= {"evidence"}, report.findings
        export = export_audited(database, LEDGER, folder / "export", stands.notes)
        code, output = run_offline(str(export))
        return {f.position: f.detail for f in report.findings}, code, output


@pytest.fixture
def forger(database: Database, tmp_path: Path) -> Any:
    with fresh_pool(database.app_conninfo) as pool:
        forger = Forger(AuditedBooks(Bookkeeper(pool), tmp_path))
        forger.open()
        yield forger


@pytest.mark.parametrize(("tag", "honest"), VOUCHERS.values(), ids=VOUCHERS.keys())
def test_a_voucher_that_says_otherwise_is_found(
    forger: Forger, database: Database, tmp_path: Path, tag: str, honest: Honest
) -> None:
    """It was signed for one payee and amount; the books have another."""
    forger.keeper.apply("P", "B", "100.00")
    payment = forger.keeper.approve("P")
    document = forger.document(honest(payment))
    forger.sign(document)
    at = forger.keeper.events()[-1][0]
    found, code, output = forger.judged(database, tmp_path)
    assert list(found) == [at]
    assert tag in found[at]
    assert (code, first(output)) == (1, at), output
    assert "凭证与事件不符" in output


@pytest.mark.parametrize("tag", ["PayeeAcctNo", "PayeeAcctName", "PayAmt"])
def test_what_the_bank_paid_is_what_it_signed(
    forger: Forger, database: Database, tmp_path: Path, tag: str
) -> None:
    """Both vouchers, the sent and the booked, and the receipt: it names whom the bank has paid."""
    name = {"PayeeAcctNo": "payee's account", "PayeeAcctName": "payee's name", "PayAmt": "amount"}
    honest = VOUCHERS[name[tag]][1]
    forger.keeper.apply("P", "B", "100.00")
    payment = forger.keeper.approve("P")
    document = forger.document(honest(payment))
    forger.sign(document)
    forger.answer(document, honest(payment), lambda outcome: outcome)
    at = [at for at, type_, _ in forger.keeper.events() if type_ == "voucher.receipted"][-1]
    found, code, output = forger.judged(database, tmp_path)
    assert len(found) == 2
    assert tag in found[at]
    assert code == 1
    assert f"position {at}: " in output


@pytest.mark.parametrize(("tag", "said"), RECEIPTS.values(), ids=RECEIPTS.keys())
def test_a_receipt_that_says_otherwise_is_found(
    forger: Forger,
    database: Database,
    tmp_path: Path,
    tag: str,
    said: Callable[[VoucherOutcome], VoucherOutcome],
) -> None:
    lines = (detail("d1", "60.00"), detail("d2", "40.00"))
    forger.keeper.apply("P", "B", "100.00", details=lines)
    payment = forger.keeper.approve("P")
    document = forger.document(payment)
    forger.sign(document)
    forger.answer(document, payment, said)
    at = [at for at, type_, _ in forger.keeper.events() if type_ == "voucher.receipted"][-1]
    found, code, output = forger.judged(database, tmp_path)
    assert list(found) == [at]
    assert tag in found[at]
    assert (code, first(output)) == (1, at), output


@pytest.mark.parametrize("what", ["date", "nothing", "another claim"])
def test_a_receipt_of_a_claim_that_says_otherwise_is_found(
    forger: Forger, database: Database, tmp_path: Path, what: str
) -> None:
    keeper = forger.keeper
    request = RequestClearing(clear_no="C", clear_date=MARCH_2, pay_bank_code="102")
    requested = keeper.do(request).subjects[0].requested
    [claim] = requested.claims
    named = replace(claim, voucher_no=f"{claim.voucher_no}9") if what == "another claim" else claim
    done = ClearingOutcome(
        x_pay_snd_bnk_no="011",
        x_clear_date=date(2026, 3, 9) if what == "date" else MARCH_2,
        x_pay_amt=0 if what == "nothing" else parse_yuan(claim.pay_amt),
    )
    document = clearing_2301.fill_receipt(claim_document(LEDGER, requested, named), done)
    signed = forger.books.seal(CENTRAL_BANK, document)
    answer = claim_receipt("C", claim.voucher_no, claim.pay_amt, MARCH_2)
    keeper.do(replace(answer, **signed), "pboc")
    events = keeper.events()
    at = [at for at, type_, _ in events if type_ == "clearing.claim_receipted"][-1]
    found, code, output = forger.judged(database, tmp_path)
    assert list(found) == [at]
    assert (code, first(output)) == (1, at), output
