"""指标下达: an indicator is issued, from a row of the approved budget or beside it. Pure decisions.

先有预算、再有指标、后有支出: what indicators have of a row never exceeds what was approved for it
(支出预算余额控制支出指标, 财办〔2022〕36号).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from sys import intern
from typing import Any, ClassVar

from budget.advances import ADVANCES, taken_of_limit
from budget.balances import BALANCES, NOTHING, PENDING_CONTROL
from budget.beside import limit_beside
from budget.bond_money import require_of_bond
from budget.coherence import hold_together
from budget.debts import BOND
from budget.events import IndicatorIssued
from budget.indicator import (
    CODED,
    EXECUTABLE,
    INDICATOR,
    NOT_EXECUTABLE,
    Indicator,
    journal,
    rule_of,
)
from budget.pending import PENDING, PendingAmount
from budget.planned_projects import PROJECT_OF_DIVISION
from budget.purchase_control import PURCHASE_CONTROL
from budget.received import (
    MARKS,
    RECEIVED_TRANSFER,
    ReceivedTransfer,
    hold_to_received,
    moved_received,
    require_accepted,
)
from budget.rows import BUDGET_ROW, ROWS, BudgetRow, moved_row, require_row
from ledger.account_set import division_of
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.dated import DatedRow
from ledger.deciding.objects import AnyKind
from ledger.deciding.opening import INDICATOR_STAGES
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan

# elements of 36号 that an indicator carries beside its codes
_POSTED = (
    "bgt_pman_id",
    "cor_bgt_doc_no",
    "bgt_doc_title",
    "doc_date",
    "sup_bgt_doc_no",
    "source_type_code",
    "budget_level_code",
    "is_gov_pur",
    "is_dir_code",
    "track_pro_code",
    "ori_bgt_id",
    "mof_dep_code",
    "bond_code",
)


class IssueIndicator(Command, frozen=True, kw_only=True):
    """指标下达: a unit may spend from here on; of a row of the budget never more than it has left.

    ``bgt_pman_id`` names the row, whose codes the indicator bears; its 部门经济分类 may be finer.
    """

    OPERATION: ClassVar[str] = "indicator.issue"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "指标下达"
    NUMBER: ClassVar[str] = "bgt_id"
    KIND: ClassVar[AnyKind] = INDICATOR
    KEEPS_REFUSAL: ClassVar[bool] = False  # a number that was refused is free for another try
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    dep_bgt_eco_code: str = ""  # 债务还本, 转移性支出 have none
    fund_type_code: str
    bgt_type_code: str
    amount: str
    is_contrlbyplan: bool = False
    bgt_exe_flag: int = 1
    bgt_pman_id: str = ""
    cor_bgt_doc_no: str = ""
    bgt_doc_title: str = ""
    doc_date: str = ""
    sup_bgt_doc_no: str = ""
    source_type_code: str = ""
    budget_level_code: str = ""
    is_gov_pur: bool = False
    is_dir_code: str = ""
    track_pro_code: str = ""
    ori_bgt_id: str = ""
    mof_dep_code: str = ""
    bond_code: str = ""
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        yield INDICATOR, self.bgt_id
        if self.bond_code:
            yield BOND, self.bond_code
        if self.bgt_pman_id:
            yield BUDGET_ROW, self.bgt_pman_id
            yield ROWS, self.bgt_pman_id
            yield PROJECT_OF_DIVISION, self.pro_code
        else:
            yield ADVANCES, self.agency_code
            if self.sup_bgt_doc_no:
                yield RECEIVED_TRANSFER, self.sup_bgt_doc_no

    def check(self) -> None:
        parse_yuan(self.amount, pointer="/amount")
        if self.bgt_exe_flag not in (EXECUTABLE, NOT_EXECUTABLE):
            raise RequestError(
                Code.MALFORMED, "bgt_exe_flag is 1 是 or 2 否", pointer="/bgt_exe_flag"
            )

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on, ahead=True)
        require_new(state, self.bgt_id)
        names = hold_together(state, {code: getattr(self, code) for code in CODED}, day)
        codes = {element: getattr(self, element) for element in DIMENSIONS}
        require_of_bond(state, codes, self.bond_code)
        if self.bgt_pman_id:
            row = hold_to_row(state, self.bgt_pman_id, codes)
            require_purchase(state, row, is_gov_pur=self.is_gov_pur)
        received = self._received(state)
        amounts = {"amount": parse_yuan(self.amount, pointer="/amount")}
        advance_of = "" if self.bgt_pman_id else limit_beside(state, self, amounts["amount"])
        pending = self.bgt_exe_flag == NOT_EXECUTABLE and state.settings.get(INDICATOR_STAGES).known
        from_transfer = received.sup_bgt_doc_no if received is not None else ""
        rule = rule_of(IndicatorIssued.TYPE, self.bgt_pman_id or from_transfer, pending=pending)
        opened, *more = opening_rows(state, day, self.bgt_id, self.bgt_pman_id, rule, amounts)
        more += taken_of_limit(state, advance_of, day, amounts["amount"])
        if received is not None:
            more.append(moved_received(state, from_transfer, day, -amounts["amount"]))
            require_accepted(received)
        # point of no return
        issued = IndicatorIssued(
            bgt_id=self.bgt_id,
            amount=self.amount,
            is_contrlbyplan=self.is_contrlbyplan,
            bgt_exe_flag=self.bgt_exe_flag,
            advance_of=advance_of,
            from_transfer=from_transfer,
            pending_amt=self.amount if pending else "",
            codes_version=state.codes.version,
            figures=opened.row.figures(),
            by=by,
            **_carried(self),
            **names_on(state, names, self.pro_code if self.bgt_pman_id else "", day),
        )
        entry = journal(
            state,
            IndicatorIssued.TYPE,
            day,
            number=self.bgt_id,
            indicator=Indicator(issued, issued.figures),
            amounts_fen=amounts,
            rule_name=rule,
        )
        return Decision(
            events=[(INDICATOR, self.bgt_id, issued), (INDICATOR, self.bgt_id, entry)],
            effective_on=day,
            moved=[opened, *more],
        )

    def _received(self, state: LedgerState) -> ReceivedTransfer | None:
        """What the tier above has sent by the document that it names; None where that was written
        down alone, as of a tier that is not kept here."""
        if self.bgt_pman_id or not self.sup_bgt_doc_no:
            return None
        received = state.get(RECEIVED_TRANSFER, self.sup_bgt_doc_no)
        if received is not None:
            elements = ("fund_type_code", "pro_code", *MARKS)
            hold_to_received(received, {element: getattr(self, element) for element in elements})
        return received


def _carried(asked: IssueIndicator) -> dict[str, Any]:
    """The elements that the event has as they were asked; a province has 39,000 indicators at hand,
    whose codes are kept once."""
    asked_for = {element: getattr(asked, element) for element in (*CODED, *_POSTED)}
    return asked_for | {element: intern(asked_for[element]) for element in CODED}


def require_new(state: LedgerState, bgt_id: str, pointer: str = "") -> None:
    """That no indicator has the number: a distribution may have brought one into being under it.

    Raises:
        Refusal: ``idempotency_conflict``.
    """
    if state.get(INDICATOR, bgt_id) is not None:
        raise Refusal(
            Code.IDEMPOTENCY_CONFLICT,
            f"indicator {bgt_id} is there already",
            pointer=f"{pointer}/bgt_id",
            bgt_id=bgt_id,
        )


def opening_rows(
    state: LedgerState,
    day: date,
    bgt_id: str,
    row_id: str,
    rule: str,
    amounts_fen: Mapping[str, int],
) -> list[MovedRow]:
    """A new indicator's balances, what is pending, and the row of the budget that it takes of."""
    changes = state.books(day).controlled(rule, amounts_fen)
    rest_fen, pending_fen = changes.pop("rest", 0), changes.pop(PENDING_CONTROL, 0)
    after = [BALANCES.moved(bgt_id, DatedRow(NOTHING), day, changes)]
    if pending_fen:
        pending = {PENDING_CONTROL: pending_fen}
        after.append(PENDING.moved(bgt_id, DatedRow(PendingAmount()), day, pending))
    if rest_fen and row_id:
        after.append(moved_row(state, row_id, day, rest_fen))
    return after


