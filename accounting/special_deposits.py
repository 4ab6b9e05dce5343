"""其他财政存款, 银行存款: which balances of the books are money in special accounts 财政专户, or in
units' own 单位实有资金. Pure."""

from collections.abc import Iterable, Mapping

from accounting.special_income_events import SpecialIncomeReported
from budget.special_funds import is_kept, is_of_unit, is_special, lies_elsewhere
from ledger.books import Books
from ledger.books.given import GivenLine
from ledger.deciding.state import LedgerState
from payments.special_accounts.cash import FUND, UNIT_FUND, account_key

# by fund, the book whose balances say what lies in which account
BOOKS: Mapping[str, str] = {FUND: "treasury_financial", UNIT_FUND: "unit_financial"}


def accounts_of_deposits(books: Books, fund: str) -> frozenset[str]:
    """The ids of the accounts in which the chart books money of a fund that comes to an account of
    its own: that of the financial book, and what goes beside it in the budgetary one."""
    entry = books.post(
        SpecialIncomeReported.TYPE,
        source=0,
        number="",
        amounts_fen={"income": 1, "returned": 0},
        codes={"fund_type_code": fund, "inc_sort_code": ""},
    )
    return frozenset(line.account for line in entry.lines if line.dr_cr == 1)


def deposit_account(books: Books, fund: str) -> str:
    """The account of the financial book, "" where the chart knows no such money."""
    found = accounts_of_deposits(books, fund)
    return next((id_ for id_ in found if books.accounts[id_].book == BOOKS[fund]), "")


def names_deposit(state: LedgerState, books: Books, account: str, codes: Mapping[str, str]) -> bool:
    """Whether an entry on an account is of an account of its own that the ledger keeps: it names a
    special one, or a fund that lies in one; or a unit's own, with its fund. What of a unit's money
    names none is other money of its."""
    fund, acct_no = codes.get("fund_type_code", ""), codes.get("acct_no", "")
    if is_of_unit(fund):
        named = bool(acct_no) and is_kept(state, fund)
        return named and account in accounts_of_deposits(books, UNIT_FUND)
    if not is_kept(state, FUND) or not (acct_no or is_special(fund)):
        return False
    return account in accounts_of_deposits(books, FUND)


def deposits_of(state: LedgerState, books: Books, lines: Iterable[GivenLine]) -> dict[str, int]:
    """By row of their register, what an opening's lines bring to accounts, in fen; what names no
    account lies in none that is kept here, and pays nothing."""
    deposits, found = dict[str, str](), dict[str, int]()
    for line in lines:
        fund, acct_no = line.codes.get("fund_type_code", ""), line.codes.get("acct_no", "")
        if not acct_no or not lies_elsewhere(fund) or not is_kept(state, fund):
            continue
        kind = UNIT_FUND if is_of_unit(fund) else FUND
        if kind not in deposits:
            deposits[kind] = deposit_account(books, kind)
        if line.account.id == deposits[kind]:
            key = account_key(acct_no, fund, line.codes.get("agency_code", ""))
            found[key] = found.get(key, 0) + line.dr_cr * line.amount_fen
    return {key: fen for key, fen in found.items() if fen}


def named_accounts(rows: Iterable[Mapping[str, str]]) -> list[str]:
    """The rows of the register that an opening's lines may move, each once."""
    keys = (
        account_key(
            codes.get("acct_no", ""), codes.get("fund_type_code", ""), codes.get("agency_code", "")
        )
        for codes in rows
    )
    return list(dict.fromkeys(key for key in keys if key))
