"""Charts that do not agree with one another are refused when they are loaded, with both files."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.books import agreement, load_charts
from ledger.errors import ConfigurationError
from tests.support.chart_texts import SHIPPED, changed, later


class Together(NamedTuple):
    """Charts that are loaded in one go, by the check that must find that they do not agree.

    The text of the later one is wrong at ``at``; ``reason`` holds {0} for the earlier file.
    """

    check: str
    earlier: str
    text: str
    at: str
    reason: str


# with what the shipped chart before it books, too: 还本, 补助, 转贷, 债务收入
OWN = changed(
    '"599" = "B19"',
    '"51201" = "B57", "51202" = "B60", "51301" = "B20", "51303" = "B40", "599" = "B19"',
    *('"103" = "B82"', '"103" = "B82", "105" = "B57", "11011" = "B59"'),
    '"103" = "budget_income_of_fund"',
    '"103" = "budget_income_of_fund", "105" = "C41", "11011" = "C42"',
)
JULY = later(OWN, "2026.2", "2026-07-01")
OTHER_ACCOUNT = (  # 支付 is 结转's account now
    *(', control = "paid"', "", "A7 = {", 'A7 = { control = "paid",'),
    *('"A5", "A6", "paid"', '"A5", "A7", "paid"') * 3,
    *('"A3", "A6"', '"A3", "A7"') * 3,
    *('"A6", "A3"', '"A7", "A3"') * 8,
    *('"A3", "A7", "amount"', '"A3", "A6", "amount"', '"A8", "A7"', '"A8", "A6"'),
    '["A6", "A1", "amount"], ["A7", "A1", "carried"]',
    '["A7", "A1", "amount"], ["A6", "A1", "carried"]',
)
OCTOBER = later(OWN, "2026.3", "2026-10-01")
TOGETHER = [
    Together(
        "versions_are_told_apart",
        JULY,
        later(OWN, "2026.2", "2026-10-01"),
        "version =",
        "version '2026.2' is that of {0}:9 already",
    ),
    Together(
        "days_are_told_apart",
        JULY,
        later(OWN, "2026.3", "2026-07-01"),
        "valid_from =",
        "from 2026-07-01 the chart of {0}:10 is valid already",
    ),
    Together(
        "letters_keep_their_book",
        changed("[accounts]", 'G = { name = "cash", title = "现金" }\n[accounts]', text=JULY),
        changed("[accounts]", 'G = { name = "tax", title = "税" }\n[accounts]', text=OCTOBER),
        "G =",
        "G is the letter of book cash in {0}:20",
    ),
    Together(
        "controls_keep_their_account",
        JULY,
        changed(*OTHER_ACCOUNT, text=OCTOBER),
        "A7 =",
        "control 'paid' is that of account A6 in {0}:28",
    ),
    Together(
        "codes_keep_an_account",
        JULY,
        changed('"13" = "C13"', '"13" = ""', text=OCTOBER),
        '"13"',
        "choice treasury_outlay has no account for fund_type_code '13', for which the chart of",
    ),
]


def loaded(tmp_path: Path, *texts: str) -> list[Path]:
    """The texts as files."""
    paths = [tmp_path / f"own-{number}.toml" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


@pytest.mark.parametrize("case", TOGETHER, ids=lambda case: case.check)
def test_charts_that_do_not_agree_are_refused_with_both_files(
    case: Together, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier, own = loaded(tmp_path, case.earlier, case.text)
    line = next(n for n, line in enumerate(case.text.splitlines(), 1) if case.at in line)
    said = f"{own}:{line}: {case.reason.format(earlier)}"
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        load_charts([earlier, own])
    others = tuple(check for check in agreement.CHECKS if check.__name__ != case.check)
    monkeypatch.setattr(agreement, "CHECKS", others)
    load_charts([earlier, own])  # without this check nothing is found


def test_every_check_of_agreement_has_a_fault_that_it_finds() -> None:
    assert [check.__name__ for check in agreement.CHECKS] == [case.check for case in TOGETHER]


def test_a_copy_of_the_shipped_chart_needs_a_version_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"own-0\.toml:9: .*2026\.toml:9 already"):
        load_charts(loaded(tmp_path, SHIPPED))


def test_a_new_year_may_begin_with_other_accounts(tmp_path: Path) -> None:
    """A ledger is of a year: what is issued in it is paid under the charts of that year."""
    text = changed(*OTHER_ACCOUNT, '"13" = "C13"', '"13" = ""')
    assert load_charts(loaded(tmp_path, later(text, "2027.1", "2027-01-01")))


def test_a_file_that_is_no_text_is_refused_with_its_line(tmp_path: Path) -> None:
    [path] = loaded(tmp_path, "")
    path.write_bytes('version = "1"\ntitle = "国"'.encode("gbk"))
    with pytest.raises(ConfigurationError, match=re.escape(f"{path}:2: this is not UTF-8")):
        load_charts([path])
