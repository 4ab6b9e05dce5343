"""开账: opening a division's year, and who must sign its vouchers."""

from datetime import date
from typing import ClassVar

import msgspec

from ledger.account_set import SYSTEM_DIVISION, ledger_id
from ledger.deciding.command import Command
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import LedgerOpened, SignaturePolicySet

FISCAL_YEAR_MIN, FISCAL_YEAR_MAX = 2000, 2099
PER_VOUCHER, PER_MANIFEST = "voucher", "manifest"  # what one signature covers 签章范围
SIGNING_SCOPES = (PER_VOUCHER, PER_MANIFEST)
SIGNING_ROLES = ("unit", "finance_first", "finance_second", "treasury")


class OpenLedger(Command, frozen=True, kw_only=True):
    """Opens the ledger of a division's fiscal year; its key is its number."""

    OPERATION: ClassVar[str] = "ledger.open"
    mof_div_code: str
    fiscal_year: int
    name: str

    @property
    def number(self) -> str:
        return "open"

    @property
    def ledger_id(self) -> int:
        """The store's key; raises RequestError for a division or year of the wrong shape."""
        if not (self.mof_div_code.isascii() and self.mof_div_code.isdigit()) or (
            len(self.mof_div_code) != 9 or self.mof_div_code[0] == "0"
        ):
            raise RequestError(
                Code.MALFORMED, "mof_div_code has nine digits", pointer="/mof_div_code"
            )
        if not FISCAL_YEAR_MIN <= self.fiscal_year <= FISCAL_YEAR_MAX:
            raise RequestError(
                Code.MALFORMED, "fiscal_year is a year such as 2026", pointer="/fiscal_year"
            )
        return ledger_id(self.mof_div_code, self.fiscal_year)

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = date(self.fiscal_year, 1, 1)
        if state.position > 0:
            raise Refusal(Code.INVALID_STATE, "the ledger is open already")
        division = state.codes.check(
            "mof_div_code",
            self.mof_div_code,
            on=day,
            mof_div_code=self.mof_div_code,
            pointer="/mof_div_code",
        )
        # point of no return
        opened = LedgerOpened(
            mof_div_code=self.mof_div_code,
            mof_div_name=division,
            fiscal_year=self.fiscal_year,
            name=self.name,
            by=by,
        )
        settings = msgspec.structs.replace(state.settings, name=self.name, mof_div_name=division)
        return Decision(events=[(None, "", opened)], effective_on=day, settings=settings)


class OpenSystemLedger(OpenLedger, frozen=True, kw_only=True):
    """Opens a year's system ledger, which belongs to no division; asked by the program alone."""

    mof_div_code: str = SYSTEM_DIVISION
    name: str = "系统账套"

    @property
    def ledger_id(self) -> int:
        return ledger_id(self.mof_div_code, self.fiscal_year)

    def decide(self, state: LedgerState, by: str) -> Decision:
        if state.position > 0:
            raise Refusal(Code.INVALID_STATE, "the ledger is open already")
        # point of no return
        opened = LedgerOpened(
            mof_div_code=self.mof_div_code,
            mof_div_name=self.name,
            fiscal_year=self.fiscal_year,
            name=self.name,
            by=by,
        )
        settings = msgspec.structs.replace(state.settings, name=self.name, mof_div_name=self.name)
        return Decision(
            events=[(None, "", opened)],
            effective_on=date(self.fiscal_year, 1, 1),
            settings=settings,
        )


class SetSignaturePolicy(Command, frozen=True, kw_only=True):
    """签章策略: the roles that sign a voucher, in order, the bank that pays it, and how they sign.

    ``signing`` is of the bank's channel: whether the bank takes one signature over a manifest of
    many vouchers, or wants one on each.
    """

    OPERATION: ClassVar[str] = "signature_policy.set"
    roles: tuple[str, ...]
    pay_bank_code: str = "102"
    signing: str = PER_VOUCHER

    def check(self) -> None:
        """Raises RequestError for unknown, repeated or no roles, or an unknown scope."""
        if not self.roles or len(set(self.roles)) != len(self.roles):
            raise RequestError(
                Code.MALFORMED, "roles lists each signing role once, in order", pointer="/roles"
            )
        for index, role in enumerate(self.roles):
            if role not in SIGNING_ROLES:
                raise RequestError(
                    Code.MALFORMED,
                    f"signing roles are {', '.join(SIGNING_ROLES)}",
                    pointer=f"/roles/{index}",
                )
        if self.signing not in SIGNING_SCOPES:
            raise RequestError(
                Code.MALFORMED, f"signing is {' or '.join(SIGNING_SCOPES)}", pointer="/signing"
            )

    def decide(self, state: LedgerState, by: str) -> Decision:
        policy = SignaturePolicySet(
            roles=self.roles, pay_bank_code=self.pay_bank_code, signing=self.signing, by=by
        )
        settings = msgspec.structs.replace(
            state.settings,
            roles=self.roles,
            pay_bank_code=self.pay_bank_code,
            signing=self.signing,
        )
        return Decision(events=[(None, "", policy)], effective_on=state.today, settings=settings)
