"""The calls of a ledger: each a value that any client sends, for whoever's token it has."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from guoku_client.amounts import Amount, yuan
from guoku_client.asked import (
    DocumentName,
    NewIndicator,
    NewLedger,
    NewPayment,
    NewRefund,
    fields_of,
)
from guoku_client.batches import PORTION_ITEMS, Result, in_portions
from guoku_client.call import Answer, Call, Many, acting, asking, content, json_of, path_of, reader
from guoku_client.following import EventStream
from guoku_client.paging import PAGE_ITEMS, events_after, listed
from guoku_client.runs import RunCalls
from guoku_client.shown import (
    Books,
    Document,
    DocumentRow,
    Indicator,
    IndicatorRow,
    LedgerEvent,
    Payment,
    PaymentRow,
    Run,
    Submitted,
    Webhook,
)
from guoku_client.signing import PORTION_VOUCHERS, OwnSignatures, Review, Signer

_books = reader(Books)
_payment = reader(Payment)
_indicator = reader(Indicator)
_document = reader(Document)
_payment_or_submitted: Callable[[Answer], Payment | Submitted] = reader(Payment, Submitted)
_indicator_or_submitted: Callable[[Answer], Indicator | Submitted] = reader(Indicator, Submitted)


def open_ledger(ledger: NewLedger) -> Call[Books]:
    """Opens a year's books."""
    return acting(path_of("ledgers"), _books, ledger)


def ledgers(page_size: int = PAGE_ITEMS) -> Many[Books]:
    """The ledgers that the token reaches."""
    return listed(path_of("ledgers"), Books, {}, page_size)


def webhooks(page_size: int = PAGE_ITEMS) -> Many[Webhook]:
    """The webhooks within the token's reach, and how far each is."""
    return listed(path_of("webhooks"), Webhook, {}, page_size)


