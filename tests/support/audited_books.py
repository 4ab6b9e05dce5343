"""A ledger as an auditor meets it: real signatures on vouchers and receipts, signed checkpoints.

The history is fixed but for the signatures, which are others each time they are made.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from budget import indicators
from division import certificates
from division.certificates import Certificate
from ledger.account_set import ledger_text
from ledger.books import load_charts
from ledger.elements import stored_code_sets
from ledger.gm import PrivateKey, PublicKey, default_provider, sm3
from ledger.gm.keystore import KeyStore
from ledger.integrity.growth import GrowingTree
from ledger.integrity.merkle import leaf_hash, root_of
from ledger.integrity.note import moment_text
from ledger.money import parse_yuan
from ledger.postgres.database import Database
from ledger.reading.documents import compress_document, decompress, keep_plainly
from ledger.reading.objects import read_document, read_objects
from payments.application import WithdrawPayment
from payments.clearing.claims import RequestClearing
from payments.corrections.correcting import CorrectPayment
from payments.manifest import ManifestText, SignManifest
from payments.messages import clearing_2301, receipt_5214, voucher_5214
from payments.messages.clearing_2301 import ClearingOutcome
from payments.messages.receipt_5214 import DetailOutcome, VoucherOutcome
from payments.messages.vt_codes import voucher_code
from payments.payment import PAYMENT, Payment
from payments.refunds.notices import TakeNotice
from payments.refunds.resolving import ResolveSuspense
from payments.signature_policy import SetSignaturePolicy
from payments.signing.claims import claim_document
from payments.signing.service import SigningService
from payments.signing.signer import SignedVouchers
from payments.voiding import VoidPayment
from payments.voucher import MarkSent, SignVoucher
from projections.exchange.exporting import ExportSigner, export_ledger, seal
from projections.exchange.format import FileEntry, LogKey
from tests.support.at_machine import FREELY
from tests.support.bookkeeper import (
    Bookkeeper,
    claim_receipt,
    detail,
    fresh_pool,
    payment,
    receipt,
    refund_notice,
)
from tests.support.histories import MARCH_2, commit_ends

PROVIDER = default_provider()
BANK, CENTRAL_BANK, SIGNER = "bank/102", "pboc/1", "principal/signer"
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
LOG, WITNESS = "guoku/log", "witness/audit"


def key_of(name: str) -> PrivateKey:
    """A private key that is the same in every run; for tests alone."""
    return PrivateKey(sm3(b"key for tests " + name.encode()))


def public(key: PrivateKey) -> PublicKey:
    return PROVIDER.public_key(key)


class AuditedBooks:
    """Keeps a ledger with signatures that verify."""

    def __init__(self, keeper: Bookkeeper, folder: Path) -> None:
        self.keeper = keeper
        self.keys = KeyStore(folder / "keys", "audit", iterations=1000)
        self.certificates = {s: self._certificate(s) for s in (BANK, CENTRAL_BANK, SIGNER)}

    def _certificate(self, subject: str) -> Certificate:
        with self.keeper.pool.connection() as connection:
            return certificates.register(
                connection,
                subject,
                self.keys.create(subject),
                FREELY,
                not_before=BEGIN,
                not_after=END,
            )

    def seal(self, subject: str, document: bytes) -> dict[str, Any]:
        """What a command carries of a document that ``subject`` signed."""
        signature = PROVIDER.sign(self.keys.private_key(subject), document)
        return {
            "receipt_sm3": sm3(document).hex(),
            "cert_serial": self.certificates[subject].serial,
            "signature": base64.b64encode(signature).decode(),
            "document": compress_document(document),
        }

    def pay(self, numbers: Sequence[str], bgt_id: str, amount: str, *failed: str) -> None:
        """Payments from application to receipt; the lines named in ``failed`` are not paid."""
        keeper = self.keeper
        for number in numbers:
            keeper.apply(number, bgt_id, amount)
            keeper.approve(number)
        self.sign(numbers)
        for number in numbers:
            keeper.do(MarkSent(pay_app_no=number), "dispatcher")
            self.receipt(number, *failed)

    def receipt(self, number: str, *failed: str) -> None:
        """The bank's signed receipt for a signed voucher."""
        payment = self.payments([number])[number]
        signed = self.seal(BANK, self.receipt_of(payment, failed))
        self.keeper.do(receipt(payment, *failed, **signed), "bank")

    def sign(self, numbers: Sequence[str]) -> None:
        """As the ledger's policy has it."""
        manifest, vouchers = self._signed(numbers)
        self._submit(*([manifest] if manifest else []), *vouchers)

    def sign_by_version(
        self, numbers: Sequence[str], version: int, leaf: Callable[[bytes], bytes]
    ) -> None:
        """By a manifest of this version, whose leaves are what ``leaf`` makes of the documents."""
        _, vouchers = self._signed(numbers)
        signed = [voucher for voucher in vouchers if isinstance(voucher, SignVoucher)]
        leaves = [leaf(decompress(voucher.document)) for voucher in signed]
        text = ManifestText(ledger_text(self.keeper.ledger_id), "treasury", 0, b"", version)
        manifest = self.manifest(SIGNER, text, leaves)
        self._submit(
            manifest,
            *(msgspec.structs.replace(v, manifest_no=manifest.number) for v in signed),
        )

    def manifest(self, subject: str, text: ManifestText, leaves: Sequence[bytes]) -> SignManifest:
        """One signature of ``subject`` over these leaves, by a text that begins as this one."""
        text = msgspec.structs.replace(text, leaf_count=len(leaves), root=root_of(leaves))
        signature = PROVIDER.sign(self.keys.private_key(subject), text.written().encode())
        return SignManifest(
            role=text.role,
            cert_serial=self.certificates[subject].serial,
            text=text.written(),
            signature=base64.b64encode(signature).decode(),
            leaves_sm3=sm3(b"".join(leaves)).hex(),
            document=keep_plainly(b"".join(leaves)),
        )

    def _signed(self, numbers: Sequence[str]) -> SignedVouchers:
        keeper = self.keeper
        signing = SigningService(
            keeper.pool, self.keys, PROVIDER, stored_code_sets.shipped, keeper.clock, FREELY
        )
        return signing.sign(keeper.ledger_id, numbers, "treasury", "signer")

    def _submit(self, *commands: Any) -> None:
        for outcome in self.keeper.submit(*commands, by="signer"):
            assert outcome.problem is None, str(outcome.problem)

    def payments(self, numbers: Sequence[str]) -> dict[str, Payment]:
        with self.keeper.pool.connection() as connection:
            return read_objects(connection, self.keeper.ledger_id, PAYMENT, numbers)

    def receipt_of(self, payment: Payment, failed: Sequence[str]) -> bytes:
        """The bank's receipt: the voucher with its X fields filled in."""
        with self.keeper.pool.connection() as connection:
            voucher = read_document(
                connection,
                self.keeper.ledger_id,
                bytes.fromhex(payment.signatures[0].voucher_sm3),
            )
        assert voucher is not None
        assert payment.approved is not None
        lines = tuple(
            DetailOutcome(id=d.pay_detail_id, x_pay_amt=0, x_add_word="账号户名不符")
            if d.pay_detail_id in failed
            else DetailOutcome(id=d.pay_detail_id, x_pay_amt=parse_yuan(d.pay_amt))
            for d in payment.details
        )
        outcome = VoucherOutcome(
            x_pay_date=date.fromisoformat(payment.approved.vou_date),
            x_agent_business_no="bank-" + payment.pay_app_no,
            details=lines,
        )
        code = voucher_code(payment.applied.pay_acct_no)
        return receipt_5214.answer(voucher, voucher_5214.parse(voucher, vt_code=code), outcome)

    def refund(self, number: str, amount: str, pay_detail_id: str = "") -> None:
        """Money is asked back, and the bank's signed notice says that it is there."""
        asked = self.keeper.ask_back(number, amount, pay_detail_id=pay_detail_id).subjects[0]
        self.take(self.keeper.notice_of(asked, asked.requests[-1]))

    def take(self, took: TakeNotice) -> None:
        """A bank's notice, with its signature."""
        self.keeper.do(self.signed_notice(took), "bank")

    def signed_notice(self, took: TakeNotice) -> TakeNotice:
        signed = self.seal(BANK, decompress(took.document))
        evidence = msgspec.structs.replace(
            took.evidence, cert_serial=signed["cert_serial"], signature=signed["signature"]
        )
        return msgspec.structs.replace(took, evidence=evidence)

    def clear(self, clear_no: str, day: date) -> None:
        """Claims, and the central bank's signed receipt for every claim."""
        outcome = self.keeper.do(
            RequestClearing(clear_no=clear_no, clear_date=day, pay_bank_code="102")
        )
        for claim in outcome.subjects[0].requested.claims:
            answer = claim_receipt(clear_no, claim.voucher_no, claim.pay_amt, day)
            sent = claim_document(self.keeper.ledger_id, outcome.subjects[0].requested, claim)
            done = ClearingOutcome(
                x_pay_snd_bnk_no="011", x_clear_date=day, x_pay_amt=parse_yuan(claim.pay_amt)
            )
            signed = self.seal(CENTRAL_BANK, clearing_2301.fill_receipt(sent, done))
            self.keeper.do(msgspec.structs.replace(answer, **signed), "pboc")

    # ---- checkpoints

    def checkpoint(self) -> str:
        """The note of the history as it stands now, signed by the log."""
        *_, last = sealed_notes(self.keeper, 0)
        return last


