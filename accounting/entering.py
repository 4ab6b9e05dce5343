"""录入: which accounts entered rows mean, and whether what they are kept by is in force. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from accounting.entered_rows import EnteredRow, NamedAccount
from division.agencies import require_agency
from ledger.account_set import division_of
from ledger.books import Account, Books
from ledger.books.given import GivenLine, accounts_called, differences_fen
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan, yuan

_CODED = (
    "pro_code",
    "exp_func_code",
    "gov_bgt_eco_code",
    "dep_bgt_eco_code",
    "inc_sort_code",
    "fund_type_code",
)


def check_rows(rows: Sequence[EnteredRow], most: int, pointer: str) -> None:
    """That there are some, each naming its account in one way, over an amount.

    Raises:
        RequestError: ``malformed``, ``invalid_amount``; ``pointer`` is where the rows stand.
    """
    if not 0 < len(rows) <= most:
        raise RequestError(Code.MALFORMED, f"there are 1 to {most} of {pointer}", pointer=pointer)
    for index, row in enumerate(rows):
        if bool(row.acct_cls_code) == bool(row.acct_cls_id):
            raise RequestError(
                Code.MALFORMED,
                "a row names its account by acct_cls_code or by acct_cls_id",
                pointer=f"{pointer}/{index}/acct_cls_code",
            )
    for index, row in enumerate(rows):
        parse_yuan(row.amt, pointer=f"{pointer}/{index}/amt")


def account_of(books: Books, of: Collection[str], row: EnteredRow, pointer: str) -> Account:
    """The account of a row, of one of the books ``of``; raises Refusal ``element_invalid``."""
    asked = row.acct_cls_id or row.acct_cls_code
    found = [account for book in of for account in accounts_called(books, book, asked)]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(account.id for account in found)
    problem = f"is that of {ids}: say which by acct_cls_id" if found else "is no account"
    raise Refusal(
        Code.ELEMENT_INVALID,
        f"{asked[:40]!r} {problem} of {', '.join(of)} 科目不明",
        pointer=account_pointer(row, pointer),
    )


def account_pointer(row: EnteredRow, pointer: str) -> str:
    """Where a row at ``pointer`` names its account."""
    return pointer + ("/acct_cls_id" if row.acct_cls_id else "/acct_cls_code")


def codes_in_force(
    state: LedgerState, row: EnteredRow, day: date, pointer: str
) -> Mapping[str, str]:
    """What the row is kept by; raises Refusal ``element_invalid`` for what is not in force."""
    division = division_of(state.ledger_id)
    for element in _CODED:
        if code := getattr(row, element):
            state.codes.check(
                element, code, on=day, mof_div_code=division, pointer=f"{pointer}/{element}"
            )
    if row.agency_code:
        unit_in_force(state, row.agency_code, day, f"{pointer}/agency_code")
    return row.codes


def unit_in_force(state: LedgerState, agency_code: str, day: date, pointer: str) -> None:
    """Raises Refusal ``element_invalid`` for a unit that there is not on the day."""
    division = division_of(state.ledger_id)
    state.codes.check("agency_code", agency_code, on=day, mof_div_code=division, pointer=pointer)
    require_agency(state, agency_code, day, pointer=pointer)


def require_balanced(lines: Sequence[GivenLine], pointer: str) -> None:
    """Raises Refusal ``details_mismatch`` where the two sides of a book differ."""
    for book, left_fen in differences_fen(lines).items():
        raise Refusal(
            Code.DETAILS_MISMATCH,
            f"debit and credit of {book} differ by {yuan(abs(left_fen))} 借贷不平",
            pointer=pointer,
        )


def named(account: Account) -> NamedAccount:
    """The account as an event tells it."""
    return NamedAccount(account.id, account.code, account.name)
