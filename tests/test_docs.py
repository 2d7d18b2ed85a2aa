"""The guides name the commands, options, keys and names that the code has: no more where a table lists all of them."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from pairforge import paper
from pairforge.cli import app, load_commands
from pairforge.evaluate.benchmarks import BENCHMARKS
from pairforge.export import FORMATS
from pairforge.filters.rules import SIDE_RULES
from pairforge.recipe import Recipe
from pairforge.records import STATUSES
from pairforge.sources import ADAPTERS
from pairforge.train.arguments import OWN

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
load_commands()
COMMANDS = typer.main.get_command(app).commands


def section(guide: str, title: str) -> str:
    """The text under a heading, up to the next one."""
    text = (ROOT / "docs" / f"{guide}.md").read_text()
    return re.split(r"^#{2,3} ", text.split(f" {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    """The names in the first column of a section's tables."""
    cells = re.findall(r"^\| (`[^|]+) \|", text, flags=re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([\w-]+)(?: [^`]*)?`", cell)]


def options(command: str) -> set[str]:
    names = {name for option in COMMANDS[command].params for name in [*option.opts, *option.secondary_opts]}
    return {name for name in names if name.startswith("-")}


def shown_commands() -> list[list[str]]:
    text = "\n".join(page.read_text() for page in PAGES)
    lines = re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`(pairforge [^`]+)`", text)
    return [
        shlex.split(line, comments=True)
        for line in [*"\n".join(lines).replace("\\\n", " ").splitlines(), *inline]
        if "pairforge " in line
    ]


@pytest.mark.parametrize("words", shown_commands(), ids=" ".join)
def test_every_command_shown_exists_with_its_options(words: list[str]):
    if words[0] != "pairforge":
        return
    assert words[1] in COMMANDS
    used = {word.strip("[]").split("=")[0] for word in words[2:] if re.match(r"\[?--?[a-z]", word)}
    assert used <= options(words[1])


def test_every_command_is_in_a_guide():
    assert COMMANDS.keys() <= {words[1] for words in shown_commands() if words[0] == "pairforge"}


def test_the_options_of_push():
    shown = re.findall(r"`(--[\w-]+)", section("publishing", "Options of `push`"))
    assert set(shown) <= options("push")
    in_the_text = {"--dry-run", "--json", "--read-back"}
    assert options("push") == set(shown) | in_the_text


def test_the_keys_of_a_view():
    assert sorted(first_cells(section("filtering", "Keys of `filter`"))) == sorted(
        Recipe.model_fields["filter"].annotation.model_fields
    )


def test_the_keys_of_a_side():
    """In the list of a side's keys, and in the order of the funnel."""
    guide = (ROOT / "docs" / "filtering.md").read_text()
    keys = guide[guide.index("Keys of a side:") :].split("\n\n")[0]
    order = guide[guide.index("2. rules on the chosen side") :].split("\n")[0]
    named = [name for rule in SIDE_RULES for name in rule.model_fields]
    assert set(named) <= set(re.findall(r"`(\w+)`", keys)), "docs/filtering.md, 'Keys of a side'"
    conditions = [name for name in named if name not in ("origin", "models")]  # these say who is a candidate at all
    assert re.findall(r"`(\w+)`", order) == conditions, "docs/filtering.md, the order of the rules"


def test_the_verdicts():
    assert first_cells(section("verifier", "Verdicts")) == list(STATUSES)


def test_the_export_formats_and_import_adapters():
    assert sorted(first_cells(section("exports", "Formats"))) == sorted(FORMATS)
    assert set(first_cells(section("publishing", "Import"))) <= ADAPTERS.keys()


def test_the_benchmarks():
    assert {"demo", *first_cells(section("training", "Evaluation"))} == BENCHMARKS.keys()


def test_the_keys_of_training():
    assert sorted(first_cells(section("training", "Settings"))) == sorted(OWN)


def test_the_learning_rates():
    rows = re.findall(r"^\| (`[^|]+) \| (\d+e-\d+) \| Table 7", section("training", "Defaults"), flags=re.MULTILINE)
    shown = {model: float(rate) for cell, rate in rows for model in re.findall(r"`([^`]+)`", cell)}
    assert len(shown) >= len(paper.TABLE_7)
    assert {model: paper.learning_rate(model)[0] for model in shown} == shown


def test_the_example_rule_works():
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    made: dict = {}
    exec(code, made)
    rule = made["MaxReflections"](max_reflections=2)
    [condition] = rule.side_conditions()
    assert condition.holds({"reflection_words": 2}) and not condition.holds({"reflection_words": 3})
    assert list(rule.sentences("chosen")) == ["The chosen side has at most 2 reflection words."]
