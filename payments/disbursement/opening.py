"""批量支付: a run is opened, of one indicator, with lines to come or for a list. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import ClassVar, NamedTuple

from budget.indicator import INDICATOR, Indicator, require_executable
from budget.indicator import require as require_indicator
from ledger.account_set import division_of
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Told
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.events import Event
from payments.cards.reimbursing import refuse_cards
from payments.contracts.drawing import require_purchase_control
from payments.disbursement.events import DisbursementOpened
from payments.disbursement.run import DISBURSEMENT, asked_of_run
from payments.subsidies.events import SubsidyListHandedOn
from payments.subsidies.subsidy_list import SUBSIDY_LIST, list_to_pay
from payments.wages.paying import handed_on, part_to_pay
from payments.wages.run import WAGE_RUN


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
    ALSO: ClassVar[tuple[AnyKind, ...]] = (WAGE_RUN, SUBSIDY_LIST)
    run_no: str
    bgt_id: str
    title: str
    use_des: str
    set_mode_code: str = "1"
    pay_bus_type_code: str = "1"
    wage_run_no: str = ""
    subsidy_list_no: str = ""
    effective_on: date | None = None

    def needs(self) -> Iterable[tuple[AnyKind, str]]:
        yield DISBURSEMENT, self.run_no
        yield INDICATOR, self.bgt_id
        if self.wage_run_no:
            yield WAGE_RUN, self.wage_run_no
        if self.subsidy_list_no:
            yield SUBSIDY_LIST, self.subsidy_list_no

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
        paying = self._paying(state, day, by)
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
            subsidy_list_no=self.subsidy_list_no,
            payees_sm3=paying.payees_sm3,
            by=by,
        )
        return Decision(
            events=[(DISBURSEMENT, self.run_no, opened), *paying.told], effective_on=day
        )

    def _paying(self, state: LedgerState, day: date, by: str) -> "Paying":
        """The list that it is opened for, handed on; nothing where lines are to come."""
        if number := self.wage_run_no:
            part = part_to_pay(state, number, self.bgt_id)
            told = handed_on(state, day, number, part, self.run_no, by)
            return Paying(part.payees_sm3, [(WAGE_RUN, number, event) for event in told])
        if number := self.subsidy_list_no:
            of_subsidy = list_to_pay(state, number, self.bgt_id)
            event = SubsidyListHandedOn(subsidy_list_no=number, run_no=self.run_no, by=by)
            return Paying(of_subsidy.payees_sm3, [(SUBSIDY_LIST, number, event)])
        return Paying()


class Paying(NamedTuple):
    """Which account gets how much, "" where any lines may be loaded, and what is told of the list
    behind the opening."""

    payees_sm3: str = ""
    told: Sequence[tuple[AnyKind, str, Event]] = ()
