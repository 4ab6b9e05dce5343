"""The chain that a trace shows: its steps in their order, and each step's neighbours."""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, UnsetType

from ledger.events import Event, types_that
from projections.tracing.facts import FACTS_MAX, FactFields

STEPS = (
    "project",
    "draft",
    "budget",
    "indicator",
    "plan",
    "payment",
    "voucher",
    "receipt",
    "clearing",
    "journals",
)
_LONG = ("indicator", "plan")  # of which an object may have more facts than are shown


class Link(msgspec.Struct):
    """One step of the chain; ``previous`` leads back to the budget, ``next`` on to the books.

    ``is_whole`` is false where the step has more facts than are shown; ``ledger`` is where its
    positions are, if it is another than the trace's: that of the division, for a project.
    """

    step: str
    number: str | None
    positions: list[int]
    previous: str | None
    next: str | None
    facts: list[FactFields]
    is_whole: bool = True
    ledger: str | UnsetType = UNSET


def step_types(name: str) -> tuple[type[Event], ...]:
    """The types that a step of the chain shows."""
    return types_that(lambda traits: traits.step == name)


def chain_of(
    facts: Mapping[str, list[FactFields]],
    numbers: Mapping[str, str | None],
    ledgers: Mapping[str, str],
) -> list[Link]:
    """The steps that were taken, each with its neighbours.

    Args:
        ledgers: of steps whose facts are another ledger's.
    """
    taken = [step for step in STEPS if facts.get(step)]
    return [
        Link(
            step=step,
            number=numbers.get(step),
            positions=[fact["position"] for fact in facts[step]],
            previous=taken[place - 1] if place else None,
            next=taken[place + 1] if place + 1 < len(taken) else None,
            facts=facts[step],
            is_whole=step not in _LONG or len(facts[step]) < FACTS_MAX,
            ledger=ledgers.get(step, UNSET),
        )
        for place, step in enumerate(taken)
    ]
