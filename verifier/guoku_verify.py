#!/usr/bin/env python3
"""国库离线核验程序 · guoku offline verifier.

Checks the history of a ledger (账套) or the evidence for one payment (支付证据), and trusts neither
the program that wrote it, nor its operator, nor the database. It is one file, needs Python >= 3.11
and nothing else, and shares no code with the program: it was written from docs/history-format.md
alone, and may be read beside that page. 一个文件, 只用标准库, 与被核验的系统不共用任何代码。

    python guoku_verify.py PATH [--key NAME=HEX]... [--witness NAME=HEX]... [--checkpoint FILE]...
                           [--other PATH]... [--before PATH]

PATH          an exported ledger (a directory) or an evidence file. 导出目录或证据文件
--key         a key that you know to be genuine: the log's (guoku/log), or a certificate's by its
              serial. Without it the keys are those that the export itself names, which shows
              that it agrees with itself and no more. 您自己确认过的公钥
--witness     the key of a witness (witness/NAME). Its cosignature is then required. 见证方公钥
--checkpoint  a checkpoint that you kept from earlier. History must still hold it. 自存检查点
--other       the export of another ledger, that transfers between the two, and returns of the year
              before, are held against; it is verified by a run of its own. 另一账套的导出, 用于核对
              转移支付和以前年度退回
--before      the export of the year before: it is verified, too, and what the books of this year
              begin with is held against what that year has left. 上年导出

Exit codes 退出码: 0 all that was checked holds 全部相符; 1 something does not 有不符;
2 it cannot be read, or was asked wrongly 无法读取或用法有误.

What it proves and what it does not: docs/audit.md.
"""

import argparse
import base64
import gzip
import hashlib
import json
import re
import sqlite3
import sys
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple
from unicodedata import normalize
from xml.etree import ElementTree

# ---------------------------------------------------------------- SM3 (GB/T 32905)


def sm3_in_python(message: bytes) -> bytes:
    """SM3 by the text of the standard, for a Python whose OpenSSL lacks it (slow)."""
    v = [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600]
    v += [0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E]
    data = message + b"\x80" + bytes((55 - len(message)) % 64) + (len(message) * 8).to_bytes(8)
    for start in range(0, len(data), 64):
        w = [int.from_bytes(data[i : i + 4]) for i in range(start, start + 64, 4)]
        for j in range(16, 68):
            x = w[j - 16] ^ w[j - 9] ^ _left(w[j - 3], 15)
            w.append(x ^ _left(x, 15) ^ _left(x, 23) ^ _left(w[j - 13], 7) ^ w[j - 6])
        v = [old ^ new for old, new in zip(v, _sm3_rounds(v, w), strict=True)]
    return b"".join(word.to_bytes(4) for word in v)


def _sm3_rounds(v: list[int], w: list[int]) -> tuple[int, ...]:
    a, b, c, d, e, f, g, h = v
    for j in range(64):
        early = j < 16
        t = 0x79CC4519 if early else 0x7A879D8A
        ss1 = _left((_left(a, 12) + e + _left(t, j % 32)) & 0xFFFFFFFF, 7)
        ff = a ^ b ^ c if early else a & b | a & c | b & c
        gg = e ^ f ^ g if early else e & f | ~e & g
        tt1 = (ff + d + (ss1 ^ _left(a, 12)) + (w[j] ^ w[j + 4])) & 0xFFFFFFFF
        tt2 = (gg + h + ss1 + w[j]) & 0xFFFFFFFF
        a, b, c, d = tt1, a, _left(b, 9), c
        e, f, g, h = tt2 ^ _left(tt2, 9) ^ _left(tt2, 17), e, _left(f, 19), g
    return a, b, c, d, e, f, g, h


def _left(x: int, n: int) -> int:
    return (x << n | x >> (32 - n)) & 0xFFFFFFFF


def _sm3_of_openssl(message: bytes) -> bytes:
    return hashlib.new("sm3", message).digest()


sm3: Callable[[bytes], bytes] = (
    _sm3_of_openssl if "sm3" in hashlib.algorithms_available else sm3_in_python
)

# ---------------------------------------------------------------- SM2 (GB/T 32918)

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
IDENTITY = b"1234567812345678"

Point = tuple[int, int]


def _add(p: Point | None, q: Point | None) -> Point | None:
    """The sum of two points; None is the point at infinity."""
    if p is None or q is None:
        return p or q
    if p[0] == q[0] and (p[1] + q[1]) % P == 0:
        return None
    slope = (
        (3 * p[0] * p[0] + A) * pow(2 * p[1], -1, P)
        if p == q
        else (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
    ) % P
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


@lru_cache(256)
def _multiples(point: Point) -> list[list[Point | None]]:
    """j * 16^i * point at [i][j]: a product is then a sum of 64 of them."""
    table = []
    base: Point | None = point
    for _ in range(64):
        row: list[Point | None] = [None]
        for _ in range(15):
            row.append(_add(row[-1], base))
        table.append(row)
        base = _add(row[-1], base)
    return table


def _sum(points: Iterable[Point | None]) -> Point | None:
    """The sum of many points in Jacobian coordinates, with one division at the end."""
    x, y, z = 0, 0, 0  # z = 0: infinity
    for point in points:
        if point is None:
            continue
        if z == 0:
            x, y, z = *point, 1
            continue
        zz = z * z % P
        h, r = (point[0] * zz - x) % P, (point[1] * zz * z - y) % P
        if h == 0:  # the same point, or its opposite: leave it to the plain formula
            inverse = pow(z, -1, P)
            doubled = _add((x * inverse**2 % P, y * inverse**3 % P), point)
            x, y, z = (*doubled, 1) if doubled else (0, 0, 0)
            continue
        hh = h * h % P
        hhh, v = h * hh % P, x * hh % P
        x = (r * r - hhh - 2 * v) % P
        y = (r * (v - x) - y * hhh) % P
        z = z * h % P
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    return x * inverse * inverse % P, y * inverse * inverse * inverse % P


def _digits(k: int, point: Point) -> Iterator[Point | None]:
    table = _multiples(point)
    return (table[i][k >> 4 * i & 15] for i in range(64))


def _der_pair(signature: bytes, by_value: bool) -> tuple[int, int] | None:
    """(r, s) of the one canonical encoding, else None; of a bank's also where it is padded."""

    def integer(value: int) -> bytes:
        size = value.bit_length() // 8 + 1
        return bytes((2, size)) + value.to_bytes(size)

    with suppress(IndexError):
        if by_value:
            body, rest = _element(signature, 0x30)
            first, after = _element(body, 2)
            second, behind = _element(after, 2)
            r, s = int.from_bytes(first), int.from_bytes(second)
            sound = len(signature) <= 256 and not any(rest) and not any(behind)
        else:
            end = 4 + signature[3]
            r, s = int.from_bytes(signature[4:end]), int.from_bytes(signature[end + 2 :])
            body = integer(r) + integer(s)
            sound = signature == bytes((0x30, len(body))) + body
        if sound and 0 < r < N and 0 < s < N:
            return r, s
    return None


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the element that the bytes begin with, and what follows it."""
    begin, length = 2, data[1]
    if length > 0x80:
        begin += length - 0x80
        length = int.from_bytes(data[2:begin])
    elif length == 0x80:
        raise IndexError("no length")
    if data[0] != tag or len(data) < begin + length or not length:
        raise IndexError("no such element")
    return data[begin : begin + length], data[begin + length :]


def sm2_verifies(key: bytes, message: bytes, signature: bytes, by_value: bool = False) -> bool:
    """Whether this is a signature of the key (64 bytes, x and y) over the message; ``by_value``
    for a bank's, which may be padded."""
    point = int.from_bytes(key[:32]), int.from_bytes(key[32:])
    pair = _der_pair(signature, by_value)
    on_curve = (point[1] ** 2 - point[0] ** 3 - A * point[0] - B) % P == 0
    if len(key) != 64 or max(point) >= P or not on_curve or pair is None:
        return False
    r, s = pair
    curve = b"".join(n.to_bytes(32) for n in (A, B, *G))
    za = sm3((len(IDENTITY) * 8).to_bytes(2) + IDENTITY + curve + key)
    e = int.from_bytes(sm3(za + message))
    t = (r + s) % N
    if t == 0:
        return False
    found = _sum([*_digits(s, G), *_digits(t, point)])
    return found is not None and (e + found[0]) % N == r


# ---------------------------------------------------------------- the tree (RFC 9162 §2.1)

EMPTY_ROOT = sm3(b"")


def leaf_hash(data: bytes) -> bytes:
    return sm3(b"\0" + data)


def node_hash(left: bytes, right: bytes) -> bytes:
    return sm3(b"\1" + left + right)


class Tree:
    """The roots of the full subtrees from left to right; it grows by one leaf at a time."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, data: bytes) -> None:
        self.append_hash(leaf_hash(data))

    def append_hash(self, leaf: bytes) -> None:
        node, size = leaf, self.size
        while size & 1:
            node, size = node_hash(self._peaks.pop(), node), size >> 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = node_hash(peak, node)
        return node


def included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Whether the leaf (its hash) stands at ``index`` of a tree of ``size`` leaves (§2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, at, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


# ---------------------------------------------------------------- what was found


class Check(NamedTuple):
    chinese: str
    english: str
    unit: str


CHECKS = {
    "files": Check("文件摘要", "files of the export, SM3 and length", "files"),
    "export": Check("导出签名", "signature over the export", "signatures"),
    "digest": Check("事件摘要", "digest over every column", "events"),
    "position": Check("序号连续", "positions without gap", "events"),
    "version": Check("对象版本连续", "versions of each stream without gap", "streams"),
    "chain": Check("提交链", "chain of commits", "commits"),
    "tree": Check("默克尔树", "tree against checkpoints", "checkpoints"),
    "note": Check("检查点签名", "signatures of the log on checkpoints", "signatures"),
    "witness": Check("见证签名", "cosignatures of witnesses", "signatures"),
    "kept": Check("自存检查点", "checkpoints you kept, still in this history", "checkpoints"),
    "inclusion": Check("包含证明", "inclusion proofs", "events"),
    "entry": Check("借贷平衡", "debit = credit in every book of every journal", "journals"),
    "floor": Check("余额不透支", "controlled balances never below zero", "movements"),
    "day": Check("逐日不透支", "controlled balances never below zero on any day", "movements"),
    "balance": Check("余额一致", "balances equal to those exported", "indicators"),
    "key": Check("业务号", "business numbers and what they point at", "numbers"),
    "decision": Check("裁定", "acts of payments and indicators decided again", "acts"),
    "payment": Check("支付流程", "persons, order and one outcome per line", "payments"),
    "clearing": Check("零余额", "zero-balance account and claims", "days"),
    "claim": Check("代理银行划款", "claims of agent banks, agreed to as they were made", "claims"),
    "telling": Check("支付调整", "what banks were told of corrections, and answered", "messages"),
    "cash": Check("库款", "cash at the treasury covers what is claimed", "ledgers"),
    "hand": Check("手工凭证", "vouchers by hand say what their journals book", "vouchers"),
    "transfer": Check("转移支付", "transfers say the same at both ends", "transfers"),
    "approval": Check("审批", "what others had to agree to", "documents and acts"),
    "reconciliation": Check("对账", "comparisons with banks, made again", "lines"),
    "books": Check("年终结账", "books closed by their journals, opened by their closing", "books"),
    "refund": Check("退款不超付", "refunds not above what was paid", "refunds"),
    "return": Check(
        "以前年度退回", "returns of the year before, booked once as it tells", "returns"
    ),
    "evidence": Check("凭证与事件", "signed documents say what their events say", "documents"),
    "document": Check("凭证回单", "documents by their SM3", "documents"),
    "signature": Check("签章", "signatures, certificates valid when signed", "signatures"),
}
FINDINGS_SHOWN_MAX = 20  # of one check; the rest is counted


class Finding(NamedTuple):
    """Something that does not hold, at a position or from it to ``last``."""

    position: int | None
    last: int
    check: str
    what: str


class Unreadable(Exception):
    """What was given is not in the format of docs/history-format.md."""


class Report:
    """Counts what was checked and keeps what does not hold."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._findings: list[Finding] = []
        self.failed: dict[str, int] = {}
        self.notes: list[str] = []

    def count(self, check: str, number: int = 1) -> None:
        self.counts[check] = self.counts.get(check, 0) + number

    def wrong(self, check: str, position: int | None, what: str, last: int = 0) -> None:
        """``position`` is that of the first event that is wrong or missing; None if no event is.

        With ``last`` no more is known than that something from ``position`` to there is wrong.
        """
        self.failed[check] = self.failed.get(check, 0) + 1
        if self.failed[check] <= FINDINGS_SHOWN_MAX:
            self._findings.append(Finding(position, last or position or 0, check, what))

    def findings(self) -> list[Finding]:
        """By position. Where a check knows no more than a span, a narrower finding in it says
        where: a chain that breaks in a commit breaks at the event in it that was changed."""
        placed: list[Finding] = []
        for one in sorted(self._findings, key=lambda f: f.last - (f.position or 0)):
            first = one.position or 0
            inside = [f.position for f in placed if f.position and first <= f.position <= one.last]
            placed.append(
                one._replace(position=min(inside)) if inside and one.last > first else one
            )
        return sorted(placed, key=lambda f: (not f.position, f.position or 0))

    def show(self) -> int:
        """Prints all; gives the exit code."""
        for name, check in CHECKS.items():
            if name in self.counts or name in self.failed:
                mark = "✗ 不符" if name in self.failed else "✓ 相符"
                print(
                    f"{mark}  {check.chinese} {check.english}: "
                    f"{self.counts.get(name, 0):,} {check.unit}"
                )
                self._show_findings(name)
        for note in self.notes:
            print(f"· 说明 note: {note}")
        if not self.failed:
            print("\n结论: 已核验的全部相符。 RESULT: all that was checked holds.")
            return 0
        first = self.findings()[0]
        where = f" position {first.position}" if first.position else ""
        name = CHECKS[first.check].english
        print(f"\n首个不符 FIRST OFFENDING{where}: {name}: {first.what}")
        print("结论: 有不符。 RESULT: it does not hold.")
        return 1

    def _show_findings(self, check: str) -> None:
        for one in (f for f in self.findings() if f.check == check):
            at = one.position
            print(f"        {f'第 {at} 号 position {at}: ' if at else ''}{one.what}")
        if (more := self.failed.get(check, 0) - FINDINGS_SHOWN_MAX) > 0:
            print(f"        … {more:,} more 另有 {more:,} 项")


# ---------------------------------------------------------------- events

_DIGEST_HEAD = Struct(">qq16siqiH")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|\+00:00)", re.ASCII)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - both sides are UTC without saying so
EDGES = " \t\r\n"  # white space around what an element of a bank's says
_YUAN = re.compile(r"-?(0|[1-9]\d{0,15})\.\d\d", re.ASCII)


class Event(NamedTuple):
    """One event as exported. ``name`` is its type without the version, ``body`` its JSON or {}."""

    position: int
    stream: bytes
    version: int
    type: str
    recorded_us: int
    day: int
    payload: bytes
    digest: bytes
    name: str
    body: dict[str, Any]


def microseconds(text: str) -> int:
    """RFC 3339 in UTC to microseconds since 1970."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"no moment in UTC: {text!r}")
    whole = datetime.fromisoformat(match[1]) - _EPOCH
    return (whole.days * 86400 + whole.seconds) * 1_000_000 + int((match[2] or "0").ljust(6, "0"))


def fen(text: str) -> int:
    """Yuan text to fen."""
    if not _YUAN.fullmatch(text):
        raise ValueError(f"no amount: {text!r}")
    return int(text[:-3] + text[-2:])


def yuan(amount_fen: int) -> str:
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def _unbase64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def read_event(row: dict[str, Any]) -> Event:
    payload = _unbase64(row["payload"])
    name = row["type"].partition("@")[0]
    body: Any = {}
    with suppress(ValueError):  # another program's recorder may have written it
        body = json.loads(payload)
    return Event(
        int(row["position"]),
        bytes.fromhex(row["stream_id"].replace("-", "")),
        int(row["stream_version"]),
        row["type"],
        microseconds(row["recorded_at"]),
        date.fromisoformat(row["effective_on"]).toordinal() - date(1970, 1, 1).toordinal(),
        payload,
        bytes.fromhex(row["digest"]),
        name,
        body if isinstance(body, dict) else {},
    )


def event_digest(ledger: int, event: Event) -> bytes:
    name = event.type.encode()
    head = _DIGEST_HEAD.pack(
        ledger,
        event.position,
        event.stream,
        event.version,
        event.recorded_us,
        event.day,
        len(name),
    )
    return sm3(b"guoku.event.1\0" + head + name + event.payload)


def ledger_key(text: str) -> int:
    """``440000000-2026`` to the number that is hashed."""
    division, _, year = text.partition("-")
    return int(division) * 10_000 + int(year)


# ---------------------------------------------------------------- books 账簿

# the credit balances of the indicator book that may not fall below zero (chart 2026.1)
CONTROLLED = {
    "A3": "available",
    "A4": "frozen",
    "A5": "occupied",
    "A6": "paid",
    "A8": "pending",
}
BALANCES = ("available", "frozen", "occupied", "paid", "plan")  # those that are exported
HELD = (*BALANCES, "pending")


Moves = dict[str, dict[str, int]]


class Entries:
    """复式记账: every journal balances in every book it touches."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def take(self, event: Event) -> Moves:
        """Checks a journal; gives what it moves of controlled balances, by indicator, in fen."""
        moves: Moves = {}
        if event.name != "journal.posted":
            return moves
        self._report.count("entry")
        body, books = event.body, dict[str, int]()
        if not 0 < body["source"] < event.position:
            self._report.wrong("entry", event.position, "it is the journal of no earlier event")
        for account, dr_cr, amount, *of in body["lines"]:
            amount_fen = fen(amount)
            if dr_cr not in (1, -1) or amount_fen < 0:
                self._report.wrong("entry", event.position, "a line is neither debit nor credit")
            book = account[0]  # the first letter of an account is its book
            books[book] = books.get(book, 0) + dr_cr * amount_fen
            if account in CONTROLLED:
                of_indicator = moves.setdefault("".join(of) or body.get("bgt_id", ""), {})
                control = CONTROLLED[account]
                of_indicator[control] = of_indicator.get(control, 0) - dr_cr * amount_fen
        for book, left in books.items():
            if left:
                self._report.wrong(
                    "entry",
                    event.position,
                    f"debit and credit differ by {yuan(left)} in book {book} 借贷不平",
                )
        return moves


ZERO_BALANCE = "F1"  # 零余额账户 (chart 2026.1)
AVAILABLE = "A3"  # 支出指标
# what a bank's notice says of money that came back, and what becomes of a return of the year before
_NOTICED = ("payment.refunded", "payment.returned", "prior_return.booked")
_SETTLED = ("prior_return.carried", "prior_return.taken_back")


class Clearing:
    """What journals credit the zero-balance account with on a day is what banks paid on it, less
    what came back and what the central bank settled."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._posted: dict[int, int] = {}
        self._told: dict[int, int] = {}
        self._moved_at: dict[int, int] = {}
        self._claims: dict[str, str] = {}

    def take(self, event: Event) -> None:
        body, days = event.body, self._told
        if event.name == "journal.posted":
            credit_fen, days = 0, self._posted
            for account, dr_cr, amount, *_ in body["lines"]:
                credit_fen -= dr_cr * fen(amount) if account == ZERO_BALANCE else 0
        elif body.get("pay_acct_no"):  # a special account has paid, or has it back
            return
        elif event.name == "voucher.receipted":
            credit_fen = fen(body["xpay_amt"])
        elif event.name == "payment.refunded":
            credit_fen = -fen(body["refund_amt"])
        elif event.name in _SETTLED:
            credit_fen = -fen(body["amt"])
        elif event.name == "clearing.claim_receipted":
            claim = self._claims.get(body["voucher_no"])
            credit_fen = fen(body["xpay_amt"]) * (-1 if claim == "2301" else 1)
        else:
            if event.name == "clearing.requested":
                self._claims |= {c["voucher_no"]: c["vt_code"] for c in body["claims"]}
            return
        if credit_fen:
            days[event.day] = days.get(event.day, 0) + credit_fen
            self._moved_at[event.day] = event.position

    def conclude(self) -> None:
        for day in sorted(self._posted.keys() | self._told.keys()):
            self._report.count("clearing")
            posted, told = self._posted.get(day, 0), self._told.get(day, 0)
            if posted != told:
                self._report.wrong(
                    "clearing",
                    self._moved_at[day],
                    f"the zero-balance account was credited with {yuan(posted)} on its day, "
                    f"the events make it {yuan(told)} 零余额账户不符",
                )


class BankClaims:
    """代理银行划款: the treasury claims what a bank has claimed and nothing else; what is claimed
    singly was paid, and is settled once."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._by_banks = False
        self._to_tell: dict[str, str] = {}  # what was returned, until its bank knows
        self._waiting: dict[str, dict[str, Any]] = {}
        self._unclaimed: dict[str, int] = {}  # of what is claimed singly, by payment
        self._singly: dict[str, list[tuple[str, int]]] = {}  # by claim's number

    def take(self, event: Event) -> None:
        body, name = event.body, event.name
        if name == "ledger.clearing_policy_set":
            self._by_banks = body["claimed_by"] == "banks"
        elif name == "voucher.receipted" and body.get("claimed_singly"):
            self._unclaimed[body["pay_app_no"]] = fen(body["xpay_amt"])
        elif name == "clearing.bank_claimed":
            self._report.count("claim")
            self._waiting[body["claim_no"]] = body
        elif name == "clearing.bank_claim_returned":
            self._returned(event)
        elif name == "clearing.bank_claim_return_told":
            if self._to_tell.pop(body["claim_no"], "") != body["voucher_no"]:
                self._wrong(event, "no claim was returned under its number, or it was told before")
        elif name == "clearing.requested":
            self._agreed(event)
        elif name == "clearing.claim_receipted":
            lines = self._singly.pop(body["voucher_no"], [])
            for pay_app_no, amount in lines if body.get("rejected") else ():
                self._unclaimed[pay_app_no] += amount

    def _returned(self, event: Event) -> None:
        number = event.body["claim_no"]
        if self._waiting.pop(number, None) is None:
            self._wrong(event, f"no claim {number} waits")
        self._to_tell[number] = event.body.get("voucher_no", "")

    def _agreed(self, event: Event) -> None:
        body, made = event.body, dict[str, dict[tuple[str, ...], int]]()
        for claim in body["claims"]:
            places = made.setdefault(claim.get("claim_no", ""), {})
            for line in claim["lines"]:
                amount, pay_app_no = fen(line["pay_amt"]), line.get("pay_app_no", "")
                place = (pay_app_no, line["sup_dep_code"], line["exp_func_code"])
                places[place] = places.get(place, 0) + amount
                if pay_app_no:
                    self._single(event, claim["voucher_no"], pay_app_no, amount)
        numbers = body.get("claim_nos", [])
        if self._by_banks != bool(numbers) or (numbers and {*numbers} != made.keys()):
            self._wrong(event, "it claims what no bank has claimed")
        for number in numbers:
            claim = self._waiting.pop(number, None)
            if claim is None or claim["pay_bank_code"] != body["pay_bank_code"]:
                self._wrong(event, f"no claim {number} of this bank waits")
                continue
            places = {}
            for line in claim["lines"]:
                place = (line.get("pay_app_no", ""), line["sup_dep_code"], line["exp_func_code"])
                places[place] = places.get(place, 0) + fen(line["pay_amt"])
            if places != made.get(number):
                self._wrong(event, f"it is not what the bank claims under {number} 划款不符")

    def _single(self, event: Event, number: str, pay_app_no: str, amount: int) -> None:
        left = self._unclaimed.get(pay_app_no, 0) - amount
        self._unclaimed[pay_app_no] = left
        self._singly.setdefault(number, []).append((pay_app_no, amount))
        if left < 0:
            self._wrong(event, f"of {pay_app_no} more is claimed than was paid 重复划款")

    def _wrong(self, event: Event, what: str) -> None:
        self._report.wrong("claim", event.position, what)


# what banks are told of a correction, and how they answer
_TOLD = ("correction.told", "correction.told_again")
_TELLING_ANSWERS = ("correction.telling_confirmed", "correction.telling_declined")
_TO_BANK, _TO_CENTRAL_BANK = "5253", "5351"


