"""What a line of wages must be: 应发 − 扣款 = 实发, of a person, to an account. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ledger.elements.iden_no import wrong_with
from ledger.errors import Code
from ledger.money import parse_yuan, stored_fen, yuan
from payments.list_files import WrongField
from payments.wages.run_events import WageLine

WITHHELD = ("income_tax_amt", "insurance_amt", "housing_fund_amt")
NOTHING = "0.00"
MAY_BE_ZERO = (*WITHHELD, "total_ded")
AMOUNTS = ("wage_sala", *MAY_BE_ZERO, "net_sala")


class Sums(NamedTuple):
    """Of lines, in fen."""

    wage_fen: int = 0
    income_tax_fen: int = 0
    insurance_fen: int = 0
    housing_fund_fen: int = 0
    ded_fen: int = 0
    net_fen: int = 0


def amount_of(line: WageLine, field: str, pointer: str = "") -> int:
    """Fen of an amount; raises RequestError ``invalid_amount``."""
    text = getattr(line, field)
    if field in MAY_BE_ZERO:
        return parse_yuan(text or NOTHING, pointer=pointer, zero=True)
    return parse_yuan(text, pointer=pointer)


def sums_of(lines: Iterable[WageLine]) -> Sums:
    total = Sums()
    for line in lines:
        amounts = (stored_fen(getattr(line, field) or NOTHING) for field in AMOUNTS)
        total = Sums(*map(sum, zip(total, amounts, strict=True)))
    return total


def wrong_in(line: WageLine) -> Iterator[WrongField]:
    """What is wrong with a line by itself; its amounts can be read."""
    of = sums_of([line])
    withheld_fen = of.income_tax_fen + of.insurance_fen + of.housing_fund_fen
    if withheld_fen != of.ded_fen:
        detail = f"what is withheld adds up to {yuan(withheld_fen)}, not {yuan(of.ded_fen)}"
        yield WrongField("total_ded", Code.DETAILS_MISMATCH, detail)
    if of.wage_fen - of.ded_fen != of.net_fen:
        left = yuan(of.wage_fen - of.ded_fen)
        detail = (
            f"应发 {line.wage_sala} less 扣款 {yuan(of.ded_fen)} is {left}, not {line.net_sala}"
        )
        yield WrongField("net_sala", Code.DETAILS_MISMATCH, detail)
    if problem := wrong_with(line.iden_no):
        yield WrongField("iden_no", Code.DETAILS_MISMATCH, problem)
