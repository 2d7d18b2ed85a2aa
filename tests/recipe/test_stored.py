"""Recipes and manifests that earlier versions wrote: they read as before, and no run is seen as made differently.

`stored/*.yaml` are `recipe.yaml` files of runs, `stored/*.json` the `evidence` of their manifests.
"""

import json
from pathlib import Path

import pytest

from pairforge.config import flatten
from pairforge.errors import RecipeError, RunError
from pairforge.pipeline.preparing import changed_evidence, prepare
from pairforge.pipeline.recipe_changes import is_newer
from pairforge.pipeline.recipe_settings import evidence_settings, run_recipe
from pairforge.recipe import Recipe, dump_recipe, parse_recipe
from pairforge.run import Run

STORED = sorted((Path(__file__).parent / "stored").glob("*.yaml"))


def stored_run(file: Path, folder: Path) -> Run:
    """A run as an earlier version left it."""
    run = Run(folder)
    run.write_recipe(file.read_text())
    run.update_manifest(evidence=json.loads(file.with_suffix(".json").read_text()))
    return run


@pytest.mark.parametrize("file", STORED, ids=lambda f: f.stem)
def test_a_run_made_before_was_made_with_the_same_settings(file: Path, tmp_path: Path):
    run = stored_run(file, tmp_path / "run")
    recipe = run_recipe(run)
    assert changed_evidence(recipe, run) == {}
    known = {key: value for key, value in evidence_settings(recipe).items() if not is_newer(key)}
    assert known == json.loads(file.with_suffix(".json").read_text())
    (again,) = [parse_recipe(dump_recipe(recipe))]
    assert changed_evidence(again, run) == {}


@pytest.mark.parametrize("file", STORED, ids=lambda f: f.stem)
def test_every_value_an_earlier_version_wrote_is_still_there(file: Path, tmp_path: Path):
    import yaml

    recipe = run_recipe(stored_run(file, tmp_path / "run"))
    before, now = flatten(yaml.safe_load(file.read_text())), flatten(recipe.model_dump(mode="json"))
    without_effect = {key for key in before if key not in now}
    kind = recipe.generator.engine.kind if recipe.generator else None
    others = {"vllm": SERVER | RAY, "ray": SERVER, "server": VLLM | RAY, None: set()}[kind]
    assert without_effect <= {f"generator.engine.{name}" for name in others} | {
        "generator.engine.base_urls.0",
        "verifier.policy",
    }
    assert {key: value for key, value in before.items() if key in now and now[key] != value} == {}


SERVER = {"base_urls", "api", "timeout_s", "retries", "api_key_env"}
RAY = {"address", "replicas"}
VLLM = {"dtype", "tensor_parallel_size", "gpu_memory_utilization", "enforce_eager", "vllm"}


@pytest.mark.parametrize("file", [f for f in STORED if f.stem != "foreign"], ids=lambda f: f.stem)
def test_it_may_be_built_again_from_its_own_recipe(file: Path):
    assert isinstance(parse_recipe(file.read_text()), Recipe)


def test_a_key_that_never_had_an_effect_is_refused_in_a_recipe_but_not_in_a_run(tmp_path: Path):
    file = Path(__file__).parent / "stored" / "foreign.yaml"
    with pytest.raises(RecipeError, match="base_urls: has no effect"):
        parse_recipe(file.read_text())
    assert run_recipe(stored_run(file, tmp_path / "run")).sampling_block().engine.kind == "vllm"


def test_a_real_change_is_still_seen(tmp_path: Path):
    run = stored_run(Path(__file__).parent / "stored" / "vllm.yaml", tmp_path / "run")
    recipe = run_recipe(run, ["generator.engine.quantization=gptq", "generator.engine.vllm={}"])
    assert changed_evidence(recipe, run) == {"generator.engine.quantization": ("awq", "gptq")}
    with run.sample_log() as log:
        log.append({})
    with pytest.raises(RunError, match=r"generator\.engine\.quantization"):
        prepare(recipe, run.path)
