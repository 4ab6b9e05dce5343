"""A bank's message taken in without HTTP: every receipt with its outcome, refusals on record."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.account_set import ledger_id
from ledger.deciding.command import Outcome, Submission
from ledger.errors import AccessError, Code, RequestError
from ledger.writing.submitting import submit_to
from payments.messages.envelope import VoucherBody, build_envelope
from payments.receipts.intake import Deliverer, ReceiptIntake, TakenReceipt
from payments.signature_policy import SetSignaturePolicy
from tests.payments.test_channel_receipts import body_of, receipt_of, signed_by
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import BANK, ReceiptServer, SigningTreasury, bank
from tests.support.waiting import wait_until

ANYWHERE = Deliverer("bank", lambda _ledger_id: None)


class ReceiptsCounter:
    """Where a message is handed in; remembers what it brought to the books."""

    def __init__(self, treasury: SigningTreasury) -> None:
        self.treasury = treasury
        self.groups: list[tuple[int, list[str]]] = []
        self._intake = ReceiptIntake(treasury.pool, treasury.provider, lambda: datetime.now(UTC))
        self._books = submit_to(treasury.keeper.sequencer)

    def take_in(
        self, message: bytes, deliverer: Deliverer = ANYWHERE, **how: Any
    ) -> list[TakenReceipt]:
        return self._intake.take_in(message, deliverer, self._submit, **how)

    def _submit(self, key: int, submissions: Iterable[Submission]) -> list[Outcome]:
        group = list(submissions)
        self.groups.append((key, [submission.command.OPERATION for submission in group]))
        return self._books(key, group)

    def refusals(self) -> list[tuple[str, str]]:
        """(number, code) of what the ledger has on record as refused."""
        return [
            (event.number, event.code)
            for _, _, event in self.treasury.keeper.events()
            if event.TYPE == "command.refused"
        ]


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


@pytest.fixture
def counter(treasury: SigningTreasury) -> ReceiptsCounter:
    return ReceiptsCounter(treasury)


def receipts(treasury: SigningTreasury, numbers: Iterable[str]) -> list[VoucherBody]:
    """The bank's signed receipts for these payments, all paid."""
    own = treasury.certificate(BANK)
    return [
        signed_by(treasury, own, body_of(treasury, n, receipt_of(treasury, n))) for n in numbers
    ]


def told(taken: Iterable[TakenReceipt]) -> list[str]:
    """What became of each: its status, or the code of its problem."""
    return [
        item.outcome.status if item.outcome.problem is None else item.outcome.problem.code.text
        for item in taken
    ]


def test_each_receipt_has_its_outcome_and_the_ledger_is_asked_once(
    treasury: SigningTreasury, counter: ReceiptsCounter
) -> None:
    treasury.signed(3)
    bodies = receipts(treasury, ["P1", "P2", "P3"])
    bodies[1] = msgspec.structs.replace(bodies[1], signatures=())
    message = build_envelope(bodies)
    taken = counter.take_in(message)
    assert [item.voucher_no for item in taken] == [body.voucher_no for body in bodies]
    assert told(taken) == ["created", "signature_invalid", "created"]
    assert treasury.statuses(["P1", "P2", "P3"]) == ["paid", "signed", "paid"]
    assert counter.groups == [
        (
            treasury.keeper.ledger_id,
            ["voucher.receipt", "refusal.record", "voucher.receipt"],
        )
    ]
    assert counter.refusals() == [(bodies[1].voucher_no, "signature_invalid")]
    assert told(counter.take_in(message)) == ["replayed", "signature_invalid", "replayed"]


def test_nothing_is_taken_from_whoever_does_not_reach_the_ledger(
    treasury: SigningTreasury, counter: ReceiptsCounter
) -> None:
    def nowhere(_ledger_id: int) -> None:
        raise AccessError(Code.FORBIDDEN, "division 440000000 is outside the token's division")

    treasury.signed(1)
    [body] = receipts(treasury, ["P1"])
    taken = counter.take_in(build_envelope([body]), Deliverer("another bank", nowhere))
    assert told(taken) == ["forbidden"]
    assert treasury.statuses(["P1"]) == ["signed"]
    assert counter.refusals() == [(body.voucher_no, "forbidden")]


def test_a_voucher_of_a_ledger_that_was_never_opened_reaches_no_books(
    treasury: SigningTreasury, counter: ReceiptsCounter
) -> None:
    treasury.signed(1)
    [body] = receipts(treasury, ["P1"])
    number = f"{ledger_id('990000000', 2026)}" + body.voucher_no[13:]
    assert len(number) == len(body.voucher_no)
    document = body.voucher.replace(body.voucher_no.encode(), number.encode())
    elsewhere = msgspec.structs.replace(body, voucher_no=number, voucher=document)
    # that no such voucher was issued is found first
    assert told(counter.take_in(build_envelope([elsewhere]))) == ["payment_not_found"]
    assert counter.groups == []


def test_a_message_that_cannot_be_read_is_on_record_where_it_names_a_voucher(
    treasury: SigningTreasury, counter: ReceiptsCounter
) -> None:
    treasury.signed(2)
    bodies = receipts(treasury, ["P1", "P2"])
    broken = build_envelope(bodies).replace(b"</MOF>", b"</MOV>")
    with pytest.raises(RequestError) as error:
        counter.take_in(broken)
    assert error.value.code is Code.MALFORMED
    assert counter.refusals() == [(body.voucher_no, "malformed") for body in bodies]


@pytest.mark.parametrize("broken", [False, True])
def test_a_trial_leaves_no_trace(
    treasury: SigningTreasury, counter: ReceiptsCounter, broken: bool
) -> None:
    treasury.signed(2)
    bodies = receipts(treasury, ["P1", "P2"])
    bodies[1] = msgspec.structs.replace(bodies[1], signatures=())
    message = build_envelope(bodies)
    before = len(treasury.keeper.events())
    if broken:
        with pytest.raises(RequestError):
            counter.take_in(message.replace(b"</MOF>", b"</MOV>"), dry_run=True)
    else:
        assert told(counter.take_in(message, dry_run=True)) == ["created", "signature_invalid"]
    assert len(treasury.keeper.events()) == before
    assert treasury.statuses(["P1", "P2"]) == ["signed", "signed"]


def test_a_manifest_goes_into_the_books_before_the_receipts_that_name_it(
    bookkeeper: Bookkeeper, tmp_path: Path
) -> None:
    bookkeeper.do(SetSignaturePolicy(roles=("treasury",), signing="manifest"), "admin")
    bookkeeper.issue("B", "1000.00")
    treasury = SigningTreasury(bookkeeper, tmp_path)
    numbers = treasury.signed(2)
    with ReceiptServer(treasury) as server:
        server.closed = True  # the bank pays, and what it owes is handed in here
        with bank(treasury, server.url) as simulator:
            dispatcher = treasury.dispatcher(simulator.url)
            dispatcher.start()
            wait_until(lambda: treasury.statuses(numbers) == ["sent", "sent"])
            dispatcher.stop()
            server.closed = False
            wait_until(lambda: treasury.statuses(numbers) == ["paid", "paid"])
    counter = ReceiptsCounter(treasury)
    assert told(counter.take_in(server.messages[0])) == ["replayed", "replayed"]
    assert counter.groups == [
        (bookkeeper.ledger_id, ["manifest.sign", "voucher.receipt", "voucher.receipt"])
    ]
    tried = ReceiptsCounter(treasury)
    tried.take_in(server.messages[0], dry_run=True)
    assert tried.groups == [(bookkeeper.ledger_id, ["voucher.receipt", "voucher.receipt"])]
