"""The register of MoF elements (要素): what a field may hold, and where it is entered.

一数之源: an element is entered in one place and referred to everywhere else. The register says its
Chinese name, length, shape (技术标准, 库表; domain 1.4, 1.5) and its one entry channel 录入渠道.
"""

import re
from datetime import date
from typing import ClassVar

from ledger.elements.element import OF_THE_ACT as OF_THE_ACT
from ledger.elements.element import Element as Element
from ledger.elements.element import code_element as _code
from ledger.elements.element import pattern_element as _pattern
from ledger.elements.shapes import ACCOUNT, ACCOUNT_FORM, AMOUNT, DAY, NAME, NUMBER, TEXT, YES_NO
from ledger.errors import Code, RequestError
from ledger.money import parse_yuan

# what an indicator is controlled by; a payment must bear the same
DIMENSIONS = (
    "agency_code", "pro_code", "exp_func_code",
    "gov_bgt_eco_code", "dep_bgt_eco_code", "fund_type_code",
)  # fmt: skip
# Elements whose codes are pairs of codes that go together, <one>-<other>, and of which elements.
ECO_PAIR = "gov_dep_eco"
FUND_PAIR = "fund_type_exp_func"
PAIRS = {
    ECO_PAIR: ("gov_bgt_eco_code", "dep_bgt_eco_code"),
    FUND_PAIR: ("fund_type_code", "exp_func_code"),
}

# fields that hold an element under another name
SAME_ELEMENT = {
    "of_step_no": "step_no",
    "to_bgt_id": "bgt_id",
    "from_bgt_id": "bgt_id",
    "from_bgt_pman_id": "bgt_pman_id",
    "to_bgt_pman_id": "bgt_pman_id",
    "standard_code": "std_code",
    "rec_div_code": "mof_div_code",
    "tp_func_code": "exp_func_code",
    "parent_perf_ind_code": "perf_ind_code",
    **{f"lv{level}_perf_ind_code": "perf_ind_code" for level in (1, 2, 3)},
}

_ISSUE, _ADJUST, _FREEZE, _PLAN = "指标下达", "指标调整调剂", "指标冻结解冻", "用款计划"
_APPLY, _REFUND, _CLEAR, _OPEN = "支付申请", "支付退款", "资金清算", "账套开立"
_POLICY, _DIVISION, _PERSON, _BANK = "签章策略", "区划建立", "人员权限", "代理银行委托"
_AGENCY, _ACCT, _RECEIVER, _STANDARD = "单位登记", "账户登记", "收款人登记", "支出标准登记"
_CARD, _PROJECT, _PROJECT_CHECK, _CEILING = "公务卡登记", "项目申报", "项目审核", "控制数下达"
_DRAFT, _APPROVE, _INCOME, _TRANSFER = "预算编报", "预算批复", "收入预算", "转移支付"
_ADJUST_BUDGET, _YEAR_END, _MONITOR, _PURCHASE = "预算调整调剂", "年终结转", "监控规则", "采购计划"
_CONTRACT, _OPENING, _INCOME_REPORT, _VOUCHER = "合同备案", "期初余额", "收入日报", "记账凭证"
_ADVANCE, _INCOME_ORDER, _CASH, _WAGES = "预拨暂付", "收入退库更正", "库款控制", "工资计提代扣"
_WAGE_RUN, _SUBSIDY, _CLEARING_POLICY = "工资统发", "补贴发放", "清算策略"
_BOND, _DEBT_LIMIT, _STAFF = "债券登记", "债务限额", "人员信息登记"
_PERFORMANCE = "绩效指标库"


