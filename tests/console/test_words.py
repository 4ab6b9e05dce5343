"""The console says every refusal in its reader's words, and has every word that it asks for."""

import json
import re

from tests.support.paths import ROOT

SOURCES = ROOT / "console" / "src"
OF_THE_CONSOLE = {
    "unreachable",
    "key_unreadable",
    "agent_unreachable",
    "agent_refused",
}  # what goes wrong without an answer


def read(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")


def test_every_code_has_its_sentence_in_chinese() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    codes = re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE)
    said = re.findall(r"^  ([a-z_]+): '", read("words/problems.zh.ts"), re.MULTILINE)
    assert len(codes) > 50
    assert set(said) - OF_THE_CONSOLE == set(codes)
    assert len(said) == len(set(said))


def words(text: str) -> set[str]:
    """The dotted names of the words in a file of them; its groups are two deep at most."""
    found, group = set[str](), ""
    for line in text.splitlines():
        if opened := re.match(r"  (\w+): \{", line):
            group = opened[1]
            found |= {f"{group}.{name}" for name in re.findall(r"(\w+): '", line)}
        elif group:
            found |= {f"{group}.{name}" for name in re.findall(r"(?:^ {4}|, |\{ )(\w+):", line)}
    return found


def test_every_word_that_a_screen_asks_for_is_there() -> None:
    known = words(read("words/zh.ts"))
    asked = {
        (path.name, name)
        for path in (*SOURCES.rglob("*.vue"), *SOURCES.glob("*.ts"))
        for name in re.findall(r"""\$?\bt\(\s*'(\w+\.\w+)'""", path.read_text(encoding="utf-8"))
    }
    assert len(asked) > 200
    assert [(file, name) for file, name in sorted(asked) if name not in known] == []


def test_a_lock_that_names_no_registry() -> None:
    lock = json.loads((ROOT / "console" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert [name for name, each in packages.items() if not each.get("integrity")] == []


def test_versions_are_pinned_and_told() -> None:
    package = json.loads((ROOT / "console" / "package.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for name, version in {**package["dependencies"], **package["devDependencies"]}.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert name in page, name


def test_money_is_never_a_number() -> None:
    """Amounts are text or bigint; `Number(…)` of anything is said to be none, or is not there."""
    for path in (*SOURCES.rglob("*.vue"), *SOURCES.glob("*.ts")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"parseFloat|toLocaleString|Number\([^)]*amt", text), path.name
