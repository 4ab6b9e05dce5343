"""查询: what a bank was found to know after a loss of history, put on the ledger's record."""

from typing import ClassVar

from ledger.deciding.command import Command
from ledger.deciding.state import Decision, LedgerState
from ledger.money import parse_yuan
from payments.found_events import VoucherFoundAtBank


class RecordFoundAtBank(Command, frozen=True, kw_only=True):
    """A voucher that the bank knows, found by the inquiry of the loss ``epoch_name``; ``place``
    tells the banks apart where several know it."""

    OPERATION: ClassVar[str] = "voucher.found_at_bank"
    voucher_no: str
    pay_app_no: str = ""
    paid_amt: str
    bank: str
    in_books: bool
    epoch_name: str
    place: int = 1

    @property
    def number(self) -> str:
        return _number(self)

    @classmethod
    def number_in(cls, event: VoucherFoundAtBank) -> str:
        return _number(event)

    def check(self) -> None:
        parse_yuan(self.paid_amt, pointer="/paid_amt", zero=True)

    def decide(self, state: LedgerState, by: str) -> Decision:
        found = VoucherFoundAtBank(
            voucher_no=self.voucher_no,
            pay_app_no=self.pay_app_no,
            paid_amt=self.paid_amt,
            bank=self.bank,
            in_books=self.in_books,
            epoch_name=self.epoch_name,
            place=self.place,
            by=by,
        )
        return Decision(events=[(None, "", found)], effective_on=state.today)


def _number(said: RecordFoundAtBank | VoucherFoundAtBank) -> str:
    number = f"{said.epoch_name}/{said.voucher_no}"
    return number if said.place == 1 else f"{number}/{said.place}"
