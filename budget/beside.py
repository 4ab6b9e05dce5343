"""What an indicator may have that is of no row of the budget. Pure decisions.

先有预算、再有指标: the same is asked of an indicator when it is issued and each time when it is to
have more, by 追加 or by 调剂. Else the approval would bind new indicators alone, and one of before
it could be raised without end.
"""

from typing import Protocol

from budget.advances import ADVANCE, ADVANCE_LIMITS
from budget.approved import BUDGET
from budget.indicator import Indicator
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.money import yuan


class OfNoRow(Protocol):
    """What is asked of an indicator that is of no row, in its command or in its first event."""

    @property
    def agency_code(self) -> str: ...
    @property
    def bgt_type_code(self) -> str: ...
    @property
    def sup_bgt_doc_no(self) -> str: ...


def limit_beside(state: LedgerState, said: OfNoRow, fen: int, *, pointer: str = "") -> str:
    """Once the ledger has an approved budget, an indicator is of a row of it, or of what the tier
    above has sent (上级专款). Before that it is an advance (预算法 §54), where the ledger has
    limits of them.

    Args:
        fen: what it is to have, or to have more.
        pointer: to an indicator that there is already; "" of one that is being issued.

    Returns:
        The unit whose limit it takes of; "" where nothing limits it.

    Raises:
        Refusal: ``insufficient_budget``.
    """
    if said.sup_bgt_doc_no:
        return ""
    if state.settings.get(BUDGET).is_approved:
        what = (
            "the budget is approved: an indicator is issued from a row of it (bgt_pman_id) or by"
            " the document of the tier above (sup_bgt_doc_no), and what was issued before has more"
            " only when a row has absorbed it"
        )
        raise _nothing_for(what, fen, pointer or "/bgt_pman_id")
    if not state.settings.get(ADVANCE_LIMITS).is_limited:
        return ""
    if said.bgt_type_code != ADVANCE:
        what = (
            f"until the budget is approved units are advanced money alone: bgt_type_code {ADVANCE}"
        )
        raise _nothing_for(what, fen, pointer or "/bgt_type_code")
    return said.agency_code


def require_may_have_more(
    state: LedgerState, indicator: Indicator, more_fen: int, *, pointer: str = "/bgt_id"
) -> None:
    """That an indicator may have so much more; one of a row, or a part of another, is held by that.

    Raises:
        Refusal: ``insufficient_budget``; of an advance, too, that is older than the limits and
            takes of none.
    """
    if more_fen <= 0 or indicator.taken_from:
        return
    if limit_beside(state, indicator.issued, more_fen, pointer=pointer) != indicator.advance_of:
        what = (
            f"indicator {indicator.bgt_id} is older than the limits of advances, and takes of none:"
            " what its unit needs more is issued as an advance of its own"
        )
        raise _nothing_for(what, more_fen, pointer)


def _nothing_for(what: str, fen: int, pointer: str) -> Refusal:
    return Refusal(
        Code.INSUFFICIENT_BUDGET,
        what,
        pointer=pointer,
        available_amt=yuan(0),
        requested_amt=yuan(fen),
    )
