"""库款不足: how a claim, an order or an approval is told that there is too little cash."""

from datetime import date

from ledger.errors import Code, Refusal
from ledger.money import yuan


def too_little_of(acct: str, kind: str, on: date, available_fen: int, wanted_fen: int) -> Refusal:
    """The refusal of what takes more than there is of a kind of fund on an account."""
    return Refusal(
        Code.INSUFFICIENT_CASH,
        f"treasury account {acct} has too little of fund {kind} on {on} 库款不足",
        cash_acct=acct,
        fund_type_code=kind,
        available_amt=yuan(max(0, available_fen)),
        requested_amt=yuan(wanted_fen),
        on=on.isoformat(),
    )
