"""The worked example: appropriation, plan, three payments, a failed line, a refund, four clearings.

Figures in yuan, to the fen; the books are stated after every step as an accountant would.
"""

from datetime import date

from tests.support.bookkeeper import Bookkeeper, detail, payment

MARCH_2, MARCH_5, MARCH_9 = date(2026, 3, 2), date(2026, 3, 5), date(2026, 3, 9)


def test_every_step_stands_in_all_six_books(bookkeeper: Bookkeeper) -> None:
    b = bookkeeper

    b.issue("B", "1000000.00", effective_on=date(2026, 1, 20))  # 1 批复下达
    assert b.books() == {"指标来源": "1000000.00", "支出指标": "1000000.00"}

    b.adjust("B", "-100000.00", effective_on=date(2026, 2, 10))  # 2 追减
    assert b.books() == {"指标来源": "900000.00", "支出指标": "900000.00"}

    b.plan("B", "500000.00", 3, effective_on=date(2026, 2, 15))  # 3 用款计划
    b.plan("B", "400000.00", 6, effective_on=date(2026, 2, 15))

    b.apply("P1", "B", "300000.00", effective_on=MARCH_2)  # 4
    assert b.figures("B")["available"] == "600000.00"
    v1 = b.approve("P1")
    b.sign("P1")
    b.apply("P2", "B", "250000.00", effective_on=MARCH_2)  # 5
    v2 = b.approve("P2")
    b.sign("P2")
    assert b.books() == {
        "指标来源": "900000.00",
        "支出指标": "350000.00",
        "支付申请": "550000.00",
    }

    b.receipt(v1)  # 6 the bank pays ahead
    b.receipt(v2)
    assert b.books() == {
        "指标来源": "900000.00",
        "支出指标": "350000.00",
        "支付": "550000.00",
        "业务活动费用": "550000.00",
        "财政拨款收入": "550000.00",
        "行政支出": "550000.00",
        "财政拨款预算收入": "550000.00",
        "零余额账户": "-550000.00",
        "待清算款项": "550000.00",
    }

    b.clear("C1", MARCH_2)  # 7 申请划款
    assert b.books() == {
        "指标来源": "900000.00",
        "支出指标": "350000.00",
        "支付": "550000.00",
        "国库存款": "-550000.00",
        "政府机关商品和服务拨款费用": "550000.00",
        "资金结存—库款资金结存": "-550000.00",
        "一般公共预算支出": "550000.00",
        "业务活动费用": "550000.00",
        "财政拨款收入": "550000.00",
        "行政支出": "550000.00",
        "财政拨款预算收入": "550000.00",
    }

    details = (detail("d1", "150000.00"), detail("d2", "50000.00"))
    b.apply("P3", "B", "200000.00", details=details, effective_on=MARCH_5)  # 8
    assert b.figures("B") == {
        "available": "150000.00",
        "frozen": "0.00",
        "occupied": "200000.00",
        "paid": "550000.00",
        "plan": "900000.00",
    }

    v3 = b.approve("P3")
    b.sign("P3")
    paid = b.receipt(v3, "d2").subjects[0]  # 9 d2 账号户名不符
    assert paid.status == "partially_paid"
    assert paid.outcomes() == {"d1": (15_000_000, ""), "d2": (0, "账号户名不符")}
    assert b.figures("B")["available"] == "200000.00"
    assert b.figures("B")["paid"] == "700000.00"

    b.clear("C2", MARCH_5)  # 10
    b.refund("P2", "50000.00", effective_on=MARCH_9)  # 11 收款人退回
    assert b.books()["零余额账户"] == "50000.00"
    b.clear("C3", MARCH_9)
    assert b.books() == {
        "指标来源": "900000.00",
        "支出指标": "250000.00",
        "支付": "650000.00",
        "国库存款": "-650000.00",
        "政府机关商品和服务拨款费用": "650000.00",
        "资金结存—库款资金结存": "-650000.00",
        "一般公共预算支出": "650000.00",
        "业务活动费用": "650000.00",
        "财政拨款收入": "650000.00",
        "行政支出": "650000.00",
        "财政拨款预算收入": "650000.00",
    }
    assert b.refusal(payment("P4", "B", "250000.01")) == "insufficient_indicator"
    assert b.refusal(payment("P5", "B", "250001.00")) == "insufficient_indicator"
    b.apply("P6", "B", "250000.00")
