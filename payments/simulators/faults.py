"""What goes wrong at a simulated bank: by chance, but repeatable by a seed."""

import random
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from ledger.deciding.state import BEIJING

AS_ASKED: Final = "as-asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong, by rate 0.0 to 1.0, decided by the seed.

    Attributes:
        seed: the same seed and vouchers, the same faults.
        drop_ack_rate: of messages that are carried out and not acknowledged.
        ack_delay_s: the acknowledgement comes so long after the work is done.
        delay_s: every receipt comes so much later.
        duplicate_receipts: every receipt is sent twice.
        reject_rate: of vouchers or claims that are refused money.
        wrong_amount_rate: of claims answered with another amount (central bank only).
        day: the day it believes to be today; ``AS_ASKED`` for the date of what it answers, so that
            a month can be replayed on its own dates; None for its own clock's, in Beijing.
    """

    seed: int = 0
    drop_ack_rate: float = 0.0
    ack_delay_s: float = 0.0
    delay_s: float = 0.0
    duplicate_receipts: bool = False
    reject_rate: float = 0.0
    wrong_amount_rate: float = 0.0
    day: date | Literal["as-asked"] | None = None

    def day_of(self, asked: date) -> date:
        """The day on which it does what it was asked with this date."""
        if self.day == AS_ASKED:
            return asked
        return self.day or datetime.now(BEIJING).date()

    def strikes(self, rate: float, fault: str, number: str) -> bool:
        """Whether a fault of this rate strikes this voucher: always the same answer."""
        return rate > 0 and random.Random(f"{self.seed}/{fault}/{number}").random() < rate  # noqa: S311
