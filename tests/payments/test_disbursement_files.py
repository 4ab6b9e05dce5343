"""Files of lines: what is read, what is refused with which line, and the digest over them."""

# ruff: noqa: F401, F811  (pytest finds the fixture `http` by its import)

import gzip
import io
import json
import zipfile
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.files.checking import ERRORS_SHOWN_MAX, FileErrors
from ledger.files.columns import Row
from ledger.gm import sm3
from payments.disbursement import loading, validation
from payments.disbursement.lines import StoredLine, parse_line
from payments.disbursement.validation import FIELDS, checked
from tests.support.disbursement_runs import HEADER, HttpRun, account, csv_of, row
from tests.support.http_server import HttpTreasury, http
from tests.support.workbooks import workbook_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NDJSON = "application/x-ndjson"


def as_json(*rows: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(r, ensure_ascii=False) for r in rows).encode()


def line(number: int, **changed: Any) -> dict[str, Any]:
    names = HEADER.split(",")
    return dict(zip(names, row(number).split(","), strict=True)) | changed


def errors_of(
    http: HttpTreasury, content: bytes, media: str = "text/csv"
) -> list[tuple[int, str, str]]:
    """(line, column, code) of the report; nothing may have been loaded."""
    run = HttpRun(http)
    answer = run.load(content, media)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["code"] == "details_mismatch"
    assert run.show()["status"] == "opened"
    assert problem["error_count"] >= len(problem["errors"])
    return [(e["line"], e["column"], e["code"]) for e in problem["errors"]]


# ---- what is read


def test_every_form_of_a_file_gives_the_same_lines(http: HttpTreasury) -> None:
    lines = [line(n) for n in range(1, 4)]
    text = "\n".join([HEADER, *(row(n) for n in range(1, 4))])
    chinese = text.replace(
        HEADER, "支付明细主键,收款人全称,收款人账号,收款人开户银行,支付金额,备注"
    )
    amounts = [tuple(10 if k == "pay_amt" else v for k, v in given.items()) for given in lines]
    forms = {
        "utf-8": (text.encode(), "text/csv"),
        "utf-8 with a mark": (text.encode("utf-8-sig"), "text/csv"),
        "gbk": (text.encode("gbk"), "text/csv"),
        "gbk, said": (text.encode("gbk"), "text/csv; charset=gbk"),
        "crlf": (text.replace("\n", "\r\n").encode(), "text/csv"),
        "titles": (chinese.encode("gbk"), "text/csv"),
        "xlsx": (workbook_of(tuple(lines[0]), *(tuple(given.values()) for given in lines)), XLSX),
        "xlsx, amounts as numbers": (workbook_of(tuple(lines[0]), *amounts), XLSX),
        "xlsx by its content": (workbook_of(tuple(lines[0]), *amounts), "application/octet-stream"),
        "ndjson by its content": (as_json(*lines), ""),
    }
    details = []
    for form, (content, media) in forms.items():
        run = HttpRun(http)
        loaded = run.load(content, media)
        assert loaded.is_success, (form, loaded.text)
        page = http.ok(http.get(f"{run.path}/results"))
        names = ("pay_detail_id", "payee_acct_name", "payee_acct_no", "pay_amt", "outcome")
        details.append([[item[name] for name in names] for item in page["items"]])
    assert details == [details[0]] * len(forms)
    assert details[0][1] == ["D2", "收款人2", account(2), "10.00", "pending"]


def test_lines_without_ids_are_numbered_and_empty_ones_passed_over(http: HttpTreasury) -> None:
    run = HttpRun(http)
    content = (
        "payee_acct_name,payee_acct_no,payee_acct_bank_name,pay_amt\n"
        '"张三\t",6222000000000000001,样例银行,1.00\n\n'
        '"A, ""B"" \\N公司", 6222000000000000002 ,样例银行,2.00\n'
    )
    loaded = http.ok(run.load(content.encode()))
    assert (loaded["line_count"], loaded["pay_amt"]) == (2, "3.00")
    items = http.ok(http.get(f"{run.path}/results"))["items"]
    shown = [
        (i["line_no"], i["file_line"], i["pay_detail_id"], i["payee_acct_name"]) for i in items
    ]
    assert shown == [(1, 2, "1", "张三"), (2, 4, "2", 'A, "B" \\N公司')]
    assert items[1]["payee_acct_no"] == "6222000000000000002"


