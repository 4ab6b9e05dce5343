"""Rows of registers and totals, known at the end; see ``projections.exchange.subject``."""

from projections.exchange.subject import BASIC, FINAL, PROJECT, Fen, Subject


class ExportedLedger(Subject):
    """The ledger 账套 itself."""

    XML, ELEMENT = BASIC, "ACCT_SET"
    acct_set_code: str
    acct_set_name: str
    mof_div_name: str
    from_position: int
    to_position: int
    chain: str


class ExportedAgency(Subject):
    """Units 单位 that indicators were issued to."""

    XML, ELEMENT = BASIC, "AGENCY"
    KEY = ("agency_code",)
    agency_code: str
    agency_name: str


class ExportedElement(Subject):
    """Codes of elements 要素代码 with their names when they were used."""

    XML, ELEMENT = BASIC, "ELE_UNION"
    KEY = ("ele_catalog_code", "ele_code")
    ele_catalog_code: str
    ele_code: str
    ele_name: str


class ExportedAccount(Subject):
    """Accounts 会计科目 of the charts that entries were made by; `dr_cr` is the normal side."""

    XML, ELEMENT = BASIC, "ACCT_CLS"
    rule: str
    book: str
    book_name: str
    account: str
    acct_cls_code: str
    acct_cls_name: str
    dr_cr: int


class ExportedProject(Subject):
    """Projects 项目 that indicators were issued for."""

    XML, ELEMENT = PROJECT, "PM_PROJECT_INFO"
    KEY = ("pro_code", "agency_code")
    pro_code: str
    pro_name: str
    agency_code: str


class ExportedExecution(Subject):
    """Execution 预算执行 of each indicator at the end of the export."""

    XML, ELEMENT = FINAL, "BGT_EXECUTION"
    KEY = ("bgt_id",)
    bgt_id: str
    agency_code: str
    pro_code: str
    exp_func_code: str
    gov_bgt_eco_code: str
    fund_type_code: str
    amount: Fen
    pay_app_amt: Fen
    pay_amt: Fen
    canuse_amt: Fen


class ExportedAccountBalance(Subject):
    """Turnover 发生额 of each account in each accounting period, by business date."""

    XML, ELEMENT = FINAL, "ACCT_BALANCE"
    acct_period: str
    book: str
    account: str
    acct_cls_code: str
    acct_cls_name: str
    dr_amt: Fen
    cr_amt: Fen
