"""What an e-voucher costs: `python -m pytest bench/micro_evoucher.py --benchmark-only`.

One voucher is built and wrapped, and its receipt read, for every payment: 430,000 of them in the
first year of a province. The figures in docs/evoucher.md come from here.
"""

import datetime as dt

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from payments.messages import receipt_5214
from payments.messages import voucher_5214 as v5214
from payments.messages.envelope import VoucherBody, VoucherSignature, build_envelope, parse_envelope
from payments.messages.receipt_5214 import DetailOutcome, VoucherOutcome
from payments.messages.voucher_5214 import Detail5214, Voucher5214

LINE_FEN = 123_456


def _voucher(lines: int) -> Voucher5214:
    return Voucher5214(
        id="0197e0d2-6a51-7c3e-8f00-000000000001",
        adm_div_code="440000",
        st_year=2026,
        vou_date=dt.date(2026, 3, 2),
        voucher_no="W002626000001",
        bill_no="SQ-440000-20260302-00001",
        fund_type_code="111",
        fund_type_name="一般公共预算资金",
        bgt_type_code="21",
        bgt_type_name="当年预算",
        pay_type_code="1",
        pay_type_name="国库集中支付",
        agency_code="101001",
        agency_name="甲单位",
        sup_dep_name="甲部门",
        exp_func_code="2010101",
        exp_func_name="行政运行",
        gov_exp_eco_code="50201",
        gov_exp_eco_name="办公经费",
        dep_exp_eco_code="30201",
        dep_exp_eco_name="办公费",
        dep_pro_code="440000260000000000001",
        dep_pro_name="公用经费",
        set_mode_code="1",
        set_mode_name="电子转账支付",
        pay_bank_code="102",
        pay_bank_name="某代理银行",
        pay_acct_no="0200000000000000001",
        pay_acct_name="甲单位零余额账户",
        pay_acct_bank_name="某代理银行营业部",
        payee_acct_no="6200000000000000001",
        payee_acct_name="乙文具有限公司",
        payee_acct_bank_name="某商业银行一支行",
        pay_summary_name="购办公用品",
        pay_amt=LINE_FEN * lines,
        business_type_code="1",
        business_type_name="普通业务",
        details=tuple(
            Detail5214(
                id=f"{i:08d}",
                voucher_detail_no=f"SQ-440000-20260302-00001-{i}",
                payee_acct_no=f"62000000000{i:08d}",
                payee_acct_name="乙文具有限公司",
                payee_acct_bank_name="某商业银行一支行",
                pay_amt=LINE_FEN,
                remark="购办公用品",
            )
            for i in range(lines)
        ),
    )


def _receipt(lines: int) -> bytes:
    voucher = _voucher(lines)
    outcome = VoucherOutcome(
        x_pay_date=dt.date(2026, 3, 2),
        x_agent_business_no="20260302000000001",
        details=tuple(DetailOutcome(id=d.id, x_pay_amt=d.pay_amt) for d in voucher.details),
    )
    return receipt_5214.fill_receipt(v5214.build(voucher), outcome)


def _body(voucher: bytes) -> VoucherBody:
    signature = VoucherSignature(no="treasury", sn="0123456789ABCDEF", value=bytes(range(71)))
    return VoucherBody(
        adm_div_code="440000",
        st_year=2026,
        vt_code="5214",
        voucher_no="W002626000001",
        voucher_flag=0,
        voucher=voucher,
        signatures=(signature,),
    )


@pytest.mark.parametrize("lines", [1, 499])
def test_build(benchmark: BenchmarkFixture, lines: int) -> None:
    voucher = _voucher(lines)
    assert benchmark(v5214.build, voucher).endswith(b"</Voucher>")


@pytest.mark.parametrize("lines", [1, 499])
def test_parse_receipt(benchmark: BenchmarkFixture, lines: int) -> None:
    receipt = _receipt(lines)
    assert benchmark(receipt_5214.parse_receipt, receipt).x_pay_amt == LINE_FEN * lines


@pytest.mark.parametrize("lines", [1, 499])
def test_parse(benchmark: BenchmarkFixture, lines: int) -> None:
    voucher = _voucher(lines)
    data = v5214.build(voucher)
    assert benchmark(v5214.parse, data) == voucher


def test_build_envelope(benchmark: BenchmarkFixture) -> None:
    body = _body(v5214.build(_voucher(1)))
    assert benchmark(build_envelope, [body]).endswith(b"</MOF>")


def test_parse_envelope(benchmark: BenchmarkFixture) -> None:
    body = _body(v5214.build(_voucher(1)))
    assert benchmark(parse_envelope, build_envelope([body])) == [body]
