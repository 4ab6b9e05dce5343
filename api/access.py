"""Who may do what: roles, the rights they carry, and the division a token reaches.

A right belongs to an operation, never to a person. Every HTTP route names one (there is a test), so
a new route cannot be open by oversight. A token acts in the ledgers whose division begins with its
prefix: ``44`` is all of Guangdong, ``440000000`` the province's own level.
"""

from enum import Enum

import msgspec

from division.roles import ROLES
from ledger.account_set import division_of
from ledger.deciding.approvals import AGREEING_ROLES
from ledger.errors import AccessError, Code
from payments.signature_policy import SIGNING_ROLES

_READERS = frozenset(ROLES) - {"bank"}


class Right(Enum):
    """A right and the roles that carry it; ``PUBLIC`` needs no token at all."""

    PUBLIC = ("public", frozenset[str]())
    READ = ("read", _READERS)
    OPEN_LEDGER = ("ledger.open", frozenset({"admin", "treasury_maker", "ops"}))
    ADMINISTER = ("administer", frozenset({"admin"}))
    KEEP_BOOKS = ("books.keep", frozenset({"accountant"}))
    CLOSE = ("period.close", frozenset({"accountant", "admin"}))
    # whose role a policy may name; whose turn it is, the document itself says
    AGREE = ("document.agree", frozenset(AGREEING_ROLES))
    BUDGET = ("budget", frozenset({"treasury_maker", "admin"}))
    TRANSFER = ("transfer", frozenset({"treasury_maker"}))
    PREPARE = ("budget.prepare", frozenset({"unit", "treasury_maker"}))
    CHECK_BUDGET = ("budget.check", frozenset({"unit_checker", "treasury_checker"}))
    APPLY = ("payment.apply", frozenset({"unit", "treasury_maker"}))
    REPORT_PROJECT = ("project.report", frozenset({"unit", "treasury_maker"}))
    CHECK_PROJECT = ("project.check", frozenset({"unit_checker", "treasury_checker"}))
    STORE_PROJECT = ("project.store", frozenset({"treasury_checker"}))
    CHECK = ("payment.check", frozenset({"treasury_checker"}))
    SIGN = ("voucher.sign", frozenset(SIGNING_ROLES))
    # whoever may let a run go on or have it begun may stop it
    STOP = ("disbursement.stop", frozenset({"treasury_checker", *SIGNING_ROLES}))
    CONTRACT = ("contract.register", frozenset({"unit", "treasury_maker"}))
    PAY_WAGES = ("wage_run.load", frozenset({"treasury_maker"}))
    PAY_SUBSIDIES = ("subsidy_list.load", frozenset({"treasury_maker"}))
    CLEAR = (
        "clearing.request",
        frozenset({"treasury_maker", "treasury_checker", "treasury", "ops"}),
    )
    CORRECT = ("correction.apply", frozenset({"accountant"}))
    WATCH = ("metrics.read", frozenset({"ops", "admin", "auditor"}))
    WEBHOOK = ("webhook", frozenset({"admin", "ops"}))
    COLLECT = ("collection.receive", frozenset({"admin", "ops"}))
    RESOLVE = ("suspense.resolve", frozenset({"treasury_maker"}))
    DELIVER_RECEIPT = ("bank.receipt", frozenset({"bank"}))

    __hash__ = object.__hash__  # there is one of each; an Enum's own asks for its name in Python

    def __init__(self, text: str, roles: frozenset[str]) -> None:
        self.text = text
        self.roles = roles


# whose acts have money paid; who reconciles holds none of them 不相容岗位
PAYING_ROLES = frozenset(
    role
    for right in (Right.APPLY, Right.CHECK, Right.SIGN, Right.CLEAR)
    for role in right.roles - {"ops"}
)


class Caller(msgspec.Struct, frozen=True):
    """Whoever holds a token: a principal, the roles it acts in, its division prefix, and, of a
    unit, what the codes of the units begin with for which it acts; none is all of the division."""

    principal: str
    roles: frozenset[str]
    division: str
    agency_prefixes: tuple[str, ...] = ()

    def reaches(self, ledger_id: int) -> bool:
        """Whether the ledger's division is within the token's."""
        return division_of(ledger_id).startswith(self.division)


def require_right(caller: Caller, right: Right) -> None:
    """Raises AccessError ``forbidden`` unless one of the caller's roles carries the right."""
    if right is not Right.PUBLIC and not caller.roles & right.roles:
        raise AccessError(
            Code.FORBIDDEN, f"{right.text} needs the role {' or '.join(sorted(right.roles))}"
        )


def require_reach(caller: Caller, ledger_id: int) -> None:
    """Raises AccessError ``forbidden`` outside the caller's division, known ledger or not."""
    if not caller.reaches(ledger_id):
        raise AccessError(
            Code.FORBIDDEN, f"division {division_of(ledger_id)} is outside the token's division"
        )


def require_role(caller: Caller, role: str) -> None:
    """Raises AccessError ``forbidden`` unless the caller holds just this role."""
    if role not in caller.roles:
        raise AccessError(Code.FORBIDDEN, f"the caller does not hold the role {role}")
