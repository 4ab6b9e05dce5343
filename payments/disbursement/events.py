"""批量支付: a run from its opening to its end."""

from typing import ClassVar

from ledger.events import Event, Traits, Yuan, register, renamed


class DisbursementOpened(Event, frozen=True, kw_only=True):
    """批量支付: one list of payees, paid from one indicator as one run.

    ``wage_run_no``, ``subsidy_list_no``: the list that it pays, which alone may be loaded:
    ``payees_sm3``.
    """

    TYPE: ClassVar[str] = "disbursement.opened"
    TRAITS: ClassVar[Traits] = Traits(subject="disbursement", asked_by="disbursement.open")
    run_no: str
    bgt_id: str
    title: str
    use_des: str
    set_mode_code: str
    pay_bus_type_code: str
    effective_on: str = ""
    wage_run_no: str = ""
    subsidy_list_no: str = ""
    payees_sm3: str = ""
    by: str


class DisbursementLoaded(Event, frozen=True, kw_only=True):
    """The run's lines as a whole: ``lines_sm3`` over all of them, ``file_sm3`` over the file."""

    TYPE: ClassVar[str] = "disbursement.loaded"
    TRAITS: ClassVar[Traits] = Traits(subject="disbursement", asked_by="disbursement.load")
    run_no: str
    line_count: int
    pay_amt: Yuan
    lines_sm3: str
    file_sm3: str
    by: str
    payees_sm3: str = ""  # over accounts and amounts alone; "" before lists were compared


class DisbursementApproved(Event, frozen=True, kw_only=True):
    """审核通过: just these lines may be paid; their total is frozen in the same decision.

    ``payees_sm3`` is that of what was loaded; ``repeats_run_no`` a run that pays the same list, by
    which the checker said that it is meant.
    """

    TYPE: ClassVar[str] = "disbursement.approved"
    TRAITS: ClassVar[Traits] = Traits(
        subject="disbursement",
        asked_by="disbursement.approve",
        leads={"indicator.frozen": ("run_no", "freeze_no")},
    )
    run_no: str
    line_count: int
    voucher_count: int
    pay_amt: Yuan
    lines_sm3: str
    by: str
    payees_sm3: str = ""
    repeats_run_no: str = ""


class DisbursementStarted(Event, frozen=True, kw_only=True):
    """A signer takes the run on, for the first time or again, to sign in ``role``."""

    TYPE: ClassVar[str] = "disbursement.started"
    TRAITS: ClassVar[Traits] = Traits(subject="disbursement", asked_by="disbursement.execute")
    run_no: str
    role: str
    by: str


class DisbursementDrawn(Event, frozen=True, kw_only=True):
    """Of what was frozen, one voucher's amount is set free for the application that follows."""

    TYPE: ClassVar[str] = "disbursement.drawn@2"
    TRAITS: ClassVar[Traits] = Traits(
        subject="disbursement",
        asked_by="disbursement.draw",
        leads={"indicator.unfrozen": ("run_no", "freeze_no")},
    )
    run_no: str
    voucher_serial: int
    pay_app_no: str
    pay_amt: Yuan
    by: str


class DisbursementStopped(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "disbursement.stopped"
    TRAITS: ClassVar[Traits] = Traits(subject="disbursement", asked_by="disbursement.stop")
    run_no: str
    reason: str
    by: str


class DisbursementClosed(Event, frozen=True, kw_only=True):
    """No further voucher will be drawn; what was frozen and not drawn is set free.

    ``unpaid_payees_sm3``: the list that was approved and of which no voucher was drawn.
    """

    TYPE: ClassVar[str] = "disbursement.closed"
    TRAITS: ClassVar[Traits] = Traits(
        subject="disbursement",
        asked_by="disbursement.close",
        leads={"indicator.unfrozen": ("run_no", "freeze_no")},
    )
    run_no: str
    released_amt: Yuan
    by: str
    unpaid_payees_sm3: str = ""


register(
    DisbursementOpened,
    DisbursementLoaded,
    DisbursementApproved,
    DisbursementStarted,
    DisbursementDrawn,
    DisbursementStopped,
    DisbursementClosed,
    upcasts={
        # "voucher" was read as a voucher's number, which is pay_cert_no; it counts the run's
        # vouchers
        "disbursement.drawn": (renamed("voucher", "voucher_serial"), "disbursement.drawn@2"),
    },
)