def test_the_digest_is_what_the_documentation_says(http: HttpTreasury) -> None:
    """An auditor's way: from the table, by the documented encoding, to what the events hold."""
    run = HttpRun(http)
    loaded = http.ok(run.load(csv_of(1000).replace("收款人7,".encode(), "收款人\\7,".encode())))
    with http.treasury.pool.connection() as connection:
        rows = connection.execute(
            "SELECT line_no, file_line, pay_detail_id, payee_acct_name, payee_acct_no,"
            " payee_acct_bank_name, payee_bank_no, pay_fen, iden_no, remark"
            " FROM disbursement_lines WHERE run_no = %s ORDER BY line_no",
            (run.run_no,),
        ).fetchall()
    texts = ["\t".join(str(v).replace("\\", "\\\\") for v in r) + "\n" for r in rows]
    pages = b"".join(
        sm3("".join(texts[start : start + 499]).encode()) for start in range(0, 1000, 499)
    )
    name = run.run_no.encode()
    head = (
        b"guoku.disbursement.1\0"
        + (4400000002026).to_bytes(8, "big")
        + len(name).to_bytes(2, "big")
        + name
        + (1000).to_bytes(8, "big")
    )
    assert loaded["lines_sm3"] == sm3(head + pages).hex()
    assert (
        loaded["file_sm3"]
        == sm3(csv_of(1000).replace("收款人7,".encode(), "收款人\\7,".encode())).hex()
    )


def test_suspected_doubles_are_told_and_not_refused(http: HttpTreasury) -> None:
    run = HttpRun(http)
    dashed = account(1).replace("6222", "6222-", 1)
    rows = [row(1), row(2), row(3, payee_account=dashed), row(4, payee_account="nra123456")]
    rows.append(row(5, payee_account="NRA123456"))
    loaded = http.ok(run.load("\n".join([HEADER, *rows, ""]).encode()))
    assert loaded["suspect_count"] == 2
    pairs = [(pair["first_line"], pair["last_line"]) for pair in loaded["suspects"]]
    assert pairs == [(2, 4), (5, 6)]


# ---- what is refused


def test_the_report_names_every_wrong_line(http: HttpTreasury) -> None:
    rows = [row(n) for n in range(1, 13)]
    rows[1] = row(2, amount="1.5")
    rows[2] = row(3, amount="-1.00")
    rows[3] = row(4).replace("收款人4", "𠮷田")
    rows[4] = row(5).replace(account(5), "")
    rows[5] = row(6).replace(account(6), "6" * 41) + ",,,,x"
    rows[6] = row(7).replace("收款人7", "长" * 301).replace("10.00", "ten")
    rows[8] = row(1)
    rows[10] = row(1)
    content = "\n".join([HEADER, *rows, ""]).encode()
    assert errors_of(http, content) == [
        (3, "pay_amt", "invalid_amount"),
        (4, "pay_amt", "invalid_amount"),
        (5, "payee_acct_name", "malformed"),
        (6, "payee_acct_no", "malformed"),
        (7, "", "malformed"),
        (8, "payee_acct_name", "malformed"),
        (8, "pay_amt", "invalid_amount"),
        (10, "pay_detail_id", "details_mismatch"),
        (12, "pay_detail_id", "details_mismatch"),
    ]


def test_the_report_is_bounded_and_counts_all(http: HttpTreasury) -> None:
    content = "\n".join([HEADER, *(row(n, amount="0.00") for n in range(1, 1502)), row(1)]).encode()
    problem = HttpRun(http).load(content).json()
    assert (problem["error_count"], problem["line_count"]) == (1502, 1502)
    assert len(problem["errors"]) == ERRORS_SHOWN_MAX
    refused = http.ok(http.get("…/refusals", page_size="1000"))["items"][-1]
    assert refused["operation"] == "disbursement.load"
    assert "1502 errors" in refused["detail"]


def test_wrong_lines_of_other_forms_are_named_too(http: HttpTreasury) -> None:
    lines = as_json(line(1), line(2, pay_amt=10), line(3, unknown="x")) + b"\n{\n[]"
    assert [error[:2] for error in errors_of(http, lines, NDJSON)] == [
        (n, "") for n in (2, 3, 4, 5)
    ]
    header = tuple(line(1))
    typed = line(2, payee_acct_no=6222000000000000009)
    third = line(3, pay_amt=10.005)
    book = workbook_of(header, *(tuple(given.values()) for given in (line(1), typed, third)))
    found = errors_of(http, book, XLSX)
    assert found == [(3, "payee_acct_no", "malformed"), (4, "pay_amt", "invalid_amount")]


