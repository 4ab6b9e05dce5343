"""What every event has, and what a type says of itself to those who follow a history."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple

import msgspec

from ledger.events.needs import Needs

Yuan = str
LEDGER = "ledger"  # the subject of events that are about the ledger itself


class Traits(NamedTuple):
    """What a type is to readers, projections, exports and verifications.

    Nobody keeps a list of types by hand: ``ledger.events.registry.types_that`` answers.

    Attributes:
        subject: the kind of object in whose stream it stands, by its name.
        asked_by: the operation of the command that it answers; "" where it only follows the event
            that does, in the same decision.
        formerly: of a type that another command left in former releases: the field that only
            today's events have, and the operation of that command.
        moves: the registers that it moves, by their names, itself or by its journal.
        posts: the rules of the charts that its journal is made by, and what they are given.
        step: of the chain 环环相扣 from the budget to the books in which a trace shows it.
        ends: whether its object waits for nothing behind it.
        opens: of a type that only follows, where it is the first of an object with a number of its
            own: under which operation that is kept, and the field that holds it.
        leads: types that a command of their own begins with, and that may stand directly behind it
            as a part of its command, with the fields of both that must then agree.
        title: what it is called in the field, where people are shown it.
        delivery: whether it tells what is to be sent to a bank, was sent, or is answered.
        of_year: whether its journal ``opens`` the books of a year, or ``closes`` them: such a
            journal is no movement of the year.
    """

    subject: str
    asked_by: str = ""
    formerly: tuple[str, str] | None = None
    moves: tuple[str, ...] = ()
    posts: Needs = MappingProxyType({})
    step: str = ""
    title: str = ""
    delivery: bool = False
    ends: bool = False
    opens: tuple[str, str] | None = None
    leads: Mapping[str, tuple[str, str]] = MappingProxyType({})
    of_year: Literal["", "opens", "closes"] = ""


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What happened; ``TYPE`` is the name in the event table, a former version has another."""

    TYPE: ClassVar[str] = ""
    TRAITS: ClassVar[Traits]