class Ledger:
    """The calls of one ledger, named as in ``440000000-2026``.

    A call does nothing by itself: ``client.do(call)`` sends it, ``client.each(many)`` goes through
    what comes in parts.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Ledger({self.name!r})"

    def path(self, *parts: str) -> str:
        return path_of("ledgers", self.name, *parts)

    def show(self) -> Call[Books]:
        return asking(self.path(), _books)

    # ---- anything else that the server can do

    def get(self, *parts: str, **query: Any) -> Call[dict[str, Any]]:
        """``GET …/parts`` as JSON: ``get("trial-balance", book="indicator")``."""
        return asking(self.path(*parts), json_of, **query)

    def post(self, *parts: str, body: object, method: str = "POST") -> Call[dict[str, Any]]:
        """An act as JSON; the body bears its business number, or the act is known by what it left,
        so that it can be repeated. Amounts in it are text in yuan."""
        return acting(self.path(*parts), json_of, body, method)

    # ---- indicators 指标

    def issue(self, indicator: NewIndicator) -> Call[Indicator | Submitted]:
        """批复下达."""
        return acting(self.path("indicators"), _indicator_or_submitted, indicator)

    def issue_all(
        self, indicators: Iterable[NewIndicator], size: int = PORTION_ITEMS, *, atomic: bool = False
    ) -> Many[Result[NewIndicator]]:
        return in_portions(
            self.path("indicators:batch"),
            indicators,
            lambda indicator: indicator.bgt_id,
            list,
            size=size,
            atomic=atomic,
        )

    def indicator(self, bgt_id: str, **moment: Any) -> Call[Indicator]:
        """As it is, or ``as_of_position=``, ``as_of_recorded=``, ``as_of_effective=``."""
        return asking(self.path("indicators", bgt_id), _indicator, **moment)

    def indicators(self, page_size: int = PAGE_ITEMS, **filters: Any) -> Many[IndicatorRow]:
        """``agency_code=``, ``bgt_pman_id=``, ``distributed_from=``."""
        return listed(self.path("indicators"), IndicatorRow, filters, page_size)

    def adjust(
        self, bgt_id: str, *, adj_no: str, adj_amt: Amount, reason: str
    ) -> Call[Indicator | Submitted]:
        """追加, or 追减 by a negative amount."""
        body = fields_of(adj_no=adj_no, adj_amt=yuan(adj_amt, "adj_amt"), reason=reason)
        path = self.path("indicators", bgt_id, "adjustments")
        return acting(path, _indicator_or_submitted, body)

    def plan(
        self, bgt_id: str, *, plan_voucher_no: str, plan_month: int, plan_amt: Amount
    ) -> Call[Indicator | Submitted]:
        """用款计划 of a month."""
        body = fields_of(
            plan_voucher_no=plan_voucher_no,
            plan_month=plan_month,
            plan_amt=yuan(plan_amt, "plan_amt"),
        )
        return acting(self.path("indicators", bgt_id, "plans"), _indicator_or_submitted, body)

    # ---- payments 支付

    def apply(self, payment: NewPayment) -> Call[Payment]:
        """支付申请."""
        return acting(self.path("payments"), _payment, payment)

    def apply_all(
        self, payments: Iterable[NewPayment], size: int = PORTION_ITEMS, *, atomic: bool = False
    ) -> Many[Result[NewPayment]]:
        return in_portions(
            self.path("payments:batch"),
            payments,
            lambda payment: payment.pay_app_no,
            list,
            size=size,
            atomic=atomic,
        )

    def approve(self, pay_app_no: str) -> Call[Payment]:
        return self._on_payment(pay_app_no, "approve")

    def approve_all(
        self, pay_app_nos: Iterable[str], size: int = PORTION_ITEMS
    ) -> Many[Result[str]]:
        path = self.path("payments:approve")
        return in_portions(path, pay_app_nos, str, lambda nos: {"pay_app_nos": nos}, size=size)

    def reject(self, pay_app_no: str, reason: str) -> Call[Payment]:
        return self._on_payment(pay_app_no, "reject", reason=reason)

    def withdraw(self, pay_app_no: str) -> Call[Payment]:
        return self._on_payment(pay_app_no, "withdraw")

    def sign_all(
        self, pay_app_nos: Iterable[str], role: str, size: int = PORTION_ITEMS
    ) -> Many[Result[str]]:
        """Signs with a key that the server holds for the caller."""
        return in_portions(
            self.path("payments:sign"),
            pay_app_nos,
            str,
            lambda nos: {"pay_app_nos": nos, "role": role},
            size=size,
        )

    def sign_with(
        self,
        signer: Signer,
        pay_app_nos: Iterable[str],
        role: str,
        *,
        review: Review | None = None,
        size: int = PORTION_VOUCHERS,
    ) -> Many[Result[str]]:
        """Signs with a key of one's own, which stays where it is.

        Args:
            review: is shown the vouchers before they are signed, and raises to end it.

        Raises (while it is gone through):
            SigningError: what the server wants signed is not what it says it is; or the key's.
        """
        signatures = OwnSignatures(self.path(), self.name, role, signer, review)
        return signatures.of(pay_app_nos, size)

    def refund(self, pay_app_no: str, refund: NewRefund) -> Call[Payment | Submitted]:
        """Announces that money comes back 退款."""
        path = self.path("payments", pay_app_no, "refunds")
        return acting(path, _payment_or_submitted, refund)

    def void(
        self, pay_app_no: str, reason: str, effective_on: date | None = None
    ) -> Call[Payment | Submitted]:
        """作废 of what no bank has."""
        body = fields_of(reason=reason, effective_on=effective_on)
        return acting(self.path("payments", pay_app_no, "void"), _payment_or_submitted, body)

    def recall(
        self, pay_app_no: str, reason: str, recall_no: str | None = None
    ) -> Call[Payment | Submitted]:
        """撤销: asks the bank to stop it."""
        body = fields_of(reason=reason, recall_no=recall_no)
        return acting(self.path("payments", pay_app_no, "recall"), _payment_or_submitted, body)

    def payment(self, pay_app_no: str, **moment: Any) -> Call[Payment]:
        """As it is, or ``as_of_position=``, ``as_of_recorded=``, ``as_of_effective=``."""
        return asking(self.path("payments", pay_app_no), _payment, **moment)

    def payments(
        self,
        page_size: int = PAGE_ITEMS,
        *,
        since: date | None = None,
        upto: date | None = None,
        **filters: Any,
    ) -> Many[PaymentRow]:
        """By date of application, or as ``sort=`` says; filters as in the server's api-guide:
        ``status=``, ``agency_code=``, ``payee_acct_no=``, ``min_amt=``, ``made_by=`` …"""
        query = {**filters, "from": since, "to": upto}
        return listed(self.path("payments"), PaymentRow, query, page_size)

    def voucher(self, pay_app_no: str) -> Call[bytes]:
        """The signed e-voucher just as it was sent."""
        return asking(self.path("payments", pay_app_no, "voucher"), content)

    def evidence(self, pay_app_no: str) -> Call[bytes]:
        """What proves the payment offline, one file."""
        return asking(self.path("payments", pay_app_no, "evidence"), content)

    def _on_payment(self, pay_app_no: str, act: str, **body: Any) -> Call[Payment]:
        return acting(self.path("payments", pay_app_no, act), _payment, body)

    # ---- documents 单据 that wait for other persons

    def documents(self, page_size: int = PAGE_ITEMS, **filters: Any) -> Many[DocumentRow]:
        """``state=``, ``kind=``, ``about=``, ``mine=True``."""
        return listed(self.path("documents"), DocumentRow, filters, page_size)

    def document(self, document: DocumentName) -> Call[Document]:
        return asking(self.path("documents", document.kind, document.number), _document)

    def agree(self, document: DocumentName) -> Call[dict[str, Any]]:
        """同意; answered as the act itself would be, once nobody else is awaited."""
        path = self.path("documents", document.kind, document.number, "approve")
        return acting(path, json_of, {})

    def agree_all(
        self, documents: Iterable[DocumentName], size: int = PORTION_ITEMS
    ) -> Many[Result[DocumentName]]:
        return in_portions(
            self.path("documents:approve"),
            documents,
            lambda document: document.number,
            lambda portion: {"documents": portion},
            size=size,
        )

    def give_back(self, document: DocumentName, reason: str) -> Call[Document]:
        """退回."""
        path = self.path("documents", document.kind, document.number, "return")
        return acting(path, _document, {"reason": reason})

    # ---- many by a file

    def run(self, run_no: str) -> RunCalls:
        """A disbursement run 批量支付: ``run.open``, ``load_file``, ``approve``, ``execute`` …"""
        return RunCalls(self.name, run_no)

    def runs(self, page_size: int = PAGE_ITEMS) -> Many[Run]:
        return listed(self.path("disbursements"), Run, {}, page_size)

    # ---- history

    def stream(self, after: int = 0) -> EventStream:
        """The events behind a position as they come: ``for event in client.follow(…)``."""
        return EventStream(self.path("events", "stream"), after)

    def events(self, after: int = 0) -> Many[LedgerEvent]:
        """Every event behind a position. Whoever keeps the last one's goes on from there."""
        return events_after(self.path("events"), after)
