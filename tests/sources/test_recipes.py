"""Every recipe is parsed and checked against stand-ins of the datasets and models it names."""

from pathlib import Path

import pytest

from pairforge.errors import TemplateError
from pairforge.filters import check_rules
from pairforge.pipeline.check import check
from pairforge.pipeline.student import load_student
from pairforge.recipe import Recipe, load_recipe
from tests.sources.standins import REPOSITORIES, write_evaluation_sets, write_standin
from tests.test_lengths import CHATML, tokenizer
from tests.test_templates import shipped

RECIPES = sorted(
    file
    for file in (Path(__file__).parents[2] / "recipes").glob("*.yaml")
    if file.stem
    not in (
        "demo",
        "both-sides",
        "gsm8k-local",
        "gsm8k-both-sides",
        "rounds",
        "unlabelled",
    )  # tested where their data is
)
QWEN3 = "Qwen/Qwen3-4B"
R1_DISTILL = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
MODELS = [
    R1_DISTILL,
    *(f"Qwen/Qwen2.5-{size}-Instruct" for size in ("1.5B", "3B", "7B", "14B")),
    QWEN3,
    "Qwen/Qwen2.5-Math-7B-Instruct",
    "bespokelabs/Bespoke-Stratos-7B",
]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A folder that looks like the Hub does to a recipe beside it: datasets and tokenizers by their ids."""
    folder = tmp_path_factory.mktemp("hub")
    for dataset in REPOSITORIES:
        write_standin(dataset, folder)
    write_evaluation_sets(folder)
    for model in MODELS:
        templates = {R1_DISTILL: shipped("deepseek_r1_distill"), QWEN3: shipped("qwen3")}
        tokenizer(300, templates.get(model, CHATML)).save_pretrained(folder / model)
    return folder


@pytest.fixture(autouse=True)
def inside(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)  # evaluation sets are named, and a folder of that id here is taken before the Hub's


def load(file: Path, root: Path, *overrides: str) -> Recipe:
    beside = root / file.name
    beside.write_text(file.read_text())
    return load_recipe(beside, overrides)


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_reads_and_checks(file: Path, root: Path):
    recipe = load(file, root)
    check_rules(recipe.filter)
    report = check(recipe)
    assert report.ok, [c for c in report.checks if not c.ok]
    for source, spec in zip(report.sources, recipe.sources, strict=True):
        assert source["problems"] and bool(source["given_samples"]) == (spec.solutions == "keep")
    [compared] = [c.detail for c in report.checks if c.name == "decontamination"]
    assert "NOT compared" not in compared and compared.count("questions") == 6


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_a_recipes_header_says_what_it_takes_and_gives(file: Path):
    header = file.read_text().partition("seed: 0")[0]
    assert f"pairforge build recipes/{file.name}" in header
    for what in ("hardware", "yield", "time"):
        [line] = [line for line in header.splitlines() if line.startswith(f"# {what} ")]
        marked = any(
            word in line for word in ("paper", "measured", "estimate", "card", "as bespoke-stratos.yaml", "any")
        )
        assert marked or not any(char.isdigit() for char in line), f"whose figure is this? {line}"


def test_a_template_that_deletes_reasoning_is_refused_until_the_recipe_asks_for_another(root: Path):
    file = next(file for file in RECIPES if file.stem == "r1-distill-7b")
    with pytest.raises(TemplateError, match="deepseek family: the reasoning") as error:
        load_student(load(file, root, "filter.chat_template=own"))
    assert "chat_template: training" in error.value.hint
    report = check(load(file, root, "filter.chat_template=own"))
    assert [c.name for c in report.checks if not c.ok] == ["student template"]
    assert load_student(load(file, root)).chat_template != shipped("deepseek_r1_distill")


def test_a_set_that_cannot_be_reached_is_named(root: Path):
    file = next(file for file in RECIPES if file.stem == "short-cot-numina")
    report = check(load(file, root, "decontaminate.sets=[nobody/here]"))
    [compared] = [c.detail for c in report.checks if c.name == "decontamination"]
    assert compared.startswith("compared with nothing; NOT compared with nobody/here: cannot reach the Hub")
