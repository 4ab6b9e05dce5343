"""批量支付: a run from its opening to its end."""

from typing import ClassVar

from ledger.events.base import Event, Yuan


class DisbursementOpened(Event, frozen=True, kw_only=True):
    """批量支付: one list of payees, paid from one indicator as one run."""

    TYPE: ClassVar[str] = "disbursement.opened"
    run_no: str
    bgt_id: str
    title: str
    use_des: str
    set_mode_code: str
    pay_bus_type_code: str
    effective_on: str = ""
    by: str


class DisbursementLoaded(Event, frozen=True, kw_only=True):
    """The run's lines as a whole: ``lines_sm3`` over all of them, ``file_sm3`` over the file."""

    TYPE: ClassVar[str] = "disbursement.loaded"
    run_no: str
    line_count: int
    pay_amt: Yuan
    lines_sm3: str
    file_sm3: str
    by: str


class DisbursementApproved(Event, frozen=True, kw_only=True):
    """审核通过: just these lines may be paid; their total is frozen in the same decision."""

    TYPE: ClassVar[str] = "disbursement.approved"
    run_no: str
    line_count: int
    voucher_count: int
    pay_amt: Yuan
    lines_sm3: str
    by: str


class DisbursementStarted(Event, frozen=True, kw_only=True):
    """A signer takes the run on, for the first time or again, to sign in ``role``."""

    TYPE: ClassVar[str] = "disbursement.started"
    run_no: str
    role: str
    by: str


class DisbursementDrawn(Event, frozen=True, kw_only=True):
    """Of what was frozen, one voucher's amount is set free for the application that follows."""

    TYPE: ClassVar[str] = "disbursement.drawn@2"
    run_no: str
    voucher_serial: int
    pay_app_no: str
    pay_amt: Yuan
    by: str


class DisbursementStopped(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "disbursement.stopped"
    run_no: str
    reason: str
    by: str


class DisbursementClosed(Event, frozen=True, kw_only=True):
    """No further voucher will be drawn; what was frozen and not drawn is set free."""

    TYPE: ClassVar[str] = "disbursement.closed"
    run_no: str
    released_amt: Yuan
    by: str
