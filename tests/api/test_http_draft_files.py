"""A unit's draft as people send it: a file is entered as a whole, or refused with every error."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.postgres.database import Database
from tests.support.command_line import clean_environment, run
from tests.support.http_budgets import SCHOOL, code_of, open_budget, project
from tests.support.http_server import HttpTreasury
from tests.support.workbooks import workbook_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAMES = ("bgt_pman_id", "pro_code", "exp_func_code", "gov_bgt_eco_code", "dep_bgt_eco_code",
         "fund_type_code", "amt")  # fmt: skip
TITLES = ("预算行主键", "项目", "支出功能分类科目", "政府支出经济分类", "部门支出经济分类",
          "资金性质", "金额", "是否政府采购", "收入分类科目")  # fmt: skip


@pytest.fixture(scope="module")
def own(module_database: Database) -> Iterator[HttpTreasury]:
    with open_budget(module_database) as opened:
        yield opened


def line(pro_code: str, number: int, amt: str = "1.00", **codes: str) -> tuple[str, ...]:
    said = {
        "bgt_pman_id": f"{pro_code}-{number}",
        "pro_code": pro_code,
        "exp_func_code": "2010102",
        "gov_bgt_eco_code": "50201",
        "dep_bgt_eco_code": "30201",
        "fund_type_code": "111",
        "amt": amt,
        **codes,
    }
    return tuple(said.values())


def csv_of(*lines: tuple[str, ...], names: tuple[str, ...] = NAMES) -> bytes:
    return "\n".join(",".join(cells) for cells in (names, *lines)).encode()


def send(
    own: HttpTreasury,
    content: bytes,
    draft_no: str = "",
    media: str = "text/csv",
    person: str = "unit",
    **query: str,
) -> Any:
    draft_no = draft_no or own.number("ES")
    return own.call(
        "POST",
        f"…/budget-drafts/{draft_no}/file",
        person,
        content=content,
        headers={"Content-Type": media},
        params={"agency_code": SCHOOL, "round": "1", **query},
    )


def errors_of(answer: Any, code: str = "details_mismatch") -> list[tuple[int, str, str]]:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code), problem
    assert problem["error_count"] == len(problem["errors"])
    return [(each["line"], each["column"], each["code"]) for each in problem["errors"]]


def test_every_form_of_a_file_becomes_the_same_draft(own: HttpTreasury) -> None:
    pro_code = project(own, "1000.00")
    of_school = (*line(pro_code, 1, "600.00"), "1", "")
    running = (*line(pro_code, 2, "400.00"), "", "")
    income = ("", "", "", "", "", "111", "1000.00", "", "appropriation")
    lines = (of_school, running, income)
    numbers = [(*cells[:6], float(cells[6]), *cells[7:]) for cells in lines]
    forms = {
        "csv": (csv_of(*lines, names=TITLES), "text/csv"),
        "csv in GBK, below a title": (
            "二上草案\n\n".encode("gbk") + csv_of(*lines, names=TITLES).decode().encode("gbk"),
            "text/csv; charset=gbk",
        ),
        "xlsx, amounts as numbers": (workbook_of(TITLES, *numbers), XLSX),
    }
    for form, (content, media) in forms.items():
        draft = own.ok(send(own, content, media=media))
        assert (draft["state"], draft["rows_count"], draft["amt"]) == ("draft", 2, "1000.00"), form
        shown = own.ok(own.get(f"…/budget-drafts/{draft['draft_no']}", person="unit"))
        assert [row["amt"] for row in shown["rows"]] == ["600.00", "400.00"]
        assert [row["is_gov_pur"] for row in shown["rows"]] == [True, False]
        assert [each["inc_sort_code"] for each in shown["income"]] == ["appropriation"]


def test_cells_are_held_to_their_rules_and_every_error_is_told(own: HttpTreasury) -> None:
    pro_code = project(own)
    wrong = csv_of(
        line(pro_code, 1, "1.005"),
        line(pro_code, 2),
        line(pro_code, 2),
        line("=1+1", 4, exp_func_code="2010102项"),
        line(pro_code, 5, "", fund_type_code=""),
    )
    answer = send(own, wrong, "ES-wrong")
    assert errors_of(answer) == [
        (2, "amt", "invalid_amount"),
        (4, "bgt_pman_id", "malformed"),
        (5, "bgt_pman_id", "malformed"),
        (5, "pro_code", "malformed"),
        (5, "exp_func_code", "malformed"),
        (6, "fund_type_code", "malformed"),
        (6, "amt", "invalid_amount"),
    ]
    assert "'1.005' was read" in answer.json()["errors"][0]["detail"]
    assert answer.json()["line_count"] == 5
    # nothing is kept of it but that it was refused, and the number is free
    assert own.get("…/budget-drafts/ES-wrong", person="unit").status_code == 404
    [refused] = [
        each
        for each in own.ok(own.get("…/refusals", code="details_mismatch"))["items"]
        if each["number"] == "ES-wrong"
    ]
    kept = own.get("…/events", after=str(refused["position"] - 1), limit="1").text
    assert "command.refused" in kept
    assert "was read" not in kept
    own.ok(send(own, csv_of(line(pro_code, 2)), "ES-wrong"))


def test_codes_that_are_not_in_force_are_told_all_of_them_too(own: HttpTreasury) -> None:
    pro_code = project(own)
    answer = send(
        own,
        csv_of(
            line(pro_code, 1),
            line(pro_code, 2, exp_func_code="2999999", fund_type_code="999"),
            line(pro_code, 3, gov_bgt_eco_code="50101"),
            line("440000260000099999999", 4),
            line(pro_code, 5, exp_func_code="2120801"),
        ),
    )
    assert errors_of(answer) == [
        (3, "exp_func_code", "element_invalid"),
        (3, "fund_type_code", "element_invalid"),
        (4, "dep_bgt_eco_code", "element_invalid"),
        (5, "pro_code", "element_invalid"),
        (6, "exp_func_code", "element_mismatch"),
    ]
    assert "'2999999'" in answer.json()["errors"][0]["detail"]


def test_one_fen_more_than_the_plan_names_the_line_that_has_it(own: HttpTreasury) -> None:
    """It named the project alone, of which a unit's file may have thousands of lines."""
    pro_code = project(own, "1000.00")
    amounts = enumerate(("600.00", "400.01", "1.00"))
    answer = send(own, csv_of(*(line(pro_code, number, amt) for number, amt in amounts)))
    assert errors_of(answer, "budget_mismatch") == [(3, "amt", "budget_mismatch")]
    assert "'400.01' was read" in answer.json()["errors"][0]["detail"]