@pytest.mark.parametrize(
    ("content", "media", "code"),
    [
        (b"", "text/csv", "malformed"),
        (HEADER.encode(), "text/csv", "malformed"),
        (b"payee_acct_name,pay_amt\nx,1.00\n", "text/csv", "malformed"),
        (HEADER.encode() + b",unknown\n", "text/csv", "malformed"),
        (HEADER.encode() + b",pay_amt\n", "text/csv", "malformed"),
        (HEADER.encode() + b"\n\xff\xff\xff,", "text/csv", "malformed"),
        (csv_of(1), "text/csv; charset=utf-16", "malformed"),
        (HEADER.encode() + b'\n"a,b,c', "text/csv", "malformed"),
        (b"PK\x03\x04broken", XLSX, "malformed"),
        (b"{" + b" " * 70_000 + b"}", NDJSON, "malformed"),
        (HEADER.encode() + b"\n" + b"x" * 3_000_000, "text/csv", "malformed"),
        (gzip.compress(csv_of(100))[:-20], "text/csv", "malformed"),
        (gzip.compress(bytes(100_000_000)), "", "malformed"),
        (
            workbook_of(tuple(line(1)), *(tuple(line(n).values()) for n in range(99)))[:-999],
            XLSX,
            "malformed",
        ),
    ],
)
def test_what_is_no_such_file_is_malformed(
    http: HttpTreasury, content: bytes, media: str, code: str
) -> None:
    answer = HttpRun(http).load(content, media)
    assert answer.json()["code"] == code, answer.text


def test_an_entity_bomb_in_a_spreadsheet_does_not_go_off(http: HttpTreasury) -> None:
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20 if n else "x" * 1000}">' for n in range(12))
    parts = {}
    with zipfile.ZipFile(io.BytesIO(workbook_of(tuple(line(1)), tuple(line(1).values())))) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].replace(b"D1", b"&a11;", 1)
    head, _, rest = sheet.partition(b"<worksheet")
    parts["xl/worksheets/sheet1.xml"] = (
        head + f"<!DOCTYPE worksheet [{bomb}]>".encode() + b"<worksheet" + rest
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    answer = HttpRun(http).load(file.getvalue(), XLSX)
    assert answer.json()["code"] in ("malformed", "details_mismatch"), answer.text


@pytest.mark.parametrize("text", ["=1+1", "+86", "@SUM(A1)", "-2+3", "=cmd|'/C calc'!A0"])
def test_what_a_spreadsheet_would_carry_out_is_refused(http: HttpTreasury, text: str) -> None:
    rows = [row(1), row(2).replace("收款人2", text), row(3).replace("三月", text)]
    content = "\n".join([HEADER, *rows, ""]).encode()
    assert errors_of(http, content) == [
        (3, "payee_acct_name", "malformed"),
        (4, "remark", "malformed"),
    ]
    dash = "\n".join([HEADER, row(1).replace("三月", "-"), ""]).encode()
    assert HttpRun(http).load(dash).is_success


NO_ACCOUNTS = ["6.222E+18", "#N/A", "-", "nan", "６２２２００１", "'62220000001", "62220000.0"]


@pytest.mark.parametrize("text", NO_ACCOUNTS)
def test_what_is_no_account_is_named_with_its_line_in_every_form(
    http: HttpTreasury, text: str
) -> None:
    """Each of these was loaded, approved and sent to the bank."""
    wrong = line(2, payee_acct_no=text)
    csv_file = "\n".join([HEADER, row(1), row(2, payee_account=text), ""]).encode()
    book = workbook_of(tuple(wrong), tuple(line(1).values()), tuple(wrong.values()))
    found = [(3, "payee_acct_no", "malformed")]
    assert errors_of(http, csv_file) == found
    assert errors_of(http, book, XLSX) == found
    assert errors_of(http, as_json(line(1), wrong), NDJSON) == [(2, "payee_acct_no", "malformed")]


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "'张三", "#name?"])
def test_what_a_spreadsheet_wrote_instead_of_a_name_is_no_name(
    http: HttpTreasury, text: str
) -> None:
    content = "\n".join([HEADER, row(1).replace("收款人1", text), ""]).encode()
    assert errors_of(http, content) == [(2, "payee_acct_name", "malformed")]


def test_a_run_has_a_bound(http: HttpTreasury, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "LINES_MAX", 3)
    assert HttpRun(http).load(csv_of(3)).is_success
    assert HttpRun(http).load(csv_of(4)).json()["code"] == "too_many_items"


# ---- the short way to sound is no other rule

hostile = st.text(alphabet=st.sampled_from("张三ab1 \t\n\\|𠮷\u3000\x00é\u2028/."), max_size=6)


@given(st.tuples(*[hostile] * 5, st.sampled_from(["1.00", "0.00", "x"]), hostile, hostile))
def test_the_short_way_accepts_nothing_that_the_rules_refuse(texts: tuple[str, ...]) -> None:
    if validation._plainly_sound(texts):
        others = [name for name in FIELDS if name != "pay_amt"]
        given = dict(zip(FIELDS, texts, strict=True))
        assert [validation._problem(name, given[name]) for name in others] == [None] * 7


@given(st.tuples(*[hostile] * 5, st.just("1.00"), hostile, hostile))
def test_a_sound_line_survives_its_canonical_form(texts: tuple[str, ...]) -> None:
    found = checked(Row(2, list(texts)), 1, FileErrors())
    if found is not None:
        assert parse_line(found.canonical()) == found
        assert found.canonical().count(b"\n") == 1
        assert isinstance(found, StoredLine)
