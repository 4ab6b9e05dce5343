"""支付调整 under audit: what banks were told of a correction and have signed, offline too."""

from itertools import count
from pathlib import Path

import psycopg
import pytest

from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.postgres.database import Database
from payments.clearing.claims import RequestClearing
from payments.corrections.correcting import CorrectPayment
from payments.corrections.telling import AnswerTelling, TellAgain
from payments.messages import adjustments, clearing_2301
from payments.messages.clearing_2301 import ClearingOutcome
from payments.signing.claims import claim_document
from payments.signing.tellings import adjustment
from payments.telling_events import CorrectionTold, CorrectionToldAgain
from payments.verification.run import Options, verify_ledger
from tests.support.audited_books import BANK, CENTRAL_BANK, AuditedBooks
from tests.support.bookkeeper import Bookkeeper, claim_receipt
from tests.support.exports import export
from tests.support.histories import MARCH_2
from tests.support.tampering import rewritten
from tests.verifier.test_offline_verifier import run


class Told:
    """40.00 of 100.00 that were claimed are of another function. The bank adjusts it, the central
    bank declines, and does so when it is told again."""

    def __init__(self, keeper: Bookkeeper, database: Database, folder: Path) -> None:
        self.keeper, self.database, self.folder = keeper, database, folder
        self._exports = count()
        self.books = AuditedBooks(keeper, folder)
        keeper.issue("B1", "2000.00")
        keeper.issue("B2", "2000.00", exp_func_code="2010103")
        self.books.pay(["P1"], "B1", "100.00")
        keeper.until(MARCH_2)
        self._clear()
        keeper.do(
            CorrectPayment(
                cor_no="GZ-1", pay_app_no="P1", to_bgt_id="B2", amt="40.00", reason="功能科目用错"
            ),
            "accountant",
        )
        self.answer(BANK, "GZ-1-5253")
        self.answer(CENTRAL_BANK, "GZ-1-5351", "原凭证科目不符")
        keeper.do(TellAgain(tell_no="GZ-1-A", again_of="GZ-1-5351"), "accountant")
        self.answer(CENTRAL_BANK, "GZ-1-A")

    def _clear(self) -> None:
        asked = RequestClearing(clear_no="QS-1", clear_date=MARCH_2, pay_bank_code="102")
        requested = self.keeper.do(asked).subjects[0].requested
        [claim] = requested.claims
        document = claim_document(self.keeper.ledger_id, requested, claim)
        outcome = ClearingOutcome(
            x_pay_snd_bnk_no="011000000000", x_clear_date=MARCH_2, x_pay_amt=100_00
        )
        told = claim_receipt("QS-1", claim.voucher_no, claim.pay_amt, MARCH_2)
        fields = {name: getattr(told, name) for name in told.__struct_fields__}
        sealed = self.books.seal(CENTRAL_BANK, clearing_2301.fill_receipt(document, outcome))
        self.keeper.do(type(told)(**{**fields, **sealed}), "pboc")

    def answer(self, by: str, tell_no: str, declined: str = "") -> None:
        [told] = [
            event
            for _, _, event in self.keeper.events()
            if isinstance(event, CorrectionTold | CorrectionToldAgain) and event.tell_no == tell_no
        ]
        form = adjustments.answer(adjustment(self.keeper.ledger_id, told), MARCH_2, declined)
        self.keeper.do(
            AnswerTelling(
                tell_no=tell_no,
                voucher_no=told.voucher_no,
                xacc_date=MARCH_2,
                declined=declined,
                **self.books.seal(by, form),
            ),
            "bank",
        )

    def rewrite(self, type_: str, skip: int, old: bytes, new: bytes) -> None:
        """With digests and chain made to fit, as whoever owns the database can."""
        with psycopg.connect(self.database.owner_conninfo) as connection:
            connection.execute("SET session_replication_role = replica")
            rewritten(type_, skip, old, new)(connection, self.keeper.ledger_id)

    def found(self) -> list[str]:
        """By the program, what it finds."""
        report = verify_ledger(
            self.database.app_conninfo,
            load_charts(),
            default_provider(),
            self.keeper.ledger_id,
            Options(folder=self.folder / f"audit-{next(self._exports)}"),
        )
        return [str(each) for each in report.findings]

    def offline(self) -> tuple[int, str]:
        place = self.folder / f"export-{next(self._exports)}"
        export(self.keeper.pool, self.keeper.ledger_id, place)
        return run(str(place))


@pytest.fixture
def told(bookkeeper: Bookkeeper, database: Database, tmp_path: Path) -> Told:
    return Told(bookkeeper, database, tmp_path)


TOLD, DECLINED = "correction.told", "correction.telling_declined"
CHANGED = {
    "how much is told": (TOLD, 1, b'"amt":"40.00","was"', b'"amt":"41.00","was"', "支付调整"),
    "why it was declined": (DECLINED, 0, "原凭证".encode(), "现凭证".encode(), "凭证与事件"),
    "who has answered": (DECLINED, 0, b'"5351"', b'"5253"', "签章"),
}


def test_it_holds_and_what_was_changed_is_found_by_both(told: Told) -> None:
    assert told.found() == []
    code, output = told.offline()
    assert code == 0, output
    assert "支付调整 what banks were told of corrections, and answered: 3 messages" in output
    for what, (type_, skip, old, new, check) in CHANGED.items():
        told.rewrite(type_, skip, old, new)
        assert told.found(), what
        code, output = told.offline()
        assert (code, f"✗ 不符  {check}" in output) == (1, True), (what, output)
        told.rewrite(type_, skip, new, old)
    assert told.offline()[0] == 0
