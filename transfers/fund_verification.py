"""往来核验: what two ledgers say of cash and settlements between them, the one against the other.

Here what names a place of another ledger is held against the event that stands there, and what the
central bank has brought against the order of a ledger that is kept here. So both have the same on
与下级往来 and 与上级往来, but for what is on its way.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from budget.transfer_events import EventPlace
from ledger.account_set import division_of, ledger_text, parse_ledger
from ledger.events import Event, decode, names_that
from ledger.money import yuan
from ledger.reading.loading import chains_at
from ledger.reading.objects import read_events, read_head, read_objects
from ledger.verification.checks import name_check
from ledger.verification.following import Context, EventCheck, FollowedEvent, join
from payments.dispatch_events import FundsArrived
from payments.messages import arrival_3403
from payments.messages.message_types import SignedBy
from payments.orders.ordering import split_order_number
from payments.signing.voucher_document import adm_div_code
from payments.verification.agreement import Differing, NamedDocument, compare
from payments.verification.stand_alone import stands_alone
from transfers.other_installations import SignedWords
from transfers.tier_events import ArrivalNoted, FundsSettled, SettlementNoted, SettlementTaken
from transfers.tier_funds import FUND_DISPATCH
from transfers.treasury_account import payee_account

_SUBJECTS = ("fund_dispatch", "fund_arrival", "fund_settlement", "taken_settlement")
_SAID = ("settle_no", "settle_kind", "fund_type_code", "is_dir_code", "amt")


@compare(FundsArrived)
def _arrival(named: NamedDocument) -> Iterator[Differing]:
    event = named.event
    assert isinstance(event, FundsArrived)
    notice = arrival_3403.parse(named.document)
    due: tuple[Differing, ...] = (
        ("VoucherNo", notice.voucher_no, event.notice_no),
        ("AdmDivCode", notice.adm_div_code, adm_div_code(named.ledger_id)),
        ("OriginalVoucherNo", notice.original_voucher_no, event.voucher_no),
        ("TreCode", notice.tre_code, event.tre_code),
        ("FundTypeCode", notice.fund_type_code, event.fund_type_code),
        ("AddWord", arrival_3403.mark_in(notice.add_word), event.is_dir_code),
        ("RecAcctNo", notice.rec_acct_no, payee_account(division_of(named.ledger_id))),
        ("PayTraseqNo", notice.pay_traseq_no, event.agent_business_no),
        ("Amt", yuan(notice.amt), event.amt),
        ("VouDate", notice.vou_date.isoformat(), event.arrived_on),
    )
    yield from (each for each in due if each[1] != each[2])


stands_alone(FundsArrived, SignedBy.CENTRAL_BANK)


@join
class TierFundsCheck(EventCheck):
    """See the module."""

    NAME = name_check("tier_funds", "上下级往来 cash between tiers at both ends", "movements")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._told: list[tuple[int, Any]] = []
        place = context.place
        self._signed = SignedWords(context.asking, place.ledger_id, place.position)

    def follows(self) -> Iterable[str]:
        yield from names_that(lambda traits: traits.subject in _SUBJECTS)

    def take(self, row: FollowedEvent) -> None:
        event = decode(row.type, row.payload)
        if isinstance(event, FundsArrived | ArrivalNoted | SettlementTaken | SettlementNoted):
            self._told.append((row.position, event))

    def conclude(self) -> None:
        for position, event in self._told:
            self.findings.count(self.NAME, 1)
            match event:
                case FundsArrived():
                    self._hold_to_order(position, event)
                case ArrivalNoted():
                    self._hold_to_arrival(position, event)
                case SettlementTaken():
                    self._hold_to_settled(position, event)
                case SettlementNoted():
                    self._hold_to_taken(position, event)

    def _hold_to_order(self, position: int, arrived: FundsArrived) -> None:
        sender = parse_ledger(arrived.from_ledger)
        place = split_order_number(arrived.voucher_no)
        said = None if place is None else (place.ledger_id, place.number)
        if said != (sender, arrived.dispatch_no):
            self._wrong(position, f"{arrived.voucher_no} is another order 与调度单不符")
        if read_head(self.context.asking, sender) is None:
            return
        found = read_objects(self.context.asking, sender, FUND_DISPATCH, [arrived.dispatch_no])
        dispatch = found.get(arrived.dispatch_no)
        own = division_of(self.context.place.ledger_id)
        ordered = None if dispatch is None else dispatch.ordered
        if ordered is None or (
            ordered.rec_div_code,
            ordered.fund_type_code,
            ordered.is_dir_code,
            ordered.amt,
        ) != (own, arrived.fund_type_code, arrived.is_dir_code, arrived.amt):
            self._wrong(position, f"{arrived.from_ledger} has ordered no such dispatch 无此调度")
        elif dispatch is not None and dispatch.receipt is not None and dispatch.receipt.rejected:
            self._wrong(position, f"{arrived.dispatch_no} was rejected, and is here 调度已退回")
        elif dispatch is not None and dispatch.returned is not None:
            self._wrong(position, f"{arrived.dispatch_no} came back, and is here 调度已退回")

    def _hold_to_arrival(self, position: int, noted: ArrivalNoted) -> None:
        told = self._found(position, noted.arrived, noted)
        own = ledger_text(self.context.place.ledger_id)
        if told is not None and (
            not isinstance(told, FundsArrived)
            or (told.from_ledger, told.dispatch_no, told.amt) != (own, noted.dispatch_no, noted.amt)
        ):
            self._wrong(position, f"{noted.arrived.ledger} has not said so 与到账不符")

    def _hold_to_settled(self, position: int, taken: SettlementTaken) -> None:
        told = self._found(position, taken.settled, taken)
        own = division_of(self.context.place.ledger_id)
        if told is not None and (
            not isinstance(told, FundsSettled)
            or told.rec_div_code != own
            or taken.settled.ledger != taken.from_ledger
            or any(getattr(told, name) != getattr(taken, name) for name in _SAID)
        ):
            self._wrong(position, f"{taken.from_ledger} has not settled it so 与结算不符")

    def _hold_to_taken(self, position: int, noted: SettlementNoted) -> None:
        told = self._found(position, noted.taken, noted)
        own = ledger_text(self.context.place.ledger_id)
        if told is not None and (
            not isinstance(told, SettlementTaken)
            or (told.from_ledger, told.settle_no, told.amt) != (own, noted.settle_no, noted.amt)
        ):
            self._wrong(position, f"{noted.taken.ledger} has not said so 与结算登记不符")

    def _found(self, position: int, place: EventPlace, follows: Event) -> Event | None:
        """The event at a place of another ledger; None, and told, where that is another; None of a
        ledger that is kept elsewhere, whose signed message must have said it."""
        key, asking = parse_ledger(place.ledger), self.context.asking
        if read_head(asking, key) is None:
            if not self._signed.has(position, follows):
                self._wrong(position, f"no message of {place.ledger} says so 无签名消息")
            return None
        rows = read_events(asking, key, place.position - 1, 1, upto=place.position)
        chains = chains_at(asking, key, [place.position])
        if not rows or rows[0].digest.hex() != place.digest:
            self._wrong(position, f"{place.ledger} has not that event at {place.position} 摘要不符")
            return None
        if (chain := chains.get(place.position)) is None or chain.hex() != place.chain:
            self._wrong(position, f"{place.ledger} has not that chain at {place.position} 链不符")
        return decode(rows[0].type, rows[0].payload)

    def _wrong(self, position: int, what: str) -> None:
        self.findings.add(self.NAME, position, what)
