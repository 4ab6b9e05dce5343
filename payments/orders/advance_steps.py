"""转列支出、收回: what brings an advance down, an indicator or cash. Pure decisions."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

import msgspec

from budget.indicator import INDICATOR, Indicator, moved, require_executable
from budget.indicator import require as require_indicator
from budget.plans import require_planned
from ledger.books import Books
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal
from ledger.events import JournalPosted
from ledger.money import parse_yuan
from payments.clearing.cash import CASH, kind_of
from payments.contracts.drawing import require_purchase_control
from payments.monitoring.orders import warned_of_order
from payments.monitoring.rules import LineToPayee
from payments.order_events import AdvanceExpensed, AdvanceReceipted, AdvanceRecovered
from payments.orders.advance import ADVANCE, STANDING_OUT, Advance, require_paid
from payments.orders.advances import back, journal_of
from payments.orders.ordering import account_back


class _Step(Command, frozen=True, kw_only=True):
    """What lowers an advance, under a number of its own."""

    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "预拨暂付"
    NUMBER: ClassVar[str] = "step_no"
    KIND: ClassVar[AnyKind] = ADVANCE
    adv_no: str
    step_no: str
    amt: str
    reason: str = ""
    effective_on: date | None = None

    def check(self) -> None:
        """Raises RequestError ``invalid_amount``."""
        parse_yuan(self.amt, pointer="/amt")

    def _paid(self, state: LedgerState, day: date) -> Advance:
        """The advance, once it is paid and on a day on which it was."""
        advance = require_paid(state, self.adv_no)
        if day < date.fromisoformat(advance.paid_on):
            raise Refusal(
                Code.INVALID_STATE, f"it was paid on {advance.paid_on}, after {day}", pointer="/amt"
            )
        return advance


class ExpenseAdvance(_Step, frozen=True, kw_only=True):
    """转列支出: the indicator has paid it, as a payment would have been."""

    OPERATION: ClassVar[str] = "advance.to_expense"
    bgt_id: str

    def needs(self) -> Iterable[Need]:
        return (ADVANCE, self.adv_no), (INDICATOR, self.bgt_id), (STANDING_OUT, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        indicator = require_indicator(state, self.bgt_id, day)
        require_executable(indicator)
        require_purchase_control(state, indicator.issued, None)
        advance = self._paid(state, day)
        self._require_alike(advance, indicator)
        amount_fen = parse_yuan(self.amt, pointer="/amt")
        lowered = state.moved(STANDING_OUT, self.adv_no, day, {"left": -amount_fen})
        require_planned(state, indicator, day, amount_fen)
        unit_fen = amount_fen if advance.ordered.agency_code else 0
        amounts = {"expensed": amount_fen, "of_unit": unit_fen}
        borne = moved(state, day, self.bgt_id, AdvanceExpensed.TYPE, amounts)
        ordered = advance.ordered
        payee = LineToPayee(
            ordered.payee_acct_name, ordered.payee_acct_no, ordered.payee_acct_bank_name, amount_fen
        )
        warned = warned_of_order(state, indicator, day, payee, self.reason or ordered.reason)
        # point of no return
        expensed = AdvanceExpensed(
            adv_no=self.adv_no,
            step_no=self.step_no,
            bgt_id=self.bgt_id,
            amt=self.amt,
            reason=self.reason,
            figures=borne.row.figures(),
            by=by,
            monitor_rules=warned,
        )
        entry = state.books(day).post(
            expensed.TYPE,
            source=state.next_position,
            number=self.step_no,
            amounts_fen=amounts,
            codes={**indicator.paying_codes, "acct_cls_id": advance.ordered.acct_cls_id},
            bgt_id=self.bgt_id,
        )
        entry = kept_apart(state.books(day), entry, advance, indicator)
        return Decision(
            events=[(ADVANCE, self.adv_no, expensed), (ADVANCE, self.adv_no, entry)],
            effective_on=day,
            moved=[lowered, borne],
        )

    def _require_alike(self, advance: Advance, indicator: Indicator) -> None:
        """That the indicator is of the unit that has the money, and of the kind of fund it came
        from: else cash of one kind would have paid for another.

        Raises:
            Refusal: ``element_mismatch``.
        """
        ordered, issued = advance.ordered, indicator.issued
        problem = ""
        if kind_of(issued.fund_type_code) != kind_of(ordered.fund_type_code):
            problem = f"of fund {issued.fund_type_code}, the advance of {ordered.fund_type_code}"
        elif ordered.agency_code and issued.agency_code != ordered.agency_code:
            problem = f"of unit {issued.agency_code}, the advance of {ordered.agency_code}"
        if problem:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"indicator {self.bgt_id} is {problem}",
                pointer="/bgt_id",
                bgt_id=self.bgt_id,
            )


def kept_apart(
    books: Books, entry: JournalPosted, advance: Advance, indicator: Indicator
) -> JournalPosted:
    """The entry with each line kept by what it is of: accounts that the paid advance stands on by
    its own elements, so that slices of them cancel; those of the expense by the indicator's."""
    paid = books.post(
        AdvanceReceipted.TYPE,
        source=entry.source,
        number=entry.number,
        amounts_fen={"paid": 1, "to_unit": 1},  # of its lines only the accounts are asked
        codes={"acct_cls_id": advance.ordered.acct_cls_id, "fund_type_code": entry.fund_type_code},
    )
    stands_on = {line.account for line in paid.lines}
    of_advance = {name: code for name, code in advance.kept_by.items() if code}
    of_indicator = {"bgt_id": indicator.issued.bgt_id}
    of_indicator |= {name: getattr(indicator.issued, name) for name in DIMENSIONS}
    codes = (of_advance if li.account in stands_on else of_indicator for li in entry.lines)
    return msgspec.structs.replace(entry, line_codes=tuple(dict(each) for each in codes))


class RecoverAdvance(_Step, frozen=True, kw_only=True):
    """收回: it is at the treasury again. What the central bank itself says came back is booked by
    its notice (``advances.ReturnAdvance``)."""

    OPERATION: ClassVar[str] = "advance.recover"

    def needs(self) -> Iterable[Need]:
        return (ADVANCE, self.adv_no), (STANDING_OUT, WHOLE), (CASH, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        advance = self._paid(state, day)
        fund, amount_fen = advance.ordered.fund_type_code, parse_yuan(self.amt, pointer="/amt")
        acct = account_back(state, advance.ordered)
        moved_rows = back(state, day, advance, acct, amount_fen)
        # point of no return
        recovered = AdvanceRecovered(
            adv_no=self.adv_no,
            step_no=self.step_no,
            amt=self.amt,
            fund_type_code=fund,
            cash_acct=acct,
            reason=self.reason,
            by=by,
        )
        unit_fen = amount_fen if advance.ordered.agency_code else 0
        amounts = {"recovered": amount_fen, "from_unit": unit_fen}
        entry = journal_of(state, day, recovered.TYPE, advance, self.step_no, amounts)
        return Decision(
            events=[(ADVANCE, self.adv_no, recovered), (ADVANCE, self.adv_no, entry)],
            effective_on=day,
            moved=moved_rows,
        )
