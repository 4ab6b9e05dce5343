"""分成: what the simulated central bank reports of shared income 共享收入, to each its share.

Which tier has how much of a kind of income is data, by revenue code and day; the shares of one kind
come to 100 %. Each treasury's own 3401 carries its share, under its level, so that a division books
what is its own and nothing is computed twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import combinations

import msgspec

from ledger.errors import Code, RequestError
from ledger.money import parse_yuan, yuan
from payments.simulators.counterparty import Counterparty
from payments.simulators.daily_reports import (
    IncomeLineTold,
    IncomeTold,
    ReportSent,
    send_income,
)

SHARED_INCOME_PATH = "/sim/shared-income"
WHOLE = 100_00  # hundredths of a per cent


class SharePart(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a tier has of it; ``percent`` with two decimals, ``37.50``."""

    budget_level_code: str
    percent: str


class IncomeShares(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How income is shared whose code begins with ``inc_sort_code``, of several the longest, from
    ``start_date`` to ``end_date``; no end where that is left out."""

    inc_sort_code: str
    start_date: date
    end_date: date = date.max
    parts: tuple[SharePart, ...]

    def holds(self, inc_sort_code: str, day: date) -> bool:
        of_code = inc_sort_code.startswith(self.inc_sort_code)
        return of_code and self.start_date <= day <= self.end_date

    @property
    def by_level(self) -> dict[str, int]:
        """Hundredths of a per cent."""
        return {part.budget_level_code: parse_yuan(part.percent) for part in self.parts}


class SharedLine(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What came of a kind of income as a whole; ``amt`` in yuan, negative where it went back."""

    inc_sort_code: str
    fund_type_code: str
    amt: str


class SharingTreasury(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A tier's account; ``lines`` are what came to it alone, ``ledger`` as of other reports."""

    budget_level_code: str
    tre_code: str
    ledger: str = ""
    lines: tuple[IncomeLineTold, ...] = ()


class SharedIncomeTold(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A day's shared income. A tier that has no account here, such as the centre, is told nothing;
    an account that has no share of the day has a report all the same."""

    report_date: date
    income: tuple[SharedLine, ...]
    shares: tuple[IncomeShares, ...]
    treasuries: tuple[SharingTreasury, ...]


def shared_between(amount_fen: int, by_level: Mapping[str, int]) -> dict[str, int]:
    """Fen by level, which come to ``amount_fen``: each share is rounded down, and the fen that are
    left go to those that lost most by it, the higher tier first; what went back likewise."""
    sign = -1 if amount_fen < 0 else 1
    exact = {level: sign * amount_fen * part for level, part in by_level.items()}
    found = {level: product // WHOLE for level, product in exact.items()}
    left_fen = sign * amount_fen - sum(found.values())
    nearest = sorted(exact, key=lambda level: (-(exact[level] % WHOLE), level))
    for level in nearest[:left_fen]:
        found[level] += 1
    return {level: sign * fen for level, fen in found.items()}


def send_shared_income(
    central_bank: Counterparty, told: SharedIncomeTold
) -> tuple[ReportSent, ...]:
    """Sends each treasury its 3401.

    Raises:
        RequestError: ``malformed``: shares that are not 100 %, that overlap, or name a tier twice;
            income that has none; ``invalid_amount``.
    """
    _check(told)
    by_level: dict[str, list[IncomeLineTold]] = {}
    for index, line in enumerate(told.income):
        amount_fen = parse_yuan(line.amt, pointer=f"/income/{index}/amt", signed=True)
        shares = _shares_of(told, line, f"/income/{index}/inc_sort_code")
        for level, fen in shared_between(amount_fen, shares.by_level).items():
            if fen:
                share = IncomeLineTold(
                    inc_sort_code=line.inc_sort_code,
                    fund_type_code=line.fund_type_code,
                    budget_level_code=level,
                    amt=yuan(fen),
                )
                by_level.setdefault(level, []).append(share)
    reports = [
        IncomeTold(
            report_date=told.report_date,
            tre_code=each.tre_code,
            ledger=each.ledger,
            lines=(*by_level.get(each.budget_level_code, ()), *each.lines),
        )
        for each in told.treasuries
    ]
    return tuple(send_income(central_bank, report) for report in reports)


def _shares_of(told: SharedIncomeTold, line: SharedLine, pointer: str) -> IncomeShares:
    held = [each for each in told.shares if each.holds(line.inc_sort_code, told.report_date)]
    if not held:
        raise RequestError(
            Code.MALFORMED,
            f"{line.inc_sort_code} is not shared on {told.report_date} 无分成比例",
            pointer=pointer,
        )
    return max(held, key=lambda each: len(each.inc_sort_code))


def _check(told: SharedIncomeTold) -> None:
    for index, shares in enumerate(told.shares):
        pointer = f"/shares/{index}"
        _require_once([part.budget_level_code for part in shares.parts], "tier", pointer)
        if (sum_of := sum(shares.by_level.values())) != WHOLE:
            raise RequestError(
                Code.MALFORMED, f"the shares come to {yuan(sum_of)} %, not 100", pointer=pointer
            )
    for one, other in combinations(told.shares, 2):
        apart = one.end_date < other.start_date or other.end_date < one.start_date
        if one.inc_sort_code == other.inc_sort_code and not apart:
            raise RequestError(
                Code.MALFORMED,
                f"{one.inc_sort_code} is shared in two ways on a day 分成比例重叠",
                pointer="/shares",
            )
    names: tuple[Callable[[SharingTreasury], str], ...] = (
        lambda each: each.budget_level_code,
        lambda each: each.tre_code,
    )
    for name in names:
        _require_once([name(each) for each in told.treasuries], "treasury", "/treasuries")


def _require_once(codes: Sequence[str], what: str, pointer: str) -> None:
    twice = [code for code, times in Counter(codes).items() if times > 1]
    if twice:
        raise RequestError(Code.MALFORMED, f"the {what} {twice[0]} is named twice", pointer=pointer)
