"""What of payments and clearings is open while a history is read: it is bounded by what waits."""

import msgspec

from payments.delivery.outbox import ParcelKind


class UnderWay(msgspec.Struct, gc=False):
    """A payment between its application and its outcome; ``lines`` are fen by detail id."""

    maker: str
    lines: dict[str, int]
    voucher: str = ""
    bank: str = ""
    roles: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    voucher_sm3: str = ""
    number: str = ""
    applied_at: int = 0
    approved_at: int = 0
    due_at: int = 0  # the position of its last signature
    sent_at: int = 0
    refused_at: int = 0

    @property
    def signed(self) -> bool:
        return bool(self.roles) and len(self.signers) == len(self.roles)


class OpenClaim(msgspec.Struct, gc=False):
    """A claim on the central bank that has no answer yet."""

    claimed_fen: int
    due_at: int = 0
    vt_code: str = ""


class OpenRequests(msgspec.Struct, gc=False):
    """OpenRequests to banks that have no answer yet: by kind and number, where they stand."""

    open: dict[ParcelKind, dict[str, int]] = {}

    def ask(self, kind: ParcelKind, number: str, position: int) -> None:
        self.open.setdefault(kind, {})[number] = position

    def has(self, kind: ParcelKind, number: str) -> bool:
        return number in self.open.get(kind, ())

    def end(self, kind: ParcelKind, number: str) -> int:
        """Where it stood; 0 where it was not open."""
        return self.open.get(kind, {}).pop(number, 0)
