"""Faults of charts, by the check that finds them; those of the closing stand here."""

from typing import NamedTuple

from tests.support.chart_texts import SHIPPED, changed


class Case(NamedTuple):
    """A change of the shipped file, by the check that must find it; "" is that of its form.

    ``replaced``: parts of the text and what stands in their place; ``at``: a part of the line that
    is named, the first that has it and is no comment.
    """

    check: str
    replaced: tuple[str, ...]
    at: str
    reason: str
    of: str = SHIPPED

    @property
    def text(self) -> str:
        return changed(*self.replaced, text=self.of)

    @property
    def line(self) -> int:
        lines = enumerate(self.text.splitlines(), 1)
        return next(n for n, line in lines if self.at in line and not line.startswith("#"))


CLOSING = [
    Case(
        "books_are_kept_by_elements",
        ('kept_by = ["agency_code"]', 'kept_by = ["agency_cod"]'),
        'kept_by = ["agency_cod"]',
        "book D is kept by agency_cod; known are, each once, agency_code, pro_code",
    ),
    Case(
        "books_are_kept_by_elements",
        ("closes = false }", 'closes = false, kept_by = ["pro_code"] }'),
        "closes = false",
        "book A is not closed, so not kept",
    ),
    Case(
        "accounts_say_their_kind",
        ('code = "4603", kind = "revenue"', 'code = "4603"'),
        "D4603 =",
        "account D4603 says no kind",
    ),
    Case(
        "closings_name_accounts",
        ('accounts = ["D3301"]', 'accounts = ["D3303"]'),
        'accounts = ["D3303"]',
        "'D3303' is no account",
    ),
    Case(
        "closings_name_accounts",
        ('accounts = ["C35", "C15"]', 'accounts = ["C35", "C15", "C14"]'),
        '"C15", "C14"]',
        "C14 is emptied by 财政专户管理资金收支转结余 already",
    ),
    Case(
        "closings_name_accounts",
        ('accounts = ["C35", "C15"]\nto = "C55"', 'accounts = ["C35", "C15"]\nto = "B71" # it'),
        'to = "B71" # it',
        "step 专用基金收支转结余 is not of one book that is closed",
    ),
    Case(
        "closings_look_at_what_is_kept",
        (
            'distribute nothing\nelement = "agency_type_code"',
            'distribute nothing\nelement = "exp_func_code"',
        ),
        'to = "unit_surplus"',
        "choice unit_surplus is by exp_func_code, by which the book is not kept",
    ),
    Case(
        "nominal_accounts_come_to_nothing",
        ('"B88", "B89",', '"B88",'),
        "B89 =",
        "account B89 专用基金收入 is not empty behind the closing",
    ),
    Case(
        "nominal_accounts_come_to_nothing",
        ('accounts = ["E8701"]\nto = "E820204"', 'accounts = ["E8701"]\nto = "E820203"'),
        'to = "E820203"',
        "account E820203 非财政拨款结余—结转转入 is not empty behind the closing",
    ),
]
