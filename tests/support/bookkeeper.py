"""A bookkeeper for tests: the treasury's acts as short sentences over the real write path.

Signatures here are made up, since they are verified before and not in the books; the tests of
signing, of the channel and over HTTP use real ones.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from api.domains import DOMAINS as DOMAINS  # charts are held against all of them
from budget import indicators
from budget.issuing import IssueIndicator
from ledger.account_set import ledger_id
from ledger.books import load_charts, shipped_books
from ledger.deciding.approvals import NOBODY_ELSE
from ledger.deciding.command import Command, Outcome, Submission
from ledger.deciding.opening import OpenLedger
from ledger.elements import stored_code_sets
from ledger.events import JournalPosted, decode
from ledger.gm import sm3
from ledger.money import parse_yuan, yuan
from ledger.reading.documents import compress_document
from ledger.writing.sequencer import Sequencer
from payments.application import ApplyPayment, ApprovePayment
from payments.clearing.claims import ApplyClaimReceipt, RequestClearing
from payments.events import PaymentDetail, RefundRequested
from payments.messages import refund_notices
from payments.messages.envelope import SEND, VoucherBody
from payments.messages.refund_notices import NoticeLine, RefundNotice
from payments.messages.vt_codes import NoticeCode
from payments.payment import Payment
from payments.receipt_lines import ReceiptLine
from payments.receipts.evidence import ReceiptEvidence
from payments.receipts.notices import ReceivedNotice
from payments.refunds.notices import TakeNotice
from payments.refunds.requests import RefundPayment, left_of
from payments.signature_policy import SetSignaturePolicy
from payments.voucher import ApplyReceipt, SignVoucher
from tests.support.waiting import HANG_S

ELEMENTS = {
    "agency_code": "101001",
    "pro_code": "440000260000000000001",
    "exp_func_code": "2010102",
    "gov_bgt_eco_code": "50201",
    "dep_bgt_eco_code": "30201",
    "fund_type_code": "111",
    "bgt_type_code": "21",
}
FUNCTION_OF_FUND = {"121": "2120801", "122": "2290402", "13": "2230101"}
PAYEE = {
    "payee_acct_name": "广州样例办公用品有限公司",
    "payee_acct_no": "6222000000000000001",
    "payee_acct_bank_name": "样例银行广州分行",
}


class Clock:
    """A clock that tests move; it never goes back. It is the morning of March 2 in Beijing."""

    def __init__(self, year: int = 2026) -> None:
        self.now = datetime(year, 3, 2, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


class Bookkeeper:
    """Keeps one ledger. Methods give the Outcome; ``ok`` ones fail the test when refused."""

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        year: int = 2026,
        division: str = "440000000",
        writer_conninfo: str = "",
    ):
        self.pool = pool
        self.clock = Clock(year)
        self.division, self.year = division, year
        self.ledger_id = ledger_id(division, year)
        self.sequencer = Sequencer(
            pool,
            load_charts(),
            stored_code_sets.shipped,
            self.clock,
            writer_conninfo=writer_conninfo,
        )
        self._serial = count(1)

    def close(self) -> None:
        self.sequencer.close()

    # ---- asking

    def submit(self, *commands: Command, by: str = "maker", **how: Any) -> list[Outcome]:
        atomic = how.pop("atomic", False)
        submissions = [Submission(command=command, by=by, **how) for command in commands]
        return self.sequencer.submit(self.ledger_id, submissions, atomic=atomic).result(HANG_S)

    def ask(self, command: Command, by: str = "maker", **how: Any) -> Outcome:
        return self.submit(command, by=by, **how)[0]

    def refusal(self, command: Command, by: str = "maker", **how: Any) -> str:
        """The code the command is refused with, or "" when it is accepted."""
        problem = self.ask(command, by, **how).problem
        return problem.code.text if problem else ""

    def do(self, command: Command, by: str = "maker", **how: Any) -> Outcome:
        outcome = self.ask(command, by, **how)
        assert outcome.problem is None, str(outcome.problem)
        return outcome

    def until(self, day: date | None) -> None:
        """The days pass until this one, whose morning it is then, if it was not reached before."""
        if day is not None:
            moment = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
            self.clock.now = max(moment, self.clock.now)

    # ---- the acts, each accepted; what pays, returns or clears is done when its day has come

    def open(self, **approval_policy: tuple[str, ...]) -> Outcome:
        """With nobody else to agree to anything, but for what ``approval_policy`` says."""
        opening = OpenLedger(
            mof_div_code=self.division,
            fiscal_year=self.year,
            name="省本级",
            approval_policy={**NOBODY_ELSE, **approval_policy},
        )
        return self.do(opening, "admin")

    def policy(self, *roles: str, **more: Any) -> Outcome:
        return self.do(SetSignaturePolicy(roles=roles, **more), "admin")

    def issue(self, bgt_id: str, amount: str, **more: Any) -> Outcome:
        spent_on = FUNCTION_OF_FUND.get(more.get("fund_type_code", ""), ELEMENTS["exp_func_code"])
        elements = {**ELEMENTS, "exp_func_code": spent_on, **more}
        return self.do(IssueIndicator(bgt_id=bgt_id, amount=amount, **elements))

    def adjust(self, bgt_id: str, amount: str, **more: Any) -> Outcome:
        number = f"adj-{next(self._serial)}"
        return self.do(
            indicators.AdjustIndicator(
                bgt_id=bgt_id, adj_no=number, adj_amt=amount, reason="调整", **more
            )
        )

    def plan(self, bgt_id: str, amount: str, month: int = 1, **more: Any) -> Outcome:
        number = f"plan-{next(self._serial)}"
        return self.do(
            indicators.SetPlan(
                bgt_id=bgt_id, plan_voucher_no=number, plan_month=month, plan_amt=amount, **more
            )
        )

    def apply(self, pay_app_no: str, bgt_id: str, amount: str, **more: Any) -> Outcome:
        self.until(more.get("effective_on"))
        return self.do(payment(pay_app_no, bgt_id, amount, **more))

    def approve(self, pay_app_no: str, by: str = "checker") -> Payment:
        subject: Payment = self.do(ApprovePayment(pay_app_no=pay_app_no), by).subjects[0]
        return subject

    def sign(self, pay_app_no: str, role: str = "treasury", by: str = "signer") -> Outcome:
        return self.do(signature(pay_app_no, role), by)

    def receipt(self, paid: Payment, *failed: str, **changed: Any) -> Outcome:
        return self.do(receipt(paid, *failed, **changed), "bank")

    def pay(self, pay_app_no: str, bgt_id: str, amount: str, *failed: str, **more: Any) -> Outcome:
        """Application, approval, signature and receipt in one."""
        self.apply(pay_app_no, bgt_id, amount, **more)
        approved = self.approve(pay_app_no)
        self.sign(pay_app_no)
        return self.receipt(approved, *failed)

    def ask_back(self, pay_app_no: str, amount: str, **more: Any) -> Outcome:
        """A refund is announced: the bank is asked, nothing is booked."""
        self.until(more.get("effective_on"))
        number = more.pop("refund_no", f"refund-{next(self._serial)}")
        return self.do(
            RefundPayment(
                pay_app_no=pay_app_no,
                refund_no=number,
                refund_amt=amount,
                reason="收款人退回",
                **more,
            )
        )

    def refund(self, pay_app_no: str, amount: str, **more: Any) -> Outcome:
        """Money comes back: it is asked for, and the bank's notice says that it is there."""
        asked = self.ask_back(pay_app_no, amount, **more).subjects[0]
        return self.do(self.notice_of(asked, asked.requests[-1]), "bank")

    def notice_of(self, paid: Payment, request: RefundRequested) -> TakeNotice:
        """The bank's notice that answers a request."""
        amount_fen, lines = parse_yuan(request.refund_amt), []
        for detail in paid.details:
            named = request.pay_detail_id in ("", detail.pay_detail_id)
            part_fen = min(amount_fen, left_of(paid, detail.pay_detail_id)) if named else 0
            if part_fen:
                lines.append((detail.pay_detail_id, part_fen))
                amount_fen -= part_fen
        day = date.fromisoformat(request.request_date)
        return refund_notice(paid, lines, day, f"{next(self._serial):04d}")

    def clear(self, clear_no: str, day: date) -> Outcome:
        """Claims, and the central bank's receipt for every claim."""
        self.until(day)
        outcome = self.do(RequestClearing(clear_no=clear_no, clear_date=day, pay_bank_code="102"))
        for claim in outcome.subjects[0].requested.claims:
            outcome = self.do(claim_receipt(clear_no, claim.voucher_no, claim.pay_amt, day), "pboc")
        return outcome

    # ---- looking

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        with self.pool.connection() as connection:
            return connection.execute(statement, (self.ledger_id, *parameters)).fetchall()

    def events(self) -> list[tuple[int, str, Any]]:
        rows = self.sql(
            "SELECT position, type, payload FROM events WHERE ledger_id = %s ORDER BY position"
        )
        return [(position, name, decode(name, payload)) for position, name, payload in rows]

    def journals(self) -> list[JournalPosted]:
        return [event for _, _, event in self.events() if isinstance(event, JournalPosted)]

    def books(self) -> dict[str, str]:
        """Balance of each account by its name, on its normal side, in yuan; zero ones left out."""
        return trial_balance(self.journals())

    def figures(self, bgt_id: str) -> dict[str, str]:
        """The controlled balances as the database holds them, in yuan."""
        [row] = self.sql(
            "SELECT amounts FROM registers WHERE ledger_id = %s AND register = 'indicator'"
            " AND key = %s",
            bgt_id,
        )
        names = ("available", "frozen", "occupied", "paid", "plan")
        return {name: yuan(int(fen)) for name, fen in zip(names, row[0], strict=True)}


