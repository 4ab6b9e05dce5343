"""债务科目: the accounts that bonds and loans are kept on; nobody books on them by hand. Pure."""

from budget.debt_events import BondServiced, InterestAccrued
from budget.debts import DEBTS_KEPT
from ledger.books import Books
from ledger.deciding.state import LedgerState

LIABILITY = "liability"


def is_debt_account(state: LedgerState, books: Books, account: str) -> bool:
    """Whether an account says what is owed of debts, and the ledger keeps them: 应付长期政府债券,
    应付地方政府债券转贷款, 应付利息."""
    if books.accounts[account].kind != LIABILITY or not state.settings.get(DEBTS_KEPT).on:
        return False
    return account in debt_accounts(books)


def debt_accounts(books: Books) -> frozenset[str]:
    """The ids of the accounts of what is owed: those on which a bond's own rules book."""
    found = (
        line.account
        for rule, amounts in (
            (InterestAccrued.TYPE, {"accrued": 1}),
            (BondServiced.TYPE, {"accrued": 1, "of_loan": 1}),
        )
        for line in books.post(
            rule, source=0, number="", amounts_fen=amounts, codes={"fund_type_code": ""}
        ).lines
    )
    return frozenset(id_ for id_ in found if books.accounts[id_].kind == LIABILITY)
