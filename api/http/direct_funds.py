"""直达资金: issued, allotted, paid by tier over all divisions that a caller may see, to payees."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from psycopg import Connection
from starlette.responses import Response

from api.http.call import Call
from api.http.dependencies import Read
from api.http.models.enums import Tag
from api.http.pages import AskedPage, page_after, place_after
from api.http.problems import OF_READ, refusals
from api.http.province import AskedDivision, FiscalYear, sight_of, year_of
from api.http.routes import Operation
from ledger.account_set import division_of, ledger_text
from ledger.errors import AccessError, Code, RequestError
from ledger.money import yuan
from projections.province.direct_funds import (
    DirectFundFigures,
    Marks,
    PayeeLine,
    PayeePlace,
    direct_funds,
    payee_lines,
)
from projections.province.sight import Sight

TrackProCode = Annotated[str, Query(description="追踪项目", examples=["ZDXM1"])]
IsDirCode = Annotated[str, Query(description="直达资金标识", examples=["01"])]

router = APIRouter(route_class=Operation, tags=[Tag.PROVINCE])


class DirectFundItem(msgspec.Struct, kw_only=True):
    """Of a tier or a division: ``sent_amt`` to tiers below; of ``received_amt`` ``rest_amt`` is not
    allotted; ``allotted_amt`` is what its units and tiers below have of it."""

    tier_code: str
    sent_amt: str
    received_amt: str
    rest_amt: str
    allotted_amt: str
    pay_app_amt: str
    paid_amt: str


class DirectFundDivision(DirectFundItem, kw_only=True):
    """The same of a division's year."""

    ledger: str
    mof_div_code: str


class DirectFundsView(msgspec.Struct, kw_only=True):
    """直达资金报表: what was issued 下达, what of it those who had it first have allotted 分配,
    what is paid 支付, and the rate of that; by tier, and by division."""

    fiscal_year: int
    division: str
    track_pro_code: str
    is_dir_code: str
    issued_amt: str
    allotted_amt: str
    paid_amt: str
    rate: str
    tiers: list[DirectFundItem]
    divisions: list[DirectFundDivision]


class DirectFundPayee(msgspec.Struct, kw_only=True):
    """A line of a payment, under the indicator that bears it; ``paid_amt`` is less what came
    back."""

    ledger: str
    mof_div_code: str
    agency_code: str
    bgt_id: str
    track_pro_code: str
    is_dir_code: str
    pay_app_no: str
    pay_detail_id: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    use_des: str
    pay_cert_no: str
    paid_amt: str
    paid_on: str


class DirectFundPayeePage(msgspec.Struct, kw_only=True):
    """The lines of ``page_size`` payments."""

    items: list[DirectFundPayee]
    next_cursor: str | None


@router.get(
    "/v1/direct-funds",
    operation_id="direct_funds.show",
    summary="What of direct funds is issued, allotted, paid by tier 直达资金下达、分配、支付",
    response_model=DirectFundsView,
    responses=refusals(*OF_READ),
)
async def show_direct_funds(
    call: Read,
    track_pro_code: TrackProCode = "",
    is_dir_code: IsDirCode = "",
    fiscal_year: FiscalYear | None = None,
    division: AskedDivision = "",
) -> Response:
    """Of the divisions that the caller may see, as they stand; what comes from others begins with
    them. Without a mark of all that have one."""
    sight, marks, year = _asked(call, division, track_pro_code, is_dir_code, fiscal_year)
    found = await call.read(lambda connection: direct_funds(connection, sight, year, marks))
    return call.respond(
        DirectFundsView(
            fiscal_year=year,
            division=division,
            track_pro_code=track_pro_code,
            is_dir_code=is_dir_code,
            issued_amt=yuan(found.issued_fen),
            allotted_amt=yuan(found.allotted_fen),
            paid_amt=yuan(found.paid_fen),
            rate=found.rate,
            tiers=[DirectFundItem(tier_code=t, **_figures(f)) for t, f in found.tiers.items()],
            divisions=[
                DirectFundDivision(
                    ledger=ledger_text(key),
                    mof_div_code=division_of(key),
                    tier_code=found.tier_of[key],
                    **_figures(figures),
                )
                for key, figures in found.divisions.items()
            ],
        )
    )


