"""审核级次: who checks what a unit has asked for, its department first and then the treasury."""

DEPARTMENT, TREASURY = "dept", "mof"  # 部门审核, 财政审核
LEVELS = (DEPARTMENT, TREASURY)
CHECKERS = {DEPARTMENT: "unit_checker", TREASURY: "treasury_checker"}  # the role of each
