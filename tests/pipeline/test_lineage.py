"""Which view trained which model: read from the models' own records, told in the manifest of the next round."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairforge.pipeline import build
from pairforge.pipeline.lineage import lineage
from pairforge.pipeline.recipe_changes import changes, only_adds
from pairforge.pipeline.recipe_settings import evidence_settings
from pairforge.recipe import dump_recipe, load_recipe, parse_recipe
from pairforge.run import Run, read_view
from tests.pipeline.conftest import add

Make = Callable[..., Any]


def trained(folder: Path, base: str, *, data: str = "first, view default", digest: str = "abc", **more: object) -> Path:
    """A model folder as `pairforge train` leaves it."""
    folder.mkdir(exist_ok=True)
    record = {
        "settings": {"model": base, "method": "dpo"},
        "data": {"name": data, "revision": digest, "rows": 12},
        "finished": "2026-11-28T08:00:00+0000",
        **more,
    }
    (folder / "train.json").write_text(json.dumps(record))
    return folder


def test_every_round_names_the_view_that_trained_it(tmp_path: Path):
    first = trained(tmp_path / "round1", "org/start", digest="one")
    second = trained(tmp_path / "round2", str(first), data="second, view default", digest="two")
    assert [(r.data, r.digest, r.method, r.rows) for r in lineage(str(second))] == [
        ("second, view default", "two", "dpo", 12),
        ("first, view default", "one", "dpo", 12),
    ]
    assert lineage(str(second))[-1].base == "org/start"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"finished": "x"}', '{"finished": "x", "settings": 1, "data": 2}', "\udcff"]
)
def test_a_model_without_a_record_that_can_be_read_has_no_lineage(tmp_path: Path, content: str):
    assert lineage("org/model") == lineage(str(tmp_path)) == []
    (tmp_path / "train.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert lineage(str(tmp_path)) == []


def test_a_training_that_is_not_finished_does_not_count(tmp_path: Path):
    assert lineage(str(trained(tmp_path / "m", "org/start", finished=None))) == []


def test_a_record_that_names_its_own_folder_ends(tmp_path: Path):
    assert 0 < len(lineage(str(trained(tmp_path / "m", str(tmp_path / "m"))))) <= 100


def test_the_recipe_of_the_rounds_takes_the_next_arm_as_the_docs_write_it():
    file = Path(__file__).parents[2] / "recipes" / "rounds.yaml"
    first = load_recipe(file)
    more = ["generators.round1.engine.model=models/round1", "filter.rejected.origin=round1"]
    second = parse_recipe(dump_recipe(first), more)
    assert list(second.arms) == ["round0", "round1"]
    assert second.arms["round0"] == first.arms["round0"]
    assert only_adds(changes(evidence_settings(first), evidence_settings(second)))


def test_a_round_adds_an_arm_to_a_finished_run_and_its_manifest_tells_the_lineage(
    recipe: Make, scripted: Make, tokenizer_folder: Path, tmp_path: Path
):
    """Round 1 pairs short solutions with the given long ones; round 2 adds the model that was trained on those pairs."""
    engines = scripted(add)
    build(recipe(), tmp_path / "run")
    run = Run(tmp_path / "run")
    before = {sample.key: sample.text for sample in run.sampled()}
    digest = read_view(run, "default").digest
    trained(tokenizer_folder, "org/start", data="run, view default", digest=digest)
    arm = f"{{engine: {{model: {tokenizer_folder}, max_model_len: 256}}, sampling: {{max_tokens: 64}}, draws: {{max: 2}}}}"
    block = recipe().generator.model_dump(mode="json")
    second = recipe(
        "generator=null",
        f"generators={{sampled: {json.dumps(block)}, round2: {arm}}}",
        "filter.rejected.origin=round2",
    )
    summary = build(second, tmp_path / "run", extend=True)
    assert len(engines) == 2, "the first arm is not drawn again"
    assert before.items() <= {sample.key: sample.text for sample in run.sampled()}.items()
    assert (summary.arms["round2"]["samples"], summary.pairs) == (12, 12)
    [record] = run.manifest().arms["round2"].lineage
    assert (record.digest, record.data, record.base) == (digest, "run, view default", "org/start")
