"""What a simulated agent bank claims of what it has paid, when it is told to: with faults, too.

A claim is made of the bank's own receipts: a sum of each fund by unit and function, and a claim of
its own for each voucher that is claimed singly. Faults are planted by a seed and told to whoever
asked, so that a test knows what must be refused.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

import msgspec
from starlette.routing import Route

from ledger.account_set import division_of, fiscal_year_of, parse_ledger
from ledger.errors import Code, RequestError
from ledger.money import parse_yuan, yuan
from payments.messages import clearing_2301
from payments.messages.adjustments import ADJUSTED
from payments.messages.clearing_2301 import ClearingDetail, ClearingVoucher
from payments.messages.envelope import VoucherBody, signed_bytes
from payments.messages.layout import DETAILS_MAX, compact_date, read_voucher
from payments.messages.reader import amount_of, date_of, signed_amount_of
from payments.messages.vt_codes import CLAIM, PAYMENT_VOUCHER, VOUCHER_ADJUSTMENT
from payments.simulators.answers import Notice
from payments.simulators.counterparty import Counterparty
from payments.simulators.server import act_of

CLAIMS_PATH = "/sim/claims"
_ADM_DIGITS = 6
_WRONG_BY_FEN = 1
_NOBODY = "999"  # a unit that has paid nothing
_decode_body = msgspec.msgpack.Decoder(VoucherBody).decode

PlaceOfClaim = tuple[str, str, str]  # unit, function; the voucher, where it is claimed singly


class ClaimsTold(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Of which days the bank is to claim what it has paid: ``begin_date`` to ``clear_date``.

    Attributes:
        claim_no: how the claims' numbers begin; default: the day.
        singly_from_amt: from which amount on a voucher is claimed by itself, in yuan.
        missing, other_amount, invented: how many details are left out, are 0.01 too much, or are of
            a unit that has paid nothing, chosen by ``seed``.
        doubled: how many claims are sent a second time, under another number.
    """

    ledger: str
    clear_date: date
    begin_date: date | None = None
    claim_no: str = ""
    singly_from_amt: str = ""
    missing: int = 0
    other_amount: int = 0
    invented: int = 0
    doubled: int = 0
    seed: int = 0


class ClaimSent(msgspec.Struct, kw_only=True):
    """A claim that goes out; ``faults`` are what was planted in it."""

    voucher_no: str
    fund_type_code: str
    pay_amt: str
    faults: list[str] = []


class ClaimsSent(msgspec.Struct, kw_only=True):
    claims: list[ClaimSent]


class _Paid(NamedTuple):
    """A voucher that the bank has paid, by its receipt."""

    fund_type_code: str
    place: PlaceOfClaim
    fen: int


def claiming(bank: Counterparty, pay_bank_code: str) -> Route:
    """The address at which an agent bank is told to claim what it has paid."""
    return Route(
        CLAIMS_PATH,
        act_of(ClaimsTold, lambda told: send(bank, pay_bank_code, told)),
        methods=["POST"],
    )


def send(bank: Counterparty, pay_bank_code: str, told: ClaimsTold) -> ClaimsSent:
    """Sends the claims of a day.

    Raises:
        RequestError: ``malformed``, ``invalid_amount``.
    """
    key = parse_ledger(told.ledger)
    begin = told.begin_date or told.clear_date
    head = f"{division_of(key)[:_ADM_DIGITS]}-{fiscal_year_of(key)}-{PAYMENT_VOUCHER}"
    prefix = told.claim_no or compact_date(told.clear_date)
    parts = list(_parts(_paid(bank, head, begin, told)))
    chance = random.Random(f"{told.seed}/{prefix}")  # noqa: S311
    faults = _planted(parts, told, chance)
    sent: list[ClaimSent] = []
    for fund, lines, planted in faults:
        if lines:
            number = f"{prefix}-{len(sent) + 1}"
            document = _document(key, pay_bank_code, told.clear_date, number, fund, lines)
            notice = Notice(vt_code=CLAIM, voucher_no=number, document=document)
            bank.send(notice, division_of(key)[:_ADM_DIGITS], fiscal_year_of(key))
            pay_amt = yuan(sum(lines.values()))
            sent.append(
                ClaimSent(voucher_no=number, fund_type_code=fund, pay_amt=pay_amt, faults=planted)
            )
    return ClaimsSent(claims=sent)


