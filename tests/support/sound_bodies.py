"""The least that each act over HTTP takes that is not malformed: of things that are not there."""

from typing import Any

from tests.api.test_http_base_data import ACCOUNT, OUTPUT, PAYEE, PEOPLE, STANDARD

PUBLIC_KEY = (  # the base point of the curve is on it
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
SOUND: dict[str, Any] = {
    "ledger.open": {"mof_div_code": "440000000", "fiscal_year": 2026, "name": "省本级"},
    "signature_policy.set": {"roles": ["treasury"]},
    "approval_policy.set": {"period.close": []},
    "plan_policy.set": {"plan_control": "monthly"},
    "period.close": {"through": "2020-01-31"},
    "period.reopen": {"from": "2020-01", "reason": "x"},
    "year_end.carry_over": {
        "carry_no": "none",
        "items": [{"bgt_id": "none", "take_back_amt": "1.00"}],
    },
    "document.return": {"reason": "x"},
    "document.approve.batch": {"documents": [{"kind": "period.close", "number": "none"}]},
    "payment.approve.batch": {"pay_app_nos": ["x"]},
    "payment.reject": {"reason": "x"},
    "payment.release": {"reason": "x"},
    "monitor_rules.set": {"fiscal_year": 2026, "rules": []},
    "payment.void": {"reason": "x"},
    "payment.recall": {"reason": "x"},
    "payment.refund": {"refund_no": "R", "refund_amt": "1.00", "reason": "x"},
    "payment.refund.batch": {
        "pay_app_no": "none",
        "refund_no": "R",
        "refund_amt": "1.00",
        "reason": "x",
    },
    "correction.apply": {
        "cor_no": "G",
        "pay_app_no": "none",
        "to_bgt_id": "none",
        "amt": "1.00",
        "reason": "x",
    },
    "correction.tell": {"tell_no": "G-A"},
    "suspense.resolve": {"pay_app_no": "none"},
    "clearing.request": {"clear_no": "C", "clear_date": "2026-01-01", "pay_bank_code": "102"},
    "clearing.request.batch": {"clear_no": "C", "clear_date": "2026-01-01", "pay_bank_code": "102"},
    "disbursement.open": {"run_no": "none", "bgt_id": "none", "title": "x"},
    "disbursement.approve": {"lines_sm3": "x"},
    "division.open": {"mof_div_code": "440000000", "name": "广东省", "tier_code": "2"},
    "person.register": {"principal": "none", "roles": ["ops"]},
    "person.set_rights": {"roles": ["ops"]},
    "token.issue": {"token_sm3": "a" * 64, "roles": ["ops"]},
}
SOUND |= {
    f"division.{each}": SOUND[each]
    for each in ("approval_policy.set", "document.return", "document.approve.batch")
}
OFFICIAL_CARD = {
    "card_no": "6282880000000000018",
    "agency_code": "101001",
    "holder_name": "x",
    "card_bank_name": "x",
}
AGENCY = {"agency_code": "101001", "agency_name": "样例学校", "agency_type_code": "3"}
CHANNEL = {"url": "http://127.0.0.1:1", "cert_serial": "b" * 32, "start_date": "2026-03-02"}
SOUND |= {
    "bank.appoint": {"pay_bank_code": "199", "name": "银行", **CHANNEL},
    "bank.change": {"start_date": "2026-03-02"},
    "bank.end": {"end_date": "2026-03-02"},
    "agency.register": AGENCY,
    "agency.register.batch": AGENCY,
    "agency.change": {"end_date": "2026-03-02"},
    **{
        f"{each}.change": {"end_date": "2026-03-02"}
        for each in ("account", "payee", "card", "standard", "staff")
    },
    "account.register": ACCOUNT,
    "account.register.batch": ACCOUNT,
    "payee.register": PAYEE,
    "payee.register.batch": PAYEE,
    "card.register": OFFICIAL_CARD,
    "card.register.batch": OFFICIAL_CARD,
    "standard.register": STANDARD,
    "standard.register.batch": STANDARD,
    "staff.register": PEOPLE,
    "staff.register.batch": PEOPLE,
    "calendar.set": {"days": [{"date": "2026-10-01", "is_workday": False}]},
    "performance_indicators.set": {"indicators": [OUTPUT]},
    "certificate.register": {
        "principal": "none",
        "public_key": PUBLIC_KEY,
        "valid_from": "2026-03-02",
        "valid_until": "2027-03-01",
    },
}
SOUND["opening.load"] = {
    "book": "treasury_financial",
    "rows": [{"acct_cls_id": "B0", "dr_cr": 1, "amt": "1.00"}],
}
SOUND["income.load"] = {
    "report_no": "none",
    "report_date": "2026-01-15",
    "tre_code": "4400000000",
    "lines": [{"inc_sort_code": "999", "fund_type_code": "111", "amt": "1.00"}],
}
SOUND["voucher.enter"] = {
    "voucher_no": "none",
    "agency_code": "101001",
    "acct_period": "2026-01",
    "voucher_abs": "x",
    "lines": [{"acct_cls_id": "D0", "dr_cr": 1, "amt": "1.00"}],
}
SOUND["installation.register"] = {
    "division": "4401",
    "name": "市级系统",
    "url": "https://city.example",
}
SOUND["installation.change"] = {"change_no": "none", "name": "x", "url": "https://city.example"}
SOUND["installation.end"] = {"change_no": "none"}
SOUND["webhook.register"] = {"url": "https://receiver.example/in", "types": ["*"]}
SOUND["webhook.replay"] = {"ledger": "440000000-2026", "from_position": 1}
SOUND["voucher.reverse"] = {"reason": "x"}
SOUND["voucher.sign.submit"] = {"items": [{"pay_app_no": "x", "signature": ""}]}
SOUND["correction.balance"] = {"reason": "x"}
SOUND["reconciliation.compare"] = {"compare_no": "none"}
SOUND["reconciliation.confirm"] = {"reason": "x"}
SOUND["reconciliation_policy.set"] = {"required": []}
SOUND["clearing_policy.set"] = {"claimed_by": "treasury"}
SOUND["clearing.return_claim"] = {"reason": "x"}
SOUND["special_income.load"] = {
    "report_no": "none",
    "report_date": "2026-01-15",
    "acct_no": "4400100000003101",
    "lines": [{"inc_sort_code": "999", "fund_type_code": "2", "amt": "1.00"}],
}
SOUND["correction.special_income"] = {
    "correct_no": "none",
    "reason": "x",
    "lines": [{"inc_sort_code": "999", "fund_type_code": "2", "amt": "1.00"}],
}
SOUND["correction.income"] = {"correct_no": "none", "reason": "x", "lines": []}
SOUND["cash_policy.set"] = {"cash_control": True}
SOUND["advance_policy.set"] = {"limit_amt": "1.00"}
SOUND["advance.pay"] = {
    "adv_no": "none",
    "acct_cls_code": "B0",
    "object": "x",
    "amt": "1.00",
    **{name: text for name, text in PAYEE.items() if name.startswith("payee_acct")},
}
INCOME = {"inc_sort_code": "10101", "fund_type_code": "111", "amt": "1.00", "reason": "x"}
SOUND["income.refund"] = {
    "inc_refund_no": "none",
    **INCOME,
    **{name: text for name, text in PAYEE.items() if name.startswith("payee_acct")},
}
SOUND["correction.income_codes"] = {
    "inc_cor_no": "none",
    **INCOME,
    "to_inc_sort_code": "10305",
    "to_fund_type_code": "111",
}
SOUND["allocation.order"] = {
    "alloc_no": "none",
    "bgt_id": "none",
    "amt": "1.00",
    **{name: text for name, text in PAYEE.items() if name.startswith("payee_acct")},
}
SOUND["placement.order"] = {
    "place_no": "none",
    "fund_type_code": "1",
    "amt": "1.00",
    "int_rate": "1",
    "due_on": "2027-01-15",
    **{name: text for name, text in PAYEE.items() if name.startswith("payee_acct")},
}
SOUND["debt_limit.set"] = {
    "debt_limit_no": "none",
    "general_amt": "0.00",
    "special_amt": "0.00",
    "approval_doc_no": "x",
}
SOUND["bond.register"] = {
    "bond_code": "none",
    "bond_name": "x",
    "bond_type_code": "1",
    "principal_amt": "1.00",
    "int_rate": "1",
    "int_times": "1",
    "issue_date": "2026-01-15",
    "due_date": "2027-01-15",
}
SOUND["bond.issue"] = {"issue_no": "none", "amt": "1.00"}
SOUND["bond.accrue"] = {"int_accrual_no": "none", "amt": "1.00"}
SOUND["advance.to_expense"] = {"step_no": "none", "bgt_id": "none", "amt": "1.00"}
SOUND["advance.reverse"] = {"step_no": "none", "of_step_no": "none", "reason": "错列"}
SOUND["advance.recover"] = {"step_no": "none", "amt": "1.00"}
WAGES = {"bgt_id": "none", "sala_month": "2026-03"}
SOUND["wage_run.load"] = {
    "wage_run_no": "none",
    "sala_month": "2026-03",
    "wage_sala": "1.00",
    "total_ded": "0.00",
    "net_sala": "1.00",
    "lines": [
        {
            "agency_code": "101001",
            "bgt_id": "none",
            "iden_no": "11010519491231002X",
            "payee_acct_name": "x",
            "payee_acct_no": "6222000000000000001",
            "payee_acct_bank_name": "x",
            "wage_sala": "1.00",
            "net_sala": "1.00",
        }
    ],
}
SOUND["subsidy_list.load"] = {
    "subsidy_list_no": "none",
    "subsidy_code": "2-013",
    "pay_period": "2026-03",
    "bgt_id": "none",
    "subsidy_std_amt": "1.00",
    "pay_amt": "1.00",
    "lines": [
        {
            "iden_no": "11010519491231002X",
            "per_name": "x",
            "payee_acct_name": "x",
            "payee_acct_no": "6222000000000000001",
            "payee_acct_bank_name": "x",
            "quantity": "1",
            "pay_amt": "1.00",
        }
    ],
}
SOUND["transfer.issue"] = {
    "transfer_no": "none",
    "rec_div_code": "440100000",
    "bgt_doc_no": "none",
    "tp_func_code": "23003",
    "fund_type_code": "111",
    "amt": "1.00",
    "bgt_pman_id": "none",
}
SOUND["transfer.accept"] = {"rec_no": "none"}
SOUND["transfer.give_back"] = {"return_no": "none"}
_TIER = {"rec_div_code": "440100000", "amt": "1.00", "fund_type_code": "111"}
SOUND["transfer.dispatch"] = {"dispatch_no": "none", **_TIER}
SOUND["transfer.settle"] = {"settle_no": "none", **_TIER}
SOUND["transfer.reduce"] = {"reduce_no": "none", "amt": "1.00"}
SOUND["wage_run.disburse"] = {"bgt_id": "none"}
SOUND["wage.accrue"] = {"accrual_no": "none", "amt": "1.00", **WAGES}
SOUND["wage.withhold"] = {"withhold_no": "none", "income_tax_amt": "1.00", **WAGES}
