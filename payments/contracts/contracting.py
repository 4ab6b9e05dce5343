"""合同: registering a contract, amending it, ending it. Pure decisions."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import product
from typing import ClassVar

from division.agencies import refuse_ended, require_agency
from ledger.account_set import division_of
from ledger.calendar import day_text, effective_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.money import parse_yuan, stored_fen, yuan
from payments.contracts.contract import (
    CONTRACT,
    CONTRACTS,
    Contract,
    exceeded,
    require_contract,
)
from payments.contracts.events import ContractAmended, ContractEnded, ContractRegistered
from payments.contracts.plan import PURCHASE_PLAN, PurchasePlan, plan_moved, require_plan

_PAYEE = ("payee_acct_name", "payee_acct_no", "payee_acct_bank_name")
_SAID = ("contract_name", *_PAYEE, "contract_amt", "year_amt", "expiry_date")


class RegisterContract(Command, frozen=True, kw_only=True):
    """合同备案: payments may name it from here on, up to ``year_amt``; left out, to all of it.

    Under a purchase plan it takes ``year_amt`` of what the plan has not contracted.
    """

    OPERATION: ClassVar[str] = "contract.register"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "合同备案"
    NUMBER: ClassVar[str] = "contract_no"
    KIND: ClassVar[AnyKind] = CONTRACT
    KEEPS_REFUSAL: ClassVar[bool] = False
    contract_no: str
    contract_name: str
    agency_code: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    contract_amt: str
    year_amt: str = ""
    pur_plan_no: str = ""
    sign_date: date
    expiry_date: date | None = None
    effective_on: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterator[Command]:
        event: ContractRegistered = told.event
        whole = event.year_amt == event.contract_amt
        amounts = ("", event.year_amt) if whole else (event.year_amt,)
        days = {
            "sign_date": date.fromisoformat(event.sign_date),
            "expiry_date": _day_of(event.expiry_date),
        }
        for year_amt, dated in product(amounts, (None, told.day)):
            yield cls(**fields_in(cls, event, **days, year_amt=year_amt, effective_on=dated))

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        contract_fen = parse_yuan(self.contract_amt, pointer="/contract_amt")
        if self.year_amt:
            _require_within(parse_yuan(self.year_amt, pointer="/year_amt"), contract_fen)
        _require_after(self.expiry_date, self.sign_date)

    def needs(self) -> Iterable[Need]:
        yield CONTRACT, self.contract_no
        yield CONTRACTS, self.contract_no
        if self.pur_plan_no:
            yield PURCHASE_PLAN, self.pur_plan_no

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        self._check_unit(state, day)
        plan = self._plan(state)
        year_amt = self.year_amt or self.contract_amt
        moved = [*_moved(state, day, self.contract_no, self.pur_plan_no, stored_fen(year_amt))]
        # point of no return
        registered = ContractRegistered(
            contract_no=self.contract_no,
            contract_name=self.contract_name,
            agency_code=self.agency_code,
            payee_acct_name=self.payee_acct_name,
            payee_acct_no=self.payee_acct_no,
            payee_acct_bank_name=self.payee_acct_bank_name,
            contract_amt=self.contract_amt,
            year_amt=year_amt,
            pur_plan_no=self.pur_plan_no,
            bgt_id="" if plan is None else plan.bgt_id,
            sign_date=day_text(self.sign_date),
            expiry_date=_text_of(self.expiry_date),
            figures=moved[0].row.figures(),
            by=by,
        )
        return Decision(
            events=[(CONTRACT, self.contract_no, registered)], effective_on=day, moved=moved
        )

    def _check_unit(self, state: LedgerState, day: date) -> None:
        if require_agency(state, self.agency_code, day) is None:
            state.codes.check(
                "agency_code",
                self.agency_code,
                on=day,
                mof_div_code=division_of(state.ledger_id),
                pointer="/agency_code",
            )
        refuse_ended(state, self.agency_code, day, pointer="/agency_code")

    def _plan(self, state: LedgerState) -> PurchasePlan | None:
        """The plan, of the same unit; raises Refusal ``element_mismatch``, ``not_found``."""
        if not self.pur_plan_no:
            return None
        plan = require_plan(state, self.pur_plan_no)
        if plan.agency_code != self.agency_code:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                f"purchase plan {self.pur_plan_no} is of unit {plan.agency_code}",
                pointer="/agency_code",
            )
        return plan


class _OnContract(Command, frozen=True, kw_only=True):
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "合同备案"
    KIND: ClassVar[AnyKind] = CONTRACT
    KEEPS_REFUSAL: ClassVar[bool] = False
    contract_no: str
    reason: str
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        return ((CONTRACT, self.contract_no),)


class AmendContract(_OnContract, frozen=True, kw_only=True):
    """合同变更: what is given is so from here on, as a new version; the former ones stay."""

    OPERATION: ClassVar[str] = "contract.amend"
    NUMBER: ClassVar[str] = "change_no"
    change_no: str
    contract_name: str = ""
    payee_acct_name: str = ""
    payee_acct_no: str = ""
    payee_acct_bank_name: str = ""
    contract_amt: str = ""
    year_amt: str = ""
    expiry_date: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterator[Command]:
        event: ContractAmended = told.event
        given = {name: getattr(event, name) for name in _SAID if name in event.changed}
        fields = {**dict.fromkeys(_SAID, ""), **given}
        fields["expiry_date"] = _day_of(fields["expiry_date"])
        for dated in (None, told.day):
            yield cls(**fields_in(cls, event, **fields, effective_on=dated))

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        if not self._changed():
            raise RequestError(Code.MALFORMED, "an amendment changes something")
        for name in ("contract_amt", "year_amt"):
            if getattr(self, name):
                parse_yuan(getattr(self, name), pointer=f"/{name}")

    def _changed(self) -> tuple[str, ...]:
        return tuple(name for name in _SAID if getattr(self, name))

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        contract = require_contract(state, self.contract_no)
        _require_after(self.expiry_date, date.fromisoformat(contract.registered.sign_date))
        _require_in_force(contract)
        said = self._said(contract)
        year_fen = stored_fen(said["year_amt"])
        change_fen = year_fen - stored_fen(contract.says.year_amt)
        if year_fen > (contract_fen := stored_fen(said["contract_amt"])):
            why = "is of less than this year may pay of it"
            raise exceeded(self.contract_no, contract_fen, year_fen, why)
        plan_no = contract.pur_plan_no
        moved = [*_moved(state, day, self.contract_no, plan_no, change_fen)]
        # point of no return
        amended = ContractAmended(
            contract_no=self.contract_no,
            change_no=self.change_no,
            version=contract.version + 1,
            **said,
            change_amt=yuan(change_fen),
            pur_plan_no=plan_no,
            changed=self._changed(),
            reason=self.reason,
            figures=moved[0].row.figures(),
            by=by,
        )
        return Decision(
            events=[(CONTRACT, self.contract_no, amended)], effective_on=day, moved=moved
        )

    def _said(self, contract: Contract) -> dict[str, str]:
        """All that the contract says then. Where the year may pay all of it, it still may."""
        said = {name: getattr(contract.says, name) for name in _SAID}
        if said["year_amt"] == said["contract_amt"] and self.contract_amt:
            said["year_amt"] = self.contract_amt
        for name in self._changed():
            given = getattr(self, name)
            said[name] = day_text(given) if isinstance(given, date) else given
        return said


class EndContract(_OnContract, frozen=True, kw_only=True):
    """合同终止: what is left goes back to the plan. What the payee returns later is released by
    ending it once more."""

    OPERATION: ClassVar[str] = "contract.end"
    NUMBER: ClassVar[str] = "end_no"
    end_no: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        contract = require_contract(state, self.contract_no)
        amounts = state.row(CONTRACTS, self.contract_no)
        plan_no = contract.pur_plan_no
        moved = [*_moved(state, day, self.contract_no, plan_no, -amounts.left)]
        if amounts.applied:
            raise Refusal(
                Code.INVALID_STATE,
                f"{yuan(amounts.applied)} is applied for on contract {self.contract_no}",
                contract_no=self.contract_no,
            )
        if contract.ended is not None and not amounts.left:
            raise _has_ended(contract)
        # point of no return
        ended = ContractEnded(
            contract_no=self.contract_no,
            end_no=self.end_no,
            released_amt=yuan(amounts.left),
            pur_plan_no=plan_no,
            reason=self.reason,
            figures=moved[0].row.figures(),
            by=by,
        )
        return Decision(events=[(CONTRACT, self.contract_no, ended)], effective_on=day, moved=moved)


def _require_after(expiry_date: date | None, sign_date: date) -> None:
    if expiry_date is not None and expiry_date < sign_date:
        raise RequestError(
            Code.MALFORMED, "a contract expires after it is signed", pointer="/expiry_date"
        )


def _require_within(year_fen: int, contract_fen: int) -> None:
    if year_fen > contract_fen:
        raise RequestError(
            Code.MALFORMED,
            "a year pays no more than the contract's amount",
            pointer="/year_amt",
        )


def _has_ended(contract: Contract) -> Refusal:
    number = contract.contract_no
    return Refusal(Code.INVALID_STATE, f"contract {number} has ended", contract_no=number)


def _require_in_force(contract: Contract) -> None:
    if contract.ended is not None:
        raise _has_ended(contract)


def _moved(
    state: LedgerState, day: date, contract_no: str, pur_plan_no: str, left_fen: int
) -> Iterator[MovedRow]:
    """What a contract has left, and its plan has not contracted, after the one has taken from the
    other, or given back.

    Raises:
        Refusal: ``insufficient_contract``, ``insufficient_purchase_plan``.
    """
    yield state.moved(CONTRACTS, contract_no, day, {"left": left_fen})
    if pur_plan_no:
        yield plan_moved(state, pur_plan_no, day, -left_fen)


def _day_of(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _text_of(day: date | None) -> str:
    return "" if day is None else day_text(day)
