"""对账报文 3501, 3502 as they come in: a package each, compared when it is the last one.

Packages may come in any order, in one message or in many, and again. What is compared is what the
ledger keeps of the earlier ones with what this message brings; should two messages bring the last
two at one moment, a person has them compared (``reconciliation.compare``).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psycopg

from accounting.intake.comparing import ComparedDays, compare_now, kept_packages
from accounting.intake.treasury_accounts import ledger_of_account
from accounting.reconciliation.events import PackageReceived
from accounting.reconciliation.matching import ComparedLines
from accounting.reconciliation.receiving import TakePackage
from accounting.reconciliation.statement import RECONCILIATION, Reconciliation
from ledger.account_set import division_of, fiscal_year_of
from ledger.elements.register import ElementRegister
from ledger.errors import GuokuError, RequestError
from ledger.money import yuan
from ledger.reading.documents import open_document
from ledger.reading.objects import read_objects
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.message_types import (
    CENTRAL_BANK_CODE,
    Concern,
    MessageType,
    Party,
    SignedBy,
    received_by,
)
from payments.messages.reconciliations import ReconciliationPackage, parse
from payments.receipts.concerns import Judging, judges
from payments.receipts.evidence import ReceiptEvidence
from payments.receipts.notices import held_unreadable
from payments.receipts.senders import Senders
from payments.refunds.notices import TakeNotice
from payments.verification.agreement import Differing, NamedDocument, compare
from payments.verification.stand_alone import stands_alone
from payments.voucher_number import ledger_of_voucher

_ADM_DIGITS = 6
_OF_CENTRAL_BANK = "pboc"  # how its reconciliations' numbers begin here; a bank's with its code


@judges(Concern.RECONCILIATION)
class ReconciliationPackages(Judging):
    """Each is judged when the message is read, so that the last one knows those before it."""

    def __init__(
        self, connection: psycopg.Connection, senders: Senders, bodies: Sequence[VoucherBody]
    ) -> None:
        super().__init__(connection, senders, bodies)
        self._connection = connection
        self._brought: dict[tuple[int, str], dict[int, TakePackage]] = {}
        self._ledgers: dict[VoucherBody, int | None] = {}
        self._judged: dict[VoucherBody, TakePackage | TakeNotice | GuokuError] = {}
        for body in bodies:
            try:
                self._judged[body] = self._judge(received_by(Party.TREASURY, body), body)
            except GuokuError as error:
                self._judged[body] = error

    def ledger_of(self, body: VoucherBody) -> int | None:
        return self._ledgers[body]

    def command(self, message: MessageType[Any], body: VoucherBody) -> TakePackage | TakeNotice:
        """For the books to judge.

        Raises:
            Refusal: ``receipt_mismatch``: it contradicts itself.
        """
        if isinstance(judged := self._judged[body], GuokuError):
            raise judged
        return judged

    def _judge(self, message: MessageType[Any], body: VoucherBody) -> TakePackage | TakeNotice:
        of_bank = message.signed_by is SignedBy.AGENT_BANK
        code = self.senders.bank_of(body) if of_bank else CENTRAL_BANK_CODE
        said = _read(body)
        tre_code = "" if isinstance(said, GuokuError) else said.tre_code
        key = None if isinstance(said, GuokuError) else _named_by_lines(said)
        if key is None:
            key = ledger_of_account(self._connection, body.adm_div_code, body.st_year, tre_code)
        self._ledgers[body] = key
        evidence = self.senders.verified(message, body, code)
        if isinstance(said, RequestError):
            return held_unreadable(body, code if of_bank else "", evidence, said)
        if isinstance(said, GuokuError):
            raise said
        prefix = code if of_bank else _OF_CENTRAL_BANK
        package = _taken(
            said, f"{prefix}-{said.check_no}", message.signed_by.subject(code), evidence
        )
        return package if key is None else self._compared(key, package)

    def _compared(self, key: int, package: TakePackage) -> TakePackage:
        """The package, with what a comparison finds where no other is missing."""
        brought = self._brought.setdefault((key, package.recon_no), {})
        found: Reconciliation | None = read_objects(
            self._connection, key, RECONCILIATION, [package.recon_no]
        ).get(package.recon_no)
        kept = {number: p.notice_sm3 for number, p in found.packages.items()} if found else {}
        if package.pack_no in kept or package.pack_no in brought:
            return package  # it is told again, or told otherwise, which its number tells
        brought[package.pack_no] = package
        all_sm3 = {**{number: p.notice_sm3 for number, p in brought.items()}, **kept}
        if len(all_sm3) != package.pack_num:
            return package
        comparison = self._compare(key, package, [all_sm3[number] for number in sorted(all_sm3)])
        return msgspec.structs.replace(package, comparison=comparison)

    def _compare(
        self, key: int, package: TakePackage, packages: Sequence[str]
    ) -> ComparedLines | None:
        here = {p.notice_sm3: p for p in self._brought[key, package.recon_no].values()}
        stored = kept_packages(self._connection, key)

        def read(sm3: str) -> bytes:
            if (brought := here.get(sm3)) is None:
                return stored(sm3)
            return open_document(bytes.fromhex(sm3), brought.document)

        days = ComparedDays.of(package)
        return compare_now(self._connection, key, days, packages, read)


def _taken(
    said: ReconciliationPackage, recon_no: str, sender: str, evidence: ReceiptEvidence
) -> TakePackage:
    return TakePackage(
        recon_no=recon_no,
        pack_no=said.pack_no,
        pack_num=said.pack_num,
        voucher_no=said.voucher_no,
        vt_code=said.vt_code,
        sender=sender,
        e_voucher_type=said.e_voucher_type,
        begin_date=said.begin_date.isoformat(),
        end_date=said.end_date.isoformat(),
        tre_code=said.tre_code,
        all_num=said.all_num,
        all_amt=yuan(said.all_amt),
        line_num=len(said.lines),
        line_amt=yuan(said.amount_fen),
        notice_sm3=evidence["receipt_sm3"],
        cert_serial=evidence["cert_serial"],
        signature=evidence["signature"],
        document=evidence["document"],
    )


def _read(body: VoucherBody) -> ReconciliationPackage | GuokuError:
    """What a package says, or what is wrong with it."""
    try:
        package = parse(signed_bytes(body), vt_code=body.vt_code)
        ElementRegister.check_shape("recon_no", package.check_no, "/VoucherCheckNo")
        if package.tre_code:
            ElementRegister.check_shape("tre_code", package.tre_code, "/TreCode")
    except GuokuError as error:
        return error
    return package


def _named_by_lines(package: ReconciliationPackage) -> int | None:
    """The ledger that the first line's number names, where the message may mean it: divisions
    below a county share its six digits."""
    key = ledger_of_voucher(package.lines[0].voucher_no) if package.lines else None
    if key is None or fiscal_year_of(key) != package.st_year:
        return None
    return key if division_of(key)[:_ADM_DIGITS] == package.adm_div_code else None


# ---- verified again


@compare(PackageReceived)
def _package(named: NamedDocument) -> Iterator[Differing]:
    event = named.event
    assert isinstance(event, PackageReceived)
    said = parse(named.document, vt_code=event.vt_code)
    code = event.sender.partition("/")[2]
    of_bank = SignedBy.AGENT_BANK.is_of(event.sender)
    prefix = code if of_bank else _OF_CENTRAL_BANK
    due: tuple[Differing, ...] = (
        ("VoucherCheckNo", f"{prefix}-{said.check_no}", event.recon_no),
        ("VoucherNo", said.voucher_no, event.voucher_no),
        ("AdmDivCode", said.adm_div_code, division_of(named.ledger_id)[:_ADM_DIGITS]),
        ("StYear", said.st_year, fiscal_year_of(named.ledger_id)),
        ("ChildPackNum", said.pack_num, event.pack_num),
        ("CurPackNo", said.pack_no, event.pack_no),
        ("TreCode", said.tre_code, event.tre_code),
        ("EVoucherType", said.e_voucher_type, event.e_voucher_type),
        ("BeginDate", said.begin_date.isoformat(), event.begin_date),
        ("EndDate", said.end_date.isoformat(), event.end_date),
        ("AllNum", said.all_num, event.all_num),
        ("AllAmt", yuan(said.all_amt), event.all_amt),
        ("DetailList", (len(said.lines), yuan(said.amount_fen)), (event.line_num, event.line_amt)),
    )
    yield from (each for each in due if each[1] != each[2])


stands_alone(PackageReceived, None)