def trial_balance(journals: Sequence[JournalPosted]) -> dict[str, str]:
    totals: dict[str, int] = {}
    for journal in journals:
        for line in journal.lines:
            fen = line.dr_cr * parse_yuan(line.amt)
            totals[line.account] = totals.get(line.account, 0) + fen
    accounts = shipped_books().accounts
    return {
        accounts[account].name: yuan(fen * accounts[account].side)
        for account, fen in sorted(totals.items())
        if fen
    }


def payment(pay_app_no: str, bgt_id: str, amount: str, **more: Any) -> ApplyPayment:
    given = {"use_des": "办公用品", **PAYEE, **more}
    return ApplyPayment(pay_app_no=pay_app_no, bgt_id=bgt_id, pay_amt=amount, **given)


def detail(detail_id: str, amount: str, account: str = "6222000000000000009") -> PaymentDetail:
    return PaymentDetail(
        pay_detail_id=detail_id,
        payee_acct_name="样例收款人",
        payee_acct_no=account,
        payee_acct_bank_name="样例银行",
        pay_amt=amount,
    )


def signature(pay_app_no: str, role: str = "treasury", body: bytes = b"voucher") -> SignVoucher:
    return SignVoucher(
        pay_app_no=pay_app_no,
        role=role,
        cert_serial="test",
        voucher_sm3=sm3(body + pay_app_no.encode()).hex(),
        signature="test",
        document=compress_document(body + pay_app_no.encode()),
    )


