"""Invariant 15: what is done to a division, and to its projects, is decided again as it was."""

from datetime import UTC, datetime
from typing import Any

import pytest

from budget.projects.amending import AmendProject
from budget.projects.checking import CheckProject, ReturnProject, StoreProject
from budget.projects.ending import EndProject, ResumeProject, SuspendProject, TerminateProject
from budget.projects.events import ProjectYear
from budget.projects.reporting import ReportProject, ReviseProject
from division import certificates, code_sets
from division.adopting import adopt
from division.agency import ChangeAgency, RegisterAgency
from division.bank import AppointBank, ChangeBank, EndBank
from division.installation import ChangeInstallation, EndInstallation, RegisterInstallation
from division.opening import OpenDivision
from division.persons import EndRights, RegisterPerson, SetRights
from division.recording import record
from division.standard import RegisterStandard
from division.tokens import EndToken, IssueToken
from division.webhook import EndWebhook, RegisterWebhook
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.principals import OPERATOR
from ledger.elements import stored_code_sets
from ledger.gm import default_provider
from ledger.postgres.database import Database, connect
from tests.division.test_banks import MARCH, MAY
from tests.support.at_machine import FREELY

GUANGDONG = standing_ledger("440000000")

pytestmark = pytest.mark.usefixtures("decided_again")


def test_the_acts_of_a_division_are_taken_again(database: Database) -> None:
    token = "ab" * 32
    roles = {"division": "44", "roles": ("unit",)}
    with connect(database.app_conninfo) as connection:
        acts = [
            OpenDivision(mof_div_code="440000000", name="广东省", tier_code="2"),
            RegisterPerson(principal="zhang.san", **roles),
            IssueToken(token_sm3=token, principal="Zhang.San", **roles),
            SetRights(principal="ZHANG.san", change_no="1", division="44", roles=("unit", "admin")),
            EndToken(token_sm3=token),
            RegisterInstallation(division="4401", name="市级系统", url="http://a.example"),
            ChangeInstallation(division="4401", change_no="6", name="市", url="http://b.example"),
            EndInstallation(division="4401", change_no="7"),
            RegisterWebhook(
                webhook_no="W1", url="https://a.example/in", types=("*",), division="44"
            ),
            EndWebhook(webhook_no="W1"),
            EndRights(principal="Zhang.san", change_no="2", reason="调离"),
            AppointBank(
                pay_bank_code="102", name="样例", url="http://b", cert_serial="", start_date=MARCH
            ),
            ChangeBank(pay_bank_code="102", change_no="3", start_date=MAY, name="另一名称"),
            EndBank(pay_bank_code="102", end_date=MAY),
            RegisterAgency(agency_code="101", agency_name="样例部门", agency_type_code="1"),
            RegisterAgency(
                agency_code="101001",
                agency_name="样例学校",
                agency_type_code="3",
                parent_agency_code="101",
                pay_bank_code="102",
                start_date=MARCH,
            ),
            ChangeAgency(agency_code="101001", change_no="4", start_date=MAY, agency_type_code="4"),
            ChangeAgency(
                agency_code="101001", change_no="5", end_date=MAY, successor_agency_code="101"
            ),
        ]
        adopt(connection, FREELY)
        record(connection, GUANGDONG, acts, FREELY, by=OPERATOR)
        key = default_provider().public_key(default_provider().generate_key())
        begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
        registered = certificates.register(
            connection, "bank/102", key, FREELY, not_before=begin, not_after=end
        )
        certificates.revoke(connection, registered.serial, begin, FREELY)
        shipped = stored_code_sets.shipped().rows()
        fund = next(row for row in shipped if row.element == "fund_type_code")
        for name in ("一名称", "另一名称"):  # a row that holds already stands beside each
            rows = [fund._replace(name=name), fund]
            code_sets.load(connection, rows, FREELY, loaded_by="admin")


def test_the_acts_on_projects_are_taken_again(database: Database) -> None:
    road: dict[str, Any] = {
        "pro_name": "农村公路", "agency_code": "101001", "pro_cat_code": "22", "pro_term": 2,
        "pro_total_amt": "3.00", "pro_start_year": 2026,
        "years": (ProjectYear(fiscal_year=2026, amt="3.00"),),
    }  # fmt: skip
    computed = road | {
        "pro_cat_code": "21", "standard_code": "GY-01", "standard_amt": "1.00", "head_count": 3,
    }  # fmt: skip
    one, of_one = {"pro_code": "P1"}, {"pro_code": "P1", "reason": "事由"}
    granted = (ProjectYear(fiscal_year=2026, amt="2.00"),)
    rounds: list[tuple[str, list[Command]]] = [
        ("migration", [ReportProject(pro_code=code, **road) for code in ("P1", "P2")]),
        (OPERATOR, [CheckProject(**one, version=1, audit_years=granted), ReturnProject(**of_one)]),
        ("migration", [ReviseProject(**of_one, change_no="1", pro_term=1)]),
        ("migration", [ReportProject(pro_code="P3", **computed)]),
        ("migration", [TerminateProject(pro_code="P3", reason="重复")]),
        ("migration", [ReportProject(pro_code="P4", **computed)]),
        (
            "migration",
            [
                RegisterStandard(
                    std_code="GY-02", name="定额", unit="人", amt="1.00", dep_bgt_eco_code="302"
                ),
                ReportProject(
                    pro_code="P5", **computed | {"standard_code": "GY-02", "standard_amt": ""}
                ),
            ],
        ),
        (
            OPERATOR,
            [
                CheckProject(**one),
                CheckProject(**one, level="mof"),
                StoreProject(**one),
                AmendProject(**of_one, change_no="2", start_date=MAY, pro_name="新名"),
                AmendProject(**of_one, change_no="3", is_track=True),
                SuspendProject(**of_one, change_no="4"),
                ResumeProject(**of_one, change_no="5"),
                EndProject(**one),
                TerminateProject(pro_code="P2", reason="不再实施"),
            ],
        ),
    ]
    with connect(database.app_conninfo) as connection:
        for by, acts in rounds:
            record(connection, GUANGDONG, acts, FREELY, by=by)
