"""Which route an address belongs to: a tree of the segments of all paths.

A look-up costs one step a segment, however many routes there are. A segment that is written out
(``payments:batch``) comes before one that stands for a number (``{bgt_id}``).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from api.http.door import Route

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

REMEMBERED_MAX = 1024  # the addresses that are asked most hold no number of their own

Found = tuple[Route, Mapping[str, str]]


class Addresses:
    """All routes by method and path; of two with the same address the first one counts."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._put(route)
        self._remembered = lru_cache(REMEMBERED_MAX)(self._find)

    def find(self, method: str, path: str) -> Found | None:
        """The route and the values of its ``{…}`` segments; None where nothing is served."""
        return self._remembered(method, path)

    def _find(self, method: str, path: str) -> Found | None:
        values: list[str] = []
        served = _descend(self._root, path.split("/"), 0, values, method)
        if served is None:
            return None
        route, names = served
        return route, MappingProxyType(dict(zip(names, values, strict=True)))

    def methods(self, path: str) -> list[str]:
        """Every method that is served at this address."""
        return [method for method in METHODS if self.find(method, path) is not None]

    def _put(self, route: Route) -> None:
        node, names = self._root, []
        for segment in route.operation.path.split("/"):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.any = node = node.any or _Node()
            else:
                node = node.named.setdefault(segment, _Node())
        served = (route, tuple(names))
        node.served.setdefault(route.operation.method, served)
        if route.operation.method == "GET":
            node.served.setdefault("HEAD", served)


class _Node:
    """One segment: what may follow it, and what is served where a path ends with it."""

    __slots__ = ("any", "named", "served")

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.served: dict[str, tuple[Route, tuple[str, ...]]] = {}


def _descend(
    node: _Node, segments: list[str], at: int, values: list[str], method: str
) -> tuple[Route, tuple[str, ...]] | None:
    """Walks on from ``node``; ``values`` are those of the open segments on the way."""
    if at == len(segments):
        return node.served.get(method)
    segment = segments[at]
    if (named := node.named.get(segment)) is not None:
        found = _descend(named, segments, at + 1, values, method)
        if found is not None:
            return found
    if node.any is None or not segment:
        return None
    values.append(segment)
    found = _descend(node.any, segments, at + 1, values, method)
    if found is None:
        values.pop()
    return found
