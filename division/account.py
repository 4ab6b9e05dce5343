"""账户: accounts of the treasury and of its units, each as it is on a day.

Vouchers name the account they are paid from, and take it from here.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from division.agency import AGENCY, check_bank, require_in_force
from division.base_events import AccountChanged, AccountRegistered
from division.by_day import ByDay, Registered, VersionByDay, asked, check_days, decision
from ledger.account_set import division_of
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import Kind
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, RequestError

# 国库单一账户, 财政零余额, 单位零余额, 财政专户, 单位实有资金
TREASURY_SINGLE, TREASURY_ZERO, UNIT_ZERO, SPECIAL, UNIT_OWN = "11", "12", "21", "31", "41"
OF_A_UNIT = (UNIT_ZERO, UNIT_OWN)
TO_PAY_FROM = (TREASURY_ZERO, UNIT_ZERO)


class BankAccount(VersionByDay, frozen=True, kw_only=True):
    """An account as it is from ``start_date`` on; whose it is and what for never changes."""

    acct_no: str
    acct_name: str
    acct_bank_name: str
    bank_no: str
    acc_type_code: str
    agency_code: str
    fund_type_code: str
    pay_bank_code: str


class RegisteredAccount(Registered[BankAccount], frozen=True, kw_only=True):
    """A registered account; ``end_date`` is the day on which it is closed."""


ACCOUNTS = ByDay(
    registered=AccountRegistered,
    changed=AccountChanged,
    version=BankAccount,
    number="acct_no",
    fixed=("acc_type_code", "agency_code", "fund_type_code"),
    changing=("acct_name", "acct_bank_name", "bank_no", "pay_bank_code"),
    of=RegisteredAccount,
)
ACCOUNT: Kind[RegisteredAccount] = Kind(
    name="account", opened_by="account.register", fold=ACCOUNTS.fold
)


class RegisterAccount(Command, frozen=True, kw_only=True):
    """Registers an account; its number is the command's. A unit's names a registered unit."""

    OPERATION: ClassVar[str] = "account.register"
    APPROVABLE: ClassVar[bool] = True
    KIND = ACCOUNT
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "账户登记"
    NUMBER: ClassVar[str] = "acct_no"
    acct_no: str
    acct_name: str
    acct_bank_name: str
    bank_no: str
    acc_type_code: str
    agency_code: str = ""
    fund_type_code: str = ""
    pay_bank_code: str = ""
    start_date: date | None = None
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for a unit's account that names none, or days that none can have."""
        check_days(self)
        if (self.acc_type_code in OF_A_UNIT) != bool(self.agency_code):
            of_a_unit = ", ".join(OF_A_UNIT)
            raise RequestError(
                Code.MALFORMED,
                f"accounts of type {of_a_unit} are a unit's, which they name; others are not",
                pointer="/agency_code",
            )

    def needs(self) -> Iterable[Need]:
        return ((AGENCY, self.agency_code),) if self.agency_code else ()

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = self.start_date or state.today
        check_bank(state, self.pay_bank_code)
        if self.fund_type_code:
            state.codes.check(
                "fund_type_code",
                self.fund_type_code,
                on=day,
                mof_div_code=division_of(state.ledger_id),
                pointer="/fund_type_code",
            )
        if self.agency_code:
            require_in_force(state, self.agency_code, day)
        # point of no return
        return decision(state, ACCOUNT, self.acct_no, ACCOUNTS.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)


class ChangeAccount(Command, frozen=True, kw_only=True):
    """Tells what of an account is other from ``start_date`` on, and when it is closed 销户."""

    OPERATION: ClassVar[str] = "account.change"
    APPROVABLE: ClassVar[bool] = True
    KIND = ACCOUNT
    KEEPS_REFUSAL: ClassVar[bool] = False
    CHANNEL: ClassVar[str] = "账户登记"
    NUMBER: ClassVar[str] = "change_no"
    acct_no: str
    change_no: str = ""
    start_date: date | None = None
    acct_name: str = ""
    acct_bank_name: str = ""
    bank_no: str = ""
    pay_bank_code: str = ""
    end_date: date | None = None

    def check(self) -> None:
        """Raises RequestError for a change of nothing, or of no day."""
        ACCOUNTS.check_change(self)

    def needs(self) -> Iterable[Need]:
        return ((ACCOUNT, self.acct_no),)

    def decide(self, state: LedgerState, by: str) -> Decision:
        ACCOUNTS.require(state.get(ACCOUNT, self.acct_no), self)
        check_bank(state, self.pay_bank_code)
        # point of no return
        return decision(state, ACCOUNT, self.acct_no, ACCOUNTS.event(self, by))

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        return (asked(cls, told.event),)
