"""更正 and what banks keep: by function they come to what the books say, whatever happens first.

A model of the central bank's books adds up what it settles and what it adjusts. Whenever nothing is
open, that is what payments bear under each function now, less what still waits to be claimed.
"""

from collections import Counter
from random import Random

import msgspec
import pytest

from ledger.money import stored_fen, yuan
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from payments.clearing.claims import RequestClearing
from payments.clearing.uncleared import UNCLEARED
from payments.clearing.uncleared_key import UnclearedKey
from payments.corrections.telling import TELLING, TellAgain, Telling
from payments.payment import PAYMENT, Payment
from tests.payments.test_corrections import MARCH_2, correction
from tests.support.bookkeeper import Bookkeeper, claim_receipt, refund_notice
from tests.support.tellings import answer

pytestmark = pytest.mark.usefixtures("decided_again")

FUNCTIONS = {"A": "2010102", "B": "2010103", "C": "2010104"}
STEPS = 60


class Model:
    """What is done to the books, by chance, and what the central bank makes of it."""

    def __init__(self, keeper: Bookkeeper, seed: int) -> None:
        self.keeper, self.chance = keeper, Random(seed)
        self.numbers: list[str] = []
        self.central: Counter[str] = Counter()
        self.open: list[str] = []  # messages that wait for an answer
        self.declined: list[str] = []
        self.count = 0
        for bgt_id, function in FUNCTIONS.items():
            keeper.issue(bgt_id, "100000.00", exp_func_code=function)

    def number(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def payment(self, number: str) -> Payment:
        with self.keeper.pool.connection() as connection:
            found = read_objects(connection, self.keeper.ledger_id, PAYMENT, [number])
        return found[number]

    def telling(self, number: str) -> Telling:
        with self.keeper.pool.connection() as connection:
            return read_objects(connection, self.keeper.ledger_id, TELLING, [number])[number]

    # ---- what happens

    def pay(self) -> None:
        number = self.number("P")
        self.keeper.pay(number, self.chance.choice(list(FUNCTIONS)), yuan(1_00))
        self.numbers.append(number)

    def clear(self) -> None:
        asked = RequestClearing(clear_no=self.number("Q"), clear_date=MARCH_2, pay_bank_code="102")
        outcome = self.keeper.ask(asked)
        if outcome.problem is not None:
            return
        for claim in outcome.subjects[0].requested.claims:
            rejected = self.chance.random() < 0.2
            receipt = claim_receipt(asked.clear_no, claim.voucher_no, claim.pay_amt, MARCH_2)
            if rejected:
                receipt = msgspec.structs.replace(receipt, xpay_fen=0, rejected="退回")
            self.keeper.do(receipt, "pboc")
            sign = 0 if rejected else 1 if claim.vt_code == "2301" else -1
            for line in claim.lines:
                self.central[line.exp_func_code] += sign * stored_fen(line.pay_amt)

    def refund(self) -> None:
        payment = self.payment(self.chance.choice(self.numbers))
        if left_fen := payment.paid_fen - payment.refunded_fen:
            fen = self.chance.randint(1, min(left_fen, 30))
            notice = refund_notice(payment, [("1", fen)], MARCH_2, self.number("N"))
            self.keeper.do(notice, "bank")

    def correct(self) -> None:
        payment = self.payment(self.chance.choice(self.numbers))
        parts = [each for each in payment.bearing if each.amount_fen]
        if not parts:
            return
        part = self.chance.choice(parts)
        to = self.chance.choice([each for each in FUNCTIONS if each != part.bgt_id])
        fen = self.chance.randint(1, part.amount_fen)
        asked = correction(
            to,
            yuan(fen),
            self.number("G"),
            pay_app_no=payment.pay_app_no,
            from_bgt_id="" if part.bgt_id == payment.applied.bgt_id else part.bgt_id,
        )
        self.told_by(self.keeper.ask(asked).problem is None)

    def told_by(self, is_done: bool) -> None:
        if is_done:
            [*_, last] = [e for _, name, e in self.keeper.events() if name == "payment.corrected"]
            self.open += [f"{last.cor_no}-{vt_code}" for vt_code in last.told]

    def answer(self) -> None:
        if not self.open:
            return
        number = self.open.pop(self.chance.randrange(len(self.open)))
        told = self.telling(number).ordered
        declined = "科目不符" if self.chance.random() < 0.4 else ""
        self.keeper.do(answer(told.vt_code, number, declined), "bank")
        if declined:
            self.declined.append(number)
        elif told.vt_code == "5351":
            self.central[told.was.exp_func_code] += stored_fen(told.was.amt)
            self.central[told.now.exp_func_code] += stored_fen(told.now.amt)

    def settle(self) -> None:
        """What was declined is taken back where it can be, or told again."""
        if not self.declined:
            return
        number = self.chance.choice(self.declined)
        cor_no = self.telling(number).ordered.cor_no
        payment = self.payment(self.telling(number).ordered.pay_app_no)
        [gave] = [each for each in payment.corrections if each.cor_no == cor_no]
        asked = correction(
            gave.bgt_id,
            gave.amt,
            self.number("G"),
            pay_app_no=payment.pay_app_no,
            from_bgt_id=gave.to_bgt_id,
            undoes=cor_no,
        )
        if self.chance.random() < 0.6 and self.keeper.ask(asked).problem is None:
            of_it = [n for n in self.declined if self.telling(n).status == "settled"]
            self.declined = [n for n in self.declined if n not in of_it]
            self.told_by(True)
        else:
            again = self.number("T")
            self.keeper.do(TellAgain(tell_no=again, again_of=number))
            self.declined.remove(number)
            self.open.append(again)

    # ---- what holds

    def check(self) -> None:
        due: Counter[str] = Counter()
        for number in self.numbers:
            for part in self.payment(number).bearing:
                due[FUNCTIONS[part.bgt_id]] += part.amount_fen
        with self.keeper.pool.connection() as connection:
            waiting = read_rows(connection, self.keeper.ledger_id, UNCLEARED)
        for text, row in waiting.items():
            key = UnclearedKey.parsed(text)
            due[key.exp_func_code] -= row.amount if key.vt_code == "2301" else -row.amount
        assert {f: due[f] for f in FUNCTIONS.values()} == {
            f: self.central[f] for f in FUNCTIONS.values()
        }


@pytest.mark.parametrize("seed", range(3))
def test_banks_come_to_what_the_books_say(bookkeeper: Bookkeeper, seed: int) -> None:
    model = Model(bookkeeper, seed)
    model.pay()
    acts = (model.pay, model.clear, model.correct, model.correct, model.answer, model.answer,
            model.settle, model.refund)  # fmt: skip
    for _ in range(STEPS):
        model.chance.choice(acts)()
        if not model.open and not model.declined:
            model.check()
    while model.open or model.declined:
        model.answer()
        model.settle()
    model.check()
