"""提前下达限额 and 预拨核销: what units may be advanced before the approval; rows absorb it.

Pure decisions. An advance is booked from 指标来源 as any indicator beside the budget; the approval
books its row from there once more. Absorbing takes of the row what the advance has, from 支出预算
back to 指标来源: so the source has the budget and nothing else, and Σ of the row counts it once.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.advance_events import AdvanceLimit, AdvanceLimitsSet, IndicatorAbsorbed
from budget.advances import ADVANCES
from budget.approved import BUDGET
from budget.balances import BALANCES
from budget.indicator import INDICATOR, Indicator, require
from budget.indicators import OnIndicator
from budget.issuing import hold_to_row, require_purchase
from budget.pending import PENDING
from budget.rows import BUDGET_ROW, ROWS, moved_row
from division.agencies import require_agency
from ledger.account_set import division_of
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan, yuan

LIMITS_MAX = 20_000  # of one document


class SetAdvanceLimits(Command, frozen=True, kw_only=True):
    """提前下达限额: from the first of them on, what is issued before the approval is an advance
    within its unit's limit; a unit that none names has none.

    A limit is never set below what has been advanced, and none once the budget is approved: there
    are rows then.
    """

    OPERATION: ClassVar[str] = "advance_limits.set"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "控制数下达"
    NUMBER: ClassVar[str] = "limit_no"
    KEEPS_REFUSAL: ClassVar[bool] = False
    limit_no: str
    limits: tuple[AdvanceLimit, ...]
    basis: str = ""

    def check(self) -> None:
        if not 0 < len(self.limits) <= LIMITS_MAX:
            raise RequestError(
                Code.MALFORMED, f"a document has 1 to {LIMITS_MAX} limits", pointer="/limits"
            )
        if len({limit.agency_code for limit in self.limits}) < len(self.limits):
            raise RequestError(Code.MALFORMED, "a unit has one limit", pointer="/limits")
        for index, limit in enumerate(self.limits):
            parse_yuan(limit.amt, pointer=f"/limits/{index}/amt", zero=True)

    def needs(self) -> Iterable[Need]:
        return ((ADVANCES, limit.agency_code) for limit in self.limits)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, date(state.fiscal_year, 1, 1), ahead=True)
        found = [
            _limit(state, day, asked, f"/limits/{index}") for index, asked in enumerate(self.limits)
        ]
        if state.settings.get(BUDGET).is_approved:
            raise Refusal(Code.INVALID_STATE, "the budget is approved: units spend of its rows")
        # point of no return
        limited = AdvanceLimitsSet(
            limit_no=self.limit_no,
            limits=self.limits,
            change_amts=tuple(yuan(change_fen) for change_fen, _ in found),
            basis=self.basis,
            by=by,
        )
        return Decision(
            events=[(None, "", limited)], effective_on=day, moved=[row for _, row in found]
        )


def _limit(
    state: LedgerState, day: date, asked: AdvanceLimit, pointer: str
) -> tuple[int, MovedRow]:
    """By how much a unit's limit changes, in fen, and its row.

    Raises:
        Refusal: ``element_invalid``; ``insufficient_budget`` below what has been advanced.
    """
    place = f"{pointer}/agency_code"
    if require_agency(state, asked.agency_code, day, pointer=place) is None:
        division = division_of(state.ledger_id)
        state.codes.check(
            "agency_code", asked.agency_code, on=day, mof_div_code=division, pointer=place
        )
    before_fen = state.row(ADVANCES, asked.agency_code).limit
    change_fen = parse_yuan(asked.amt, zero=True) - before_fen
    changes = {"left": change_fen, "limit": change_fen}
    return change_fen, state.moved(ADVANCES, asked.agency_code, day, changes)


class AbsorbIndicator(OnIndicator, frozen=True, kw_only=True):
    """预拨核销: an indicator that was issued before the approval is of a row from here on, with all
    it has; what is cut or recalled of it then goes back to the row."""

    OPERATION: ClassVar[str] = "indicator.absorb"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "指标下达"
    NUMBER: ClassVar[str] = "bgt_id"
    KEEPS_REFUSAL: ClassVar[bool] = False
    bgt_pman_id: str

    def needs(self) -> Iterable[Need]:
        row = self.bgt_pman_id
        return ((INDICATOR, self.bgt_id), (BUDGET_ROW, row), (ROWS, row))

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        indicator = require(state, self.bgt_id, day)
        _require_beside(indicator)
        row = hold_to_row(state, self.bgt_pman_id, indicator.codes)
        require_purchase(state, row, is_gov_pur=indicator.issued.is_gov_pur)
        amounts = {"amount": _whole_fen(state, indicator)}
        rest_fen = state.books(day).controlled(IndicatorAbsorbed.TYPE, amounts)["rest"]
        after = moved_row(state, self.bgt_pman_id, day, rest_fen)
        # point of no return
        absorbed = IndicatorAbsorbed(
            bgt_id=self.bgt_id,
            bgt_pman_id=self.bgt_pman_id,
            amt=yuan(amounts["amount"]),
            by=by,
        )
        return self._decision(state, day, absorbed, after, number=self.bgt_id, amounts_fen=amounts)


def _require_beside(indicator: Indicator) -> None:
    """That it stands beside the budget: of no row, no document of the tier above, no other's part.

    Raises:
        Refusal: ``invalid_state``.
    """
    if indicator.taken_from or indicator.issued.sup_bgt_doc_no or indicator.is_distributed:
        raise Refusal(
            Code.INVALID_STATE,
            f"indicator {indicator.bgt_id} is of the budget, or of what was sent from above",
            bgt_id=indicator.bgt_id,
        )


def _whole_fen(state: LedgerState, indicator: Indicator) -> int:
    """All that an indicator has: available, frozen, occupied, paid, and pending.

    Raises:
        Refusal: ``insufficient_indicator`` where that is nothing.
    """
    whole_fen = state.row(BALANCES, indicator.bgt_id).amount
    if indicator.pending_amt:
        whole_fen += state.row(PENDING, indicator.bgt_id).pending
    if whole_fen <= 0:
        raise Refusal(
            Code.INSUFFICIENT_INDICATOR,
            f"indicator {indicator.bgt_id} has nothing to absorb",
            bgt_id=indicator.bgt_id,
            available_amt=yuan(0),
        )
    return whole_fen
