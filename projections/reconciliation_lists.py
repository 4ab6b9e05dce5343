"""对账清单: reconciliations in pages, and every line of one with its result.

There are some thousands in a year; they are folded when they are asked for. The lines stand in the
bank's own packages, which are opened one after the other.
"""

from collections.abc import Iterator
from typing import NamedTuple

import psycopg

from accounting.intake.comparing import kept_packages, lines_of
from accounting.reconciliation.events import (
    DOUBLED,
    MISSING_HERE,
    MISSING_THERE,
    OTHER_AMOUNT,
    OTHER_DAY,
    Unmatched,
)
from accounting.reconciliation.statement import RECONCILIATION, Reconciliation
from ledger.money import parse_yuan, yuan
from ledger.reading.objects import numbers_of, read_head, read_objects
from projections.core.moments import one_moment
from projections.reports.report import Cells, Report

_AT_ONCE = 100  # each may have thousands of differences
AGREES_CODE, DIFFERS_CODE = "0", "1"  # XCheckResult
REASONS = {
    MISSING_HERE: "我方未记账",
    MISSING_THERE: "对方未列",
    OTHER_AMOUNT: "金额不符",
    OTHER_DAY: "日期不符",
    DOUBLED: "重复列示",
}
_COLUMNS = (
    "place",
    "voucher_no",
    "amt",
    "booked_amt",
    "booked_on",
    "x_check_result",
    "x_check_reason",
)


class ReconciliationFilter(NamedTuple):
    """Which are asked for; "" is whichever. ``begin`` and ``end`` are days: those of a
    reconciliation reach into them."""

    vt_code: str = ""
    sender: str = ""
    e_voucher_type: str = ""
    state: str = ""
    begin: str = ""
    end: str = ""

    def holds(self, found: Reconciliation) -> bool:
        opened = found.opened
        return (
            self.vt_code in ("", opened.vt_code)
            and self.sender in ("", opened.sender)
            and self.e_voucher_type in ("", opened.e_voucher_type)
            and self.state in ("", found.state)
            and (not self.begin or opened.end_date >= self.begin)
            and (not self.end or opened.begin_date <= self.end)
        )


class ReconciliationPage(NamedTuple):
    """Reconciliations, the number behind which the next page begins, None where nothing follows,
    and the position of which they are."""

    items: list[Reconciliation]
    after: str | None
    position: int


def reconciliations_page(
    connection: psycopg.Connection,
    ledger_id: int,
    asked: ReconciliationFilter,
    after: str,
    most: int,
) -> ReconciliationPage:
    """By their numbers."""
    found: list[tuple[str, Reconciliation]] = []
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        while len(found) <= most and (
            numbers := numbers_of(connection, ledger_id, RECONCILIATION, after, _AT_ONCE)
        ):
            objects = read_objects(connection, ledger_id, RECONCILIATION, numbers)
            found += [
                (number, objects[number])
                for number in numbers
                if number in objects and asked.holds(objects[number])
            ]
            after = numbers[-1]
    items = [each for _, each in found[:most]]
    following = found[most - 1][0] if len(found) > most else None
    return ReconciliationPage(items, following, head.position if head else 0)


def lines_report(
    connection: psycopg.Connection,
    ledger_id: int,
    position: int,
    found: Reconciliation,
    *,
    only_differing: bool,
) -> Report:
    """Every line of the bank's with its result, and what the bank has not listed."""
    return Report(
        name="reconciliation_lines",
        title=f"对账结果 {found.opened.recon_no}",
        position=position,
        columns=_COLUMNS,
        amounts=frozenset(("amt", "booked_amt")),
        rows=_lines(connection, ledger_id, found, only_differing=only_differing),
    )


def _lines(
    connection: psycopg.Connection,
    ledger_id: int,
    found: Reconciliation,
    *,
    only_differing: bool,
) -> Iterator[Cells]:
    by_place = {each.place: each for each in found.differences if each.place}
    read = kept_packages(connection, ledger_id)
    for sm3 in found.package_sm3s:
        for line in lines_of(read(sm3), found.opened.vt_code):
            difference = by_place.get(line.place)
            if difference is not None:
                yield _differing(difference)
            elif not only_differing:
                same = line.fen if found.compared else None
                result = AGREES_CODE if found.compared else ""
                yield line.place, line.number, line.fen, same, "", result, ""
    for each in found.differences:
        if not each.place:
            yield _differing(each)


def _differing(difference: Unmatched) -> Cells:
    return (
        difference.place,
        difference.number,
        _fen(difference.amt),
        _fen(difference.booked_amt),
        difference.booked_on,
        DIFFERS_CODE,
        REASONS[difference.kind],
    )


def _fen(amt: str) -> int | None:
    return parse_yuan(amt, signed=True, zero=True) if amt else None


def sums_by_kind(found: Reconciliation) -> dict[str, tuple[int, str]]:
    """How many differences there are of each kind, and over how much: the bank's amounts, and of
    what it has not listed the books'."""
    counts: dict[str, tuple[int, int]] = {}
    for each in found.differences:
        number, fen = counts.get(each.kind, (0, 0))
        counts[each.kind] = number + 1, fen + (_fen(each.amt or each.booked_amt) or 0)
    return {kind: (number, yuan(fen)) for kind, (number, fen) in sorted(counts.items())}
