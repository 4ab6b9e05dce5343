"""转移支付下达: a tier sends to a tier below what its budget has for it, or what it has received.

Pure decisions. What is sent is spent from the first: it leaves the row of the budget, or what the
tier above has sent, whether or not the other side knows of it yet.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.received import (
    MARKS,
    RECEIVED_TRANSFER,
    hold_to_received,
    moved_received,
    require_accepted,
    require_received,
)
from budget.rows import BUDGET_ROW, ROWS, BudgetRow, moved_row, require_row
from budget.special_funds import TREASURY_TRANSFERS, require_treasury_money
from budget.transfer_events import TransferIssued
from ledger.account_set import division_of
from ledger.calendar import effective_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan
from transfers.tier_funds import TIER_FUNDS, tier_key
from transfers.tiers import is_below
from transfers.transfer import SENT, TRANSFER, TRANSFERS, sent_key

TRANSFER_ECONOMY = "513"  # 转移性支出, of 政府支出经济分类: what of a budget is for tiers below
TRANSFER_FUNCTION = "230"  # 转移性支出, of 支出功能分类
RESERVED = "received"  # in addresses it is what was received


class IssueTransfer(Command, frozen=True, kw_only=True):
    """转移支付下达: ``amt`` of the budget's row 对下 ``bgt_pman_id``, or of what was received by
    ``sup_bgt_doc_no``, goes to the division ``rec_div_code``, which knows it by ``bgt_doc_no``.

    What is sent on keeps fund, project and marks of what was received.
    """

    OPERATION: ClassVar[str] = "transfer.issue"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "转移支付"
    NUMBER: ClassVar[str] = "transfer_no"
    KIND: ClassVar[AnyKind] = TRANSFER
    KEEPS_REFUSAL: ClassVar[bool] = False  # a number that was refused is free for another try
    transfer_no: str
    rec_div_code: str
    bgt_doc_no: str
    tp_func_code: str
    fund_type_code: str
    amt: str
    pro_code: str = ""
    bgt_pman_id: str = ""
    sup_bgt_doc_no: str = ""
    bgt_doc_title: str = ""
    is_dir_code: str = ""
    track_pro_code: str = ""
    effective_on: date | None = None

    def check(self) -> None:
        parse_yuan(self.amt, pointer="/amt")
        if bool(self.bgt_pman_id) == bool(self.sup_bgt_doc_no):
            raise RequestError(
                Code.MALFORMED,
                "a transfer is of a row of the budget (bgt_pman_id) or of what was received"
                " (sup_bgt_doc_no), one of both",
                pointer="/bgt_pman_id",
            )
        if self.transfer_no == RESERVED:
            raise RequestError(Code.MALFORMED, f"{RESERVED!r} is no number", pointer="/transfer_no")

    def needs(self) -> Iterable[Need]:
        yield TRANSFER, self.transfer_no
        yield TRANSFERS, self.transfer_no
        yield SENT, sent_key(self.rec_div_code, self.bgt_doc_no)
        yield TIER_FUNDS, self._tier_key
        if self.bgt_pman_id:
            yield BUDGET_ROW, self.bgt_pman_id
            yield ROWS, self.bgt_pman_id
        else:
            yield RECEIVED_TRANSFER, self.sup_bgt_doc_no

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        self._require_codes(state, day)
        amt_fen = parse_yuan(self.amt, pointer="/amt")
        source = self._taken(state, day, amt_fen)
        self._require_new_document(state)
        moved = [
            source,
            state.moved(TRANSFERS, self.transfer_no, day, _begun(amt_fen)),
            state.moved(SENT, self._sent_key, day, {"sent": amt_fen}),
            state.moved(TIER_FUNDS, self._tier_key, day, {"transferred": amt_fen}),
        ]
        # point of no return
        issued = TransferIssued(
            **{name: getattr(self, name) for name in self.__struct_fields__ if name != _DAY}, by=by
        )
        entry = state.books(day).post(
            issued.TYPE,
            source=state.next_position,
            number=self.transfer_no,
            amounts_fen={"amount": amt_fen},
            codes={"fund_type_code": self.fund_type_code},
        )
        stream = (TRANSFER, self.transfer_no)
        return Decision(events=[(*stream, issued), (*stream, entry)], effective_on=day, moved=moved)

    @property
    def _tier_key(self) -> str:
        return tier_key(self.rec_div_code, self.fund_type_code, self.is_dir_code)

    @property
    def _sent_key(self) -> str:
        return sent_key(self.rec_div_code, self.bgt_doc_no)

    def _require_codes(self, state: LedgerState, day: date) -> None:
        """Raises Refusal ``element_invalid``."""
        own = division_of(state.ledger_id)
        for name, element in _CODES.items():
            state.codes.check(
                element, getattr(self, name), on=day, mof_div_code=own, pointer=f"/{name}"
            )
        if not is_below(own, self.rec_div_code):
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{self.rec_div_code} is no tier below {own} 非下级财政",
                pointer="/rec_div_code",
            )
        if state.settings.get(TREASURY_TRANSFERS).on:
            require_treasury_money(self.fund_type_code, "/fund_type_code")
        if not self.tp_func_code.startswith(TRANSFER_FUNCTION):
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{self.tp_func_code} is no function of transfers 非转移性支出科目",
                pointer="/tp_func_code",
            )

    def _taken(self, state: LedgerState, day: date, amt_fen: int) -> MovedRow:
        """What it takes of.

        Raises:
            Refusal: ``not_found``, ``element_mismatch``, ``insufficient_budget``,
                ``invalid_state``.
        """
        if self.bgt_pman_id:
            self._hold_to_row(require_row(state, self.bgt_pman_id))
            return moved_row(state, self.bgt_pman_id, day, -amt_fen)
        received = require_received(state, self.sup_bgt_doc_no)
        elements = ("fund_type_code", "pro_code", *MARKS)
        hold_to_received(received, {element: getattr(self, element) for element in elements})
        after = moved_received(state, self.sup_bgt_doc_no, day, -amt_fen)
        require_accepted(received)
        return after

    def _hold_to_row(self, row: BudgetRow) -> None:
        """Raises Refusal ``element_mismatch``."""
        said = row.said
        wrong = ""
        if not said.gov_bgt_eco_code.startswith(TRANSFER_ECONOMY):
            wrong = "bgt_pman_id"
        elif said.fund_type_code != self.fund_type_code:
            wrong = "fund_type_code"
        elif self.pro_code not in ("", said.pro_code):
            wrong = "pro_code"
        elif not said.exp_func_code.startswith(self.tp_func_code):
            wrong = "tp_func_code"
        if wrong:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"budget row {self.bgt_pman_id} is of {said.gov_bgt_eco_code},"
                f" {said.exp_func_code}, {said.fund_type_code} and project {said.pro_code}:"
                " a transfer takes of a row for tiers below (对下) what that is for",
                pointer=f"/{wrong}",
                bgt_pman_id=self.bgt_pman_id,
            )

    def _require_new_document(self, state: LedgerState) -> None:
        """Raises Refusal ``invalid_state`` where the document has a transfer to that tier already,
        which the other side would take for the same."""
        used = state.row(SENT, self._sent_key)
        if used.sent or used.reduced:
            raise Refusal(
                Code.INVALID_STATE,
                f"{self.bgt_doc_no} has sent to {self.rec_div_code} already 文号已下达",
                pointer="/bgt_doc_no",
            )


def _begun(amt_fen: int) -> dict[str, int]:
    return {"in_transit": amt_fen, "booked": amt_fen}


_DAY = "effective_on"
_CODES = {
    "rec_div_code": "mof_div_code",
    "tp_func_code": "exp_func_code",
    "fund_type_code": "fund_type_code",
}
