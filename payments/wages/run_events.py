"""工资统发: a list of persons with what each is owed, what is withheld and what he gets."""

from typing import ClassVar

import msgspec

from ledger.events import Event, Traits, Yuan, register


class WageLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A person's wages of the month: 应发, 扣款 by what it is for, and 实发, what is paid to him.
    What is not withheld may be left out."""

    agency_code: str
    bgt_id: str
    iden_no: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    wage_sala: Yuan
    net_sala: Yuan
    payee_bank_no: str = ""
    income_tax_amt: Yuan = ""
    insurance_amt: Yuan = ""
    housing_fund_amt: Yuan = ""
    total_ded: Yuan = ""


class WagePart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What of a run one indicator pays, in sum; ``payees_sm3`` is that of its disbursement."""

    bgt_id: str
    agency_code: str
    agency_type_code: str
    line_count: int
    wage_sala: Yuan
    income_tax_amt: Yuan
    insurance_amt: Yuan
    housing_fund_amt: Yuan
    net_sala: Yuan
    payees_sm3: str


class WageRunLoaded(Event, frozen=True, kw_only=True):
    """工资统发名单: all of it, word for word. What each indicator owes by it follows."""

    TYPE: ClassVar[str] = "wage_run.loaded"
    TRAITS: ClassVar[Traits] = Traits(
        subject="wage_run", asked_by="wage_run.load", step="journals", title="工资统发"
    )
    wage_run_no: str
    sala_month: str
    sala_property: str = "1"
    wage_sala: Yuan
    total_ded: Yuan
    net_sala: Yuan
    lines: tuple[WageLine, ...]
    parts: tuple[WagePart, ...]
    file_sm3: str = ""
    by: str


class WageRunAccrued(Event, frozen=True, kw_only=True):
    """计提 of what an indicator owes by a run, in the run's own decision."""

    TYPE: ClassVar[str] = "wage_run.accrued"
    TRAITS: ClassVar[Traits] = Traits(subject="wage_run", step="journals", title="工资统发计提")
    wage_run_no: str
    bgt_id: str
    amt: Yuan
    by: str


class WageRunWithheld(Event, frozen=True, kw_only=True):
    """代扣 of what an indicator owes by a run, where its disbursement ``run_no`` is opened."""

    TYPE: ClassVar[str] = "wage_run.withheld"
    TRAITS: ClassVar[Traits] = Traits(subject="wage_run", step="journals", title="工资统发代扣")
    wage_run_no: str
    bgt_id: str
    run_no: str
    income_tax_amt: Yuan
    insurance_amt: Yuan
    housing_fund_amt: Yuan
    by: str


register(WageRunLoaded, WageRunAccrued, WageRunWithheld)
