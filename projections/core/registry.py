"""The read models that the program has: each enters itself when its module is loaded."""

from projections.core.fold import Projection

_declared: dict[str, Projection] = {}


def declare(projection: Projection) -> Projection:
    """Enters a read model; raises ValueError for a name that is taken."""
    if _declared.setdefault(projection.name, projection) is not projection:
        raise ValueError(f"the projection {projection.name!r} is declared twice")
    return projection


def declared() -> tuple[Projection, ...]:
    """All of them, in the order in which they were entered.

    Raises:
        LookupError: none is, because nobody has loaded ``projections.catalogue``.
    """
    if not _declared:
        raise LookupError("no read model is declared: load projections.catalogue")
    return tuple(_declared.values())


def by_name(name: str) -> Projection | None:
    """The projection called ``name``, or None."""
    return _declared.get(name)