def test_the_same_file_under_two_numbers_is_noticed(own: HttpTreasury) -> None:
    pro_code = project(own)
    content = csv_of(line(pro_code, 1))
    first, second = own.number("ES"), own.number("ES")
    alone = own.ok(send(own, content, first))
    assert "same_file_draft_nos" not in alone
    again = send(own, content, first)
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", alone)
    assert own.ok(send(own, content, second))["same_file_draft_nos"] == [first]
    shown = own.ok(own.get(f"…/budget-drafts/{first}"))
    assert shown["same_file_draft_nos"] == [second]
    other = send(own, csv_of(line(pro_code, 1, "2.00")), first)
    assert (other.status_code, code_of(other)) == (422, "idempotency_conflict")


def test_a_person_sends_it_from_the_command_line(own: HttpTreasury, tmp_path: Path) -> None:
    pro_code, draft_no = project(own), own.number("ES")
    file = tmp_path / "一上.csv"
    environment = clean_environment(
        GUOKU_DATA=str(tmp_path), GUOKU_URL=str(own.client.base_url), GUOKU_TOKEN=own.tokens["unit"]
    )
    asked = ("budget", "upload", str(file), "--ledger", own.ledger, "--draft-no", draft_no,
             "--agency-code", SCHOOL, "--round", "1", "--submit")  # fmt: skip
    file.write_bytes(csv_of(line(pro_code, 1), line(pro_code, 2, "壹元")))
    refused = run(*asked, environment=environment)
    assert refused.returncode == 1
    assert "line 3 amt" in refused.stderr
    assert "'壹元' was read" in refused.stderr
    file.write_bytes(csv_of(line(pro_code, 1), line(pro_code, 2)))
    done = run(*asked, environment=environment)
    assert done.returncode == 0, done.stderr
    assert own.ok(own.get(f"…/budget-drafts/{draft_no}"))["state"] == "submitted"


def test_a_dry_run_looks_and_keeps_nothing(own: HttpTreasury) -> None:
    pro_code = project(own)
    draft_no = own.number("ES")
    looked = own.ok(send(own, csv_of(line(pro_code, 1)), draft_no, dry_run="true"))
    assert looked["rows_count"] == 1
    assert own.get(f"…/budget-drafts/{draft_no}", person="unit").status_code == 404


def test_a_unit_sends_its_own(own: HttpTreasury) -> None:
    content = csv_of(line(project(own), 1))
    assert code_of(send(own, content, person="other_unit")) == "forbidden"
    for name, value in (("round", "3"), ("agency_code", "")):
        answer = send(own, content, **{name: value})
        assert (code_of(answer), answer.json()["pointer"]) == ("malformed", f"/{name}")
    assert code_of(send(own, b"")) == "malformed"


def test_twenty_thousand_rows_are_one_draft(own: HttpTreasury) -> None:
    pro_code = project(own, "20000.00")
    draft = own.ok(send(own, csv_of(*(line(pro_code, n) for n in range(20_000)))))
    assert (draft["rows_count"], draft["amt"]) == (20_000, "20000.00")
    submitted = own.ok(own.post(f"…/budget-drafts/{draft['draft_no']}/submit", person="unit"))
    assert submitted["state"] == "submitted"