class Tellings:
    """支付调整: a correction is told as it was made, to whom it says, and each message is answered
    once; what was declined is told again or taken back, and the payment not corrected before."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._open: dict[str, dict[str, Any]] = {}  # messages by number: not answered
        self._declined: dict[str, dict[str, Any]] = {}  # and declined
        self._due: dict[str, dict[str, Any]] = {}  # corrections that tell, until they have
        self._untold: dict[str, set[str]] = {}  # by which messages they still have to

    def take(self, event: Event) -> None:
        body, name = event.body, event.name
        if name == "payment.corrected":
            self._corrected(event)
        elif name == "correction.told":
            self._report.count("telling")
            self._told(event)
        elif name == "correction.told_again":
            self._report.count("telling")
            before = self._declined.get(body["again_of"])
            same = ("vt_code", "cor_no", "pay_app_no", "pay_bank_code", "amt", "was", "now")
            if before is None or any(before[each] != body[each] for each in same):
                self._wrong(event, "it does not say again what was declined")
            self._open[body["tell_no"]] = body
        elif name in _TELLING_ANSWERS:
            told = self._open.pop(body["tell_no"], None)
            if told is None or told["voucher_no"] != body["voucher_no"]:
                self._wrong(event, "no message is open for it: never sent, or answered before")
            elif name == "correction.telling_declined":
                self._declined[body["tell_no"]] = told
        elif name == "correction.telling_settled":
            self._settled(event, self._declined.pop(body["tell_no"], None))

    def _settled(self, event: Event, declined: dict[str, Any] | None) -> None:
        if declined is None:
            self._wrong(event, f"the message {event.body['tell_no']} was not declined")

    def _corrected(self, event: Event) -> None:
        body = event.body
        undoes, number = body.get("undoes", ""), body["pay_app_no"]
        waiting = [*self._open.values(), *self._declined.values()]
        before = {told["cor_no"] for told in waiting if told["pay_app_no"] == number}
        if before != ({undoes} if undoes else set()):
            self._wrong(event, "banks have not agreed to what was corrected of it before")
        if told := body.get("told", ()):
            self._due[body["cor_no"]], self._untold[body["cor_no"]] = body, set(told)

    def _told(self, event: Event) -> None:
        body = event.body
        correction, due = self._due.get(body["cor_no"]), self._untold.get(body["cor_no"], set())
        amount, whole = fen(body["amt"]), body["vt_code"] == _TO_BANK
        if correction is None or body["vt_code"] not in due:
            self._wrong(event, "no correction says that it is told so")
            return
        due.discard(body["vt_code"])
        if not due:
            del self._due[body["cor_no"]], self._untold[body["cor_no"]]
        most = fen(correction["amt"] if whole else correction["claimed_amt"])
        parts = fen(body["was"]["amt"]), fen(body["now"]["amt"])
        if parts != (-amount, amount) or amount > most or (whole and amount != most):
            self._wrong(event, "it tells of another amount than was corrected 调整金额不符")
        if body["pay_app_no"] != correction["pay_app_no"]:
            self._wrong(event, "it tells of another payment than was corrected")
        self._open[body["tell_no"]] = body

    def conclude(self) -> None:
        for number in self._untold:
            self._report.wrong("telling", 0, f"not every bank was told of {number} 调整未通知")

    def told(self, event: Event) -> dict[str, Any] | None:
        """What the document that an answer names has to say, too."""
        sent = self._open.get(event.body["tell_no"]) if event.name in _TELLING_ANSWERS else None
        return {"telling": sent, "answer": event.body} if sent else None

    def _wrong(self, event: Event, what: str) -> None:
        self._report.wrong("telling", event.position, what)


TREASURY_CASH = "B1"  # 国库存款
_NOT_BY_HAND = ("A", "F")  # books that follow indicators and payments
_SPECIAL_FUNDS = "2"  # 财政专户管理资金 lies elsewhere
_KIND_DIGITS = 2


def _claimed(body: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """What claims, or an order, take of which account: an order takes cash as a claim does."""
    for claim in body.get("claims", ()):
        kind = claim["fund_type_code"][:_KIND_DIGITS]
        yield claim, body.get("cash_accts", {}).get(kind, "")
    stays = "inc_cor_no" in body and not body.get("to_tre_code")  # no cash leaves 更正
    if "claims" not in body and not stays:
        fund, number = body.get("fund_type_code", "111"), body["voucher_no"]
        order = {"vt_code": "2301", "voucher_no": number, "fund_type_code": fund}
        yield {**order, "pay_amt": body["amt"]}, body.get("cash_acct", "")


def _came_back(event: Event) -> int:
    """1 for what came back of an order, -1 for what had not after all; 0 for all else, and for what
    the report of its day has booked."""
    body, name = event.body, event.name
    if name == "advance.step_reversed":
        return 0 if body.get("bgt_id") else -1
    returned = name == "advance.recovered" or name in _ORDER_RETURNS
    return int(returned and not body.get("is_reported"))


class Cash:
    """What journals book on 国库存款 is what the events say came and went; and where an account is
    named, what of a kind of fund is neither claimed nor gone is never below zero."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._posted = self._told = self._moved_at = 0
        self._free: dict[str, int] = {}
        self._owed: dict[str, int] = {}  # claimed before any account was named
        self._claims: dict[str, tuple[dict[str, Any], str]] = {}
        self._control: bool | None = None  # what the policy says; None: nothing

    def take(self, event: Event) -> None:
        body, name = event.body, event.name
        if name == "ledger.cash_policy_set":
            self._control = body.get("cash_control")
        elif name == "journal.posted":
            for account, dr_cr, amount, *_ in body["lines"]:
                if account == TREASURY_CASH:
                    self._posted += dr_cr * fen(amount)
                    self._moved_at = event.position
        elif name in ("cash.moved", "transfer.funds_arrived"):
            amount_fen = fen(body["amt"])
            self._told += amount_fen
            self._come(body["cash_acct"], body["fund_type_code"][:_KIND_DIGITS], amount_fen)
        elif name == "clearing.requested" or name in _ORDERS_OF_CASH:
            for claim, acct in _claimed(body):
                self._take(claim, acct)
                self._named(event, claim, acct)
        elif name == "clearing.claim_receipted" or name in _ORDER_RECEIPTS:
            self._answered(event)
        elif sign := _came_back(event):
            self._back(body, sign)
        else:
            return
        self._require_free(event)

    def _require_free(self, event: Event) -> None:
        for key, free in self._free.items():
            if free < 0:
                what = f"claims take {yuan(-free)} more of {key} than lies there 库款透支"
                self._report.wrong("cash", event.position, what)

    def _named(self, event: Event, claim: dict[str, Any], acct: str) -> None:
        """Where the policy says so, a claim names its account, or none."""
        if event.name.startswith("income."):
            return  # of the account to which the income came
        special = claim["fund_type_code"].startswith(_SPECIAL_FUNDS)
        claims = claim["vt_code"] == "2301" and not special
        if claims and self._control is not None and self._control != bool(acct):
            state = "on" if self._control else "off"
            what = f"cash control is {state}, and the claim is on account {acct!r} 库款控制"
            self._report.wrong("cash", event.position, what)

    def _take(self, claim: dict[str, Any], acct: str) -> None:
        self._claims[claim["voucher_no"]] = claim, acct
        if acct and claim["vt_code"] == "2301":
            key = f"{acct}/{claim['fund_type_code'][:_KIND_DIGITS]}"
            self._free[key] = self._free.get(key, 0) - fen(claim["pay_amt"])

    def _back(self, body: dict[str, Any], sign: int) -> None:
        """What came back of an order, or had not after all."""
        acct, kind = body["cash_acct"], body["fund_type_code"][:_KIND_DIGITS]
        amount_fen = sign * fen(body["amt"])
        self._told += amount_fen
        if acct:
            self._come(acct, kind, amount_fen)
        else:
            self._owed[kind] = self._owed.get(kind, 0) - amount_fen

    def _come(self, acct: str, kind: str, amount_fen: int) -> None:
        if not acct:  # what the year before has left owed
            self._owed[kind] = self._owed.get(kind, 0) - amount_fen
            return
        key = f"{acct}/{kind}"
        if amount_fen > 0:
            paid = min(amount_fen, self._owed.get(kind, 0))
            self._owed[kind] = self._owed.get(kind, 0) - paid
            amount_fen -= paid
        self._free[key] = self._free.get(key, 0) + amount_fen

    def _answered(self, event: Event) -> None:
        claim, acct = self._claims.pop(event.body["voucher_no"], ({}, ""))
        if not claim or claim["fund_type_code"].startswith(_SPECIAL_FUNDS):
            return
        kind, amount_fen = claim["fund_type_code"][:_KIND_DIGITS], fen(claim["pay_amt"])
        back, body = claim["vt_code"] != "2301", event.body
        rejected = bool(body.get("rejected") or body.get("is_reported"))  # or booked by a report
        if not rejected:
            self._told += amount_fen if back else -amount_fen
        if acct:
            if back != rejected:
                self._come(acct, kind, amount_fen)
        elif not rejected:
            self._owed[kind] = self._owed.get(kind, 0) + (-amount_fen if back else amount_fen)

    def conclude(self) -> None:
        self._report.count("cash")
        if self._posted != self._told:
            what = f"journals make 国库存款 {yuan(self._posted)}, the events {yuan(self._told)}"
            self._report.wrong("cash", self._moved_at, f"{what} 库款不符")


SPECIAL_DEPOSITS, UNIT_DEPOSITS = "B2", "D1002"  # 其他财政存款; a unit's 银行存款
# by what their codes begin with, on which account a fund lies that has accounts of its own
_DEPOSITS = {_SPECIAL_FUNDS: SPECIAL_DEPOSITS, "3": UNIT_DEPOSITS}
# events whose own lines name the account
_SPECIAL_GIVEN = (
    *("opening.loaded", "opening.carried"),
    *("special_income.reported", "special_income.corrected"),
)


class SpecialCash:
    """What journals book in each special account 财政专户, and in each of a unit's own
    单位实有资金, is what the events say came and went, and what is neither gone nor applied for is
    never below zero."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._kept = False
        self._sources: dict[int, str] = {}  # the account of what was paid, or came back
        self._posted: dict[str, int] = {}
        self.balance: dict[str, int] = {}  # by account; of a year before, what the next begins with
        self.of_unit: dict[str, str] = {}  # by account, the unit whose own it is; "" the treasury's
        self._claimed: dict[str, int] = {}
        self._moved_at = 0

    def take(self, event: Event) -> None:
        body, name = event.body, event.name
        if name == "ledger.opened":
            self._kept = bool(body.get("special_accounts") or body.get("unit_funds"))
        elif not self._kept:
            return
        elif name == "journal.posted":
            self._post(event)
        elif name == "special_cash.moved":
            self._report.count("cash")
            self._move(event)
        elif body.get("pay_acct_no"):
            self._sources[event.position] = body["pay_acct_no"]

    def _post(self, event: Event) -> None:
        body = event.body
        paid = self._sources.pop(body["source"], "")
        named = body.get("line_codes") if body["event"] in _SPECIAL_GIVEN else None
        kept_by = named or [{}] * len(body["lines"])
        for (account, dr_cr, amount, *_), codes in zip(body["lines"], kept_by, strict=True):
            of_fund = _DEPOSITS.get(codes.get("fund_type_code", "")[:1], "")
            lies_there = account == of_fund or (paid and account in _DEPOSITS.values())
            if lies_there and (acct := paid or codes.get("acct_no", "")):
                self._posted[acct] = self._posted.get(acct, 0) + dr_cr * fen(amount)
                self._moved_at = event.position

    def _move(self, event: Event) -> None:
        body = event.body
        acct, claimed_fen = body["acct_no"], fen(body.get("claimed_amt", "0.00"))
        owner = body.get("agency_code", "")
        if self.of_unit.setdefault(acct, owner) != owner:
            self._report.wrong("cash", event.position, f"{acct} is two owners' 专户资金不符")
        self.balance[acct] = self.balance.get(acct, 0) + fen(body["amt"])
        self._claimed[acct] = self._claimed.get(acct, 0) + claimed_fen
        if not 0 <= self._claimed[acct] <= self.balance[acct]:
            what = (
                f"payments take {yuan(self._claimed[acct])} of account {acct}, in which "
                f"{yuan(self.balance[acct])} lies 专户透支"
            )
            self._report.wrong("cash", event.position, what)

    def conclude(self) -> None:
        for acct in sorted(self._posted.keys() | self.balance.keys()):
            posted, told = self._posted.get(acct, 0), self.balance.get(acct, 0)
            if posted != told:
                what = f"journals make {yuan(posted)} in {acct}, the events {yuan(told)}"
                self._report.wrong("cash", self._moved_at, f"{what} 专户资金不符")


# what is paid for debts, by 政府支出经济分类: interest, costs, principal, what is lent on
_INTEREST, _COST, _PRINCIPAL, _ON_LENDING = "51101", "51103", "51201", "51303"
_SERVICES = (_INTEREST, _COST, _PRINCIPAL, _ON_LENDING)
_DEBT_AMOUNTS = ("issued_amt", "owed_amt", "ordered_amt", "accrued_amt", "lent_amt")
_BOND_TERMS = (
    *("bond_name", "bond_type_code", "principal_amt", "int_rate", "int_times"),
    *("issue_date", "due_date", "pro_code", "from_div_code"),
)
_WITH_BOND = ("indicator.issued", "indicator.allotted", "indicator.carried_in")
_DEBT_ACTS = {
    *("ledger.debt_limit_set", "bond.registered", "bond.issued", "bond.interest_accrued"),
    *("ledger.debts_carried_in", "bond.carried_in"),
    *("debt.moved", "allocation.receipted", "allocation.returned", "bond.serviced"),
}


class Debts:
    """地方政府债务: what is owed of a bond is what came for it less what the central bank says was
    repaid, within the limits; and the money of a bond stays that bond's, and its project's."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._bonds: dict[str, dict[str, Any]] = {}
        self._moved: dict[str, dict[str, int]] = {}  # by bond, what debt.moved says
        self._due: dict[str, dict[str, int]] = {}  # by bond, what the acts say
        self._limits = {"1": 0, "2": 0}
        self._orders: dict[str, dict[str, Any]] = {}
        self._indicators: dict[str, str] = {}  # the bond of each that has one
        self._position = 0
        self._carried: Event | None = None  # what the year has begun with, and each bond behind it
        self._begun: dict[str, dict[str, Any]] = {}

    def take(self, event: Event) -> None:
        body, name = event.body, event.name
        if name in _DEBT_ACTS:
            self._act(event)
        elif name in _WITH_BOND and body.get("bond_code"):
            self._indicator(event)
        elif name in ("payment.applied", "allocation.ordered"):
            of_indicator = self._indicators.get(body["bgt_id"], "")
            if body.get("bond_code", "") != of_indicator:
                self._wrong(event, f"it is not of bond {of_indicator or 'none'} 债券代码不符")
            if name == "allocation.ordered" and body.get("bond_type_code"):
                self._ordered(event)

    def _indicator(self, event: Event) -> None:
        body = event.body
        self._indicators[body["bgt_id"]] = body["bond_code"]
        bond = self._bonds.get(body["bond_code"])
        is_spent = body["gov_bgt_eco_code"] not in _SERVICES
        if bond is None:
            if event.name != "indicator.carried_in":
                self._wrong(event, f"no bond {body['bond_code']} is registered")
        elif is_spent and bond["bond_type_code"] == "2":
            self._report.count("decision")
            if bond.get("pro_code", "") != body["pro_code"]:
                self._wrong(event, "the money of a special bond is of another project 专款专用")

    def _act(self, event: Event) -> None:
        body, name = event.body, event.name
        if name == "ledger.debts_carried_in":
            self._carried = event
        if name in ("ledger.debt_limit_set", "ledger.debts_carried_in"):
            self._limits = {"1": fen(body["general_amt"]), "2": fen(body["special_amt"])}
            self._hold(event)
        elif name == "bond.registered":
            self._bonds[body["bond_code"]] = body
            opening = fen(body.get("opening_amt", "0.00"))
            self._add(body["bond_code"], issued_amt=opening, owed_amt=opening)
        elif name == "bond.carried_in":
            self._bonds[body["bond_code"]] = self._begun[body["bond_code"]] = body
            amounts = {each: fen(body[each]) for each in ("issued_amt", "accrued_amt", "lent_amt")}
            self._add(body["bond_code"], owed_amt=fen(body.get("opening_amt", "0.00")), **amounts)
        elif name == "bond.issued":
            self._add(body["bond_code"], issued_amt=fen(body["amt"]), owed_amt=fen(body["amt"]))
        elif name == "bond.interest_accrued":
            self._add(body["bond_code"], accrued_amt=fen(body["amt"]))
        elif name == "bond.serviced":
            self._add(body["bond_code"], accrued_amt=-fen(body.get("accrued_amt", "0.00")))
        elif name == "debt.moved":
            self._take_moved(event)
        elif (order := self._orders.get(body["alloc_no"])) is not None:
            self._answered(order, body, name)

    def _ordered(self, event: Event) -> None:
        body, amount = event.body, fen(event.body["amt"])
        self._orders[body["alloc_no"]] = body
        if body["gov_bgt_eco_code"] == _PRINCIPAL:
            self._add(body["bond_code"], owed_amt=-amount, ordered_amt=amount)
        elif body["gov_bgt_eco_code"] == _ON_LENDING:
            self._add(body["bond_code"], lent_amt=amount)

    def _answered(self, order: dict[str, Any], body: dict[str, Any], name: str) -> None:
        bond, economy, amount = order["bond_code"], order["gov_bgt_eco_code"], fen(order["amt"])
        if name == "allocation.returned":
            amount = fen(body["amt"])
            if economy == _PRINCIPAL:
                self._add(bond, owed_amt=amount)
            elif economy == _ON_LENDING:
                self._add(bond, lent_amt=-amount)
        elif economy == _PRINCIPAL:
            back = amount if body.get("rejected") else 0
            self._add(bond, ordered_amt=-amount, owed_amt=back)
        elif economy == _ON_LENDING and body.get("rejected"):
            self._add(bond, lent_amt=-amount)

    def _add(self, bond_code: str, **amounts: int) -> None:
        due = self._due.setdefault(bond_code, dict.fromkeys(_DEBT_AMOUNTS, 0))
        for name, amount in amounts.items():
            due[name] += amount

    def _take_moved(self, event: Event) -> None:
        self._report.count("decision")
        body = event.body
        row = self._moved.setdefault(body["bond_code"], dict.fromkeys(_DEBT_AMOUNTS, 0))
        for name in _DEBT_AMOUNTS:
            row[name] += fen(body.get(name, "0.00"))
        low = min(*(row[name] for name in _DEBT_AMOUNTS), row["issued_amt"] - row["lent_amt"])
        if low < 0:
            self._wrong(event, f"{yuan(-low)} more than there is of bond {body['bond_code']}")
        self._hold(event)

    def _hold(self, event: Event) -> None:
        """What is owed is within the limits."""
        owed = {"1": 0, "2": 0}
        for code, row in self._moved.items():
            if (bond := self._bonds.get(code)) is not None:
                owed[bond["bond_type_code"]] += row["owed_amt"] + row["ordered_amt"]
        for kind, limit in self._limits.items():
            if owed[kind] > limit:
                self._wrong(event, f"{yuan(owed[kind] - limit)} more is owed than may be 超限额")
        self._position = event.position

    def _wrong(self, event: Event, what: str) -> None:
        self._report.wrong("decision", event.position, what)

    def conclude(self) -> None:
        for code in sorted(self._due.keys() | self._moved.keys()):
            due, told = self._due.get(code), self._moved.get(code)
            nothing = dict.fromkeys(_DEBT_AMOUNTS, 0)
            if (due or nothing) != (told or nothing):
                what = f"of bond {code} is owed other than its acts make 债务余额不符"
                self._report.wrong("decision", self._position, what)

    def opened_from(self, before: "Debts", ledger: str) -> None:
        """Holds what this year begins to owe against what the year before has left owed; a year
        whose debts were told by hand begins with those."""
        if self._carried is None:
            return
        if self._carried.body["from_ledger"] != ledger or self._limits_begun() != before._limits:
            self._wrong(self._carried, f"its limits of debt are not those of {ledger} 债务限额不符")
        nothing = dict.fromkeys(_DEBT_AMOUNTS, 0)
        for code in sorted(before._bonds.keys() | self._begun.keys()):
            self._report.count("decision")
            begun, bond = self._begun.get(code, {}), before._bonds.get(code, {})
            row = before._moved.get(code, nothing)
            left = {**row, "owed_amt": row["owed_amt"] + row["ordered_amt"], "ordered_amt": 0}
            taken = {name: fen(begun.get(name, "0.00")) for name in _DEBT_AMOUNTS}
            taken["owed_amt"] = fen(begun.get("opening_amt", "0.00"))
            if taken != left or any(begun.get(name) != bond.get(name) for name in _BOND_TERMS):
                what = f"bond {code} does not begin with what {ledger} has left of it 债务不符"
                self._wrong(self._carried, what)

    def _limits_begun(self) -> dict[str, int]:
        assert self._carried is not None
        body = self._carried.body
        return {"1": fen(body["general_amt"]), "2": fen(body["special_amt"])}


class ByHand:
    """手工凭证: a voucher's journal books its lines and none that payments or registers keep, with
    two sides that each balance; a red one takes all of one voucher back, once."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._entered: dict[str, list[list[Any]]] = {}
        self._reversed: set[str] = set()
        self._due: tuple[int, list[list[Any]]] | None = None  # the journal that comes next

    def take(self, event: Event) -> None:
        body = event.body
        if self._due is not None:
            self._booked(event, *self._due)
            self._due = None
        if event.name == "accounting_voucher.entered":
            self._report.count("hand")
            lines = [
                [account[0], line["dr_cr"], line["amt"]]
                for line, account in zip(body["lines"], body["accounts"], strict=True)
            ]
            self._entered[body["voucher_no"]] = lines
            self._due = event.position, lines
            for account, *_ in lines:
                if account[0] in _NOT_BY_HAND or account == TREASURY_CASH:
                    self._wrong(event, f"{account} is kept by its own acts 受控科目")
        elif event.name == "accounting_voucher.reversed":
            number = body["voucher_no"]
            if number not in self._entered or number in self._reversed:
                self._wrong(event, f"there is no voucher {number} to take back 重复冲销")
                return
            self._reversed.add(number)
            back = [[account, -dr_cr, amount] for account, dr_cr, amount in self._entered[number]]
            self._due = event.position, back

    def _booked(self, event: Event, source: int, lines: list[list[Any]]) -> None:
        if event.name != "journal.posted" or event.body["source"] != source:
            self._wrong(event, f"voucher {source} has no journal directly behind it 凭证未记账")
        elif [line[:3] for line in event.body["lines"]] != lines:
            self._wrong(event, f"it does not book what voucher {source} says 账证不符")

    def _wrong(self, event: Event, what: str) -> None:
        self._report.wrong("hand", event.position, what)


Kept = dict[tuple[str, str], int]  # by account and what it is kept by, as text; fen

_KEPT_BY = {  # what the year's end keeps books by (charts 2026.1 and 2026.12)
    "B": (),
    "C": ("fund_type_code",),
    "D": ("agency_code",),
    "E": ("agency_code", "fund_type_code", "pro_code"),
}
_OF_UNITS = "DE"
_BEGINS_INDICATOR = ("indicator.issued", "indicator.allotted", "indicator.carried_in")


def _kept_as(codes: dict[str, str], names: Iterable[str]) -> str:
    return " ".join(f"{name}={codes[name]}" for name in names if codes.get(name))


def _kept_rows(rows: Iterable[list[Any]]) -> Kept:
    """Rows of a closing, or lines of an opening, each with what it is kept by."""
    kept: Kept = {}
    for account, dr_cr, amount, codes in rows:
        key = account, _kept_as(codes, sorted(codes))
        kept[key] = kept.get(key, 0) + dr_cr * fen(amount)
    return {key: amount for key, amount in kept.items() if amount}


class YearBooks:
    """年终结账, 年初开账: what a closing says that books held, and have left, is what the journals
    give; behind the year's closing nothing else is booked in them. What a year opens with is kept
    for :meth:`opened_from`."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._indicators: dict[str, dict[str, str]] = {}
        self._held: dict[str, Kept] = {}  # by set of books
        self._closed_at = 0
        self._due: tuple[dict[str, Any], int] | None = None  # a closing, an opening; its position
        self.left: dict[str, dict[str, Any]] = {}  # the closings, by set of books
        self.opened: dict[str, tuple[int, Kept]] = {}  # position, and what it begins with
        self.begun: dict[str, Any] | None = None

    def take(self, event: Event) -> None:
        name, body = event.name, event.body
        if name in _BEGINS_INDICATOR:
            wanted = _KEPT_BY["E"]
            self._indicators[body["bgt_id"]] = {each: body[each] for each in wanted}
        elif name == "ledger.year_closed":
            self._closed_at = event.position
        elif name == "books.closed":
            self._close(event)
        elif name == "ledger.openings_begun":
            self.begun = body
        elif name == "journal.posted":
            self._post(event)
        if name == "opening.carried":
            self._due = body, event.position

    def _post(self, event: Event) -> None:
        body = event.body
        due, self._due = self._due, None
        opens = due is not None and body["source"] == due[1] and body["event"] == "opening.carried"
        said = body.get("line_codes") or [None] * len(body["lines"])
        if due is not None and opens:
            rows = [[*line[:3], codes] for line, codes in zip(body["lines"], said, strict=True)]
            self.opened[due[0]["books_no"]] = event.position, _kept_rows(rows)
        for (account, dr_cr, amount, *of), line_codes in zip(body["lines"], said, strict=True):
            if (kept_by := _KEPT_BY.get(account[0])) is None:
                continue
            codes = line_codes
            if codes is None:
                bgt_id = "".join(of) or body.get("bgt_id", "")
                fund = {"fund_type_code": body.get("fund_type_code", "")}
                codes = self._indicators[bgt_id] if bgt_id else fund
            unit = f"unit/{codes.get('agency_code', '')}"
            books = self._held.setdefault(unit if account[0] in _OF_UNITS else "treasury", {})
            key = account, _kept_as(codes, sorted(kept_by))
            books[key] = books.get(key, 0) + dr_cr * fen(amount)
            if self._closed_at and body["event"] != "books.closed":
                what = f"{account} is booked on behind the closing of the year 年终关账后记账"
                self._report.wrong("books", event.position, what)

    def _close(self, event: Event) -> None:
        body = event.body
        self._report.count("books")
        if body["at_position"] != self._closed_at:
            self._wrong(event.position, "it is not closed as of the closing of the year")
        number = body["books_no"]
        self._compare(event.position, f"{number} held", body["balances"])
        if number in self.left:
            self._wrong(event.position, f"{number} is closed twice")
        self.left[number] = {**body, "position": event.position}

    def _compare(self, position: int, what: str, rows: list[list[Any]]) -> None:
        said = _kept_rows([[*row, {}][:4] for row in rows])
        found = {
            key: amount
            for key, amount in self._held.get(what.partition(" ")[0], {}).items()
            if amount
        }
        for key in sorted(said.keys() | found.keys()):
            if said.get(key, 0) != found.get(key, 0):
                theirs, ours = yuan(said.get(key, 0)), yuan(found.get(key, 0))
                self._wrong(
                    position, f"{what} {theirs} on {' '.join(key)}, journals make it {ours}"
                )
                return

    def conclude(self) -> None:
        for number, closed in self.left.items():
            self._compare(closed["position"], f"{number} has left", closed["left"])

    def opened_from(self, before: "YearBooks", deposits: SpecialCash, ledger: str) -> None:
        """Holds what this year's books begin with against what the year before has left, and has
        left in each special account and in units' own."""
        if self.begun is None or self.begun["from_ledger"] != ledger:
            self._wrong(0, f"this year's books do not begin with {ledger}")
            return
        begins = {letter for letter, name in _BOOK_NAMES.items() if name in self.begun["books"]}
        for number in sorted(before.left.keys() | self.opened.keys()):
            self._report.count("books")
            position, opened = self.opened.get(number, (0, {}))
            due: Kept = {}
            if number in before.left:
                closed = before.left[number]
                rows = [[*row, {}][:4] for row in closed["left"] if row[0][0] in begins]
                due = _kept_rows(row for row in rows if row[0] != TREASURY_CASH)
                if any(row[0] == TREASURY_CASH for row in rows):
                    opened, cash = _apart(opened), _cash_of(closed)
                    due |= cash
                if self.begun.get("special_accounts"):
                    _put_in_accounts(due, deposits, number, begins)
            if opened != due:
                self._wrong(position, f"{number} does not begin with what {ledger} has left of it")

    def _wrong(self, position: int, what: str) -> None:
        self._report.wrong("books", position or None, f"{what} 结账不符")


