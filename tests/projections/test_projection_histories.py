"""Whatever order payments, refunds and clearings come in, and however many are taken in at once,
the read models of it are the same, and hold for each claim what it was made of."""

import random
from datetime import date, timedelta

import msgspec
import pytest

import projections.core.advance
import projections.core.whole_history
import projections.payments
from ledger.errors import Code
from ledger.money import parse_yuan, yuan
from payments.application import RejectPayment
from payments.clearing.claims import RequestClearing
from payments.clearing.events import ClaimReceipted, ClearingRequested
from payments.refunds.requests import RefundPayment
from projections.core.rebuild import rebuild, verify
from projections.core.runner import Runner
from tests.support.bookkeeper import Bookkeeper, claim_receipt
from tests.support.histories import differences

FUNDS = {"B1": "111", "B2": "121"}
FIRST_DAY = date(2026, 3, 2)
LAST_DAY = FIRST_DAY + timedelta(days=9)
ACTS = 60


class Clerk:
    """Does what comes to its mind, but never what the books refuse without a reason."""

    def __init__(self, b: Bookkeeper, seed: int) -> None:
        self._b = b
        self._chance = random.Random(seed)
        self._serial = 0
        self._paid: dict[str, int] = {}  # fen that may still be refunded, by payment
        b.until(LAST_DAY)

    def act(self) -> None:
        chance = self._chance
        act = chance.choices((self.pay, self.refund, self.clear, self.reject), (5, 3, 3, 1))[0]
        act()

    def pay(self) -> None:
        number, bgt_id = self._number("P"), self._chance.choice(list(FUNDS))
        fen = self._chance.randint(1, 500)
        self._b.pay(number, bgt_id, yuan(fen), effective_on=self._day())
        self._paid[number] = fen

    def reject(self) -> None:
        number = self._number("P")
        self._b.apply(number, "B1", "1.00")
        self._b.do(RejectPayment(pay_app_no=number, reason="用途不明"), "checker")

    def refund(self) -> None:
        """One or several, in one commit."""
        if not self._paid:
            return
        commands = []
        for number in self._chance.sample(sorted(self._paid), min(len(self._paid), 2)):
            fen = self._chance.randint(1, self._paid[number])
            self._paid[number] -= fen
            if not self._paid[number]:
                del self._paid[number]
            commands.append(
                RefundPayment(
                    pay_app_no=number,
                    refund_no=self._number("R"),
                    refund_amt=yuan(fen),
                    reason="退回",
                    effective_on=LAST_DAY,
                )
            )
        outcomes = self._b.submit(*commands)
        assert [outcome.problem for outcome in outcomes] == [None] * len(commands)

    def clear(self) -> None:
        """Claims; then each is answered: cleared, given back, or left open for now."""
        day = self._day()
        number = self._number("C")
        outcome = self._b.ask(RequestClearing(clear_no=number, clear_date=day, pay_bank_code="102"))
        if outcome.problem is not None:
            assert outcome.problem.code is Code.CLEARING_EMPTY
            return
        for claim in outcome.subjects[0].requested.claims:
            answer = claim_receipt(number, claim.voucher_no, claim.pay_amt, day)
            back = msgspec.structs.replace(answer, xpay_fen=0, rejected="科目不符")
            if (given := self._chance.choice((answer, back, None))) is not None:
                self._b.do(given, "pboc")

    def _day(self) -> date:
        return FIRST_DAY + timedelta(days=self._chance.randrange(10))

    def _number(self, kind: str) -> str:
        self._serial += 1
        return f"{kind}{self._serial}"


@pytest.mark.parametrize("seed", range(6))
def test_any_history_gives_the_same_rows_in_any_steps(
    bookkeeper: Bookkeeper, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    b = bookkeeper
    for bgt_id, fund in FUNDS.items():
        b.issue(bgt_id, "100000.00", fund_type_code=fund)
    clerk, chance = Clerk(b, seed), random.Random(seed)
    # a batch is taken in a part at a time, and what is settled is written behind each
    monkeypatch.setattr(projections.core.advance, "PART_EVENTS", (1, 4, 30, 8_192)[seed % 4])
    monkeypatch.setattr(projections.payments, "HELD_MAX", (1, 4, 30_000)[seed % 3])
    for _ in range(ACTS):
        clerk.act()
        if not chance.randrange(4):  # a runner that begins anew: as after a restart
            Runner(b.pool, batch_events=chance.choice((1, 40, 25_000))).catch_up()
    Runner(b.pool).catch_up()

    report = verify(b.pool, b.ledger_id)  # all that is held in memory
    assert report.equal, differences(report)
    monkeypatch.setattr(projections.core.whole_history, "PAGES_A_STEP", 1)
    monkeypatch.setattr(projections.core.whole_history, "PAGE_FACTS", chance.choice((1, 7, 30)))
    monkeypatch.setattr(projections.payments, "HELD_MAX", chance.choice((1, 4, 12)))
    report = rebuild(b.pool, b.ledger_id)  # written and read again, every few payments
    assert report.equal, differences(report)
    assert_claims_hold_what_they_were_made_of(b)


def assert_claims_hold_what_they_were_made_of(b: Bookkeeper) -> None:
    claimed: dict[tuple[str, str], int] = {}
    back = set()
    for _, _, event in b.events():
        if isinstance(event, ClearingRequested):
            for claim in event.claims:
                claimed[event.clear_no, claim.voucher_no] = parse_yuan(claim.pay_amt)
        elif isinstance(event, ClaimReceipted) and event.rejected:
            back.add((event.clear_no, event.voucher_no))
    held = b.sql(
        "SELECT clear_no, claim_no, sum(fen)::bigint FROM (SELECT ledger_id, clear_no, claim_no,"
        " xpay_fen AS fen FROM proj_payments UNION ALL SELECT ledger_id, clear_no, claim_no,"
        " refund_fen FROM proj_refunds) AS movements"
        " WHERE ledger_id = %s AND clear_no <> '' GROUP BY clear_no, claim_no"
    )
    assert {row[:2]: row[2] for row in held} == {
        claim: fen for claim, fen in claimed.items() if claim not in back
    }
    assert claimed
    assert back
