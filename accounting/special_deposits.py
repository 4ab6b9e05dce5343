"""其他财政存款: which balances of the books are money in special accounts 财政专户. Pure."""

from collections.abc import Iterable, Mapping

from accounting.special_income_events import SpecialIncomeReported
from budget.special_funds import SPECIAL_ACCOUNTS_KEPT, is_special
from ledger.books import Books
from ledger.books.given import GivenLine
from ledger.deciding.state import LedgerState
from payments.special_accounts.cash import FUND

BOOK = "treasury_financial"  # the book whose balances say what lies in which account


def accounts_of_deposits(books: Books) -> frozenset[str]:
    """The ids of the accounts in which the chart books money that comes to a special account: that
    of the financial book, and what goes beside it in the budgetary one."""
    entry = books.post(
        SpecialIncomeReported.TYPE,
        source=0,
        number="",
        amounts_fen={"income": 1, "returned": 0},
        codes={"fund_type_code": FUND, "inc_sort_code": ""},
    )
    return frozenset(line.account for line in entry.lines if line.dr_cr == 1)


def names_deposit(state: LedgerState, books: Books, account: str, codes: Mapping[str, str]) -> bool:
    """Whether an entry on an account is of a special account that the ledger keeps: it names one,
    or a fund that lies in one."""
    if not state.settings.get(SPECIAL_ACCOUNTS_KEPT).on:
        return False
    named = codes.get("acct_no") or is_special(codes.get("fund_type_code", ""))
    return bool(named) and account in accounts_of_deposits(books)


def deposits_of(state: LedgerState, books: Books, lines: Iterable[GivenLine]) -> dict[str, int]:
    """By number, what an opening's lines bring to special accounts, in fen; what names no account
    lies in none that is kept here, and pays nothing."""
    if not state.settings.get(SPECIAL_ACCOUNTS_KEPT).on:
        return {}
    named = [line for line in lines if line.account.book == BOOK and line.codes.get("acct_no")]
    deposits, found = accounts_of_deposits(books) if named else frozenset(), dict[str, int]()
    for line in named:
        if line.account.id in deposits and is_special(line.codes.get("fund_type_code", "")):
            acct_no = line.codes["acct_no"]
            found[acct_no] = found.get(acct_no, 0) + line.dr_cr * line.amount_fen
    return {acct_no: fen for acct_no, fen in found.items() if fen}
