"""The processes of a treasury, all of them real: two servers, Postgres, the simulated banks."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from tests.faults.model.caller import Servers
from tests.faults.model.cards import BankBook
from tests.support import asking
from tests.support.command_line import run as guoku
from tests.support.running_up import Running
from tests.support.waiting import HANG_S, wait_until

PERSONS = {
    "unit": ("unit",),
    "maker": ("treasury_maker", "admin"),
    "checker": ("treasury_checker",),
    "signer": ("treasury",),
    "auditor": ("auditor",),
}
# short, so that what a killed process had in hand comes due again soon
SETTINGS = {"GUOKU_SEND_TIMEOUT_S": "2", "GUOKU_POOL_SIZE_MAX": "8"}
MAIN, SECOND = "up", "serve"


class Installation:
    """``guoku up`` and a ``guoku serve`` beside it, on one data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.servers = Servers()
        self._running: dict[str, Running] = {}
        self._dead: list[Running] = []
        self.start(MAIN)
        self.start(SECOND)
        with ThreadPoolExecutor() as at_once:
            made = at_once.map(self._token, PERSONS, PERSONS.values())
            self.tokens = dict(zip(PERSONS, made, strict=True))

    # ---- servers

    def start(self, command: str) -> None:
        running = Running(self.data, command=command, **SETTINGS).wait_until_ready()
        self._running[command] = running
        self.servers.urls[command] = running.printed["api"]

    def is_running(self, command: str) -> bool:
        return command in self._running

    def kill(self, command: str) -> None:
        """kill -9 of a server; what it started ends by itself, but for Postgres."""
        self.servers.urls.pop(command)
        running = self._running.pop(command)
        running.process.kill()
        running.process.wait(HANG_S)
        self._dead.append(running)

    def server(self, command: str) -> psutil.Process:
        return psutil.Process(self._running[command].process.pid)

    def stop(self) -> None:
        for command in (SECOND, MAIN):
            if (running := self._running.pop(command, None)) is not None:
                self._dead.append(running)
                status = running.stop()
                assert status == 0, running.log_tail()
        for running in self._dead:
            assert running.process.stdout is not None
            running.process.stdout.close()

    def log_tail(self) -> str:
        """They write to one file."""
        log = self.data.parent / f"{self.data.name}.log"
        return log.read_text()[-20_000:]

    # ---- other processes

    def bank(self) -> psutil.Process | None:
        return self._running[MAIN].children().get("bank-sim")

    def central_bank(self) -> psutil.Process | None:
        return self._running[MAIN].children().get("pboc-sim")

    def postmaster(self) -> psutil.Process:
        return self._running[MAIN].postmaster()

    def backends(self) -> list[psutil.Process]:
        """Processes of Postgres that work for somebody."""
        found = []
        for child in self.postmaster().children():
            with suppress(psutil.Error):  # it may end while we look
                if "guoku" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def writers(self) -> list[psutil.Process]:
        """Writer processes of both servers."""
        found = []
        for command in list(self._running):
            for child in self.server(command).children():
                with suppress(psutil.Error):
                    if "ledger.writing.writer_process" in child.cmdline():
                        found.append(child)
        return found

    def tell_bank(self, kind: str) -> None:
        """Begins an outage of the bank, or ends it with ``none``; waits until the bank is there."""
        url = self._running[MAIN].printed["bank"] + "/sim/outage"

        def told() -> bool:
            with suppress(httpx.HTTPError):
                answer = asking.post(url, json={"kind": kind})
                return answer.status_code == 200
            return False

        wait_until(told, "the simulated bank")

    # ---- what it shows

    def command(self, *arguments: str) -> str:
        ended = guoku(*arguments, environment=self._running[MAIN].environment)
        assert ended.returncode == 0, f"guoku {arguments}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def ready(self) -> bool:
        return all(running.get("/readyz").status_code == 200 for running in self._running.values())

    def bank_book(self) -> BankBook:
        """The bank's own file."""
        path = self.data / "simulators" / "bank" / "102" / "book.sqlite"
        returned: Counter[str] = Counter()
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as book:
            paid = dict(book.execute("SELECT number, amount_fen FROM vouchers"))
            for number, fen in book.execute("SELECT number, fen FROM returns"):
                returned[number] += fen
            applications = dict(book.execute("SELECT number, pay_app_no FROM paid_lines"))
        return BankBook(paid, returned, applications)

    def _token(self, principal: str, roles: Sequence[str]) -> str:
        named = [part for role in roles for part in ("--role", role)]
        made = self.command("token", "create", "--principal", principal, *named, "--division", "")
        return made.split()[-1]


@contextmanager
def stopped(*processes: psutil.Process) -> Iterator[None]:
    """SIGSTOP, and SIGCONT at the end of the block."""
    for process in processes:
        with suppress(psutil.Error):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.Error):
                process.resume()


@contextmanager
def installation_on(data: Path) -> Iterator[Installation]:
    installation = Installation(data)
    try:
        yield installation
    except BaseException:
        print(installation.log_tail())
        raise
    finally:
        installation.stop()
