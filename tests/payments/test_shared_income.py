"""分成: to each treasury its share of what came, to the fen, and the shares come to the whole."""

from typing import Any

import msgspec
import pytest

from ledger.errors import RequestError
from ledger.money import yuan
from payments.messages import income_3401
from payments.simulators.answers import Notice
from payments.simulators.sharing import SharedIncomeTold, send_shared_income, shared_between

DAY = "2026-01-15"
VAT, FUND = "10101", "111"
VAT_SHARES = {"1": 50_00, "2": 12_50, "4": 37_50}  # 中央, 省, 县


class CentralBank:
    """Keeps what goes out."""

    def __init__(self) -> None:
        self.sent: dict[str, Any] = {}

    def send(self, notice: Notice, adm_div_code: str, st_year: int) -> None:
        report = income_3401.parse(notice.document)
        assert (report.adm_div_code, report.st_year) == (adm_div_code, st_year)
        self.sent[report.tre_code] = [
            (line.inc_sort_code, line.budget_level_code, yuan(line.day_amt))
            for line in report.lines
        ]


def shares(code: str, start: str = "2026-01-01", end: str = "", **parts: str) -> dict[str, Any]:
    told: dict[str, Any] = {"inc_sort_code": code, "start_date": start}
    told["parts"] = [
        {"budget_level_code": level.removeprefix("of_"), "percent": percent}
        for level, percent in parts.items()
    ]
    return told | ({"end_date": end} if end else {})


USUAL = shares("101", of_1="50.00", of_2="12.50", of_4="37.50")
COUNTY = {"budget_level_code": "4", "tre_code": "4412820000", "ledger": "441282000-2026"}
PROVINCE = {"budget_level_code": "2", "tre_code": "4400000000"}


def send(*rows: dict[str, Any], amt: str = "1000.00", day: str = DAY, **more: Any) -> Any:
    bank = CentralBank()
    told = {
        "report_date": day,
        "income": [{"inc_sort_code": VAT, "fund_type_code": FUND, "amt": amt}],
        "shares": rows or [USUAL],
        "treasuries": [PROVINCE, COUNTY],
        **more,
    }
    send_shared_income(bank, msgspec.convert(told, SharedIncomeTold))  # type: ignore[arg-type]
    return bank.sent


def test_each_treasury_is_told_its_share() -> None:
    """1,000.00 增值税: 500.00 are the centre's, which has no account here."""
    assert send() == {
        "4400000000": [(VAT, "2", "125.00")],
        "4412820000": [(VAT, "4", "375.00")],
    }


def test_what_went_back_is_shared_alike() -> None:
    assert send(amt="-0.08")["4412820000"] == [(VAT, "4", "-0.03")]


@pytest.mark.parametrize("amount_fen", [0, 1, 2, 3, 7, 99, 100_01, 9_999_999_999_999_999_99])
def test_no_fen_is_lost(amount_fen: int) -> None:
    for fen in (amount_fen, -amount_fen):
        assert sum(shared_between(fen, VAT_SHARES).values()) == fen


def test_the_fen_that_are_left_go_where_most_was_lost() -> None:
    """0.03: 0.015, 0.00375 and 0.01125; of three thirds the higher tier has the odd fen."""
    assert shared_between(3, VAT_SHARES) == {"1": 2, "2": 0, "4": 1}
    assert shared_between(1_00, {"2": 50_00, "4": 50_00}) == {"2": 50, "4": 50}
    assert shared_between(1, {"2": 50_00, "4": 50_00}) == {"2": 1, "4": 0}
    assert shared_between(-1, {"2": 50_00, "4": 50_00}) == {"2": -1, "4": 0}


def test_the_longest_code_and_the_day_say_which_shares_hold() -> None:
    of_vat = shares(VAT, "2026-02-01", of_4="100.00")
    assert send(USUAL, of_vat)["4400000000"] == [(VAT, "2", "125.00")]
    assert send(USUAL, of_vat, day="2026-02-02") == {
        "4400000000": [],
        "4412820000": [(VAT, "4", "1000.00")],
    }, "who has no share has a report all the same"


def test_what_is_an_accounts_own_stands_beside() -> None:
    fine = {"inc_sort_code": "10305", "fund_type_code": FUND, "budget_level_code": "4"}
    own = {**COUNTY, "lines": [{**fine, "amt": "5.00"}]}
    assert send(treasuries=[own])["4412820000"] == [(VAT, "4", "375.00"), ("10305", "4", "5.00")]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([shares("101", of_1="50.00", of_4="49.99")], "99.99 %"),
        ([shares("101", of_1="50.00", of_4="50.01")], "100.01 %"),
        ([shares("103", of_4="100.00")], "not shared"),
        ([shares("101", "2026-01-16", of_4="100.00")], "not shared"),
        ([shares("101", end="2026-01-14", of_4="100.00")], "not shared"),
        ([USUAL, shares("101", "2026-06-01", of_4="100.00")], "two ways"),
    ],
)
def test_shares_that_do_not_hold(rows: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(RequestError, match=why):
        send(*rows)


def test_a_tier_has_one_share_and_one_account() -> None:
    twice = {**USUAL, "parts": [{"budget_level_code": "4", "percent": "50.00"}] * 2}
    with pytest.raises(RequestError, match="named twice"):
        send(twice)
    with pytest.raises(RequestError, match="named twice"):
        send(treasuries=[COUNTY, COUNTY])
    ended = shares("101", "2025-01-01", "2025-12-31", of_4="100.00")
    assert send(USUAL, ended)["4412820000"] == [(VAT, "4", "375.00")]
