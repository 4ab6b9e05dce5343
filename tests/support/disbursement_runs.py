"""What the tests of disbursement runs share: files of lines, and a run's way to its outcome."""

from typing import Any

from tests.support.http_server import HttpTreasury
from tests.support.waiting import wait_until

HEADER = "pay_detail_id,payee_acct_name,payee_acct_no,payee_acct_bank_name,pay_amt,remark"
FINAL = {"finished", "stopped", "closed"}


def account(number: int) -> str:
    return f"6222{number:015d}"


def row(number: int, *, amount: str = "10.00", payee_account: str = "") -> str:
    return (
        f"D{number},收款人{number},{payee_account or account(number)},样例银行广州分行,"
        f"{amount},三月"
    )


def csv_of(count: int, failing: frozenset[int] = frozenset()) -> bytes:
    """Lines of 10.00 each; those in ``failing`` go to accounts that the bank does not find."""
    rows = (
        row(n, payee_account=f"9999{n:015d}" if n in failing else "") for n in range(1, count + 1)
    )
    return "\n".join([HEADER, *rows, ""]).encode()


class HttpRun:
    """One run, over HTTP."""

    def __init__(self, http: HttpTreasury, amount: str = "1000000.00", **more: Any) -> None:
        self.http = http
        self.bgt_id = http.indicator(amount)
        self.run_no = http.number("RUN")
        body = {"run_no": self.run_no, "bgt_id": self.bgt_id, "title": "三月工资", **more}
        self.opened = http.ok(http.post("…/disbursements", body))
        self.path = f"…/disbursements/{self.run_no}"

    def load(self, content: bytes, media: str = "text/csv", person: str = "maker") -> Any:
        headers = {"Content-Type": media}
        path = f"{self.path}/lines"
        answer = self.http.call("POST", path, person, content=content, headers=headers)
        if answer.is_success:
            self.repeated: list[str] = answer.json()["repeated_run_nos"]
        return answer

    def act(self, name: str, person: str, body: Any = None) -> Any:
        return self.http.post(f"{self.path}/{name}", body, person)

    def show(self) -> dict[str, Any]:
        return dict(self.http.ok(self.http.get(self.path)))

    def approve(self, person: str = "checker", **more: Any) -> Any:
        """Approves the lines that are there now; if another run of these books pays the same list,
        that is meant."""
        body = {"lines_sm3": self.show()["lines_sm3"], "repeats_run_no": "".join(self.repeated[:1])}
        return self.act("approve", person, body | more)

    def approved(self, content: bytes) -> "HttpRun":
        self.http.ok(self.load(content))
        self.http.ok(self.approve())
        return self

    def executed(self, person: str = "signer") -> dict[str, Any]:
        self.http.ok(self.act("execute", person))
        return self.at_rest()

    def at_rest(self) -> dict[str, Any]:
        """The run once nobody is at work on it."""
        wait_until(lambda: not self.show()["under_way"], f"run {self.run_no} to rest")
        return self.show()

    def payments(self, count: int) -> list[str]:
        return [f"{self.run_no}-{n:06d}" for n in range(1, count + 1)]

    def receive(self, number: str, *failed: str) -> None:
        """The bank's receipt of one voucher."""
        message = self.http.receipt_for(number, *failed)
        [result] = self.http.ok(self.http.deliver(message))["results"]
        assert result["status"] == "created", result