_BOOK_NAMES = {
    "B": "treasury_financial",
    "C": "treasury_budgetary",
    "D": "unit_financial",
    "E": "unit_budgetary",
}


def _cash_of(closed: dict[str, Any]) -> Kept:
    """国库存款 by place and fund."""
    places: Kept = {}
    for acct, fund, amount in closed.get("cash", ()):
        key = TREASURY_CASH, f"{acct}/{fund}"
        places[key] = places.get(key, 0) + fen(amount)
    return {key: amount for key, amount in places.items() if amount}


def _put_in_accounts(due: Kept, deposits: SpecialCash, number: str, begins: set[str]) -> None:
    """其他财政存款 by special account, a unit's 银行存款 by account of its own; and what lies
    elsewhere."""
    owner = number.removeprefix("unit/") if number.startswith("unit/") else ""
    fund, kept_as = ("3", f"agency_code={owner}") if owner else (_SPECIAL_FUNDS, "")
    account = _DEPOSITS[fund]
    if account[0] not in begins or not due:
        return
    rest = due.pop((account, kept_as), 0)
    for acct, amount in deposits.balance.items():
        if amount and deposits.of_unit[acct] == owner:
            codes = {"acct_no": acct, "fund_type_code": fund}
            codes |= {"agency_code": owner} if owner else {}
            due[account, _kept_as(codes, sorted(codes))] = amount
            rest -= amount
    if rest:
        due[account, kept_as] = rest


def _apart(opened: Kept) -> Kept:
    """An opening whose 国库存款 is told by place and fund, whichever element names the place."""
    told: Kept = {}
    for (account, kept_as), amount in opened.items():
        if account == TREASURY_CASH:
            codes = dict(part.split("=", 1) for part in kept_as.split())
            fund = codes.pop("fund_type_code", "")
            kept_as = f"{''.join(codes.values())}/{fund}"
        told[account, kept_as] = told.get((account, kept_as), 0) + amount
    return told


_BOOKED: dict[str, tuple[str, ...]] = {  # by act, the amounts that its journal books together
    "indicator.frozen": ("amt",),
    "indicator.unfrozen": ("amt",),
    "indicator.distributed": ("amt",),
    "indicator.distribution_raised": ("amt",),
    "indicator.distribution_returned": ("amt",),
    "indicator.allotted": ("amount",),
    "purchase_plan.registered": ("pur_amt",),
    "purchase_plan.adjusted": ("adj_amt",),
    "advance.receipted": ("xpay_amt",),
    "advance.returned": ("amt",),
    "advance.recovered": ("amt",),
    "advance.step_reversed": ("amt",),
    "advance.expensed": ("amt",),
    "transfer.dispatch_receipted": ("xpay_amt",),
    "transfer.dispatch_returned": ("amt",),
    "transfer.funds_arrived": ("amt",),
    "transfer.settled": ("amt",),
    "transfer.settlement_taken": ("amt",),
    "allocation.ordered": ("amt",),
    "allocation.returned": ("amt",),
    "placement.receipted": ("xpay_amt",),
    "placement.returned": ("amt",),
    "bond.interest_accrued": ("amt",),
    "wages.withheld": ("income_tax_amt", "insurance_amt", "housing_fund_amt"),
}


class Booked:
    """账证相符: what an act says is what its journal books, in every book that this touches."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._due: dict[int, tuple[str, int]] = {}

    def take(self, event: Event) -> None:
        body = event.body
        if event.name in _BOOKED or event.name == "wages.accrued":
            self._report.count("decision")
            if said := self._said(event):
                self._due[event.position] = event.name, said
        elif event.name == "journal.posted":
            name, said = self._due.pop(body["source"], ("", 0))
            debits: dict[str, int] = {}
            for account, dr_cr, amount, *_ in body["lines"] if name else ():
                debits[account[0]] = debits.get(account[0], 0) + (fen(amount) if dr_cr > 0 else 0)
            if name and set(debits.values()) != {said}:
                booked = ", ".join(f"{book} {yuan(debit)}" for book, debit in debits.items())
                what = f"{name} says {yuan(said)}, its journal books {booked} 账证不符"
                self._report.wrong("decision", body["source"], what, event.position)

    def _said(self, event: Event) -> int:
        body = event.body
        if event.name == "wages.accrued":  # 单位管理费用, and the rest, each with its sign
            managed = fen(body.get("manage_amt", "0.00"))
            return abs(managed) + abs(fen(body["amt"]) - managed)
        return sum(abs(fen(body.get(name, "0.00"))) for name in _BOOKED[event.name])

    def conclude(self) -> None:
        for position, (name, _) in self._due.items():
            self._report.wrong("decision", position, f"{name} has no journal 未记账")


# what the year before tells of a return, and the next one says once more
_HANDED = (
    *("pay_app_no", "refund_no", "refund_amt", "pay_detail_id", "refund_date", "reason"),
    *("pay_cert_no", "suspense_no", "vt_code", "notice_no", "pay_bank_code", "agent_business_no"),
    *("returned", "notice_sm3", "cert_serial", "signature", "shares", "pay_acct_no"),
)


class Returns:
    """以前年度退回: what is booked of a return is what came back, each once; and, beside the year
    before, what that tells."""

    def __init__(self, report: Report, ledger: str) -> None:
        self._report, self._ledger = report, ledger
        self._booked: dict[int, tuple[int, dict[str, Any]]] = {}  # by where it is told
        self._before = f"{ledger[:-4]}{int(ledger[-4:]) - 1}"
        self._head: Event | None = None
        self._left = 0
        self._due: dict[int, Event] = {}  # what became of it, until its journal

    def take(self, event: Event) -> None:
        body = event.body
        if event.name == "prior_return.booked":
            self.conclude()
            self._head, self._left = event, fen(body["refund_amt"])
            self._report.count("return")
            if body["from_ledger"] != self._before:
                self._wrong(event.position, f"{body['from_ledger']} is not the year before")
            if body["from_position"] in self._booked:
                self._wrong(event.position, "it is booked a second time")
            self._booked[body["from_position"]] = event.position, body
            shares = [(share["bgt_id"], fen(share["amt"])) for share in body["shares"]]
            if sum(amount for _, amount in shares) != self._left:
                self._wrong(event.position, "it is not what its indicators had borne")
        elif event.name in _SETTLED:
            self._left -= fen(body["amt"])
            if self._head is None or body["return_no"] != self._head.body["return_no"]:
                self._wrong(event.position, "it settles what did not come back")
            self._due[event.position] = event
        elif event.name == "journal.posted" and body["source"] in self._due:
            self._posted(self._due.pop(body["source"]), body)

    def _posted(self, settled: Event, journal: dict[str, Any]) -> None:
        """The bank has it, and the indicator that goes on, if one does."""
        moved: dict[str, int] = {}
        for account, dr_cr, amount, *_ in journal["lines"]:
            moved[account] = moved.get(account, 0) + dr_cr * fen(amount)
        amount, carried = fen(settled.body["amt"]), settled.name == "prior_return.carried"
        special = bool(settled.body.get("pay_acct_no"))
        lies_on = _DEPOSITS.get(settled.body["fund_type_code"][:1], SPECIAL_DEPOSITS)
        due = {
            **dict.fromkeys(_DEPOSITS.values(), 0),
            lies_on: amount if special else 0,
            ZERO_BALANCE: 0 if special else amount,
            AVAILABLE: -amount if carried else 0,
        }
        same = all(moved.get(account, 0) == fen_ for account, fen_ in due.items())
        if not same or journal.get("bgt_id", "") != settled.body.get("bgt_id", ""):
            self._wrong(settled.position, "its journal books it otherwise")

    def conclude(self) -> None:
        if self._head is not None and self._left:
            what = f"{yuan(self._left)} of it went nowhere"
            self._wrong(self._head.position, what)
        for position in self._due:
            self._wrong(position, "it has no journal 未记账")
        self._head, self._due = None, {}

    def compare(self, before: "Export") -> None:
        """Against the export of the year before, which has to agree with itself; another ledger's
        has nothing to say here."""
        if before.about["ledger"] != self._before:
            return
        report = Report()
        chain = Chain(
            report, bytes.fromhex(before.about["opening_chain"]), before.rows("commits.ndjson.gz")
        )
        told: dict[int, dict[str, Any]] = {}
        open_ = set(self._booked)  # those whose commit has not ended
        for row in before.rows("events.ndjson.gz"):
            event = read_event(row)
            if event_digest(before.ledger, event) != event.digest:
                report.wrong("digest", event.position, "the row is not what was hashed")
            if event.name == "payment.returned" and event.body["to_ledger"] == self._ledger:
                told[event.position] = event.body
            if chain.take(event.position, event.digest, event.recorded_us):
                for at in [at for at in open_ if at <= event.position]:
                    open_.remove(at)
                    self._of_chain(at, chain.chain)
        for at in open_:
            self._of_chain(at, b"")
        if report.failed:
            self._wrong(None, f"{self._before} does not agree with itself: verify it")
        for at, (position, booked) in self._booked.items():
            self._report.count("return")
            differing = [name for name in _HANDED if booked.get(name) != told.get(at, {}).get(name)]
            if differing:
                self._wrong(position, f"{self._before} tells otherwise at {at}: {differing[0]}")
        if waiting := sorted(told.keys() - self._booked.keys()):
            self._report.notes.append(
                f"{self._before} tells at {', '.join(map(str, waiting))} of what came back, and it "
                "is not booked here yet 尚未入账"
            )

    def _of_chain(self, at: int, chain: bytes) -> None:
        position, booked = self._booked[at]
        if booked["from_chain"] != chain.hex():
            self._wrong(position, f"{self._before} has not that chain at {at} 链不符")

    def _wrong(self, position: int | None, what: str) -> None:
        self._report.wrong("return", position, f"{what} 以前年度退回不符")


class Card:
    """The controlled balances of one indicator: after all events so far, and at the end of each
    business day on which it has moved but for the last of them."""

    def __init__(self) -> None:
        self.held = dict.fromkeys(HELD, 0)
        self.last_day: int | None = None
        self._days: list[int] = []
        self._closings: list[dict[str, int]] = []

    def move(self, day: int, changes: dict[str, int]) -> list[tuple[int, str]]:
        """Gives the days before the last, and the balance, where it falls below zero."""
        dated_back = self.last_day is not None and day < self.last_day
        if self.last_day is not None and day > self.last_day:
            self._days.append(self.last_day)
            self._closings.append(dict(self.held))
        self.last_day = self.last_day if dated_back else day
        for name, change_fen in changes.items():
            self.held[name] += change_fen
        return self._move_days(day, changes) if dated_back else []

    def _move_days(self, day: int, changes: dict[str, int]) -> list[tuple[int, str]]:
        place = bisect_left(self._days, day)
        if place == len(self._days) or self._days[place] != day:
            before = self._closings[place - 1] if place else dict.fromkeys(HELD, 0)
            self._days.insert(place, day)
            self._closings.insert(place, dict(before))
        below: list[tuple[int, str]] = []
        for on, closing in zip(self._days[place:], self._closings[place:], strict=True):
            for name, change_fen in changes.items():
                closing[name] += change_fen
                if closing[name] < 0 and change_fen < 0:
                    below.append((on, name))
        return below


class Books:
    """Double entry, and the controlled balances after every event and on every business day.

    What an earlier release recorded, before its ledger said ``dated_floors``, could take a balance
    below zero on a day that was over. Such days are noted and no fault.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._entries = Entries(report)
        self._cards: dict[str, Card] = {}
        self._moved_at: dict[str, int] = {}
        self._dated = False
        self._allowed = 0

    @property
    def balances(self) -> Moves:
        return {bgt_id: card.held for bgt_id, card in self._cards.items()}

    @property
    def dated(self) -> bool:
        """Whether the ledger has said that floors hold on every day."""
        return self._dated

    def held(self, bgt_id: str) -> dict[str, int]:
        """The balances of one indicator."""
        card = self._cards.get(bgt_id)
        return card.held if card else dict.fromkeys(HELD, 0)

    def take(self, event: Event) -> None:
        opened = event.name == "ledger.opened" and event.body.get("dated_floors") is True
        if opened or event.name == "ledger.floors_dated":
            self._dated = True
        for bgt_id, changes in self._entries.take(event).items():
            self._move(event, bgt_id, changes)
        if event.name == "plan.set":
            self._move(event, event.body["bgt_id"], {"plan": fen(event.body["plan_amt"])})
        elif event.name == "plan.cut":
            self._move(event, event.body["bgt_id"], {"plan": -fen(event.body["cut_amt"])})

    def _move(self, event: Event, bgt_id: str, changes: dict[str, int]) -> None:
        card = self._cards.setdefault(bgt_id, Card())
        self._moved_at[bgt_id] = event.position
        below = card.move(event.day, changes)
        self._report.count("floor", len(changes))
        if self._dated:
            self._report.count("day", len(changes))
        for name in changes:
            if card.held[name] < 0:
                self._report.wrong(
                    "floor",
                    event.position,
                    f"indicator {bgt_id} has {name} {yuan(card.held[name])} after it 余额为负",
                )
        for day, name in below:
            if not self._dated:
                self._allowed += 1
                continue
            on = date.fromordinal(date(1970, 1, 1).toordinal() + day)
            what = f"indicator {bgt_id} has {name} below zero on {on} after it 当日余额为负"
            self._report.wrong("day", event.position, what)

    def conclude(self) -> None:
        if self._allowed:
            self._report.notes.append(
                f"{self._allowed:,} times a balance was taken below zero on a day that was over, "
                "which the rules of then allowed 旧规则下曾有逐日余额为负"
            )

    def compare(self, exported: Iterable[dict[str, Any]], last: int) -> None:
        """The exported balances against the folded ones, which stand since the last that moved; one
        that differs may be wrong, or right and events behind the last one are missing."""
        left = dict(self.balances)
        for row in exported:
            self._report.count("balance")
            held = left.pop(row["bgt_id"], dict.fromkeys(HELD, 0))
            mine = {name: held[name] for name in BALANCES}
            theirs = {name: row[f"{name}_fen"] for name in BALANCES}
            if mine != theirs:
                name = next(n for n in BALANCES if mine[n] != theirs[n])
                self._report.wrong(
                    "balance",
                    self._moved_at.get(row["bgt_id"]),
                    f"indicator {row['bgt_id']}: {name} is given as {yuan(theirs[name])}, "
                    f"the journals make it {yuan(mine[name])} 余额与分录不符",
                    last + 1,
                )
        for bgt_id in left:
            what = f"the balances of {bgt_id} are missing 余额缺失"
            self._report.wrong("balance", self._moved_at[bgt_id], what, last + 1)


# ---------------------------------------------------------------- numbers 业务号


def _field(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda body: str(body[name])


def submission_key(body: dict[str, Any]) -> str:
    """A document's kind and number; a later submission of it has its count behind them."""
    count = body.get("submission", 1)
    return f"{body['kind']}/{body['number']}" + ("" if count == 1 else f"\n{count}")


# by the event that a command begins with: its operation, and where the event holds its number
NUMBERED: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "ledger.opened": ("ledger.open", lambda _: "open"),
    "ledger.floors_dated": ("ledger.date_floors", lambda _: "floors"),
    "ledger.period_closed": (
        "period.close",
        lambda body: f"{body['through']}/{body.get('reopened', 0)}".removesuffix("/0"),
    ),
    "ledger.period_reopened": (
        "period.reopen",
        lambda body: f"{body['month']}/{body.get('reopened', 0)}",
    ),
    "ledger.year_closed": ("year_end.close", lambda _: "year"),
    "year_end.carried_over": ("year_end.carry_over", _field("carry_no")),
    "year_end.carried_taken": ("year_end.take_carried", _field("part_no")),
    "year_end.handed_over": ("year_end.hand_over", lambda _: "year"),
    "books.closed": ("year_end.close_books", _field("books_no")),
    "ledger.openings_begun": ("year_end.begin_openings", _field("from_ledger")),
    "opening.carried": ("year_end.take_opening", _field("books_no")),
    "indicator.written_off": ("indicator.write_off", _field("bgt_id")),
    "budget_row.written_off": ("budget_row.write_off", _field("bgt_pman_id")),
    "transfer.issued": ("transfer.issue", _field("transfer_no")),
    "transfer.received": ("transfer.receive", _field("sup_bgt_doc_no")),
    "transfer.accepted": ("transfer.accept", _field("rec_no")),
    "transfer.acceptance_noted": ("transfer.note_acceptance", _field("transfer_no")),
    "transfer.written_off": ("transfer.write_off", _field("transfer_no")),
    "transfer.message_taken": ("transfer.take_message", _field("message_sm3")),
    "transfer.reduction_asked": ("transfer.reduce", _field("reduce_no")),
    "transfer.reduced": (
        "transfer.note_reduction",
        lambda body: (
            f"{body['transfer_no']}/reduce/{body['reduce_no']}"
            if body.get("reduce_no")
            else f"{body['transfer_no']}/return/{body['return_no']}"
        ),
    ),
    "transfer.reduction_dropped": ("transfer.drop_reduction", _field("reduce_no")),
    "transfer.reduction_taken": (
        "transfer.take_reduction",
        lambda body: f"{body['from_ledger']}/{body['reduce_no']}",
    ),
    "transfer.reduction_declined": (
        "transfer.take_reduction",
        lambda body: f"{body['from_ledger']}/{body['reduce_no']}",
    ),
    "transfer.given_back": ("transfer.give_back", _field("return_no")),
    "transfer.dispatched": ("transfer.dispatch", _field("dispatch_no")),
    "transfer.dispatch_receipted": (
        "transfer.dispatch_receipt",
        lambda body: f"{body['voucher_no']}/{body['receipt_sm3'][:16]}",
    ),
    "transfer.funds_arrived": ("transfer.take_funds", _field("voucher_no")),
    "transfer.dispatch_returned": ("transfer.dispatch_return", _field("notice_no")),
    "transfer.arrival_noted": ("transfer.note_arrival", _field("dispatch_no")),
    "transfer.settled": ("transfer.settle", _field("settle_no")),
    "transfer.settlement_noted": ("transfer.note_settlement", _field("settle_no")),
    "transfer.settlement_taken": (
        "transfer.take_settlement",
        lambda body: f"{body['from_ledger']}/{body['settle_no']}",
    ),
    "document.submitted": ("document.submit", submission_key),
    "ledger.clock_corrected": ("clock.correct", _field("position")),
    "ledger.loss_accepted": (
        "loss.accept",
        lambda body: f"{body['epoch_name']}/{body['ledger']}",
    ),
    "voucher.found_at_bank": (
        "voucher.found_at_bank",
        lambda body: "/".join(
            str(body[name]) for name in ("epoch_name", "voucher_no", "place") if name in body
        ),
    ),
    "ceiling.set": ("ceiling.set", _field("ceiling_no")),
    "budget_draft.entered": ("budget_draft.enter", _field("draft_no")),
    "budget_draft.submitted": ("budget_draft.submit", _field("draft_no")),
    "budget_draft.checked": (
        "budget_draft.check",
        lambda body: f"{body['draft_no']} {body['level']}",
    ),
    "budget_draft.returned": ("budget_draft.return", _field("draft_no")),
    "budget.approved": ("budget.approve", _field("approve_doc_no")),
    "budget.replied": ("budget.reply", _field("doc_no")),
    "budget.adjusted": ("budget.adjust", _field("adj_no")),
    "indicator.issued": ("indicator.issue", _field("bgt_id")),
    "ledger.advance_limits_set": ("advance_limits.set", _field("limit_no")),
    "indicator.absorbed": ("indicator.absorb", _field("bgt_id")),
    "indicator.distributed": ("indicator.distribute", _field("dist_no")),
    "indicator.enabled": ("indicator.enable", _field("bgt_id")),
    "indicator.recalled": ("indicator.recall", _field("recall_no")),
    "indicator.adjusted": ("indicator.adjust", _field("adj_no")),
    "indicator.reallocated_out": ("indicator.reallocate", _field("adj_no")),
    "indicator.frozen": ("indicator.freeze", _field("freeze_no")),
    "indicator.unfrozen": ("indicator.unfreeze", _field("freeze_no")),
    "plan.set": ("plan.set", _field("plan_voucher_no")),
    "purchase_plan.registered": ("purchase_plan.register", _field("pur_plan_no")),
    "purchase_plan.adjusted": ("purchase_plan.adjust", _field("adj_no")),
    "contract.registered": ("contract.register", _field("contract_no")),
    "contract.amended": ("contract.amend", _field("change_no")),
    "contract.ended": ("contract.end", _field("end_no")),
    "payment.applied": ("payment.apply", _field("pay_app_no")),
    "manifest.signed": ("manifest.sign", _field("manifest_no")),
    "voucher.receipted": (
        "voucher.receipt",
        lambda body: f"{body['pay_cert_no']}/{body['receipt_sm3'][:16]}",
    ),
    "payment.voided": ("payment.void", _field("pay_app_no")),
    "payment.released": ("payment.release", _field("pay_app_no")),
    "payment.recall_requested": ("payment.recall", _field("recall_no")),
    "payment.refund_requested": ("payment.refund", _field("refund_no")),
    "payment.refunded": ("payment.refund", _field("refund_no")),  # of former releases
    "payment.returned": ("bank.notice", lambda body: notice_number(body)),
    "prior_return.booked": ("prior_return.book", _field("return_no")),
    "payment.corrected": ("correction.apply", _field("cor_no")),
    "correction.told_again": ("correction.tell", _field("tell_no")),
    "correction.telling_confirmed": (
        "correction.answer",
        lambda body: f"{body['voucher_no']}/{body['receipt_sm3'][:16]}",
    ),
    "correction.telling_declined": (
        "correction.answer",
        lambda body: f"{body['voucher_no']}/{body['receipt_sm3'][:16]}",
    ),
    "suspense.held": ("bank.notice", _field("suspense_no")),
    "suspense.resolved": ("suspense.resolve", _field("suspense_no")),
    "clearing.requested": ("clearing.request", _field("clear_no")),
    "clearing.bank_claimed": ("clearing.claim", _field("claim_no")),
    "clearing.claim_receipted": (
        "clearing.receipt",
        lambda body: f"{body['voucher_no']}/{body['receipt_sm3'][:16]}",
    ),
    "advance.ordered": ("advance.pay", _field("adv_no")),
    "advance.receipted": (
        "advance.receipt",
        lambda body: f"{body['voucher_no']}/{body['receipt_sm3'][:16]}",
    ),
    "advance.returned": ("advance.return", _field("notice_no")),
    "advance.recovered": ("advance.recover", _field("step_no")),
    "advance.step_reversed": ("advance.reverse", _field("step_no")),
    "advance.expensed": ("advance.to_expense", _field("step_no")),
    "allocation.ordered": ("allocation.order", _field("alloc_no")),
    "allocation.receipted": (
        "allocation.receipt",
        lambda body: f"{body['voucher_no']}/{body['receipt_sm3'][:16]}",
    ),
    "allocation.returned": ("allocation.return", _field("notice_no")),
    "placement.ordered": ("placement.order", _field("place_no")),
    "placement.receipted": (
        "placement.receipt",
        lambda body: f"{body['voucher_no']}/{body['receipt_sm3'][:16]}",
    ),
    "placement.returned": ("placement.return", _field("notice_no")),
    "ledger.debt_limit_set": ("debt_limit.set", _field("debt_limit_no")),
    "ledger.debts_carried_in": ("year_end.take_debts", _field("from_ledger")),
    "bond.registered": ("bond.register", _field("bond_code")),
    "bond.issued": ("bond.issue", _field("issue_no")),
    "bond.interest_accrued": ("bond.accrue", _field("int_accrual_no")),
    "income.refund_ordered": ("income.refund", _field("inc_refund_no")),
    "income.refund_receipted": (
        "income.refund_receipt",
        lambda body: f"{body['voucher_no']}/{body['receipt_sm3'][:16]}",
    ),
    "income.refund_returned": ("income.refund_return", _field("notice_no")),
    "income.correction_ordered": ("correction.income_codes", _field("inc_cor_no")),
    "income.correction_receipted": (
        "income.correction_receipt",
        lambda body: f"{body['voucher_no']}/{body['receipt_sm3'][:16]}",
    ),
    "opening.loaded": ("opening.load", _field("opening_no")),
    "income.reported": ("income.load", _field("report_no")),
    "income.received": ("income.receive", _field("report_no")),
    "balance.reported": ("balance.receive", _field("report_no")),
    "balance.settled": ("correction.balance", _field("report_no")),
    "reconciliation.package_received": (
        "reconciliation.receive",
        lambda body: f"{body['recon_no']}/{body['pack_no']}",
    ),
    "reconciliation.comparison_asked": ("reconciliation.compare", _field("compare_no")),
    "reconciliation.confirmed": ("reconciliation.confirm", _field("recon_no")),
    "income.corrected": ("correction.income", _field("correct_no")),
    "special_income.reported": ("special_income.load", _field("report_no")),
    "special_income.corrected": ("correction.special_income", _field("correct_no")),
    "accounting_voucher.entered": ("voucher.enter", _field("voucher_no")),
    "accounting_voucher.reversed": ("voucher.reverse", _field("red_voucher_no")),
    "wage_run.loaded": ("wage_run.load", _field("wage_run_no")),
    "subsidy_list.loaded": ("subsidy_list.load", _field("subsidy_list_no")),
    "wages.accrued": ("wage.accrue", _field("accrual_no")),
    "wages.withheld": ("wage.withhold", _field("withhold_no")),
    "disbursement.opened": ("disbursement.open", _field("run_no")),
    # of standing ledgers
    "division.opened": ("division.open", _field("mof_div_code")),
    "standing.adopted": ("standing.adopt", _field("what")),
    "person.registered": ("person.register", lambda body: str(body["principal"]).casefold()),
    "person.rights_set": ("person.set_rights", _field("change_no")),
    "person.rights_ended": ("person.end_rights", _field("change_no")),
    "token.issued": ("token.issue", _field("token_sm3")),
    "token.ended": ("token.end", _field("token_sm3")),
    "installation.registered": ("installation.register", _field("division")),
    "installation.changed": ("installation.change", _field("change_no")),
    "installation.ended": ("installation.end", _field("change_no")),
    "webhook.registered": ("webhook.register", _field("webhook_no")),
    "webhook.ended": ("webhook.end", _field("webhook_no")),
    "certificate.registered": ("certificate.register", _field("cert_serial")),
    "certificate.revoked": ("certificate.revoke", _field("cert_serial")),
    "code_sets.loaded": ("code_sets.load", _field("load_no")),
    "account.registered": ("account.register", _field("acct_no")),
    "account.changed": ("account.change", _field("change_no")),
    "agency.registered": ("agency.register", _field("agency_code")),
    "agency.changed": ("agency.change", _field("change_no")),
    "payee.registered": ("payee.register", _field("receiver_code")),
    "payee.changed": ("payee.change", _field("change_no")),
    "card.registered": ("card.register", _field("card_no")),
    "card.changed": ("card.change", _field("change_no")),
    "standard.registered": ("standard.register", _field("std_code")),
    "standard.changed": ("standard.change", _field("change_no")),
    "staff.registered": ("staff.register", _field("staff_no")),
    "staff.changed": ("staff.change", _field("change_no")),
    "calendar.set": ("calendar.set", _field("change_no")),
    "performance_indicators.set": ("performance_indicators.set", _field("change_no")),
    "monitor_rules.set": ("monitor_rules.set", _field("change_no")),
    "bank.appointed": ("bank.appoint", _field("pay_bank_code")),
    "bank.changed": ("bank.change", _field("change_no")),
    "bank.ended": ("bank.end", lambda body: f"{body['pay_bank_code']} {body['end_date']}"),
    "project.reported": ("project.report", _field("pro_code")),
    "project.revised": ("project.revise", _field("change_no")),
    "project.amended": ("project.amend", _field("change_no")),
    "project.suspended": ("project.suspend", _field("change_no")),
    "project.resumed": ("project.resume", _field("change_no")),
    "project.terminated": ("project.terminate", _field("pro_code")),
    "project.ended": ("project.end", _field("pro_code")),
    # of the system ledger
    "log_key.registered": ("log_key.register", lambda body: f"{body['name']}:{body['key_hash']}"),
    "checkpoint.sealed": ("checkpoint.seal", lambda body: f"{body['origin']}:{body['size']}"),
    "checkpoint.cosigned": (
        "checkpoint.cosign",
        lambda body: f"{body['position']}:{body['witness']}",
    ),
    "province.sealed": (
        "province.seal",
        lambda body: sm3(body["note"].partition("\n\n")[0].encode() + b"\n").hex(),
    ),
}
# events that stand behind the one that a command begins with
FOLLOWERS = {
    "code_sets.rows",
    "budget_draft.rows",
    "budget_draft.approved",
    "budget_row.asked",
    "budget_row.restated",
    "budget_row.replied",
    "budget_row.adjusted",
    "journal.posted",
    "ledger.book_opened",
    "cash.moved",
    "special_cash.moved",
    "debt.moved",
    "bond.carried_in",
    "bond.serviced",
    "income.day_reported",
    "balance.day_reported",
    "balance.day_settled",
    "reconciliation.opened",
    "reconciliation.package_counted",
    "reconciliation.compared",
    "reconciliation.differences",
    "reconciliation.noted",
    "indicator.reallocated_in",
    "indicator.allotted",
    "indicator.released",
    "indicator.carried_over",
    "indicator.taken_back",
    "indicator.carried_in",
    "indicator.distribution_raised",
    "indicator.distribution_returned",
    "plan.cut",
    "payment.correction_taken",
    "correction.told",
    "correction.telling_settled",
    "monitor.hit",
    "payment.tallied",
    "payment.refund_shared",
    "prior_return.carried",
    "prior_return.taken_back",
    "subsidy_list.handed_on",
    "wage_run.accrued",
    "wage_run.withheld",
    "clearing.bank_claim_agreed",
    "clearing.cleared",
    "clearing.rejected",
}
# those among them that begin an object with a number of its own
OPENING = {
    "budget_row.asked": ("budget_row.open", _field("bgt_pman_id")),
    "indicator.allotted": ("indicator.issue", _field("bgt_id")),
    "indicator.carried_in": ("indicator.issue", _field("bgt_id")),
    "bond.carried_in": ("bond.register", _field("bond_code")),
    "monitor.hit": ("monitor_hit.open", _field("hit_no")),
    "correction.told": ("correction.tell", _field("tell_no")),
    "reconciliation.opened": ("reconciliation.open", _field("recon_no")),
}
RUN_EVENTS = {"disbursement.approved", "disbursement.drawn", "disbursement.closed"}
RUN_MONEY = {"indicator.frozen", "indicator.unfrozen"}


