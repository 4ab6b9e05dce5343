"""凭证号索引: which event issued a voucher, as the table has it, against the events themselves."""

from collections.abc import Iterable

from ledger.events import type_names
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join
from payments.events import PaymentApproved

_READ_UPTO = "SELECT position FROM issued_positions WHERE ledger_id = %s"
_ROWS = "SELECT count(*) FROM issued_vouchers WHERE ledger_id = %s"
_WRONG = """
SELECT v.pay_cert_no, v.position FROM issued_vouchers v LEFT JOIN events e
ON e.ledger_id = v.ledger_id AND e.position = v.position AND e.type = ANY(%s)
WHERE v.ledger_id = %s AND position(
    convert_to('"pay_cert_no":"' || v.pay_cert_no || '"', 'UTF8') IN coalesce(e.payload, '')) = 0
ORDER BY v.position"""


@join
class IssuedCheck(EventCheck):
    """Every voucher issued up to where the table was read has its row, and no other has."""

    NAME = name_check(
        "issued", "凭证号索引 which event issued a voucher", "vouchers",
        "issued_vouchers", "issued_positions",
    )  # fmt: skip

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        row = context.asking.execute(_READ_UPTO, (context.place.ledger_id,)).fetchone()
        self._upto = row[0] if row else 0
        self._issued = 0

    def follows(self) -> Iterable[str]:
        return type_names(PaymentApproved)

    def take(self, row: FollowedEvent) -> None:
        self._issued += row.position <= self._upto

    def conclude(self) -> None:
        asking, ledger_id = self.context.asking, self.context.place.ledger_id
        asked = (list(type_names(PaymentApproved)), ledger_id)
        for number, position in asking.execute(_WRONG, asked):
            detail = f"no event there has issued the voucher {number!r} 凭证号索引有误"
            self.findings.add(self.NAME, position, detail)
        row = asking.execute(_ROWS, (ledger_id,)).fetchone()
        stored = row[0] if row else 0
        self.findings.count(self.NAME, stored)
        if stored != self._issued and not self.context.memory:
            detail = f"{self._issued} vouchers were issued up to {self._upto}, {stored} are in the"
            self.findings.add(self.NAME, 0, f"{detail} table 凭证号索引不符")
        if self._upto > self.context.place.position:
            detail = f"vouchers are said to be read up to {self._upto} 读数有误"
            self.findings.add(self.NAME, self.context.place.position + 1, detail)
