"""监控命中: hits of monitoring rules in pages, and by rule.

A hit is found by its own number, and what became of it by its payment. They are few, so they are
folded when they are asked for.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import psycopg

from division.monitor_events import FREEZE
from division.rights import begins_with
from ledger.money import stored_fen, yuan
from ledger.reading.objects import numbers_of, read_head, read_objects
from payments.monitoring.events import MonitorHit
from payments.monitoring.hits import MONITOR_HIT, HitOfRule
from payments.payment import PAYMENT, Payment
from projections.core.moments import one_moment

HELD, RELEASED, PASSED, ENDED = "held", "released", "passed", "ended"
_AT_ONCE = 500


class HitFilter(NamedTuple):
    """Which are asked for; "" and () is whichever."""

    rule_code: str = ""
    control: str = ""
    state: str = ""
    agency_code: str = ""
    prefixes: Sequence[str] = ()

    def holds(self, hit: MonitorHit, state: str) -> bool:
        return (
            self.rule_code in ("", hit.rule_code)
            and self.control in ("", hit.control)
            and self.state in ("", state)
            and self.agency_code in ("", hit.agency_code)
            and (not self.prefixes or begins_with(hit.agency_code, self.prefixes))
        )


class ListedHit(NamedTuple):
    """A hit, what became of it, and of its payment."""

    hit: MonitorHit
    state: str
    payment: Payment


class HitsPage(NamedTuple):
    """Hits, the number behind which the next page begins, and the position of which they are."""

    items: list[ListedHit]
    after: str | None
    position: int


class RuleCount(msgspec.Struct, kw_only=True):
    """What a rule has hit, and how much of it is held."""

    rule_code: str
    rule_name: str
    control: str
    hits: int = 0
    held: int = 0
    pay_amt: str = "0.00"


def hits_page(
    connection: psycopg.Connection, ledger_id: int, asked: HitFilter, after: str, most: int
) -> HitsPage:
    """Hits by the numbers of their payments."""
    found: list[ListedHit] = []
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        for listed in _hits(connection, ledger_id, after):
            if asked.holds(listed.hit, listed.state):
                found.append(listed)
            if len(found) > most:
                break
    following = found[most - 1].hit.hit_no if len(found) > most else None
    return HitsPage(found[:most], following, head.position if head else 0)


def hits_by_rule(
    connection: psycopg.Connection, ledger_id: int, prefixes: Sequence[str] = ()
) -> tuple[list[RuleCount], int]:
    """By rule, as it stood when it was hit, in the order of their codes; and the position."""
    counts: dict[tuple[str, str, str], RuleCount] = {}
    asked = HitFilter(prefixes=prefixes)
    with one_moment(connection):
        head = read_head(connection, ledger_id)
        for hit, state, _ in _hits(connection, ledger_id, ""):
            if not asked.holds(hit, state):
                continue
            place = hit.rule_code, hit.control, hit.rule_name
            count = counts.setdefault(
                place,
                RuleCount(rule_code=hit.rule_code, rule_name=hit.rule_name, control=hit.control),
            )
            count.hits += 1
            count.held += state == HELD
            count.pay_amt = yuan(stored_fen(count.pay_amt) + stored_fen(hit.pay_amt))
    return [counts[place] for place in sorted(counts)], head.position if head else 0


def _hits(connection: psycopg.Connection, ledger_id: int, after: str) -> Iterator[ListedHit]:
    while numbers := numbers_of(connection, ledger_id, MONITOR_HIT, after, _AT_ONCE):
        found: dict[str, HitOfRule] = read_objects(connection, ledger_id, MONITOR_HIT, numbers)
        hits = [found[number].hit for number in numbers if number in found]
        pay_app_nos = list({hit.pay_app_no for hit in hits})
        payments = read_objects(connection, ledger_id, PAYMENT, pay_app_nos)
        for hit in hits:
            payment = payments[hit.pay_app_no]
            yield ListedHit(hit, _state(hit, payment), payment)
        after = numbers[-1]


def _state(hit: MonitorHit, payment: Payment) -> str:
    if payment.is_held:
        return HELD if hit.control == FREEZE else PASSED
    if hit.control != FREEZE:
        return PASSED
    return RELEASED if payment.released is not None else ENDED