def receipt(paid: Payment, *failed: str, **changed: Any) -> ApplyReceipt:
    lines = tuple(
        ReceiptLine(
            d.pay_detail_id,
            d.payee_acct_no,
            parse_yuan(d.pay_amt),
            0 if d.pay_detail_id in failed else parse_yuan(d.pay_amt),
            "账号户名不符" if d.pay_detail_id in failed else "",
        )
        for d in paid.details
    )
    assert paid.approved is not None
    text = b"receipt" + paid.pay_app_no.encode() + repr(changed).encode()
    given: dict[str, Any] = {
        "pay_app_no": paid.pay_app_no,
        "pay_cert_no": paid.pay_cert_no,
        "xpay_fen": sum(line.xpay_fen for line in lines),
        "xpay_date": date.fromisoformat(paid.approved.vou_date),
        "agent_business_no": "bank-" + paid.pay_app_no,
        "lines": lines,
        "receipt_sm3": sm3(text).hex(),
        "cert_serial": "bank",
        "signature": "test",
        "document": compress_document(text),
    }
    return ApplyReceipt(**{**given, **changed})


def refund_notice(
    paid: Payment,
    lines: Sequence[tuple[str, int]],
    day: date,
    notice_no: str,
    *,
    vt_code: NoticeCode = "2203",
    **changed: Any,
) -> TakeNotice:
    """The bank's notice that these lines (id, fen) came back, as the intake hands it on."""
    accounts = {detail.pay_detail_id: detail.payee_acct_no for detail in paid.details}
    notice = RefundNotice(
        **{
            "vt_code": vt_code,
            "adm_div_code": "440000",
            "st_year": "2026",
            "voucher_no": notice_no,
            "ori_bill_no": paid.pay_cert_no,
            "original_voucher_no": paid.pay_cert_no,
            "serial": f"serial-{notice_no}",
            "pay_amt": sum(fen for _, fen in lines),
            "pay_date": day,
            "remark": "收款人退回",
            "details": tuple(
                NoticeLine(
                    id=line,
                    pay_amt=fen,
                    voucher_no=paid.pay_app_no,
                    payee_acct_no=accounts.get(line, ""),
                )
                for line, fen in lines
            ),
            **changed,
        }
    )
    document = refund_notices.build(notice)
    body = VoucherBody(
        adm_div_code="440000",
        st_year=2026,
        vt_code=vt_code,
        voucher_no=notice.voucher_no,
        voucher_flag=SEND,
        voucher=document,
    )
    assert paid.approved is not None
    bank = paid.approved.pay_bank_code
    received = ReceivedNotice(notice, "", None, paid.pay_app_no, bank)
    return received.command(
        body,
        bank,
        ReceiptEvidence(
            receipt_sm3=sm3(document).hex(),
            cert_serial="bank",
            signature="test",
            document=compress_document(document),
        ),
    )


def claim_receipt(clear_no: str, voucher_no: str, amount: str, day: date) -> ApplyClaimReceipt:
    return ApplyClaimReceipt(
        clear_no=clear_no,
        voucher_no=voucher_no,
        xpay_fen=parse_yuan(amount),
        xclear_date=day,
        receipt_sm3=sm3(voucher_no.encode()).hex(),
        cert_serial="pboc",
        signature="test",
        document=compress_document(voucher_no.encode()),
    )


def fresh_pool(conninfo: str) -> ConnectionPool:
    return ConnectionPool(conninfo, min_size=1, max_size=6, open=True)


def superuser(conninfo: str) -> psycopg.Connection:
    return psycopg.connect(conninfo, autocommit=True)
