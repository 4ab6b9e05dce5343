"""支付调整 by real processes: both banks are told of a correction and answer; and it verifies."""

import re
from datetime import date
from pathlib import Path

from ledger.reading.objects import read_objects
from payments.corrections.correcting import CorrectPayment
from payments.corrections.telling import TELLING, TellAgain, Telling
from payments.simulators.faults import AS_ASKED, Faults
from tests.payments.test_channel_orders import verified
from tests.support.channel_parties import ReceiptServer, SigningTreasury, bank, central_bank
from tests.support.sending import rows, sending
from tests.support.waiting import wait_until

MARCH_2 = date(2026, 3, 2)


def statuses(treasury: SigningTreasury, *numbers: str) -> list[str]:
    with treasury.pool.connection() as connection:
        found: dict[str, Telling] = read_objects(
            connection, treasury.keeper.ledger_id, TELLING, numbers
        )
    return [found[number].status for number in numbers]


def test_both_banks_answer_and_what_one_declines_is_told_again(
    treasury: SigningTreasury, server: ReceiptServer, tmp_path: Path
) -> None:
    keeper = treasury.keeper
    keeper.pay("P1", "B", "100.00")
    keeper.clear("C1", MARCH_2)
    keeper.issue("SERVICE", "500.00", exp_func_code="2010103")
    keeper.do(
        CorrectPayment(
            cor_no="GZ-1", pay_app_no="P1", to_bgt_id="SERVICE", amt="40.00", reason="功能科目用错"
        ),
        "accountant",
    )
    asked = Faults(day=AS_ASKED)  # of the ledger's own days
    with (
        bank(treasury, server.url, faults=asked) as paying,
        central_bank(treasury, server.url, faults=Faults(day=AS_ASKED, reject_rate=1.0)) as pboc,
        sending(treasury, paying.url, pboc.url),
    ):
        wait_until(
            lambda: statuses(treasury, "GZ-1-5253", "GZ-1-5351") == ["confirmed", "declined"]
        )
    keeper.do(TellAgain(tell_no="GZ-1-A", again_of="GZ-1-5351"), "accountant")
    with (
        central_bank(treasury, server.url, faults=asked) as pboc,
        sending(treasury, "", pboc.url),
    ):
        wait_until(lambda: statuses(treasury, "GZ-1-5351", "GZ-1-A") == ["settled", "confirmed"])
        wait_until(lambda: rows(treasury) == [])
    assert keeper.figures("SERVICE")["paid"] == "40.00"
    assert server.refusals == []
    # what was paid and claimed before nobody has signed
    [corrected] = [at for at, name, _ in keeper.events() if name == "payment.corrected"]
    found = verified(treasury, tmp_path / "audit")
    assert [each for each in found if int(re.findall(r"position=(\d+)", each)[0]) > corrected] == []
