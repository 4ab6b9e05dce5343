"""公务卡控制: whether a ledger pays 公务卡 by what was spent with registered cards alone."""

import msgspec

from ledger.deciding.settings import Setting, declare
from ledger.events import Event, LedgerOpened


class CardControl(msgspec.Struct, frozen=True):
    """Whether each line of a payment of type 公务卡 names what was spent; a ledger that an earlier
    release opened does not know of it."""

    on: bool = False


def _control(control: CardControl, event: Event) -> CardControl:
    return CardControl(event.card_control) if isinstance(event, LedgerOpened) else control


CARD_CONTROL = declare(Setting("card_control", CardControl(), _control))
