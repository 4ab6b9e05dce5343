"""建立区划: a division begins to keep its standing data; until then its years work without."""

from typing import ClassVar

import msgspec

from division.events import DivisionOpened
from ledger.account_set import is_standing
from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event

TIERS = ("2", "3", "4", "5")  # 省, 市, 县, 乡


class StandingDivision(msgspec.Struct, frozen=True):
    """What a standing ledger knows of its division; without a code, that it was not opened."""

    mof_div_code: str = ""
    name: str = ""
    parent_div_code: str = ""
    tier_code: str = ""

    @property
    def is_open(self) -> bool:
        return bool(self.mof_div_code)


def _fold(division: StandingDivision, event: Event) -> StandingDivision:
    if isinstance(event, DivisionOpened):
        return StandingDivision(
            event.mof_div_code, event.name, event.parent_div_code, event.tier_code
        )
    return division


DIVISION = declare(Setting("division", StandingDivision(), _fold))


class OpenDivision(Command, frozen=True, kw_only=True):
    """Opens a division's standing data; its code is its number."""

    OPERATION: ClassVar[str] = "division.open"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "区划建立"
    NUMBER: ClassVar[str] = "mof_div_code"
    mof_div_code: str
    name: str
    parent_div_code: str = ""
    tier_code: str

    def check(self) -> None:
        if self.tier_code not in TIERS:
            raise RequestError(
                Code.MALFORMED, "tier_code is 2 省, 3 市, 4 县 or 5 乡", pointer="/tier_code"
            )

    def decide(self, state: LedgerState, by: str) -> Decision:
        assert is_standing(state.ledger_id), "a division is opened in its standing ledger"
        for field in ("mof_div_code", "parent_div_code"):
            if code := getattr(self, field):
                state.codes.check(
                    "mof_div_code",
                    code,
                    on=state.today,
                    mof_div_code=code,
                    pointer=f"/{field}",
                )
        if state.settings.get(DIVISION).is_open:
            raise Refusal(Code.INVALID_STATE, "the division is open already")
        # point of no return
        opened = DivisionOpened(
            mof_div_code=self.mof_div_code,
            name=self.name,
            parent_div_code=self.parent_div_code,
            tier_code=self.tier_code,
            by=by,
        )
        return Decision(events=[(None, "", opened)], effective_on=state.today)
