"""审核日期: an approval is dated no earlier than its application."""

from datetime import date

import msgspec

from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import LedgerState
from ledger.errors import Code, Refusal
from ledger.events import Event, LedgerOpened


class ApprovalsFollow(msgspec.Struct, frozen=True):
    """Whether an approval is dated no earlier than the application; in a ledger that an earlier
    release opened it was of any open day."""

    on: bool = False


def _follows(said: ApprovalsFollow, event: Event) -> ApprovalsFollow:
    return ApprovalsFollow(event.approvals_follow) if isinstance(event, LedgerOpened) else said


APPROVALS_FOLLOW = declare(Setting("approvals_follow", ApprovalsFollow(), _follows))


def require_applied_by(state: LedgerState, applied_on: date, day: date) -> None:
    """That somebody had applied by the day of an approval: the voucher would have the date, and the
    paying account, of a day before there was a payment.

    Raises:
        Refusal: ``invalid_state``.
    """
    if day < applied_on and state.settings.get(APPROVALS_FOLLOW).on:
        raise Refusal(
            Code.INVALID_STATE, f"the payment was applied for on {applied_on}, after {day}"
        )
