"""A whole running guoku for the demo: ``guoku up`` as a process, in a fresh directory."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from api.demo.client import Client, Json
from api.machine import at_machine
from api.settings import Settings
from api.tokens import create_token
from ledger.errors import ConfigurationError
from ledger.postgres.database import open_database

STOP_TIMEOUT_S = 60

# who does what in the demo: nobody agrees to what he made himself
PERSONS = {
    "管理员": ("admin",),
    "经办": ("treasury_maker",),
    "审核": ("treasury_checker",),
    "单位": ("unit",),
    "单位审核": ("unit_checker",),
    "签章": ("treasury",),
    "会计": ("accountant",),
    "会计主管": ("accountant_checker",),
    "安全员": ("security_officer",),
}


@dataclass(frozen=True)
class Stack:
    """A running server and one client for each person."""

    url: str
    tokens: Mapping[str, str]
    admin: Client
    maker: Client
    checker: Client
    unit: Client
    department: Client
    signer: Client
    accountant: Client
    head_accountant: Client
    officer: Client

    def agree(self, ledger: str, *submitted: Json) -> Sequence[Json]:
        """Has others agree to what was submitted, in one call; gives what each act answers.

        Args:
            submitted: answers to acts that wait for one and the same role.
        """
        documents = [{"kind": each["kind"], "number": each["number"]} for each in submitted]
        [role] = {role for each in submitted for role in each["awaits"]}
        person = {
            "treasury_checker": self.checker,
            "accountant_checker": self.head_accountant,
            "security_officer": self.officer,
        }[role]
        results = person.bulk(f"{ledger}/documents:approve", {"documents": documents})
        return [result["answer"] for result in results]

    def client(self, person: str) -> Client:
        """Of one of ``PERSONS``, by his name."""
        clients = (
            self.admin, self.maker, self.checker, self.unit, self.department, self.signer,
            self.accountant, self.head_accountant, self.officer,
        )  # fmt: skip
        return dict(zip(PERSONS, clients, strict=True))[person]

    @property
    def maker_token(self) -> str:
        return self.tokens["经办"]


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Starts ``guoku up`` on free ports, makes the demo's persons, and stops it at the end."""
    with TemporaryDirectory(prefix="guoku-demo-") as directory:
        data = Path(directory) / "data"
        with running_up(data) as (_, url), persons(data, url) as stack:
            yield stack


@contextmanager
def persons(data: Path, url: str) -> Iterator[Stack]:
    """Clients for the demo's persons, with tokens made in the data directory of a running one."""
    tokens = make_tokens(data, PERSONS)
    with ExitStack() as opened:
        clients = [opened.enter_context(Client(url, tokens[name])) for name in PERSONS]
        yield Stack(url, tokens, *clients)


@contextmanager
def running_up(data: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """``guoku up`` on a data directory and free ports: its process and URL, stopped at the end."""
    with announced_up(data) as (process, announced):
        yield process, announced["api"]


@contextmanager
def announced_up(data: Path) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """The same, with all that it has said of itself, by name."""
    environment = {
        **os.environ,
        "GUOKU_DATA": str(data),
        "GUOKU_PORT": "0",
        "GUOKU_BANK_PORT": "0",
        "GUOKU_PBOC_PORT": "0",
        "GUOKU_LOG_LEVEL": "warning",
        "GUOKU_SIMULATED_DAY": "as-asked",  # months are told again on their own dates
    }
    environment.pop("GUOKU_DSN", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "up"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, _announced_by(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _announced_by(process: "subprocess.Popen[str]") -> dict[str, str]:
    assert process.stdout is not None
    said: dict[str, str] = {}
    for line in process.stdout:
        name, _, value = line.strip().partition(": ")
        said[name] = value
        if name == "token":  # the last line of the announcement: all of it is ready
            return said
    raise ConfigurationError("guoku up ended before it was ready; its log is above")


def make_tokens(data: Path, roles_by_name: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A token for each name, with its roles, in every division of the province."""
    given: dict[str, Any] = {"data": data}
    with (
        open_database(dsn=None, data_dir=data, own=False) as database,
        at_machine(Settings(**given), database.app_conninfo) as machine,
    ):
        return {
            name: create_token(machine.connection, name, roles, "44", machine.conditions)
            for name, roles in roles_by_name.items()
        }
