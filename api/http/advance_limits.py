"""提前下达限额: what units may be advanced before the budget is approved."""

from typing import Any

import msgspec
from msgspec import UNSET

from api.access import Right
from api.http.models.enums import Tag
from api.http.routes import CommandRoute
from api.http.views import Committed, commit_view
from budget.advance_events import AdvanceLimit
from budget.advancing import SetAdvanceLimits
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code


class AdvanceLimitsView(msgspec.Struct, kw_only=True):
    """The limits as they were set; what is left of them tells the report ``advance_limits``."""

    ledger: str
    limit_no: str
    limits: tuple[AdvanceLimit, ...]
    basis: str
    commit: Committed = UNSET


def _limits(key: int, command: Command, outcome: Outcome) -> Any:
    assert isinstance(command, SetAdvanceLimits)
    return AdvanceLimitsView(
        ledger=ledger_text(key),
        limit_no=command.limit_no,
        limits=command.limits,
        basis=command.basis,
        commit=commit_view(outcome.commit),
    )


DIRECT = (
    CommandRoute(
        SetAdvanceLimits,
        "/v1/ledgers/{ledger}/advance-limits",
        right=Right.BUDGET,
        view=_limits,
        answer=AdvanceLimitsView,
        summary="Say what units may be advanced before the approval 提前下达限额",
        tag=Tag.BUDGET,
        status=201,
        codes=(Code.PERIOD_CLOSED, Code.ELEMENT_INVALID, Code.INSUFFICIENT_BUDGET),
    ),
)
