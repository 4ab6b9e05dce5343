"""Old bytes stay readable: one file for each event type and version, kept for ever.

``tests/fixtures/events/<type>.ndjson`` holds events as they were stored: one with every field, one
with no more than it needs. Lines are added to these files, none is ever changed: a test that fails
here says that ledgers which exist would no longer be read as they were written.
"""

from pathlib import Path

import msgspec
import pytest

from ledger.errors import IntegrityError
from ledger.events import TYPES, UPCASTERS, decode, encode

STORED = Path(__file__).parent / "fixtures" / "events"


def stored(type_name: str) -> list[bytes]:
    return (STORED / f"{type_name}.ndjson").read_bytes().splitlines()


def test_every_type_and_version_has_its_bytes_on_file() -> None:
    assert {path.stem for path in STORED.iterdir()} == TYPES.keys() | UPCASTERS.keys()


@pytest.mark.parametrize("type_name", TYPES)
def test_todays_bytes_are_read_and_written_alike(type_name: str) -> None:
    for line in stored(type_name):
        event = decode(type_name, line)
        assert type(event) is TYPES[type_name]
        assert encode(event) == line  # the digest of the row is over these bytes


@pytest.mark.parametrize("type_name", TYPES)
def test_the_bytes_on_file_show_every_field(type_name: str) -> None:
    shown = {name for line in stored(type_name) for name in msgspec.json.decode(line)}
    assert shown == set(TYPES[type_name].__struct_fields__)


@pytest.mark.parametrize("type_name", TYPES)
def test_a_field_that_is_missing_or_of_another_kind_is_noticed(type_name: str) -> None:
    """Shows that the tests above can fail: every required field matters when bytes are read."""
    for field in msgspec.structs.fields(TYPES[type_name]):
        for line in stored(type_name):
            mapping = msgspec.json.decode(line)
            mapping[field.name] = {"another": "kind"}
            if field.type is dict or "dict" in str(field.type):
                continue
            with pytest.raises(IntegrityError):
                decode(type_name, encode(mapping))
            del mapping[field.name]
            if field.required:
                with pytest.raises(IntegrityError):
                    decode(type_name, encode(mapping))
