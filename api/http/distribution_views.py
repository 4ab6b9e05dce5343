"""What comes of a distribution 待分配分配, as callers see it."""

from typing import Any

import msgspec
from msgspec import UNSET

from api.http.views import Committed, IndicatorView, commit_view, indicator_view
from ledger.deciding.command import Command, Outcome


class DistributionView(msgspec.Struct, kw_only=True):
    """The indicator that was distributed, then its new parts."""

    indicators: tuple[IndicatorView, ...]
    commit: Committed = UNSET


def distribution_view(key: int, _command: Command, outcome: Outcome) -> Any:
    return DistributionView(
        indicators=tuple(indicator_view(key, indicator) for indicator in outcome.subjects),
        commit=commit_view(outcome.commit),
    )
