"""What transfers have sent to a tier below, by fund and mark: what cash and settlements are for."""

from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.money import yuan
from transfers.tier_funds import TIER_FUNDS, TierKey


def require_transferred(state: LedgerState, key: str, amt_fen: int, *, taken_fen: int) -> None:
    """That transfers of this mark have sent so much, beside what was taken of them.

    Raises:
        Refusal: ``element_mismatch`` where transfers of another mark would have it: direct funds
            and other money are not mixed; ``insufficient_budget``.
    """
    rows, of = state.rows_of(TIER_FUNDS), TierKey.parsed(key)
    free_fen = state.row(TIER_FUNDS, key).transferred - taken_fen
    if amt_fen <= free_fen:
        return
    for other, row in rows.items():
        its = TierKey.parsed(other)
        if its[:2] == of[:2] and its != of and row.transferred >= amt_fen:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"transfers have sent that under mark {its.is_dir_code!r}, not {of.is_dir_code!r}:"
                " direct funds and other money are not mixed 直达资金不得混同",
                pointer="/is_dir_code",
                available_amt=yuan(max(0, free_fen)),
            )
    raise Refusal(
        Code.INSUFFICIENT_BUDGET,
        f"transfers have not sent so much to {of.div_code} of fund {of.fund_kind} 超过下达数",
        pointer="/amt",
        available_amt=yuan(max(0, free_fen)),
        requested_amt=yuan(amt_fen),
    )