def notice_number(body: dict[str, Any]) -> str:
    """By which a bank's notice is kept."""
    return f"{body['pay_bank_code']}-{body['notice_no']}".replace("/", "_")


class Numbers:
    """Command keys against the commands that the events show; kept in a scratch database."""

    def __init__(self, report: Report, scratch: sqlite3.Connection) -> None:
        self._report, self._scratch = report, scratch
        self._before: Event | None = None
        self._pending: tuple[Any, ...] | None = None
        scratch.execute(
            "CREATE TABLE kept (operation, number, stream, first INTEGER, last INTEGER)"
        )
        scratch.execute(
            "CREATE TABLE begun (first INTEGER PRIMARY KEY, last, until, stream, name, operation,"
            " number, refused_operation, refused_number)"
        )

    def keep(self, rows: Iterable[dict[str, Any]]) -> None:
        self._scratch.executemany(
            "INSERT INTO kept VALUES (?, ?, ?, ?, ?)",
            (
                (
                    row["operation"],
                    row["number"],
                    row["stream_id"].replace("-", ""),
                    row["first_position"],
                    row["last_position"],
                )
                for row in rows
            ),
        )

    def take(self, event: Event) -> None:
        before, self._before = self._before, event
        follows = event.name in FOLLOWERS or (
            event.name in RUN_MONEY
            and before is not None
            and before.name in RUN_EVENTS
            and event.body.get("freeze_no") == before.body.get("run_no")
        )
        follows = follows or (
            event.name in ("payment.refunded", "payment.returned")
            and before is not None
            and before.name == "suspense.resolved"
            and event.body.get("notice_sm3") == before.body.get("notice_sm3")
        )
        if event.name in OPENING:
            self._note_opened(event)
        if follows and self._pending is not None:
            return
        self._close(before.position if before else 0, event.position - 1)
        operation, number = None, None
        if event.name in NUMBERED:
            operation, number_in = NUMBERED[event.name]
            number = number_in(event.body)
            if event.name == "payment.refunded" and event.body.get("notice_sm3"):
                operation, number = "bank.notice", notice_number(event.body)
        refused = event.body if event.name == "command.refused" else {}
        self._pending = (
            event.position,
            event.stream.hex(),
            event.name,
            operation,
            number,
            refused.get("operation"),
            refused.get("number", ""),
        )

    def _note_opened(self, event: Event) -> None:
        """What another's command opens has its number at its own first event, and there alone."""
        operation, number_in = OPENING[event.name]
        opened = event.position, event.position, event.position, event.stream.hex(), event.name
        self._scratch.execute(
            "INSERT OR IGNORE INTO begun VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*opened, operation, number_in(event.body), None, ""),
        )

    def _close(self, last: int, until: int) -> None:
        """The command's last event that is there is ``last``; up to ``until`` some are missing."""
        if self._pending is not None:
            first, *rest = self._pending
            self._scratch.execute(
                "INSERT OR IGNORE INTO begun VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (first, last, until, *rest),
            )

    def conclude(self, last: int) -> None:
        self._close(last, last)
        ask = self._scratch.execute
        ask("CREATE INDEX kept_first ON kept (first)")
        for operation, number, stream, first, end, *begun in ask(
            "SELECT k.operation, k.number, k.stream, k.first, k.last, b.last, b.until, b.stream,"
            " b.name, b.operation, b.number, b.refused_operation, b.refused_number"
            " FROM kept k LEFT JOIN begun b ON b.first = k.first ORDER BY k.first"
        ):
            self._report.count("key")
            if wrong := _key_fault(operation, number, stream, end, begun):
                upto = max(first, end, begun[0] or 0)
                span = upto if wrong.startswith("its events end") else first
                self._report.wrong("key", first, f"{operation} {number!r}: {wrong}", span)
        for first, operation, number in ask(
            "SELECT first, operation, number FROM begun b WHERE operation IS NOT NULL AND NOT"
            " EXISTS (SELECT 1 FROM kept k WHERE k.first = b.first AND k.operation = b.operation"
            " AND k.number = b.number) ORDER BY first"
        ):
            self._report.wrong(
                "key", first, f"the number {number!r} of {operation} is not kept 业务号缺失"
            )


def _key_fault(operation: str, number: str, stream: str, end: int, begun: list[Any]) -> str:
    """What is wrong with a kept number, "" if nothing is."""
    last, until, of, name, op, no, refused_operation, refused_number = begun
    if name is None:
        return "no command begins where it points 指向有误"
    if not last <= end <= until:
        return f"its events end at {last}, it says {end}"
    if stream != of:
        return "it points at another stream than its event's"
    own = operation.startswith("key:")  # a caller's own Idempotency-Key
    of_caller = operation.startswith("refused:")  # what he was refused; the number is his and it
    if name == "command.refused":
        same = refused_operation == operation.removeprefix("key:").removeprefix("refused:")
        kept = number.partition("\n")[2] if of_caller else number
        return (
            "" if same and (own or refused_number == kept) else "it was not this that was refused"
        )
    if of_caller:
        return f"the event there is {name}, no refusal"
    if not own and (op, no) != (operation, number):
        return f"the event there is {name} {no or ''}"
    return ""


# ---------------------------------------------------------------- payments 支付


def same_person(one: str, other: str) -> bool:
    """``Both`` is ``both``, in whatever width it is written."""
    return normalize("NFKC", one).casefold() == normalize("NFKC", other).casefold()


class Payment:
    """A payment under way; ``lines`` are fen by detail id."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.applied, self.approved = body, dict[str, Any]()
        self.maker = body["by"]
        details = body.get("details") or [{"pay_detail_id": "1", "pay_amt": body["pay_amt"]}]
        self.lines = {d["pay_detail_id"]: fen(d["pay_amt"]) for d in details}
        self.whole = len(self.lines) == len(details) and sum(self.lines.values()) == fen(
            body["pay_amt"]
        )
        self.voucher = ""
        self.bank = ""
        self.roles: list[str] = []
        self.signers: list[str] = []
        self.signed_sm3 = ""
        self.sent = False
        self.refused = False

    @property
    def signed(self) -> bool:
        return bool(self.roles) and len(self.signers) == len(self.roles)


class Reimbursed:
    """公务卡: what was spent with a card is reimbursed by one payment at a time.

    It is told from the lines of payments; what events say of it has to be the same."""

    def __init__(self) -> None:
        self._lines: dict[bytes, dict[str, tuple[str, int]]] = {}  # what was spent, fen left of it
        self._taken: set[str] = set()

    def apply(self, event: Event) -> str:
        """Why an application may not take what its lines name; "" where it may."""
        wrong, ours = "", set[str]()
        for line in event.body.get("details", ()):
            if not line.get("card_no"):
                continue
            spent = "/".join(line[name] for name in ("card_no", "consume_date", "card_auth_no"))
            if spent in self._taken:
                wrong = f"what was spent {spent} is reimbursed already 重复报销"
            elif fen(line["pay_amt"]) > fen(line["consume_amt"]):
                wrong = f"it reimburses more than was spent {spent}"
            self._taken.add(spent)
            lines = self._lines.setdefault(event.stream, {})
            lines[line["pay_detail_id"]] = spent, fen(line["pay_amt"])
            ours.add(spent)
        told = set(event.body.get("card_lines", ()))
        return wrong or ("" if told == ours else "it takes other card lines than it says")

    def free(self, event: Event, lines: Iterable[tuple[str, int]] | None = None) -> str:
        """What ends without money, or comes back; None: all lines of the payment."""
        known, freed = self._lines.get(event.stream, {}), set()
        for detail, amount in [(detail, 0) for detail in known] if lines is None else lines:
            spent, paid = known.get(detail, ("", 0))
            if spent and amount and amount < paid:
                known[detail] = spent, paid - amount
            elif spent:
                del known[detail]
                self._taken.discard(spent)
                freed.add(spent)
        if not known:
            self._lines.pop(event.stream, None)
        same = freed == set(event.body.get("card_lines", ()))
        return "" if same else "it sets other card lines free than it says"


# what happens to an order, and the field of its own number
ORDERS = {
    "advance.ordered": "adv_no",
    "advance.receipted": "adv_no",
    "advance.returned": "adv_no",
    "advance.recovered": "adv_no",
    "advance.step_reversed": "adv_no",
    "advance.expensed": "adv_no",
    "transfer.dispatched": "dispatch_no",
    "transfer.dispatch_receipted": "dispatch_no",
    "transfer.dispatch_returned": "dispatch_no",
    "allocation.ordered": "alloc_no",
    "allocation.receipted": "alloc_no",
    "allocation.returned": "alloc_no",
    "placement.ordered": "place_no",
    "placement.receipted": "place_no",
    "placement.returned": "place_no",
    "income.refund_ordered": "inc_refund_no",
    "income.refund_receipted": "inc_refund_no",
    "income.refund_returned": "inc_refund_no",
    "income.correction_ordered": "inc_cor_no",
    "income.correction_receipted": "inc_cor_no",
}


_PROMISE = ("promised_amt", "promised_fund", "guarantee")
_GUARANTEED_BY = ("exp_func_code", "gov_bgt_eco_code", "dep_bgt_eco_code")


class Payments:
    """Maker and checker, signatures in order, one outcome a line, refunds within what was paid."""

    def __init__(self, report: Report, scratch: sqlite3.Connection) -> None:
        self._report, self._scratch = report, scratch
        self._under_way: dict[bytes, Payment] = {}
        self._claims: dict[str, int] = {}
        self._claimed: dict[str, dict[str, Any]] = {}
        self._orders: dict[str, dict[str, Any]] = {}  # open ones, by their voucher's number
        self._standing: dict[bytes, int] = {}  # what stands out, by stream
        self._reimbursed = Reimbursed()
        self.banks: dict[bytes, str] = {}
        self._cash_policy: dict[str, Any] = {}
        self._cash_named = False  # whether an act has named a treasury account
        scratch.execute("CREATE TABLE paid (stream, detail, fen INTEGER)")
        scratch.execute("CREATE TABLE refunds (position, stream, detail, fen INTEGER)")
        # what each indicator bears of a payment, "" for its own: more, or less, at a position
        scratch.execute("CREATE TABLE borne (position, stream, bgt_id, fen INTEGER)")

    def take(self, event: Event) -> None:
        name = event.name
        if name == "payment.applied":
            self._applied(event)
        elif name == "payment.refunded":
            self._refunded(event)
        elif name == "payment.returned":
            self._came_back(event)
        elif name in ("payment.refund_shared", "payment.corrected"):
            self._between_indicators(event)
        elif name in ORDERS:
            self._order(event)
        elif name in ("ledger.cash_policy_set", "cash.moved"):
            self._cash(event)
        elif step := _STEPS.get(name):
            found = self._under_way.get(event.stream)
            if found is None:
                self._wrong(event, "no payment is open for it: never applied for, or ended before")
            else:
                step(self, event, found)
        elif name == "voucher.sent":
            self._sent(event)
        elif name.startswith("clearing."):
            self._clearing(event)

    def _applied(self, event: Event) -> None:
        self._report.count("payment")
        payment = Payment(event.body)
        if not payment.whole:
            self._wrong(event, "its lines do not add up to its amount")
        if event.version != 1:
            self._wrong(event, "it is not the first event of its stream")
        if wrong := self._reimbursed.apply(event):
            self._wrong(event, wrong)
        self._under_way[event.stream] = payment

    def _cash(self, event: Event) -> None:
        if event.name == "cash.moved":
            self._cash_named = True
        else:
            self._cash_policy = event.body

    def _clearing(self, event: Event) -> None:
        if event.name == "clearing.requested":
            for claim in event.body["claims"]:
                self._claims[claim["voucher_no"]] = fen(claim["pay_amt"])
                self._claimed[claim["voucher_no"]] = claim
        elif event.name == "clearing.claim_receipted":
            self._claim(event)

    def _order(self, event: Event) -> None:
        """拨款单: answered once, over its amount; never more comes down than was paid."""
        body, name = event.body, event.name
        number = body[ORDERS[name]]
        if name.endswith(("ordered", "dispatched")):
            self._orders[body["voucher_no"]] = body
        elif name.endswith("receipted"):
            ordered = self._orders.pop(body["voucher_no"], None)
            paid = 0 if body.get("rejected") or ordered is None else fen(ordered["amt"])
            if ordered is None:
                self._wrong(event, "no order is open for it: never given, or answered before")
            elif fen(body["xpay_amt"]) != paid:
                self._wrong(event, "it is over another amount than the order")
            self._standing[event.stream] = paid
        else:
            sign = 1 if name == "advance.step_reversed" else -1
            left = self._standing.get(event.stream, 0) + sign * fen(body["amt"])
            self._standing[event.stream] = left
            if left < 0:
                self._wrong(event, f"{yuan(-left)} more comes down of {number} than was paid")

    def _came_back(self, event: Event) -> None:
        """以前年度退回: it counts against what was paid as a refund does, and moves no money."""
        if wrong := self._reimbursed.free(event, self._of_lines(event)):
            self._wrong(event, wrong)
        for share in event.body["shares"]:
            own = share["bgt_id"] == event.body["own_bgt_id"]
            self._bear(event, "" if own else share["bgt_id"], -fen(share["amt"]))

    def _refunded(self, event: Event) -> None:
        refund, back = event.body, self._of_lines(event)
        if wrong := self._reimbursed.free(event, back):
            self._wrong(event, wrong)
        borne_fen = fen(refund.get("borne_amt") or refund["refund_amt"])
        self._bear(event, refund.get("bgt_id", ""), -borne_fen)

    def _of_lines(self, event: Event) -> list[tuple[str, int]]:
        """What came back of which line."""
        refund = event.body
        lines = refund.get("returned") or [refund]
        back = [(line.get("pay_detail_id", ""), fen(line["refund_amt"])) for line in lines]
        if sum(amount for _, amount in back) != fen(refund["refund_amt"]):
            self._wrong(event, "what came back is not the sum of its lines")
        self._scratch.executemany(
            "INSERT INTO refunds VALUES (?, ?, ?, ?)",
            ((event.position, event.stream, detail, amount) for detail, amount in back),
        )
        return back

    def _between_indicators(self, event: Event) -> None:
        """更正, and what of a refund restores an indicator that bore it by one."""
        body = event.body
        if event.name == "payment.refund_shared":
            self._bear(event, body["bgt_id"], -fen(body["refund_amt"]))
            return
        moved_fen = fen(body["amt"])
        if sum(fen(line["amt"]) for line in body["lines"]) != moved_fen:
            self._wrong(event, "what is corrected is not the sum of its lines")
        for bgt_id, amount in ((body["bgt_id"], -moved_fen), (body["to_bgt_id"], moved_fen)):
            self._bear(event, "" if bgt_id == body["own_bgt_id"] else bgt_id, amount)

    def _bear(self, event: Event, bgt_id: str, amount: int) -> None:
        self._scratch.execute(
            "INSERT INTO borne VALUES (?, ?, ?, ?)", (event.position, event.stream, bgt_id, amount)
        )

    def told(self, event: Event) -> dict[str, Any] | None:
        """What the books say that a document which this event names has to say, too."""
        payment = self._under_way.get(event.stream)
        if event.name in ("voucher.signed", "voucher.receipted") and payment is not None:
            receipt = event.body if event.name == "voucher.receipted" else None
            return {"applied": payment.applied, "approved": payment.approved, "receipt": receipt}
        if event.name == "clearing.claim_receipted":
            claim = self._claimed.get(event.body["voucher_no"])
            return {"claim": claim, "receipt": event.body} if claim else None
        if event.name in _NOTICED and event.body.get("notice_sm3"):
            return {"refund": event.body}
        if event.name in _ORDER_RECEIPTS:
            ordered = self._orders.get(event.body["voucher_no"])
            return {"order": ordered, "receipt": event.body} if ordered else None
        if event.name in _ORDER_RETURNS:
            return {"returned": event.body}
        if event.name == _PACKAGE:
            return {"package": event.body}
        if event.name == _BANK_CLAIM:
            return {"bank_claim": event.body}
        if event.name in _ALONE:
            return {"report": event.body}
        return None

    def bank_of(self, event: Event) -> str:
        """The bank that a payment's voucher goes to, "" when it is not known."""
        payment = self._under_way.get(event.stream)
        return payment.bank if payment else ""

    def voucher_of(self, event: Event) -> str:
        """The number of a payment's voucher, "" when it is not known."""
        payment = self._under_way.get(event.stream)
        return payment.voucher if payment else ""

    def _wrong(self, event: Event, what: str) -> None:
        self._report.wrong("payment", event.position, f"{event.name}: {what}")

    def _approved(self, event: Event, payment: Payment) -> None:
        if payment.roles:
            self._wrong(event, "it was approved before")
        if same_person(event.body["by"], payment.maker):
            self._wrong(event, f"maker and checker are one person, {payment.maker} 制单审核同一人")
        payment.approved = event.body
        payment.voucher, payment.bank = event.body["pay_cert_no"], event.body["pay_bank_code"]
        payment.roles = list(event.body["roles"])
        said = tuple(event.body.get(name, "") for name in _PROMISE)
        if said != (due := self._promise(payment.applied)):
            self._wrong(event, f"it promises {said}, the policy of cash says {due} 三保优先")

    def _promise(self, applied: dict[str, Any]) -> tuple[str, str, str]:
        """What an approval promises of cash, of which kind of fund, for which guarantee."""
        policy, kind = self._cash_policy, applied["fund_type_code"][:_KIND_DIGITS]
        kept = any(each["fund_type_code"] == kind for each in policy.get("reserves", ()))
        if not kept or not self._cash_named or policy.get("cash_control") is False:
            return "", "", ""
        for each in policy.get("guarantees", ()):
            if all(applied[name].startswith(each.get(name, "")) for name in _GUARANTEED_BY):
                return applied["pay_amt"], kind, each["guarantee"]
        return applied["pay_amt"], kind, ""

    def _ended(self, event: Event, payment: Payment) -> None:
        if payment.roles:
            self._wrong(event, "a voucher was issued already")
        self._unpaid(event)

    def _unpaid(self, event: Event) -> None:
        if wrong := self._reimbursed.free(event):
            self._wrong(event, wrong)
        del self._under_way[event.stream]

    def _voided(self, event: Event, payment: Payment) -> None:
        if not payment.roles or event.body["pay_cert_no"] != payment.voucher:
            self._wrong(event, "it voids no voucher of this payment")
        if payment.sent or (event.body["sent_before"] and not payment.refused):
            self._wrong(event, "the bank may have the voucher 凭证已送银行")
        self._unpaid(event)

    def _recalled(self, event: Event, payment: Payment) -> None:
        if not payment.signed or event.body.get("pay_cert_no", payment.voucher) != payment.voucher:
            self._wrong(event, "it recalls what no voucher was signed for")

    def _signed(self, event: Event, payment: Payment) -> None:
        body, at = event.body, len(payment.signers)
        if at >= len(payment.roles) or body["role"] != payment.roles[at]:
            self._wrong(event, f"the signature of {body['role']} is not due 签章顺序有误")
        if any(same_person(body["by"], signer) for signer in payment.signers):
            self._wrong(event, f"{body['by']} signs a second time 同一人重复签章")
        if payment.signed_sm3 not in ("", body["voucher_sm3"]):
            self._wrong(event, "it is another voucher than the one signed before")
        payment.signed_sm3 = body["voucher_sm3"]
        payment.signers.append(body["by"])
        if bool(body.get("final")) != payment.signed:
            self._wrong(event, "whether it is the last signature is not as it says")

    def _sent(self, event: Event) -> None:
        # the bank's receipt may have overtaken its acknowledgement
        payment = self._under_way.get(event.stream)
        if payment is not None:
            payment.sent = True
            if not payment.signed:
                self._wrong(event, "it was sent before all had signed")

    def _refused(self, event: Event, payment: Payment) -> None:
        if not payment.signed or payment.sent:
            self._wrong(event, "the bank refuses what it was not sent, or has taken in")
        payment.refused = True

    def _receipted(self, event: Event, payment: Payment) -> None:
        body = event.body
        if not payment.signed:
            self._wrong(event, "it has an outcome before all had signed")
        if body["pay_cert_no"] != payment.voucher:
            self._wrong(event, "it is the receipt of another voucher")
        failed = [
            line["pay_detail_id"] if isinstance(line, dict) else line[0]
            for line in body.get("failed", ())
        ]
        if len(set(failed)) != len(failed) or not set(failed) <= payment.lines.keys():
            self._wrong(event, "it fails lines that the voucher has not, or one twice")
        if wrong := self._reimbursed.free(event, [(line, 0) for line in failed]):
            self._wrong(event, wrong)
        paid = {no: amount for no, amount in payment.lines.items() if no not in failed}
        if sum(paid.values()) != fen(body["xpay_amt"]):
            self._wrong(event, "what was paid is not the sum of the lines that were paid")
        self._scratch.executemany(
            "INSERT INTO paid VALUES (?, ?, ?)",
            ((event.stream, detail, amount) for detail, amount in paid.items()),
        )
        del self._under_way[event.stream]

    def _claim(self, event: Event) -> None:
        body = event.body
        claimed = self._claims.pop(body["voucher_no"], None)
        self._claimed.pop(body["voucher_no"], None)
        due = 0 if body.get("rejected") else claimed
        if claimed is None:
            self._wrong(event, "no claim is open for it: never made, or answered before")
        elif fen(body["xpay_amt"]) != due:
            self._wrong(event, "it is over another amount than the claim")

    def conclude(self) -> None:
        ask = self._scratch.execute
        ask("CREATE INDEX paid_stream ON paid (stream)")
        self._report.count("refund", ask("SELECT count(*) FROM refunds").fetchone()[0])
        for position, back, paid in ask(
            "SELECT position, back, paid FROM (SELECT position,"
            " sum(fen) OVER (PARTITION BY stream ORDER BY position) AS back,"
            " (SELECT coalesce(sum(p.fen), 0) FROM paid p WHERE p.stream = r.stream) AS paid"
            " FROM refunds r) WHERE back > paid UNION ALL"
            " SELECT position, back, paid FROM (SELECT position,"
            " sum(fen) OVER (PARTITION BY stream, detail ORDER BY position) AS back,"
            " (SELECT coalesce(sum(p.fen), 0) FROM paid p WHERE p.stream = r.stream"
            " AND p.detail = r.detail) AS paid FROM refunds r WHERE detail <> '')"
            " WHERE back > paid ORDER BY 1"
        ):
            self._report.wrong(
                "refund", position, f"{yuan(back)} came back of {yuan(paid)} paid 退款超付"
            )
        for position, bgt_id, left in ask(
            "SELECT position, bgt_id, left_fen FROM (SELECT position, bgt_id, fen,"
            " sum(fen) OVER (PARTITION BY stream, bgt_id ORDER BY position) + CASE bgt_id WHEN ''"
            " THEN (SELECT coalesce(sum(p.fen), 0) FROM paid p WHERE p.stream = b.stream) ELSE 0"
            " END AS left_fen FROM borne b) WHERE left_fen < 0 AND fen < 0 ORDER BY 1"
        ):
            whose = bgt_id or "the payment's own indicator"
            what = f"{yuan(-left)} more is taken of {whose} than it bears 更正超付"
            self._report.wrong("refund", position, what)


