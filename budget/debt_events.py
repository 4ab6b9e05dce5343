"""地方政府债务: limits, bonds and loans of the tier above, and what is owed of them."""

from typing import ClassVar

from ledger.events import LEDGER, AmountMoves, Event, RuleNeeds, Traits, Yuan, register

_FINANCIAL: AmountMoves = {"treasury_financial": {}}
_KEPT_BY = ("fund_type_code",)
_SERVICED = RuleNeeds(
    _KEPT_BY,
    {"accrued": _FINANCIAL, "of_loan": _FINANCIAL},
    back=frozenset({"accrued"}),  # of the expense that the receipt books, what was one already
)


class DebtLimitSet(Event, frozen=True, kw_only=True):
    """债务限额: how much a division may owe of 一般债务 and of 专项债务, as the congress has
    approved it. ``general_change_amt`` and ``special_change_amt`` are by how much that is more than
    before, or less."""

    TYPE: ClassVar[str] = "ledger.debt_limit_set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="debt_limit.set", moves=("debt_limit",), title="债务限额"
    )
    debt_limit_no: str
    general_amt: Yuan
    special_amt: Yuan
    general_change_amt: Yuan
    special_change_amt: Yuan
    approval_doc_no: str
    by: str


class BondRegistered(Event, frozen=True, kw_only=True):
    """债券登记: a bond with its terms; ``from_div_code`` is the division that has lent it on 转贷,
    "" of one that the division has issued itself. ``opening_amt`` is what the year begins with."""

    TYPE: ClassVar[str] = "bond.registered"
    TRAITS: ClassVar[Traits] = Traits(
        subject="bond", asked_by="bond.register", step="journals", title="债券登记"
    )
    bond_code: str
    bond_name: str
    bond_type_code: str
    principal_amt: Yuan
    int_rate: str
    int_times: str
    issue_date: str
    due_date: str
    pro_code: str = ""
    from_div_code: str = ""
    opening_amt: Yuan = "0.00"
    by: str


class DebtsCarriedIn(DebtLimitSet, frozen=True, kw_only=True):
    """债务承接: a year begins with the limits of the year before, and with each bond as that
    has left it, told behind it one by one.

    ``from_position`` is that of the closing of ``from_ledger``, ``from_chain`` its chain there;
    ``bonds_sm3`` is the SM3 of what was brought.
    """

    TYPE: ClassVar[str] = "ledger.debts_carried_in"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER,
        asked_by="year_end.take_debts",
        moves=("debt_limit",),
        title="债务承接",
    )
    from_ledger: str
    from_position: int
    from_chain: str
    bonds_sm3: str


class BondCarriedIn(BondRegistered, frozen=True, kw_only=True):
    """债券结转: a bond goes on with its terms; ``opening_amt`` is what is owed of it.

    Attributes:
        from_ledger: the year before's.
        issued_amt: what has come for it in all years.
        accrued_amt: interest that is accrued and not paid 应付利息.
        lent_amt: what is lent on to tiers below 转贷.
    """

    TYPE: ClassVar[str] = "bond.carried_in"
    TRAITS: ClassVar[Traits] = Traits(
        subject="bond", opens=("bond.register", "bond_code"), step="journals", title="债券结转"
    )
    from_ledger: str
    issued_amt: Yuan
    accrued_amt: Yuan
    lent_amt: Yuan


class BondIssued(Event, frozen=True, kw_only=True):
    """债券发行登记: so much of what the central bank has reported as 债务收入, of a loan as
    债务转贷收入, came for this bond."""

    TYPE: ClassVar[str] = "bond.issued"
    TRAITS: ClassVar[Traits] = Traits(
        subject="bond", asked_by="bond.issue", step="journals", title="债券发行登记"
    )
    bond_code: str
    issue_no: str
    amt: Yuan
    by: str


class InterestAccrued(Event, frozen=True, kw_only=True):
    """计提利息: what is owed for the time that has passed."""

    TYPE: ClassVar[str] = "bond.interest_accrued"
    TRAITS: ClassVar[Traits] = Traits(
        subject="bond",
        asked_by="bond.accrue",
        posts={"bond.interest_accrued": RuleNeeds(_KEPT_BY, {"accrued": _FINANCIAL})},
        step="journals",
        title="计提利息",
    )
    bond_code: str
    int_accrual_no: str
    amt: Yuan
    reason: str = ""
    by: str


class BondServiced(Event, frozen=True, kw_only=True):
    """还本付息: what an allocation has paid of a bond. Its own journal books the expense and the
    principal; here ``accrued_amt`` of the interest was owed already, and ``of_loan_amt`` of the
    principal was owed to the tier above. What has come back of it is negative."""

    TYPE: ClassVar[str] = "bond.serviced"
    TRAITS: ClassVar[Traits] = Traits(
        subject="allocation",
        posts={
            "bond.serviced": _SERVICED,
            "bond.service_returned": _SERVICED,
        },
        step="journals",
        title="还本付息",
    )
    alloc_no: str
    bond_code: str
    accrued_amt: Yuan = "0.00"
    of_loan_amt: Yuan = "0.00"


class DebtMoved(Event, frozen=True, kw_only=True):
    """What is owed of a bond has changed, each amount with its sign; it stands behind the act.

    Attributes:
        issued_amt: what has come for it so far.
        owed_amt: the principal that is owed and not ordered to be repaid.
        ordered_amt: the principal that is, and that the central bank has not answered.
        accrued_amt: the interest that is accrued and not paid.
        lent_amt: what is lent on to tiers below, or ordered to be.
    """

    TYPE: ClassVar[str] = "debt.moved"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, moves=("debt", "debt_limit"), step="journals", title="债务余额变动"
    )
    bond_code: str
    bond_type_code: str
    issued_amt: Yuan = "0.00"
    owed_amt: Yuan = "0.00"
    ordered_amt: Yuan = "0.00"
    accrued_amt: Yuan = "0.00"
    lent_amt: Yuan = "0.00"


register(
    DebtLimitSet,
    DebtsCarriedIn,
    BondRegistered,
    BondCarriedIn,
    BondIssued,
    InterestAccrued,
    BondServiced,
    DebtMoved,
)
