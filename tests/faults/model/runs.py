"""A disbursement run, from its file to its end: one act of each person pays a thousand payees."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.faults.model.cards import FAILS, PLAIN, Card, Line
from tests.faults.model.courses import BULK_PATIENCE_S, Clerk, yuan

LINES, LINES_PER_VOUCHER = 1_100, 499
ONE_FAILS_IN = 97


class Run(NamedTuple):
    """A list of payees, and the payments that it becomes."""

    ledger: str
    run_no: str
    bgt_id: str
    lines: tuple[Line, ...]

    @property
    def path(self) -> str:
        return f"/v1/ledgers/{self.ledger}/disbursements/{self.run_no}"

    def cards(self) -> list[Card]:
        """Of the payments: none is applied for, approved or signed by anybody but the run."""
        said = dict.fromkeys(("apply", "approve", "sign"), "")
        return [
            Card(f"{self.run_no}-{n:06d}", self.ledger, self.bgt_id, lines, dict(said))
            for n, lines in enumerate(self._pages(), start=1)
        ]

    def _pages(self) -> Iterator[tuple[Line, ...]]:
        for start in range(0, len(self.lines), LINES_PER_VOUCHER):
            yield self.lines[start : start + LINES_PER_VOUCHER]


def lines_of(serial: int, fen: int) -> tuple[Line, ...]:
    """Payees of this amount each, no two runs of the same ones; now and then an account that the
    bank does not find."""
    heads = (FAILS if n % ONE_FAILS_IN == 0 else PLAIN for n in range(1, LINES + 1))
    return tuple(Line(f"{head}{serial:06d}{n:06d}", fen) for n, head in enumerate(heads, start=1))


def disbursed(clerk: Clerk, run: Run) -> Iterator[None]:
    """Opened, loaded, approved, and executed until nothing is left to do."""
    taken(clerk, run.path.rpartition("/")[0], opening(run), "maker")
    answer = clerk.caller.upload(f"{run.path}/lines", rows(run), "maker", BULK_PATIENCE_S)
    assert not answer.code, answer
    yield
    approval = {"lines_sm3": shown(clerk, run)["lines_sm3"]}
    taken(clerk, f"{run.path}/approve", approval, "checker")
    while (now := shown(clerk, run))["status"] != "finished":
        if not now["under_way"] and now["status"] in ("approved", "stopped", "executing"):
            answer = clerk.caller.post(f"{run.path}/execute", {}, "signer")
            assert answer.code in ("", "invalid_state"), answer  # a server was first
        yield


def opening(run: Run) -> dict[str, Any]:
    return {"run_no": run.run_no, "bgt_id": run.bgt_id, "title": "补贴"}


def rows(run: Run) -> Iterator[dict[str, str]]:
    for n, line in enumerate(run.lines, start=1):
        yield {
            "payee_acct_name": f"收款人{n}",
            "payee_acct_no": line.account,
            "payee_acct_bank_name": "样例银行",
            "pay_amt": yuan(line.fen),
        }


def shown(clerk: Clerk, run: Run) -> dict[str, Any]:
    answer = clerk.caller.get(run.path)
    assert not answer.code, answer
    return dict(answer.body)


def taken(clerk: Clerk, path: str, body: dict[str, Any], person: str) -> None:
    answer = clerk.caller.post(path, body, person, BULK_PATIENCE_S)
    assert not answer.code, answer
