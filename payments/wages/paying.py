"""工资发放: what an indicator pays of a list of wages is handed on to be disbursed, once, and what
is withheld is booked with it. Pure."""

from collections.abc import Iterable
from datetime import date

from budget.indicator import INDICATOR
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event
from ledger.money import stored_fen
from payments.wages.accruing import by_sign
from payments.wages.events import WagesWithheld
from payments.wages.run import WAGE_RUN
from payments.wages.run_events import WagePart, WageRunWithheld


def part_to_pay(state: LedgerState, wage_run_no: str, bgt_id: str) -> WagePart:
    """The part of the list that the indicator pays.

    Raises:
        Refusal: ``details_mismatch`` where it pays none, ``invalid_state`` where that was handed on
            before, ``not_found`` where there is no such list.
    """
    if (run := state.get(WAGE_RUN, wage_run_no)) is None:
        raise Refusal(Code.NOT_FOUND, f"no list of wages {wage_run_no!r}", pointer="/wage_run_no")
    if (part := run.part_of(bgt_id)) is None:
        raise Refusal(
            Code.DETAILS_MISMATCH,
            f"the list {wage_run_no} is not paid from {bgt_id}",
            pointer="/bgt_id",
        )
    if earlier := run.disbursed.get(bgt_id):
        raise Refusal(
            Code.INVALID_STATE,
            f"what {bgt_id} pays of the list {wage_run_no} is paid by run {earlier}",
            run_no=earlier,
        )
    return part


def handed_on(
    state: LedgerState, day: date, wage_run_no: str, part: WagePart, run_no: str, by: str
) -> Iterable[Event]:
    """What stands behind the opening of its disbursement: that it is, and what is withheld."""
    indicator = state.get(INDICATOR, part.bgt_id)
    assert indicator is not None, "a list is of indicators that there are"
    withheld = WageRunWithheld(
        wage_run_no=wage_run_no,
        bgt_id=part.bgt_id,
        run_no=run_no,
        income_tax_amt=part.income_tax_amt,
        insurance_amt=part.insurance_amt,
        housing_fund_amt=part.housing_fund_amt,
        by=by,
    )
    entry = state.books(day).post(
        withheld.TYPE,
        rule_name=WagesWithheld.TYPE,
        source=state.next_position + 1,
        number=wage_run_no,
        amounts_fen=by_sign(
            {
                "income_tax": stored_fen(part.income_tax_amt),
                "insurance": stored_fen(part.insurance_amt),
                "housing_fund": stored_fen(part.housing_fund_amt),
            }
        ),
        codes={
            **indicator.paying_codes,
            "agency_type_code": part.agency_type_code,
            "current_item_code": "",
        },
        bgt_id=part.bgt_id,
    )
    return (withheld, entry) if entry.lines else (withheld,)