def audited_history(books: AuditedBooks) -> None:
    """A hundred events of every kind that the verifier knows."""
    b = books.keeper
    b.open()
    for number in ("B1", "B2"):
        b.issue(number, "10000.00")
    b.adjust("B1", "-500.00")
    b.plan("B1", "5000.00")
    b.do(indicators.FreezeIndicator(bgt_id="B1", freeze_no="F1", amt="300.00"))
    b.do(indicators.UnfreezeIndicator(bgt_id="B1", freeze_no="U1", amt="100.00"))
    b.do(
        indicators.ReallocateIndicator(
            bgt_id="B1", adj_no="R1", to_bgt_id="B2", amt="700.00", reason="调剂"
        )
    )
    books.pay(["P1", "P2", "P3"], "B1", "100.00")
    books.pay(["P4"], "B2", "40.00", "1")  # its only line fails
    b.apply("P5", "B2", "50.00", details=(detail("d1", "30.00"), detail("d2", "20.00")))
    b.approve("P5")
    books.sign(["P5"])
    books.receipt("P5", "d2")
    assert b.refusal(payment("P6", "B1", "99999.00")) == "insufficient_indicator"
    b.apply("P7", "B1", "70.00")
    b.do(WithdrawPayment(pay_app_no="P7"))
    b.ask(payment("P8", "B1", "5.00"), idempotency_key="k-1")
    for number, pay_app_no, amt in (("G1", "P1", "30.00"), ("G2", "P2", "20.00")):
        corrected = CorrectPayment(
            cor_no=number, pay_app_no=pay_app_no, to_bgt_id="B2", amt=amt, reason="科目用错"
        )
        b.do(corrected, "accountant")
    books.refund("P1", "60.00")  # half of it to B2, which bears that much
    books.refund("P5", "30.00", pay_detail_id="d1")
    strays(books)
    books.clear("C1", MARCH_2)
    b.do(SetSignaturePolicy(roles=("treasury",), signing="manifest"), "admin")
    books.pay(["P10", "P11"], "B2", "1.00")
    b.apply("P12", "B2", "1.00")
    b.approve("P12")
    books.sign_by_version(["P12"], 1, leaf_hash)
    books.receipt("P12")
    for number in ("P13", "P14"):
        b.apply(number, "B2", "6.00")
        b.approve(number)
    books.sign(["P14"])
    for number in ("P13", "P14"):
        b.do(VoidPayment(pay_app_no=number, reason="收款人有误"))


