"""合同: contracts that payments name; register, amend, end, show, list."""

from typing import Any

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from psycopg import Connection
from starlette.responses import Response

from api.access import Right
from api.http.admission import admit
from api.http.dependencies import LedgerRead
from api.http.models.enums import ContractState, Tag
from api.http.models.lists import Page
from api.http.moments import wait_for_head
from api.http.pages import AskedPage, page_after, place_after
from api.http.parameters import ContractNo
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import CommandRoute, Operation
from api.http.standing_object import object_now
from api.http.units import prefixes_of, require_agencies
from api.http.views import Committed, commit_view
from ledger.account_set import ledger_text
from ledger.deciding.command import Command, Outcome
from ledger.errors import Code
from ledger.reading.loading import read_rows
from payments.contracts.contract import CONTRACT, CONTRACTS, Contract, ContractAmounts
from payments.contracts.contracting import AmendContract, EndContract, RegisterContract
from payments.contracts.events import ContractAmended, ContractFigures, ContractRegistered
from projections.contract_lists import PurchaseFilter, contracts_page

_ALL = "/v1/ledgers/{ledger}/contracts"
_ONE = _ALL + "/{contract_no}"
_IN_FORCE, _ENDED = "in_force", "ended"

router = APIRouter(route_class=Operation, tags=[Tag.PAYMENTS])


class ContractVersionView(msgspec.Struct, kw_only=True, gc=False):
    """What a contract said from its registration, or from an amendment, on."""

    version: int
    change_no: str
    contract_name: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    contract_amt: str
    year_amt: str
    expiry_date: str
    reason: str
    by: str


class ContractView(msgspec.Struct, kw_only=True):
    """A contract as it stands. Of ``year_amt``, what may be paid in this year, ``left_amt`` is
    left, ``pay_app_amt`` applied for and ``pay_amt`` paid net; ``bgt_id`` is the indicator of its
    plan, from which alone it is paid."""

    ledger: str
    contract_no: str
    state: ContractState
    version: int
    agency_code: str
    contract_name: str
    payee_acct_name: str
    payee_acct_no: str
    payee_acct_bank_name: str
    contract_amt: str
    year_amt: str
    left_amt: str
    pay_app_amt: str
    pay_amt: str
    pur_plan_no: str
    bgt_id: str
    sign_date: str
    expiry_date: str
    versions: list[ContractVersionView]
    by: str
    commit: Committed = UNSET


def contract_view(
    key: int, contract: Contract, figures: ContractFigures, commit: Any = UNSET
) -> ContractView:
    registered, says = contract.registered, contract.says
    return ContractView(
        ledger=ledger_text(key),
        contract_no=contract.contract_no,
        state=_ENDED if contract.ended else _IN_FORCE,
        version=contract.version,
        agency_code=contract.agency_code,
        contract_name=says.contract_name,
        payee_acct_name=says.payee_acct_name,
        payee_acct_no=says.payee_acct_no,
        payee_acct_bank_name=says.payee_acct_bank_name,
        contract_amt=says.contract_amt,
        year_amt=says.year_amt,
        left_amt=figures.left_amt,
        pay_app_amt=figures.pay_app_amt,
        pay_amt=figures.pay_amt,
        pur_plan_no=contract.pur_plan_no,
        bgt_id=contract.bgt_id,
        sign_date=registered.sign_date,
        expiry_date=says.expiry_date,
        versions=[_version(1, registered), *(_version(a.version, a) for a in contract.amended)],
        by=registered.by,
        commit=commit,
    )


def _version(version: int, says: ContractRegistered | ContractAmended) -> ContractVersionView:
    amended = says if isinstance(says, ContractAmended) else None
    return ContractVersionView(
        version=version,
        change_no=amended.change_no if amended else "",
        contract_name=says.contract_name,
        payee_acct_name=says.payee_acct_name,
        payee_acct_no=says.payee_acct_no,
        payee_acct_bank_name=says.payee_acct_bank_name,
        contract_amt=says.contract_amt,
        year_amt=says.year_amt,
        expiry_date=says.expiry_date,
        reason=amended.reason if amended else "",
        by=says.by,
    )


def _changed(key: int, _command: Command, outcome: Outcome) -> Any:
    contract: Contract = outcome.subjects[0]
    return contract_view(key, contract, contract.figures, commit_view(outcome.commit))


@router.get(
    _ALL,
    operation_id="contract.list",
    summary="Contracts by their numbers, with what is left of each 合同清单",
    response_model=Page[ContractView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_contracts(
    call: LedgerRead, asked: AskedPage, agency_code: str = "", pur_plan_no: str = ""
) -> Response:
    """Of a unit, of a purchase plan, or all."""
    key = await admit(call)
    await wait_for_head(call, key)
    prefixes = prefixes_of(call.caller, call.right)
    wanted = PurchaseFilter(agency_code, pur_plan_no, prefixes=prefixes)
    after = place_after(call, asked.cursor)
    page = await call.read(
        lambda connection: contracts_page(connection, key, wanted, after, asked.size)
    )
    items = [contract_view(key, contract, row.figures()) for contract, row in page.items]
    return call.respond(page_after(call, items, page.after), position=page.position)


@router.get(
    _ONE,
    operation_id="contract.show",
    summary="A contract with its versions, and what is left of it 合同",
    response_model=ContractView,
    responses=refusals(*OF_LEDGER_READ, Code.NOT_FOUND),
)
async def show_contract(call: LedgerRead, contract_no: ContractNo) -> Response:
    key = await admit(call, number=contract_no)
    await wait_for_head(call, key)

    def read(connection: Connection) -> tuple[int, Contract, ContractAmounts]:
        position, contract = object_now(connection, key, CONTRACT, contract_no)
        rows = read_rows(connection, key, CONTRACTS, [contract_no])
        return position, contract, rows[contract_no]

    position, contract, amounts = await call.read(read)
    await require_agencies(call, key, [(contract_no, contract.agency_code)])
    return call.respond(contract_view(key, contract, amounts.figures()), position=position)


def _act(command: type[Command], path: str, summary: str, *codes: Code) -> CommandRoute:
    return CommandRoute(
        command,
        f"{_ONE}/{path}",
        in_path=("contract_no",),
        right=Right.CONTRACT,
        view=_changed,
        answer=ContractView,
        summary=summary,
        tag=Tag.PAYMENTS,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.CONTRACT_NOT_FOUND,
            Code.INSUFFICIENT_CONTRACT,
            Code.INSUFFICIENT_PURCHASE_PLAN,
            Code.INVALID_STATE,
            *codes,
        ),
    )


DIRECT = (
    CommandRoute(
        RegisterContract,
        _ALL,
        right=Right.CONTRACT,
        view=_changed,
        answer=ContractView,
        summary="Register a contract 合同备案, under a purchase plan or without one",
        tag=Tag.PAYMENTS,
        status=201,
        codes=(
            Code.PERIOD_CLOSED,
            Code.FUTURE_DATE,
            Code.ELEMENT_INVALID,
            Code.ELEMENT_MISMATCH,
            Code.INSUFFICIENT_PURCHASE_PLAN,
            Code.NOT_FOUND,
        ),
    ),
    _act(AmendContract, "amend", "Amend a contract 合同变更: what is given holds as a new version"),
    _act(EndContract, "end", "End a contract 合同终止: what is left goes back to its plan"),
)
