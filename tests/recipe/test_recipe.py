"""Recipes: strict keys, errors that say what to do, overrides, and a resolved form that reads back the same."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.config import flatten
from pairforge.errors import RecipeError
from pairforge.filters import Bounds
from pairforge.recipe import dump_recipe, load_recipe, parse_recipe

MINIMAL = """
sources: [{dataset: pairforge:demo}]
generator: {engine: {model: pairforge:nano}}
filter: {tokenizer: pairforge:nano}
"""
RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))


def test_defaults_are_the_papers():
    recipe = parse_recipe(MINIMAL)
    assert recipe.generator is not None
    sampling = recipe.generator.sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens) == (0.7, 0.9, 1024)
    assert recipe.generator.draws.max == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMAL + "fliter: {}", ["fliter", "unknown key", "did you mean 'filter'"]),
        (MINIMAL.replace("tokenizer:", "tokeniser:"), ["filter.tokeniser", "did you mean 'tokenizer'"]),
        (MINIMAL.replace("{model", "{modle: x, model"), ["generator.engine.modle", "did you mean 'model'"]),
        (MINIMAL.replace("{dataset", "{limt: 3, dataset"), ["sources.0.limt", "did you mean 'limit'"]),
        ("sources: []\nfilter: {tokenizer: x}", ["sources", "at least 1"]),
        ("filter: {tokenizer: x}", ["sources", "missing"]),
        (MINIMAL + "seed: many", ["seed", "'many'"]),
        ("- a\n- b", ["mapping"]),
        ("a: [", ["not valid YAML"]),
        ("[" * 5000, ["nested too deeply"]),
        ("? [a]\n: 1", ["line 1", "unhashable key"]),
        ("", ["mapping"]),
        (MINIMAL + "filter: {tokenizer: other}", ["line 5", "duplicate key 'filter'"]),
        (MINIMAL.replace("nano}}", "nano}, sampling: {top_p: 1, top_p: 0.5}}"), ["line 3", "duplicate key 'top_p'"]),
        (
            MINIMAL.replace("tokenizer", "gap: {min: true}, tokenizer"),
            ["filter.gap.min", "true and false are not values"],
        ),
        (MINIMAL + "seed: true", ["seed", "true and false are not values of this key"]),
        (MINIMAL.replace("pairforge:demo", "x, gold_from: {dataset: y, anser: z}"), ["gold_from.anser", "'answer'"]),
        (MINIMAL + "verifier: {policy: strict}", ["verifier.policy", "unknown key"]),
        (MINIMAL + "format: null", ["format", "expected a mapping of keys"]),
        (MINIMAL + "train: {method: ppo}", ["train.method", "'dpo'", "'ppo'"]),
        (MINIMAL + "train: {lora: 8}", ["train.lora", "LoraConfig"]),
        (MINIMAL + "format: {user: hello}", ["format.user", "{question}"]),
        (
            MINIMAL.replace("nano}}", "nano}, draws: {until: max, enough: 9}}"),
            ["generator.draws", "draws.enough counts accepted problems", "until: accepted"],
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_way_out(text: str, words: list[str]):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, name="my.yaml")
    for word in ["my.yaml", *words]:
        assert word in str(caught.value)


def test_anchors_and_merges_are_no_second_keys():
    text = "seed: 1\nsources: [{dataset: x, columns: &c {long: a}}, {dataset: y, columns: {<<: *c, long: b}}]\n"
    recipe = parse_recipe(text + "filter: {tokenizer: t}")
    assert [source.columns["long"] for source in recipe.sources] == ["a", "b"]


def test_overrides_reach_any_key():
    recipe = parse_recipe(
        MINIMAL, ["filter.gap.min=500", "sources.0.limit=7", "generator.engine.model=other", "filter.band.n=10"]
    )
    assert recipe.filter.gap == Bounds(min=500)
    assert recipe.sources[0].limit == 7
    assert recipe.generator is not None and recipe.generator.engine.model == "other"
    assert recipe.filter.band is not None and recipe.filter.band.n == 10


def test_none_lifts_a_bound():
    recipe = parse_recipe(MINIMAL, ["filter.gap.max=10", "filter.gap.max=none"])
    assert recipe.filter.gap.max is None


@pytest.mark.parametrize("override", ["filter.gap.min", "sources.4.limit=1", "seed.x=1", "filter.gpa.min=3"])
def test_a_bad_override_is_refused(override: str):
    with pytest.raises(RecipeError):
        parse_recipe(MINIMAL, [override])


def test_any_status_means_no_bound_on_it():
    recipe = parse_recipe(MINIMAL, ["filter.rejected.status=any", "filter.chosen.status=[correct, incorrect]"])
    assert recipe.filter.rejected.statuses == ()
    assert recipe.filter.chosen.statuses == ("correct", "incorrect")


def test_paths_are_relative_to_the_recipe(tmp_path: Path):
    (tmp_path / "data.jsonl").write_text("{}\n")
    file = tmp_path / "r.yaml"
    file.write_text(MINIMAL.replace("pairforge:demo", "data.jsonl"))
    assert load_recipe(file).sources[0].dataset == str(tmp_path / "data.jsonl")


def test_paths_in_overrides_are_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "data.jsonl").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    recipe = parse_recipe(MINIMAL, ["sources.0.dataset=data.jsonl"], base_dir=Path("/nowhere"))
    assert recipe.sources[0].dataset == str(tmp_path / "data.jsonl")


def test_a_missing_recipe_is_an_error_not_a_traceback(tmp_path: Path):
    with pytest.raises(RecipeError, match="cannot read"):
        load_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("file", RECIPES, ids=lambda f: f.stem)
def test_every_recipe_reads_and_its_resolved_form_reads_back_the_same(file: Path):
    recipe = load_recipe(file)
    assert parse_recipe(dump_recipe(recipe)).model_dump() == recipe.model_dump()


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str):
    try:
        parse_recipe(text)
    except RecipeError:
        pass


def test_flatten_gives_the_key_paths_of_overrides():
    assert flatten({"a": {"b": 1, "c": [2, {"d": None}]}, "e": []}) == {"a.b": 1, "a.c.0": 2, "a.c.1.d": None, "e": []}


def test_evaluation_sets_may_be_files_beside_the_recipe(tmp_path):
    (tmp_path / "held-out.jsonl").write_text("{}\n")
    text = "sources: [{dataset: a.jsonl}]\nfilter: {tokenizer: t}\ndecontaminate: {sets: [held-out.jsonl, math-500]}\n"
    recipe = parse_recipe(text, base_dir=tmp_path)
    assert recipe.decontaminate.sets == (str(tmp_path / "held-out.jsonl"), "math-500")


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("filter.gap=100", "filter.gap: expected a mapping of keys (found 100)", "write filter.gap.min=100"),
        ("filter.band=gap", "filter.band: expected a mapping of keys", "keys of filter.band: by, keep, n, quantiles"),
        (
            "filter.pick=shortst",
            "'random' or 'all' or a mapping of keys (found 'shortst')",
            "keys of filter.pick: by, order",
        ),
        ("filter.pick={by: gap, ordr: x}", "filter.pick.ordr: unknown key", "did you mean 'order'"),
        ("filter.rejected.status=[x]", "filter.rejected.status.0: expected 'correct'", ""),
        ("filter.mix=[{name: x, gap: 5}]", "filter.mix.0.gap: expected a mapping", "write filter.mix.0.gap.min=5"),
    ],
)
def test_a_value_of_the_wrong_kind_is_one_line_and_says_what_to_write(override, message, hint):
    with pytest.raises(RecipeError) as caught:
        load_recipe(Path(__file__).parents[2] / "recipes/demo.yaml", [override])
    assert message in caught.value.message and "\n" not in caught.value.message
    assert hint in caught.value.hint and not re.search(
        r"[A-Z][a-z]+(Rules|By|Config|Settings)|tuple|dict", str(caught.value)
    )
