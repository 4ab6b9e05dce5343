"""Which account gets how much, as one digest, whatever else a list says and in whatever order."""

from struct import Struct

from ledger.gm import sm3

_FEN = Struct(">q")
_COUNT = Struct(">q")
_HEAD = b"guoku.payees.1\x00"
_SUM_BYTES = 32


def one_spelling(account: str) -> str:
    """An account as all its spellings are compared: banks know no dashes and no small letters."""
    return account.replace("-", "").upper()


class PayeesDigest:
    """SM3 over which account gets how much, whatever the order of the lines and what else they say:
    over the sum, modulo 2^256, of the SM3s of ``account | 00 | amount in fen i64``."""

    def __init__(self) -> None:
        self._sum = 0
        self._count = 0

    def take(self, account: str, pay_fen: int) -> None:
        line = one_spelling(account).encode() + b"\0" + _FEN.pack(pay_fen)
        self._sum += int.from_bytes(sm3(line), "big")
        self._count += 1

    def hex(self) -> str:
        total = (self._sum % (1 << 8 * _SUM_BYTES)).to_bytes(_SUM_BYTES, "big")
        return sm3(_HEAD + _COUNT.pack(self._count) + total).hex()
