"""对账: packages that came, what their comparison with the books found, and who confirmed it."""

from typing import ClassVar

import msgspec

from ledger.events import LEDGER, Event, Traits, Yuan, register

# what a difference is
MISSING_HERE = "missing_here"  # 我方未记账: the bank has it, the books do not
MISSING_THERE = "missing_there"  # 对方未列: the books have it, the bank does not
OTHER_AMOUNT = "other_amount"  # 金额不符
OTHER_DAY = "other_day"  # 日期不符: the books have it on a day outside
DOUBLED = "doubled"  # 重复列示: the bank has it once more
DIFFERENCE_KINDS = (MISSING_HERE, MISSING_THERE, OTHER_AMOUNT, OTHER_DAY, DOUBLED)


class Unmatched(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What does not match: ``amt`` is the bank's, ``booked_amt`` the books', "" where that side has
    it not; ``booked_on`` the books' day, where that is the difference; ``place`` the line, as
    package and number in it."""

    kind: str
    number: str
    amt: Yuan = ""
    booked_amt: Yuan = ""
    booked_on: str = ""
    place: str = ""


class PackageReceived(Event, frozen=True, kw_only=True):
    """对账包: a bank's signed package as it came; it books nothing. ``sender`` is who signed,
    ``begin_date`` and ``end_date`` are the first and the last day. ``all_…`` is of all packages,
    ``line_…`` of this one."""

    TYPE: ClassVar[str] = "reconciliation.package_received"
    TRAITS: ClassVar[Traits] = Traits(
        subject="reconciliation_package", asked_by="reconciliation.receive", title="对账包"
    )
    recon_no: str
    pack_no: int
    pack_num: int
    voucher_no: str
    vt_code: str
    sender: str
    e_voucher_type: str
    begin_date: str
    end_date: str
    tre_code: str = ""
    all_num: int
    all_amt: Yuan
    line_num: int
    line_amt: Yuan
    notice_sm3: str
    cert_serial: str
    signature: str
    by: str


class ReconciliationOpened(Event, frozen=True, kw_only=True):
    """对账单: the first of its packages has come."""

    TYPE: ClassVar[str] = "reconciliation.opened"
    TRAITS: ClassVar[Traits] = Traits(
        subject="reconciliation", opens=("reconciliation.open", "recon_no"), title="对账单"
    )
    recon_no: str
    vt_code: str
    sender: str
    e_voucher_type: str
    begin_date: str
    end_date: str
    pack_num: int
    all_num: int
    all_amt: Yuan


class PackageCounted(Event, frozen=True, kw_only=True):
    """A package of the reconciliation is there, whatever its place in the order."""

    TYPE: ClassVar[str] = "reconciliation.package_counted"
    TRAITS: ClassVar[Traits] = Traits(subject="reconciliation", title="对账包计入")
    recon_no: str
    pack_no: int
    line_num: int
    line_amt: Yuan
    notice_sm3: str


class ComparisonAsked(Event, frozen=True, kw_only=True):
    """再次比对: a person has had all packages compared with what the books have by now."""

    TYPE: ClassVar[str] = "reconciliation.comparison_asked"
    TRAITS: ClassVar[Traits] = Traits(
        subject="reconciliation", asked_by="reconciliation.compare", title="再次比对"
    )
    recon_no: str
    compare_no: str
    by: str


class ReconciliationCompared(Event, frozen=True, kw_only=True):
    """对账结果: all packages against the books as of ``upto_position``: ``booked_num`` movements
    over ``booked_amt`` on those days, of which ``matched_num`` agree. The differences follow."""

    TYPE: ClassVar[str] = "reconciliation.compared"
    TRAITS: ClassVar[Traits] = Traits(subject="reconciliation", title="对账结果")
    recon_no: str
    upto_position: int
    packages: tuple[str, ...]
    matched_num: int
    booked_num: int
    booked_amt: Yuan
    diff_num: int


class DifferencesFound(Event, frozen=True, kw_only=True):
    """对账差异: a part of what does not match, in order, behind the comparison that found it."""

    TYPE: ClassVar[str] = "reconciliation.differences"
    TRAITS: ClassVar[Traits] = Traits(subject="reconciliation", title="对账差异")
    recon_no: str
    differences: tuple[Unmatched, ...]


class ReconciliationConfirmed(Event, frozen=True, kw_only=True):
    """对账确认: persons stand for what was found; ``reason`` says where differences come from."""

    TYPE: ClassVar[str] = "reconciliation.confirmed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="reconciliation",
        asked_by="reconciliation.confirm",
        ends=True,
        title="对账确认",
    )
    recon_no: str
    diff_num: int
    reason: str = ""
    by: str


class ReconciliationNoted(Event, frozen=True, kw_only=True):
    """对账进度: of which days there is a reconciliation that was compared, or confirmed; this one
    stands in the place of an earlier one of the same days. ``begin_date`` of a confirmed one
    reaches back over the days off before its first."""

    TYPE: ClassVar[str] = "reconciliation.noted"
    TRAITS: ClassVar[Traits] = Traits(subject=LEDGER, title="对账进度")
    recon_no: str
    vt_code: str
    sender: str
    e_voucher_type: str
    begin_date: str
    end_date: str
    diff_num: int
    covers_from: str = ""


class RequiredReconciliation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What must be reconciled day by day: the messages ``vt_code`` of a bank (``pay_bank_code``, ""
    the central bank) about vouchers of one kind, from ``start_date`` on."""

    vt_code: str
    e_voucher_type: str
    start_date: str
    pay_bank_code: str = ""


class ReconciliationPolicySet(Event, frozen=True, kw_only=True):
    """对账策略: without which reconciliations a month is not closed; () asks for none."""

    TYPE: ClassVar[str] = "ledger.reconciliation_policy_set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="reconciliation_policy.set", title="对账策略"
    )
    required: tuple[RequiredReconciliation, ...] = ()
    by: str


register(
    PackageReceived,
    ReconciliationOpened,
    PackageCounted,
    ComparisonAsked,
    ReconciliationCompared,
    DifferencesFound,
    ReconciliationConfirmed,
    ReconciliationNoted,
    ReconciliationPolicySet,
)
