"""Files that callers send: streamed to disk, digested on the way, and gone when they were read."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO, TypeVar

from api.http.admission import record_refusal
from api.http.call import Call
from ledger.errors import NO_ROOM, AccessError, Code, Refusal, RequestError, UnavailableError

T = TypeVar("T")

FILE_BYTES_MAX = 1024 * 1024 * 1024
_PART_BYTES = 1 << 20
FILES = (
    "text/csv",
    "application/x-ndjson",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)


def published_files(description: str) -> dict[str, Any]:
    """The body of such an operation, for the document; ``description`` is of a file's rows."""
    schema = {"type": "string", "format": "binary", "description": description}
    content = {media: {"schema": schema} for media in FILES}
    return {"requestBody": {"required": True, "content": content}}


def media_of(call: Call) -> tuple[str, str]:
    """The media type and the character set that the caller says; "" for what he does not say."""
    kind, _, parameters = call.headers.get("content-type", "").lower().partition(";")
    _, _, charset = parameters.partition("charset=")
    return kind.strip(), charset.strip(' "')


@contextmanager
def upload_file(call: Call) -> Iterator[BinaryIO]:
    """A file without a name: it is gone when it is closed, also by a kill.

    Raises:
        UnavailableError: there is no room for what is written to it.
    """
    folder = call.treasury.settings.data
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            yield file
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        reason = f"a file finds no room: {error.strerror}"
        raise UnavailableError(Code.UNAVAILABLE, reason) from error


async def read_upload(
    call: Call, key: int, operation: str, number: str, read: Callable[..., T], bytes_max: int
) -> tuple[T, str]:
    """What ``read`` makes of the body as a file, of its media type and its character set; and the
    SM3 of it in hex. A file that is refused with its errors is a refusal of the act on record.

    Raises:
        RequestError: ``too_many_items``, or what ``read`` raises.
        Refusal: as ``read`` does.
        UnavailableError: there is no room for it.
    """
    with upload_file(call) as file:
        file_sm3 = await receive(call, file, bytes_max)
        try:
            return await call.in_thread(read, file, *media_of(call)), file_sm3
        except Refusal as refusal:
            if not call.dry_run:
                await record_refusal(call, key, operation, number, refusal)
            raise


async def receive(call: Call, file: BinaryIO, bytes_max: int = FILE_BYTES_MAX) -> str:
    """Writes the body to the file; its SM3 in hex.

    Raises:
        RequestError: ``too_many_items``.
        AccessError: the caller's token or rights, which were looked at before, have ended or
            changed while the file came.
    """
    admitted, since_s = call.caller, call.head_came_s
    digest = hashlib.new("sm3")
    parts: list[bytes] = []
    waiting = size = 0
    async for part in call.stream():
        parts.append(part)
        waiting += len(part)
        size += len(part)
        if size > bytes_max:
            raise RequestError(Code.TOO_MANY_ITEMS, f"a file has at most {bytes_max} bytes")
        if waiting >= _PART_BYTES:
            await call.in_thread(_write, file, digest, parts)
            parts, waiting = [], 0
    await call.in_thread(_write, file, digest, parts)
    file.seek(0)
    await call.ask_again(since_s)
    if call.caller != admitted:
        raise AccessError(Code.FORBIDDEN, "the caller's rights have changed while the file came")
    return digest.hexdigest()


def _write(file: BinaryIO, digest: "hashlib._Hash", parts: list[bytes]) -> None:
    for part in parts:
        digest.update(part)
        file.write(part)
