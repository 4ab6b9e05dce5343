"""The examples of docs/indicators.md, run as they stand there."""

import re
from typing import Any

import pytest

from budget import advancing, distributing, indicators, issuing, staging
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "indicators.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
OPERATIONS = set(re.findall(r"\| `([\w.]+)` \| `\w+` \| `[\w.]+`", PAGE))


def named() -> dict[str, Any]:
    """The commands that a budget has, by the names of their classes."""
    modules = (advancing, distributing, indicators, issuing, staging)
    acts = {name: kind for module in modules for name, kind in vars(module).items()}
    return {name: kind for name, kind in acts.items() if isinstance(kind, type)}


@pytest.mark.parametrize("example", EXAMPLES, ids=[text.split("\n")[1][:40] for text in EXAMPLES])
def test_an_example_holds(bookkeeper: Bookkeeper, example: str) -> None:
    exec(example, {"b": bookkeeper, "payment": payment, **named()})


def test_an_example_can_fail(bookkeeper: Bookkeeper) -> None:
    with pytest.raises(AssertionError):
        exec(EXAMPLES[0].replace("7500.00", "7499.99"), {"b": bookkeeper, **named()})


def test_the_page_has_every_act() -> None:
    acts = {kind.OPERATION for kind in named().values() if getattr(kind, "OPERATION", "")}
    assert acts == OPERATIONS
