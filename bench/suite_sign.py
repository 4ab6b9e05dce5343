"""sign: SM2 as the provider does it, and vouchers as they are signed before the write path.

Signing runs outside the write path, in threads: the provider lets go of the interpreter's lock
while it computes, so the rates of one core and of all cores are both given. Vouchers are signed in
both ways: each by itself, and many by one manifest.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.bookkeeping import Bookkeeping, bookkeeping
from bench.measure import BenchError, Record, Scale, SuiteResult, Tell
from bench.server import new_database
from division import certificates
from ledger.elements import stored_code_sets
from ledger.gm import default_provider
from ledger.gm.keystore import KeyStore
from ledger.postgres.embedded import EmbeddedPostgres
from ledger.reading.documents import decompress
from payments.signature_policy import PER_MANIFEST, PER_VOUCHER
from payments.signing.credentials import person
from payments.signing.service import SigningService
from payments.signing.signer import SignedVouchers, Signer, VoucherDocument
from payments.voucher import SignVoucher

ROLE, SIGNER = "treasury", "signer"
MESSAGE_BYTES = 4_150  # as a voucher of one line has
OPERATIONS = 1_500
VOUCHERS = 1_000
TOGETHER_TIMES = 5  # so many more vouchers where one signature is for all of them
SIGN, VERIFY, SM3 = "SM2 sign", "SM2 verify", "SM3 of 400 bytes"
SINGLY_ALONE = "vouchers signed singly, the signatures alone"
SINGLY = "vouchers signed singly, to commands"
SINGLY_ALL_IN = "vouchers signed singly, all in"
TOGETHER = "vouchers signed by a manifest, to commands"
TOGETHER_ALL_IN = "vouchers signed by a manifest, all in"

TIMED = {
    SIGN: f"the provider's own sign() of {MESSAGE_BYTES} bytes, SM3 included",
    VERIFY: f"the provider's own verify() of {MESSAGE_BYTES} bytes, SM3 included",
    SM3: "the provider's own sm3()",
    SINGLY_ALONE: "from the documents in memory: the provider's sign() of each, in threads on all"
    " cores; nothing is verified",
    SINGLY: "from the documents in memory to the commands for the books: SM3, signature and"
    " verification of the fresh signature of each, in threads on all cores",
    SINGLY_ALL_IN: "SigningService.sign: reading the payments, building and compressing"
    " each 5214 document, then as to commands",
    TOGETHER: "from the documents in memory to the commands for the books: SM3 and leaf of each in"
    " one thread, the tree, one signature and its verification, and the root made anew from the"
    " leaves as they are stored",
    TOGETHER_ALL_IN: "SigningService.sign: reading the payments, building and"
    " compressing each 5214 document, then as to commands",
}


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    record = Record(tell)
    record.timed.update(TIMED)
    with (
        TemporaryDirectory(prefix="guoku-bench-keys-") as directory,
        bookkeeping(new_database(server, "sign"), indicators=1_000) as books,
    ):
        keys = KeyStore(Path(directory) / "keystore", "bench", iterations=1_000)
        _sign(books, keys, _approved(books, scale.count(50)))  # makes the key and its certificate
        for _ in record.rounds(scale):
            _provider_round(record, scale)
            _vouchers_round(record, books, keys, scale)
    one_core_per_s = record.median(_name(SIGN, 1), "operations/s")
    for name, figure in (
        ("signatures_to_provider", SINGLY_ALONE),
        ("verified_to_provider", SINGLY),
        ("vouchers_to_provider", SINGLY_ALL_IN),
    ):
        record.ratio(name, (figure, "vouchers/s"), (_name(SIGN, _cores()), "operations/s"))
        per_s = record.median(figure, "vouchers/s")
        record.ratio_of(f"{name}_times_cores", per_s / (one_core_per_s * _cores()))
    record.ratio("manifest_to_singly", (TOGETHER, "vouchers/s"), (SINGLY, "vouchers/s"))
    return record.result()


def _provider_round(record: Record, scale: Scale) -> None:
    provider = default_provider()
    key = provider.generate_key()
    public_key = provider.public_key(key)
    message = os.urandom(MESSAGE_BYTES)
    signature = provider.sign(key, message)
    if not provider.verify(public_key, message, signature):
        raise BenchError("the provider does not verify its own signature")
    operations: dict[str, Callable[[], object]] = {
        SIGN: lambda: provider.sign(key, message),
        VERIFY: lambda: provider.verify(public_key, message, signature),
        SM3: lambda: provider.sm3(message[:400]),
    }
    for name, operation in operations.items():
        count = scale.count(OPERATIONS * (20 if name == SM3 else 1))
        for threads in sorted({1, _cores()}):
            record.tell(_name(name, threads))
            elapsed_s = _repeat(operation, count, threads)
            record.rate(_name(name, threads), elapsed_s, operations=count * threads)


def _repeat(operation: Callable[[], object], count: int, threads: int) -> float:
    """Seconds that so many threads take, each doing the operation ``count`` times."""

    def work() -> None:
        for _ in range(count):
            operation()

    with ThreadPoolExecutor(threads) as pool:
        began = perf_counter()
        for future in [pool.submit(work) for _ in range(threads)]:
            future.result()
        return perf_counter() - began


def _vouchers_round(record: Record, books: Bookkeeping, keys: KeyStore, scale: Scale) -> None:
    """Both ways over payments of the same books; nothing is committed, so they stay unsigned."""
    numbers = _approved(books, scale.count(VOUCHERS * TOGETHER_TIMES))
    few = numbers[: scale.count(VOUCHERS)]
    books.take_signatures(PER_VOUCHER)
    documents = _all_in(record, SINGLY_ALL_IN, books, keys, few)
    signer = _signer(books, keys, together=False)
    record.tell(SINGLY_ALONE)
    began = perf_counter()
    signer.each(lambda document: signer.provider.sign(signer.key, document.document), documents)
    record.rate(SINGLY_ALONE, perf_counter() - began, vouchers=len(documents))
    _to_commands(record, SINGLY, signer, documents)
    books.take_signatures(PER_MANIFEST)
    documents = _all_in(record, TOGETHER_ALL_IN, books, keys, numbers)
    _to_commands(record, TOGETHER, _signer(books, keys, together=True), documents)


def _all_in(
    record: Record, name: str, books: Bookkeeping, keys: KeyStore, numbers: Sequence[str]
) -> list[VoucherDocument]:
    """Signs approved payments, and gives the documents that came of it, in memory."""
    record.tell(name)
    began = perf_counter()
    signed = _sign(books, keys, numbers)
    record.rate(name, perf_counter() - began, vouchers=len(numbers))
    return [
        VoucherDocument(c.pay_app_no, decompress(c.document), c.document) for c in _commands(signed)
    ]


def _to_commands(
    record: Record, name: str, signer: Signer, documents: Sequence[VoucherDocument]
) -> None:
    record.tell(name)
    began = perf_counter()
    signed = signer.finish(signer.each(signer.draft, documents))
    elapsed_s = perf_counter() - began
    if len(_commands(signed)) != len(documents) or (signed.manifest is not None) != signer.together:
        raise BenchError(f"{name}: not every document became a command")
    record.rate(name, elapsed_s, vouchers=len(documents))


def _approved(books: Bookkeeping, count: int) -> list[str]:
    return [payment.pay_app_no for payment in books.approve(books.apply(count))]


def _sign(books: Bookkeeping, keys: KeyStore, numbers: Sequence[str]) -> SignedVouchers:
    signing = SigningService(
        books.pool,
        keys,
        default_provider(),
        stored_code_sets.shipped,
        lambda: datetime.now(UTC),
        books.sequencer.conditions,
    )
    return signing.sign(books.ledger_id, numbers, ROLE, SIGNER)


def _signer(books: Bookkeeping, keys: KeyStore, *, together: bool) -> Signer:
    """The signer's, whose key and certificate are there already."""
    subject = person(SIGNER)
    with books.pool.connection() as connection:
        certificate = certificates.current(connection, subject, datetime.now(UTC))
    key = keys.private_key(subject)
    return Signer(default_provider(), key, certificate, ROLE, books.ledger_id, together)


def _commands(signed: SignedVouchers) -> list[SignVoucher]:
    commands = []
    for item in signed.vouchers:
        if not isinstance(item, SignVoucher):
            raise BenchError(f"a voucher of the bench was not signed: {item}")
        commands.append(item)
    return commands


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _name(operation: str, threads: int) -> str:
    return f"{operation}, 1 core" if threads == 1 else f"{operation}, {threads} cores"
