"""What a province's year goes through, and how far and how long each part of it has gone."""

from enum import StrEnum
from threading import Lock

from api.demo.budget import Preparing


class Stage(StrEnum):
    """One step of a payment's life, in bulk."""

    INDICATORS = "指标下达"
    APPLYING = "支付申请"
    APPROVING = "审核"
    SIGNING = "签章"
    PAYING = "银行支付"
    REFUNDING = "退款"
    CLEARING = "清算"
    CLOSING = "结账"
    YEAR_END = "年终"


AnyStage = Preparing | Stage
STAGES: tuple[AnyStage, ...] = (*Preparing, *Stage)


class Board:
    """Counts of all divisions together; safe between threads.

    Attributes:
        moved: how many payments (units, projects, drafts, rows, indicators, refunds, clearings,
            months) have passed a stage.
        spent_s: seconds that the divisions' threads spent in a stage, added up.
    """

    def __init__(self) -> None:
        self.moved = dict.fromkeys(STAGES, 0)
        self.spent_s = dict.fromkeys(STAGES, 0.0)
        self.by_division: dict[str, dict[AnyStage, int]] = {}
        self._lock = Lock()

    def note(self, division: str, stage: AnyStage, moved: int, spent_s: float) -> None:
        with self._lock:
            self.moved[stage] += moved
            self.spent_s[stage] += spent_s
            of_division = self.by_division.setdefault(division, dict.fromkeys(STAGES, 0))
            of_division[stage] += moved

    def of(self, division: str, stage: AnyStage) -> int:
        return self.by_division.get(division, {}).get(stage, 0)
