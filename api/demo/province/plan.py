"""A province's year 2025 as data: divisions, units, indicators, payments; synthetic throughout.

The figures are those of a pilot of one province: its own level and six cities, 13,000 units, 39,000
indicators, 430,000 payments, 240 billion yuan. Amounts are log-normal around 558,000 yuan; the last
days of a month and the last month of the year are the busy ones; one payment in two hundred fails
at the bank, three in a thousand come back in part.

Nothing here is kept: a month's payments are drawn anew from a seed of their own whenever they are
asked for, and are the same each time. A smaller province has the same shares of everything.
"""

import calendar
import math
from collections.abc import Iterator, Sequence
from datetime import date
from random import Random
from typing import NamedTuple

import msgspec

from api.demo.budget import ADMINISTRATION, INSTITUTION, Budget, PlannedRow
from ledger.money import yuan

FISCAL_YEAR = 2025  # a year that is over: all its days have come, and its books can be closed
SEED = 20260101
UNITS, INDICATORS_A_UNIT, PAYMENTS = 13_000, 3, 430_000
MEAN_FEN = 558_140_00
SIGMA = 1.4
BULK_LINES = (2, 8)
REFUSED_ACCOUNT, SOUND_ACCOUNT = "9999", "6222"
MONTH_END_DAYS, MONTH_END_WEIGHT = 3, 3.0
MONTH_WEIGHTS = (1.0, 0.8, 1.1, 1.0, 1.0, 1.2, 1.0, 1.0, 1.2, 1.0, 1.2, 2.0)
INDICATOR_ROUNDING_FEN = 1_000_000_00  # rows and their indicators are whole millions
YEAR_BEGINS = f"{FISCAL_YEAR}-01-01"
PROVINCE, CITY = "2", "3"  # tiers
UNITS_A_DEPARTMENT = 25

# divisions of the pilot: GB/T 2260 code, name, its share of the units
_DIVISIONS = (
    ("440000000", "广东省本级", 1_750),
    ("440200000", "韶关市", 1_850),
    ("440500000", "汕头市", 1_900),
    ("440700000", "江门市", 1_900),
    ("441300000", "惠州市", 1_900),
    ("441700000", "阳江市", 1_850),
    ("445300000", "云浮市", 1_850),
)
DIVISIONS = len(_DIVISIONS)
# (function, 政府经济, 部门经济, fund): offices, schools, health, with both kinds of unit among them
_KINDS = (
    ("2010102", "50201", "30201", "111"),
    ("2010101", "50101", "30101", "111"),
    ("2080505", "50102", "30108", "111"),
    ("2050202", "50501", "30101", "111"),
    ("2101101", "50502", "30201", "111"),
    ("2120801", "50502", "30201", "121"),
)


class Chances(msgspec.Struct, frozen=True):
    """How likely a payment fails at the bank, comes back in part, or has several payees."""

    failing: float = 0.005
    refunded: float = 0.003
    bulk: float = 0.01


CHANCES = Chances()


class DetailBody(msgspec.Struct, frozen=True):
    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    pay_amt: str


class PaymentBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """A payment application as it is posted."""

    pay_app_no: str
    bgt_id: str
    pay_amt: str
    use_des: str
    effective_on: str
    payee_acct_name: str = ""
    payee_acct_no: str = ""
    payee_acct_bank_name: str = ""
    details: tuple[DetailBody, ...] = ()


class PlannedPayment(NamedTuple):
    """One payment as it was drawn.

    Attributes:
        serial: within its month, from 1.
        indicator: index of the indicator within the division.
        lines_fen: amounts of its lines, one for a payment to one payee.
        failing: index of the line that the bank will refuse, -1 for none.
        refund_fen: what comes back at the end of the month, 0 for nothing.
    """

    month: int
    serial: int
    day: date
    indicator: int
    lines_fen: tuple[int, ...]
    failing: int
    refund_fen: int
    account: int

    @property
    def number(self) -> str:
        return f"ZF{self.month:02d}-{self.serial:06d}"

    @property
    def amount_fen(self) -> int:
        return sum(self.lines_fen)

    @property
    def paid_fen(self) -> int:
        """What the bank will pay of it."""
        return self.amount_fen - (self.lines_fen[self.failing] if self.failing >= 0 else 0)

    def body(self) -> PaymentBody:
        accounts = [
            f"{REFUSED_ACCOUNT if line == self.failing else SOUND_ACCOUNT}"
            f"{(self.account + line) % 10**12:012d}"
            for line in range(len(self.lines_fen))
        ]
        head = (self.number, indicator_number(self.indicator), yuan(self.amount_fen))
        if len(accounts) == 1:
            payee = (_payee(self.account), accounts[0], _BANK)
            return PaymentBody(*head, "单位支出", self.day.isoformat(), *payee)
        details = tuple(
            DetailBody(str(line + 1), _payee(self.account + line), account, _BANK, yuan(fen))
            for line, (account, fen) in enumerate(zip(accounts, self.lines_fen, strict=True))
        )
        return PaymentBody(*head, "批量支付", self.day.isoformat(), details=details)


_BANK = "样例银行"


def _payee(account: int) -> str:
    return f"样例收款人{account % 100_000:05d}"


def indicator_number(index: int) -> str:
    return f"ZB-{index + 1:06d}"


