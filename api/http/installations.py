"""异地系统: which programs elsewhere keep ledgers that those of a division deal with."""

import msgspec
from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from api.http.division_lists import DivisionRead, respond_with_objects
from api.http.division_routes import DivisionRoute, Shown
from api.http.models.enums import Tag
from api.http.models.lists import Page
from api.http.moments import AsOf
from api.http.pages import AskedPage
from api.http.parameters import DivisionCode
from api.http.problems import OF_LEDGER_READ, refusals
from api.http.routes import Operation
from api.http.views import Committed
from division.installation import (
    INSTALLATION,
    ChangeInstallation,
    EndInstallation,
    Installation,
    RegisterInstallation,
)
from ledger.account_set import ledger_text
from ledger.errors import Code

router = APIRouter(route_class=Operation, tags=[Tag.DIVISIONS])


class InstallationView(msgspec.Struct, kw_only=True):
    """A program elsewhere: it keeps the ledgers of the divisions whose codes begin so, and signs
    with the certificates of ``subject``. ``has_ended`` while it is not heard."""

    ledger: str
    division: str
    name: str
    url: str
    subject: str
    has_ended: bool
    commit: Committed = UNSET


def _view(key: int, installation: Installation) -> InstallationView:
    return InstallationView(
        ledger=ledger_text(key),
        division=installation.division,
        name=installation.name,
        url=installation.url,
        subject=installation.subject,
        has_ended=installation.has_ended,
    )


_SHOWN = Shown(InstallationView, _view)


@router.get(
    "/v1/divisions/{mof_div_code}/installations",
    operation_id="installation.list",
    summary="Programs elsewhere that the division deals with 异地系统, now or as of a moment",
    response_model=Page[InstallationView],
    responses=refusals(*OF_LEDGER_READ),
)
async def list_installations(
    call: DivisionRead, mof_div_code: DivisionCode, asked: AskedPage, moment: AsOf
) -> Response:
    return await respond_with_objects(
        call, asked, moment, INSTALLATION, _view, lambda view: view.division
    )


DIRECT = (
    DivisionRoute(
        RegisterInstallation,
        "installations",
        _SHOWN,
        "Make a program elsewhere known, by the divisions that it keeps 异地系统登记",
        status=201,
    ),
    DivisionRoute(
        ChangeInstallation,
        "installations/{division}/changes",
        _SHOWN,
        "Tell where it is reached, or hear it again 异地系统变更",
        Code.NOT_FOUND,
        in_path=("division",),
    ),
    DivisionRoute(
        EndInstallation,
        "installations/{division}/end",
        _SHOWN,
        "Hear it no more 异地系统终止",
        Code.NOT_FOUND,
        Code.INVALID_STATE,
        in_path=("division",),
    ),
)
