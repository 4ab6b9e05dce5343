"""One division lives through its year: budget, indicators, months of payments, closed books.

Each month is applied for, approved and signed in bulk; when the bank has answered every voucher,
what came back is booked, each working day is cleared with the central bank, and the month is
closed. Behind December what is left is carried over 年终结转, the year closed and handed over to
the next. Divisions are independent, so each has a thread of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from time import perf_counter
from typing import Any

import msgspec

from api.demo.budget import PlannedRow, indicator_of, parts
from api.demo.province.bulk import UNDER_WAY, BulkClient
from api.demo.province.plan import (
    FISCAL_YEAR,
    YEAR_BEGINS,
    Division,
    PlannedPayment,
    indicator_number,
    last_working_day,
    month_end,
)
from api.demo.province.stages import AnyStage, Stage
from ledger.money import parse_yuan, yuan

BANK = "102"
MONTHS_OF_A_YEAR = 12
READ_MODELS = ("/payments", "/indicators", "/trial-balance")

NoteStage = Callable[[AnyStage, int, float], None]


class DivisionFigures(msgspec.Struct):
    """What one division asked for and must find in its books; amounts in fen."""

    rows: int = 0
    budgeted_fen: int = 0
    payments: int = 0
    applied_fen: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0
    failing: int = 0
    partly_failing: int = 0
    refunds: int = 0
    carried: int = 0
    carried_fen: int = 0
    clearings: int = 0


class Year:
    """A division's year, to be lived through once.

    Args:
        months: how many of its months, from January.
        report: told of each step: its stage, how many payments (or units, rows, clearings) it moved
            on, and the seconds it took.
    """

    def __init__(
        self,
        division: Division,
        client: BulkClient,
        report: NoteStage,
        *,
        months: int = MONTHS_OF_A_YEAR,
    ) -> None:
        self._division = division
        self._months = months
        self._client = client
        self._report = report
        self.figures = DivisionFigures()

    def live(self) -> DivisionFigures:
        self._issue(self._budget())
        for month in range(1, self._months + 1):
            came_back, days = self._pay(month)
            self._refund(came_back)
            if came_back:
                days.add(last_working_day(month))
            if days:
                self._clear(month, sorted(days))
            self._timed(Stage.CLOSING, 1, self._close, month)
        if self._months == MONTHS_OF_A_YEAR:
            self._timed(Stage.YEAR_END, 1, self._end)
        # who looks at the year's figures next must not find those of yesterday
        self._timed(Stage.CLOSING, 0, self._client.wait_followed, READ_MODELS)
        return self.figures

    def _budget(self) -> Sequence[PlannedRow]:
        """Has units, projects and a budget approved; gives its rows."""
        budget = self._division.budget()
        for step in budget.steps():
            asked = (step.person, step.path, step.body)
            self._timed(step.stage, step.moved, self._client.bulk, *asked)
        self.figures.rows = len(budget.rows)
        self.figures.budgeted_fen = sum(parse_yuan(row.amt) for row in budget.rows)
        return budget.rows

    def _issue(self, rows: Sequence[PlannedRow]) -> None:
        """Each row as one indicator."""
        bodies = (
            indicator_of(row, indicator_number(index), YEAR_BEGINS)
            for index, row in enumerate(rows)
        )
        for part in parts(bodies):
            size, path = len(part), "/indicators:batch"
            self._timed(Stage.INDICATORS, size, self._client.bulk, "经办", path, part)
            issued = [body["bgt_id"] for body in part]
            self._timed(Stage.INDICATORS, 0, self._agree, "审核", "indicator.issue", issued)

    def _agree(self, person: str, kind: str, numbers: Sequence[str]) -> None:
        """Another person agrees to what was submitted, in one call."""
        documents = [{"kind": kind, "number": number} for number in numbers]
        self._client.bulk(person, "/documents:approve", {"documents": documents})

    def _pay(self, month: int) -> tuple[list[PlannedPayment], set[date]]:
        """Applies, has approved and signed, waits for the bank; gives what will come back, and the
        days on which money moved."""
        client, came_back, days = self._client, list[PlannedPayment](), set[date]()
        signed: list[str] = []
        for payments in parts(self._division.month(month)):
            bodies = [payment.body() for payment in payments]
            numbers = {"pay_app_nos": [payment.number for payment in payments]}
            signing = {**numbers, "role": "treasury"}
            size = len(payments)
            self._timed(Stage.APPLYING, size, client.bulk, "经办", "/payments:batch", bodies)
            self._timed(Stage.APPROVING, size, client.bulk, "审核", "/payments:approve", numbers)
            self._timed(Stage.SIGNING, size, client.bulk, "签章", "/payments:sign", signing)
            came_back += [payment for payment in payments if payment.refund_fen]
            days.update(payment.day for payment in payments if payment.paid_fen)
            signed += numbers["pay_app_nos"]
            self._count(payments)
        span = {
            "from": f"{FISCAL_YEAR}-{month:02d}-01",
            "to": month_end(month).isoformat(),
        }
        unsettled = [{"status": status, **span} for status in UNDER_WAY]
        if signed:
            self._timed(Stage.PAYING, len(signed), client.wait_settled, signed, unsettled)
        return came_back, days

    def _refund(self, came_back: list[PlannedPayment]) -> None:
        """Asks the bank to return it, and waits for its notices: cash moves on those alone."""
        before = self._client.position() if came_back else 0
        for payments in parts(came_back):
            bodies = [
                {
                    "pay_app_no": payment.number,
                    "refund_no": f"TK-{payment.number}",
                    "refund_amt": yuan(payment.refund_fen),
                    "reason": "收款人退回",
                    "effective_on": last_working_day(payment.month).isoformat(),
                }
                for payment in payments
            ]
            size = len(payments)
            self._timed(Stage.REFUNDING, size, self._client.bulk, "经办", "/refunds:batch", bodies)
            asked = [body["refund_no"] for body in bodies]
            self._timed(Stage.REFUNDING, 0, self._agree, "审核", "payment.refund", asked)
        numbers = [f"TK-{payment.number}" for payment in came_back]
        if numbers:
            self._timed(Stage.REFUNDING, 0, self._client.wait_refunded, numbers, before)

    def _clear(self, month: int, days: Sequence[date]) -> None:
        """A clearing for every working day on which money moved, and all of them answered."""
        before = self._client.position()
        bodies = [
            {
                "clear_no": f"QS-{month:02d}-{day:%m%d}",
                "clear_date": day.isoformat(),
                "pay_bank_code": BANK,
            }
            for day in days
        ]
        size = len(bodies)
        self._timed(Stage.CLEARING, size, self._client.bulk, "经办", "/clearings:batch", bodies)
        clear_nos = [body["clear_no"] for body in bodies]
        self._timed(Stage.CLEARING, 0, self._client.wait_cleared, clear_nos, before)
        self.figures.clearings += size

    def _close(self, month: int) -> None:
        through = {"through": month_end(month).isoformat()}
        closing = self._client.post("会计", "/periods:close", through)
        path = f"/documents/period.close/{closing['number']}/approve"
        self._client.post("会计主管", path, {})

    def _end(self) -> None:
        """What is left goes on to the next year, which begins with what this one ends with."""
        client = self._client
        left = {row["bgt_id"]: row["canuse_amt"] for row in client.pages("/indicators")}
        items = [
            {"bgt_id": bgt_id, "carryovers_amt": amt}
            for bgt_id, amt in left.items()
            if parse_yuan(amt, zero=True)
        ]
        for serial, part in enumerate(parts(items), 1):
            number = f"JZ-{FISCAL_YEAR}-{serial:03d}"
            client.bulk("会计", "/year-end:carry-over", {"carry_no": number, "items": part})
            self._agree("会计主管", "year_end.carry_over", [number])
        closing = client.post("会计", "/year-end:close", {})
        client.post("会计主管", f"/documents/year_end.close/{closing['number']}/approve", {})
        client.wait_handed_over()
        self.figures.carried = len(items)
        self.figures.carried_fen = sum(parse_yuan(item["carryovers_amt"]) for item in items)

    def _count(self, payments: Iterable[PlannedPayment]) -> None:
        figures = self.figures
        for payment in payments:
            figures.payments += 1
            figures.applied_fen += payment.amount_fen
            figures.paid_fen += payment.paid_fen
            figures.refunded_fen += payment.refund_fen
            figures.refunds += payment.refund_fen > 0
            figures.failing += payment.failing >= 0 and not payment.paid_fen
            figures.partly_failing += payment.failing >= 0 and payment.paid_fen > 0

    def _timed(
        self, stage: AnyStage, moved: int, act: Callable[..., Any], *arguments: object
    ) -> None:
        began = perf_counter()
        act(*arguments)
        self._report(stage, moved, perf_counter() - began)
