"""惠民惠农补贴: a list of who gets how much of a subsidy for a period, and that it is paid."""

from typing import ClassVar

import msgspec

from ledger.events import Event, Traits, Yuan, register


class SubsidyLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one person gets: ``quantity`` times the list's standard. Whose account it is paid to,
    where that is another (代领), ``payee_iden_no`` says."""

    iden_no: str
    per_name: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    quantity: str
    pay_amt: Yuan
    payee_bank_no: str = ""
    payee_iden_no: str = ""


class SubsidyListLoaded(Event, frozen=True, kw_only=True):
    """补贴发放清单: all of it, word for word. ``payees_sm3`` is that of its disbursement."""

    TYPE: ClassVar[str] = "subsidy_list.loaded"
    TRAITS: ClassVar[Traits] = Traits(
        subject="subsidy_list",
        asked_by="subsidy_list.load",
        moves=("subsidy_period",),
        title="补贴发放清单",
    )
    subsidy_list_no: str
    subsidy_code: str
    pay_period: str
    bgt_id: str
    agency_code: str
    subsidy_std_amt: Yuan
    std_code: str = ""
    pay_amt: Yuan
    lines: tuple[SubsidyLine, ...]
    payees_sm3: str
    file_sm3: str = ""
    by: str


class SubsidyListHandedOn(Event, frozen=True, kw_only=True):
    """It is paid by the disbursement ``run_no``, which is opened with it."""

    TYPE: ClassVar[str] = "subsidy_list.handed_on"
    TRAITS: ClassVar[Traits] = Traits(subject="subsidy_list", title="补贴清单发放")
    subsidy_list_no: str
    run_no: str
    by: str


register(SubsidyListLoaded, SubsidyListHandedOn)
