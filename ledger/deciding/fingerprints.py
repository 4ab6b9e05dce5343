"""请求摘要: how the same number is known to ask for the same.

What a number was used for is kept as a fingerprint, for ever, while commands get new fields. So it
is made of what was asked and not of what could have been: a field that equals its default is left
out, and a command that has got an optional field asks, without it, for what it always did. What is
kept says which version it has, and what is asked again is compared in that one:

    version 2: 02 ‖ SM3( 02 ‖ operation ‖ 00 ‖ JSON without what equals its default )
    version 1: SM3( operation ‖ 00 ‖ JSON of all fields that the command had then )

Version 1 is what is found in ledgers begun before release 0.2; it is not written any more. Which
changes a command may undergo is in docs/decisions/0016-changing-a-command.md.
"""

import hashlib
import tomllib
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from ledger.deciding.command import Command
from ledger.errors import IntegrityError

VERSION = b"\x02"
DIGEST_BYTES = 32
FINGERPRINT_BYTES = len(VERSION) + DIGEST_BYTES

_encode = msgspec.json.Encoder().encode
_SM3 = hashlib.new("sm3")


def asked_for(operation: str, body: Any) -> bytes:
    """What a command asks for, whether its caller wrote the defaults out or left them out.

    Args:
        body: of the command, ``Command.body``.
    """
    start, compared = _way_of_writing(operation, body.__class__)
    for name, default in compared:
        value = getattr(body, name)
        if value is not default and value == default:
            same = {name: default for name, default in compared if getattr(body, name) == default}
            body = msgspec.structs.replace(body, **same)
            break
    return start + _encode(body)


def fingerprint(asked: bytes) -> bytes:
    """What is kept under a number of what it asked for: 33 bytes, of which the first is 2."""
    sm3 = _SM3.copy()  # a third of the time of a new one
    sm3.update(asked)
    return VERSION + sm3.digest()


def is_fingerprint_of(kept: bytes, operation: str, body: object) -> bool:
    """Whether this is what was asked when the fingerprint was made, whichever version it has.

    Raises:
        IntegrityError: as :func:`version_of`.
    """
    if fingerprint(asked_for(operation, body)) == kept:  # of today's version, as nearly all are
        return True
    asked = _asked_in_version_1(operation, body) if version_of(kept) == 1 else None
    return asked is not None and hashlib.new("sm3", asked).digest() == kept


def version_of(kept: bytes) -> int:
    """The version of a fingerprint; raises IntegrityError for one that this release cannot read."""
    if len(kept) == DIGEST_BYTES:
        return 1
    if len(kept) == FINGERPRINT_BYTES and kept.startswith(VERSION):
        return 2
    raise IntegrityError(
        f"a fingerprint of {len(kept)} bytes that begins with {kept[:1].hex() or 'nothing'} is of"
        " no version known here 请求摘要版本不明"
    )


@cache
def _way_of_writing(operation: str, kind: type) -> tuple[bytes, tuple[tuple[str, Any], ...]]:
    """What stands before a body, and which of its fields have to be compared with their defaults.

    The encoder leaves out what *is* the default. That does for values of which there is but one; of
    a text such as "1" the decoder makes another one each time.
    """
    fields = msgspec.structs.fields(kind) if issubclass(kind, Command) else ()
    compared = [
        (field.name, field.default)
        for field in fields
        if field.default is not msgspec.NODEFAULT and not _is_the_only_one(field.default)
    ]
    return VERSION + operation.encode() + b"\0", tuple(compared)


def _is_the_only_one(value: object) -> bool:
    return value is None or isinstance(value, bool) or value in ("", ())


# ---- version 1


def _asked_in_version_1(operation: str, body: object) -> bytes | None:
    """What was hashed until release 0.2; None of what could not be asked for then."""
    if isinstance(body, Command):
        names = _fields_of_version_1().get(operation)
        if names is None or _asks_for_more(body, names):
            return None
        body = {name: getattr(body, name) for name in names}
    return operation.encode() + b"\0" + _encode(body)


@cache
def _fields_of_version_1() -> dict[str, list[str]]:
    """By operation, the fields of its command; of those alone whose body is the command itself."""
    data = resources.files("ledger.data") / "fingerprints" / "version_1.toml"
    return tomllib.loads(data.read_text(encoding="utf-8"))


def _asks_for_more(command: Command, names: list[str]) -> bool:
    """Whether a field beside these has another value than its default."""
    return any(
        field.name not in names and getattr(command, field.name) != _default_of(field)
        for field in msgspec.structs.fields(command)
    )


def _default_of(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
