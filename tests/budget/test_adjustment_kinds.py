"""The file of kinds of adjustment: what loaded in silence, and moved money between any two rows."""

import re

import pytest

from budget.adjusting.kinds import adjustment_kinds, read_kinds
from ledger.errors import ConfigurationError
from tests.support.paths import ROOT

SHIPPED = (ROOT / "budget" / "adjusting" / "kinds.toml").read_text(encoding="utf-8")


def refused(old: str, new: str) -> str:
    assert SHIPPED.count(old) >= 1
    with pytest.raises(ConfigurationError) as no:
        read_kinds(SHIPPED.replace(old, new, 1), "own.toml")
    return str(no.value.detail)


def test_the_shipped_kinds_hold_together() -> None:
    assert read_kinds(SHIPPED, "kinds.toml") == adjustment_kinds()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "追加"', 'titel = "追加"', "unknown key 'titel'"),
        ('title = "追加"\n', "", "title is missing"),
        ('amount = "adj"', 'amount = "ajd"', "Invalid enum value 'ajd'"),
        ("gives = true", "gives = 1", "Expected `bool`, got `int`"),
        ('"agency_code", ', '"agency_cod", ', "Invalid enum value 'agency_cod'"),
        ('amount = "adj"\ngives', 'amount = "adj"\ntakes = true\ngives', "either takes or gives"),
        ('amount = "adj"\ngives = true', 'amount = "adj"', "调整 either takes or gives"),
        ("takes = true\ngives = true", "takes = true", "takes what it gives elsewhere"),
        ("takes = true\ngives = true", "gives = true", "takes what it gives elsewhere"),
        ('"514"', '"51"', "from_eco is 514 预备费, or is not said"),
        ('"514"', '"502"', "from_eco is 514 预备费, or is not said"),
        ('["agency_code"]', '["fund_type_code"]', "an element is the same and differs"),
        (
            'amount = "adj"\ngives = true',
            'amount = "adj"\ngives = true\nsame = ["fund_type_code"]',
            "one row alone is compared with none",
        ),
        ("[cut]", "[addition]", "Cannot declare ('addition',) twice"),
        ("[cut]", "[cut", "Expected ']'"),
    ],
)
def test_a_kind_that_does_not_hold_together_is_refused(old: str, new: str, said: str) -> None:
    reason = refused(old, new)
    assert said in reason
    assert re.match(r"own\.toml:\d+: ", reason)
