"""上下级结算: what two tiers owe each other becomes 补助, or 上解 is owed. Pure decisions.

The upper tier settles, at most what its transfers have given of that fund and mark; the program
brings it to the tier below, whose ledger books the other side of it by the sender's event, once.
So both books have it, 财务会计 and 预算会计, and what is owed between them is the same at both ends
but for what is on its way.
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from budget.transfer_events import EventPlace
from ledger.account_set import division_of, fiscal_year_of, ledger_text, parse_ledger
from ledger.calendar import PERIODS, clearing_day, first_open_day
from ledger.deciding.command import Command, Need
from ledger.deciding.objects import AnyKind
from ledger.deciding.registers import WHOLE
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, Refusal, RequestError
from ledger.events import Event, JournalPosted
from ledger.money import parse_yuan, stored_fen
from payments.orders.ordering import kept_by, require_fund
from transfers.arriving import ledger_of_tier
from transfers.dispatching import kept_codes, require_tier
from transfers.tier_events import FundsSettled, SettlementNoted, SettlementTaken
from transfers.tier_funds import (
    FUND_SETTLEMENT,
    REMITTANCE,
    SUBSIDY,
    TAKEN_SETTLEMENT,
    TIER_FUNDS,
    FundSettlement,
    taken_number,
    tier_key,
)
from transfers.tiers import is_below
from transfers.transferred import require_transferred

SETTLE_KINDS = (SUBSIDY, REMITTANCE)
_FIELD = {SUBSIDY: "subsidies", REMITTANCE: "remittances"}
_AMOUNT = {SUBSIDY: "subsidy", REMITTANCE: "remitted"}


class SettleFunds(Command, frozen=True, kw_only=True):
    """结算: ``amt`` of what is owed between this tier and ``rec_div_code`` below is 补助, or, as
    ``settle_kind`` ``remittance``, is owed by it as 上解."""

    OPERATION: ClassVar[str] = "transfer.settle"
    APPROVABLE: ClassVar[bool] = True
    CHANNEL: ClassVar[str] = "上下级结算"
    NUMBER: ClassVar[str] = "settle_no"
    KIND: ClassVar[AnyKind] = FUND_SETTLEMENT
    KEEPS_REFUSAL: ClassVar[bool] = False
    settle_no: str
    rec_div_code: str
    amt: str
    fund_type_code: str
    settle_kind: str = SUBSIDY
    is_dir_code: str = ""
    reason: str = ""
    effective_on: date | None = None

    def check(self) -> None:
        """Raises RequestError ``malformed``, ``invalid_amount``."""
        parse_yuan(self.amt, pointer="/amt")
        if self.settle_kind not in SETTLE_KINDS:
            raise RequestError(
                Code.MALFORMED,
                f"settle_kind is one of {', '.join(SETTLE_KINDS)}",
                pointer="/settle_kind",
            )

    def needs(self) -> Iterable[Need]:
        return (FUND_SETTLEMENT, self.settle_no), (TIER_FUNDS, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        # in 整理期 the year is settled on its last day
        day = clearing_day(state, self.effective_on or state.today)
        require_tier(state, self.rec_div_code, day)
        require_fund(state, self.fund_type_code, day)
        if not is_below(division_of(state.ledger_id), self.rec_div_code):
            raise Refusal(
                Code.ELEMENT_INVALID,
                f"{self.rec_div_code} is above, and settles itself 由上级结算",
                pointer="/rec_div_code",
            )
        amt_fen = parse_yuan(self.amt, pointer="/amt")
        key = tier_key(self.rec_div_code, self.fund_type_code, self.is_dir_code)
        if self.settle_kind == SUBSIDY:
            settled_fen = state.row(TIER_FUNDS, key).subsidies
            require_transferred(state, key, amt_fen, taken_fen=settled_fen)
        elif self.is_dir_code:
            raise Refusal(
                Code.ELEMENT_MISMATCH,
                "上解 is of no direct funds 直达资金不得混同",
                pointer="/is_dir_code",
            )
        changes = {_FIELD[self.settle_kind]: amt_fen, "unsettled": amt_fen}
        after = state.moved(TIER_FUNDS, key, day, changes)
        # point of no return
        settled = FundsSettled(
            settle_no=self.settle_no,
            settle_kind=self.settle_kind,
            rec_div_code=self.rec_div_code,
            fund_type_code=self.fund_type_code,
            is_dir_code=self.is_dir_code,
            amt=self.amt,
            reason=self.reason,
            by=by,
        )
        entry = _entry(state, day, settled, self.rec_div_code)
        stream = (FUND_SETTLEMENT, self.settle_no)
        return Decision(
            events=[(*stream, settled), (*stream, entry)], effective_on=day, moved=[after]
        )


def _entry(
    state: LedgerState, day: date, event: FundsSettled | SettlementTaken, other: str
) -> JournalPosted:
    """What a settlement books at either end, kept by the other tier and the fund."""
    amounts = dict.fromkeys(_AMOUNT.values(), 0)
    amounts[_AMOUNT[event.settle_kind]] = stored_fen(event.amt)
    entry = state.books(day).post(
        event.TYPE,
        source=state.next_position,
        number=event.settle_no,
        amounts_fen=amounts,
        codes={"fund_type_code": event.fund_type_code},
    )
    return kept_by(entry, kept_codes(other, event.fund_type_code))


class TakeSettlement(Command, frozen=True, kw_only=True):
    """上级结算登记: what the event at ``settled`` has settled is booked here, too."""

    OPERATION: ClassVar[str] = "transfer.take_settlement"
    KIND: ClassVar[AnyKind] = TAKEN_SETTLEMENT
    KEEPS_REFUSAL: ClassVar[bool] = False  # it is brought until it is entered
    settle_no: str
    settle_kind: str
    fund_type_code: str
    is_dir_code: str
    amt: str
    settled: EventPlace

    @property
    def number(self) -> str:
        return taken_number(self.settled.ledger, self.settle_no)

    @classmethod
    def number_in(cls, event: SettlementTaken) -> str:
        return taken_number(event.from_ledger, event.settle_no)

    def needs(self) -> Iterable[Need]:
        return (TAKEN_SETTLEMENT, self.number), (TIER_FUNDS, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        if state.settings.get(PERIODS).year_closed:
            raise Refusal(
                Code.PERIOD_CLOSED, f"the year {state.fiscal_year} is closed for good 年终关账"
            )
        sender = parse_ledger(self.settled.ledger)
        above, own = division_of(sender), division_of(state.ledger_id)
        if fiscal_year_of(sender) != state.fiscal_year or not is_below(above, own):
            raise Refusal(
                Code.INVALID_STATE,
                f"{self.settled.ledger} is of no tier above {ledger_text(state.ledger_id)}",
            )
        if self.settle_kind not in SETTLE_KINDS:  # a ledger elsewhere says what it likes
            raise Refusal(Code.INVALID_STATE, f"{self.settle_kind[:40]!r} is no kind of settlement")
        day = first_open_day(state, state.today)
        require_fund(state, self.fund_type_code, day)
        key = tier_key(above, self.fund_type_code, self.is_dir_code)
        changes = {_FIELD[self.settle_kind]: stored_fen(self.amt)}
        after = state.moved(TIER_FUNDS, key, day, changes)
        # point of no return
        taken = SettlementTaken(
            settle_no=self.settle_no,
            settle_kind=self.settle_kind,
            from_ledger=self.settled.ledger,
            from_div_code=above,
            fund_type_code=self.fund_type_code,
            is_dir_code=self.is_dir_code,
            amt=self.amt,
            settled=self.settled,
            by=by,
        )
        entry: Event = _entry(state, day, taken, above)
        stream = (TAKEN_SETTLEMENT, self.number)
        return Decision(
            events=[(*stream, taken), (*stream, entry)], effective_on=day, moved=[after]
        )


class NoteSettlement(Command, frozen=True, kw_only=True):
    """结算确认: the event at ``taken`` of the tier below says that it has it."""

    OPERATION: ClassVar[str] = "transfer.note_settlement"
    NUMBER: ClassVar[str] = "settle_no"
    KIND: ClassVar[AnyKind] = FUND_SETTLEMENT
    KEEPS_REFUSAL: ClassVar[bool] = False
    settle_no: str
    amt: str
    taken: EventPlace

    def needs(self) -> Iterable[Need]:
        return (FUND_SETTLEMENT, self.settle_no), (TIER_FUNDS, WHOLE)

    def decide(self, state: LedgerState, by: str) -> Decision:
        settlement: FundSettlement | None = state.get(FUND_SETTLEMENT, self.settle_no)
        if (
            settlement is None
            or settlement.noted is not None
            or settlement.settled.amt != self.amt
            or self.taken.ledger != ledger_of_tier(state, settlement.settled.rec_div_code)
        ):
            raise Refusal(
                Code.INVALID_STATE, f"settlement {self.settle_no} waits for no word of that kind"
            )
        day, settled = first_open_day(state, state.today), settlement.settled
        after = state.moved(TIER_FUNDS, settlement.key, day, {"unsettled": -stored_fen(self.amt)})
        # point of no return
        noted = SettlementNoted(
            settle_no=self.settle_no,
            rec_div_code=settled.rec_div_code,
            fund_type_code=settled.fund_type_code,
            is_dir_code=settled.is_dir_code,
            amt=self.amt,
            taken=self.taken,
            by=by,
        )
        return Decision(
            events=[(FUND_SETTLEMENT, self.settle_no, noted)], effective_on=day, moved=[after]
        )
