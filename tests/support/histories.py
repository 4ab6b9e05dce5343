"""Histories that several tests look at, and where the read models stand in them."""

from datetime import date

import msgspec
import pytest
from psycopg_pool import ConnectionPool

from budget import indicators
from ledger.deciding.opening import OpenLedger
from ledger.deciding.state import Decision, LedgerState
from payments.application import RejectPayment, WithdrawPayment
from payments.clearing.claims import RequestClearing
from payments.voiding import VoidPayment
from payments.voucher import MarkSent
from projections.core.rebuild import RebuildReport
from tests.support.bookkeeper import Bookkeeper, claim_receipt, detail, payment

MARCH_2, MARCH_3, MARCH_5, MARCH_9 = (date(2026, 3, day) for day in (2, 3, 5, 9))


def mixed_history(b: Bookkeeper) -> None:
    """Every kind of event, over several days, with refusals and a rejected claim between."""
    for number, fund in (("B1", "111"), ("B2", "111"), ("B3", "121")):
        agency = "102001" if number == "B2" else "101001"
        b.issue(number, "10000.00", fund_type_code=fund, agency_code=agency)
    b.adjust("B1", "500.00")
    b.adjust("B2", "-1000.00")
    b.plan("B1", "8000.00")
    b.do(indicators.FreezeIndicator(bgt_id="B1", freeze_no="F1", amt="300.00"))
    b.do(indicators.UnfreezeIndicator(bgt_id="B1", freeze_no="U1", amt="100.00"))
    b.do(
        indicators.ReallocateIndicator(
            bgt_id="B1", adj_no="R1", to_bgt_id="B2", amt="700.00", reason="调剂"
        )
    )
    b.pay("P1", "B1", "100.00", effective_on=MARCH_2)
    b.pay("P2", "B2", "200.00", effective_on=MARCH_3)
    b.do(MarkSent(pay_app_no="P2"), "dispatcher")  # the receipt has overtaken it
    lines = (detail("d1", "30.00"), detail("d2", "20.00"))
    b.pay("P3", "B1", "50.00", "d2", details=lines, effective_on=MARCH_2)
    b.pay("P4", "B1", "40.00", "1", effective_on=MARCH_2)  # its only line fails
    b.pay("P5", "B3", "60.00", effective_on=MARCH_2)
    assert b.refusal(payment("P6", "B1", "99999.00")) == "insufficient_indicator"
    b.apply("P7", "B1", "70.00", effective_on=MARCH_2)
    b.do(RejectPayment(pay_app_no="P7", reason="用途不明"), "checker")
    b.apply("P8", "B1", "80.00", effective_on=MARCH_2)
    b.do(WithdrawPayment(pay_app_no="P8"))
    b.clear("C1", MARCH_2)  # P1, P3, P5, not yet P2
    b.refund("P1", "100.00", effective_on=MARCH_5)
    b.refund("P2", "50.00", effective_on=MARCH_5)
    rejected_claims(b, "C2", MARCH_5)  # P2 and both refunds wait again
    b.pay("P9", "B1", "90.00", effective_on=MARCH_3)
    b.clear("C3", MARCH_3)  # P9 alone: what C2 gave back waits from its date on
    b.clear("C4", MARCH_9)
    b.apply("P10", "B2", "10.00", effective_on=MARCH_9)
    b.approve("P10")
    b.sign("P10")
    b.do(MarkSent(pay_app_no="P10"), "dispatcher")
    for number in ("V1", "V2"):
        b.apply(number, "B1", "11.00", effective_on=MARCH_9)
        b.approve(number)
    b.sign("V2")
    for number in ("V1", "V2"):
        b.do(VoidPayment(pay_app_no=number, reason="收款人有误"))


def rejected_claims(b: Bookkeeper, clear_no: str, day: date) -> None:
    b.until(day)
    requested = b.do(RequestClearing(clear_no=clear_no, clear_date=day, pay_bank_code="102"))
    for claim in requested.subjects[0].requested.claims:
        answer = claim_receipt(clear_no, claim.voucher_no, "0.01", day)
        b.do(msgspec.structs.replace(answer, xpay_fen=0, rejected="科目不符"), "pboc")


def commit_ends(b: Bookkeeper) -> list[int]:
    return [
        row[0]
        for row in b.sql("SELECT position FROM commits WHERE ledger_id = %s ORDER BY position")
    ]


def live_positions(b: Bookkeeper) -> dict[str, int]:
    return dict(
        b.sql("SELECT projection, position FROM proj_positions WHERE ledger_id = %s AND live")
    )


def differences(report: RebuildReport) -> dict[str, str]:
    return {c.projection: c.difference for c in report.comparisons if not c.equal}


def tamper(b: Bookkeeper, statement: str) -> None:
    with b.pool.connection() as connection:
        assert connection.execute(statement.encode()).rowcount > 0


def older_ledger(pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch) -> Bookkeeper:
    """An open ledger that does not say that its floors hold on every business day."""
    today = OpenLedger.decide

    def decide(self: OpenLedger, state: LedgerState, by: str) -> Decision:
        decision = today(self, state, by)
        [(kind, number, opened)] = decision.events
        decision.events = [(kind, number, msgspec.structs.replace(opened, dated_floors=False))]
        return decision

    keeper = Bookkeeper(pool)
    with monkeypatch.context() as then:
        then.setattr(OpenLedger, "decide", decide)
        keeper.open()
    return keeper
