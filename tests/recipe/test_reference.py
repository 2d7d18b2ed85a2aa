"""What is made from the models is current: the reference of keys, the editors' schema, and the recipes that name it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from pairforge.recipe import dump_recipe, load_recipe
from pairforge.recipe.keys import leaf_keys
from pairforge.recipe.reference import json_schema, markdown

ROOT = Path(__file__).parents[2]
RECIPES = sorted(
    [*(ROOT / "recipes").glob("*.yaml"), ROOT / "pairforge/demo/recipe.yaml", ROOT / "recipes/nano/study.yaml"]
)
SCHEMA = ROOT / "pairforge/demo/recipe.schema.json"


def test_the_reference_is_current():
    assert (ROOT / "docs/recipe.md").read_text() == markdown(), "run `pairforge schema --markdown -o docs/recipe.md`"


def test_the_schema_is_current():
    assert SCHEMA.read_text() == json_schema(), "run `pairforge schema -o pairforge/demo/recipe.schema.json`"


def test_the_reference_has_every_key_once():
    shown = re.findall(r"^\|(?: [a-z, ]+ \|)? `([^`]+)` \|", markdown(), flags=re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert set(shown) == {key.path for key in leaf_keys()}


@pytest.mark.parametrize("key", list(leaf_keys()), ids=lambda k: k.name)
def test_every_key_says_what_it_means(key):
    assert key.field.description, f"{key.name} has no description"
    assert key.field.description.endswith(".")


def test_every_block_says_what_it_is():
    for key in leaf_keys():
        assert key.block.__doc__ and "Config" not in key.block.__doc__.split(".")[0], key.block


@pytest.mark.parametrize("file", RECIPES, ids=lambda f: str(f.relative_to(ROOT)))
def test_bundled_recipes_name_the_schema_and_keep_to_it(file: Path):
    first = file.read_text().splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert named != first, "the first line names the schema"
    assert (file.parent / named).resolve() == SCHEMA
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(yaml.safe_load(file.read_text()), schema)
    jsonschema.validate(yaml.safe_load(dump_recipe(load_recipe(file))), schema)


@pytest.mark.parametrize(
    "wrong",
    [
        "seed: many",
        "fliter: {}",
        "generator: {engine: {model: m, base_urls: [x]}}",
        "generator: {engine: {model: m, kind: server, replicas: 2}}",
        "generator: {engine: {kind: vllm}}",
        "sources: []",
        "format: {frame: xml}",
    ],
)
def test_the_schema_refuses_what_a_recipe_may_not_hold(wrong: str):
    right = {"sources": [{"dataset": "d"}], "filter": {"tokenizer": "t"}}
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(right, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**right, **yaml.safe_load(wrong)}, schema)
