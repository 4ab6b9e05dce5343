"""以前年度退回 against a model that knows nothing of ledgers: what was paid of each line, and what
came back, in whatever year. By a seed, so that what fails can be seen again."""

from datetime import UTC, date, datetime
from random import Random

import pytest

from ledger.account_set import ledger_id
from ledger.money import parse_yuan
from ledger.reading.objects import read_objects
from ledger.writing.submitting import submit_to
from payments.payment import PAYMENT, Payment
from payments.receipts.bringing_returns import BringingReturns
from payments.refunds.notices import TakeNotice
from tests.support.bookkeeper import Bookkeeper, detail, refund_notice

LINES = {"d1": 7_000, "d2": 3_000}
DECEMBER, JANUARY = date(2026, 12, 20), date(2027, 1, 20)
NOTICES = 40


class Model:
    """Fen that may still come back of each line, and the movements that the bank has told."""

    def __init__(self) -> None:
        self.left = dict(LINES)
        self.told: dict[str, str] = {}  # serial, by the notice that told it first
        self.came = {2026: 0, 2027: 0}

    def take(self, year: int, notice_no: str, serial: str, line: str, fen: int) -> str:
        """The code with which a notice is refused, or ""."""
        if self.told.setdefault(serial, notice_no) != notice_no:
            return "receipt_mismatch"
        if fen > self.left[line]:
            del self.told[serial]
            return "refund_exceeds_paid"
        self.left[line] -= fen
        self.came[year] += fen
        return ""


@pytest.mark.parametrize("seed", [7])
def test_never_more_comes_back_than_was_paid(bookkeeper: Bookkeeper, seed: int) -> None:
    b, chance, model = bookkeeper, Random(seed), Model()
    b.issue("B1", "100.00")
    lines = tuple(detail(line, f"{fen // 100}.00") for line, fen in LINES.items())
    b.pay("P1", "B1", "100.00", details=lines)
    paid = paid_now(b)
    b.clock.now = datetime(2027, 1, 21, 2, tzinfo=UTC)
    serials: list[str] = []
    for at in range(NOTICES):
        told_before = serials and chance.random() < 0.2
        serial = chance.choice(serials) if told_before else f"S{at}"
        serials.append(serial)
        line, fen = chance.choice(list(LINES)), chance.randint(1, 1_200)
        year = chance.choice((2026, 2027))
        day = DECEMBER if year == 2026 else JANUARY
        asked = refund_notice(paid, [(line, fen)], day, f"N{at}", serial=serial)
        expected = model.take(year, f"N{at}", serial, line, fen)
        assert told(b, asked) == expected, (at, serial, line, fen, day)
    back = paid_now(b)
    assert {line: fen - back.returned_fen(line) for line, fen in LINES.items()} == model.left
    assert b.figures("B1")["available"] == f"{model.came[2026] / 100:.2f}"
    b.ledger_id, b.year = ledger_id(b.division, 2027), 2027
    b.open()
    bringing = BringingReturns(b.pool, submit_to(b.sequencer), b.clock)
    assert (bringing.look() > 0, bringing.look()) == (True, 0)
    assert parse_yuan(b.books()["零余额账户"]) == model.came[2027] > 0


def told(b: Bookkeeper, asked: TakeNotice) -> str:
    """The code with which it is refused; told twice, it changes nothing the second time."""
    code = b.refusal(asked, "bank")
    again = b.ask(asked, "bank")
    assert (again.problem.code.text if again.problem else "") == code
    assert again.replayed or code
    return code


def paid_now(b: Bookkeeper) -> Payment:
    with b.pool.connection() as connection:
        return read_objects(connection, b.ledger_id, PAYMENT, ["P1"])["P1"]
