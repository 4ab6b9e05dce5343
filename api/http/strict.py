"""What is said twice or to nobody is refused, never guessed at: query parameters and JSON keys.

``?stauts=failed`` must not list everything, ``?dry_run=true&dry_run=false`` must not pay for real,
and of ``{"pay_app_nos":["X"],"pay_app_nos":["Y"]}`` nobody knows which was meant.
"""

import json
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl

from ledger.errors import Code, RequestError

_SHOWN_CHARACTERS = 40
_KEY = re.compile(rb'"([\w.*]+)"\s*:')
_BACKSLASH = b"\\"


def query_of(query_string: bytes, known: Collection[str]) -> dict[str, str]:
    """The parameters of a query by name.

    Raises:
        RequestError: ``malformed`` for one that is not in ``known``, stands there twice, or holds
            the character NUL, which no text of the database can hold.
    """
    found: dict[str, str] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
        if name not in known:
            raise _malformed(f"there is no parameter {_shown(name)} here", name)
        if name in found:
            raise _malformed(f"the parameter {_shown(name)} is there twice", name)
        if "\0" in value:
            raise _malformed(f"the parameter {_shown(name)} holds the character NUL", name)
        found[name] = value
    return found


def require_single_keys(data: bytes) -> None:
    """Refuses JSON in which an object has a key twice: a decoder takes the last and says nothing.

    For JSON that a decoder has read already, and that refuses keys it does not know; so every key
    is a word, or in a policy the name of a kind, ``indicator.issue`` or ``payment.*``. Where all of
    these before a colon differ, no two keys of one object are the same. Only where some are the
    same, as in a list of objects, or where an escape may hide a key, is it read object by object.

    Raises:
        RequestError: ``malformed``.
    """
    keys = _KEY.findall(data)
    if _BACKSLASH in data or len(set(keys)) < len(keys):
        json.loads(data, object_pairs_hook=_single)


def _single(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _malformed(f"the key {_shown(twice)} is there twice", twice)


def _malformed(detail: str, name: str) -> RequestError:
    pointer = "/" + name[:_SHOWN_CHARACTERS].replace("~", "~0").replace("/", "~1")
    return RequestError(Code.MALFORMED, detail, pointer=pointer)


def _shown(name: str) -> str:
    return repr(name[:_SHOWN_CHARACTERS])
