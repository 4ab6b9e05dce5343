"""以前年度退回入账: what comes back this year of what the year before has paid. Pure decisions.

The program brings what that year's ledger has said, which the command holds whole with the bank's
notice: it is decided, and decided again, from this ledger's own record. Each return has its number
and is booked once, on the bank's day. What of it an indicator had borne that was carried over comes
back to it, 结转; the rest goes back to the treasury, 收回. What a special account 财政专户 has paid
lies there again.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from budget.balances import BALANCES
from budget.indicator import INDICATOR, Indicator, moved
from budget.year_end.receiving import next_number
from budget.year_end_events import IndicatorCarriedIn, carried_mark
from ledger.account_set import fiscal_year_of, parse_ledger, require_year_before
from ledger.calendar import evidence_day
from ledger.deciding.command import Command, Need, Told, fields_in
from ledger.deciding.objects import AnyKind, Kind
from ledger.deciding.registers import WHOLE, AnyRegister, MovedRow
from ledger.deciding.state import Decision, LedgerState
from ledger.elements.register import DIMENSIONS
from ledger.events import Event
from ledger.money import stored_fen
from payments.clearing.uncleared import UNCLEARED
from payments.clearing.uncleared_key import Claimable, uncleared_key
from payments.events import ReturnedLine
from payments.messages.vt_codes import REFUND_CLAIM
from payments.return_events import (
    PriorReturnBooked,
    PriorReturnCarried,
    PriorReturnTakenBack,
    ReturnedShare,
)
from payments.special_accounts.cash import (
    SPECIAL_CASH,
    account_key,
    moved_special,
    special_rule,
    with_special,
)


class PriorReturn(msgspec.Struct, frozen=True):
    """A return of the year before as it was booked; ``settled`` is what became of its shares."""

    booked: PriorReturnBooked
    settled: tuple[PriorReturnCarried | PriorReturnTakenBack, ...] = ()


def _fold(obj: PriorReturn | None, event: Event) -> PriorReturn | None:
    if isinstance(event, PriorReturnBooked):
        return PriorReturn(event)
    if isinstance(event, PriorReturnCarried | PriorReturnTakenBack) and obj is not None:
        return msgspec.structs.replace(obj, settled=(*obj.settled, event))
    return obj


def _rows_of(obj: PriorReturn) -> Iterable[tuple[AnyRegister, str]]:
    for each in obj.settled:
        if isinstance(each, PriorReturnCarried):
            yield BALANCES, each.bgt_id


PRIOR_RETURN: Kind[PriorReturn] = Kind(
    name="prior_return", opened_by="prior_return.book", fold=_fold, rows=_rows_of
)


class HandedReturn(msgspec.Struct, frozen=True, kw_only=True):
    """What the year that has paid says came back, as its ``payment.returned`` has it."""

    pay_app_no: str
    refund_no: str
    refund_amt: str
    pay_detail_id: str
    refund_date: str
    reason: str
    pay_cert_no: str
    suspense_no: str
    vt_code: str
    notice_no: str
    pay_bank_code: str
    agent_business_no: str
    returned: tuple[ReturnedLine, ...]
    notice_sm3: str
    cert_serial: str
    signature: str
    shares: tuple[ReturnedShare, ...]
    pay_acct_no: str = ""

    @property
    def account(self) -> str:
        """The row of the account that has paid, and has it back; "" where none does. All that bear
        it are of one unit and one fund."""
        bore = self.shares[0]
        return account_key(self.pay_acct_no, bore.fund_type_code, bore.agency_code)


def handed_return(event: Any) -> HandedReturn:
    """What is handed on of a ``payment.returned``, or was, of a ``prior_return.booked``."""
    return HandedReturn(**{name: getattr(event, name) for name in HandedReturn.__struct_fields__})


_SAID = ("return_no", "from_ledger", "from_position", "from_chain")


class BookReturn(Command, frozen=True, kw_only=True):
    """以前年度退回入账; ``from_position`` is where ``from_ledger`` says what is handed on.

    ``document`` is the bank's notice, as it is stored.
    """

    OPERATION: ClassVar[str] = "prior_return.book"
    NUMBER: ClassVar[str] = "return_no"
    KIND: ClassVar[AnyKind] = PRIOR_RETURN
    KEEPS_REFUSAL: ClassVar[bool] = False
    return_no: str
    from_ledger: str
    from_position: int
    from_chain: str
    handed: HandedReturn
    document: bytes

    @classmethod
    def asked_in(cls, told: Told) -> Iterable[Command]:
        handed = handed_return(told.event)
        return (cls(**fields_in(cls, told.event, handed=handed, document=b"")),)

    @property
    def body(self) -> object:
        """What is handed on stands in the event; the chain there stands for it."""
        return {name: getattr(self, name) for name in _SAID}

    @classmethod
    def bodies_in(cls, event: PriorReturnBooked, day: date) -> Iterable[object]:
        return ({name: getattr(event, name) for name in _SAID},)

    @property
    def _paid_year(self) -> int:
        return fiscal_year_of(parse_ledger(self.from_ledger))

    def _carried_no(self, share: ReturnedShare) -> str:
        """The indicator of this year that goes on with one, if any does."""
        return next_number(share.bgt_id, self._paid_year)

    def needs(self) -> Iterable[Need]:
        carried = ((INDICATOR, self._carried_no(share)) for share in self.handed.shares)
        key = self.handed.account if self.handed.pay_acct_no else ""
        special: tuple[Need, ...] = ((SPECIAL_CASH, key),) if key else ()
        return (PRIOR_RETURN, self.return_no), *carried, (UNCLEARED, WHOLE), *special

    def decide(self, state: LedgerState, by: str) -> Decision:
        require_year_before(state.ledger_id, self.from_ledger)
        said = date.fromisoformat(self.handed.refund_date)
        day = evidence_day(state, said, since=date(state.fiscal_year, 1, 1))
        # point of no return: the money has moved, nothing below refuses
        head = PriorReturnBooked(
            **{name: getattr(self, name) for name in _SAID},
            **msgspec.structs.asdict(self.handed),
            booked_on="" if day == said else day.isoformat(),
            by=by,
        )
        events: list[tuple[AnyKind | None, str, Event]] = [(PRIOR_RETURN, self.return_no, head)]
        rows: list[MovedRow] = []
        owed_fen: dict[str, int] = {}
        acct_no = self.handed.pay_acct_no
        for share in self.handed.shares:
            told, codes, row = self._settled(state, share, day, by)
            events += self._with_entry(state, day, told, codes, ahead=len(events))
            rows += row
            if acct_no:  # nothing of it is claimed
                continue
            of, year = Claimable(codes), self._paid_year
            key = uncleared_key(told.pay_bank_code, day, REFUND_CLAIM, of, paid_year=year)
            owed_fen[key] = owed_fen.get(key, 0) + stored_fen(share.amt)
        rows += [state.moved(UNCLEARED, key, day, {"amount": n}) for key, n in owed_fen.items()]
        back_fen = stored_fen(self.handed.refund_amt)
        key = self.handed.account if acct_no else ""
        cash = moved_special(state, day, key, amount_fen=back_fen)
        documents = [(bytes.fromhex(self.handed.notice_sm3), self.document)]
        decision = Decision(events=events, effective_on=day, moved=rows, shared_documents=documents)
        return with_special(decision, cash)

    def _settled(
        self, state: LedgerState, share: ReturnedShare, day: date, by: str
    ) -> tuple[PriorReturnCarried | PriorReturnTakenBack, dict[str, str], Sequence[MovedRow]]:
        """What becomes of a share, the elements by which it is booked, and the row it moves: those
        of the indicator that goes on with it, which may be others than last year's."""
        carried = self._carried(state, share)
        codes = {name: getattr(share, name) for name in DIMENSIONS}
        codes = codes if carried is None else carried.codes
        said: dict[str, Any] = {
            "return_no": self.return_no,
            "ori_bgt_id": share.bgt_id,
            "pay_app_no": self.handed.pay_app_no,
            "pay_cert_no": self.handed.pay_cert_no,
            "amt": share.amt,
            "paid_year": self._paid_year,
            "pay_bank_code": self.handed.pay_bank_code,
            "pay_acct_no": self.handed.pay_acct_no,
            "by": by,
            **codes,
        }
        posted = {
            **codes,
            "agency_type_code": share.agency_type_code,
            "current_item_code": share.current_item_code,
            **carried_mark(carried is not None),
        }
        if carried is None:
            return PriorReturnTakenBack(**said), posted, ()
        amounts = {"returned": stored_fen(share.amt)}
        row = moved(state, day, carried.bgt_id, PriorReturnCarried.TYPE, amounts)
        restored = PriorReturnCarried(bgt_id=carried.bgt_id, figures=row.row.figures(), **said)
        return restored, posted, (row,)

    def _carried(self, state: LedgerState, share: ReturnedShare) -> Indicator | None:
        """The indicator that the year before has handed on of what had borne it, and that can be
        paid from; None where nothing of it goes on."""
        found = state.get(INDICATOR, self._carried_no(share))
        if found is None or found.is_pending or not isinstance(found.issued, IndicatorCarriedIn):
            return None
        origin = found.issued.from_ledger, found.issued.ori_bgt_id
        return found if origin == (self.from_ledger, share.bgt_id) else None

    def _with_entry(
        self,
        state: LedgerState,
        day: date,
        told: PriorReturnCarried | PriorReturnTakenBack,
        codes: dict[str, str],
        *,
        ahead: int,
    ) -> Iterable[tuple[AnyKind | None, str, Event]]:
        bgt_id = told.bgt_id if isinstance(told, PriorReturnCarried) else ""
        entry = state.books(day).post(
            told.TYPE,
            source=state.next_position + ahead,
            number=self.return_no,
            amounts_fen={"returned": stored_fen(told.amt)},
            codes=codes,
            bgt_id=bgt_id,
            rule_name=special_rule(told.TYPE, told.pay_acct_no),
        )
        if not bgt_id:  # no indicator tells what its lines are of
            of_lines = {name: codes[name] for name in DIMENSIONS}
            entry = msgspec.structs.replace(entry, line_codes=(of_lines,) * len(entry.lines))
        yield PRIOR_RETURN, self.return_no, told
        yield PRIOR_RETURN, self.return_no, entry
