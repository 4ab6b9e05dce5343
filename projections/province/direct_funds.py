"""直达资金: what was issued, allotted and paid of funds with a mark, by division, down to payees.

Transfers and what was received are folded from their ledgers, of those that the database shows
the caller; indicators and payments are read through row security like all of a province.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg.sql import SQL

from budget.received import (
    RECEIVED_AMOUNTS,
    RECEIVED_TRANSFER,
    ReceivedAmounts,
    ReceivedTransfer,
)
from ledger.account_set import YEARS, division_of, ledger_text
from ledger.reading.loading import read_rows
from ledger.reading.objects import read_objects
from payments.payment import PAYMENT, Payment
from projections.province.ledgers import ledgers_seen, objects_of
from projections.province.sight import Sight, seen_by
from transfers.tiers import tier_code
from transfers.transfer import TRANSFER, Transfer

_MARKED = SQL("""
    SELECT t.* FROM province_positions g JOIN province_indicators t
        ON t.ledger_id = g.ledger_id AND t.generation = g.generation
    WHERE g.projection = 'indicators' AND g.live AND g.ledger_id %% {years} = %(fiscal_year)s
        AND (t.is_dir_code <> '' OR t.track_pro_code <> '')
        AND %(track_pro_code)s IN ('', t.track_pro_code)
        AND %(is_dir_code)s IN ('', t.is_dir_code)""").format(years=YEARS)
_INDICATORS = SQL("""
WITH marked AS ({})
SELECT ledger_id, bgt_id, is_dir_code, track_pro_code, amount_fen, pay_app_fen, pay_fen
FROM marked ORDER BY ledger_id, bgt_id""").format(_MARKED)
_PAYMENTS = SQL("""
WITH marked AS ({}), of_payments AS (
    SELECT m.ledger_id, m.bgt_id, g.generation FROM marked m JOIN province_positions g
        ON g.ledger_id = m.ledger_id AND g.projection = 'payments' AND g.live),
found AS (
    SELECT p.ledger_id, p.pay_app_no FROM of_payments m JOIN province_payments p
        ON p.ledger_id = m.ledger_id AND p.generation = m.generation AND p.bgt_id = m.bgt_id
    WHERE p.xpay_fen > 0
    UNION
    SELECT c.ledger_id, c.pay_app_no FROM of_payments m JOIN province_corrections c
        ON c.ledger_id = m.ledger_id AND c.generation = m.generation AND c.to_bgt_id = m.bgt_id)
SELECT ledger_id, pay_app_no FROM found
WHERE (ledger_id, pay_app_no) > (%(ledger_id)s, %(pay_app_no)s)
ORDER BY 1, 2 LIMIT %(limit)s""").format(_MARKED)


class Marks(NamedTuple):
    """Which funds: 追踪项目, 直达资金标识; "" is any, of both that there is one."""

    track_pro_code: str = ""
    is_dir_code: str = ""

    def hold(self, marked: Any) -> bool:
        """Whether a transfer's terms have them."""
        return bool(marked.track_pro_code or marked.is_dir_code) and (
            self.track_pro_code in ("", marked.track_pro_code)
            and self.is_dir_code in ("", marked.is_dir_code)
        )