def strays(books: AuditedBooks) -> None:
    """Two notices that match nothing: persons find the payment of one, the other is not ours."""
    b = books.keeper
    payment_ = books.payments(["P2"])["P2"]
    for notice_no, amount_fen in (("N-1", 1_000), ("N-2", 500)):
        stray = refund_notice(
            payment_,
            [("1", amount_fen)],
            MARCH_2,
            notice_no,
            ori_bill_no="unknown",
            original_voucher_no="",
        )
        books.take(msgspec.structs.replace(stray, pay_app_no=""))
    b.do(ResolveSuspense(suspense_no="102-N-1", pay_app_no="P2", pay_detail_id="1"))
    b.do(ResolveSuspense(suspense_no="102-N-2", is_none_of_ours=True, reason="他行误发"))


class Audited(NamedTuple):
    """A database that holds an audited ledger, and what is kept of it elsewhere."""

    dbname: str
    ledger_id: int
    notes: list[str]  # a checkpoint for each commit
    cosigned: str  # the one of them that the witness has cosigned
    seen: int  # and its size
    last: int


def prepare_audited(database: Database, folder: Path) -> Audited:
    with fresh_pool(database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        books = AuditedBooks(keeper, folder)
        audited_history(books)
        return audited_as_it_stands(database, keeper)


def audited_as_it_stands(database: Database, keeper: Bookkeeper) -> Audited:
    """Seals every commit, has the witness cosign the one in the middle, and closes the books."""
    ends = commit_ends(keeper)
    seen = ends[len(ends) // 2]
    notes = list(sealed_notes(keeper, seen))
    keeper.close()
    dbname = str(conninfo_to_dict(database.owner_conninfo)["dbname"])
    return Audited(dbname, keeper.ledger_id, notes, notes[ends.index(seen)], seen, ends[-1])


class LedgerRows(Protocol):
    """Somebody who reads a ledger by SQL."""

    @property
    def ledger_id(self) -> int: ...

    def sql(self, query: str) -> Any:
        """The rows of a query whose one parameter is the ledger."""


def sealed_notes(keeper: LedgerRows, seen: int) -> Iterator[str]:
    """A checkpoint behind every commit, one of them cosigned."""
    digests = [
        row[0]
        for row in keeper.sql("SELECT digest FROM events WHERE ledger_id = %s ORDER BY position")
    ]
    tree = GrowingTree()
    for position, chain, recorded_at in keeper.sql(
        "SELECT position, chain, recorded_at FROM commits WHERE ledger_id = %s ORDER BY position"
    ):
        tree.append(digests[tree.size : position])
        signers = (LOG, WITNESS) if position == seen else (LOG,)
        ledger = ledger_text(keeper.ledger_id)
        yield note(ledger, position, tree.root, chain, recorded_at, signers)


def export_audited(database: Database, ledger_id: int, folder: Path, notes: list[str]) -> Path:
    """The ledger's export, without tables for people, with these checkpoints in it."""
    key = key_of(LOG)
    signer = ExportSigner(
        name=LOG,
        sign=lambda message: PROVIDER.sign(key, message),
        log_keys=(LogKey(LOG, public(key).hex()),),
    )
    with psycopg.connect(database.app_conninfo) as connection:
        manifest = export_ledger(
            connection,
            ledger_id,
            folder,
            signer=signer,
            charts=load_charts(),
            created_at=datetime(2026, 12, 1, tzinfo=UTC),
        )
    content = "".join(f"{note}---\n" for note in notes).encode()
    folder.joinpath("checkpoints.txt").write_bytes(content)
    entry = FileEntry("checkpoints.txt", sm3(content).hex(), len(content))
    others = (file for file in manifest.files if file.name != entry.name)
    for name in ("export.json", "export.sig"):
        folder.joinpath(name).unlink()
    seal(folder, msgspec.structs.replace(manifest, files=(*others, entry)), signer)
    return folder


def note(
    ledger: str,
    size: int,
    root: bytes,
    chain: bytes,
    recorded_at: datetime,
    signers: Sequence[str],
) -> str:
    text = (
        f"guoku/{ledger}\n{size}\n{base64.b64encode(root).decode()}\n"
        f"chain {base64.b64encode(chain).decode()}\nrecorded {moment_text(recorded_at)}\n"
    )
    lines = []
    for name in signers:
        key = key_of(name)
        named = name.encode() + b"\n\xffguoku-sm2-sm3" + public(key).point
        blob = hashlib.sha256(named).digest()[:4] + PROVIDER.sign(key, text.encode())
        lines.append(f"— {name} {base64.b64encode(blob).decode()}\n")
    return text + "\n" + "".join(lines)
