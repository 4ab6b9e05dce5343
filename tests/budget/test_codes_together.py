"""要素之间: what an indicator's codes must agree in, before any money is tied to them."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

from typing import Any

import pytest

from ledger.books.charts import shipped_books
from tests.support.bookkeeper import ELEMENTS, Bookkeeper, payment
from tests.support.http_server import HttpTreasury, http


def refused(http: HttpTreasury, **elements: str) -> tuple[str, str]:
    body = {"bgt_id": http.number("B"), "amount": "1000.00", **ELEMENTS, **elements}
    problem = http.post("…/indicators", body).json()
    return problem["code"], problem["pointer"]


@pytest.mark.parametrize(
    ("elements", "code", "pointer"),
    [
        # scenarios 41 and 42
        ({"exp_func_code": "2120801"}, "element_mismatch", "/exp_func_code"),
        (
            {"fund_type_code": "122", "exp_func_code": "2010101"},
            "element_mismatch",
            "/exp_func_code",
        ),
        (
            {"gov_bgt_eco_code": "50206", "dep_bgt_eco_code": "30216"},
            "element_invalid",
            "/dep_bgt_eco_code",
        ),
        # classes, of which only a part is paid
        ({"exp_func_code": "20101"}, "element_invalid", "/exp_func_code"),
        ({"gov_bgt_eco_code": "502"}, "element_invalid", "/gov_bgt_eco_code"),
        ({"dep_bgt_eco_code": "302"}, "element_invalid", "/dep_bgt_eco_code"),
        ({"fund_type_code": "1"}, "element_invalid", "/fund_type_code"),
        ({"fund_type_code": "11"}, "element_invalid", "/fund_type_code"),
        # what no payment is an expense of, and what another channel pays
        ({"gov_bgt_eco_code": "51401"}, "element_invalid", "/dep_bgt_eco_code"),
        ({"fund_type_code": "14"}, "element_invalid", "/fund_type_code"),
    ],
)
def test_codes_that_do_not_hang_together_are_refused(
    http: HttpTreasury, elements: dict[str, str], code: str, pointer: str
) -> None:
    assert refused(http, **elements) == (code, pointer)


@pytest.mark.parametrize(
    "elements",
    [
        {"fund_type_code": "121", "exp_func_code": "2120801"},
        {"fund_type_code": "122", "exp_func_code": "2290402"},
        {"fund_type_code": "13", "exp_func_code": "2230101"},
        {"gov_bgt_eco_code": "50203", "dep_bgt_eco_code": "30216"},
        {"gov_bgt_eco_code": "50502", "dep_bgt_eco_code": "30226"},
    ],
)
def test_codes_that_do_are_issued(http: HttpTreasury, elements: dict[str, str]) -> None:
    assert http.indicator("1000.00", **elements)


def test_a_payment_says_what_its_indicator_says(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper
    b.issue("B", "100.00", dep_bgt_eco_code="30201")
    assert b.refusal(payment("P1", "B", "1.00", dep_bgt_eco_code="302")) == "element_mismatch"
    assert b.apply("P2", "B", "1.00", dep_bgt_eco_code="30201").problem is None


@pytest.mark.parametrize("gov", ["512", "51304", "51401", "515", "5"])
def test_the_books_have_no_expense_for_what_is_none(gov: str) -> None:
    """Each fell to 其他拨款费用."""
    codes: dict[str, Any] = {**ELEMENTS, "agency_type_code": "", "gov_bgt_eco_code": gov}
    assert shipped_books().uncovered(codes) == "gov_bgt_eco_code"


def test_fund_1_is_no_fund_in_the_books() -> None:
    assert (
        shipped_books().uncovered({**ELEMENTS, "agency_type_code": "", "fund_type_code": "1"})
        == "fund_type_code"
    )
    assert (
        shipped_books().uncovered({**ELEMENTS, "agency_type_code": "", "gov_bgt_eco_code": "59999"})
        == ""
    )
