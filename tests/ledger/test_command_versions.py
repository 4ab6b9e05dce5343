"""Fingerprints of every command, kept for ever.

Lines are added to the files of today's version (``tests.support.commands_on_file``), none is ever
changed: a test that fails here says that a caller who repeats an old number would be told that he
used it for something else.
"""

import msgspec
import pytest

from ledger.deciding.command import Command
from ledger.deciding.fingerprints import asked_for, fingerprint, is_fingerprint_of, version_of
from ledger.errors import IntegrityError
from ledger.events import LedgerOpened
from ledger.verification.grammar import grammar
from tests.support.bookkeeper import payment
from tests.support.commands_on_file import (
    COMMANDS,
    KEPT,
    LINES,
    TODAY,
    Line,
    UrgentPayment,
    parts_of,
    read,
)


def named(line: Line) -> str:
    return f"{line.command}-{len(line.asked)}"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_command_has_its_fingerprints_on_file(command: type[Command]) -> None:
    path = KEPT / f"{command.OPERATION}@{TODAY}.ndjson"
    lines = [line for line in LINES[TODAY] if line.command == command.__name__]
    shown = {name for line in lines for name in line.asked}
    assert shown == set(command.__struct_encode_fields__), f"add what is missing to {path.name}"
    assert all(line.read().OPERATION == command.OPERATION for line in lines)


def test_what_the_former_version_kept_is_all_here() -> None:
    """Thirty-two operations had fingerprints of version 1; no more will come, and none may go."""
    operations = {path.name.partition("@")[0] for path in KEPT.glob("*@1.ndjson")}
    assert len(operations) == 32
    assert len(LINES[1]) == 56


@pytest.mark.parametrize("line", LINES[TODAY], ids=named)
def test_todays_fingerprints_are_made_as_they_were(line: Line) -> None:
    command = line.read()
    made = fingerprint(asked_for(command.OPERATION, command.body))
    assert made.hex() == line.fingerprint, f"{line.command} is kept as {made.hex()}"


@pytest.mark.parametrize("version", LINES)
def test_a_fingerprint_of_any_version_is_known_again(version: int) -> None:
    for line in LINES[version]:
        kept, command = bytes.fromhex(line.fingerprint), line.read()
        assert version_of(kept) == version
        assert is_fingerprint_of(kept, command.OPERATION, command.body), line


@pytest.mark.parametrize("version", LINES)
def test_a_default_written_out_asks_for_nothing_else(version: int) -> None:
    written = 0
    for line in LINES[version]:
        command = line.read()
        for name in command.__struct_fields__:
            if name not in line.asked:
                again = line.read(**{name: getattr(command, name)})
                kept = bytes.fromhex(line.fingerprint)
                assert is_fingerprint_of(kept, again.OPERATION, again.body), (line, name)
                written += 1
    assert written > 40


@pytest.mark.parametrize("version", LINES)
def test_another_value_asks_for_something_else(version: int) -> None:
    changed = 0
    for line in LINES[version]:
        command = line.read()
        if command.body is not command:
            continue  # what is to be the same is less than the command
        for field in msgspec.structs.fields(command):
            value = line.asked.get(field.name)
            if field.type is str and value is not None:
                other = line.read(**{field.name: value + "甲"})
            elif field.type is int and value is not None:
                other = line.read(**{field.name: value + 1})
            else:
                continue
            kept = bytes.fromhex(line.fingerprint)
            assert not is_fingerprint_of(kept, other.OPERATION, other.body), (line, field.name)
            changed += 1
    assert changed > 150


def test_what_is_asked_of_another_operation_is_not_the_same() -> None:
    line = next(line for line in LINES[TODAY] if line.command == "FreezeIndicator")
    kept, body = bytes.fromhex(line.fingerprint), line.read().body
    assert is_fingerprint_of(kept, "indicator.freeze", body)
    assert not is_fingerprint_of(kept, "indicator.unfreeze", body)


@pytest.mark.parametrize("kept", [b"", b"\x02", b"\x03" + bytes(32), b"\x02" + bytes(33)])
def test_a_fingerprint_of_a_later_release_is_told_and_not_compared(kept: bytes) -> None:
    with pytest.raises(IntegrityError, match="of no version known here"):
        is_fingerprint_of(kept, "payment.apply", payment("P", "B", "1.00"))


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_parts_of_a_command_leave_out_what_they_do_not_say(command: type[Command]) -> None:
    """A part is compared by its bytes alone, so its optional fields are empty unless given."""
    for part in parts_of(command):
        assert part.__struct_config__.omit_defaults or not part.__struct_defaults__
        assert set(part.__struct_defaults__) - {msgspec.NODEFAULT} <= {"", None, ()}


@pytest.mark.parametrize("version", LINES)
def test_a_command_with_a_new_field_knows_its_old_numbers(version: int) -> None:
    lines = [line for line in LINES[version] if line.command == "ApplyPayment"]
    assert len(lines) >= 3
    for line in lines:
        kept = bytes.fromhex(line.fingerprint)
        for more, is_same in (
            ({}, True),
            ({"urgency": "normal", "tags": []}, True),
            ({"urgency": "high"}, False),
            ({"tags": ["救灾"]}, False),
        ):
            again = read(UrgentPayment, {**line.asked, **more})
            assert is_fingerprint_of(kept, again.OPERATION, again.body) is is_same, more


def test_an_audit_knows_how_a_system_ledger_was_opened() -> None:
    """It is opened by the same operation as a division's, with defaults of its own."""
    opened = LedgerOpened(
        mof_div_code="000000000", mof_div_name="系统账套", fiscal_year=2026, name="系统账套", by=""
    )
    possible = grammar().begins[b"ledger.opened"].bodies(opened, 0)
    lines = [line for line in LINES[1] + LINES[TODAY] if line.asked == {"fiscal_year": 2026}]
    assert len(lines) == 2
    for body in possible:
        for line in lines:
            assert is_fingerprint_of(bytes.fromhex(line.fingerprint), "ledger.open", body)
