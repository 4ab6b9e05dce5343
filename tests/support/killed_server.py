"""``guoku up`` that is killed and comes back, and what its simulated bank says that it paid."""

import signal
import sqlite3
from pathlib import Path
from typing import Any

from tests.support import asking
from tests.support.command_line import run as guoku
from tests.support.running_up import Running

COMMAND_TIMEOUT_S = 600  # a run of 100,000 lines to its last receipt


class Server:
    """``guoku up``, that can be killed and comes back on the same data."""

    def __init__(self, data: Path, **variables: str) -> None:
        self.data, self.variables = data, variables
        self.running = Running(data, **variables).wait_until_ready()
        self.tokens = {
            name: self.command(
                "token", "create", "--principal", name, "--role", role, "--division", ""
            ).split()[-1]
            for name, role in (
                ("maker", "treasury_maker"),
                ("checker", "treasury_checker"),
                ("signer", "treasury"),
            )
        }

    def command(self, *arguments: str) -> str:
        environment = self.running.environment
        ended = guoku(*arguments, environment=environment, timeout_s=COMMAND_TIMEOUT_S)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def call(self, method: str, path: str, person: str = "maker", **more: Any) -> Any:
        response = asking.request(
            method,
            self.running.printed["api"] + path,
            headers={"Authorization": f"Bearer {self.tokens[person]}"},
            **more,
        )
        assert response.is_success, response.text
        return response.json()

    def kill(self) -> None:
        self.running.process.send_signal(signal.SIGKILL)
        self.running.process.wait()
        self.close_output()

    def start_again(self) -> None:
        self.running = Running(self.data, **self.variables)
        self.running.wait_until_ready()

    def close_output(self) -> None:
        assert self.running.process.stdout is not None
        self.running.process.stdout.close()

    def end(self) -> None:
        """Whatever of it runs still."""
        if self.running.process.poll() is None:
            self.running.stop()
        self.close_output()


def bank_book(data: Path) -> tuple[int, int]:
    """Vouchers and fen that the bank has paid, by its own book."""
    with sqlite3.connect(data / "simulators" / "bank" / "102" / "book.sqlite") as book:
        [(vouchers, paid_fen)] = book.execute("SELECT count(*), sum(amount_fen) FROM vouchers")
    return vouchers, paid_fen
