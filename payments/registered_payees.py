"""收款人库: a payment that names a registered payee goes to the account that is registered, or not.

Whom a division pays again and again it registers, with two persons; a payment that says his
``receiver_code`` is held to that, so that a changed account, or a payee who was stopped, is seen
when it is applied for. One that says none is as free as before.
"""

from datetime import date
from typing import Protocol

from division.payee import PAYEE, RegisteredPayee
from ledger.deciding.of_division import OfDivision
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal, RequestError

PAYEE_OF_DIVISION: OfDivision[RegisteredPayee] = OfDivision(PAYEE)
_SAME = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name")


class ToRegistered(Protocol):
    """Of the application's command."""

    @property
    def receiver_code(self) -> str: ...
    @property
    def payee_acct_name(self) -> str: ...
    @property
    def payee_acct_no(self) -> str: ...
    @property
    def payee_acct_bank_name(self) -> str: ...


def check_payee(asked: ToRegistered, *, has_details: bool) -> None:
    """One payee as such: named in full, unless each detail names its own.

    Raises:
        RequestError: ``malformed``.
    """
    if not has_details:
        for name in _SAME:
            if not getattr(asked, name):
                raise RequestError(
                    Code.MALFORMED, f"{name} is needed without details", pointer=f"/{name}"
                )
    elif asked.receiver_code:
        raise RequestError(
            Code.MALFORMED, "a payment with details has no one payee", pointer="/receiver_code"
        )


def require_registered(state: LedgerState, asked: ToRegistered, day: date) -> None:
    """That the payee is registered on the day, under just this name, account and bank.

    Raises:
        Refusal: ``element_invalid`` for a payee who is not registered, not yet or not any more;
            ``element_mismatch`` with the pointer of what is registered otherwise.
    """
    number = asked.receiver_code
    found = state.of_division(PAYEE_OF_DIVISION, number)
    payee = None if found is None else found.on(day)
    if payee is None:
        raise Refusal(
            Code.ELEMENT_INVALID,
            f"payee {number} is not registered on {day} 收款人未登记或已停用",
            pointer="/receiver_code",
        )
    for name in _SAME:
        registered = getattr(payee, name)
        if getattr(asked, name) != registered:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"payee {number} is registered with {name} {registered!r} 与收款人库不符",
                pointer=f"/{name}",
            )