_ELEMENTS = (
    _code("mof_div_code", "财政区划", 9, "[1-9][0-9]{8}", _OPEN),
    _pattern("fiscal_year", "预算年度", 4, "20[0-9]{2}", _OPEN),
    Element("name", "账套名称", 100, TEXT, _OPEN),
    _pattern("roles", "签章角色", 40, "[a-z][a-z_]*", _POLICY),
    _pattern("plan_control", "用款计划控制", 7, "total|monthly", _OPEN),
    Element("cash_control", "库款控制", 1, YES_NO, _CASH),
    _pattern("reserves", "库款保留额", 2, "1[123]", _CASH),
    _pattern("guarantees", "三保范围", 10, "livelihood|wages|operation", _CASH),
    _pattern("guarantee", "三保", 10, "livelihood|wages|operation", _CASH),
    _pattern("approval_policy", "审批策略", 40, "[a-z][a-z_]*", "审批策略"),
    _pattern("signing", "签章范围", 8, "voucher|manifest", _POLICY),
    _code("pay_bank_code", "代理银行", 12, "[0-9]{3,12}", _POLICY),
    # 基础信息
    _pattern("parent_div_code", "上级财政区划", 9, "[1-9][0-9]{8}", _DIVISION),
    _pattern("tier_code", "财政层级", 1, "[2-5]", _DIVISION),
    Element("principal", "登记人", 96, re.compile(r"[\w.@-]+"), _PERSON),
    _pattern("division", "权限区划", 9, "[0-9]*", _PERSON),
    _pattern("agency_prefixes", "权限单位", 21, "[0-9A-Za-z]+", _PERSON),
    _pattern("valid_until", "有效期至", 40, "[0-9T:.+-]+Z?", _PERSON),
    _pattern("token_sm3", "令牌摘要", 64, "[0-9a-f]{64}", _PERSON),
    _pattern("cert_serial", "证书序列号", 32, "[0-9a-f]{32}", _BANK),
    Element("url", "通道地址", 300, re.compile(r"https?://[!-~]+", re.ASCII), _BANK),
    _pattern("webhook_no", "推送地址编号", 64, "[0-9A-Za-z._-]+", "事件推送"),
    _pattern("types", "事件类型", 64, r"[a-z_]+(\.[a-z_]+)+|\*", "事件推送"),
    _pattern("start_date", "启用日期", 10, "[0-9]{4}-[0-9]{2}-[0-9]{2}", _BANK),
    _pattern("end_date", "停用日期", 10, "[0-9]{4}-[0-9]{2}-[0-9]{2}", _BANK),
    _code("agency_code", "单位", 21, "[0-9A-Za-z]{3,21}", _AGENCY),
    Element("agency_name", "单位名称", 300, TEXT, _AGENCY),
    _pattern("agency_type_code", "单位类型", 1, "[1-5]", _AGENCY),
    _pattern("parent_agency_code", "上级单位", 21, "[0-9A-Za-z]{3,21}", _AGENCY),
    _pattern("unifsoc_cred_code", "统一社会信用代码", 18, "[0-9A-HJ-NP-RTUW-Y]{18}", _AGENCY),
    _code("mof_dep_code", "财政内部机构", 6, "[0-9A-Za-z]{1,6}", _AGENCY),
    _pattern("successor_agency_code", "承接单位", 21, "[0-9A-Za-z]{3,21}", _AGENCY),
    Element("acct_no", "账号", 40, ACCOUNT, _ACCT, form=ACCOUNT_FORM),
    Element("acct_name", "账户名称", 300, TEXT, _ACCT),
    Element("acct_bank_name", "开户银行", 180, TEXT, _ACCT),
    Element("bank_no", "开户行行号", 40, NUMBER, _ACCT),
    _pattern("acc_type_code", "账户类型", 2, "11|12|21|31|41", _ACCT),
    _pattern("receiver_code", "收款人代码", 40, "[0-9A-Za-z-]{1,40}", _RECEIVER),
    _pattern("receiver_kind", "收款人类别", 1, "[1-3]", _RECEIVER),
    Element("is_whitelisted", "是否白名单", 1, YES_NO, _RECEIVER),
    _pattern("card_no", "公务卡卡号", 19, "[0-9]{16,19}", _CARD),
    Element("holder_name", "持卡人", 300, TEXT, _CARD),
    Element("card_bank_name", "发卡银行", 180, TEXT, _CARD),
    Element("repay_acct_no", "公务卡还款账号", 40, ACCOUNT, _CARD, form=ACCOUNT_FORM),
    _pattern("std_code", "支出标准代码", 40, "[0-9A-Za-z-]{1,40}", _STANDARD),
    Element("unit", "计量单位", 20, TEXT, _STANDARD),
    _pattern("staff_kind", "人员类别", 3, "[0-9]{1,3}", _STANDARD),
    _pattern("staff_no", "人员信息编号", 25, "[0-9A-Za-z]{3,21}-[0-9]{1,3}", _STAFF),
    _pattern("staff_count", "实有人数", 9, "[0-9]{1,9}", _STAFF),
    _pattern("post_count", "编制人数", 9, "[0-9]{1,9}", _STAFF),
    _pattern("perf_ind_code", "绩效指标代码", 21, "[0-9A-Za-z]{1,21}", _PERFORMANCE),
    Element("perf_ind_name", "绩效指标名称", 300, TEXT, _PERFORMANCE),
    _pattern("perf_ind_level", "绩效指标级次", 1, "[123]", _PERFORMANCE),
    Element("computesign", "指标运算符", 20, TEXT, _PERFORMANCE),
    Element("meterunit", "计量单位", 40, TEXT, _PERFORMANCE),
    Element("days", "工作日历", 10, DAY, "工作日历"),
    Element("date", "日期", 10, DAY, "工作日历"),
    Element("is_workday", "是否工作日", 1, YES_NO, "工作日历"),
    Element("change_no", "变更编号", 100, NUMBER, OF_THE_ACT),
    _code("pro_code", "项目", 21, "[0-9A-Za-z]{1,21}", _PROJECT),
    Element("pro_name", "项目名称", 180, TEXT, _PROJECT),
    _code("pro_cat_code", "项目类别", 4, "[0-9]{1,4}", _PROJECT),
    Element("pro_total_amt", "项目总额", 19, AMOUNT, _PROJECT),
    _pattern("pro_start_year", "项目起始年度", 4, "20[0-9]{2}", _PROJECT),
    _pattern("pro_term", "项目期限", 2, "[1-9][0-9]?", _PROJECT),
    _pattern("years", "分年支出计划", 4, "20[0-9]{2}", _PROJECT),
    Element("goals", "绩效目标", 1000, TEXT, _PROJECT),
    _pattern("yearflag", "目标年度标志", 1, "[01]", _PROJECT),
    Element("kpi_target", "总体绩效目标", 1000, TEXT, _PROJECT),
    Element("indicators", "绩效指标", 300, TEXT, _PROJECT),
    Element("indexval", "指标值", 100, TEXT, _PROJECT),
    _pattern("weight", "指标权重", 6, r"(0|[1-9][0-9]{0,2})\.[0-9]{2}", _PROJECT),
    Element("use_agency_codes", "项目使用范围", 21, TEXT, _PROJECT),
    _pattern("parent_pro_code", "一级项目", 21, "[0-9A-Za-z]{1,21}", _PROJECT),
    _pattern("track_pro_code", "追踪项目", 21, "[0-9A-Za-z]{1,21}", _PROJECT),
    Element("is_track", "是否追踪", 1, YES_NO, _PROJECT),
    Element("is_gov_pur", "是否政府采购", 1, YES_NO, _PROJECT),
    Element("pro_des", "项目概述", 2000, TEXT, _PROJECT),
    Element("standard_amt", "支出标准金额", 19, AMOUNT, _PROJECT),
    _pattern("head_count", "测算数量", 9, "[0-9]{1,9}", _PROJECT),
    _pattern("level", "审核级次", 4, "dept|mof", _PROJECT_CHECK),
    _pattern("audit_years", "分年审定数", 4, "20[0-9]{2}", _PROJECT_CHECK),
    _pattern("version", "项目版本", 6, "[0-9]{1,6}", OF_THE_ACT),
    # 预算
    Element("ceiling_no", "控制数编号", 100, NUMBER, _CEILING),
    Element("limit_no", "提前下达限额编号", 100, NUMBER, _CEILING),
    Element("limits", "提前下达限额明细", 64, NAME, _CEILING),
    Element("basis", "限额依据", 300, TEXT, _CEILING),
    Element("draft_no", "预算草案编号", 100, NAME, _DRAFT),
    _pattern("round", "编报轮次", 1, "[12]", _DRAFT),
    Element("rows", "预算行", 64, NAME, _DRAFT),
    Element("income", "单位收入预算", 64, NAME, _DRAFT),
    Element("bgt_pman_id", "预算行主键", 64, NAME, _DRAFT),
    _code("inc_sort_code", "收入分类科目", 13, "[0-9]{3}([0-9]{2}){0,5}|appropriation", _INCOME),
    _pattern("file_sm3", "编报文件摘要", 64, "[0-9a-f]{64}", _DRAFT),
    Element("approve_doc_no", "批复文号", 100, NUMBER, _APPROVE),
    Element("approved_on", "批准日期", 10, DAY, _APPROVE),
    Element("doc_no", "批复下达文号", 100, NUMBER, _APPROVE),
    Element("replied_on", "批复下达日期", 10, DAY, _APPROVE),
    Element("draft_nos", "纳入批复的草案", 100, NAME, _APPROVE),
    _pattern("kind", "调整调剂种类", 40, "[a-z][a-z_]*", _ADJUST_BUDGET),
    Element("parts", "调整调剂明细", 64, NAME, _ADJUST_BUDGET),
    Element("new_rows", "新增预算行", 64, NAME, _ADJUST_BUDGET),
    Element("approval_doc_no", "调整批准文号", 100, NUMBER, _ADJUST_BUDGET),
    # 指标
    Element("bgt_id", "指标主键", 64, NAME, _ISSUE),
    _code("exp_func_code", "支出功能分类科目", 13, "[0-9]{3}([0-9]{2}){0,5}", _ISSUE),
    _code("gov_bgt_eco_code", "政府支出经济分类", 11, "[0-9]{3}([0-9]{2}){0,4}", _ISSUE),
    _code("dep_bgt_eco_code", "部门支出经济分类", 20, "[0-9]{3}([0-9]{2}){0,8}", _ISSUE),
    _code("fund_type_code", "资金性质", 10, "[0-9]{1,10}", _ISSUE),
    _code("bgt_type_code", "指标类型", 50, "[0-9A-Za-z]{1,50}", _ISSUE),
    Element("amount", "指标金额", 19, AMOUNT, _ISSUE),
    Element("is_contrlbyplan", "是否按计划控制", 1, YES_NO, _ISSUE),
    Element("bgt_exe_flag", "指标可执行标志", 1, YES_NO, _ISSUE),
    Element("cor_bgt_doc_no", "本级指标文号", 100, NUMBER, _ISSUE),
    Element("bgt_doc_title", "指标文标题", 300, TEXT, _ISSUE),
    Element("doc_date", "发文日期", 10, DAY, _ISSUE),
    Element("sup_bgt_doc_no", "上级指标文号", 100, NUMBER, _ISSUE),
    _pattern("source_type_code", "预算来源", 4, "[0-9]{1,4}", _ISSUE),
    _code("budget_level_code", "预算级次", 1, "[0-9]", _ISSUE),
    _pattern("is_dir_code", "直达资金标识", 4, "[0-9]{1,4}", _ISSUE),
    Element("ori_bgt_id", "来源指标主键", 64, NAME, _ISSUE),
    Element("dist_no", "分配编号", 100, NUMBER, _ISSUE),
    Element("adj_no", "调整调剂编号", 100, NUMBER, _ADJUST),
    Element("adj_amt", "调整金额", 20, AMOUNT, _ADJUST),
    Element("recall_no", "收回编号", 100, NUMBER, _ADJUST),
    Element("freeze_no", "冻结编号", 100, NUMBER, _FREEZE),
    Element("plan_voucher_no", "计划明细编号", 100, NUMBER, _PLAN),
    _pattern("plan_month", "计划月份", 2, "0?[1-9]|1[0-2]", _PLAN),
    Element("plan_amt", "计划金额", 20, AMOUNT, _PLAN),
    # 转移支付
    Element("transfer_no", "转移支付编号", 100, NAME, _TRANSFER),
    Element("bgt_doc_no", "转移支付文号", 100, NAME, _TRANSFER),
    Element("rec_no", "接收编号", 100, NUMBER, _TRANSFER),
    Element("dispatch_no", "库款调度编号", 100, NUMBER, "库款调度"),
    Element("settle_no", "上下级结算编号", 100, NUMBER, "上下级结算"),
    _pattern("settle_kind", "上下级结算类型", 20, "[a-z]{1,20}", "上下级结算"),
    Element("reduce_no", "转移支付调减编号", 100, NUMBER, _TRANSFER),
    Element("return_no", "转移支付退回编号", 100, NUMBER, _TRANSFER),
    # 动态监控
    Element("rules", "监控规则", 300, TEXT, _MONITOR),
    Element("rule_code", "规则编码", 300, TEXT, _MONITOR),
    Element("rule_name", "规则名称", 300, TEXT, _MONITOR),
    Element("control", "控制方式", 40, TEXT, _MONITOR),
    Element("when", "规则条件", 300, TEXT, _MONITOR),
    Element("field", "条件字段", 40, TEXT, _MONITOR),
    Element("op", "条件运算符", 40, TEXT, _MONITOR),
    Element("values", "条件值", 300, TEXT, _MONITOR),
    _pattern("within_days", "统计天数", 9, "[0-9]{1,9}", _MONITOR),
    Element("monitor_reason", "预警说明", 300, TEXT, _APPLY),
    # 采购和合同
    Element("pur_plan_no", "采购计划编号", 100, NAME, _PURCHASE),
    Element("pur_class", "采购品目", 180, TEXT, _PURCHASE),
    Element("pur_amt", "采购计划金额", 19, AMOUNT, _PURCHASE),
    Element("pay_acct_no", "付款账号", 40, ACCOUNT, _APPLY, form=ACCOUNT_FORM),
    Element("contract_no", "合同编号", 100, NAME, _CONTRACT),
    Element("contract_name", "合同名称", 300, TEXT, _CONTRACT),
    Element("contract_amt", "合同金额", 19, AMOUNT, _CONTRACT),
    Element("year_amt", "合同本年可支付金额", 19, AMOUNT, _CONTRACT),
    Element("sign_date", "合同签订日期", 10, DAY, _CONTRACT),
    Element("expiry_date", "合同到期日期", 10, DAY, _CONTRACT),
    Element("end_no", "合同终止编号", 100, NUMBER, _CONTRACT),
    # 支付
    Element("pay_app_no", "支付申请编号", 100, NAME, _APPLY),
    Element("pay_amt", "支付金额", 19, AMOUNT, _APPLY),
    Element("pay_detail_id", "支付明细主键", 64, NUMBER, _APPLY),
    Element("payee_acct_name", "收款人全称", 300, TEXT, _APPLY),
    Element("payee_acct_no", "收款人账号", 40, ACCOUNT, _APPLY, form=ACCOUNT_FORM),
    Element("payee_acct_bank_name", "收款人开户银行", 180, TEXT, _APPLY),
    Element("payee_bank_no", "收款银行行号", 40, NUMBER, _APPLY),
    Element("use_des", "用途", 300, TEXT, _APPLY),
    Element("remark", "备注", 300, TEXT, _APPLY),
    Element("iden_no", "证件号码", 20, NUMBER, _APPLY),
    Element("consume_date", "刷卡消费日期", 10, DAY, _APPLY),
    _pattern("card_auth_no", "刷卡授权号", 40, "[0-9A-Z]{1,40}", _APPLY),
    Element("merchant_name", "商户名称", 300, TEXT, _APPLY),
    Element("consume_amt", "刷卡消费金额", 19, AMOUNT, _APPLY),
    _code("set_mode_code", "结算方式", 2, "[0-9]{1,2}", _APPLY),
    _code("pay_bus_type_code", "支付业务类型", 40, "[0-9A-Za-z]{1,40}", _APPLY),
    _pattern("current_item_code", "往来事项", 1, "[1-4]", _APPLY),
    Element("recall_no", "撤销编号", 100, NAME, "支付审核"),
    Element("refund_no", "退款编号", 100, NUMBER, _REFUND),
    Element("refund_amt", "退款金额", 19, AMOUNT, _REFUND),
    Element("cor_no", "更正编号", 100, NUMBER, "支付更正"),
    Element("undoes", "撤回的更正编号", 100, NUMBER, "支付更正"),
    Element("tell_no", "支付调整通知编号", 110, NUMBER, "支付更正"),
    Element("again_of", "再次通知的编号", 110, NUMBER, "支付更正"),
    Element("suspense_no", "待处理事项编号", 200, NAME, _REFUND),
    Element("is_none_of_ours", "是否与本账套无关", 1, YES_NO, _REFUND),
    Element("clear_no", "清算编号", 100, NAME, _CLEAR),
    Element("clear_date", "清算日期", 10, DAY, _CLEAR),
    Element("claim_no", "代理银行划款申请编号", 110, NAME),
    Element("claim_nos", "同意的划款申请", 110, NAME, _CLEAR),
    _pattern("claimed_by", "划款申请方", 8, "treasury|banks", _CLEARING_POLICY),
    Element("singly_from_amt", "单独清算起点", 19, AMOUNT, _CLEARING_POLICY),
    _pattern("through", "结账截止", 10, "20[0-9]{2}-[01][0-9](-[0-3][0-9])?", "结账"),
    _pattern("from_month", "反结账月份", 7, "20[0-9]{2}-[01][0-9]", "结账"),
    _pattern("reopened", "反结账次数", 4, "[0-9]{1,4}", "结账"),
    # 核算
    _pattern("book", "账簿", 40, "[a-z][a-z_]*", _OPENING),
    _pattern("acct_cls_code", "会计科目", 20, "[0-9A-Z][0-9A-Za-z.-]*", _OPENING),
    _pattern("acct_cls_id", "会计科目内码", 20, "[A-Z][0-9A-Za-z]*", _OPENING),
    _pattern("dr_cr", "借贷方向", 2, "-?1", _OPENING),
    Element("recon_no", "对账单编号", 110, NAME, "对账"),
    Element("compare_no", "再次比对编号", 100, NAME),
    Element("required", "须对账事项", 64, NAME, "对账策略"),
    _pattern("vt_code", "对账报文类型", 4, "35[0-9]{2}", "对账策略"),
    _pattern("e_voucher_type", "所对凭证类型", 9, "[0-9]{4}(,[0-9]{4})?", "对账策略"),
    Element("report_no", "收入日报编号", 100, NAME, _INCOME_REPORT),
    Element("report_date", "报表日期", 10, DAY, _INCOME_REPORT),
    Element("lines", "收入日报明细", 64, NAME, _INCOME_REPORT),
    Element("correct_no", "收入更正编号", 100, NUMBER, _INCOME_REPORT),
    Element("inc_refund_no", "收入退付编号", 100, NAME, _INCOME_ORDER),
    Element("inc_cor_no", "收入更正通知编号", 100, NAME, _INCOME_ORDER),
    _pattern("to_inc_sort_code", "更正后收入科目", 13, "[0-9]{3}([0-9]{2}){0,5}", _INCOME_ORDER),
    _pattern("to_fund_type_code", "更正后资金性质", 10, "[0-9]{1,10}", _INCOME_ORDER),
    _pattern("to_budget_level_code", "更正后预算级次", 1, "[0-9]", _INCOME_ORDER),
    _pattern("to_tre_code", "更正后国库主体代码", 12, "[0-9A-Za-z]{2,12}", _INCOME_ORDER),
    Element("accrual_no", "工资计提编号", 100, NAME, _WAGES),
    Element("withhold_no", "工资代扣编号", 100, NAME, _WAGES),
    _pattern("sala_month", "工资月份", 7, "20[0-9]{2}-(0[1-9]|1[0-2])", _WAGES),
    Element("wage_run_no", "工资统发编号", 90, NAME, _WAGE_RUN),
    _pattern("sala_property", "工资性质", 1, "[12]", _WAGE_RUN),
    Element("wage_sala", "应发工资", 20, AMOUNT, _WAGE_RUN),
    Element("total_ded", "扣款合计", 20, AMOUNT, _WAGE_RUN),
    Element("net_sala", "实发工资", 20, AMOUNT, _WAGE_RUN),
    Element("subsidy_list_no", "补贴清单编号", 90, NAME, _SUBSIDY),
    _pattern("subsidy_code", "补贴项目", 40, "[0-9A-Z-]{1,40}", _SUBSIDY),
    _pattern("pay_period", "补贴发放期间", 7, "20[0-9]{2}(-(0[1-9]|1[0-2]))?", _SUBSIDY),
    Element("subsidy_std_amt", "补贴标准", 19, AMOUNT, _SUBSIDY),
    Element("per_name", "补贴对象", 300, TEXT, _SUBSIDY),
    _pattern("quantity", "补贴数量", 14, "(0|[1-9][0-9]{0,8})([.][0-9]{1,4})?", _SUBSIDY),
    Element("payee_iden_no", "领款人证件号码", 20, NUMBER, _SUBSIDY),
    Element("manage_amt", "其中单位管理费用", 20, AMOUNT, _WAGES),
    Element("income_tax_amt", "代扣个人所得税", 20, AMOUNT, _WAGES),
    Element("insurance_amt", "代扣社会保险费", 20, AMOUNT, _WAGES),
    Element("housing_fund_amt", "代扣住房公积金", 20, AMOUNT, _WAGES),
    _pattern("tre_code", "国库主体代码", 12, "[0-9A-Za-z]{2,12}", _OPENING),
    Element("voucher_no", "记账凭证编号", 100, NAME, _VOUCHER),
    Element("red_voucher_no", "红字凭证编号", 100, NAME, _VOUCHER),
    _pattern("acct_period", "会计期间", 7, "20[0-9]{2}-[01][0-9]", _VOUCHER),
    Element("voucher_abs", "凭证摘要", 300, TEXT, _VOUCHER),
    _pattern("vou_cnt", "附单据数", 6, "[0-9]{1,6}", _VOUCHER),
    Element("alloc_no", "实拨编号", 100, NAME, "实拨"),
    # 国库现金管理
    Element("place_no", "国库现金管理操作编号", 100, NAME, "国库现金管理"),
    # 债务
    Element("debt_limit_no", "债务限额编号", 100, NUMBER, _DEBT_LIMIT),
    Element("general_amt", "一般债务限额", 19, AMOUNT, _DEBT_LIMIT),
    Element("special_amt", "专项债务限额", 19, AMOUNT, _DEBT_LIMIT),
    _pattern("bond_code", "债券代码", 30, "[0-9A-Za-z.-]{1,30}", _BOND),
    Element("bond_name", "债券名称", 180, TEXT, _BOND),
    _pattern("bond_type_code", "债券类型", 1, "[12]", _BOND),
    Element("principal_amt", "债券面值", 19, AMOUNT, _BOND),
    _pattern("int_rate", "票面利率", 7, "[0-9]{1,2}([.][0-9]{1,4})?", _BOND),
    _pattern("int_times", "每年付息次数", 2, "0|1|2|4|12", _BOND),
    Element("issue_date", "起息日期", 10, DAY, _BOND),
    Element("due_date", "到期日期", 10, DAY, _BOND),
    _pattern("from_div_code", "转贷来源区划", 9, "[1-9][0-9]{8}", _BOND),
    Element("opening_amt", "债券年初余额", 19, AMOUNT, _BOND),
    Element("issue_no", "债券发行登记编号", 100, NUMBER, "债券发行登记"),
    Element("int_accrual_no", "利息计提编号", 100, NUMBER, "利息计提"),
    Element("adv_no", "预拨暂付编号", 100, NAME, _ADVANCE),
    Element("object", "预拨暂付对象", 300, TEXT, _ADVANCE),
    Element("due_on", "约定归还日期", 10, DAY, _ADVANCE),
    Element("step_no", "转列或收回编号", 100, NUMBER, _ADVANCE),
    Element("limit_amt", "暂付款限额", 19, AMOUNT, _ADVANCE),
    Element("carry_no", "结转编号", 100, NAME, _YEAR_END),
    Element("items", "结转收回明细", 64, NAME, _YEAR_END),
    Element("carryovers_amt", "结转数", 19, AMOUNT, _YEAR_END),
    Element("take_back_amt", "收回数", 19, AMOUNT, _YEAR_END),
    _pattern("carry_years", "结转年限", 2, "[0-9]{1,2}", _YEAR_END),
    _pattern("longer_terms", "结转年限例外", 2, "[0-9]{1,2}", _YEAR_END),
    # what other persons must agree to
    _pattern("document_kind", "单据种类", 64, r"[a-z][a-z_]*\.[a-z_]+", OF_THE_ACT),
    Element("document_no", "单据编号", 100, NAME, OF_THE_ACT),
    _pattern("submission", "提交次序", 6, "[0-9]{1,6}", OF_THE_ACT),
    # what is said anew with each act
    Element("reason", "事由", 300, TEXT, OF_THE_ACT),
    Element("amt", "金额", 19, AMOUNT, OF_THE_ACT),
    Element("effective_on", "业务日期", 10, DAY, OF_THE_ACT),
    # derived by the books, or reference data for documents: nobody enters them
    _code("pay_type_code", "支付方式", 6, "[0-9]{1,6}"),
    Element("opening_no", "期初编号", 100, NAME),
    Element("is_carried", "是否上年结转", 1, YES_NO),
    _code(ECO_PAIR, "政府与部门支出经济分类对应", 32, "[0-9]{3,11}-[0-9]{3,20}"),
    _code(FUND_PAIR, "资金性质与支出功能分类对应", 24, "[0-9]{1,10}-[0-9]{3,13}"),
)


