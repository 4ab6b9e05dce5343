"""Amounts in the console: separators, what somebody types, and 大写 as vouchers want them."""

import json
import shutil
import subprocess

import pytest

from tests.console.built import CONSOLE, PATH, needs_tools
from tests.support.paths import ROOT
from tests.support.waiting import HANG_S

pytestmark = needs_tools

# 支付结算办法 附一: 正确填写票据和结算凭证的基本规定, its examples first
IN_WORDS = {
    "1409.50": "壹仟肆佰零玖元伍角整",
    "6007.14": "陆仟零柒元壹角肆分",
    "1680.32": "壹仟陆佰捌拾元叁角贰分",
    "107000.53": "壹拾万柒仟元伍角叁分",
    "16409.02": "壹万陆仟肆佰零玖元零贰分",
    "325.04": "叁佰贰拾伍元零肆分",
    "0.00": "零元整",
    "0.05": "伍分",
    "10.00": "壹拾元整",
    "100001234.00": "壹亿零壹仟贰佰叁拾肆元整",
    "10010001.10": "壹仟零壹万零壹元壹角整",
    "9999999999999999.99": (
        "玖仟玖佰玖拾玖万亿玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"
    ),
}
TYPED = {
    "1234.5": "1234.50",
    "1,234,567.89": "1234567.89",
    " 007 ": "7.00",
    "0": "0.00",
    "1.234": None,
    "1e3": None,
    "-5": None,
    "": None,
    "12345678901234567": None,
}
PROGRAM = """
import ts from '{typescript}'
import {{ readFileSync }} from 'node:fs'
const options = {{ compilerOptions: {{ target: 'ES2022', module: 'ESNext' }} }}
const source = ts.transpileModule(readFileSync('{money}', 'utf8'), options).outputText
const money = await import('data:text/javascript,' + encodeURIComponent(source))
const {{ words, typed, sums }} = JSON.parse(readFileSync(0, 'utf8'))
console.log(JSON.stringify({{
  words: words.map(money.inWords),
  typed: typed.map(money.enteredYuan),
  grouped: words.map(money.grouped),
  total: money.total(sums),
  rate: money.percent(money.basisPoints('1.00', '3.00')),
}}))
"""


@pytest.fixture(scope="module")
def said() -> dict[str, object]:
    node = shutil.which("node", path=PATH)
    assert node is not None
    program = PROGRAM.format(
        typescript=CONSOLE / "node_modules" / "typescript" / "lib" / "typescript.js",
        money=ROOT / "console" / "src" / "money.ts",
    )
    asked = {
        "words": list(IN_WORDS),
        "typed": list(TYPED),
        "sums": ["9007199254740993.01", "0.99", "-1.00"],
    }
    done = subprocess.run(
        [node, "--input-type=module", "--eval", program],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_amounts_in_words(said: dict[str, object]) -> None:
    assert said["words"] == list(IN_WORDS.values())


def test_what_somebody_types(said: dict[str, object]) -> None:
    assert said["typed"] == list(TYPED.values())


def test_separators_and_sums_of_more_than_a_number_holds(said: dict[str, object]) -> None:
    grouped = dict(zip(IN_WORDS, said["grouped"], strict=True))  # type: ignore[call-overload]
    assert grouped["107000.53"] == "107,000.53"
    assert grouped["9999999999999999.99"] == "9,999,999,999,999,999.99"
    assert said["total"] == "9007199254740993.00"
    assert said["rate"] == "33.33%"
