"""Request bodies: JSON once, straight to a checked command.

A body is a command without the fields that stand in the address; whatever else it holds is refused
by name, never ignored. Amounts are taken as they come, because a number is not a malformed request
but an ``invalid_amount``; the command itself reads them. What else must be sound of a
command stands in ``api.http.soundness``.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from operator import ne
from typing import Any, NamedTuple

import msgspec

from api.http.soundness import AMOUNTS, check, getter, part_of
from api.http.strict import require_single_keys
from ledger.deciding.command import Command
from ledger.errors import Code, GuokuError, RequestError

ITEMS_MAX = 5_000
KEY_CHARACTERS_MAX = 255

_PATH = re.compile(r"^(?P<text>.*?)(?: - at `(?P<path>\$[^`]*)`)?$", re.DOTALL)
_FIELD = re.compile(r"field `([^`]+)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_BARE_KEY = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+", re.ASCII)
_QUOTED_KEY = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', re.ASCII)


class Body:
    """How the body of one operation becomes its command.

    Args:
        command: the command's struct.
        path: its fields that stand in the address instead, or that are made up.
        bare: the field that a body which is an array alone gives.
        suffix: of its name in the document, where a command has bodies of several shapes.
    """

    def __init__(
        self, command: type[Command], *path: str, bare: str = "", suffix: str = "Body"
    ) -> None:
        self.command = command
        self.path = path
        self._bare = bare
        fields = [f for f in msgspec.structs.fields(command) if f.name not in path]
        # without a field in the address what is decoded is the command itself, no copy of it
        self._whole = not path
        self.struct = msgspec.defstruct(
            f"{command.__name__}{suffix}",
            [_as_received(field) for field in fields],
            bases=(command,) if self._whole else None,
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        self.published: Any = self.struct  # the shape that callers are told
        self._names = tuple(field.name for field in fields)
        self._decode = msgspec.json.Decoder(self.struct).decode
        texts = [field for field in fields if field.type is str]
        self._texts = getter([field.name for field in texts])
        self._defaults = tuple(field.default for field in texts)

    def read(self, data: bytes | msgspec.Raw, **path: str) -> Command:
        """The command in these bytes, checked as far as that goes without the books.

        Raises:
            RequestError: ``malformed`` or, when nothing is malformed, ``invalid_amount``; with the
                JSON pointer of the field.
        """
        if not data and all(not f.required for f in msgspec.structs.fields(self.struct)):
            data = b"{}"  # approve and withdraw need no body
        data = bytes(data)
        if self._bare and data.lstrip().startswith(b"["):
            data = b'{"%s":%s}' % (self._bare.encode(), data)
        command: Any = _decoded(self._decode, data)
        if not self._is_plain(command, data):
            require_single_keys(data)
        if not self._whole:
            given = {name: getattr(command, name) for name in self._names}
            command = self.command(**path, **given)
        try:
            check(command)
        except RequestError:
            require_single_keys(data)  # where an amount is no text, that is told first
            raise
        return command  # type: ignore[no-any-return]

    def _is_plain(self, command: Any, data: bytes) -> bool:
        """Whether the body says nothing but texts, none of them its default, and each key once.

        Then there are four quotes to each field that is not its default, and no escape hides one;
        whatever else stood there, a key twice above all, would bring two more at least.
        """
        said = sum(map(ne, self._texts(command), self._defaults))
        return data.count(b'"') == 4 * said and b"\\" not in data


class MappingBody(Body):
    """A body that is a mapping, and as such the one field of its command."""

    def __init__(self, command: type[Command]) -> None:
        super().__init__(command)
        [field] = msgspec.structs.fields(command)
        self._field = field.name
        self.published = field.type

    def read(self, data: bytes | msgspec.Raw, **path: str) -> Command:
        try:
            return super().read(b'{"%s":%s}' % (self._field.encode(), bytes(data)), **path)
        except RequestError as error:
            if "pointer" in error.extra:
                error.extra["pointer"] = error.extra["pointer"].removeprefix(f"/{self._field}")
            raise


def _as_received(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    kind: Any = field.type
    if field.name in AMOUNTS:
        kind = Any
    elif (part := part_of(kind)) is not None:
        kind = tuple[_part_as_received(part), ...]  # type: ignore[misc]  # made when it is loaded
    if field.required:
        return (field.name, kind, msgspec.field(name=field.encode_name))
    if field.default_factory is not msgspec.NODEFAULT:
        return (field.name, kind, msgspec.field(default_factory=field.default_factory))
    return (field.name, kind, field.default)


@cache
def _part_as_received(part: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """A part of a command as callers send it."""
    return msgspec.defstruct(
        f"{part.__name__}Body",
        [_as_received(field) for field in msgspec.structs.fields(part)],
        bases=(part,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        namespace={"__doc__": part.__doc__},
    )


def decoded(decode: Callable[[Any], Any], data: bytes | msgspec.Raw) -> Any:
    """What the decoder makes of the bytes, each key of which stands once; its errors as ours."""
    found = _decoded(decode, data)
    require_single_keys(bytes(data))
    return found


def _decoded(decode: Callable[[Any], Any], data: bytes | msgspec.Raw) -> Any:
    try:
        return decode(data)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(str(error)) from None
    except RecursionError:
        raise RequestError(Code.MALFORMED, "the body is nested too deeply") from None


def _unreadable(text: str) -> RequestError:
    match = _PATH.match(text)
    assert match is not None, "the pattern matches every text"
    steps = [name or index for name, index in _STEP.findall(match["path"] or "")]
    if field := _FIELD.search(match["text"]):
        steps.append(field[1])
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    wrong_type = not field and steps and steps[-1] in AMOUNTS
    code = Code.INVALID_AMOUNT if wrong_type else Code.MALFORMED
    if wrong_type:
        return RequestError(code, "an amount is text in yuan with two decimals", pointer=pointer)
    return RequestError(code, f"the body cannot be read: {match['text']}", pointer=pointer)


def idempotency_key(header: bytes) -> str:
    """The Idempotency-Key header: a quoted structured-field string, or bare.

    Source: draft-ietf-httpapi-idempotency-key-header-07 §2.1, RFC 9651 §3.3.3.

    Raises:
        RequestError: ``malformed`` for another shape or more than 255 characters.
    """
    raw = header.decode("latin-1").strip()
    quoted = _QUOTED_KEY.fullmatch(raw)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else raw
    if not 0 < len(key) <= KEY_CHARACTERS_MAX or not (quoted or _BARE_KEY.fullmatch(key)):
        raise RequestError(
            Code.MALFORMED,
            f"Idempotency-Key is a string of 1 to {KEY_CHARACTERS_MAX} visible characters",
        )
    return key


# ---- many at once


class BulkItem(NamedTuple):
    """One item of a bulk body: its command, or what is wrong with it."""

    command: Command | None
    error: GuokuError | None = None


def read_items(body: Body, data: bytes, *, lines: bool) -> list[BulkItem]:
    """The items of a JSON array, or (``lines``) of newline-delimited JSON, each for itself.

    Raises:
        RequestError: ``malformed`` when there are no items to tell apart; ``too_many_items``.
    """
    parts: Sequence[bytes | msgspec.Raw]
    if lines:
        parts = [line for line in data.split(b"\n") if line.strip()]
    else:
        parts = _decoded(_decode_array, data)
    if not parts:
        raise RequestError(Code.MALFORMED, "there are no items")
    if len(parts) > ITEMS_MAX:
        raise RequestError(
            Code.TOO_MANY_ITEMS, f"{len(parts)} items; one request holds at most {ITEMS_MAX}"
        )
    return [_item(body, part) for part in parts]


_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _item(body: Body, part: bytes | msgspec.Raw) -> BulkItem:
    try:
        return BulkItem(body.read(part))
    except GuokuError as error:
        return BulkItem(None, error)
