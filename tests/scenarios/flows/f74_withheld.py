"""工资计提与代扣代缴: a school owes March's wages, withholds of them, and pays each its own."""

from tests.support.flows import County

FLOWS = (74,)
WAGES = {"gov_bgt_eco_code": "50501", "dep_bgt_eco_code": "30101"}
BOOK = "unit_financial"


def scenario(county: County) -> None:
    county.open()
    bgt_id = county.beside("9000.00", **WAGES)
    supplies = county.beside("100.00")
    month = {"bgt_id": bgt_id, "sala_month": "2026-03"}

    # 计提: 5,550.00 are owed, and no money has moved
    accrual = {"accrual_no": "JT-1", **month, "amt": "5550.00", "manage_amt": "550.00"}
    county.act("…/wage-accruals", accrual, "accountant")
    assert county.see("…/wage-accruals/JT-1")["amt"] == "5550.00"
    assert county.balance("应付职工薪酬", BOOK) == "5550.00"
    assert county.balance("业务活动费用", BOOK) == "5000.00"
    assert county.balance("单位管理费用", BOOK) == "550.00"
    assert county.left(bgt_id) == "9000.00"

    # 代扣: 50.00 tax, 200.00 insurance, 300.00 housing fund
    withheld = {"income_tax_amt": "50.00", "insurance_amt": "200.00", "housing_fund_amt": "300.00"}
    county.act("…/wage-withholdings", {"withhold_no": "DK-1", **month, **withheld}, "accountant")
    assert county.see("…/wage-withholdings/DK-1")["housing_fund_amt"] == "300.00"
    assert county.balance("应付职工薪酬", BOOK) == "5000.00"
    assert county.balance("其他应交税费", BOOK) == "50.00"

    # what is no wage has neither
    no_wage = {**accrual, "accrual_no": "JT-2", "bgt_id": supplies}
    assert county.refused("…/wage-accruals", no_wage, "accountant") == "element_mismatch"
    of_supplies = county.payment(supplies, "10.00", current_item_code="1")
    assert county.refused("…/payments", of_supplies) == "element_mismatch"

    # 发放, 代缴: each payment settles what it is owed for
    county.paid(bgt_id, "5000.00")
    for item, amount in (("1", "50.00"), ("2", "200.00"), ("3", "300.00")):
        county.paid(bgt_id, amount, current_item_code=item)
    for name in (
        "应付职工薪酬",
        "其他应交税费",
        "应付职工薪酬—社会保险费",
        "应付职工薪酬—住房公积金",
    ):
        assert county.balance(name, BOOK) == "0.00", name
    assert county.balance("财政拨款收入", BOOK) == "5550.00"
    assert county.balance("事业支出", "unit_budgetary") == "5550.00"
    assert county.left(bgt_id) == "3450.00"
