"""Which model wrote the samples: a public name, and the digest of its weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairforge.errors import RunError
from pairforge.generator.weights import weights_digest
from pairforge.pipeline import build
from pairforge.pipeline.check import check
from pairforge.run import Run, view_pairs
from tests.pipeline.conftest import add

Make = Callable[..., Any]


@pytest.fixture
def weights(tokenizer_folder: Path) -> Path:
    """The weights of the model that the recipe names, which the scripted engine does not read."""
    file = tokenizer_folder / "model.safetensors"
    file.write_bytes(bytes(1000))
    return file


def test_samples_and_pairs_know_a_local_model_by_its_public_name(
    recipe: Make, scripted: Make, weights: Path, tmp_path: Path
):
    scripted(add)
    build(recipe("generator.engine.name=ana/adder"), tmp_path / "run")
    run = Run(tmp_path / "run")
    assert {pair["rejected_model"] for pair in view_pairs(run, "default")} == {"ana/adder"}
    arm = run.manifest().arms["sampled"]
    assert (arm.model, arm.weights) == ("ana/adder", weights_digest(weights.parent))


def test_a_folder_without_a_public_name_is_said_by_check(recipe: Make, weights: Path):
    said = {c.name: c.detail for c in check(recipe()).checks}
    assert said["model name"] == "cards will say 'student': generator.engine.name gives it a public name"
    assert "model name" not in {c.name for c in check(recipe("generator.engine.name=ana/adder")).checks}


def test_other_weights_in_the_same_folder_do_not_go_on_with_a_run(
    recipe: Make, scripted: Make, weights: Path, tmp_path: Path
):
    engines = scripted(add)
    build(recipe(), tmp_path / "run")
    weights.write_bytes(bytes(999) + b"1")
    build(recipe(), tmp_path / "run")  # nothing is sampled: the pairs are there
    with pytest.raises(RunError, match="no longer those that 'sampled' was sampled with"):
        build(recipe("generator.draws={until: max, max: 4}"), tmp_path / "run", extend=True)
    assert len(engines) == 1


def test_another_public_name_is_another_run(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe(), tmp_path / "run")
    with pytest.raises(RunError, match=r"generator\.engine\.name: None there, 'ana/adder' here"):
        build(recipe("generator.engine.name=ana/adder"), tmp_path / "run")