class DirectFundFigures(NamedTuple):
    """Of a division, or of a tier, in fen: what it has sent below of its own budget and of what it
    has received; what it has received, and what of that is not allotted; what its indicators have,
    and what of that is occupied and paid."""

    sent_of_own: int = 0
    sent_on: int = 0
    received: int = 0
    rest: int = 0
    indicators: int = 0
    occupied: int = 0
    paid: int = 0

    def plus(self, other: "DirectFundFigures") -> "DirectFundFigures":
        return DirectFundFigures(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def sent(self) -> int:
        return self.sent_of_own + self.sent_on

    @property
    def allotted(self) -> int:
        """分配: to its own units, and of what was received to tiers below."""
        return self.sent_on + self.indicators

    @property
    def own_indicators(self) -> int:
        """What its indicators have that nothing received was allotted to."""
        return self.indicators + self.sent_on - (self.received - self.rest)


class DirectFunds(NamedTuple):
    """By ledger and by tier; and of all together, in fen, what begins among them (下达), what of it
    those who have it first have allotted (分配), and what is paid (支付)."""

    divisions: dict[int, DirectFundFigures]
    tiers: dict[str, DirectFundFigures]
    issued_fen: int
    allotted_fen: int
    paid_fen: int

    @property
    def tier_of(self) -> dict[int, str]:
        """The tier of each ledger's division."""
        return {key: tier_code(division_of(key)) for key in self.divisions}

    @property
    def rate(self) -> str:
        """What is paid of what was issued, in per cent with two decimals; "" of nothing."""
        issued_fen = self.issued_fen
        return f"{self.paid_fen * 10_000 // issued_fen / 100:.2f}" if issued_fen else ""


def direct_funds(
    connection: psycopg.Connection, sight: Sight, fiscal_year: int, marks: Marks
) -> DirectFunds:
    """Of the ledgers that are seen, at one moment; what comes from others begins with them."""
    asked = {"fiscal_year": fiscal_year, **marks._asdict()}
    sent: dict[tuple[str, str], Transfer] = {}
    figures: defaultdict[int, DirectFundFigures] = defaultdict(DirectFundFigures)
    received: list[tuple[ReceivedTransfer, ReceivedAmounts]] = []
    with seen_by(connection, sight):
        for key in ledgers_seen(connection, fiscal_year):
            for transfer in objects_of(connection, key, TRANSFER):
                if marks.hold(transfer.issued):
                    sent[ledger_text(key), transfer.transfer_no] = transfer
                    figures[key] = figures[key].plus(_of_sent(transfer))
            there = [
                each
                for each in objects_of(connection, key, RECEIVED_TRANSFER)
                if marks.hold(each.terms)
            ]
            numbers = [each.sup_bgt_doc_no for each in there]
            rows = read_rows(connection, key, RECEIVED_AMOUNTS, numbers)
            for each in there:
                amounts = rows.get(each.sup_bgt_doc_no, ReceivedAmounts())
                received.append((each, amounts))
                more = DirectFundFigures(received=amounts.received, rest=amounts.rest)
                figures[key] = figures[key].plus(more)
        for key, _, _, _, amount_fen, occupied_fen, paid_fen in connection.execute(
            _INDICATORS, asked
        ):
            more = DirectFundFigures(indicators=amount_fen, occupied=occupied_fen, paid=paid_fen)
            figures[key] = figures[key].plus(more)
    return _summed(dict(sorted(figures.items())), sent, received)


def _summed(
    figures: dict[int, DirectFundFigures],
    sent: dict[tuple[str, str], Transfer],
    received: list[tuple[ReceivedTransfer, ReceivedAmounts]],
) -> DirectFunds:
    tiers: defaultdict[str, DirectFundFigures] = defaultdict(DirectFundFigures)
    for key, of_one in figures.items():
        tier = tier_code(division_of(key))
        tiers[tier] = tiers[tier].plus(of_one)
    own_fen = sum(of_one.own_indicators for of_one in figures.values())
    issued_fen = own_fen + sum(of_one.sent_of_own for of_one in figures.values())
    allotted_fen = own_fen
    for each, amounts in received:
        transfer = sent.get((each.issued.ledger, each.received.transfer_no))
        if transfer is None:  # of a tier that is not seen: with this one it begins
            issued_fen += amounts.received
        if transfer is None or not transfer.issued.sup_bgt_doc_no:
            allotted_fen += amounts.received - amounts.rest
    paid_fen = sum(of_one.paid for of_one in figures.values())
    return DirectFunds(figures, dict(sorted(tiers.items())), issued_fen, allotted_fen, paid_fen)


def _of_sent(transfer: Transfer) -> DirectFundFigures:
    if transfer.issued.sup_bgt_doc_no:
        return DirectFundFigures(sent_on=transfer.amt_fen)
    return DirectFundFigures(sent_of_own=transfer.amt_fen)


# ---- down to payees


class PayeeLine(NamedTuple):
    """What a payee has of marked funds by one line of a payment, in fen, less what came back."""

    ledger_id: int
    payment: Payment
    pay_detail_id: str
    bgt_id: str
    marks: Marks
    paid_fen: int


class PayeePlace(NamedTuple):
    """The payment that a page ended with; before all of them at first."""

    ledger_id: int = 0
    pay_app_no: str = ""


def payee_lines(
    connection: psycopg.Connection,
    sight: Sight,
    fiscal_year: int,
    marks: Marks,
    after: PayeePlace,
    payments: int,
) -> tuple[list[PayeeLine], PayeePlace | None]:
    """The lines of so many payments, by ledger and number, and the place behind them, None where
    nothing follows. A line that a correction has moved stands under the indicator that bears it."""
    asked = {"fiscal_year": fiscal_year, "limit": payments + 1} | marks._asdict() | after._asdict()
    numbers: defaultdict[int, list[str]] = defaultdict(list)
    lines: list[PayeeLine] = []
    with seen_by(connection, sight):
        found = connection.execute(_PAYMENTS, asked).fetchall()
        for key, number in found[:payments]:
            numbers[key].append(number)
        marked = {
            (key, bgt_id): Marks(track, direct)
            for key, bgt_id, direct, track, *_ in connection.execute(_INDICATORS, asked)
        }
        for key, of_ledger in numbers.items():
            objects = read_objects(connection, key, PAYMENT, of_ledger)
            for number in of_ledger:
                lines += _lines(key, objects[number], marked)
    following = PayeePlace(*found[payments - 1]) if len(found) > payments else None
    return lines, following


def _lines(key: int, payment: Payment, marked: dict[tuple[int, str], Marks]) -> Iterator[PayeeLine]:
    for borne in payment.bearing:
        if (marks := marked.get((key, borne.bgt_id))) is not None:
            yield PayeeLine(
                key, payment, borne.pay_detail_id, borne.bgt_id, marks, borne.amount_fen
            )
