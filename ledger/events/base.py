"""What every event has, and the figures that many carry."""

from typing import ClassVar

import msgspec

Yuan = str


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What happened; ``TYPE`` is the name in the event table."""

    TYPE: ClassVar[str] = ""


class Figures(msgspec.Struct, frozen=True, gc=False):
    """An indicator's amounts after an event (canuse = amount - frozen - pay_app - pay)."""

    amount: Yuan
    frozen_amt: Yuan
    pay_app_amt: Yuan
    pay_amt: Yuan
    canuse_amt: Yuan
    plan_amt: Yuan
    plan_canuse_amt: Yuan