class ElementRegister:
    """The register of elements; there is one, so its methods belong to the class."""

    ELEMENTS: ClassVar[dict[str, Element]] = {element.name: element for element in _ELEMENTS}

    @classmethod
    def check_shape(cls, element: str, value: object, pointer: str = "") -> None:
        """Checks length and shape; whether a code is in force is for the code sets.

        Args:
            element: a name of the register; another one is a programmer's error (KeyError).
            value: text; an integer, a date, and a truth value (1 是, 2 否) stand for theirs.
            pointer: JSON pointer of the field, for the error.

        Raises:
            RequestError: ``malformed``, or ``invalid_amount`` for an amount.
        """
        entry = cls.ELEMENTS[element]
        if entry.is_amount:
            parse_yuan(value, pointer=pointer, signed=True)
            return
        text = _text_of(value, entry)
        if text is None:
            problem = f"{element} ({entry.title}) is text"
            raise RequestError(Code.MALFORMED, problem, pointer=pointer)
        if len(text) > entry.max_length:
            raise RequestError(
                Code.MALFORMED,
                f"{element} ({entry.title}) has at most {entry.max_length} characters",
                pointer=pointer,
            )
        if entry.shape.fullmatch(text) is None:
            raise RequestError(
                Code.MALFORMED,
                f"{text[:40]!a} has not the shape of {element} ({entry.title})"
                + (f": {entry.form}" if entry.form else ""),
                pointer=pointer,
            )


def _text_of(value: object, entry: Element) -> str | None:
    if isinstance(value, bool):
        return ("1" if value else "2") if entry.shape is YES_NO else None
    return str(value) if isinstance(value, str | int | date) else None
