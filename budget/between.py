"""调剂: between which indicators money may move, and what of the budget moves with it."""

from budget.indicator import Indicator
from budget.purchase_control import PURCHASE_CONTROL
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal


def rows_between(giving: Indicator, taking: Indicator) -> tuple[str, str]:
    """The rows that a reallocation moves: within one row, or one indicator that was distributed to
    both, none.

    Raises:
        Refusal: ``element_mismatch`` where only one of the two is issued from a row: the other
            would take from the budget, or give to it, what that has not approved; and between parts
            of two indicators, whose marks the money would lose.
    """
    if giving.distributed_from != taking.distributed_from:
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            "what was distributed from one indicator goes to parts of the same one: give it back,"
            " and distribute it again",
            pointer="/to_bgt_id",
            bgt_id=taking.bgt_id,
        )
    if giving.advance_of != taking.advance_of:
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            "an advance (提前下达) gives to advances of its unit alone, until a row absorbs it",
            pointer="/to_bgt_id",
            bgt_id=taking.bgt_id,
        )
    if giving.from_transfer != taking.from_transfer:
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            "what the tier above has sent goes to indicators of the same document: recall it, and"
            " issue it again",
            pointer="/to_bgt_id",
            bgt_id=taking.bgt_id,
        )
    out_row, in_row = giving.row_id, taking.row_id
    if bool(out_row) != bool(in_row):
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            "one of the two indicators is issued from a row of the budget, the other is not",
            pointer="/to_bgt_id",
            bgt_id=taking.bgt_id,
        )
    return ("", "") if out_row == in_row else (out_row, in_row)


def require_marks_kept(state: LedgerState, giving: Indicator, taking: Indicator) -> None:
    """What is for purchases 是否政府采购 stays so, and is paid by contracts wherever it goes;
    direct funds 直达资金 stay those, and what is tracked 追踪项目 is tracked on (a ledger that an
    earlier release opened knows none of it). The money of a bond stays that bond's.

    Raises:
        Refusal: ``element_mismatch``.
    """
    given, taken = giving.issued, taking.issued
    if given.bond_code != taken.bond_code:
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"indicator {giving.bgt_id} is of bond {given.bond_code or 'none'}, and {taking.bgt_id}"
            f" of {taken.bond_code or 'none'} 债券资金专款专用",
            pointer="/to_bgt_id",
            bgt_id=taking.bgt_id,
        )
    if not state.settings.get(PURCHASE_CONTROL).on:
        return
    lost = ""
    if given.is_gov_pur and not taken.is_gov_pur:
        lost = "for purchases (是否政府采购)"
    elif given.is_dir_code and taken.is_dir_code != given.is_dir_code:
        lost = f"of direct funds (直达资金标识 {given.is_dir_code})"
    elif given.track_pro_code and taken.track_pro_code != given.track_pro_code:
        lost = f"tracked (追踪项目 {given.track_pro_code})"
    if lost:
        raise Refusal(
            Code.ELEMENT_MISMATCH,
            f"indicator {giving.bgt_id} is {lost}: so is what it gives to",
            pointer="/to_bgt_id",
            bgt_id=taking.bgt_id,
        )
