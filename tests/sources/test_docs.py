"""What docs/sources.md shows is true."""

import re
from pathlib import Path

import pytest

from pairforge.recipe import parse_recipe
from pairforge.sources import ADAPTERS, RowDrop
from pairforge.sources.decontaminate import EVALUATION_SETS

DOCS = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, flags=re.DOTALL)


def test_the_example_adapter_works_and_is_short():
    [code] = blocks("python")
    assert len(code.splitlines()) <= 30
    made: dict = {}
    exec(code, made)
    read = made["ADAPTER"].read
    entry = read({"ask": "1+1?", "gold": 2, "thinking": "two", "kind": "math", "level": 3})
    assert (entry.question, entry.answer, entry.meta) == ("1+1?", "2", {"level": 3})
    assert entry.given[0].text == "<think>\ntwo\n</think>\n\nThe answer is \\boxed{2}."
    with pytest.raises(RowDrop, match="not_math"):
        read({"kind": "code"})
    with pytest.raises(RowDrop, match="no_solution"):
        read({"ask": "1+1?", "gold": 2, "thinking": None, "kind": "math"})


def section(title: str) -> str:
    return DOCS.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_adapter_has_its_own_row():
    rows = re.findall(r"^\| `([\w-]+)` \|", section("Adapters"), flags=re.MULTILINE)
    missing = ADAPTERS.keys() - set(rows)
    assert not missing, f"docs/sources.md, table under 'Adapters': no row for {sorted(missing)}"
    assert sorted(rows) == sorted(ADAPTERS)


def test_the_yaml_is_valid():
    text = "\n".join(blocks("yaml")) + "\nfilter: {tokenizer: t}\n"
    recipe = parse_recipe(text)
    assert len(recipe.sources) == 2 and set(recipe.decontaminate.sets) == EVALUATION_SETS.keys()


def test_every_reason_the_code_gives_is_explained():
    package = Path(__file__).parents[2] / "pairforge"
    code = "".join(p.read_text() for p in [*(package / "sources").rglob("*.py"), package / "rowfiles.py"])
    given = set(re.findall(r'(?:RowDrop\(|BadRow\(|row_drops\(\w+(?:\[0\])?, |text\(row, "[^"]+", )"(\w+)"', code))
    assert given >= {"not_math", "no_answer", "contaminated"}
    explained = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]+)\|", section("Drop reasons"), re.MULTILINE))))
    assert explained == given
