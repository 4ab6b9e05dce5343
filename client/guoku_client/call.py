"""A request as a value: what is sent, and how the answer is read. Pure, for both kinds of client.

The body is bytes from the beginning. Whoever repeats a call therefore sends the same number and
the same content, and no other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from guoku_client.errors import UnexpectedAnswer

T = TypeVar("T")
JSON = "application/json"
Query = Mapping[str, str | int | bool | date | None]


class Answer(NamedTuple):
    """A success."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and what its answer is read as.

    ``changes`` is whether it asks for an act: if the answer to one is lost, it may have been done.
    """

    method: str
    path: str
    read: Callable[[Answer], T] = field(repr=False)
    query: Query = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    changes: bool = False

    def dry_run(self) -> "Call[T]":
        """The same, of which nothing is stored; ``commit`` of the answer is None."""
        return replace(self, query={**self.query, "dry_run": True})

    def shown_query(self) -> dict[str, str]:
        """The query as it is written: True is ``true``, a day is 2026-03-02; None is left out."""
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in self.query.items()
            if value is not None
        }

    def sent_headers(self) -> dict[str, str]:
        media = {"Content-Type": JSON} if self.body is not None else {}
        return {"Accept": "*/*", **media, **self.headers}


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Some items, and how to ask for those that come after them; None where there are none.

    ``works`` is whether ``following`` computes something: an event loop does that in a thread.
    """

    items: list[T]
    following: Callable[[], "Call[Part[T]] | None"]
    works: bool = False


@dataclass(frozen=True, slots=True)
class Many(Generic[T]):
    """Items that are asked for part by part: the pages of a list, the portions of a batch."""

    first: Callable[[], Call[Part[T]] | None]


# ---- making calls


def path_of(*parts: str) -> str:
    """``/v1/…`` of parts that may hold anything: numbers are the caller's."""
    return "/v1/" + "/".join(quote(part, safe=":") for part in parts)


def asking(path: str, read: Callable[[Answer], T], **query: Any) -> Call[T]:
    return Call("GET", path, read, query)


def acting(path: str, read: Callable[[Answer], T], body: object, method: str = "POST") -> Call[T]:
    return Call(method, path, read, body=msgspec.json.encode(body), changes=True)


# ---- reading answers


def reader(*kinds: type[T]) -> Callable[[Answer], T]:
    """Reads an answer as the struct of its status: the first one; the second one of a 202."""
    decoders = [msgspec.json.Decoder(kind) for kind in kinds]

    def read(answer: Answer) -> T:
        accepted = answer.status == 202 and len(decoders) > 1
        return decoded(decoders[accepted], answer)

    return read


def decoded(decoder: "msgspec.json.Decoder[T]", answer: Answer) -> T:
    """Raises UnexpectedAnswer."""
    try:
        return decoder.decode(answer.content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        detail = f"the answer is not of the shape that was expected: {error}"
        raise UnexpectedAnswer(detail, answer.status) from error


def content(answer: Answer) -> bytes:
    """The bytes as they came."""
    return answer.content


json_of = reader(dict[str, Any])
