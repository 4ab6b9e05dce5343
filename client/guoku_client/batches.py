"""Many acts at once: portions of a request each, and a result for each, beside what was asked.

A portion is made once. If its answer is lost, because the server was restarted in the middle, the
same portion is sent again: what was done of it is answered ``replayed``, what was not is done now.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec

from guoku_client.call import Answer, Call, Many, Part, acting, decoded
from guoku_client.errors import Problem, UnexpectedAnswer, problem_from

A = TypeVar("A")
PORTION_ITEMS, ITEMS_MAX = 1000, 5000
ACCEPTED = frozenset({"created", "replayed", "submitted"})
MINIMAL = {"Prefer": "return=minimal"}


@dataclass(frozen=True, slots=True)
class Result(Generic[A]):
    """What became of one item.

    Attributes:
        asked: as it was handed over.
        number: its business number.
        status: created, replayed (done before, by whom it was asked), submitted (others have to
            agree) or refused.
        problem: why it was refused, None where it was not.
    """

    asked: A
    number: str
    status: str
    problem: Problem | None = None

    @property
    def accepted(self) -> bool:
        return self.status in ACCEPTED


class _Item(msgspec.Struct, kw_only=True):
    index: int
    status: str
    problem: dict[str, Any] | None = None
    payment: dict[str, Any] | None = None
    indicator: dict[str, Any] | None = None
    document: dict[str, Any] | None = None


class _Results(msgspec.Struct):
    results: list[_Item]


_decoder = msgspec.json.Decoder(_Results)


def in_portions(
    path: str,
    items: Iterable[A],
    number_of: Callable[[A], str],
    body_of: Callable[[list[A]], object],
    *,
    size: int = PORTION_ITEMS,
    atomic: bool = False,
) -> Many[Result[A]]:
    """The acts in their order, at most ``size`` a request; they are taken as they are needed.

    Args:
        atomic: all of them or none, in one request; then there may be at most 5000.

    Raises:
        ValueError: for a size that no request has, or too many items of an atomic batch.
    """
    if not 1 <= size <= ITEMS_MAX:
        raise ValueError(f"a request holds 1 to {ITEMS_MAX} items")
    if atomic:
        items, size = list(items), ITEMS_MAX
        if len(items) > ITEMS_MAX:
            raise ValueError(f"an atomic batch holds at most {ITEMS_MAX} items")
    source = iter(items)

    def following() -> Call[Part[Result[A]]] | None:
        portion = list(islice(source, size))
        if not portion:
            return None

        def read(answer: Answer) -> Part[Result[A]]:
            return Part(list(matched(answer, portion, number_of)), following)

        call = acting(path, read, body_of(portion))
        query = {"mode": "atomic"} if atomic else {}
        return Call(call.method, path, read, query, call.body, MINIMAL, changes=True)

    return Many(following)


def matched(answer: Answer, asked: list[A], number_of: Callable[[A], str]) -> Iterator[Result[A]]:
    """Each result beside its item, held against it.

    Raises:
        UnexpectedAnswer: there is one too many or too few, at another place, or of another number.
    """
    results = decoded(_decoder, answer).results
    if [item.index for item in results] != list(range(len(asked))):
        detail = f"{len(asked)} items were asked, and {len(results)} results do not answer them"
        raise UnexpectedAnswer(detail, answer.status)
    for item, one in zip(results, asked, strict=True):
        number = number_of(one)
        if _number_told(item) not in (None, number):
            raise UnexpectedAnswer(f"item {item.index} is {number}, its result is another's")
        problem = problem_from(item.problem) if item.problem is not None else None
        if (problem is None) != (item.status in ACCEPTED):
            raise UnexpectedAnswer(f"item {item.index} is {item.status}, which says nothing")
        yield Result(one, number, item.status, problem)


def _number_told(item: _Item) -> Any:
    """Whose result it is, where it says so: a brief one does not."""
    if item.document is not None:
        return item.document.get("number")
    if item.payment is not None:
        return item.payment.get("pay_app_no")
    return item.indicator.get("bgt_id") if item.indicator is not None else None
