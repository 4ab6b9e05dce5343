"""拨款单 by real processes: ordered, paid by the central bank, rejected, returned; and verified."""

from datetime import date
from pathlib import Path

from ledger.books import load_charts
from ledger.gm import default_provider
from ledger.money import parse_yuan
from ledger.reading.objects import read_objects
from payments.messages import orders_5207
from payments.messages.envelope import SEND, VoucherBody, build_envelope
from payments.messages.orders_5207 import OrderReturn
from payments.orders.advance import ADVANCE, Advance
from payments.simulators.counterparty import Faults
from payments.verification.run import Options, verify_ledger
from tests.payments.test_channel_receipts import signed_by
from tests.support.advances import advance
from tests.support.allocations import allocation
from tests.support.channel_parties import (
    CENTRAL_BANK,
    ReceiptServer,
    SigningTreasury,
    central_bank,
)
from tests.support.openings import cash_opened
from tests.support.sending import rows, sending
from tests.support.waiting import wait_until

MARCH_2 = date(2026, 3, 2)
NUMBER = "5207:440000000-2026:advance:YB-1"


def ordered(treasury: SigningTreasury) -> None:
    treasury.keeper.do(cash_opened(f111="1000.00"), "accountant")
    treasury.keeper.do(advance("YB-1", "300.00"), "accountant")


def one(treasury: SigningTreasury) -> Advance:
    with treasury.pool.connection() as connection:
        found = read_objects(connection, treasury.keeper.ledger_id, ADVANCE, ["YB-1"])
    return found["YB-1"]


def verified(treasury: SigningTreasury, folder: Path) -> list[str]:
    report = verify_ledger(
        treasury.pool.conninfo,
        load_charts(),
        default_provider(),
        treasury.keeper.ledger_id,
        Options(folder=folder),
    )
    # the books are in March, the certificates of today
    return [str(each) for each in report.findings if each.check != "signature"]


def returned(
    treasury: SigningTreasury, server: ReceiptServer, amt: str, notice_no: str, of: str = NUMBER
) -> str:
    """What becomes of the central bank's notice that some of it came back."""
    notice = OrderReturn(
        adm_div_code="440000",
        st_year=2026,
        vou_date=MARCH_2,
        voucher_no=notice_no,
        original_voucher_no=of,
        agent_business_no=f"T-{notice_no}",
        pay_amt=parse_yuan(amt),
        remark="账号户名不符",
    )
    body = VoucherBody(
        adm_div_code="440000",
        st_year=2026,
        vt_code="3208",
        voucher_no=notice_no,
        voucher_flag=SEND,
        voucher=orders_5207.build_return(notice),
    )
    signed = signed_by(treasury, treasury.certificate(CENTRAL_BANK), body)
    [taken] = server.take_in(build_envelope([signed]))
    return str(taken.get("problem", {}).get("code") or taken["status"])


def test_an_order_is_paid_and_what_the_bank_signed_is_what_is_booked(
    treasury: SigningTreasury, server: ReceiptServer, tmp_path: Path
) -> None:
    ordered(treasury)
    with central_bank(treasury, server.url) as bank, sending(treasury, "", bank.url):
        wait_until(lambda: one(treasury).status == "paid")
        assert bank.figures()["paid_amt"] == "300.00"
        wait_until(lambda: rows(treasury) == [])
    assert treasury.keeper.books()["预拨经费"] == "300.00"
    with central_bank(treasury, server.url) as bank, sending(treasury, "", bank.url):
        treasury.keeper.do(allocation("SB-1", "B", "40.00"), "accountant")
        wait_until(lambda: treasury.keeper.figures("B")["paid"] == "40.00")
    of_unit = NUMBER.replace("advance:YB", "allocation:SB")
    assert returned(treasury, server, "15.00", "3208-0", of=of_unit) == "created"
    assert treasury.keeper.books()["银行存款"] == "25.00"
    assert returned(treasury, server, "100.00", "3208-1") == "created"
    assert treasury.keeper.books()["预拨经费"] == "200.00"
    assert returned(treasury, server, "200.01", "3208-2") == "exceeds_advance"
    assert returned(treasury, server, "1.00", "3208-3", of="5207:none") == "receipt_mismatch"
    assert verified(treasury, tmp_path) == []


def test_what_is_rejected_is_free_again(treasury: SigningTreasury, server: ReceiptServer) -> None:
    ordered(treasury)
    rejecting = central_bank(treasury, server.url, faults=Faults(reject_rate=1.0))
    with rejecting, sending(treasury, "", rejecting.url):
        wait_until(lambda: one(treasury).status == "rejected")
    assert "预拨经费" not in treasury.keeper.books()
