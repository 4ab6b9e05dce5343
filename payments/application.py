"""支付申请: apply, approve, reject, withdraw. Pure decisions.

An application occupies its indicator at once; whatever ends it without payment gives the amount
back. Maker and checker are different persons.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import compress, islice, product
from typing import ClassVar

from msgspec import convert
from msgspec.structs import replace

from budget.balances import Balances
from budget.indicator import (
    INDICATOR,
    Indicator,
    moved,
    require_executable,
    with_held,
)
from budget.indicator import require as require_indicator
from budget.plans import require_planned
from budget.special_funds import ELSEWHERE
from division.knowledge import rules_of_year
from division.payer import Payer, payer_on, special_payer
from ledger.calendar import day_text, effective_day, first_open_day
from ledger.deciding.approvals import same_person
from ledger.deciding.command import Command, Need, Told
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.errors import Code, Refusal
from ledger.money import parse_yuan, yuan
from payments.application_elements import check_elements
from payments.approval_days import require_applied_by
from payments.cards.lines import lines_of, taken
from payments.cards.reimbursing import check_card, check_spent, hold_to_cards, needed, require_spent
from payments.clearing.cash import kind_of
from payments.clearing.promised import STANDING, promise_made, require_spare
from payments.contracts.contract import CONTRACT, require_contract
from payments.contracts.drawing import (
    drawn,
    hold_to_contract,
    require_purchase_control,
)
from payments.current_items import ELEMENT, require_item
from payments.events import (
    PaymentApplied,
    PaymentApproved,
    PaymentDetail,
    PaymentRejected,
    PaymentWithdrawn,
)
from payments.giving_back import released, with_release
from payments.monitoring.rules import NOTHING_FOUND, monitored, with_found
from payments.monitoring.seeing import seen_by_rules
from payments.payment import (
    APPLIED,
    PAYMENT,
    Payment,
    require,
    require_not_held,
    require_status,
)
from payments.registered_payees import PAYEE_OF_DIVISION, check_payee, require_registered
from payments.signature_policy import SIGNATURE_POLICY
from payments.special_accounts.cash import NOTHING_MOVED, with_special
from payments.special_accounts.paying import paying_account, taken_of
from payments.voucher_number import voucher_number

DETAILS_MAX = 499  # details < 500 a voucher (domain: receiver-side validation of the central bank)


class ApplyPayment(Command, frozen=True, kw_only=True):
    """支付申请. The dimensions are those of the indicator; given ones must agree with it."""

    OPERATION: ClassVar[str] = "payment.apply"
    CHANNEL: ClassVar[str] = "支付申请"
    NUMBER: ClassVar[str] = "pay_app_no"
    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    bgt_id: str
    pay_amt: str
    use_des: str
    payee_acct_name: str = ""
    payee_acct_no: str = ""
    payee_acct_bank_name: str = ""
    payee_bank_no: str = ""
    set_mode_code: str = "1"
    pay_bus_type_code: str = "1"
    agency_code: str = ""
    pro_code: str = ""
    exp_func_code: str = ""
    gov_bgt_eco_code: str = ""
    dep_bgt_eco_code: str = ""
    fund_type_code: str = ""
    details: tuple[PaymentDetail, ...] = ()
    contract_no: str = ""
    current_item_code: str = ""
    monitor_reason: str = ""
    receiver_code: str = ""
    pay_acct_no: str = ""
    bond_code: str = ""
    effective_on: date | None = None

    @classmethod
    def asked_in(cls, told: Told) -> Iterator[Command]:
        """Every combination of dimensions, and of account and bond, given and left out, the usual
        ones first."""
        event: PaymentApplied = told.event
        dated = told.day if event.dated_by_caller else None
        asked = convert(event, cls, from_attributes=True)
        named = (name for name in ("pay_acct_no", "bond_code") if getattr(event, name))
        fillable = *DIMENSIONS, *named
        yield replace(asked, **dict.fromkeys(fillable, ""), effective_on=dated)
        for without in islice(product((True, False), repeat=len(fillable)), 1, None):
            left_out = dict.fromkeys(compress(fillable, without), "")
            yield replace(asked, **left_out, effective_on=dated)

    def needs(self) -> Iterable[Need]:
        indicator = INDICATOR, self.bgt_id
        if not (self.contract_no or self.receiver_code or self.details):  # as nearly always
            return (indicator,)
        contract = ((CONTRACT, self.contract_no),) if self.contract_no else ()
        payee = ((PAYEE_OF_DIVISION, self.receiver_code),) if self.receiver_code else ()
        return (indicator, *contract, *payee, *needed(self.details))

    def check(self) -> None:
        """Amounts and payees as such; raises RequestError. The books are looked at later."""
        parse_yuan(self.pay_amt, pointer="/pay_amt")
        for index, detail in enumerate(self.details):
            parse_yuan(detail.pay_amt, pointer=f"/details/{index}/pay_amt")
            check_card(detail, f"/details/{index}")
        check_payee(self, has_details=bool(self.details))

    def decide(self, state: LedgerState, by: str) -> Decision:
        day = effective_day(state, self.effective_on)
        card_lines = lines_of(self.details) if self.details else ()
        if card_lines:
            require_spent(self.details, day)
        indicator = require_indicator(state, self.bgt_id, day)
        require_executable(indicator)
        contract = require_contract(state, self.contract_no) if self.contract_no else None
        check_elements(state, self, indicator, day)
        hold_to_cards(state, self, indicator.issued, card_lines)
        if contract is not None:
            hold_to_contract(contract, indicator.issued, self)
        if indicator.issued.is_gov_pur:
            require_purchase_control(state, indicator.issued, contract)
        if self.receiver_code:
            require_registered(state, self, day)
        if self.current_item_code:
            economy = self.dep_bgt_eco_code or indicator.issued.dep_bgt_eco_code
            require_item(state.books(day), self.current_item_code, economy, pointer=f"/{ELEMENT}")
        pay_fen = self._check_details()
        if card_lines:
            check_spent(self.details)
        also = taken(state, day, self.details, card_lines) if card_lines else []
        also += [] if contract is None else [drawn(state, contract, day, pay_fen)]
        pur_plan_no = "" if contract is None else contract.pur_plan_no
        held_fen = -pay_fen if pur_plan_no else 0
        require_planned(state, indicator, day, pay_fen)
        occupied = moved(state, day, self.bgt_id, PaymentApplied.TYPE, {"pay": pay_fen}, held_fen)
        pay_acct_no, cash = "", NOTHING_MOVED
        if self.pay_acct_no or indicator.issued.fund_type_code.startswith(ELSEWHERE):
            pay_acct_no, cash = taken_of(state, indicator, self.pay_acct_no, day, pay_fen)
        found = NOTHING_FOUND
        if rules := rules_of_year(state):
            seen = seen_by_rules(self, indicator, pay_fen)
            found = monitored(state, rules, seen, day, self.monitor_reason)
        # point of no return
        applied = self._event(
            indicator, day, pur_plan_no, card_lines, found.frozen_by, pay_acct_no, occupied.row, by
        )
        books = state.books(day)
        entry = books.post(
            applied.TYPE,
            source=state.next_position,
            number=self.pay_app_no,
            amounts_fen={"pay": pay_fen},
            codes=indicator.codes,
            bgt_id=self.bgt_id,
        )
        if held_fen:
            entry = with_held(books, entry, held_fen, indicator.codes)
        decision = Decision(
            events=[(PAYMENT, self.pay_app_no, applied), (PAYMENT, self.pay_app_no, entry)],
            effective_on=day,
            moved=[occupied, *also],
        )
        if cash.rows:
            with_special(decision, cash)
        return with_found(state, decision, found, applied) if rules else decision

    def _check_details(self) -> int:
        """The amount in fen; raises ``details_mismatch`` unless the details make it up."""
        pay_fen = parse_yuan(self.pay_amt, pointer="/pay_amt")
        if not self.details:
            return pay_fen
        ids = {detail.pay_detail_id for detail in self.details}
        if len(self.details) > DETAILS_MAX:
            problem = f"{len(self.details)} details; a voucher holds at most {DETAILS_MAX}"
        elif "" in ids or len(ids) < len(self.details):
            problem = "every detail has an id of its own"
        elif (total := sum(parse_yuan(detail.pay_amt) for detail in self.details)) != pay_fen:
            problem = f"the details add up to {yuan(total)}, not {self.pay_amt}"
        else:
            return pay_fen
        raise Refusal(Code.DETAILS_MISMATCH, problem, pointer="/details")

    def _event(
        self,
        indicator: Indicator,
        day: date,
        pur_plan_no: str,
        card_lines: tuple[str, ...],
        frozen_by: tuple[str, ...],
        pay_acct_no: str,
        balances: Balances,
        by: str,
    ) -> PaymentApplied:
        issued = indicator.issued
        applied = PaymentApplied(  # calls of more names than these cost twice the time
            pay_app_no=self.pay_app_no,
            bgt_id=self.bgt_id,
            agency_code=issued.agency_code,
            pro_code=issued.pro_code,
            exp_func_code=issued.exp_func_code,
            gov_bgt_eco_code=issued.gov_bgt_eco_code,
            dep_bgt_eco_code=self.dep_bgt_eco_code or issued.dep_bgt_eco_code,
            fund_type_code=issued.fund_type_code,
            pay_amt=self.pay_amt,
            use_des=self.use_des,
            set_mode_code=self.set_mode_code,
            pay_bus_type_code=self.pay_bus_type_code,
            create_date=day_text(day),
            figures=balances.figures(),
            by=by,
        )
        applied = replace(
            applied,
            payee_acct_name=self.payee_acct_name,
            payee_acct_no=self.payee_acct_no,
            payee_acct_bank_name=self.payee_acct_bank_name,
            payee_bank_no=self.payee_bank_no,
            dated_by_caller=self.effective_on is not None,
            details=self.details,
            contract_no=self.contract_no,
            pur_plan_no=pur_plan_no,
            current_item_code=self.current_item_code,
            monitor_reason=self.monitor_reason,
            receiver_code=self.receiver_code,
            frozen_by=frozen_by,
            card_lines=card_lines,
            is_carried=indicator.is_carried,
        )
        if issued.bond_code:
            applied = replace(applied, bond_code=issued.bond_code)
        return replace(applied, pay_acct_no=pay_acct_no) if pay_acct_no else applied


def business_day(state: LedgerState, payment: Payment, asked: date | None) -> date:
    """The date of an act on a payment: as asked, else the day it happens.

    A payment whose date its caller chose keeps to it: voucher and money stand in one period.
    """
    day = asked
    if day is None and payment.applied.dated_by_caller:
        day = first_open_day(state, payment.booked_on)
    return effective_day(state, day)


class OnPayment(Command, frozen=True, kw_only=True):
    """A command about one existing payment."""

    KIND: ClassVar[AnyKind] = PAYMENT
    pay_app_no: str
    effective_on: date | None = None

    def needs(self) -> Iterable[Need]:
        return ((PAYMENT, self.pay_app_no),)

    def _payment(self, state: LedgerState) -> Payment:
        """The payment to act on; a date that is not open comes before one that is not found."""
        if self.effective_on is not None:
            effective_day(state, self.effective_on)
        return require(state, self.pay_app_no)


class ApprovePayment(OnPayment, frozen=True, kw_only=True):
    """审核通过: the voucher is issued, under the signature policy of this moment."""

    OPERATION: ClassVar[str] = "payment.approve"
    CHANNEL: ClassVar[str] = "支付审核"

    def needs(self) -> Iterable[Need]:
        return (PAYMENT, self.pay_app_no), *STANDING

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = self._payment(state)
        require_not_held(payment)
        require_status(payment, APPLIED)
        require_other_person(payment, by)
        day = business_day(state, payment, self.effective_on)
        if self.effective_on is not None:
            require_applied_by(state, date.fromisoformat(payment.applied.create_date), day)
        policy = state.settings.get(SIGNATURE_POLICY)
        applied, fund = payment.applied, payment.applied.fund_type_code
        guarantee, bank = None, policy.pay_bank_code
        payer: Payer | None
        if applied.pay_acct_no:
            agency_code, acct_no = applied.agency_code, applied.pay_acct_no
            special = paying_account(state, fund, agency_code, acct_no, day, pointer="")
            payer = special_payer(state, agency_code, special, day)
            bank = special.pay_bank_code or bank
        else:
            guarantee = require_spare(state, fund, applied, payment.pay_fen)
            payer = payer_on(state, applied.agency_code, fund, bank, day)
        # point of no return
        approved = PaymentApproved(
            pay_app_no=self.pay_app_no,
            pay_cert_no=voucher_number(state.ledger_id, self.pay_app_no),
            vou_date=day_text(day),
            roles=policy.roles,
            pay_bank_code=bank,
            payer=payer,
            promised_amt="" if guarantee is None else applied.pay_amt,
            promised_fund="" if guarantee is None else kind_of(fund),
            guarantee=guarantee or "",
            by=by,
        )
        return Decision(
            events=[(PAYMENT, self.pay_app_no, approved)],
            effective_on=day,
            moved=promise_made(state, approved, day),
        )


class RejectPayment(OnPayment, frozen=True, kw_only=True):
    """退回: the indicator gets its amount back."""

    OPERATION: ClassVar[str] = "payment.reject"
    CHANNEL: ClassVar[str] = "支付审核"
    reason: str

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = self._payment(state)
        require_status(payment, APPLIED)
        require_other_person(payment, by)
        day = business_day(state, payment, self.effective_on)
        after = released(state, payment, day, PaymentRejected.TYPE)
        # point of no return
        rejected = PaymentRejected(
            pay_app_no=self.pay_app_no,
            reason=self.reason,
            contract_no=payment.applied.contract_no,
            card_lines=payment.applied.card_lines,
            figures=after.row.figures(),
            by=by,
        )
        return with_release(state, payment, day, rejected, after)


class WithdrawPayment(OnPayment, frozen=True, kw_only=True):
    """撤回 by who applied or his unit, which is judged where units are bound."""

    OPERATION: ClassVar[str] = "payment.withdraw"
    CHANNEL: ClassVar[str] = "支付审核"

    def decide(self, state: LedgerState, by: str) -> Decision:
        payment = self._payment(state)
        require_status(payment, APPLIED)
        day = business_day(state, payment, self.effective_on)
        after = released(state, payment, day, PaymentWithdrawn.TYPE)
        # point of no return
        withdrawn = PaymentWithdrawn(
            pay_app_no=self.pay_app_no,
            contract_no=payment.applied.contract_no,
            card_lines=payment.applied.card_lines,
            figures=after.row.figures(),
            by=by,
        )
        return with_release(state, payment, day, withdrawn, after)


def require_other_person(payment: Payment, by: str) -> None:
    """Raises Refusal ``same_person`` where who applied would check."""
    if same_person(payment.applied.by, by):
        raise Refusal(Code.SAME_PERSON, "whoever applied may not check the same payment")
