"""What is on file of every command: what was asked, and the fingerprint that was kept of it.

``tests/fixtures/commands/<operation>@<version>.ndjson``: one line with the least that can be asked,
and others with every optional field.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import msgspec

from ledger.deciding.command import Command
from payments.application import ApplyPayment
from tests.support.paths import FIXTURES, ROOT

KEPT = FIXTURES / "commands"
WITHOUT_COMMANDS = {"api", "bench", "client", "console", "projections", "tests", "verifier"}
TODAY = 2


def every_command() -> list[type[Command]]:
    """Those that the rooms of the house define and that can be asked."""
    for room in sorted(ROOT.glob("*/__init__.py")):
        name = room.parent.name
        if name not in WITHOUT_COMMANDS:
            for module in walk_packages([str(room.parent)], f"{name}."):
                import_module(module.name)
    return sorted(set(_defined_below(Command)), key=lambda command: command.__qualname__)


def _defined_below(command: type[Command]) -> Iterator[type[Command]]:
    for below in command.__subclasses__():
        module = sys.modules[below.__module__]
        room = below.__module__.partition(".")[0]
        is_named = getattr(module, below.__name__, None) is below  # no HTTP body made of a command
        can_be_asked = below.OPERATION and not below.__name__.startswith("_")
        if can_be_asked and is_named and room not in WITHOUT_COMMANDS:
            yield below
        yield from _defined_below(below)


def parts_of(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """The structs that a command is made of, and theirs."""
    for field in msgspec.structs.fields(struct):
        for part in getattr(field.type, "__args__", ()):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                yield part
                yield from parts_of(part)


COMMANDS = {command.__name__: command for command in every_command()}


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked of a command, as its caller wrote it, and what was kept of it."""

    command: str
    asked: dict[str, Any]
    fingerprint: str

    def read(self, **more: Any) -> Command:
        return read(COMMANDS[self.command], {**self.asked, **more})


def read(command: type[Command], asked: dict[str, Any]) -> Command:
    """The command as it comes over the network: every value is made anew."""
    return msgspec.json.decode(msgspec.json.encode(asked), type=command)


def on_file(version: int) -> list[Line]:
    return [
        msgspec.json.decode(line, type=Line)
        for path in sorted(KEPT.glob(f"*@{version}.ndjson"))
        for line in path.read_bytes().splitlines()
    ]


LINES = {version: on_file(version) for version in (1, TODAY)}


class UrgentPayment(ApplyPayment, frozen=True, kw_only=True):
    """支付申请, as a later release might take it."""

    urgency: str = "normal"
    tags: tuple[str, ...] = ()
