"""`pairforge init`: a first recipe, for own data or copied."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pairforge import cli
from pairforge.demo import bundled_recipes
from pairforge.recipe import load_recipe

LONG = "We add the two numbers, check the sum by subtraction, and find \\boxed{5}."


def init(*words: object):
    from pairforge.cli import init as command  # noqa: F401  registers the command

    return CliRunner().invoke(cli.app, ["init", *map(str, words)])


def write(file: Path, *rows: dict[str, object]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_recipe_for_own_data_says_what_it_took_and_is_valid(tmp_path: Path):
    data = write(tmp_path / "my data.jsonl", *[{"query": f"{n} + 3?", "gt": n + 3, "cot": LONG} for n in range(5)])
    result = init(tmp_path / "recipe.yaml", "--from", data, "--student", "org/my-1.5b")
    assert result.exit_code == 0, result.output
    assert "took question: column 'query'" in result.output
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert recipe.sources[0].dataset == str(data)  # written as "my data.jsonl", relative to the recipe
    assert recipe.sources[0].columns == {"question": "query", "answer": "gt", "long": "cot"}
    assert recipe.filter.tokenizer == "org/my-1.5b"


def test_without_solutions_both_sides_are_sampled(tmp_path: Path):
    data = write(tmp_path / "my.jsonl", *[{"query": f"{n} + 3?", "gt": n + 3} for n in range(5)])
    assert init(tmp_path / "recipe.yaml", "--from", data).exit_code == 0
    recipe = load_recipe(tmp_path / "recipe.yaml")
    assert recipe.filter.chosen.origin == "long"
    assert list(recipe.arms) == ["long", "short"]


def test_data_that_cannot_be_guessed_is_an_error_with_its_columns(tmp_path: Path):
    data = write(tmp_path / "my.jsonl", {"text": "2 + 3?", "value": "5"})
    result = init(tmp_path / "recipe.yaml", "--from", data)
    assert "no column looks like a question" in str(result.exception)
    assert "text:" in str(result.exception)
    assert not (tmp_path / "recipe.yaml").exists()


@pytest.mark.parametrize("name", sorted(bundled_recipes()))
def test_every_bundled_recipe_can_be_copied(name: str, tmp_path: Path):
    assert init(tmp_path / "mine.yaml", "--recipe", name).exit_code == 0
    load_recipe(tmp_path / "mine.yaml")
    assert name in init("--list").output


def test_a_file_is_not_overwritten_unasked(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("precious")
    assert "exists" in str(init(file).exception)
    assert file.read_text() == "precious"
    assert init(file, "--force").exit_code == 0


def test_a_wrong_name_shows_the_nearest(tmp_path: Path):
    assert "demo" in str(init(tmp_path / "x.yaml", "--recipe", "demoo").exception)