class Division(msgspec.Struct, frozen=True):
    """One fiscal division: its part of the province's units and payments."""

    code: str
    name: str
    units: int
    payments: int
    chances: Chances = CHANCES

    @property
    def ledger(self) -> str:
        return f"{self.code}-{FISCAL_YEAR}"

    @property
    def indicators(self) -> int:
        return self.units * INDICATORS_A_UNIT

    def month_payments(self, month: int) -> int:
        return shares(self.payments, MONTH_WEIGHTS)[month - 1]

    def month(self, month: int) -> Iterator[PlannedPayment]:
        """The payments of a month in the order of their days; the same at every call."""
        random = Random(f"{SEED}/{self.code}/{month}")  # noqa: S311 - made up, the same each time
        days = working_days(month)
        ordinary = len(days) - MONTH_END_DAYS
        weights = [1.0] * ordinary + [MONTH_END_WEIGHT] * MONTH_END_DAYS
        drawn = sorted(random.choices(days, weights, k=self.month_payments(month)))
        for serial, day in enumerate(drawn, 1):
            yield _draw(random, self, month, serial, day)

    def budget(self) -> Budget:
        """Its approved budget: of each row the year's payments are made, and none asks for more.

        It is approved as of the first of January, when the year's payments begin.
        """
        return Budget(
            ledger=f"/v1/ledgers/{self.ledger}",
            name=self.name,
            tier_code=PROVINCE if self.code.endswith("0000000") else CITY,
            approved_on=YEAR_BEGINS,
            rows=list(self._rows()),
        )

    def _rows(self) -> Iterator[PlannedRow]:
        for index, planned_fen in enumerate(self._planned_fen()):
            unit, nth = divmod(index, INDICATORS_A_UNIT)
            func, gov, dep, fund = _KINDS[(unit % 2) * INDICATORS_A_UNIT + nth]
            department, place = divmod(unit, UNITS_A_DEPARTMENT)
            millions = planned_fen // INDICATOR_ROUNDING_FEN + 1
            yield PlannedRow(
                bgt_pman_id=f"YS-{index + 1:06d}",
                agency_code=f"{101 + department:03d}{place + 1:03d}",
                agency_type_code=INSTITUTION if unit % 2 else ADMINISTRATION,
                pro_code=f"{self.code[:6]}{FISCAL_YEAR % 100}{unit + 1:08d}{nth + 1:05d}",
                pro_name=f"样例项目{unit + 1:05d}-{nth + 1}",
                exp_func_code=func,
                gov_bgt_eco_code=gov,
                dep_bgt_eco_code=dep,
                fund_type_code=fund,
                amt=yuan(millions * INDICATOR_ROUNDING_FEN),
            )

    def _planned_fen(self) -> Sequence[int]:
        """What the year's payments will ask of each indicator, and so of each row."""
        planned = [0] * self.indicators
        for month in range(1, 13):
            for payment in self.month(month):
                planned[payment.indicator] += payment.amount_fen
        return planned


def _draw(random: Random, division: Division, month: int, serial: int, day: date) -> PlannedPayment:
    chances = division.chances
    amount_fen = max(1, round(random.lognormvariate(_MU, SIGMA)))
    lines_fen: tuple[int, ...] = (amount_fen,)
    if random.random() < chances.bulk:
        lines = random.randint(*BULK_LINES)
        lines_fen = (amount_fen // lines + 1,) * lines
    failing = -1
    if random.random() < chances.failing:
        failing = random.randrange(len(lines_fen))
    refund_fen = 0
    if failing < 0 and random.random() < chances.refunded:
        refund_fen = max(1, amount_fen // 2)
    return PlannedPayment(
        month=month,
        serial=serial,
        day=day,
        indicator=random.randrange(division.indicators),
        lines_fen=lines_fen,
        failing=failing,
        refund_fen=refund_fen,
        account=random.randrange(10**12),
    )


_MU = math.log(MEAN_FEN) - SIGMA**2 / 2  # of the normal distribution whose mean is MEAN_FEN


def province(
    payments: int = PAYMENTS, *, divisions: int = DIVISIONS, chances: Chances = CHANCES
) -> list[Division]:
    """The divisions of a province with so many payments a year, and units in proportion.

    Args:
        payments: at least one for each division.
        divisions: how many of them, its own level first.
    """
    chosen = _DIVISIONS[:divisions]
    units = max(divisions, round(UNITS * payments / PAYMENTS))
    of_units = [max(1, n) for n in shares(units, [share for _, _, share in chosen])]
    of_payments = shares(payments, of_units)
    return [
        Division(code, name, of_units[place], of_payments[place], chances)
        for place, (code, name, _) in enumerate(chosen)
    ]


def working_days(month: int) -> list[date]:
    """Mondays to Fridays."""
    _, last = calendar.monthrange(FISCAL_YEAR, month)
    days = (date(FISCAL_YEAR, month, day) for day in range(1, last + 1))
    return [day for day in days if day.weekday() < calendar.SATURDAY]


def last_working_day(month: int) -> date:
    return working_days(month)[-1]


def month_end(month: int) -> date:
    return date(FISCAL_YEAR, month, calendar.monthrange(FISCAL_YEAR, month)[1])


def shares(whole: int, weights: Sequence[float]) -> list[int]:
    """``whole`` split by weight, to the last one (largest remainders)."""
    total = sum(weights)
    exact = [whole * weight / total for weight in weights]
    parts = [math.floor(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for place in by_remainder[: whole - sum(parts)]:
        parts[place] += 1
    return parts
