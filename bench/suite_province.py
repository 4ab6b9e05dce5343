"""province: what a query over all divisions of a province costs, rows held back by the database.

Seven ledgers hold rows of payments as a projector leaves them, put in by SQL: it is the reading
that is measured. Each query is asked as the API asks it, by somebody who sees all of it, by
somebody who sees a city, and by a unit; beside it stands the same sum without row security.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import psycopg

from bench.measure import Record, Scale, SuiteResult, Tell
from bench.server import checkpoint, new_database
from ledger.account_set import ledger_id
from ledger.postgres.embedded import EmbeddedPostgres
from projections.province.execution import execution
from projections.province.lists import PAYMENTS, ListQuery
from projections.province.sight import Sight

PAYMENTS_OF_ALL = 430_500
READS = 40
YEAR = 2026
DIVISIONS = (
    *("440000000", "440100000", "440200000", "440103000", "440104000", "440203000"),
    "450100000",
)
BARE = "sum of all, without row security"
TIMED = {
    "sum and page": "PAYMENTS.page and PAYMENTS.total, as /v1/province/payments?with_total=true",
    "execution": "projections.province.execution.execution by division",
    BARE: "one statement on proj_payments: count and sum by state",
}
_POSITION = """
INSERT INTO proj_positions (ledger_id, projection, generation, version, live, position)
SELECT %(key)s, name, 1, 1, true, 1000000 FROM unnest(ARRAY['payments', 'indicators']) name"""
_PAYMENTS = """
INSERT INTO proj_payments (ledger_id, generation, pay_app_no, bgt_id, agency_code, pro_code,
    exp_func_code, gov_bgt_eco_code, dep_bgt_eco_code, fund_type_code, status, pay_fen, xpay_fen,
    refund_fen, payee_acct_name, payee_acct_no, payee_acct_bank_name, details, use_des,
    pay_cert_no, pay_bank_code, effective_on, applied_position, receipt_position, last_position,
    claimable_on, clear_no, claim_no)
SELECT %(key)s, 1, 'SQ-' || i, 'ZB-' || i %% 400, (101 + i %% 50)::text || '001',
    '440000260000000000001', '2010102', '50201', '30201',
    CASE WHEN i %% 9 = 0 THEN '121' ELSE '111' END, CASE WHEN i %% 20 = 0 THEN 'sent' ELSE 'paid'
    END, 100 * i, 100 * i, 0, '广州样例办公用品有限公司', '62220000000' || i, '样例银行广州分行',
    0, '办公用品', 'PZ-' || i, '102', date '2026-01-05' + (i * 350 / %(count)s), 7 * i, 7 * i + 3,
    7 * i + 3, NULL, 'QS-' || i / 1000, ''
FROM generate_series(1, %(count)s) i"""
_INDICATORS = """
INSERT INTO proj_indicators (ledger_id, generation, bgt_id, agency_code, agency_name, pro_code,
    pro_name, exp_func_code, exp_func_name, gov_bgt_eco_code, gov_bgt_eco_name, dep_bgt_eco_code,
    dep_bgt_eco_name, fund_type_code, fund_type_name, bgt_type_code, bgt_type_name,
    is_contrlbyplan, bgt_exe_flag, effective_on, amount_fen, frozen_fen, pay_app_fen, pay_fen,
    canuse_fen, plan_fen, plan_canuse_fen, issued_position, last_position)
SELECT %(key)s, 1, 'ZB-' || i, (101 + i %% 50)::text || '001', '样例单位', '440000260000000000001',
    '项目', '2010102', '', '50201', '', '30201', '', '111', '', '21', '', false, 1, '2026-01-05',
    100000, 0, 0, 40000, 60000, 0, 0, i, i
FROM generate_series(1, %(count)s) i"""
_SUM = "SELECT ledger_id, status, count(*), sum(pay_fen) FROM proj_payments GROUP BY 1, 2"

SEEN_BY = {
    "all divisions": Sight(""),
    "a city": Sight("4401"),
    "a unit": Sight("44", ("101", "102")),
}


def run(server: EmbeddedPostgres, scale: Scale, tell: Tell) -> SuiteResult:
    """Measures; see the module."""
    record = Record(tell)
    record.timed.update(TIMED)
    database = new_database(server, "province")
    payments = scale.count(PAYMENTS_OF_ALL)
    with psycopg.connect(database.owner_conninfo, autocommit=True) as owner:
        began = perf_counter()
        for division in DIVISIONS:
            tell(f"rows of {division}")
            key, count = ledger_id(division, YEAR), max(1, payments // len(DIVISIONS))
            owner.execute(_POSITION, {"key": key})
            owner.execute(_PAYMENTS, {"key": key, "count": count})
            owner.execute(_INDICATORS, {"key": key, "count": max(50, count // 150)})
        owner.execute("VACUUM ANALYZE proj_payments, proj_indicators")
        record.rate("rows put in", perf_counter() - began, rows=payments)
    checkpoint(server)
    with psycopg.connect(database.app_conninfo) as connection:
        _measure(record, connection, scale)
    return record.result()


def _measure(record: Record, connection: psycopg.Connection, scale: Scale) -> None:
    for name, sight in SEEN_BY.items():
        asked = ListQuery(sight, YEAR, {})
        _read(record, scale, f"sum and page, {name}", _sum_and_page(connection, asked))
        _read(record, scale, f"execution, {name}", _execution(connection, sight))
    _read(record, scale, BARE, lambda: connection.execute(_SUM).fetchall())
    whole = record.percentile_ms("sum and page, all divisions", 0.5)
    record.ratio_of("province_sum_to_bare", whole / record.percentile_ms(BARE, 0.5))


def _sum_and_page(connection: psycopg.Connection, asked: ListQuery) -> Callable[[], Any]:
    def read() -> None:
        PAYMENTS.page(connection, asked, None, 100)
        PAYMENTS.total(connection, asked)

    return read


def _execution(connection: psycopg.Connection, sight: Sight) -> Callable[[], Any]:
    return lambda: execution(connection, sight, YEAR, "division")


def _read(record: Record, scale: Scale, name: str, read: Callable[[], Any]) -> None:
    record.tell(name)
    waits_s = []
    for _ in range(scale.count(READS)):
        began = perf_counter()
        read()
        waits_s.append(perf_counter() - began)
    record.waits(name, waits_s)
