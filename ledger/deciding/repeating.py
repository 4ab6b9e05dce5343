"""重复: a command without a number of its own, asked once more by whoever has asked it before.

Whoever got no answer asks again. A business number would tell that it is the same; an approval, a
signature or a stop has none. What tells is the object: the events by which earlier acts brought it
to where it stands (``Kind.acts``). Where a command would be refused, and one of those events is
what just this command by just this caller left, it is answered as it was then. Another caller, and
whoever asks for something else, is refused as the state demands.

Where asking again would be accepted, it is a new act: a run that was stopped meanwhile is started
anew. A decision that must not do twice what it has just done says ``invalid_state``.
"""

from collections.abc import Iterable
from typing import Any

from ledger.deciding.approvals import same_person
from ledger.deciding.command import Command
from ledger.deciding.objects import AnyKind
from ledger.deciding.state import LedgerState
from ledger.events import CommandRefused, Event

COMMAND_EVENTS_MAX = 16  # of a command that has no number


def object_of(command: Command) -> tuple[AnyKind, str] | None:
    """The object that a command without a number acts on; None for one about the ledger itself."""
    return next(((kind, no) for kind, no in command.needs() if kind is command.KIND), None)


def act_before(state: LedgerState, command: Command, by: str) -> Event | None:
    """The newest event on the command's object that it has left when it was asked before."""
    place = None if command.number else object_of(command)
    if place is None:
        return None
    obj: Any = state.get(*place)
    return None if obj is None else act_among(place[0].acts(obj), command, by)


def act_among(events: Iterable[Event], command: Command, by: str) -> Event | None:
    """The last of ``events`` that this command, asked by this caller, would have left."""
    found = None
    for event in events:
        if is_left_by(event, command, by):
            found = event
    return found


def is_left_by(event: Event, command: Command, by: str) -> bool:
    """Whether the event answers this command of this caller; an event that names nobody is of the
    one who alone asks for such a thing."""
    return (
        event.TRAITS.asked_by == command.OPERATION
        and same_person(getattr(event, "by", by), by)
        and command.is_told_by(event)
    )


def goes_on(before: Event, event: Event) -> bool:
    """Whether an event is a part of the command that the one before it belongs to."""
    traits = event.TRAITS
    if not traits.asked_by:
        return not isinstance(event, CommandRefused)
    fields = before.TRAITS.leads.get(event.TYPE)
    return fields is not None and getattr(before, fields[0]) == getattr(event, fields[1])
