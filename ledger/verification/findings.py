"""What a verification counted, and what did not hold."""

from bisect import insort
from collections.abc import Iterable

import msgspec

KEPT_MAX = 20  # findings of one check that are told, the first ones; the others are counted


class Finding(msgspec.Struct, frozen=True, order=True):
    """One thing that does not hold.

    Attributes:
        position: of the first event that is wrong or missing; 0 where no event is.
        check: the name of the check that found it.
        detail: one sentence for a person.
        last: where a check knows no more than that something up to here is wrong; else as
            ``position``.
    """

    position: int
    check: str
    detail: str
    last: int


class Findings:
    """Collects for all checks of one history; memory is bounded whatever is wrong."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.wrong: dict[str, int] = {}
        self._kept: dict[str, list[Finding]] = {}
        self.noted: dict[str, int] = {}
        self.notes: list[Finding] = []

    def count(self, check: str, number: int) -> None:
        """So many more things were checked."""
        self.counts[check] = self.counts.get(check, 0) + number

    def add(self, check: str, position: int, detail: str, last: int = 0) -> None:
        """Something does not hold, at a position or somewhere from it to ``last``."""
        self.wrong[check] = self.wrong.get(check, 0) + 1
        self.counts.setdefault(check, 0)
        kept = self._kept.setdefault(check, [])  # a check need not find in order of position
        insort(kept, Finding(position, check, detail, last or position), key=_place)
        del kept[KEPT_MAX:]

    def note(self, check: str, position: int, detail: str) -> None:
        """Something is so that no rule forbade when it was recorded."""
        self.noted[check] = self.noted.get(check, 0) + 1
        if self.noted[check] <= KEPT_MAX:
            self.notes.append(Finding(position, check, detail, position))

    def all(self) -> list[Finding]:
        """Those that were kept, by position; those that are about no event come last.

        Where a check could say no more than a span, another's narrower finding inside it says
        where: a chain that breaks in a commit breaks at the event in it that was changed.
        """
        placed: list[Finding] = []
        kept = [finding for of_check in self._kept.values() for finding in of_check]
        for finding in sorted(kept, key=lambda f: f.last - f.position):
            inside = (p.position for p in placed if finding.position <= p.position <= finding.last)
            position = finding.position
            if finding.last > position:
                position = min(inside, default=position)
            placed.append(msgspec.structs.replace(finding, position=position))
        return sorted(placed, key=_place)


def first_of(findings: Iterable[Finding]) -> Finding | None:
    """The one with the lowest position, None where there are none."""
    return min(findings, key=_place, default=None)


def _place(finding: Finding) -> tuple[bool, int]:
    """Order of positions; what is about no event comes last."""
    return (not finding.position, finding.position)
