"""One object of a ledger as it stands now, folded from its events."""

from typing import Any

from psycopg import Connection

from api.http.call import Call
from api.http.moments import wait_for_head
from ledger.deciding.objects import AnyKind
from ledger.errors import Code, Refusal
from ledger.reading.objects import read_head, read_objects
from projections.core.moments import one_moment


def object_now(
    connection: Connection, key: int, kind: AnyKind, number: str, *also: AnyKind
) -> tuple[int, Any]:
    """The ledger's position, and the object as the events until then make it; within
    :func:`one_moment`, where more is read of the same.

    Args:
        also: kinds in which it is looked for where it is not of the first.

    Raises:
        Refusal: ``not_found``.
    """
    with one_moment(connection):
        head = read_head(connection, key)
        found = None
        for each in (kind, *also):
            found = found or read_objects(connection, key, each, [number]).get(number)
    if head is None or found is None:
        raise Refusal(Code.NOT_FOUND, f"no {kind.name.replace('_', ' ')} {number!r}")
    return head.position, found


async def shown_object(
    call: Call, key: int, kind: AnyKind, number: str, *also: AnyKind
) -> tuple[int, Any]:
    """The same for a call, once the ledger has reached the position that it waits for."""
    await wait_for_head(call, key)
    return await call.read(lambda connection: object_now(connection, key, kind, number, *also))
