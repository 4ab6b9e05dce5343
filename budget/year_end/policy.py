"""结转年限: when money that is carried over is 结转 still, and when it is 结余 that goes back.

预算法 §42: what has not been spent in two years is 结余. Of which money more years may pass (科研
经费) is the ledger's policy, which is data.
"""

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from budget.indicator import Indicator
from budget.year_end_events import CarryOverPolicySet, LongerTerm
from ledger.deciding.command import Command
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, RequestError
from ledger.events import Event

CARRY_YEARS = 2  # that of the appropriation, and the next
CARRY_YEARS_MAX = 10
LONGER_TERMS_MAX = 100


class CarryOverPolicy(msgspec.Struct, frozen=True):
    """For how many years money may stay unspent, that of its appropriation counted."""

    carry_years: int = CARRY_YEARS
    longer_terms: tuple[LongerTerm, ...] = ()

    def may_carry(self, indicator: Indicator, first_year: int, year: int) -> bool:
        """Whether what is left of an indicator at the end of ``year`` is 结转.

        Args:
            first_year: in which the money was appropriated.
        """
        terms = [self.carry_years, *_terms(self.longer_terms, indicator)]
        passed = year - first_year + 1
        return any(not term or passed < term for term in terms)


def _terms(longer: Iterable[LongerTerm], indicator: Indicator) -> Iterable[int]:
    issued = indicator.issued
    for term in longer:
        of_function = issued.exp_func_code.startswith(term.exp_func_code)
        if of_function and issued.fund_type_code.startswith(term.fund_type_code):
            yield term.carry_years


def _fold(policy: CarryOverPolicy, event: Event) -> CarryOverPolicy:
    if isinstance(event, CarryOverPolicySet):
        return CarryOverPolicy(event.carry_years, event.longer_terms)
    return policy


CARRY_OVER_POLICY = declare(Setting("carry_over_policy", CarryOverPolicy(), _fold))


class SetCarryOverPolicy(Command, frozen=True, kw_only=True):
    """结转年限: how long money is 结转, and of which money longer."""

    OPERATION: ClassVar[str] = "carry_over_policy.set"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "年终结转"
    carry_years: int = CARRY_YEARS
    longer_terms: tuple[LongerTerm, ...] = ()

    def check(self) -> None:
        """Raises RequestError ``malformed``."""
        if not 1 <= self.carry_years <= CARRY_YEARS_MAX:
            raise RequestError(
                Code.MALFORMED, f"carry_years is 1 to {CARRY_YEARS_MAX}", pointer="/carry_years"
            )
        if len(self.longer_terms) > LONGER_TERMS_MAX:
            raise RequestError(
                Code.MALFORMED, f"at most {LONGER_TERMS_MAX} longer terms", pointer="/longer_terms"
            )
        for index, term in enumerate(self.longer_terms):
            if not 0 <= term.carry_years <= CARRY_YEARS_MAX:
                raise RequestError(
                    Code.MALFORMED,
                    f"carry_years is 0 (without end) to {CARRY_YEARS_MAX}",
                    pointer=f"/longer_terms/{index}/carry_years",
                )

    def decide(self, state: LedgerState, by: str) -> Decision:
        policy = CarryOverPolicySet(
            carry_years=self.carry_years, longer_terms=self.longer_terms, by=by
        )
        return Decision(events=[(None, "", policy)], effective_on=state.today)
