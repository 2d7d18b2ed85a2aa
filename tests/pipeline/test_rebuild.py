"""A published recipe makes the published rows again, whatever rules a view has."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pairforge.errors import RecipeError, RunError
from pairforge.generator import Request
from pairforge.hub import contents
from pairforge.hub.contents import Contents, stage
from pairforge.pipeline import build, make_view, open_session
from pairforge.recipe import load_recipe
from pairforge.run import Run, view_pairs
from tests.pipeline.conftest import add

Make = Callable[..., Any]
SAMPLED = ("filter.gap.min=8", "generator.draws.max=4")
VIEWS = {
    "narrow": ["filter.gap.min=14"],
    "other-form": ["format.rejected_frame=as_sampled", "filter.chosen.min_tokens=12", "seed=5", "filter.pick=random"],
    "control": ["filter.rejected.status=any", "filter.gap.min=2", "filter.pick=longest", "filter.control=reversed"],
}


@pytest.fixture(autouse=True)
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "draw_figures", lambda *_: None)


def solution(request: Request) -> str:
    """Of 3 words and up, and wrong one time in three: what is drawn, and what is cut, depends on the rules."""
    number = int(hashlib.sha256(f"{request.prompt}/{request.seed}".encode()).hexdigest(), 16)
    answer = add(request) if number % 3 else "It is \\boxed{0}."
    return " ".join(["so"] * (number % 17)) + f" {answer}"


def publish(run: Path, view: str) -> tuple[Contents, dict[str, Any]]:
    """What a push would publish, and the number and hash of its rows."""
    staged = stage(Run(run), {"pairs": view}, "ana/pairs")
    return staged, staged.manifest["configs"]["pairs"]["splits"]["train"]


def rebuild(staged: Contents, folder: Path, view: str, *overrides: str) -> dict[str, Any]:
    """The rows of somebody who has the published recipe, and the author's files in the same folder."""
    file = shutil.copy(staged.files["recipe.yaml"], folder / "rebuild.yaml")
    run = folder / f"rebuilt{len(overrides)}"
    build(load_recipe(file, overrides), run, view=view)
    return publish(run, view)[1]


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_under_other_rules_than_the_run_was_sampled_for_is_rebuilt(
    recipe: Make, scripted: Make, tmp_path: Path, name: str
):
    scripted(solution)
    build(recipe(*SAMPLED), tmp_path / "run")
    make_view(open_session(str(tmp_path / "run"), VIEWS[name]), name)
    staged, rows = publish(tmp_path / "run", name)
    assert rows["rows"] > 2 and "sample_for" in staged.files["recipe.yaml"].read_text()
    assert rebuild(staged, tmp_path, name) == rows
    assert rebuild(staged, tmp_path, name, "sample_for=[]") != rows


def test_a_view_of_two_arms_is_rebuilt_with_both(two_arms: Make, scripted: Make, tmp_path: Path):
    def either(request: Request) -> str:
        return " ".join(["so"] * 20) + f" {solution(request)}" if "/long/" in request.key else solution(request)

    scripted(either)
    build(two_arms("filter.gap.min=8"), tmp_path / "run")
    make_view(open_session(str(tmp_path / "run"), ["filter.gap.min=16"]), "narrow")
    staged, rows = publish(tmp_path / "run", "narrow")
    published = yaml.safe_load(staged.files["recipe.yaml"].read_text())
    assert list(published["generators"]) == ["short", "long"]
    assert rows["rows"] > 2 and published["sample_for"] == [{"filter.gap.min": 8}]
    assert rebuild(staged, tmp_path, "narrow") == rows
    assert rebuild(staged, tmp_path, "narrow", "sample_for=[]") != rows


