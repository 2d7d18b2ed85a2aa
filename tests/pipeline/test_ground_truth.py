"""Kinds of ground truth through the pipeline: per recipe and per source, and whose functions are run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pairforge.errors import RecipeError, VerifierError
from pairforge.pipeline import Session, open_session, prepare, verify
from pairforge.pipeline.verifying import missing_verdicts
from pairforge.recipe import Recipe, load_recipe
from pairforge.run import Run
from pairforge.verifier import VERIFIER_VERSION

ROWS: dict[str, list[dict[str, Any]]] = {
    "sums.jsonl": [{"question": "What is 1/4 + 1/4?", "answer": "1/2", "long": "So \\boxed{0.5}."}],
    "words.jsonl": [{"question": "Write one half as a fraction.", "answer": "1/2", "long": "So \\boxed{2/4}."}],
    "options.jsonl": [
        {"question": "Which is even?", "answer": "B", "long": "So \\boxed{4}.", "choices": ["3", "4"]},
        {"question": "Which is odd? (A) 3 (B) 4", "answer": "A", "long": "So \\boxed{B}.", "choices": []},
    ],
}
GRADER = "def check(gold, answer, **_):\n    return answer.startswith(gold[0])\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in ROWS.items():
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "grading.py").write_text(GRADER)
    return tmp_path


def recipe_in(folder: Path, sources: list[dict[str, Any]], verifier: dict[str, Any] | None = None) -> Recipe:
    raw = {
        "sources": [{"columns": {"long": "long", "meta.options": "choices"}, **source} if "options" in source["dataset"]
                    else {"columns": {"long": "long"}, **source} for source in sources],
        "generator": None,
        "verifier": {"workers": 1, **(verifier or {})},
        "filter": {"tokenizer": "pairforge:nano"},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(raw))
    return load_recipe(folder / "recipe.yaml")


def judged(run: Run) -> dict[str, tuple[str, str]]:
    """Status and version by the text of the solution."""
    texts = {sample.key: sample.text for sample in run.each_sample()}
    return {texts[v.sample_key]: (v.status, v.verifier_version) for v in run.each_verdict()}


def test_each_source_is_judged_by_its_own_rules(folder: Path):
    recipe = recipe_in(
        folder,
        [
            {"dataset": "sums.jsonl"},
            {"dataset": "words.jsonl", "verifier": {"kind": "exact"}},
            {"dataset": "options.jsonl", "verifier": {"kind": "choice"}},
        ],
    )
    session = prepare(recipe, folder / "run")
    verify(session)
    assert judged(session.run) == {
        "So \\boxed{0.5}.": ("correct", VERIFIER_VERSION),
        "So \\boxed{2/4}.": ("correct", f"{VERIFIER_VERSION}+exact"),
        "So \\boxed{4}.": ("correct", f"{VERIFIER_VERSION}+choice"),
        "So \\boxed{B}.": ("incorrect", f"{VERIFIER_VERSION}+choice"),
    }
    told = session.run.manifest().to_json()["verifier"]["sources"]
    assert [rules["kind"] for rules in told.values()] == ["math", "exact", "choice"]
    assert missing_verdicts(open_session(session.run)) == set()


def test_other_rules_judge_again_and_read_nothing_again(folder: Path):
    run = prepare(recipe_in(folder, [{"dataset": "sums.jsonl"}]), folder / "run").run
    verify(open_session(run))
    session = prepare(recipe_in(folder, [{"dataset": "sums.jsonl", "verifier": {"units": "strict"}}]), run.path)
    assert len(missing_verdicts(session)) == 1
    verify(session)
    assert [version for _, version in judged(run).values()] == [f"{VERIFIER_VERSION}+units-strict"]
    assert missing_verdicts(open_session(run)) == set()


def test_a_function_beside_the_recipe_judges(folder: Path):
    session = prepare(
        recipe_in(folder, [{"dataset": "sums.jsonl"}], {"kind": "python", "python": "grading:check"}), folder / "run"
    )
    verify(session)
    ((status, version),) = judged(session.run).values()
    assert status == "incorrect" and version.startswith(f"{VERIFIER_VERSION}+python:grading:check@")


def test_a_function_that_only_a_stored_recipe_names_is_never_run(folder: Path):
    run = prepare(
        recipe_in(folder, [{"dataset": "sums.jsonl"}], {"kind": "python", "python": "grading:check"}), folder / "run"
    ).run
    (folder / "grading.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n{GRADER}")
    with pytest.raises(VerifierError, match="names a function"):
        verify(open_session(run))
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    ("verifier", "source"),
    [
        ({"kind": "python"}, {}),
        ({}, {"verifier": {"kind": "python"}}),
        ({"kind": "python", "python": "no function"}, {}),
        ({"kind": "maths"}, {}),
    ],
)
def test_a_kind_without_its_function_is_refused(folder: Path, verifier: dict[str, Any], source: dict[str, Any]):
    with pytest.raises(RecipeError):
        recipe_in(folder, [{"dataset": "sums.jsonl", **source}], verifier)


def test_a_missing_file_is_named(folder: Path):
    recipe = recipe_in(folder, [{"dataset": "sums.jsonl"}], {"kind": "python", "python": "nowhere:check"})
    session: Session = prepare(recipe, folder / "run")
    with pytest.raises(VerifierError, match="nowhere"):
        verify(session)
