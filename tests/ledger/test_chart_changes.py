"""Any change of one word of a chart is refused when it is loaded, or changes no posting."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from api.domains import DOMAINS as DOMAINS
from ledger.books import Books, parse_books
from ledger.elements.register import DIMENSIONS
from ledger.events import rule_needs
from tests.support.chart_texts import SHIPPED, changed, said_of


def postings(books: Books) -> list[object]:
    """All that the rules can do: journals and controls, over amounts that tell each other apart."""
    done: list[object] = []
    for rule, need in rule_needs().items():
        amounts = {name: 10**index for index, name in enumerate(need.amounts)}
        done.append(books.controlled(rule, amounts))
        for gov, dep, fund in (
            ("50201", "30201", "111"),
            ("50501", "31001", "2"),
            ("599", "3", "12"),
        ):
            codes = dict.fromkeys((*DIMENSIONS, "agency_type_code", "inc_sort_code"), "1")
            codes |= {"acct_cls_id": "B37"}  # 预拨经费
            codes |= {"gov_bgt_eco_code": gov, "dep_bgt_eco_code": dep, "fund_type_code": fund}
            if "inc_sort_code" in need.elements:  # of what lies at the treasury
                codes |= {"inc_sort_code": "10101", "fund_type_code": {"2": "13"}.get(fund, fund)}
            done.append(books.post(rule, source=1, number="x", amounts_fen=amounts, codes=codes))
    return done


WORDS = st.from_regex(r"[a-z_]{0,12}", fullmatch=True)
AMOUNTS = sorted({amount for need in rule_needs().values() for amount in need.amounts})
CONTROLS = ["available", "frozen", "occupied", "paid", "plan"]
RULES = re.findall(r"\[\[rules\]\]\n(?:.+\n)+", SHIPPED)
# elements that no event with a choice carries, so that none of them may be chosen by
STRANGE = ["bgt_type_code", "pay_bus_type_code", "mof_div_code"]
WORDS_OF_THE_CHART = {
    r'control = "(\w+)"': WORDS | st.sampled_from(CONTROLS),
    r'", "(\w+)"\]': WORDS | st.sampled_from(AMOUNTS),
    r'element = "(\w+)"': WORDS | st.sampled_from(STRANGE),
    r'event = "([\w.]+)"': WORDS | st.sampled_from(sorted(rule_needs())),
}


@st.composite
def one_word_changed(draw: st.DrawFn) -> str:
    """The shipped file with one name of a control, an amount, an element or a rule changed."""
    pattern = draw(st.sampled_from(sorted(WORDS_OF_THE_CHART)))
    found = draw(st.sampled_from(list(re.finditer(pattern, SHIPPED))))
    word = draw(WORDS_OF_THE_CHART[pattern])
    return SHIPPED[: found.start(1)] + word + SHIPPED[found.end(1) :]


@st.composite
def one_rule_changed(draw: st.DrawFn) -> str:
    """The shipped file with a rule left out, or written twice."""
    rule = draw(st.sampled_from(RULES))
    return changed(rule, draw(st.sampled_from(["", f"{rule}\n{rule}"])))


@given(text=one_word_changed() | one_rule_changed())
@settings(max_examples=200, deadline=None)
def test_one_change_is_refused_or_changes_no_posting(text: str) -> None:
    """An element that comes with the event may be put in the place of another: whose codes an
    account follows is the chart's to say."""
    if not said_of(text):
        assert postings(parse_books(text)) == postings(parse_books(SHIPPED))


def test_canary_a_change_that_is_not_found_shows_in_the_postings() -> None:
    other = parse_books(changed('"D1" }', '"D2" }'))
    assert postings(other) != postings(parse_books(SHIPPED))
