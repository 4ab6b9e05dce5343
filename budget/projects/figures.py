"""项目金额: whether the years of a project make up its total, lie in its term, and are what its
standard comes to."""

from collections.abc import Iterable, Sequence

from budget.projects.events import ProjectYear
from budget.projects.project import PERSONNEL, PUBLIC, ProjectVersion
from ledger.elements.register import ElementRegister
from ledger.errors import Code, Refusal, RequestError
from ledger.money import AMOUNT_MAX_FEN, parse_yuan, stored_fen, yuan

TERM_MAX_YEARS = 50


def check_years(
    years: Sequence[ProjectYear], pointer: str = "/years", *, zero: bool = False
) -> None:
    """Raises RequestError: ``malformed`` for a year that stands there twice, ``invalid_amount``."""
    told = [year.fiscal_year for year in years]
    for index, fiscal_year in enumerate(told):
        check_year(fiscal_year, f"{pointer}/{index}/fiscal_year")
        if fiscal_year in told[:index]:
            raise RequestError(
                Code.MALFORMED,
                f"the year {fiscal_year} stands there twice",
                pointer=f"{pointer}/{index}/fiscal_year",
            )
    for index, year in enumerate(years):
        parse_yuan(year.amt, pointer=f"{pointer}/{index}/amt", zero=zero)


def check_year(fiscal_year: int, pointer: str) -> None:
    """Raises RequestError, ``malformed``."""
    ElementRegister.check_shape("fiscal_year", fiscal_year, pointer)


def check_term(pro_term: int | None) -> None:
    """Raises RequestError, ``malformed``."""
    if pro_term is not None and not 1 <= pro_term <= TERM_MAX_YEARS:
        raise RequestError(
            Code.MALFORMED, f"pro_term is 1 to {TERM_MAX_YEARS} years", pointer="/pro_term"
        )


def check_standard(standard_code: str, standard_amt: str, head_count: int | None) -> None:
    """A standard is named with the count that it is taken for, or not at all.

    Raises:
        RequestError: ``malformed``, ``invalid_amount``.
    """
    if head_count is not None and head_count < 0:
        raise RequestError(Code.MALFORMED, "head_count is a count", pointer="/head_count")
    if standard_code and not head_count:
        raise RequestError(
            Code.MALFORMED, "a standard is taken for a head_count", pointer="/head_count"
        )
    if standard_amt != "":
        if not standard_code:
            raise RequestError(
                Code.MALFORMED, "standard_amt is that of a standard_code", pointer="/standard_amt"
            )
        parse_yuan(standard_amt, pointer="/standard_amt")


def require_sums(version: ProjectVersion, pro_total_fen: int) -> None:
    """That a project's years lie in its term and make up its total, and that each of them is what
    its standard comes to, where it is computed from one 按标准测算.

    Raises:
        Refusal: ``budget_mismatch``, with the pointer of what is wrong.
    """
    _require_years_in_term(version)
    if version.standard_code:
        _require_standard(version)
    if version.pro_total_fen != pro_total_fen or not pro_total_fen:
        raise Refusal(
            Code.BUDGET_MISMATCH,
            f"the years make up {yuan(version.pro_total_fen)}, not the total of"
            f" {yuan(pro_total_fen)} 分年计划与总额不符",
            pointer="/pro_total_amt",
        )
    if pro_total_fen > AMOUNT_MAX_FEN:
        raise Refusal(Code.BUDGET_MISMATCH, "the total is too great", pointer="/pro_total_amt")


def _require_years_in_term(version: ProjectVersion) -> None:
    first, behind = version.pro_start_year, version.pro_start_year + version.pro_term
    for year in version.years:
        if not first <= year.fiscal_year < behind:
            raise Refusal(
                Code.BUDGET_MISMATCH,
                f"{year.fiscal_year} is outside the project's years {first} to {behind - 1}",
                pointer="/years",
            )


def _require_standard(version: ProjectVersion) -> None:
    if not version.pro_cat_code.startswith((PERSONNEL, PUBLIC)):
        raise Refusal(
            Code.BUDGET_MISMATCH,
            "only projects of personnel 人员类 and of running costs 公用经费 are computed from"
            f" standards, none of {version.pro_cat_code}",
            pointer="/standard_code",
        )
    due_fen = stored_fen(version.standard_amt) * version.head_count
    for year in version.years:
        if year.amt_fen != due_fen:
            raise Refusal(
                Code.BUDGET_MISMATCH,
                f"{version.head_count} at the standard {version.standard_code} of"
                f" {version.standard_amt} come to {yuan(due_fen)}, not to {yuan(year.amt_fen)}",
                pointer="/years",
                fiscal_year=year.fiscal_year,
            )


def require_known_years(version: ProjectVersion, granted: Iterable[ProjectYear]) -> None:
    """That only years of the project are granted; raises Refusal, ``budget_mismatch``."""
    years = {year.fiscal_year for year in version.years}
    for index, year in enumerate(granted):
        if year.fiscal_year not in years:
            raise Refusal(
                Code.BUDGET_MISMATCH,
                f"the project has no year {year.fiscal_year}",
                pointer=f"/audit_years/{index}/fiscal_year",
            )