def names_on(
    state: LedgerState, names: Mapping[str, str], pro_code: str, day: date
) -> dict[str, Any]:
    """What the codes are called on the day; a project of the library, as it is there.

    Args:
        names: by element, as the code sets have them.
        pro_code: of the project; "" of an indicator that is of no row.
    """
    of_codes = {code.replace("_code", "_name"): name for code, name in names.items()}
    project = state.of_division(PROJECT_OF_DIVISION, pro_code) if pro_code else None
    if project is not None:
        then = project.on(day)
        of_codes["pro_name"], of_codes["pro_cat_code"] = then.pro_name, then.pro_cat_code
        of_codes["pro_cat_name"] = state.codes.name(
            "pro_cat_code",
            then.pro_cat_code,
            on=day,
            mof_div_code=division_of(state.ledger_id),
        )
    return of_codes


def hold_to_row(state: LedgerState, bgt_pman_id: str, codes: Mapping[str, str]) -> BudgetRow:
    """The row; an indicator is of its row in every code; 部门经济分类 may be finer than planned.

    Args:
        codes: the indicator's dimensions.

    Raises:
        Refusal: ``element_mismatch``; else as ``budget.rows.require_row``.
    """
    row = require_row(state, bgt_pman_id)
    for element, planned in row.codes.items():
        code = codes[element]
        finer = element == "dep_bgt_eco_code" and code.startswith(planned)
        if code != planned and not finer:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"budget row {bgt_pman_id} is of {element} {planned}, not {code}",
                pointer=f"/{element}",
                bgt_pman_id=bgt_pman_id,
            )
    return row


def require_purchase(state: LedgerState, row: BudgetRow, *, is_gov_pur: bool) -> None:
    """What is budgeted for purchases 采购预算 is issued for purchases, so that contracts control it
    (a ledger that an earlier release opened knows none).

    Args:
        is_gov_pur: whether the indicator that is to be of the row is marked so.

    Raises:
        Refusal: ``element_mismatch``.
    """
    is_lost = bool(row.said.is_gov_pur) and not is_gov_pur
    if is_lost and state.settings.get(PURCHASE_CONTROL).on:
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"budget row {row.bgt_pman_id} is for purchases (是否政府采购): so is its indicator",
            pointer="/is_gov_pur",
            bgt_pman_id=row.bgt_pman_id,
        )
