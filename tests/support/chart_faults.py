"""Faults of charts, by the check that finds them; those of the closing, and of what is said
twice, stand here."""

from typing import NamedTuple

from tests.support.chart_texts import NEWEST, SHIPPED, changed


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

AGAIN = """\
[[rules]]
event = "payment.applied" # one
lines = [["A3", "A5", "pay"]]

[[rules]]
event = "payment.applied" # again
lines = [["A3", "A5", "pay"]]

"""
TWICE = [
    Case(
        "rules_are_those_of_the_program",
        (
            '[[rules]]\nevent = "indicator.carried_over"',
            AGAIN + '[[rules]]\nevent = "indicator.carried_over"',
        ),
        "# again",
        "there is a rule payment.applied already",
        NEWEST,
    ),
    Case(
        "closings_name_accounts",
        ('accounts = ["C35", "C15"]', 'accounts = ["C35", "C15", "C35"]'),
        'accounts = ["C35", "C15", "C35"]',
        "C35 is emptied by 专用基金收支转结余 already",
    ),
    Case(
        "pairs_share_no_money",
        ('financial = ["D1011"]', 'financial = ["D1011", "D1011"]'),
        'financial = ["D1011"',
        "D1011 stands in unit_quota already",
    ),
    Case(
        "pairs_share_no_money",
        ('outside = ["B39", "B54", "B55"]', 'outside = ["B39", "B2"]'),
        'outside = ["B39", "B2"]',
        "B2 stands in special_accounts already",
    ),
]
# what would load, and book or carry over something else than was meant
OTHERWISE_MEANT = [
    Case(
        "nominal_accounts_move_on_their_side",
        ('["unit_outlay", "E3", "paid"]', '["E3", "unit_outlay", "paid"]'),
        '["E3", "unit_outlay", "paid"]',
        "rule voucher.receipted: paid is no taking back, and E3 stands on the debit side",
    ),
    Case(
        "nominal_accounts_move_on_their_side",
        ('["C34", "C2", "returned"]', '["C2", "C34", "returned"]'),
        '["C2", "C34", "returned"]',
        "rule special_income.reported: returned takes back, and C34 stands on the credit side",
    ),
    Case(
        "books_are_kept_by_elements",
        (', kept_by = ["agency_code"] }', " }"),
        "D = {",
        "book D is of units, and is not kept by agency_code",
    ),
    Case(
        "prefixes_begin_codes",
        ('"B35" = "B35"', '"B3S" = "B35"'),
        '"B3S"',
        "choice advance: no acct_cls_id begins with 'B3S'",
    ),
]