@router.get(
    "/v1/direct-funds/payees",
    operation_id="direct_funds.payees",
    summary="Who was paid of direct funds, line by line 直达资金支付到人到企业",
    response_model=DirectFundPayeePage,
    responses=refusals(*OF_READ),
)
async def list_payees(
    call: Read,
    asked: AskedPage,
    track_pro_code: TrackProCode = "",
    is_dir_code: IsDirCode = "",
    fiscal_year: FiscalYear | None = None,
    division: AskedDivision = "",
) -> Response:
    """By ledger and payment; a page has the lines of ``page_size`` payments."""
    sight, marks, year = _asked(call, division, track_pro_code, is_dir_code, fiscal_year)
    after = _place(place_after(call, asked.cursor))

    def read(connection: Connection) -> Any:
        lines, following = payee_lines(connection, sight, year, marks, after, asked.size)
        place = None if following is None else msgspec.json.encode(following).decode()
        return page_after(call, [_payee(line) for line in lines], place)

    return call.respond(await call.read(read))


def _asked(
    call: Call, division: str, track_pro_code: str, is_dir_code: str, fiscal_year: int | None
) -> tuple[Sight, Marks, int]:
    """Raises ``forbidden`` for who is bound to some units: what goes between tiers is of none."""
    sight = sight_of(call, division)
    if not sight.sees_all_units:
        raise AccessError(Code.FORBIDDEN, "direct funds are of all units, not of yours alone")
    return sight, Marks(track_pro_code, is_dir_code), year_of(call, fiscal_year)


class _StoredPayeePlace(msgspec.Struct, array_like=True):
    ledger_id: Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
    pay_app_no: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\0]*$")]


def _place(text: str) -> PayeePlace:
    if not text:
        return PayeePlace()
    try:
        found = msgspec.json.decode(text, type=_StoredPayeePlace)
    except msgspec.MsgspecError:
        raise RequestError(
            Code.MALFORMED, "the cursor is none that a list has given", pointer="/cursor"
        ) from None
    return PayeePlace(found.ledger_id, found.pay_app_no)


def _payee(line: PayeeLine) -> DirectFundPayee:
    payment = line.payment
    detail = next(d for d in payment.details if d.pay_detail_id == line.pay_detail_id)
    return DirectFundPayee(
        ledger=ledger_text(line.ledger_id),
        mof_div_code=division_of(line.ledger_id),
        agency_code=payment.applied.agency_code,
        bgt_id=line.bgt_id,
        track_pro_code=line.marks.track_pro_code,
        is_dir_code=line.marks.is_dir_code,
        pay_app_no=payment.applied.pay_app_no,
        pay_detail_id=line.pay_detail_id,
        payee_acct_name=detail.payee_acct_name,
        payee_acct_no=detail.payee_acct_no,
        payee_acct_bank_name=detail.payee_acct_bank_name,
        use_des=payment.applied.use_des,
        pay_cert_no="" if payment.approved is None else payment.approved.pay_cert_no,
        paid_amt=yuan(line.paid_fen),
        paid_on=payment.booked_on.isoformat(),
    )


def _figures(of_one: DirectFundFigures) -> dict[str, str]:
    return {
        "sent_amt": yuan(of_one.sent),
        "received_amt": yuan(of_one.received),
        "rest_amt": yuan(of_one.rest),
        "allotted_amt": yuan(of_one.allotted),
        "pay_app_amt": yuan(of_one.occupied),
        "paid_amt": yuan(of_one.paid),
    }