def test_a_view_that_the_run_was_sampled_for_needs_no_further_key(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(solution)
    build(recipe(*SAMPLED), tmp_path / "run")
    staged, rows = publish(tmp_path / "run", "default")
    assert "sample_for" not in staged.files["recipe.yaml"].read_text()
    assert rebuild(staged, tmp_path, "default") == rows


def test_a_run_that_was_extended_is_rebuilt_stage_by_stage(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(solution)
    build(recipe("filter.gap.min=14", "generator.draws.max=2"), tmp_path / "run")
    build(recipe("filter.gap.min=2", "generator.draws.max=4"), tmp_path / "run", extend=True, view="wide")
    staged, rows = publish(tmp_path / "run", "wide")
    stages = yaml.safe_load(staged.files["recipe.yaml"].read_text())["sample_for"]
    assert stages == [{"filter.gap.min": 14, "generator.draws.max": 2}, {}]
    assert rebuild(staged, tmp_path, "wide") == rows


def test_a_run_of_an_earlier_version_is_rebuilt_from_its_target(recipe: Make, scripted: Make, tmp_path: Path):
    """It was extended to other rules than its recipe has; the target alone tells."""
    scripted(solution)
    build(recipe("filter.gap.min=14"), tmp_path / "run")
    run = Run(tmp_path / "run")
    target = run.manifest().target
    run.update_manifest(sampled_for=[], target={**target, "gap": {"min": 3, "max": None}})
    staged, _ = publish(tmp_path / "run", "default")
    (stage_settings,) = yaml.safe_load(staged.files["recipe.yaml"].read_text())["sample_for"]
    assert stage_settings["filter.gap.min"] == 3


def test_later_builds_serve_the_format_and_the_rules_of_the_latest_stage(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(solution)
    build(recipe(*SAMPLED), tmp_path / "run")
    build(recipe(*SAMPLED, "format.rejected_frame=as_sampled", "filter.gap.min=20"), tmp_path / "run", view="other")
    assert len(engines) == 1


def test_a_run_that_was_sampled_for_something_else_is_refused(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(solution)
    build(recipe(*SAMPLED), tmp_path / "run")
    with pytest.raises(RunError, match=r"sample_for\.0\.filter\.gap\.min: 8\.0 there, 3\.0 here"):
        build(recipe(*SAMPLED, "sample_for=[{filter.gap.min: 3}]"), tmp_path / "run")


def test_a_stage_may_name_only_what_sampling_knows(recipe: Make):
    with pytest.raises(RecipeError, match=r"'train\.beta' does not belong to a stage"):
        recipe("sample_for=[{train.beta: 1}]")
    with pytest.raises(RecipeError, match=r"sample_for\.0: filter\.gap\.mix: unknown key"):
        recipe("sample_for=[{filter.gap.mix: 1}]")


def test_the_id_of_a_pair_depends_on_its_texts_alone(recipe: Make, scripted: Make, tmp_path: Path):
    """The same solution drawn with another budget is the same pair."""
    scripted(add)
    build(recipe(), tmp_path / "a")
    build(recipe("generator.budget=full"), tmp_path / "b")
    a, b = (view_pairs(Run(tmp_path / name), "default") for name in "ab")
    assert [pair["rejected_key"] for pair in a] != [pair["rejected_key"] for pair in b]
    assert [pair["id"] for pair in a] == [pair["id"] for pair in b]
    assert len({pair["id"] for pair in a}) == 12


def test_the_card_says_what_only_the_author_has(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(solution)
    build(recipe(*SAMPLED), tmp_path / "run")
    staged, _ = publish(tmp_path / "run", "default")
    told = staged.card.partition("## Rebuild")[2]
    for row in (
        "| `sources.0.dataset` | dataset | problems.jsonl |",
        "| `generator.engine.model` | model | student |",
        "| `filter.tokenizer` | model | student |",
    ):
        assert row in told


def test_the_card_shows_undecided_problems_as_filter_prints_them(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(solution)
    build(recipe(*SAMPLED), tmp_path / "run")
    make_view(open_session(str(tmp_path / "run"), VIEWS["narrow"]), "narrow")
    staged, _ = publish(tmp_path / "run", "narrow")
    assert "- **Undecided**: up to " in staged.card and "stopped drawing for other rules." in staged.card


@pytest.mark.engine
@pytest.mark.full
def test_vllm_draws_the_same_rows_from_a_published_recipe(tmp_path: Path):
    """The bundled model, on a view with a larger gap than the run was sampled for."""
    demo = load_recipe("recipes/demo.yaml", ["sources.0.limit=40"])
    build(demo, tmp_path / "run")
    make_view(open_session(str(tmp_path / "run"), ["filter.gap.min=60"]), "wide")
    staged, rows = publish(tmp_path / "run", "wide")
    assert yaml.safe_load(staged.files["recipe.yaml"].read_text())["sample_for"] == [{"filter.gap.min": 20.0}]
    assert rebuild(staged, tmp_path, "wide") == rows and rows["rows"] > 5