_STEPS: dict[str, Callable[[Payments, Event, Payment], None]] = {
    "payment.approved": Payments._approved,
    "payment.rejected": Payments._ended,
    "payment.withdrawn": Payments._ended,
    "payment.voided": Payments._voided,
    "payment.recall_requested": Payments._recalled,
    "payment.recall_refused": Payments._recalled,
    "voucher.signed": Payments._signed,
    "voucher.refused": Payments._refused,
    "voucher.receipted": Payments._receipted,
}

# ---------------------------------------------------------------- decisions 裁定

# of an indicator, as a payment made from it has to have them; the last may be refined
_OF_INDICATOR = ("agency_code", "pro_code", "exp_func_code", "gov_bgt_eco_code", "fund_type_code")
_REFINED = "dep_bgt_eco_code"
_NUMBER_DIGITS, _NUMBER_BYTES = 22, 16
# of an indicator that was distributed, as its parts have to have them; marks included
_OF_WHOLE = (
    *("pro_code", "exp_func_code", "fund_type_code", "bgt_type_code", "bgt_pman_id"),
    *("sup_bgt_doc_no", "source_type_code", "budget_level_code", "is_gov_pur", "mof_dep_code"),
    "bond_code",
    *("is_dir_code", "track_pro_code"),
)


# what events do to a row of the budget: (amount, the field that holds it, sign)
_OF_ROW = {
    "budget_row.replied": (("reply", "reply_amt", 1),),
    "budget_row.adjusted": (("adj", "adj_amt", 1), ("dis", "dis_amt", 1)),
    "indicator.issued": (("issued", "amount", 1),),
    "indicator.adjusted": (("issued", "adj_amt", 1),),
    "indicator.reallocated_out": (("issued", "amt", -1),),
    "indicator.reallocated_in": (("issued", "amt", 1),),
    "indicator.recalled": (("issued", "amt", -1),),
    "indicator.absorbed": (("issued", "amt", 1),),
    "transfer.issued": (("issued", "amt", 1),),
    "transfer.reduced": (("issued", "amt", -1),),
}
# what indicators and tiers below take of what the tier above has sent: the field that names its
# document, the field that holds the amount, and its sign
_OF_RECEIVED = {
    "indicator.issued": ("from_transfer", "amount", -1),
    "indicator.adjusted": ("from_transfer", "adj_amt", -1),
    "indicator.recalled": ("from_transfer", "amt", 1),
    "transfer.issued": ("sup_bgt_doc_no", "amt", -1),
    "transfer.reduced": ("sup_bgt_doc_no", "amt", 1),
    "transfer.reduction_taken": ("sup_bgt_doc_no", "amt", -1),
    "transfer.given_back": ("sup_bgt_doc_no", "amt", -1),
}
# what acts on advances take of their unit's limit: the field that holds it, and its sign
_OF_LIMIT = {
    "indicator.issued": ("amount", 1),
    "indicator.adjusted": ("adj_amt", 1),
    "indicator.recalled": ("amt", -1),
}
_ROW_FIGURES = ("budget_row.replied", "budget_row.adjusted")


class Decisions:
    """What the acts of indicators and payments must be by the events before them: what is left of
    the indicator after each, and a voucher's number, day, signers, bank and outcome.

    What a ledger recorded before it said ``dated_floors`` was decided by rules of then.
    """

    def __init__(self, report: Report, ledger: str, books: Books, payments: Payments) -> None:
        self._report, self._ledger = report, ledger
        self._books, self._payments = books, payments
        self._policy = {"roles": ["treasury"], "pay_bank_code": "102"}
        self._issued: dict[str, dict[str, Any]] = {}
        self._moving: Event | None = None  # an act whose journal follows
        self._rows: dict[str, dict[str, int]] = {}  # of the budget, each amount in fen
        self._advances: dict[str, int] = {}  # what each unit has left of its limit, in fen
        self._carried: dict[str, int] = {}  # what of each indicator goes on next year, in fen
        self._received: dict[str, int] = {}  # what of each transfer is not allotted, in fen

    def take(self, event: Event) -> None:
        """An event that the books have taken, and payments have not."""
        body, name = event.body, event.name
        if name == "ledger.signature_policy_set":
            self._policy = {key: body[key] for key in self._policy}
        elif name in ("indicator.issued", "indicator.allotted", "indicator.carried_in"):
            self._issued[body["bgt_id"]] = body
        elif name == "indicator.carried_over":
            carried = self._carried.get(body["bgt_id"], 0) + fen(body["amt"])
            self._carried[body["bgt_id"]] = carried
        if name == "journal.posted" and self._moving is not None:
            if body["source"] == self._moving.position:
                self._figures(self._moving, body["bgt_id"], event.position)
            self._moving = None
        elif "figures" in body and "bgt_id" in body:
            if name in ("plan.set", "plan.cut"):
                self._figures(event, body["bgt_id"])
            else:
                self._moving = event
        if name == "ledger.advance_limits_set" or body.get("advance_of"):
            self._take_advance(event)
        if body.get("bgt_pman_id") and name in _OF_ROW:
            self._take_row(event, body["bgt_pman_id"])
        self._take_received(event)
        if self._books.dated and (decide := _DECIDED.get(name)) is not None:
            self._report.count("decision")
            self._compare(event, decide(self, event))

    def _take_advance(self, event: Event) -> None:
        """Advances of a unit before the approval never exceed its limit (预算法 §54)."""
        self._report.count("decision")
        if event.name == "ledger.advance_limits_set":
            units = [limit["agency_code"] for limit in event.body["limits"]]
            moved = dict(zip(units, map(fen, event.body["change_amts"]), strict=True))
        else:
            field, sign = _OF_LIMIT[event.name]
            moved = {event.body["advance_of"]: -sign * fen(event.body[field])}
        for unit, change in moved.items():
            self._advances[unit] = left = self._advances.get(unit, 0) + change
            if left < 0 and change < 0:
                what = f"advances of unit {unit} exceed its limit by {yuan(-left)} 提前下达超限额"
                self._report.wrong("decision", event.position, what)

    def _take_received(self, event: Event) -> None:
        """What is made of what the tier above has sent is never more than that."""
        if event.name == "transfer.received":
            self._received[event.body["sup_bgt_doc_no"]] = fen(event.body["terms"]["amt"])
        element, field, sign = _OF_RECEIVED.get(event.name, ("", "", 0))
        if not (document := event.body.get(element)):
            return
        self._report.count("decision")
        change = sign * fen(event.body[field])
        self._received[document] = left = self._received.get(document, 0) + change
        if left < 0 and change < 0:
            what = (
                f"of what {document} has brought {yuan(-left)} too much is allotted 超上级转移支付"
            )
            self._report.wrong("decision", event.position, what)

    def _take_row(self, event: Event, number: str) -> None:
        """What indicators have of a row of the budget is never more than the row, and what an event
        says of a row is what the events come to."""
        row = self._rows.setdefault(number, dict.fromkeys(("reply", "adj", "dis", "issued"), 0))
        for amount, field, sign in _OF_ROW[event.name]:
            row[amount] += sign * fen(event.body.get(field, "0.00"))
        cur = row["reply"] + row["adj"] + row["dis"]
        due = {**{f"{name}_amt": fen_ for name, fen_ in row.items()}, "cur_amt": cur}
        due["rest_amt"] = cur - row["issued"]
        self._report.count("decision")
        if due["rest_amt"] < 0:
            what = f"indicators of budget row {number} exceed it by {yuan(-due['rest_amt'])} 超预算"
            self._report.wrong("decision", event.position, what)
        for name, said in event.body["figures"].items() if event.name in _ROW_FIGURES else ():
            if fen(said) != due[name]:
                what = f"{event.name}: {name} is {said}, taken again it is {yuan(due[name])}"
                self._report.wrong("decision", event.position, f"{what} 裁定不符")
                return

    def _compare(self, event: Event, due: dict[str, Any]) -> None:
        for name, ours in due.items():
            theirs = event.body.get(name, "")
            if theirs != ours:
                what = f"{event.name}: {name} is {theirs!r}, taken again it is {ours!r} 裁定不符"
                self._report.wrong("decision", event.position, what)
                return

    def _figures(self, event: Event, bgt_id: str, last: int = 0) -> None:
        """``last`` is the position of its journal: one of the two may be wrong."""
        if not self._books.dated:
            return
        self._report.count("decision")
        held = self._books.held(bgt_id)
        due = {
            "amount": held["available"] + held["frozen"] + held["occupied"] + held["paid"],
            "frozen_amt": held["frozen"],
            "pay_app_amt": held["occupied"],
            "pay_amt": held["paid"],
            "canuse_amt": held["available"],
            "plan_amt": held["plan"],
            "plan_canuse_amt": max(0, held["plan"] - held["occupied"] - held["paid"]),
        }
        figures = event.body["figures"]
        for name, amount in due.items():
            if fen(figures[name]) != amount:
                what = f"{event.name}: {name} is {figures[name]}, taken again it is {yuan(amount)}"
                self._report.wrong("decision", event.position, f"{what} 裁定不符", last)
                return
        pending = event.body.get("pending_amt") or yuan(held["pending"])
        if fen(pending) != held["pending"]:
            what = f"{event.name}: {pending} is pending, taken again it is {yuan(held['pending'])}"
            self._report.wrong("decision", event.position, f"{what} 裁定不符", last)

    def _distributed(self, event: Event) -> dict[str, Any]:
        return {"amt": yuan(sum(fen(part["amount"]) for part in event.body["parts"]))}

    def _allotted(self, event: Event) -> dict[str, Any]:
        whole = self._issued[event.body["ori_bgt_id"]]
        return {name: whole.get(name, "") for name in _OF_WHOLE}

    def _carried_over(self, event: Event) -> dict[str, Any]:
        sums = dict.fromkeys(("carryovers_amt", "take_back_amt"), 0)
        for item in event.body["items"]:
            for name in sums:
                sums[name] += fen(item.get(name) or "0.00")
        return {name: yuan(amount) for name, amount in sums.items()}

    def _written_off(self, event: Event) -> dict[str, Any]:
        return {"carryovers_amt": yuan(self._carried.get(event.body["bgt_id"], 0))}

    def _handed_over(self, event: Event) -> dict[str, Any]:
        """What the next year is said to have is all that was carried over."""
        carried = self._carried
        return {"carryovers_amt": yuan(sum(carried.values())), "indicators": len(carried)}

    def _applied(self, event: Event) -> dict[str, Any]:
        issued = self._issued[event.body["bgt_id"]]
        due = {name: issued[name] for name in _OF_INDICATOR}
        if not event.body[_REFINED].startswith(issued[_REFINED]):
            due[_REFINED] = issued[_REFINED]
        return due

    def _approved(self, event: Event) -> dict[str, Any]:
        division, _, year = self._ledger.partition("-")
        digest = sm3(f"{ledger_key(self._ledger)}\n{event.body['pay_app_no']}".encode())
        place = int.from_bytes(digest[:_NUMBER_BYTES], "big") % 10**_NUMBER_DIGITS
        day = date.fromordinal(date(1970, 1, 1).toordinal() + event.day)
        number = f"{division}{year}{place:0{_NUMBER_DIGITS}d}"
        return {"pay_cert_no": number, "vou_date": day.isoformat(), **self._policy}

    def _of_voucher(self, event: Event) -> dict[str, Any]:
        voucher = self._payments.voucher_of(event)
        return {"pay_cert_no": voucher} if voucher else {}

    def _receipted(self, event: Event) -> dict[str, Any]:
        paid = "partially_paid" if fen(event.body["xpay_amt"]) else "failed"
        return {"outcome": paid if event.body.get("failed") else "paid"}


_DECIDED: dict[str, Callable[[Decisions, Event], dict[str, Any]]] = {
    "indicator.distributed": Decisions._distributed,
    "indicator.allotted": Decisions._allotted,
    "year_end.carried_over": Decisions._carried_over,
    "indicator.written_off": Decisions._written_off,
    "year_end.handed_over": Decisions._handed_over,
    "payment.applied": Decisions._applied,
    "payment.approved": Decisions._approved,
    "voucher.signed": Decisions._of_voucher,
    "voucher.sent": Decisions._of_voucher,
    "voucher.receipted": Decisions._receipted,
}

# ---------------------------------------------------------------- what documents say 凭证与事件

