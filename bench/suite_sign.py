"""sign: SM2 as the provider does it, and vouchers as they are signed before the write path.

Signing runs outside the write path, in threads: the provider lets go of the interpreter's lock
while it computes, so the rates of one core and of all cores are both given.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.bookkeeping import Bookkeeping, bookkeeping
from bench.measure import BenchError, Scale, Sheet, SuiteResult, Tell
from bench.server import new_database
from ledger.gm import KeyStore, default_provider
from ledger.store import code_sets
from ledger.store.embedded import EmbeddedPostgres
from payments.signing import sign_vouchers
from payments.voucher import SignVoucher

MESSAGE_BYTES = 3_900  # as a voucher of one line has
OPERATIONS = 1_500
VOUCHERS = 1_000
SIGN, VERIFY, SM3 = "SM2 sign", "SM2 verify", "SM3 of 400 bytes"
PER_VOUCHER = "vouchers signed (document built, signed, verified, compressed)"

TIMED = {
    SIGN: f"the provider's own sign() of {MESSAGE_BYTES} bytes, SM3 included",
    VERIFY: f"the provider's own verify() of {MESSAGE_BYTES} bytes, SM3 included",
    SM3: "the provider's own sm3()",
    PER_VOUCHER: "payments.signing.sign_vouchers: reading the payments, building and compressing"
    " each 5214 document, signing it, verifying the fresh signature; in threads on all cores",
}


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    sheet = Sheet(tell)
    sheet.timed.update(TIMED)
    with (
        TemporaryDirectory(prefix="guoku-bench-keys-") as directory,
        bookkeeping(new_database(server, "sign"), indicators=50) as books,
    ):
        keys = KeyStore(Path(directory) / "keystore", "bench", iterations=1_000)
        _sign_vouchers(books, keys, scale.count(50))  # makes the key and its certificate
        for _ in sheet.rounds(scale):
            _provider_round(sheet, scale)
            count = scale.count(VOUCHERS)
            sheet.tell(PER_VOUCHER)
            sheet.rate(PER_VOUCHER, _sign_vouchers(books, keys, count), vouchers=count)
    all_cores = _name(SIGN, _cores())
    sheet.ratio("vouchers_to_provider", (PER_VOUCHER, "vouchers/s"), (all_cores, "operations/s"))
    one_core_per_s = sheet.median(_name(SIGN, 1), "operations/s")
    per_s = sheet.median(PER_VOUCHER, "vouchers/s")
    sheet.ratio_of("vouchers_to_provider_times_cores", per_s / (one_core_per_s * _cores()))
    return sheet.result()


def _provider_round(sheet: Sheet, scale: Scale) -> None:
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
            sheet.tell(_name(name, threads))
            elapsed_s = _repeat(operation, count, threads)
            sheet.rate(_name(name, threads), elapsed_s, operations=count * threads)


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


def _sign_vouchers(books: Bookkeeping, keys: KeyStore, count: int) -> float:
    """Seconds that signing ``count`` approved payments takes."""
    numbers = [payment.pay_app_no for payment in books.approve(books.apply(count))]
    codes, provider, now = code_sets.shipped(), default_provider(), datetime.now(UTC)
    began = perf_counter()
    signed = sign_vouchers(
        books.pool, keys, provider, codes, books.ledger_id, numbers, "treasury", "signer", now
    )
    elapsed_s = perf_counter() - began
    for item in signed.vouchers:
        if not isinstance(item, SignVoucher):
            raise BenchError(f"a voucher of the bench was not signed: {item}")
    return elapsed_s


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _name(operation: str, threads: int) -> str:
    return f"{operation}, 1 core" if threads == 1 else f"{operation}, {threads} cores"
