"""待分配指标分配: what is 待下达 of an indicator goes to units, as indicators of their own.

A department's money, or the treasury's for units to come (代编, 待分配), is issued 待下达 under the
number of whoever holds it: nobody pays it. A distribution takes of that balance, which may not fall
below zero, what the units' indicators begin with; so Σ parts ≤ what there is to distribute, and the
row of the budget, which has given once, gives nothing a second time. Pure decisions.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import ClassVar

from budget.coherence import hold_together
from budget.distribution_events import DistributedPart, IndicatorAllotted, IndicatorDistributed
from budget.indicator import (
    CODED,
    EXECUTABLE,
    INDICATOR,
    NOT_EXECUTABLE,
    Indicator,
    journal,
    moved_with_row,
    require,
)
from budget.indicators import OnIndicator
from budget.issuing import names_on, opening_rows, require_new
from budget.planned_projects import PROJECT_OF_DIVISION, require_stored
from ledger.calendar import effective_day
from ledger.deciding.command import Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event
from ledger.money import parse_yuan, yuan

PARTS_MAX = 1_000  # of one distribution
_MARKS = ("is_dir_code", "track_pro_code")  # 直达资金标识, 追踪项目: who gets the money keeps them
# what a part has of the indicator as it is, marks included
_INHERITED = (
    "pro_code",
    "exp_func_code",
    "fund_type_code",
    "bgt_type_code",
    "bgt_pman_id",
    "sup_bgt_doc_no",
    "source_type_code",
    "budget_level_code",
    "is_gov_pur",
    "mof_dep_code",
    "bond_code",
    *_MARKS,
)


class DistributeIndicator(OnIndicator, frozen=True, kw_only=True):
    """待分配分配: units get indicators of what is 待下达, all of these parts or none.

    A part is of the same project, function, fund and marks; its 政府预算经济分类 is that of its
    unit's kind, its 部门经济分类 may be finer. One that is itself issued 待下达 may be distributed
    on.
    """

    OPERATION: ClassVar[str] = "indicator.distribute"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "指标下达"
    NUMBER: ClassVar[str] = "dist_no"
    LOOKS_FURTHER: ClassVar[bool] = True
    dist_no: str
    parts: tuple[DistributedPart, ...]
    cor_bgt_doc_no: str = ""
    bgt_doc_title: str = ""
    doc_date: str = ""
    reason: str = ""

    def check(self) -> None:
        """Raises RequestError for parts that no distribution has."""
        if not 0 < len(self.parts) <= PARTS_MAX:
            raise RequestError(
                Code.MALFORMED, f"a distribution has 1 to {PARTS_MAX} parts", pointer="/parts"
            )
        if len({part.bgt_id for part in self.parts}) < len(self.parts):
            raise RequestError(Code.MALFORMED, "a part has its own number", pointer="/parts")
        for index, part in enumerate(self.parts):
            parse_yuan(part.amount, pointer=f"/parts/{index}/amount")
            if part.bgt_exe_flag not in (None, EXECUTABLE, NOT_EXECUTABLE):
                raise RequestError(
                    Code.MALFORMED,
                    "bgt_exe_flag is 1 是 or 2 否",
                    pointer=f"/parts/{index}/bgt_exe_flag",
                )

    def needs(self) -> Iterable[Need]:
        return ((INDICATOR, self.bgt_id), *((INDICATOR, part.bgt_id) for part in self.parts))

    def needs_further(self, state: LedgerState) -> Iterator[Need]:
        whole = state.get(INDICATOR, self.bgt_id)
        if whole is not None and whole.issued.bgt_pman_id:
            yield PROJECT_OF_DIVISION, whole.issued.pro_code

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        whole = require(state, self.bgt_id, day)
        _require_undistributed(whole)
        parts = [
            _opened(state, self, whole, part, day, by, f"/parts/{index}")
            for index, part in enumerate(self.parts)
        ]
        amt_fen = sum(parse_yuan(part.amount) for part in self.parts)
        amounts = {"amount": amt_fen}
        after = moved_with_row(state, day, self.bgt_id, "", IndicatorDistributed.TYPE, amounts)
        # point of no return
        distributed = IndicatorDistributed(
            bgt_id=self.bgt_id,
            dist_no=self.dist_no,
            amt=yuan(amt_fen),
            parts=self.parts,
            cor_bgt_doc_no=self.cor_bgt_doc_no,
            bgt_doc_title=self.bgt_doc_title,
            doc_date=self.doc_date,
            reason=self.reason,
            pending_amt=yuan(after[1].row.pending),
            figures=after[0].row.figures(),
            by=by,
        )
        decision = self._decision(
            state, day, distributed, *after, number=self.dist_no, amounts_fen=amounts
        )
        for allotted, rows in parts:
            decision.events += _issue(state, day, allotted, ahead=len(decision.events))
            decision.moved = [*decision.moved, *rows]
        decision.opens = [(INDICATOR, part.bgt_id) for part in self.parts]
        return decision


def _require_undistributed(whole: Indicator) -> None:
    if not whole.is_pending:
        raise Refusal(
            Code.INVALID_STATE,
            f"indicator {whole.bgt_id} is executable: what is 待下达 is distributed",
            bgt_id=whole.bgt_id,
            pointer="/bgt_id",
        )
    if whole.advance_of:
        raise Refusal(
            Code.INVALID_STATE,
            f"indicator {whole.bgt_id} is an advance (提前下达) within its unit's own limit",
            bgt_id=whole.bgt_id,
            pointer="/bgt_id",
        )


def _opened(
    state: LedgerState,
    asked: DistributeIndicator,
    whole: Indicator,
    part: DistributedPart,
    day: date,
    by: str,
    pointer: str,
) -> tuple[IndicatorAllotted, list[MovedRow]]:
    """The indicator that a part becomes, and the rows of the registers that begin with it."""
    require_new(state, part.bgt_id, pointer)
    inherited = {name: getattr(whole.issued, name) for name in _INHERITED}
    economies = _economies(whole, part, pointer)
    codes = {"agency_code": part.agency_code, **economies, **inherited}
    names = hold_together(state, {code: codes[code] for code in CODED}, day, pointer)
    of_row = whole.issued.bgt_pman_id
    if of_row:
        require_stored(state, whole.issued.pro_code, part.agency_code, pointer)
    _require_marks(whole, part, pointer)
    is_pending = part.bgt_exe_flag == NOT_EXECUTABLE
    amounts = {"amount": parse_yuan(part.amount)}
    rows = opening_rows(state, day, part.bgt_id, "", _rule(is_pending=is_pending), amounts)
    allotted = IndicatorAllotted(
        bgt_id=part.bgt_id,
        amount=part.amount,
        is_contrlbyplan=bool(part.is_contrlbyplan),
        bgt_exe_flag=part.bgt_exe_flag or EXECUTABLE,
        cor_bgt_doc_no=asked.cor_bgt_doc_no,
        bgt_doc_title=asked.bgt_doc_title,
        doc_date=asked.doc_date,
        ori_bgt_id=whole.bgt_id,
        dist_no=asked.dist_no,
        pending_amt=part.amount if is_pending else "",
        codes_version=state.codes.version,
        figures=rows[0].row.figures(),
        by=by,
        **codes,
        **names_on(state, names, whole.issued.pro_code if of_row else "", day),
    )
    return allotted, rows


def _rule(*, is_pending: bool) -> str:
    return f"{IndicatorAllotted.TYPE}_pending" if is_pending else IndicatorAllotted.TYPE


def _economies(whole: Indicator, part: DistributedPart, pointer: str) -> dict[str, str]:
    """The economic classifications of a part.

    Raises:
        Refusal: ``element_mismatch`` for a 部门经济分类 that is not within the whole's.
    """
    planned = whole.issued.dep_bgt_eco_code
    if not part.dep_bgt_eco_code.startswith(planned) and part.dep_bgt_eco_code:
        raise _mismatch(whole, "dep_bgt_eco_code", planned, part.dep_bgt_eco_code, pointer)
    return {
        "gov_bgt_eco_code": part.gov_bgt_eco_code or whole.issued.gov_bgt_eco_code,
        "dep_bgt_eco_code": part.dep_bgt_eco_code or planned,
    }


def _require_marks(whole: Indicator, part: DistributedPart, pointer: str) -> None:
    """A part bears the marks of the whole, and no other.

    Raises:
        Refusal: ``element_mismatch``.
    """
    for mark in _MARKS:
        theirs, own = getattr(whole.issued, mark), getattr(part, mark)
        if own and own != theirs:
            raise _mismatch(whole, mark, theirs or "none", own, pointer)


def _mismatch(whole: Indicator, element: str, theirs: str, own: str, pointer: str) -> Refusal:
    return Refusal(
        Code.ELEMENT_MISMATCH,
        f"indicator {whole.bgt_id} is of {element} {theirs}, not {own}",
        pointer=f"{pointer}/{element}",
        bgt_id=whole.bgt_id,
    )


def _issue(
    state: LedgerState, day: date, allotted: IndicatorAllotted, *, ahead: int
) -> list[tuple[AnyKind | None, str, Event]]:
    """The part's own beginning, and its journal: 支出预算 to 支出指标, or to 待下达指标."""
    amounts = {"amount": parse_yuan(allotted.amount)}
    entry = journal(
        state,
        IndicatorAllotted.TYPE,
        day,
        number=allotted.bgt_id,
        indicator=Indicator(allotted, allotted.figures),
        amounts_fen=amounts,
        ahead=ahead,
        rule_name=_rule(is_pending=bool(allotted.pending_amt)),
    )
    return [(INDICATOR, allotted.bgt_id, allotted), (INDICATOR, allotted.bgt_id, entry)]
