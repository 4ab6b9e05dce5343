"""批量支付: a run is opened, of one indicator, with lines to come or for a list of wages. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.indicator import INDICATOR, Indicator, require_executable
from budget.indicator import require as require_indicator
from ledger.account_set import division_of
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Told
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from payments.cards.reimbursing import refuse_cards
from payments.contracts.drawing import require_purchase_control
from payments.disbursement.events import DisbursementOpened
from payments.disbursement.run import DISBURSEMENT, asked_of_run
from payments.wages.paying import handed_on, part_to_pay
from payments.wages.run import WAGE_RUN
from payments.wages.run_events import WagePart


def executable(state: LedgerState, bgt_id: str, day: date) -> Indicator:
    """The indicator, or a refusal where there is none or it may not be executed on the day."""
    indicator = require_indicator(state, bgt_id, day)
    require_executable(indicator)
    return indicator


class OpenRun(Command, frozen=True, kw_only=True):
    """Opens a run without lines."""

    OPERATION: ClassVar[str] = "disbursement.open"
    NUMBER: ClassVar[str] = "run_no"
    KIND: ClassVar[AnyKind] = DISBURSEMENT
    ALSO: ClassVar[tuple[AnyKind, ...]] = (WAGE_RUN,)
    run_no: str
    bgt_id: str
    title: str
    use_des: str
    set_mode_code: str = "1"
    pay_bus_type_code: str = "1"
    wage_run_no: str = ""
    effective_on: date | None = None

    def needs(self) -> Iterable[tuple[AnyKind, str]]:
        wages = ((WAGE_RUN, self.wage_run_no),) if self.wage_run_no else ()
        return ((DISBURSEMENT, self.run_no), (INDICATOR, self.bgt_id), *wages)

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (cls(**asked_of_run(cls, told)),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        indicator = executable(state, self.bgt_id, day)
        division = division_of(state.ledger_id)
        for element in ("set_mode_code", "pay_bus_type_code"):
            code, pointer = getattr(self, element), f"/{element}"
            state.codes.check(element, code, on=day, mof_div_code=division, pointer=pointer)
        refuse_cards(state, self.pay_bus_type_code)
        require_purchase_control(state, indicator.issued, None, pointer="/bgt_id")
        wages = self._wages(state)
        # point of no return
        opened = DisbursementOpened(
            run_no=self.run_no,
            bgt_id=self.bgt_id,
            title=self.title,
            use_des=self.use_des,
            set_mode_code=self.set_mode_code,
            pay_bus_type_code=self.pay_bus_type_code,
            effective_on=self.effective_on.isoformat() if self.effective_on else "",
            wage_run_no=self.wage_run_no,
            payees_sm3=wages.payees_sm3 if wages else "",
            by=by,
        )
        withheld = handed_on(state, day, self.wage_run_no, wages, self.run_no, by) if wages else ()
        return Decision(
            events=[
                (DISBURSEMENT, self.run_no, opened),
                *((WAGE_RUN, self.wage_run_no, event) for event in withheld),
            ],
            effective_on=day,
        )

    def _wages(self, state: LedgerState) -> WagePart | None:
        """What the indicator pays of the list of wages that is named."""
        if not self.wage_run_no:
            return None
        return part_to_pay(state, self.wage_run_no, self.bgt_id)
