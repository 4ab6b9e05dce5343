"""The simulated banks: strangers to the treasury that believe signatures only and pay once."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

import msgspec
import pytest

from division.certificates import Certificate
from ledger.errors import UnavailableError
from ledger.integrity.merkle import leaf_hash
from payments.clearing.claims import RequestClearing
from payments.delivery.bank_client import Acknowledgements
from payments.messages.envelope import VoucherBody, add_signature, build_envelope
from payments.simulators import bank as bank_simulator
from payments.simulators.answers import Answer
from payments.simulators.bank import Bank
from payments.simulators.book import PaidVoucher
from payments.simulators.counterparty import Counterparty
from payments.simulators.faults import Faults
from payments.simulators.pboc import CentralBank
from tests.support import asking
from tests.support.bookkeeper import Bookkeeper
from tests.support.channel_parties import (
    ReceiptServer,
    SigningTreasury,
    bank,
    bank_config,
    pboc_config,
)


@pytest.fixture
def treasury(bookkeeper: Bookkeeper, tmp_path: Path) -> SigningTreasury:
    bookkeeper.issue("B", "1000.00")
    return SigningTreasury(bookkeeper, tmp_path)


@pytest.fixture
def till(treasury: SigningTreasury, server: ReceiptServer) -> Iterator[Bank]:
    """A bank without its server: what it owes stays in its book."""
    bank = Bank(bank_config(treasury, server.url))
    yield bank
    bank.close()


def told(party: Counterparty, *bodies: VoucherBody) -> list[str]:
    """What it says of each: accepted, replayed, or why not."""
    results = party.take_in(build_envelope(bodies)).results
    return [r.problem.code if r.problem else r.status for r in results]


def owed(party: Counterparty) -> list[tuple[str, float | None]]:
    """(voucher number, epoch seconds at which the receipt is due) in order of sending."""
    with closing(sqlite3.connect(party.config.data / "book.sqlite")) as connection:
        return connection.execute(
            "SELECT number, due_s FROM receipts ORDER BY due_s, id"
        ).fetchall()


def other_bytes(body: VoucherBody) -> VoucherBody:
    return msgspec.structs.replace(body, voucher=body.voucher.replace("办公".encode("gbk"), b"-"))


# ---- the agent bank


def test_a_number_is_paid_once_and_only_for_its_bytes(
    treasury: SigningTreasury, till: Bank
) -> None:
    treasury.signed(2)
    first, second = treasury.body_of("P1"), treasury.body_of("P2")
    assert told(till, first) == ["accepted"]
    assert told(till, first, second, second) == ["replayed", "accepted", "accepted"]
    assert told(till, other_bytes(first), second) == ["idempotency_conflict", "replayed"]
    [answer] = till.take_in(build_envelope([other_bytes(first)])).results
    assert answer.problem is not None
    assert (answer.problem.status, answer.definitive) == (409, True)
    figures = till.book.figures()
    assert (figures.vouchers, figures.paid_fen, figures.receipts_owed) == (2, 200, 2)


def test_a_book_from_before_knows_its_vouchers(treasury: SigningTreasury, till: Bank) -> None:
    """It has the hash that the voucher had in a manifest of the first version."""
    treasury.signed(1)
    body = treasury.body_of("P1")
    till.book.record(
        [PaidVoucher(body.voucher_no, leaf_hash(body.voucher), 100, "", b"")], till.signed
    )
    assert told(till, body) == ["replayed"]
    assert told(till, other_bytes(body)) == ["idempotency_conflict"]


def test_messages_that_overlap_in_time_pay_once(treasury: SigningTreasury, till: Bank) -> None:
    numbers = treasury.signed(6)
    message = build_envelope([treasury.body_of(number) for number in numbers])
    answers: list[Acknowledgements] = []
    threads = [
        threading.Thread(target=lambda: answers.append(till.take_in(message))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = [result.status for answer in answers for result in answer.results]
    assert (statuses.count("accepted"), statuses.count("replayed")) == (6, 18)
    assert till.book.figures().receipts_owed == 6


class Overtaken(Bank):
    """A bank at which a recall comes between the look at its voucher and the writing down."""

    def answer(self, body: VoucherBody, signers: Sequence[Certificate]) -> Answer:
        answer = super().answer(body, signers)
        self.book.recalls.stop(body.voucher_no, time.time(), self.signed)
        return answer


def test_a_recall_that_comes_while_its_voucher_is_judged_stops_it(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    """The recall was taken in, the voucher paid all the same, and its receipt never came."""
    [number] = treasury.signed(1, payee_acct_no=f"{bank_simulator.NEVER}000000000001")
    body = treasury.body_of(number)
    with closing(Overtaken(bank_config(treasury, server.url))) as overtaken:
        assert told(overtaken, body) == ["accepted"]
        assert overtaken.book.figures().paid_fen == 0
        assert [of for of, _ in owed(overtaken)] == [body.voucher_no]


def test_it_pays_for_good_signatures_only(treasury: SigningTreasury, till: Bank) -> None:
    treasury.signed(1)
    good = treasury.body_of("P1")
    unsigned = msgspec.structs.replace(good, signatures=())
    signature = good.signatures[0]
    treasury.certificate("principal/wang")
    stolen_serial = treasury.certificate("principal/li").serial
    unknown = msgspec.structs.replace(signature, sn="0" * 32)
    another = msgspec.structs.replace(signature, sn=stolen_serial)
    assert told(till, other_bytes(good)) == ["signature_invalid"]
    assert told(till, unsigned) == ["signature_invalid"]
    assert told(till, msgspec.structs.replace(good, signatures=(unknown,))) == [
        "certificate_invalid"
    ]
    assert told(till, msgspec.structs.replace(good, signatures=(another,))) == ["signature_invalid"]
    assert told(till, msgspec.structs.replace(good, signatures=(signature, signature))) == [
        "same_person"
    ]
    by_bank = _signed(treasury, unsigned, "bank/102", treasury.certificate("bank/102").serial)
    assert told(till, by_bank) == ["signature_invalid"]
    expired = treasury.certificate("principal/zhao", days=1, begun_days_ago=3).serial
    assert told(till, _signed(treasury, unsigned, "principal/zhao", expired)) == [
        "certificate_invalid"
    ]
    assert till.book.figures().vouchers == 0
    assert told(till, good) == ["accepted"]


def _signed(treasury: SigningTreasury, body: VoucherBody, subject: str, serial: str) -> VoucherBody:
    key = treasury.keys.private_key(subject)
    return add_signature(
        body, no="treasury", sn=serial, sign=lambda data: treasury.provider.sign(key, data)
    )


def test_it_insists_on_the_roles_agreed_with_it(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    treasury.signed(1)
    roles = ("finance_first", "treasury")
    party = Bank(bank_config(treasury, server.url, required_roles=roles))
    assert told(party, treasury.body_of("P1")) == ["signature_order"]
    party.close()


def test_a_voucher_for_another_bank_is_refused(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    treasury.signed(1)
    serial = treasury.certificate("bank/103").serial
    party = Bank(bank_config(treasury, server.url, bank_code="103", cert_serial=serial))
    assert told(party, treasury.body_of("P1")) == ["malformed"]
    party.close()


def test_without_the_certificates_it_takes_nothing_in(
    treasury: SigningTreasury, till: Bank
) -> None:
    treasury.signed(1)
    nowhere = Bank(bank_config(treasury, "http://127.0.0.1:9", data=treasury.folder / "other"))
    with pytest.raises(UnavailableError):
        told(nowhere, treasury.body_of("P1"))
    assert nowhere.book.figures().vouchers == 0
    nowhere.close()


def test_receipts_come_as_the_payee_account_asks(
    treasury: SigningTreasury, till: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    late_s = 3600.0  # later than the rest of this test
    monkeypatch.setitem(bank_simulator._COURSES, bank_simulator.SLOW, ((late_s,), False))

    def arrives(prefix: str, name: str) -> str:
        [number] = treasury.signed(1, name, payee_acct_no=f"{prefix}000000000001")
        assert told(till, treasury.body_of(number)) == ["accepted"]
        return treasury.payments([number])[number].pay_cert_no

    arrives("9995", "never")
    before_s = time.time()
    late = arrives("9998", "late")
    after_s = time.time()
    held = arrives("9996", "held")
    assert [number for number, _ in owed(till)] == [held, late]
    assert dict(owed(till))[held] is None
    twice = arrives("9997", "twice")
    at = owed(till)
    assert [number for number, _ in at] == [twice, held, twice, late]
    assert at[3][1] is not None
    assert before_s <= at[3][1] - late_s <= after_s
    assert till.book.figures().paid_fen == 400


def test_faults_strike_by_their_seed() -> None:
    numbers = [str(number) for number in range(1000)]

    def struck(seed: int) -> list[bool]:
        return [Faults(seed=seed).strikes(0.2, "reject", number) for number in numbers]

    assert struck(1) == struck(1) != struck(2)
    assert 150 < sum(struck(1)) < 250
    assert not any(Faults().strikes(0.0, "reject", number) for number in numbers)


def test_over_http_it_answers_in_words(treasury: SigningTreasury, server: ReceiptServer) -> None:
    with bank(treasury, server.url) as simulator:
        url = f"{simulator.url}/vouchers"
        garbage = asking.post(url, content=b"<MOF/>")
        huge = asking.post(url, content=bytes(9 * 1024 * 1024))
        assert (garbage.status_code, garbage.json()["code"]) == (400, "malformed")
        assert huge.status_code == 413
        assert simulator.figures()["vouchers"] == 0


# ---- the central bank


def claim_of(treasury: SigningTreasury) -> VoucherBody:
    treasury.keeper.pay("X", "B", "5.00")
    clearing = treasury.keeper.do(
        RequestClearing(clear_no="C", clear_date=date(2026, 3, 2), pay_bank_code="102")
    ).subjects[0]
    signer = treasury.signing().claim_signer(treasury.keeper.ledger_id)
    return signer.body(clearing.requested, clearing.requested.claims[0])


def test_it_settles_a_claim_of_the_division_once(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    claim = claim_of(treasury)
    march_3 = Faults(day=date(2026, 3, 3))
    party = CentralBank(pboc_config(treasury, server.url, faults=march_3))
    assert told(party, claim, claim) == ["accepted", "accepted"]
    assert told(party, claim) == ["replayed"]
    assert party.book.figures().paid_fen == 500
    [receipt] = party.book.due(time.time(), 10)
    body = msgspec.msgpack.decode(receipt.body, type=VoucherBody)
    assert "<XPayAmt>5.00</XPayAmt>" in body.voucher.decode("gbk")
    assert "<XClearDate>20260303</XClearDate>" in body.voucher.decode("gbk")
    party.close()


def test_it_refuses_another_divisions_signature_and_sums_that_do_not_agree(
    treasury: SigningTreasury, server: ReceiptServer
) -> None:
    claim = claim_of(treasury)
    party = CentralBank(pboc_config(treasury, server.url))
    unsigned = msgspec.structs.replace(claim, signatures=())
    for subject in ("finance/310000000", "bank/102"):
        serial = treasury.certificate(subject).serial
        assert told(party, _signed(treasury, unsigned, subject, serial)) == ["signature_invalid"]
    more = unsigned.voucher.replace(b"<PayAmt>5.00<", b"<PayAmt>6.00<", 1)
    wrong = msgspec.structs.replace(unsigned, voucher=more)
    serial = claim.signatures[0].sn
    assert told(party, _signed(treasury, wrong, "finance/440000000", serial)) == [
        "details_mismatch"
    ]
    assert party.book.figures().vouchers == 0
    party.close()


def test_a_claim_sent_again_has_the_same_bytes(treasury: SigningTreasury) -> None:
    claim = claim_of(treasury)
    [clearing] = treasury.keeper.sql(
        "SELECT payload FROM events WHERE ledger_id = %s AND type = 'clearing.requested@2'"
    )
    assert b'"clear_no":"C"' in clearing[0]
    again = treasury.keeper.ask(
        RequestClearing(clear_no="C", clear_date=date(2026, 3, 2), pay_bank_code="102")
    ).subjects[0]
    signer = treasury.signing().claim_signer(treasury.keeper.ledger_id)
    second = signer.body(again.requested, again.requested.claims[0])
    assert second.voucher == claim.voucher
    assert second.signatures[0].value != claim.signatures[0].value