_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding=["']([A-Za-z0-9_-]+)["'][^>]*\?>""")
_CODECS = {"GBK": "gbk", "GB2312": "gbk", "GB18030": "gb18030", "UTF-8": "utf-8"}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNREADABLE = "\ufffd"
Form = dict[str, str]
Differing = tuple[str, str, str]  # the element, what the document says, what the events say


def read_form(document: bytes) -> tuple[Form, list[Form]]:
    """The texts of a voucher, a claim or a receipt: main form, and each line."""
    data = document.removeprefix(b"\xef\xbb\xbf")
    declared = _DECLARED.match(data)
    name = "UTF-8" if data is not document else declared[1].decode().upper() if declared else "GBK"
    text = data[declared.end() if declared else 0 :].decode(_CODECS[name], "replace")
    if text.count("<!") != text.count("<![CDATA["):
        raise ValueError("it declares entities or has comments")
    root = ElementTree.fromstring(_NO_XML.sub(_UNREADABLE, text))  # noqa: S314 - no entities
    lists = root.findall("DetailList")
    main = {each.tag: each.text or "" for each in root if each.tag != "DetailList"}
    rows = [{cell.tag: cell.text or "" for cell in row} for one in lists for row in one]
    return main, rows


# where an event names the document that says it, too
_DOCUMENT_OF = {
    "voucher.signed": "voucher_sm3",
    "voucher.receipted": "receipt_sm3",
    "clearing.claim_receipted": "receipt_sm3",
    "payment.refunded": "notice_sm3",
    "payment.returned": "notice_sm3",
    "prior_return.booked": "notice_sm3",
    "advance.receipted": "receipt_sm3",
    "advance.returned": "receipt_sm3",
    "income.received": "notice_sm3",
    "allocation.receipted": "receipt_sm3",
    "transfer.dispatch_receipted": "receipt_sm3",
    "transfer.dispatch_returned": "receipt_sm3",
    "transfer.funds_arrived": "notice_sm3",
    "allocation.returned": "receipt_sm3",
    "placement.receipted": "receipt_sm3",
    "placement.returned": "receipt_sm3",
    "balance.reported": "notice_sm3",
    "reconciliation.package_received": "notice_sm3",
    "clearing.bank_claimed": "notice_sm3",
    "income.refund_receipted": "receipt_sm3",
    "income.refund_returned": "receipt_sm3",
    "income.correction_receipted": "receipt_sm3",
    "correction.telling_confirmed": "receipt_sm3",
    "correction.telling_declined": "receipt_sm3",
}
# what the central bank has signed, and is booked as it stands
_ALONE = {"income.received", "balance.reported", "transfer.funds_arrived"}
_PACKAGE = "reconciliation.package_received"  # likewise, of the bank that it names
_BANK_CLAIM = "clearing.bank_claimed"  # likewise


# what the central bank says of orders
_ORDER_RECEIPTS = (
    *("advance.receipted", "allocation.receipted", "placement.receipted"),
    *("income.refund_receipted", "transfer.dispatch_receipted"),
    "income.correction_receipted",  # of one that goes to another treasury 调库
)
_ORDER_RETURNS = (
    *("advance.returned", "allocation.returned", "placement.returned"),
    *("income.refund_returned", "transfer.dispatch_returned"),
)
_ORDERS_OF_CASH = (
    *("advance.ordered", "allocation.ordered", "placement.ordered"),
    *("income.refund_ordered", "income.correction_ordered", "transfer.dispatched"),
)
_OF_ORDERS = (*_ORDER_RECEIPTS, *_ORDER_RETURNS)


def disagreement(ledger: str, document: bytes, told: dict[str, Any]) -> str:
    """What a document says otherwise than the events, "" where it says the same."""
    try:
        main, rows = read_form(document)
        if "refund" in told:
            differing = list(_of_notice(main, rows, told["refund"]))
        elif "order" in told:
            differing = list(_of_order(ledger, main, told["order"], told["receipt"]))
        elif "telling" in told:
            differing = list(_of_telling(ledger, main, rows, told["telling"], told["answer"]))
        elif "returned" in told:
            differing = list(_of_order_return(main, told["returned"]))
        elif "claim" in told:
            differing = list(_of_claim(ledger, main, told))
        elif "bank_claim" in told:
            differing = list(_of_bank_claim(ledger, main, rows, told["bank_claim"]))
        elif "package" in told:
            differing = list(_of_package(ledger, main, rows, told["package"]))
        elif "report" in told:
            differing = list(_of_report(ledger, main, rows, told["report"]))
        else:
            differing = list(_of_payment(ledger, main, rows, told))
    except (KeyError, ValueError, TypeError, ElementTree.ParseError) as error:
        return f"what it says cannot be read: {error!r}"
    if not differing:
        return ""
    tag, theirs, ours = differing[0]
    more = f", and {len(differing) - 1} more" if len(differing) > 1 else ""
    return f"{tag}: the signed document says {theirs!r}, the events {ours!r}{more} 凭证与事件不符"


def _of_payment(
    ledger: str, main: Form, rows: list[Form], told: dict[str, Any]
) -> Iterator[Differing]:
    applied, approved, receipt = told["applied"], told["approved"], told["receipt"]
    same = {
        "VtCode": "5212" if applied.get("pay_acct_no") else "5214",
        "VoucherNo": approved["pay_cert_no"],
        "BillNo": applied["pay_app_no"],
        "AdmDivCode": ledger[:6],
        "StYear": ledger[-4:],
        "VouDate": approved["vou_date"].replace("-", ""),
        "PayBankCode": approved["pay_bank_code"],
        "AgencyCode": applied["agency_code"],
        "FundTypeCode": applied["fund_type_code"],
    }
    yield from _differing(main, same, repeated=receipt is not None)
    yield from _amount(main, "PayAmt", fen(applied["pay_amt"]))
    lines = applied.get("details") or [{**applied, "pay_detail_id": "1"}]
    by_id = {row.get("Id", "").strip(EDGES): row for row in rows}
    if len(by_id) != len(rows) or by_id.keys() != {line["pay_detail_id"] for line in lines}:
        yield "DetailList", repr(sorted(by_id)), repr([line["pay_detail_id"] for line in lines])
        return
    if receipt is None:
        yield from _differing(main, _purpose(applied))
        yield from _differing(main, _payer(approved.get("payer") or {}))
        if not applied.get("details"):
            yield from _differing(main, _payee(applied))
    for line in lines:
        row, tag = by_id[line["pay_detail_id"]], f"Detail {line['pay_detail_id']}/"
        if receipt is None:
            yield from _differing(row, _payee(line), tag)
        else:
            yield from _differing(row, {"PayeeAcctNo": line["payee_acct_no"]}, tag)
            name = {"PayeeAcctName": line["payee_acct_name"]}
            yield from _differing(row, name, tag, repeated=True)
        yield from _amount(row, "PayAmt", fen(line["pay_amt"]), tag)
    if receipt is not None:
        yield from _outcome(main, by_id, lines, receipt)


def _outcome(
    main: Form, by_id: dict[str, Form], lines: list[dict[str, Any]], receipt: dict[str, Any]
) -> Iterator[Differing]:
    yield from _amount(main, "XPayAmt", fen(receipt["xpay_amt"]))
    paid_on = _day_of(main.get("XPayDate", ""))
    if paid_on != receipt["xpay_date"].replace("-", ""):
        yield "XPayDate", paid_on, receipt["xpay_date"]
    yield from _differing(main, {"XAgentBusinessNo": receipt["agent_business_no"]})
    failed = dict(
        tuple(line) if isinstance(line, list) else (line["pay_detail_id"], line["xadd_word"])
        for line in receipt.get("failed", ())
    )
    for line in lines:
        id_ = line["pay_detail_id"]
        row, tag = by_id[id_], f"Detail {id_}/"
        if id_ in failed:
            yield from _amount(row, "XPayAmt", 0, tag)
            yield from _differing(row, {"XAddWord": failed[id_]}, tag)
            continue
        yield from _amount(row, "XPayAmt", fen(line["pay_amt"]), tag)
        paid_to = {"XPayeeAcctNo": line["payee_acct_no"], "XPayeeAcctName": line["payee_acct_name"]}
        yield from _differing(row, paid_to, tag, repeated=True)


def _of_claim(ledger: str, main: Form, told: dict[str, Any]) -> Iterator[Differing]:
    claim, receipt = told["claim"], told["receipt"]
    same = {"VoucherNo": receipt["voucher_no"], "VtCode": claim["vt_code"]}
    yield from _differing(main, {**same, "AdmDivCode": ledger[:6], "StYear": ledger[-4:]})
    yield from _amount(main, "PayAmt", fen(claim["pay_amt"]))
    yield from _amount(main, "XPayAmt", fen(receipt["xpay_amt"]))
    if (day := _day_of(main.get("XClearDate", ""))) != receipt["xclear_date"].replace("-", ""):
        yield "XClearDate", day, receipt["xclear_date"]


def _of_order(
    ledger: str, main: Form, ordered: dict[str, Any], receipt: dict[str, Any]
) -> Iterator[Differing]:
    same = {"VoucherNo": receipt["voucher_no"], "AdmDivCode": ledger[:6], "StYear": ledger[-4:]}
    same |= {"PayeeAcctNo": ordered.get("payee_acct_no", "")}  # a correction pays nobody
    yield from _differing(main, {**same, "XAgentBusinessNo": receipt["agent_business_no"]})
    yield from _amount(main, "PayAmt", fen(ordered["amt"]))
    yield from _amount(main, "XPayAmt", fen(receipt["xpay_amt"]))
    if (day := _day_of(main.get("XPayDate", ""))) != receipt["xpay_date"].replace("-", ""):
        yield "XPayDate", day, receipt["xpay_date"]


def _of_telling(
    ledger: str,
    main: Form,
    rows: list[Form],
    told: dict[str, Any],
    answer: dict[str, Any],
) -> Iterator[Differing]:
    same = {
        "VtCode": told["vt_code"],
        "VoucherNo": answer["voucher_no"],
        "AdmDivCode": ledger[:6],
        "StYear": ledger[-4:],
        "BillNo": told["cor_no"],
        "OriginalVoucherNo": told["pay_cert_no"],
        "PayBankCode": told["pay_bank_code"],
        "XAccDate": answer["xacc_date"].replace("-", ""),
    }
    yield from _differing({**main, "XAccDate": _day_of(main.get("XAccDate", ""))}, same)
    parts = told["was"], told["now"]
    if len(rows) != len(parts):
        yield "DetailList", repr(len(rows)), repr(len(parts))
        return
    for row, part in zip(rows, parts, strict=True):
        why = answer.get("reason", "")
        due = {"SupDepCode": part["agency_code"][:3], "ExpFuncCode": part["exp_func_code"]}
        due |= {"XDealResult": "0" if why else "1", "XAddWord": why}
        said = {**row, "XAddWord": row.get("XAddWord", "")[: len(why)]}  # as much as is kept
        yield from _differing(said, due)
        yield from _amount(row, "PayAmt", fen(part["amt"]))


def _of_order_return(main: Form, booked: dict[str, Any]) -> Iterator[Differing]:
    same = {"VoucherNo": booked["notice_no"], "OriginalVoucherNo": booked["voucher_no"]}
    yield from _differing(main, {**same, "AgentBusinessNo": booked["agent_business_no"]})
    yield from _amount(main, "PayAmt", fen(booked["amt"]))
    if (day := _day_of(main.get("VouDate", ""))) != booked["return_date"].replace("-", ""):
        yield "VouDate", day, booked["return_date"]


def _of_report(
    ledger: str, main: Form, rows: list[Form], booked: dict[str, Any]
) -> Iterator[Differing]:
    """The central bank's report of a treasury account's day (3401, 3402), or of what arrived
    (3403), against its event."""
    if "arrived_on" in booked:
        mark = booked.get("is_dir_code", "")
        same = {
            "VoucherNo": booked["notice_no"],
            "AdmDivCode": ledger[:6],
            "TreCode": booked["tre_code"],
            "OriginalVoucherNo": booked["voucher_no"],
            "FundTypeCode": booked["fund_type_code"],
            "AddWord": f"直达资金调度{mark}" if mark else "库款调度",
            "PayTraseqNo": booked["agent_business_no"],
            "VouDate": booked["arrived_on"].replace("-", ""),
        }
        yield from _differing(main, same)
        yield from _amount(main, "Amt", fen(booked["amt"]))
        return
    same = {"VoucherNo": booked["report_no"], "AdmDivCode": ledger[:6], "StYear": ledger[-4:]}
    yield from _differing(main, same)
    if (account := main.get("TreCode") or main.get("BankCode", "")) != booked["tre_code"]:
        yield "TreCode", account, booked["tre_code"]
    dated = "AcctDate" if "balance_amt" in booked else "ReportDate"
    if (day := _day_of(main[dated])) != booked["report_date"].replace("-", ""):
        yield dated, day, booked["report_date"]
    yield from (_of_balances if "balance_amt" in booked else _of_income)(main, rows, booked)


# what those of a period are about
_OF_A_PERIOD = {"3507": "2301,2302", "3508": "5207,3208", "3509": "5209,3210"}


def _moved_by(row: Form) -> int:
    """What a line of a reconciliation says was moved, in fen."""
    if "Amt" in row:
        return _fen_of(row["Amt"])
    return _fen_of(row.get("PayAmt") or row["RefundAmt"])


def _of_bank_claim(
    ledger: str, main: Form, rows: list[Form], claim: dict[str, Any]
) -> Iterator[Differing]:
    """代理银行申请划款: what the bank has signed."""
    same = {
        "VtCode": claim["vt_code"],
        "VoucherNo": claim["voucher_no"],
        "AdmDivCode": ledger[:6],
        "StYear": ledger[-4:],
        "VouDate": claim["clear_date"].replace("-", ""),
        "FundTypeCode": claim["fund_type_code"],
    }
    yield from _differing(main, same)
    yield from _amount(main, "PayAmt", fen(claim["pay_amt"]))
    whose = f"{claim['sender'].partition('/')[2]}-{claim['voucher_no']}"
    if whose != claim["claim_no"]:
        yield "VoucherNo", whose, claim["claim_no"]
    said = [
        (row["SupDepCode"], row["ExpFuncCode"], fen(row["PayAmt"]), row.get("VoucherNo", ""))
        for row in rows
    ]
    told = [
        (
            each["sup_dep_code"],
            each["exp_func_code"],
            fen(each["pay_amt"]),
            each.get("voucher_no", ""),
        )
        for each in claim["lines"]
    ]
    if said != told:
        yield "DetailList", repr(said), repr(told)


def _of_package(
    ledger: str, main: Form, rows: list[Form], booked: dict[str, Any]
) -> Iterator[Differing]:
    """A package of a reconciliation against its event."""
    same = {"AdmDivCode": ledger[:6], "StYear": ledger[-4:], "VtCode": booked["vt_code"]}
    same |= {"VoucherNo": booked["voucher_no"]}
    about = _OF_A_PERIOD.get(booked["vt_code"]) or main["EVoucherType"]
    if about != booked["e_voucher_type"]:
        yield "EVoucherType", about, booked["e_voucher_type"]
    yield from _differing(main, same)
    sender, _, code = booked["sender"].partition("/")
    number = main.get("VoucherCheckNo") or main["VoucherNo"]
    number = f"{sender if sender == 'pboc' else code}-{number}"
    if number != booked["recon_no"]:
        yield "VoucherCheckNo", number, booked["recon_no"]
    for tag, name in (("ChildPackNum", "pack_num"), ("CurPackNo", "pack_no")):
        if int(main.get(tag) or 1) != booked[name]:
            yield tag, main.get(tag, ""), str(booked[name])
    for tag, name in (("BeginDate", "begin_date"), ("EndDate", "end_date")):
        day = _day_of(main.get(tag) or main["CheckDate"])
        if day != booked[name].replace("-", ""):
            yield tag, day, booked[name]
    if int(main["AllNum"]) != booked["all_num"]:
        yield "AllNum", main["AllNum"], str(booked["all_num"])
    yield from _amount(main, "AllAmt", fen(booked["all_amt"]))
    made = len(rows), sum(_moved_by(row) for row in rows)
    if made != (booked["line_num"], fen(booked["line_amt"])):
        yield "DetailList", f"{made[0]} over {yuan(made[1])}", repr(booked["line_amt"])


def _of_balances(main: Form, rows: list[Form], booked: dict[str, Any]) -> Iterator[Differing]:
    names = {
        "AcctCode": "acct_code",
        "YesterdayBalance": "yesterday_balance",
        "TodayReceipt": "today_receipt",
        "TodayPay": "today_pay",
        "TodayBalance": "today_balance",
    }
    code, *amounts = names
    theirs = [[row[code], *(row[tag].strip(EDGES) for tag in amounts)] for row in rows]
    ours = [[line[name] for name in names.values()] for line in booked["lines"]]
    if theirs != ours:
        yield "DetailList", repr(theirs), repr(ours)
    total = sum(_fen_of(row["TodayBalance"]) for row in rows)
    if total != fen(booked["balance_amt"]):
        yield "TodayBalance", yuan(total), booked["balance_amt"]


def _of_income(main: Form, rows: list[Form], booked: dict[str, Any]) -> Iterator[Differing]:
    theirs = [
        (
            row["BudgetSubjectCode"],
            row.get("FundTypeCode") or main.get("FundTypeCode", ""),
            row.get("BudgetLevelCode") or main.get("BudgetLevelCode", ""),
            _fen_of(row["DayAmt"]),
        )
        for row in rows
    ]
    said = [line for line in theirs if line[-1]]
    codes = ("inc_sort_code", "fund_type_code", "budget_level_code")
    ours = [(*(line.get(code, "") for code in codes), fen(line["amt"])) for line in booked["lines"]]
    if said != ours:
        yield "DetailList", repr(said), repr(ours)


def _of_notice(main: Form, rows: list[Form], booked: dict[str, Any]) -> Iterator[Differing]:
    """A bank's notice (2203, 2252) against the event that books it."""
    serial = main.get("AgentBusinessNo", "")
    if not serial and (dictate := main.get("PayDictateNo", "")):
        serial = "/".join(filter(None, (dictate, main.get("PayEntrustDate", ""))))
    theirs = [
        (row.get("Id", ""), abs(_fen_of(row["PayAmt"])), row.get("PayeeAcctNo", "")) for row in rows
    ]
    ours = [
        (line["pay_detail_id"], fen(line["refund_amt"]), line.get("payee_acct_no", ""))
        for line in booked["returned"]
    ]
    if len(theirs) == len(ours) == 1:  # a single line's id may be the bank's own
        theirs, ours = [("", *theirs[0][1:])], [("", *ours[0][1:])]
    same: tuple[tuple[str, Any, Any], ...] = (
        ("VtCode", main["VtCode"], booked["vt_code"]),
        ("VoucherNo", main["VoucherNo"], booked["notice_no"]),
        ("PayDate", _day_of(main["PayDate"]), booked["refund_date"].replace("-", "")),
        ("PayAmt", abs(_fen_of(main["PayAmt"])), fen(booked["refund_amt"])),
        ("AgentBusinessNo", serial, booked.get("agent_business_no", "")),
        ("DetailList", theirs, ours),
    )
    yield from ((tag, str(said), str(due)) for tag, said, due in same if said != due)
    named = [main.get("OriginalVoucherNo"), main.get("OriBillNo")]
    named += [row.get("VoucherNo") for row in rows]
    numbers = [booked["pay_cert_no"], booked["pay_app_no"]]
    if not booked.get("suspense_no") and set(numbers).isdisjoint(named):
        yield "OriginalVoucherNo", str(named), str(numbers)


def _purpose(applied: dict[str, Any]) -> Form:
    return {
        "ExpFuncCode": applied["exp_func_code"],
        "GovExpEcoCode": applied["gov_bgt_eco_code"],
        "DepExpEcoCode": applied["dep_bgt_eco_code"],
        "DepProCode": applied["pro_code"],
        "SetModeCode": applied["set_mode_code"],
        "BusinessTypeCode": applied["pay_bus_type_code"],
        "PaySummaryName": applied["use_des"],
    }


def _payer(payer: dict[str, str]) -> Form:
    """The accounts that the division's registers named, where they named any."""
    tags = {
        "PayAcctNo": "pay_acct_no",
        "PayAcctName": "pay_acct_name",
        "PayAcctBankName": "pay_acct_bank_name",
        "ClearAcctNo": "clear_acct_no",
        "ClearAcctName": "clear_acct_name",
        "ClearAcctBankName": "clear_acct_bank_name",
        "SupDepName": "sup_dep_name",
        "MOFDepCode": "mof_dep_code",
    }
    return {tag: payer[name] for tag, name in tags.items() if payer.get(name)}


def _payee(line: dict[str, Any]) -> Form:
    return {
        "PayeeAcctNo": line["payee_acct_no"],
        "PayeeAcctName": line["payee_acct_name"],
        "PayeeAcctBankName": line["payee_acct_bank_name"],
        "PayeeAcctBankNo": line.get("payee_bank_no", ""),
    }


def _differing(
    row: Form, same: Form, tag: str = "", *, repeated: bool = False
) -> Iterator[Differing]:
    """``repeated``: a bank need not repeat it, and may have sent what nobody can read."""
    for name, ours in same.items():
        theirs = row.get(name, "")
        if ours not in (theirs, theirs.strip(EDGES)) and not (
            repeated and (not theirs or _UNREADABLE in theirs)
        ):
            yield tag + name, theirs, ours


def _fen_of(text: str) -> int:
    """An amount as a bank writes it, with white space around it or without."""
    return fen(text.strip(EDGES))


def _day_of(text: str) -> str:
    """A day likewise, with hyphens or without, as YYYYMMDD."""
    return text.strip(EDGES).replace("-", "")


def _amount(row: Form, name: str, due_fen: int, tag: str = "") -> Iterator[Differing]:
    theirs_fen = _fen_of(row.get(name, ""))
    if theirs_fen != due_fen:
        yield tag + name, yuan(theirs_fen), yuan(due_fen)


# ---------------------------------------------------------------- approvals 审批

# the events that an act begins with to which a policy may want others to agree, and its kind
ACTS = {
    "account.registered": "account.register",
    "account.changed": "account.change",
    "payee.registered": "payee.register",
    "payee.changed": "payee.change",
    "card.registered": "card.register",
    "card.changed": "card.change",
    "standard.registered": "standard.register",
    "standard.changed": "standard.change",
    "staff.registered": "staff.register",
    "staff.changed": "staff.change",
    "calendar.set": "calendar.set",
    "performance_indicators.set": "performance_indicators.set",
    "monitor_rules.set": "monitor_rules.set",
    "agency.registered": "agency.register",
    "agency.changed": "agency.change",
    "bank.appointed": "bank.appoint",
    "bank.changed": "bank.change",
    "bank.ended": "bank.end",
    "project.amended": "project.amend",
    "project.suspended": "project.suspend",
    "project.resumed": "project.resume",
    "project.terminated": "project.terminate",
    "project.ended": "project.end",
    "certificate.registered": "certificate.register",
    "certificate.revoked": "certificate.revoke",
    "code_sets.loaded": "code_sets.load",
    "division.opened": "division.open",
    "person.registered": "person.register",
    "person.rights_ended": "person.end_rights",
    "person.rights_set": "person.set_rights",
    "token.ended": "token.end",
    "token.issued": "token.issue",
    "installation.registered": "installation.register",
    "installation.changed": "installation.change",
    "installation.ended": "installation.end",
    "webhook.registered": "webhook.register",
    "webhook.ended": "webhook.end",
    "ceiling.set": "ceiling.set",
    "budget.approved": "budget.approve",
    "budget.adjusted": "budget.adjust",
    "indicator.issued": "indicator.issue",
    "ledger.advance_limits_set": "advance_limits.set",
    "indicator.absorbed": "indicator.absorb",
    "indicator.distributed": "indicator.distribute",
    "indicator.enabled": "indicator.enable",
    "indicator.recalled": "indicator.recall",
    "indicator.adjusted": "indicator.adjust",
    "indicator.reallocated_out": "indicator.reallocate",
    "transfer.issued": "transfer.issue",
    "transfer.accepted": "transfer.accept",
    "transfer.reduction_asked": "transfer.reduce",
    "transfer.given_back": "transfer.give_back",
    "transfer.dispatched": "transfer.dispatch",
    "transfer.settled": "transfer.settle",
    "purchase_plan.registered": "purchase_plan.register",
    "purchase_plan.adjusted": "purchase_plan.adjust",
    "contract.registered": "contract.register",
    "contract.amended": "contract.amend",
    "contract.ended": "contract.end",
    "ledger.signature_policy_set": "signature_policy.set",
    "ledger.approval_policy_set": "approval_policy.set",
    "ledger.plan_policy_set": "plan_policy.set",
    "ledger.carry_over_policy_set": "carry_over_policy.set",
    "ledger.year_closed": "year_end.close",
    "year_end.carried_over": "year_end.carry_over",
    "ledger.advance_policy_set": "advance_policy.set",
    "ledger.cash_policy_set": "cash_policy.set",
    "ledger.reconciliation_policy_set": "reconciliation_policy.set",
    "ledger.clearing_policy_set": "clearing_policy.set",
    "advance.ordered": "advance.pay",
    "allocation.ordered": "allocation.order",
    "placement.ordered": "placement.order",
    "ledger.debt_limit_set": "debt_limit.set",
    "bond.registered": "bond.register",
    "bond.issued": "bond.issue",
    "bond.interest_accrued": "bond.accrue",
    "income.refund_ordered": "income.refund",
    "income.correction_ordered": "correction.income_codes",
    "advance.recovered": "advance.recover",
    "advance.step_reversed": "advance.reverse",
    "advance.expensed": "advance.to_expense",
    "ledger.period_closed": "period.close",
    "ledger.period_reopened": "period.reopen",
    "payment.refund_requested": "payment.refund",
    "payment.corrected": "correction.apply",
    "payment.voided": "payment.void",
    "payment.recall_requested": "payment.recall",
    "suspense.resolved": "suspense.resolve",
    "opening.loaded": "opening.load",
    "income.reported": "income.load",
    "income.corrected": "correction.income",
    "special_income.reported": "special_income.load",
    "special_income.corrected": "correction.special_income",
    "balance.settled": "correction.balance",
    "reconciliation.confirmed": "reconciliation.confirm",
    "accounting_voucher.entered": "voucher.enter",
    "accounting_voucher.reversed": "voucher.reverse",
    "wage_run.loaded": "wage_run.load",
    "subsidy_list.loaded": "subsidy_list.load",
    "wages.accrued": "wage.accrue",
    "wages.withheld": "wage.withhold",
}


# who acts at the machine itself, where nobody else has to agree; no person has such a name
AT_MACHINE = {"guoku", "operator", "migration", "import"}


# who must agree where a policy is older than the kind and says nothing of it
UNLESS_SAID = {
    "webhook.register": ["security_officer"],
    "installation.register": ["security_officer"],
    "installation.change": ["security_officer"],
    "clearing_policy.set": ["security_officer"],
}


class Approvals:
    """What a ledger's policy wants others to agree to has its document, with distinct persons in
    their order, and is what the document asks for."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._policy: dict[str, list[str]] = {}
        self._open: dict[str, tuple[dict[str, Any], list[str]]] = {}
        self._due: tuple[int, dict[str, Any]] | None = None  # what stands behind a last agreement

    def take(self, event: Event) -> None:
        body, name = event.body, event.name
        if self._due is not None and event.position > self._due[0]:
            self.conclude()
        if name == "ledger.opened":
            self._policy = dict(body.get("approval_policy", {}))
        elif name == "document.submitted":
            self._submitted(event)
        elif name in ("document.approved", "document.returned"):
            self._agreed(event)
        elif name in ACTS:
            self._act(event)
        if name == "ledger.approval_policy_set":
            self._set(body["approval_policy"])

    def _set(self, asked: dict[str, list[str]]) -> None:
        """What is said of all kinds of something takes the place of what was said of each."""
        wide = {kind[:-1] for kind in asked if kind.endswith(".*")}
        kept = {
            kind: roles
            for kind, roles in self._policy.items()
            if "*" not in asked and kind.partition(".")[0] + "." not in wide
        }
        self._policy = {**kept, **asked}

    def _roles(self, kind: str) -> list[str]:
        for name in (kind, kind.partition(".")[0] + ".*", "*"):
            if name in self._policy:
                return self._policy[name]
        return UNLESS_SAID.get(kind, [])

    def _wrong(self, position: int, what: str) -> None:
        self._report.wrong("approval", position, what)

    def _submitted(self, event: Event) -> None:
        self._report.count("approval")
        body = event.body
        key = f"{body['kind']}/{body['number']}"
        if body["roles"] != self._roles(body["kind"]):
            self._wrong(event.position, f"{key} awaits others than its policy names 审批角色不符")
        if key in self._open:
            self._wrong(event.position, f"{key} was submitted before, and waits still")
        self._open[key] = (body, [])

    def _agreed(self, event: Event) -> None:
        body = event.body
        key = f"{body['kind']}/{body['number']}"
        found = self._open.get(key)
        if found is None:
            self._wrong(event.position, f"no document {key} waits 无待审单据")
            return
        if event.name == "document.returned":
            del self._open[key]
            return
        submitted, agreed = found
        if body["role"] != submitted["roles"][len(agreed)]:
            self._wrong(event.position, f"the agreement of {body['role']} is not due 审批顺序有误")
        if same_person(body["by"], submitted["by"]):
            self._wrong(event.position, f"{body['by']} agrees to his own document 制单审核同一人")
        if any(same_person(body["by"], by) for by in agreed):
            self._wrong(event.position, f"{body['by']} agrees a second time 同一人重复审批")
        agreed.append(body["by"])
        last, brings = len(agreed) == len(submitted["roles"]), bool(body.get("brings"))
        if last != brings:
            self._wrong(event.position, "whether it is the last agreement is not as it says")
        if last or brings:
            del self._open[key]
            self._due = (event.position + 1, submitted)

    def _act(self, event: Event) -> None:
        kind, due, self._due = ACTS[event.name], self._due, None
        if due is None:
            if self._roles(kind) and event.body["by"] not in AT_MACHINE:
                self._wrong(event.position, f"nobody else has agreed to this {kind} 未经审批")
            return
        self._report.count("approval")
        submitted, asked = due[1], due[1]["body"]
        told = event.body  # a person's name may be written in another case
        same = all(
            told[name] == asked[name]
            or (name == "principal" and same_person(told[name], asked[name]))
            for name in asked
            if name in told
        )
        if (kind, event.body["by"]) != (submitted["kind"], submitted["by"]) or not same:
            what = f"it is not what {submitted['number']!r} asks for 与单据不符"
            self._wrong(event.position, what)

    def conclude(self) -> None:
        """What was agreed to and stands nowhere."""
        if self._due is not None:
            what = f"{self._due[1]['kind']} was agreed to, and does not stand here 审批未生效"
            self._wrong(self._due[0], what)
            self._due = None


# ---------------------------------------------------------------- certificates, signatures 签章


class Certificate(NamedTuple):
    serial: str
    subject: str
    key: bytes
    not_before: int
    not_after: int
    revoked_at: int | None

    def expected_serial(self) -> str:
        """A serial says of which key, subject and beginning it is."""
        begin = self.not_before.to_bytes(8, signed=True)
        return sm3(self.key + begin + self.subject.encode())[:16].hex()

    def fault(self, since_us: int, until_us: int) -> str:
        """What is wrong with it at the moment of a signature, "" if nothing is.

        That is one moment, but where a clock is known to have been ahead; then some moment between
        the two will do.
        """
        at_us = min(max(since_us, self.not_before), until_us)
        if at_us < self.not_before:
            return "was not valid yet 尚未生效"
        if at_us > self.not_after:
            return "had expired 已过期"
        if self.revoked_at is not None and at_us >= self.revoked_at:
            return "had been revoked 已吊销"
        return ""


def read_certificates(rows: Iterable[dict[str, Any]]) -> dict[str, Certificate]:
    return {
        row["serial"]: Certificate(
            row["serial"],
            row["subject"],
            bytes.fromhex(row["public_key"]),
            microseconds(row["not_before"]),
            microseconds(row["not_after"]),
            microseconds(row["revoked_at"]) if row.get("revoked_at") else None,
        )
        for row in rows
    }


_CORRECTED = "ledger.clock_corrected"


class Times:
    """When events can have happened 时钟.

    That is when they were recorded, unless a correction of the clock says behind them that they
    were recorded ahead of their time: then between the last sound time and the correction's.

    Args:
        corrections: (position, recorded) of each, in order.
    """

    def __init__(self, corrections: Iterable[tuple[int, int]]) -> None:
        self._corrections = list(corrections)
        self._sound_us = 0
        self.span = (0, 0)

    def take(self, event: Event) -> None:
        """The next event; ``span`` is then its first and last possible moment."""
        limits = [us for position, us in self._corrections if position >= event.position]
        if limits and event.recorded_us > min(limits):
            self.span = self._sound_us, min(limits)
        else:
            self._sound_us = event.recorded_us
            self.span = event.recorded_us, event.recorded_us


# what a leaf of a manifest is over, by the first line of the text that is signed
_LEAF_IS_OVER = {"guoku/manifest": "document", "guoku/manifest/2": "its SM3"}


class Signatures:
    """Every signature of a voucher, a receipt or a manifest over the document it names."""

    def __init__(
        self,
        report: Report,
        scratch: sqlite3.Connection,
        ledger: str,
        certificates: dict[str, Certificate],
        trusted: dict[str, bytes],
    ) -> None:
        self._report, self._scratch, self._ledger = report, scratch, ledger
        self._certificates, self._trusted = certificates, trusted
        self.times = Times(())
        scratch.execute(
            "CREATE TABLE signatures (position, sm3 BLOB, serial, value, since, until, subject)"
        )
        scratch.execute("CREATE TABLE told (position, sm3 BLOB, what)")
        # vouchers and receipts that were signed together, and the one signature over them
        scratch.execute(
            "CREATE TABLE manifests"
            " (number PRIMARY KEY, position, sm3 BLOB, leaves BLOB, subject, heading)"
        )
        scratch.execute(
            "CREATE TABLE members (position, manifest, leaf, sm3 BLOB, hash BLOB, subject)"
        )

    def take(self, event: Event, bank: str, told: dict[str, Any] | None = None) -> None:
        """Notes what has to be verified.

        ``bank`` is whose receipt this would be, ``told`` what its document has to say.
        """
        body = event.body
        if told is not None:
            digest = body[_DOCUMENT_OF[event.name]]
            self._scratch.execute(
                "INSERT INTO told VALUES (?, ?, ?)",
                (event.position, bytes.fromhex(digest), json.dumps(told)),
            )
        if event.name == "voucher.signed":
            self._note(event, body["voucher_sm3"], f"principal/{body['by']}")
        elif event.name == "voucher.receipted":
            self._note(event, body["receipt_sm3"], f"bank/{bank}")
        elif event.name == "clearing.claim_receipted" or event.name in _OF_ORDERS:
            self._note(event, body["receipt_sm3"], "pboc/")
        elif event.name in _TELLING_ANSWERS:
            to_bank = body["vt_code"] == _TO_BANK
            whose = f"bank/{body['pay_bank_code']}" if to_bank else "pboc/"
            self._note(event, body["receipt_sm3"], whose)
        elif event.name == "suspense.held":
            bank = body["pay_bank_code"]
            self._note(event, body["notice_sm3"], f"bank/{bank}" if bank else "pboc/")
        elif event.name in _NOTICED and body.get("notice_sm3"):
            self._note(event, body["notice_sm3"], f"bank/{body['pay_bank_code']}")
        elif event.name in _ALONE:
            self._note(event, body["notice_sm3"], "pboc/")
        elif event.name in (_PACKAGE, _BANK_CLAIM):
            self._note(event, body["notice_sm3"], body["sender"])
        elif event.name == "manifest.signed":
            self._manifest(event)
        elif event.name == "transfer.message_taken":
            self._message(event)

    def _message(self, event: Event) -> None:
        """What another installation has signed of transfers; the text stands in the event."""
        body = event.body
        text = body["text"].encode()
        self._report.count("signature")
        serial, value = body["cert_serial"], body["signature"]
        wrong = self.fault(text, serial, value, self.times.span, "installation/")
        if not wrong:
            division = self._certificates[serial].subject.partition("/")[2]
            if not body["from_ledger"].startswith(division):
                wrong = (
                    f"installation/{division} does not speak for {body['from_ledger']} 签章人不符"
                )
            elif sm3(text).hex() != body["message_sm3"]:
                wrong = "the message has another SM3 摘要不符"
        if wrong:
            self._report.wrong("signature", event.position, wrong)

    def _note(self, event: Event, document: str, subject: str) -> None:
        body, digest = event.body, bytes.fromhex(document)
        if manifest := body.get("manifest_no", ""):
            self._scratch.execute(
                "INSERT INTO members VALUES (?, ?, ?, ?, NULL, ?)",
                (event.position, manifest, body.get("leaf", 0), digest, subject),
            )
        else:
            self._scratch.execute(
                "INSERT INTO signatures VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    event.position,
                    digest,
                    body["cert_serial"],
                    body["signature"],
                    *self.times.span,
                    subject,
                ),
            )

    def _manifest(self, event: Event) -> None:
        body = event.body
        lines = body["text"].split("\n")
        receipts = body["role"] == "receipt"
        subject = lines[1] if receipts else f"principal/{body['by']}"
        self._report.count("signature")
        wrong = self.fault(
            body["text"].encode(),
            body["cert_serial"],
            body["signature"],
            self.times.span,
            subject,
        )
        whose = subject if receipts else self._ledger
        known = lines[0] in _LEAF_IS_OVER
        if not wrong and not (known and lines[1:3] == [whose, body["role"]]):
            wrong = "the manifest's text is of another ledger, bank or role"
        if wrong:
            self._report.wrong("signature", event.position, wrong)
        self._scratch.execute(
            "INSERT OR IGNORE INTO manifests VALUES (?, ?, ?, ?, ?, ?)",
            (
                body["manifest_no"],
                event.position,
                bytes.fromhex(body["leaves_sm3"]),
                "\n".join(lines[3:5]),
                subject,
                lines[0],
            ),
        )

    def documents(self, documents: Iterable[tuple[bytes, bytes]]) -> None:
        """Each document (its SM3, its bytes) against its digest, and all signatures over it."""
        ask = self._scratch.execute
        for table in ("signatures", "members", "manifests", "told"):
            ask(f"CREATE INDEX {table}_sm3 ON {table} (sm3)")
        ask("CREATE TABLE seen (sm3 BLOB PRIMARY KEY)")
        for digest, document in documents:
            self._report.count("document")
            ask("INSERT OR IGNORE INTO seen VALUES (?)", (digest,))
            self._document(digest, document)
        for position, digest in ask(
            "SELECT position, sm3 FROM (SELECT position, sm3 FROM signatures UNION ALL"
            " SELECT position, sm3 FROM members UNION ALL SELECT position, sm3 FROM manifests)"
            " WHERE sm3 NOT IN (SELECT sm3 FROM seen) ORDER BY position"
        ):
            self._report.wrong("document", position, f"document {digest.hex()} is missing 凭证缺失")
        for position, manifest in ask(
            "SELECT m.position, m.manifest FROM members m"
            " LEFT JOIN manifests f ON f.number = m.manifest"
            " AND f.subject = m.subject AND substr(f.leaves, 32 * m.leaf + 1, 32) = m.hash"
            " WHERE f.number IS NULL ORDER BY m.position"
        ):
            self._report.wrong(
                "signature", position, f"it is not under the manifest {manifest} 不在签名清单内"
            )

    def _document(self, digest: bytes, document: bytes) -> None:
        ask = self._scratch.execute
        uses = ask(
            "SELECT position, serial, value, since, until, subject FROM signatures WHERE sm3 = ?"
            " ORDER BY position",
            (digest,),
        ).fetchall()
        [(member,)] = ask("SELECT min(position) FROM members WHERE sm3 = ?", (digest,))
        lists = ask("SELECT position, number, leaves FROM manifests WHERE sm3 = ?", (digest,))
        manifests = lists.fetchall()
        if (found := sm3(document)) != digest:
            named = [use[0] for use in uses] + [m[0] for m in manifests] + [member]
            self._report.wrong(
                "document",
                min((p for p in named if p is not None), default=None),
                f"document {digest.hex()} is not what was signed 凭证被改",
            )
        for position, serial, value, since_us, until_us, subject in uses:
            self._report.count("signature")
            span = since_us, until_us
            if wrong := self.fault(document, serial, value, span, subject):
                self._report.wrong("signature", position, wrong)
        for position, what in ask("SELECT position, what FROM told WHERE sm3 = ?", (digest,)):
            self._report.count("evidence")
            if found == digest and (
                wrong := disagreement(self._ledger, document, json.loads(what))
            ):
                self._report.wrong("evidence", position, wrong)
        if member is not None:
            self._report.count("signature")
            self._leaf(digest, document, found)
        for position, number, text in manifests:
            size, _, root = text.partition("\n")
            if (size, root) != _root_over(document):
                self._report.wrong(
                    "signature", position, f"the leaves of {number} have another root 清单根不符"
                )
            ask("UPDATE manifests SET leaves = ? WHERE number = ?", (document, number))

    def _leaf(self, digest: bytes, document: bytes, found: bytes) -> None:
        """The hash that the document has among the leaves of each manifest that it is under."""
        headings = self._scratch.execute(
            "SELECT DISTINCT f.heading FROM members m JOIN manifests f ON f.number = m.manifest"
            " WHERE m.sm3 = ?",
            (digest,),
        ).fetchall()
        for (heading,) in headings:
            hashed = {"document": document, "its SM3": found}.get(_LEAF_IS_OVER.get(heading, ""))
            if hashed is not None:
                self._scratch.execute(
                    "UPDATE members SET hash = ? WHERE sm3 = ? AND manifest IN"
                    " (SELECT number FROM manifests WHERE heading = ?)",
                    (leaf_hash(hashed), digest, heading),
                )

    def fault(
        self, document: bytes, serial: str, value: str, span: tuple[int, int], subject: str
    ) -> str:
        """What is wrong with a signature, "" if nothing is. A subject ending in / is a prefix."""
        certificate = self._certificates.get(serial)
        if certificate is None:
            return f"its certificate {serial} is not known 无此证书"
        if serial in self._trusted and self._trusted[serial] != certificate.key:
            return f"the key of certificate {serial} is not the one you gave 公钥不符"
        if certificate.serial != certificate.expected_serial():
            return f"certificate {serial} is not what was registered 证书被改"
        prefix = subject.endswith("/")
        if not (
            certificate.subject.startswith(subject) if prefix else certificate.subject == subject
        ):
            return f"it is signed by {certificate.subject}, not by {subject} 签章人不符"
        if wrong := certificate.fault(*span):
            return f"certificate {serial} of {certificate.subject} {wrong}"
        try:
            signature = _unbase64(value)
        except ValueError:
            signature = b""
        by_value = certificate.subject.startswith(("bank/", "pboc/"))
        if not sm2_verifies(certificate.key, document, signature, by_value):
            return f"the signature of {certificate.subject} is not over these bytes 签章无效"
        return ""


def _root_over(leaves: bytes) -> tuple[str, str]:
    """(how many, root in base64) over hashes of 32 bytes that stand one after the other."""
    tree = Tree()
    for start in range(0, len(leaves), 32):
        tree.append_hash(leaves[start : start + 32])
    return str(tree.size), base64.b64encode(tree.root()).decode()


# ---------------------------------------------------------------- checkpoints 检查点


class Note(NamedTuple):
    """A signed checkpoint; ``signatures`` are (name, key hash, DER)."""

    signed: bytes
    origin: str
    size: int
    root: bytes
    chain: bytes
    recorded: str
    signatures: list[tuple[str, bytes, bytes]]


def read_note(text: str) -> Note:
    signed, _, tail = text.partition("\n\n")
    lines = signed.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), _unbase64(lines[2])
        more = dict(line.split(" ", 1) for line in lines[3:])
        signatures = []
        for line in filter(None, tail.split("\n")):
            dash, name, value = line.split(" ")
            if dash != "—":
                raise ValueError(line)
            blob = _unbase64(value)
            signatures.append((name, blob[:4], blob[4:]))
        chain = _unbase64(more.get("chain", ""))
        return Note(
            (signed + "\n").encode(), origin, size, root, chain, more["recorded"], signatures
        )
    except (ValueError, IndexError, KeyError) as error:
        raise Unreadable(f"no checkpoint: {text[:60]!r} ({error})") from None


def read_notes(text: str) -> list[Note]:
    """The notes of an append-only file, or the one of a file of its own."""
    parts = re.split(r"^---\n?", text, flags=re.MULTILINE)
    return [read_note(part) for part in parts if part.strip()]


def key_hash(name: str, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\xffguoku-sm2-sm3" + key).digest()[:4]


def known_keys(named: list[dict[str, str]], trusted: dict[str, bytes]) -> dict[str, list[bytes]]:
    """Keys by name: those that the auditor trusts take the place of what the export names."""
    keys: dict[str, list[bytes]] = {}
    for row in named:
        keys.setdefault(row["name"], []).append(bytes.fromhex(row["public_key"]))
    return keys | {name: [key] for name, key in trusted.items()}


class Checkpoints:
    """Roots and chains against the history, signatures against keys."""

    def __init__(
        self,
        report: Report,
        origin: str,
        keys: dict[str, list[bytes]],
        trusted: set[str],
        witnesses: dict[str, bytes],
    ) -> None:
        self._report, self._origin = report, origin
        self._keys, self._trusted, self._witnesses = keys, trusted, witnesses
        self._due: dict[int, list[tuple[str, Note]]] = {}
        self._cosigned = dict.fromkeys(witnesses, 0)
        self._matched = 0

    def add(self, check: str, note: Note) -> None:
        """``check`` is "tree" for one of the export, "kept" for one of the auditor's own."""
        if note.origin != self._origin:
            self._report.wrong(check, None, f"a checkpoint is of {note.origin}, not {self._origin}")
            return
        self._due.setdefault(note.size, []).append((check, note))
        self._verify(note)

    def _verify(self, note: Note) -> None:
        at = note.size or None
        by_log = False
        for name, hashed, signature in note.signatures:
            witness = self._witnesses.get(name)
            known = [witness] if witness else self._keys.get(name, [])
            meant = [key for key in known if key_hash(name, key) == hashed]
            if not meant:
                continue  # of another key, or of somebody else: signed notes pass it over
            check = "note" if name.startswith("guoku/") else "witness"
            self._report.count(check)
            if not any(sm2_verifies(key, note.signed, signature) for key in meant):
                what = f"checkpoint {note.size}: the signature of {name} is not valid 签名无效"
                self._report.wrong(check, at, what)
                continue
            by_log = by_log or check == "note"
            if name in self._cosigned:
                self._cosigned[name] = max(self._cosigned[name], note.size)
        if not by_log:
            self._report.wrong(
                "note", at, f"checkpoint {note.size} is not signed by the log 未签名"
            )

    def reached(self, tree: Tree, chain: bytes, recorded_us: int) -> None:
        """At the end of a commit: the checkpoints of this size must be of this history."""
        for check, note in self._due.pop(tree.size, ()):
            self._report.count(check)
            what = ""
            if note.root != tree.root():
                what = "the root of the tree is another 历史被改写"
            elif note.chain and note.chain != chain:
                what = "the chain is another 历史被改写"
            elif microseconds(note.recorded) != recorded_us:
                what = "it was recorded at another time"
            if not what:
                self._matched = tree.size
                continue
            what = f"checkpoint {tree.size}: {what}; the last one that agrees is of {self._matched}"
            self._report.wrong(check, self._matched + 1, what, tree.size)

    def conclude(self, last: int) -> None:
        for size, notes in sorted(self._due.items()):
            for check, _ in notes:
                beyond = size > last
                what = "history ends before it 尾部被截" if beyond else "no commit ends there"
                self._report.wrong(check, min(size, last + 1), f"checkpoint {size}: {what}")
        for name, size in self._cosigned.items():
            if size == 0:
                self._report.wrong("witness", None, f"no checkpoint is cosigned by {name} 无见证")
            else:
                self._report.notes.append(f"{name} has seen this history up to {size} 见证至此")
        if not self._trusted & {name for name in self._keys if name.startswith("guoku/")}:
            self._report.notes.append(
                "the log's key was taken from the export itself; give the one you hold with --key "
                "guoku/log=… 日志公钥取自导出本身"
            )


# ---------------------------------------------------------------- an exported ledger 导出账套


class Chain:
    """Commits in step with the events."""

    def __init__(self, report: Report, chain: bytes, commits: Iterator[dict[str, Any]]) -> None:
        self._report, self._commits = report, commits
        self.chain = chain
        self._digests: list[bytes] = []
        self._commit = next(commits, None)
        self._due = 0

    def take(self, position: int, digest: bytes, recorded_us: int) -> bool:
        """Whether a commit ends at this position."""
        commit = self._commit
        if commit is None:
            if not self._due:
                self._report.wrong("chain", position, "it belongs to no commit 不属于任何提交")
                self._due = position
            return False
        self._digests.append(digest)
        if len(self._digests) == 1 and position != commit["first_position"]:
            self._report.wrong("chain", position, "no commit begins where the last one ended")
        if recorded_us >= 0 and recorded_us != microseconds(commit["recorded_at"]):
            self._report.wrong("chain", position, "its recorded_at is not that of its commit")
        if position < commit["position"]:
            return False
        self._report.count("chain")
        stored = bytes.fromhex(commit["chain"])
        if sm3(self.chain + b"".join(self._digests)) != stored or position != commit["position"]:
            first = position - len(self._digests) + 1
            what = f"the chain of commit {first}-{position} is another 提交链断裂"
            self._report.wrong("chain", first, what, position)
        self.chain = stored  # go on from what is stored, so that one fault is told once
        self._digests = []
        self._commit = next(self._commits, None)
        return True

    def conclude(self, last: int) -> None:
        if self._commit is not None:
            position = min(self._commit["position"], last + 1)
            self._report.wrong("chain", position, "commits go on behind the last event 尾部被截")


_TRANSFERS = (
    "transfer.issued",
    "transfer.received",
    "transfer.accepted",
    "transfer.acceptance_noted",
    "transfer.reduction_asked",
    "transfer.reduced",
    "transfer.reduction_taken",
    "transfer.given_back",
    "transfer.reduction_declined",
    "transfer.reduction_dropped",
    "transfer.message_taken",
    "transfer.dispatched",
    "transfer.dispatch_receipted",
    "transfer.dispatch_returned",
    "transfer.funds_arrived",
    "transfer.arrival_noted",
    "transfer.settled",
    "transfer.settlement_noted",
    "transfer.settlement_taken",
)
# what follows from the other side's word: by which command, and where the place that it names is
_FROM_WORDS = {
    "transfer.received": ("transfer.receive", "issued"),
    "transfer.reduction_taken": ("transfer.take_reduction", "asked"),
    "transfer.reduction_declined": ("transfer.take_reduction", "asked"),
    "transfer.acceptance_noted": ("transfer.note_acceptance", "accepted"),
    "transfer.reduced": ("transfer.note_reduction", "told"),
    "transfer.reduction_dropped": ("transfer.drop_reduction", "told"),
    "transfer.settlement_taken": ("transfer.take_settlement", "settled"),
    "transfer.settlement_noted": ("transfer.note_settlement", "taken"),
    "transfer.arrival_noted": ("transfer.note_arrival", "arrived"),
}
# where the place of the other end's event is, its type, and what both say
_OF_FUNDS = {
    "transfer.funds_arrived": (
        "",
        "transfer.dispatched",
        ("dispatch_no", "fund_type_code", "is_dir_code", "amt"),
    ),
    "transfer.arrival_noted": (
        "arrived",
        "transfer.funds_arrived",
        ("dispatch_no", "fund_type_code", "is_dir_code", "amt"),
    ),
    "transfer.settlement_taken": (
        "settled",
        "transfer.settled",
        ("settle_no", "settle_kind", "fund_type_code", "is_dir_code", "amt"),
    ),
    "transfer.settlement_noted": (
        "taken",
        "transfer.settlement_taken",
        ("settle_no", "fund_type_code", "is_dir_code", "amt"),
    ),
}
# which amount says that cash went to another tier, or came back
_SENT_BY = {
    "transfer.dispatch_receipted": ("xpay_amt", 1),
    "transfer.dispatch_returned": ("amt", -1),
}
_TERMS = (
    *("tp_func_code", "fund_type_code", "amt", "pro_code", "bgt_doc_title"),
    *("is_dir_code", "track_pro_code"),
)


class Transfers:
    """What ledgers say of the transfers between them, each history held against the other's: what
    one has received, its sender has sent there, once and the same; what a sender says was accepted
    was; and what is sent is accepted or in transit.

    The ledgers are told apart by their names. Of a history that is not at hand nothing is said.
    """

    def __init__(self, report: Report, ledger: str) -> None:
        self._report, self._ledger = report, ledger
        self._events: dict[str, dict[int, Event]] = {ledger: {}}

    def take(self, event: Event, ledger: str = "") -> None:
        if event.name in _TRANSFERS:
            self._events.setdefault(ledger or self._ledger, {})[event.position] = event

    def take_other(self, other: "Export") -> None:
        """Another ledger's export, which is verified by itself."""
        ledger = other.about["ledger"]
        self._events.setdefault(ledger, {})
        for row in other.rows("events.ndjson.gz"):
            event = read_event(row)
            if event.name in _TRANSFERS and event_digest(other.ledger, event) == event.digest:
                self.take(event, ledger)

    def conclude(self) -> None:
        for position, event in sorted(self._events[self._ledger].items()):
            if event.name == "transfer.received":
                self._received(position, event.body)
            elif event.name == "transfer.acceptance_noted":
                self._noted(position, event.body)
            elif event.name == "transfer.reduced":
                back = "given_back" if event.body.get("return_no") else "reduction_taken"
                self._agreed(position, event.body, "told", f"transfer.{back}")
            elif event.name == "transfer.reduction_taken":
                self._agreed(position, event.body, "asked", "transfer.reduction_asked")
            elif event.name in _OF_FUNDS:
                self._of_funds(position, event)
        self._messages()
        for ledger in sorted(self._events.keys() - {self._ledger}):
            self._balance(self._ledger, ledger)
            self._balance(ledger, self._ledger)
            self._mirror(self._ledger, ledger)

    def _of_funds(self, position: int, event: Event) -> None:
        """What is said of cash and settlements is the same at both ends."""
        where, name, own = _OF_FUNDS[event.name]
        if where:
            other = self._named(position, event.body[where], name)
        else:  # the central bank has said so, which names the order
            if (there := self._events.get(event.body["from_ledger"])) is None:
                return
            self._report.count("transfer")
            orders = (each.body for each in there.values() if each.name == name)
            number = event.body["voucher_no"]
            other = next((each for each in orders if each["voucher_no"] == number), None)
            if other is None:
                self._wrong(position, f"no order {number} was given 无此调度")
        if other is None:
            return
        for element in own:
            if other.get(element, "") != event.body.get(element, ""):
                what = f"{event.name}: it is of another {element} than at the other end 与对方不符"
                self._wrong(position, what)

    def _mirror(self, one: str, other: str) -> None:
        """往来: what is owed between two tiers is the same but for what is on its way."""
        if one.partition("-")[2] != other.partition("-")[2]:
            return
        told: dict[str, dict[str, int]] = {}
        for ledger, there in ((one, other), (other, one)):
            sums = told[ledger] = {"sent": 0, "arrived": 0, "subsidy": 0, "remittance": 0}
            division = there.partition("-")[0]
            for event in self._events[ledger].values():
                body = event.body
                if event.name in _SENT_BY:
                    element, sign = _SENT_BY[event.name]
                    if body["rec_div_code"] == division:
                        sums["sent"] += sign * fen(body[element])
                elif event.name == "transfer.funds_arrived":
                    sums["arrived"] += fen(body["amt"]) if body["from_ledger"] == there else 0
                elif event.name == "transfer.settled":
                    if body["rec_div_code"] == division:
                        sums[body["settle_kind"]] += fen(body["amt"])
                elif event.name == "transfer.settlement_taken" and body["from_ledger"] == there:
                    sums[body["settle_kind"]] += fen(body["amt"])
        mine, its = told[one], told[other]
        if any(mine.values()) or any(its.values()):
            way = [mine["sent"] - its["arrived"], its["sent"] - mine["arrived"]]
            owed = [t["sent"] - t["arrived"] for t in (mine, its)]
            self._report.notes.append(
                f"{one} ↔ {other}: cash in transit {yuan(way[0])} and {yuan(way[1])}, sent less "
                f"come {yuan(owed[0])} and {yuan(owed[1])} 往来在途"
            )

    def _messages(self) -> None:
        """A ledger that has sent signed messages is kept elsewhere: what this one has of it, and
        its history is not at hand, a message before it says so, field by field."""
        said: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for position, event in sorted(self._events[self._ledger].items()):
            if event.name == "transfer.message_taken":
                message = json.loads(event.body["text"])
                there = said.setdefault(event.body["from_ledger"], [])
                there += [(each["operation"], each["asked"]) for each in message["said"]]
            elif event.name in _FROM_WORDS:
                operation, where = _FROM_WORDS[event.name]
                ledger = event.body[where]["ledger"]
                if ledger not in said or ledger in self._events:
                    continue
                self._report.count("transfer")
                if not any(
                    each == operation and all(event.body.get(k, "") == v for k, v in asked.items())
                    for each, asked in said[ledger]
                ):
                    self._wrong(position, f"no message of {ledger} says so 无签名消息")

    def _received(self, position: int, body: dict[str, Any]) -> None:
        issued = self._named(position, body["issued"], "transfer.issued")
        if issued is None:
            return
        said = {name: body["terms"].get(name, "") for name in _TERMS}
        due = {name: issued.get(name, "") for name in _TERMS}
        names = (issued["bgt_doc_no"], issued["transfer_no"], issued["rec_div_code"])
        mine = (body["sup_bgt_doc_no"], body["transfer_no"], self._ledger.partition("-")[0])
        if said != due or names != mine:
            self._wrong(position, f"{issued['transfer_no']} was sent otherwise 与下达不符")

    def _noted(self, position: int, body: dict[str, Any]) -> None:
        accepted = self._named(position, body["accepted"], "transfer.accepted")
        if accepted is None:
            return
        names = ("transfer_no", "rec_no", "amt")
        if accepted["from_ledger"] != self._ledger or any(
            accepted[name] != body[name] for name in names
        ):
            self._wrong(position, f"{body['transfer_no']} was accepted otherwise 与接收不符")

    def _agreed(self, position: int, body: dict[str, Any], where: str, name: str) -> None:
        """A reduction or return is of the same transfer and amount at both ends."""
        other = self._named(position, body[where], name)
        if other is None:
            return
        for element in ("transfer_no", "reduce_no", "return_no", "amt"):
            if other.get(element, "") != body.get(element, ""):
                self._wrong(position, f"{body['transfer_no']} is of another {element} 与对方不符")

    def _named(self, position: int, place: dict[str, Any], name: str) -> dict[str, Any] | None:
        """The event at a place of another history; None where that is not at hand."""
        if (events := self._events.get(place["ledger"])) is None:
            return None
        self._report.count("transfer")
        event = events.get(place["position"])
        if event is None or (event.name, event.digest.hex()) != (name, place["digest"]):
            what = f"{place['ledger']} has no such event at {place['position']} 无此事件"
            self._wrong(position, what)
            return None
        return event.body

    def _balance(self, sender: str, to: str) -> None:
        """Sent = accepted + in transit."""
        division, _, year = to.partition("-")
        if sender.partition("-")[2] != year:
            return
        sent: dict[str, int] = {}
        for name, sign in (("transfer.issued", 1), ("transfer.reduced", -1)):
            for body in self._told(sender, name):
                if body["rec_div_code"] == division:
                    document = body["bgt_doc_no"]
                    sent[document] = sent.get(document, 0) + sign * fen(body["amt"])
        accepted: dict[str, int] = {}
        of_accepted = ("transfer.accepted", 1), ("transfer.reduction_taken", -1)
        for name, sign in (*of_accepted, ("transfer.given_back", -1)):
            for body in self._told(to, name):
                if body["from_ledger"] == sender and body.get("was_accepted", True):
                    document = body["sup_bgt_doc_no"]
                    accepted[document] = accepted.get(document, 0) + sign * fen(body["amt"])
        for document, amount in accepted.items():
            if amount > sent.get(document, 0):
                what = (
                    f"{to} has accepted {yuan(amount)} by {document}, more than {sender} has sent"
                )
                self._wrong(None, f"{what} 接收大于下达")
        if sent:
            total, taken = sum(sent.values()), sum(accepted.values())
            self._report.notes.append(
                f"{sender} → {to}: sent {yuan(total)} = accepted {yuan(taken)} + in transit "
                f"{yuan(total - taken)} 下达=接收+在途"
            )

    def _told(self, ledger: str, name: str) -> Iterator[dict[str, Any]]:
        return (event.body for event in self._events[ledger].values() if event.name == name)

    def _wrong(self, position: int | None, what: str) -> None:
        self._report.wrong("transfer", position, what)


class Export:
    """A directory as docs/history-format.md describes it."""

    def __init__(self, folder: Path, asked: argparse.Namespace, report: Report) -> None:
        self._folder, self.asked, self._report = folder, asked, report
        self._manifest = folder.joinpath("export.json").read_bytes()
        self.about = json.loads(self._manifest)
        if self.about.get("format") != "guoku.export.1":
            raise Unreadable(f"export.json is of format {self.about.get('format')!r}")
        self.ledger = ledger_key(self.about["ledger"])
        self.first, self.last = self.about["from_position"], self.about["to_position"]
        self.whole = self.first == 1
        certificates = json.loads(folder.joinpath("certificates.json").read_bytes())
        self.certificates = read_certificates(certificates)
        self.scratch = _scratch()

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of a file, one a line."""
        with gzip.open(self._folder / name, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)

    def _corrections(self) -> Iterator[tuple[int, int]]:
        """Position and time of each correction of the clock; they are few, so that other lines are
        passed over unread."""
        with gzip.open(self._folder / "events.ndjson.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                if _CORRECTED in line and (row := json.loads(line))["type"] == _CORRECTED:
                    yield int(row["position"]), microseconds(row["recorded_at"])

    def verify(self) -> None:
        about, report = self.about, self._report
        self._show()
        self._files()
        keys = known_keys(about["log_keys"], self.asked.keys)
        self._signature(keys)
        checkpoints = Checkpoints(
            report,
            f"guoku/{about['ledger']}",
            keys,
            set(self.asked.keys),
            self.asked.witnesses,
        )
        if self.whole:
            for note in self._notes():
                checkpoints.add("tree", note)
            for note in self.asked.notes:
                checkpoints.add("kept", note)
        else:
            report.notes.append(
                f"the export begins at {self.first}: tree, floors, balances and payments need the "
                "history from 1 and were not checked 期间导出, 未核树与余额"
            )
        self._walk(checkpoints)

    def _notes(self) -> list[Note]:
        path = self._folder / "checkpoints.txt"
        notes = read_notes(path.read_text("utf-8")) if path.is_file() else []
        if not notes:
            self._report.notes.append(
                "the export has no checkpoint: it agrees with itself, and nothing shows that it is "
                "what was recorded then 无检查点, 不能证明未被整体改写"
            )
        return notes

    def _show(self) -> None:
        about = self.about
        print(f"账套 ledger {about['ledger']}, 序号 positions {self.first:,} to {self.last:,}")
        print(f"导出于 exported at {about['created_at']}\n")

    def _files(self) -> None:
        for entry in self.about["files"]:
            self._report.count("files")
            path = self._folder / entry["name"]
            if not path.resolve().is_relative_to(self._folder.resolve()):
                raise Unreadable(f"export.json names a file outside: {entry['name']!r}")
            if not path.is_file():
                self._report.wrong("files", None, f"{entry['name']} is missing 文件缺失")
            elif path.stat().st_size != entry["bytes"] or _file_sm3(path) != entry["sm3"]:
                self._report.wrong(
                    "files", None, f"{entry['name']} is not what was exported 文件被改"
                )

    def _signature(self, keys: dict[str, list[bytes]]) -> None:
        path = self._folder / "export.sig"
        if not path.is_file():
            self._report.wrong("export", None, "export.sig is missing 无签名")
            return
        self._report.count("export")
        name, _, value = path.read_text("utf-8").strip().partition(" ")
        certificate = self.certificates.get(name)
        known = keys.get(name) or ([certificate.key] if certificate else [])
        if not known:
            self._report.wrong("export", None, f"the key {name} is not known")
        elif not any(sm2_verifies(key, self._manifest, _unbase64(value)) for key in known):
            self._report.wrong(
                "export", None, f"the signature of {name} over export.json is not valid"
            )

    def _walk(self, checkpoints: Checkpoints) -> None:
        """Streams the events once; everything that is about events happens here."""
        report, scratch, about = self._report, self.scratch, self.about
        opening = bytes.fromhex(about["opening_chain"])
        genesis = sm3(b"guoku.chain.1\0" + self.ledger.to_bytes(8, signed=True))
        if self.whole and opening != genesis:
            report.wrong("chain", 1, "the opening chain is not that of an empty ledger")
        chain = Chain(report, opening, self.rows("commits.ndjson.gz"))
        tree, folds = Tree(), Folds(self, report, scratch)
        self.year_books, self.special_cash = folds.year_books, folds.special_cash
        self.debts = folds.debts
        folds.numbers.keep(self.rows("command_keys.ndjson.gz"))
        folds.signatures.times = times = Times(self._corrections())
        last, recorded_us = self.first - 1, 0
        for row in self.rows("events.ndjson.gz"):
            event = _event(row, report)
            if event is None:
                continue
            if event.position <= last:
                report.wrong("position", event.position, "it stands behind a later one 顺序颠倒")
                continue
            while last + 1 < event.position:
                last += 1
                report.wrong("position", last, "the event is missing 事件缺失")
                tree.append(b"")
                chain.take(last, b"", -1)
            last = event.position
            report.count("position")
            report.count("digest")
            if event_digest(self.ledger, event) != event.digest:
                report.wrong(
                    "digest", last, f"{event.type}: the row is not what was hashed 事件被改"
                )
            if event.recorded_us < recorded_us and event.name != _CORRECTED:
                report.wrong("position", last, "it was recorded before its predecessor 时间倒退")
            recorded_us = event.recorded_us
            tree.append(event.digest)
            if chain.take(last, event.digest, event.recorded_us) and self.whole:
                checkpoints.reached(tree, chain.chain, event.recorded_us)
            times.take(event)
            folds.take(event)
            _progress(last, self.last)
        if last < self.last:
            report.wrong("position", last + 1, f"events up to {self.last} are missing 尾部被截")
        head = about["head"]
        chain.conclude(last)
        if last == head["position"] and chain.chain.hex() != head["chain"]:
            report.wrong("chain", last, "the head's chain is not that of the last commit")
        if self.whole:
            checkpoints.conclude(last)
        folds.conclude(last)


# ---------------------------------------------------------------- reconciliation 对账


class Reconciliations:
    """What banks say they carried out against what the events have of it, compared once more."""

    def __init__(self, report: Report, scratch: sqlite3.Connection) -> None:
        self._report, self._scratch = report, scratch
        self._claims: dict[str, str] = {}  # the message of each claim that is open
        self._opened: dict[str, dict[str, Any]] = {}
        self._compared: list[tuple[int, dict[str, Any], list[dict[str, Any]]]] = []
        self._packages: set[bytes] = set()
        scratch.execute(
            "CREATE TABLE moved (position INTEGER, sender, kind, number, day, fen INTEGER)"
        )
        scratch.execute("CREATE TABLE said (sm3 BLOB, line INTEGER, number, fen INTEGER)")

    def take(self, event: Event, bank: str) -> None:
        """``bank`` is whose receipt this would be."""
        body, name = event.body, event.name
        if name == "voucher.receipted":
            told = body["pay_cert_no"], body["xpay_date"], body["xpay_amt"]
            kind = "5212" if event.body.get("pay_acct_no") else "5214"
            self._moved(event, f"bank/{bank}", kind, *told)
        elif name == "payment.refunded" and body.get("notice_no"):
            told = body["notice_no"], body["refund_date"], body["refund_amt"]
            self._moved(event, f"bank/{body['pay_bank_code']}", body["vt_code"], *told)
        elif name == "clearing.requested":
            self._claims |= {each["voucher_no"]: each["vt_code"] for each in body["claims"]}
        elif name == "clearing.claim_receipted":
            number = body["voucher_no"]
            told = number, body["xclear_date"], body["xpay_amt"]
            self._moved(event, "pboc/1", self._claims.pop(number, ""), *told)
        elif name in _ORDER_RECEIPTS:
            told = body["voucher_no"], body["xpay_date"], body["xpay_amt"]
            self._moved(event, "pboc/1", body["voucher_no"].partition(":")[0], *told)
        elif name in _ORDER_RETURNS:
            kind = "3210" if name == "income.refund_returned" else "3208"
            told = body["notice_no"], body["return_date"], body["amt"]
            self._moved(event, "pboc/1", kind, *told)
        elif name == "reconciliation.opened":
            self._opened[body["recon_no"]] = body
        elif name == "reconciliation.compared":
            self._compared.append((event.position, body, []))
            self._packages |= {bytes.fromhex(digest) for digest in body["packages"]}
        elif name == "reconciliation.differences":
            self._compared[-1][2].extend(body["differences"])

    def _moved(self, event: Event, sender: str, kind: str, number: str, day: str, amt: str) -> None:
        if amount_fen := fen(amt):
            self._scratch.execute(
                "INSERT INTO moved VALUES (?, ?, ?, ?, ?, ?)",
                (event.position, sender, kind, number, day, amount_fen),
            )

    def document(self, digest: bytes, document: bytes) -> None:
        """Keeps the lines of a package that was compared."""
        if digest in self._packages:
            with suppress(KeyError, ValueError, ElementTree.ParseError):  # told as evidence
                _, rows = read_form(document)
                lines = [(row["VoucherNo"], _moved_by(row)) for row in rows]
                self._scratch.executemany(
                    "INSERT INTO said VALUES (?, ?, ?, ?)",
                    ((digest, at, *line) for at, line in enumerate(lines, 1)),
                )

    def conclude(self) -> None:
        self._scratch.execute("CREATE INDEX moved_with ON moved (sender, kind, number)")
        for position, result, told in self._compared:
            opened = self._opened.get(result["recon_no"])
            if opened is None or not result["upto_position"] < position:
                self._report.wrong(
                    "reconciliation", position, "it is of none, or of what is to come"
                )
                continue
            self._report.count("reconciliation", opened["all_num"])
            found, matched, booked = self._again(opened, result)
            said = [_difference(each) for each in told]
            wrong = len({*found} ^ {*said})
            figures = result["matched_num"], result["booked_num"], fen(result["booked_amt"])
            if wrong or len(said) != len(found) or result["diff_num"] != len(found):
                first = min(({*found} ^ {*said}), default=("", "their number"))[1]
                what = f"{wrong} differences are on record or missing wrongly, the first of {first}"
                self._report.wrong("reconciliation", position, f"{what} 对账不符")
            elif figures != (matched, *booked):
                self._report.wrong("reconciliation", position, "it counts otherwise 对账不符")

    def _again(
        self, opened: dict[str, Any], result: dict[str, Any]
    ) -> tuple[list[tuple[str, ...]], int, tuple[int, int]]:
        """Differences, how many agree, and number and sum of what the books have of the days."""
        within: dict[str, int] = {}
        outside: dict[str, tuple[str, int]] = {}
        count = total = matched = 0
        for number, day, amount in self._scratch.execute(
            "SELECT number, day, fen FROM moved WHERE sender = ? AND position <= ?"
            " AND kind IN (SELECT value FROM json_each(?))",
            (
                opened["sender"],
                result["upto_position"],
                json.dumps(opened["e_voucher_type"].split(",")),
            ),
        ):
            if opened["begin_date"] <= day <= opened["end_date"]:
                within[number] = within.get(number, 0) + amount
                count, total = count + 1, total + amount
            else:
                first, sum_fen = outside.get(number, (day, 0))
                outside[number] = min(first, day), sum_fen + amount
        found: list[tuple[str, ...]] = []
        seen: set[str] = set()
        for pack, digest in enumerate(result["packages"], 1):
            for line, number, amount in self._scratch.execute(
                "SELECT line, number, fen FROM said WHERE sm3 = ? ORDER BY line",
                (bytes.fromhex(digest),),
            ):
                told, at = yuan(amount), f"{pack}/{line}"
                ours = yuan(within[number]) if number in within else ""
                if number in seen:
                    found.append(("doubled", number, told, ours, "", at))
                elif number in within and within[number] == amount:
                    matched += 1
                elif number in within:
                    found.append(("other_amount", number, told, ours, "", at))
                elif number in outside:
                    day, sum_fen = outside[number]
                    found.append(("other_day", number, told, yuan(sum_fen), day, at))
                elif amount:
                    found.append(("missing_here", number, told, "", "", at))
                seen.add(number)
        lost = [n for n in within if n not in seen]
        found += [("missing_there", number, "", yuan(within[number]), "", "") for number in lost]
        return found, matched, (count, total)


def _difference(told: dict[str, Any]) -> tuple[str, ...]:
    return (
        told["kind"],
        told["number"],
        *(told.get(name, "") for name in ("amt", "booked_amt", "booked_on", "place")),
    )


class Folds:
    """What is folded from the events, whole exports only; and the documents."""

    def __init__(self, export: Export, report: Report, scratch: sqlite3.Connection) -> None:
        self._export, self._report, self._scratch = export, report, scratch
        self.books, self.clearing, self.cash = Books(report), Clearing(report), Cash(report)
        self.special_cash, self.bank_claims = SpecialCash(report), BankClaims(report)
        self.tellings = Tellings(report)
        self.numbers = Numbers(report, scratch)
        self.payments = Payments(report, scratch)
        self.decisions = Decisions(report, export.about["ledger"], self.books, self.payments)
        self.by_hand, self.approvals = ByHand(report), Approvals(report)
        self.transfers = Transfers(report, export.about["ledger"])
        self.returns = Returns(report, export.about["ledger"])
        self.reconciliations = Reconciliations(report, scratch)
        self.booked, self.year_books = Booked(report), YearBooks(report)
        self.debts = Debts(report)
        self.signatures = Signatures(
            report, scratch, export.about["ledger"], export.certificates, export.asked.keys
        )
        scratch.execute("CREATE TABLE streams (stream BLOB, version INTEGER, position INTEGER)")

    def take(self, event: Event) -> None:
        self._scratch.execute(
            "INSERT INTO streams VALUES (?, ?, ?)", (event.stream, event.version, event.position)
        )
        try:
            bank = self.payments.bank_of(event)
            told = self.payments.told(event) or self.tellings.told(event)
            self.signatures.take(event, bank, told)
            self.numbers.take(event)
            if self._export.whole:
                self.books.take(event)
                self.clearing.take(event)
                self.cash.take(event)
                self.bank_claims.take(event)
                self.tellings.take(event)
                self.special_cash.take(event)
                self.debts.take(event)
                self.by_hand.take(event)
                self.booked.take(event)
                self.returns.take(event)
                self.year_books.take(event)
                self.decisions.take(event)
                self.payments.take(event)
                self.approvals.take(event)
                self.transfers.take(event)
                self.reconciliations.take(event, bank)
        except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
            self._report.wrong(
                "digest", event.position, f"{event.type}: its content cannot be read ({error!r})"
            )

    def conclude(self, last: int) -> None:
        self._versions()
        self.numbers.conclude(last)
        if self._export.whole:
            self.payments.conclude()
            self.clearing.conclude()
            self.tellings.conclude()
            self.cash.conclude()
            self.special_cash.conclude()
            self.debts.conclude()
            self.books.conclude()
            self.approvals.conclude()
            self.returns.conclude()
            for folder in self._export.asked.other:
                other = Export(folder, self._export.asked, self._report)
                self.transfers.take_other(other)
                self.returns.compare(other)
            self.transfers.conclude()
            self.booked.conclude()
            self.year_books.conclude()
            self.books.compare(self._export.rows("balances.ndjson.gz"), last)
        self.signatures.documents(self._documents())
        if self._export.whole:
            self.reconciliations.conclude()

    def _documents(self) -> Iterator[tuple[bytes, bytes]]:
        for row in self._export.rows("documents.ndjson.gz"):
            digest, document = bytes.fromhex(row["sm3"]), _unbase64(row["body"])
            self.reconciliations.document(digest, document)
            yield digest, document

    def _versions(self) -> None:
        ask = self._scratch.execute
        self._report.count(
            "version", ask("SELECT count(DISTINCT stream) FROM streams").fetchone()[0]
        )
        first_known = 1 if self._export.whole else 0
        for position, version, due in ask(
            "SELECT position, version, due FROM (SELECT position, version,"
            " coalesce(lag(version) OVER (PARTITION BY stream ORDER BY position) + 1,"
            " CASE WHEN ? THEN 1 ELSE version END) AS due FROM streams) WHERE version <> due"
            " ORDER BY position",
            (first_known,),
        ):
            self._report.wrong(
                "version", position, f"version {version} where {due} is due 版本不连续"
            )


def _event(row: dict[str, Any], report: Report) -> Event | None:
    try:
        return read_event(row)
    except (KeyError, ValueError, TypeError) as error:
        position = row.get("position") if isinstance(row, dict) else None
        report.wrong("digest", position, f"the row cannot be read: {error!r}")
        return None


def _file_sm3(path: Path) -> str:
    """SM3 of a file in pieces where OpenSSL has it; else of the whole."""
    if sm3 is sm3_in_python:
        return sm3(path.read_bytes()).hex()
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new("sm3")).hexdigest()


def _scratch() -> sqlite3.Connection:
    """A database in a temporary file, so that memory stays bounded whatever the ledger's size."""
    scratch = sqlite3.connect("")
    scratch.execute("PRAGMA temp_store = FILE")
    scratch.execute("PRAGMA journal_mode = OFF")
    scratch.execute("PRAGMA synchronous = OFF")
    return scratch


def _progress(done: int, aim: int) -> None:
    if done % 10_000 == 0 and sys.stderr.isatty():
        print(f"\r{done:,} / {aim:,} ", end="", file=sys.stderr, flush=True)


# ---------------------------------------------------------------- evidence for one payment 支付证据


def verify_evidence(evidence: dict[str, Any], asked: argparse.Namespace, report: Report) -> None:
    ledger = ledger_key(evidence["ledger"])
    print(f"账套 ledger {evidence['ledger']}, 支付申请 payment {evidence['pay_app_no']}\n")
    note = read_note(evidence["checkpoint"])
    keys = known_keys(evidence["log_keys"], asked.keys)
    checkpoints = Checkpoints(
        report, f"guoku/{evidence['ledger']}", keys, set(asked.keys), asked.witnesses
    )
    checkpoints.add("tree", note)
    scratch = _scratch()
    entries, payments = Entries(report), Payments(report, scratch)
    certificates = read_certificates(evidence["certificates"])
    signatures = Signatures(report, scratch, evidence["ledger"], certificates, asked.keys)
    versions: dict[bytes, int] = {}
    own: Event | None = None
    for row in evidence["events"]:
        event = read_event(row)
        report.count("digest")
        report.count("inclusion")
        if event_digest(ledger, event) != event.digest:
            report.wrong(
                "digest", event.position, f"{event.type}: it is not what was hashed 事件被改"
            )
        path = [_unbase64(part) for part in row["inclusion"]]
        if not included(leaf_hash(event.digest), event.position - 1, note.size, path, note.root):
            report.wrong(
                "inclusion", event.position, "it is not in the history of the checkpoint 不在账中"
            )
        due = versions.get(event.stream, 0) + 1
        report.count("version", due == 1)
        if event.version != due:
            report.wrong("version", event.position, f"version {event.version} where {due} is due")
        versions[event.stream] = event.version
        if event.name == "payment.applied" and event.body["pay_app_no"] == evidence["pay_app_no"]:
            own = event
        signatures.times.take(event)
        signatures.take(event, payments.bank_of(event), payments.told(event))
        payments.take(event)
        entries.take(event)
    if own is None:
        raise Unreadable(f"the evidence has no application {evidence['pay_app_no']!r}")
    payments.conclude()
    signatures.documents(
        (bytes.fromhex(row["sm3"]), _unbase64(row["body"])) for row in evidence["documents"]
    )
    for kept in asked.notes:
        if kept.size != note.size:
            report.notes.append(
                f"your checkpoint of {kept.size} cannot be compared with {note.size} without a "
                "consistency proof 缺一致性证明"
            )
            continue
        report.count("kept")
        if kept.root != note.root:
            report.wrong("kept", kept.size, "your checkpoint has another root 与自存检查点不符")


# ---------------------------------------------------------------- the command


def _named_key(text: str) -> tuple[str, bytes]:
    name, _, value = text.partition("=")
    key = bytes.fromhex(value)
    key = key[1:] if len(key) == 65 and key[0] == 4 else key
    if not name or len(key) != 64:
        raise argparse.ArgumentTypeError("a key is NAME=HEX with 128 hexadecimal digits")
    return name, key


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--key", type=_named_key, action="append", default=[])
    parser.add_argument("--witness", type=_named_key, action="append", default=[])
    parser.add_argument("--checkpoint", type=Path, action="append", default=[])
    parser.add_argument("--other", type=Path, action="append", default=[])
    parser.add_argument("--before", type=Path)
    asked = parser.parse_args(arguments)
    asked.keys, asked.witnesses = dict(asked.key), dict(asked.witness)
    return asked


def _verify_exports(asked: argparse.Namespace, report: Report) -> None:
    """An export; and where that of the year before is given, this one first, and both together."""
    if asked.before is None:
        Export(asked.path, asked, report).verify()
        return
    former = Report()
    alone = argparse.Namespace(**{**vars(asked), "other": []})
    before = Export(asked.before, alone, former)
    before.verify()
    former.show()
    print()
    export = Export(asked.path, asked, report)
    export.verify()
    if not (before.whole and export.whole):
        raise Unreadable("both years have to be exported from their first event")
    division, _, year = before.about["ledger"].partition("-")
    if f"{division}-{int(year) + 1}" != export.about["ledger"]:
        raise Unreadable(f"{before.about['ledger']} is not the year before")
    export.year_books.opened_from(before.year_books, before.special_cash, before.about["ledger"])
    export.debts.opened_from(before.debts, before.about["ledger"])
    if former.findings():
        report.wrong(
            "books", None, f"the export of {before.about['ledger']} does not hold 上年不符"
        )


def main(arguments: list[str] | None = None) -> int:
    asked = _asked(arguments)
    report = Report()
    print("国库离线核验 guoku offline verifier")
    try:
        asked.notes = [n for p in asked.checkpoint for n in read_notes(p.read_text("utf-8"))]
        if asked.path.is_dir():
            _verify_exports(asked, report)
        else:
            evidence = json.loads(asked.path.read_bytes())
            if evidence.get("format") != "guoku.evidence.1":
                raise Unreadable(f"the file is of format {evidence.get('format')!r}")
            verify_evidence(evidence, asked, report)
    except (Unreadable, OSError, EOFError, zlib.error) as error:
        print(f"无法读取 cannot be read: {error}", file=sys.stderr)
        return 2
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        print(f"格式不符 not of the format: {error!r}", file=sys.stderr)
        return 2
    return report.show()


if __name__ == "__main__":
    sys.exit(main())
