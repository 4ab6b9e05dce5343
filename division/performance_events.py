"""What happens to a division's library of performance indicators 绩效指标库."""

from typing import ClassVar

import msgspec

from ledger.events import LEDGER, Event, Traits, register


class PerformanceIndicator(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """绩效指标 of the library (PM_PERF_INDICATOR without what a project says of it).

    ``perf_ind_level`` is 1 一级, 2 二级 or 3 三级; those of 2 and 3 name the one above. A third
    says in which unit (``meterunit``) and which way (``computesign``) it is measured, where that is
    set. It holds from ``start_date`` until ``end_date``, the first day on which there is none; days
    are text, "" is all along and open.
    """

    perf_ind_code: str
    perf_ind_name: str
    perf_ind_level: str
    parent_perf_ind_code: str = ""
    meterunit: str = ""
    computesign: str = ""
    start_date: str = ""
    end_date: str = ""


class PerformanceIndicatorsSet(Event, frozen=True, kw_only=True):
    """绩效指标库: indicators that are told; all others stay as they were told before."""

    TYPE: ClassVar[str] = "performance_indicators.set"
    TRAITS: ClassVar[Traits] = Traits(
        subject=LEDGER, asked_by="performance_indicators.set", title="绩效指标库"
    )
    change_no: str
    indicators: tuple[PerformanceIndicator, ...]
    by: str


register(PerformanceIndicatorsSet)
