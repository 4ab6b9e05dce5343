"""监控命中: a hit is found by its own number, so that hits can be listed."""

import msgspec

from ledger.deciding.objects import Kind
from ledger.events import Event
from payments.monitoring.events import MonitorHit


class HitOfRule(msgspec.Struct, frozen=True):
    """A hit; what became of its payment, the payment tells."""

    hit: MonitorHit


def _fold(found: HitOfRule | None, event: Event) -> HitOfRule | None:
    return HitOfRule(event) if isinstance(event, MonitorHit) else found


MONITOR_HIT: Kind[HitOfRule] = Kind(name="monitor_hit", opened_by="monitor_hit.open", fold=_fold)
