"""Event types are asked for, not listed: a list by hand forgets the next act that is added."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.domains import DOMAINS
from ledger.deciding.command import commands
from ledger.events import TYPES, Event, Traits, register, title_of, types_that
from ledger.verification.grammar import grammar
from tests.support.sources import nodes_of, place, source_files, tree_of

NAMES = {cls.__name__ for cls in TYPES.values()}
LISTED_MAX = 2  # of a display; from three on it is a list that somebody keeps


def lists_by_hand(tree: ast.Module) -> Iterator[ast.AST]:
    """Tuples, lists and sets of event types, wherever they stand but in ``register`` and ``match``.

    A mapping from types to what is done with each is no such list: what it lacks is told by a test
    of its own, or passed over on purpose.
    """
    for node in nodes_of(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            named = [each for each in node.elts if _name(each) in NAMES]
            if len(named) > LISTED_MAX:
                yield node


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def test_nobody_keeps_a_list_of_event_types() -> None:
    kept = [place(path, node) for path in source_files() for node in lists_by_hand(tree_of(path))]
    assert kept == []


def test_a_list_by_hand_is_found() -> None:
    tree = ast.parse("KEPT = (PaymentApplied, PaymentApproved, VoucherSent)")
    assert list(lists_by_hand(tree)) != []


def test_every_type_is_asked_by_a_command_or_follows_one() -> None:
    asked = {cls.TRAITS.asked_by for cls in types_that(lambda traits: bool(traits.asked_by))}
    assert asked <= commands().keys()
    begun = {name.decode() for name in grammar().begins}
    followed = {name.decode() for name in grammar().follows}
    assert begun | followed | {"command.refused"} == TYPES.keys()


def test_every_command_of_a_domain_is_answered_by_a_type() -> None:
    asked = {cls.TRAITS.asked_by for cls in TYPES.values()}
    # a refusal found before the books were asked is put on record under the operation refused
    assert commands().keys() - {"refusal.record"} <= asked


def test_every_rule_that_is_posted_belongs_to_one_type() -> None:
    rules = [rule for cls in TYPES.values() for rule in cls.TRAITS.posts]
    assert len(set(rules)) == len(rules)


def test_every_type_that_a_trace_shows_has_a_title() -> None:
    shown = types_that(lambda traits: bool(traits.step))
    assert [cls.TYPE for cls in shown if not cls.TRAITS.title] == []
    assert (title_of("clearing.requested"), title_of("nobody.knows")) == ("申请划款", "")


def test_a_name_is_entered_once_and_says_what_it_is() -> None:
    class Twice(Event, frozen=True, kw_only=True):
        TYPE = "payment.applied"
        TRAITS = Traits("payment")

    class Silent(Event, frozen=True, kw_only=True):
        TYPE = "payment.whispered"

    for wrong in (Twice, Silent):
        with pytest.raises(ValueError, match=wrong.__name__):
            register(wrong)
    assert "payment.whispered" not in types_of_today()


def types_of_today() -> set[str]:
    return {cls.TYPE for cls in types_that(lambda _: True)}


def test_every_domain_is_named() -> None:
    """A process that judges whole histories loads them by this one list."""
    named = {Path(str(domain.__file__)) for domain in DOMAINS}
    defining = {
        path
        for path in source_files("ledger", "budget", "payments")
        for node in nodes_of(tree_of(path))
        if isinstance(node, ast.AnnAssign)
        and getattr(node.target, "id", "") == "OPERATION"
        and isinstance(node.value, ast.Constant)
        and node.value.value
    }
    unknown = {path.name for path in defining if path not in named} - {"batch.py", "command.py"}
    assert unknown == set()