def _paid(bank: Counterparty, head: str, begin: date, told: ClaimsTold) -> Iterator[_Paid]:
    """What was paid on these days, and as what else it was adjusted since."""
    singly_fen = parse_yuan(told.singly_from_amt) if told.singly_from_amt else 0
    names: dict[str, str] = {}  # what names a voucher that was paid on these days
    for number, receipt in bank.book.receipts_of(head):
        main, _ = read_voucher(signed_bytes(_decode_body(receipt)), answered=True)
        fen = amount_of(main, "XPayAmt", "")
        if fen and begin <= date_of(main, "XPayDate", "") <= told.clear_date:
            names[number] = named = number if 0 < singly_fen <= fen else ""
            place = main["SupDepCode"], main["ExpFuncCode"], named
            yield _Paid(main["FundTypeCode"], place, fen)
    for _, receipt in bank.book.receipts_of(
        head.removesuffix(PAYMENT_VOUCHER) + VOUCHER_ADJUSTMENT
    ):
        main, rows = read_voucher(signed_bytes(_decode_body(receipt)), answered=True)
        for row in rows:
            if main["OriginalVoucherNo"] in names and row["XDealResult"] == ADJUSTED:
                named = names[main["OriginalVoucherNo"]]
                place = row["SupDepCode"], row["ExpFuncCode"], named
                yield _Paid(main["FundTypeCode"], place, signed_amount_of(row, "PayAmt", ""))


def _parts(paid: Iterable[_Paid]) -> Iterator[tuple[str, dict[PlaceOfClaim, int]]]:
    """(fund, fen by place) of each claim: those that are claimed singly, and the sums of a fund."""
    sums: dict[tuple[str, str], dict[PlaceOfClaim, int]] = {}
    for each in paid:
        places = sums.setdefault((each.place[2], each.fund_type_code), {})
        places[each.place] = places.get(each.place, 0) + each.fen
    for (_, fund), places in sorted(sums.items(), key=lambda each: (not each[0][0], each[0])):
        lines = sorted((place, fen) for place, fen in places.items() if fen)
        for at in range(0, len(lines), DETAILS_MAX):
            yield fund, dict(lines[at : at + DETAILS_MAX])


def _planted(
    parts: list[tuple[str, dict[PlaceOfClaim, int]]], told: ClaimsTold, chance: random.Random
) -> list[tuple[str, dict[PlaceOfClaim, int], list[str]]]:
    """The claims with what is planted in them; no detail has two faults."""
    details = [(nth, place) for nth, (_, lines) in enumerate(parts) for place in lines]
    wanted = ["missing"] * told.missing + ["other_amount"] * told.other_amount
    if len(wanted) > len(details) or max(told.doubled, told.invented) > len(parts):
        raise RequestError(
            Code.MALFORMED, f"there are {len(parts)} claims with {len(details)} details"
        )
    claims = [(fund, dict(lines), list[str]()) for fund, lines in parts]
    for fault, (nth, place) in zip(wanted, chance.sample(details, len(wanted)), strict=True):
        _, lines, faults = claims[nth]
        faults.append(fault)
        if fault == "missing":
            del lines[place]
        else:
            lines[place] += _WRONG_BY_FEN
    for nth in chance.sample(range(len(claims)), told.invented):
        _, lines, faults = claims[nth]
        faults.append("invented")
        lines[_NOBODY, next(iter(lines), ("", "2010102", ""))[1], ""] = 100
    again = chance.sample(range(len(claims)), told.doubled)
    return claims + [(fund, lines, ["doubled"]) for fund, lines, _ in (claims[n] for n in again)]


def _document(
    key: int, bank: str, day: date, number: str, fund: str, lines: dict[PlaceOfClaim, int]
) -> bytes:
    division = division_of(key)
    return clearing_2301.build(
        ClearingVoucher(
            vt_code=CLAIM,
            id=number,
            adm_div_code=division[:_ADM_DIGITS],
            st_year=fiscal_year_of(key),
            vou_date=day,
            voucher_no=number,
            tre_code=f"{division}0",
            fin_org_code=division,
            fund_type_code=fund,
            pay_type_code="1",
            agent_acct_no=f"{bank}{division[:_ADM_DIGITS]}00",
            clear_acct_no=f"001{division}01",
            pay_amt=sum(lines.values()),
            pay_bank_no=bank,
            details=tuple(
                ClearingDetail(
                    id=str(place),
                    sup_dep_code=unit,
                    exp_func_code=function,
                    pay_amt=fen,
                    voucher_no=named,
                )
                for place, ((unit, function, named), fen) in enumerate(lines.items(), 1)
            ),
        )
    )
