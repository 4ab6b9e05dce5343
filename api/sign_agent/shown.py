"""What is to be signed, read and told in plain words. Pure.

What a document is follows from how it begins, and no two kinds begin alike, so that what was agreed
to as the one can never be used as the other. What cannot be read is not signed.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from ledger.errors import GuokuError, RequestError
from ledger.gm import sm3
from ledger.integrity.merkle import Tree
from ledger.money import FEN_PER_YUAN
from payments.manifest import leaf_of, read_text
from payments.messages.reader import malformed
from payments.messages.voucher_5214 import Voucher5214, parse
from payments.messages.vt_codes import VOUCHER_CODES

__all__ = ["ShownDocument", "in_words", "shown"]

LOGIN_BEGINS, MANIFEST_BEGINS, ACT_BEGINS = b"guoku-session-1.", b"guoku/manifest", b"guoku/act/1\n"
PAYEES_SHOWN_MAX = 20
_LOGIN_BYTES_MAX = 200
_ACT_FIELDS = ("账套 ledger", "事项 act", "编号 number", "人员 person")


class ShownDocument(NamedTuple):
    """One thing to sign.

    Attributes:
        kind: ``voucher``, ``manifest``, ``act`` or ``login``.
        vouchers: that are paid by it; those of a manifest are all under it.
        said: what else it says, a line each.
    """

    kind: str
    content: bytes
    vouchers: tuple[Voucher5214, ...] = ()
    said: tuple[str, ...] = ()


def shown(content: bytes, under: Sequence[bytes] = ()) -> ShownDocument:
    """Reads what is to be signed.

    Args:
        under: the vouchers of a manifest, in its order.

    Raises:
        RequestError: ``malformed``: it is nothing that is signed here, or the manifest is not over
            just these vouchers.
    """
    if content.startswith(MANIFEST_BEGINS):
        return _manifest(content, under)
    if under:
        raise malformed("only a manifest has vouchers under it")
    if content.startswith(LOGIN_BEGINS):
        return _login(content)
    if content.startswith(ACT_BEGINS):
        return _act(content)
    return ShownDocument("voucher", content, (_voucher(content),))


def _voucher(content: bytes) -> Voucher5214:
    for code in VOUCHER_CODES:
        try:
            return parse(content, vt_code=code)
        except RequestError as error:
            if error.extra.get("pointer") != "/VtCode":
                raise
    raise malformed("it is no voucher, manifest, act or login")


def _manifest(content: bytes, under: Sequence[bytes]) -> ShownDocument:
    try:
        manifest = read_text(content.decode("ascii"))
    except (GuokuError, UnicodeDecodeError):
        raise malformed("it is no manifest") from None
    tree = Tree([leaf_of(sm3(each)) for each in under])
    if (manifest.version, manifest.leaf_count) != (2, len(tree)) or manifest.root != tree.root:
        raise malformed("the manifest is not over these vouchers")
    vouchers = tuple(_voucher(each) for each in under)
    said = (f"账套 ledger: {manifest.owner}", f"签章角色 role: {manifest.role}")
    return ShownDocument("manifest", content, vouchers, said)


def _login(content: bytes) -> ShownDocument:
    if len(content) > _LOGIN_BYTES_MAX or not all(0x21 <= byte < 0x7F for byte in content):
        raise malformed("it is no nonce of a login")
    return ShownDocument("login", content)


def _act(content: bytes) -> ShownDocument:
    """Five lines behind the heading: four names, and the figures as one JSON object."""
    try:
        _, *named, figures, end = content.decode().split("\n")
        told = json.loads(figures)
    except ValueError:
        raise malformed("it is no act") from None
    if len(named) != len(_ACT_FIELDS) or end or not isinstance(told, dict):
        raise malformed("it is no act")
    lines = [f"{label}: {text}" for label, text in zip(_ACT_FIELDS, named, strict=True)]
    lines += [f"{name}: {_plain(value)}" for name, value in told.items()]
    return ShownDocument("act", content, said=tuple(lines))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# ---- in words


_TITLES = {
    "voucher": "支付凭证 payment vouchers",
    "manifest": "签章清单 one signature over many vouchers",
    "act": "办理事项 acts",
    "login": "登录 log in",
}


def in_words(documents: Sequence[ShownDocument], asked_by: str) -> list[str]:
    """What is to be signed, a line each: how many, how much, to whom.

    Args:
        asked_by: the page, or the program, that asks.
    """
    lines = [f"请求方 asked by: {asked_by}"]
    for kind in dict.fromkeys(document.kind for document in documents):
        of_kind = [document for document in documents if document.kind == kind]
        lines.append(f"{_TITLES[kind]} · {len(of_kind)}")
        lines += [f"  {line}" for document in of_kind for line in document.said]
    vouchers = [voucher for document in documents for voucher in document.vouchers]
    if vouchers:
        lines += _payments(vouchers)
    return [_printable(line) for line in lines]


def _payments(vouchers: Sequence[Voucher5214]) -> list[str]:
    payees = sum(len(voucher.details) for voucher in vouchers)
    total = _yuan(sum(voucher.pay_amt for voucher in vouchers))
    lines = [f"  凭证 vouchers: {len(vouchers)} · 收款人 payees: {payees} · 合计 total: {total} 元"]
    lines += [_payment(voucher) for voucher in vouchers[:PAYEES_SHOWN_MAX]]
    if len(vouchers) > PAYEES_SHOWN_MAX:
        lines.append(f"  … 其余 {len(vouchers) - PAYEES_SHOWN_MAX} 张 more")
    return lines


def _payment(voucher: Voucher5214) -> str:
    if len(voucher.details) == 1:
        line = voucher.details[0]
        name = voucher.payee_acct_name or line.payee_acct_name
        account = voucher.payee_acct_no or line.payee_acct_no
        payee = f"{name} {account}"
    else:
        payee = f"{len(voucher.details)} 个收款人 payees"
    unit = voucher.agency_name or voucher.agency_code
    return (
        f"  {voucher.voucher_no} {_yuan(voucher.pay_amt)} 元 → {payee}"
        f" ({voucher.st_year}, {unit}: {voucher.pay_summary_name})"
    )


def _yuan(amount_fen: int) -> str:
    return f"{amount_fen // FEN_PER_YUAN:,}.{amount_fen % FEN_PER_YUAN:02d}"


def _printable(text: str) -> str:
    """Without what moves a cursor or turns the direction of writing: a name is not to paint."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)
