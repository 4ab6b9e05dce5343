"""代理银行划款 under audit: signed claims, what was agreed to and what was settled, offline too."""

from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.postgres.database import Database
from payments.clearing.bank_claims import TakeBankClaim, claim_key
from payments.clearing.bank_events import BankClaimLine
from payments.clearing.claims import RequestClearing
from payments.clearing.clearing_policy import SetClearingPolicy
from payments.messages import clearing_2301
from payments.messages.clearing_2301 import ClearingOutcome
from payments.signing.claims import claim_document
from payments.verification.run import Options, verify_ledger
from tests.support.audited_books import BANK, CENTRAL_BANK, AuditedBooks
from tests.support.bank_claims import Line, bank_claim
from tests.support.bookkeeper import Bookkeeper, claim_receipt
from tests.support.exports import export
from tests.support.histories import MARCH_2
from tests.support.tampering import rewritten
from tests.verifier.test_offline_verifier import run

UNIT, FUNCTION = "101", "2010102"


class Claimed:
    """1,000.00 are claimed singly, and 7.00 in a sum; both are agreed to and settled. The single
    one was rejected before."""

    def __init__(self, keeper: Bookkeeper, database: Database, folder: Path) -> None:
        self.keeper, self.database, self.folder = keeper, database, folder
        self._exports = count()
        self.books = AuditedBooks(keeper, folder)
        policy = SetClearingPolicy(claimed_by="banks", singly_from_amt="1000.00")
        keeper.do(policy, "admin")
        keeper.issue("B1", "2000.00")
        self.books.pay(["P1"], "B1", "1000.00")
        self.books.pay(["P2", "P3"], "B1", "3.50")
        keeper.until(MARCH_2)
        voucher_no = self.books.payments(["P1"])["P1"].pay_cert_no
        single: Line = (UNIT, FUNCTION, "1000.00", voucher_no)
        self.claim("S1", single, "P1")
        self.agree("QS-1", "S1", rejected="库款余额不足")
        self.claim("S2", single, "P1")
        self.claim("S3", (UNIT, FUNCTION, "7.00"))
        self.agree("QS-2", "S2", "S3")

    def claim(self, number: str, line: Line, pay_app_no: str = "") -> None:
        document = bank_claim(number, [line], MARCH_2).voucher
        sealed: dict[str, Any] = self.books.seal(BANK, document)
        sealed["notice_sm3"] = sealed.pop("receipt_sm3")
        named = BankClaimLine(*line[:3], line[3] if pay_app_no else "", pay_app_no)
        self.keeper.do(
            TakeBankClaim(
                claim_no=claim_key("102", number),
                voucher_no=number,
                vt_code="2301",
                sender=BANK,
                pay_bank_code="102",
                clear_date=MARCH_2,
                fund_type_code="111",
                pay_amt=line[2],
                lines=(named,),
                **sealed,
            ),
            "bank",
        )

    def agree(self, clear_no: str, *numbers: str, rejected: str = "") -> None:
        asked = RequestClearing(
            clear_no=clear_no,
            clear_date=MARCH_2,
            pay_bank_code="102",
            claim_nos=tuple(claim_key("102", number) for number in numbers),
        )
        requested = self.keeper.do(asked).subjects[0].requested
        for claim in requested.claims:
            document = claim_document(self.keeper.ledger_id, requested, claim)
            told = claim_receipt(clear_no, claim.voucher_no, claim.pay_amt, MARCH_2)
            outcome = ClearingOutcome(
                x_pay_snd_bnk_no="011000000000",
                x_clear_date=MARCH_2,
                x_pay_amt=0 if rejected else told.xpay_fen,
            )
            sealed = self.books.seal(CENTRAL_BANK, clearing_2301.fill_receipt(document, outcome))
            answer = {"xpay_fen": outcome.x_pay_amt, "rejected": rejected, **sealed}
            self.keeper.do(msgspec.structs.replace(told, **answer), "pboc")

    def rewrite(self, type_: str, skip: int, old: bytes, new: bytes) -> None:
        """With digests and chain made to fit, as whoever owns the database can."""
        with psycopg.connect(self.database.owner_conninfo) as connection:
            connection.execute("SET session_replication_role = replica")
            rewritten(type_, skip, old, new)(connection, self.keeper.ledger_id)

    def found(self) -> set[str]:
        """By the program, the checks that find something."""
        report = verify_ledger(
            self.database.app_conninfo,
            load_charts(),
            default_provider(),
            self.keeper.ledger_id,
            Options(folder=self.folder / f"audit-{next(self._exports)}"),
        )
        return {each.check for each in report.findings}

    def offline(self) -> tuple[int, str]:
        place = self.folder / f"export-{next(self._exports)}"
        export(self.keeper.pool, self.keeper.ledger_id, place)
        return run(str(place))


@pytest.fixture
def claimed(bookkeeper: Bookkeeper, database: Database, tmp_path: Path) -> Claimed:
    return Claimed(bookkeeper, database, tmp_path)


TAKEN, ASKED = "clearing.bank_claimed", "clearing.requested@2"
CHANGED = {
    "which voucher it names": (TAKEN, 1, b'"P1"', b'"P2"', "代理银行划款"),
    "its number": (TAKEN, 2, b'"voucher_no":"S3"', b'"voucher_no":"S9"', "凭证与事件"),
    "which payment is claimed": (ASKED, 1, b'"P1"', b'"P9"', "代理银行划款"),
}


def test_it_holds_and_what_was_changed_is_found_by_both(claimed: Claimed) -> None:
    assert "零余额账户" not in claimed.keeper.books()
    assert claimed.found() == set()
    code, output = claimed.offline()
    assert code == 0, output
    assert "代理银行划款 claims of agent banks, agreed to as they were made: 3 claims" in output
    for what, (type_, skip, old, new, check) in CHANGED.items():
        claimed.rewrite(type_, skip, old, new)
        assert claimed.found(), what
        code, output = claimed.offline()
        assert (code, f"✗ 不符  {check}" in output) == (1, True), (what, output)
        claimed.rewrite(type_, skip, new, old)
    assert claimed.offline()[0] == 0
