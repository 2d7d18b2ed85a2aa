"""Derived solutions: evidence with an origin of their own, made and verified without sampling."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from pairforge.cli import app, derive, views  # noqa: F401  (importing registers the commands)
from pairforge.errors import RecipeError, RuleError
from pairforge.generator import Request
from pairforge.pipeline import Session, build, make_view, open_session
from pairforge.pipeline import derive as derive_solutions
from pairforge.recipe import Recipe
from pairforge.run import Run, view_pairs
from pairforge.run.derived_file import lineage
from tests.pipeline.conftest import add

Make = Callable[..., Any]
LONG = (
    "<think>\nLet me see: {a} and {b}.\n\nSo the answer is {c}.\n\nWait, I check: {c} minus {b} is {a}. "
    "So the answer is {c}.\n\nHmm, once more, the answer is {c}. Good.\n</think>\n\nSo it is \\boxed{{{c}}}."
)
FIRST = "derive.first={of: given, first_correct: true}"


@pytest.fixture
def problems_file(tmp_path: Path) -> Path:
    rows = []
    for n in range(6):
        numbers = {"a": n + 1, "b": 10 + n, "c": 11 + 2 * n}
        question = "What is {a} plus {b}?".format(**numbers)
        long = LONG.format(**numbers) if n else LONG.format(**{**numbers, "c": 99})  # one that is wrong
        rows.append({"question": question, "answer": str(numbers["c"]), "long": long})
    file = tmp_path / "problems.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def finished(recipe: Make, scripted: Make, tmp_path: Path) -> Run:
    scripted(lambda request: f"Let me see.\n\nWait, {add(request)}\n\nDone. {add(request)}")
    build(recipe(FIRST, "derive.calm={of: sampled, without_reflections: true}"), tmp_path / "run")
    return Run(tmp_path / "run")


def derived(run: Run, origin: str) -> list[Any]:
    return [sample for sample in run.each_sample() if sample.origin == origin]


def test_a_build_makes_and_verifies_them(finished: Run):
    samples = derived(finished, "first")
    assert len(samples) == 5  # the wrong solution gives none
    assert all(s.thought.endswith(".") and "Wait" not in s.text for s in samples)
    assert (
        samples[0].text == "<think>\nLet me see: 2 and 11.\n\nSo the answer is 13.\n</think>\n\nSo it is \\boxed{13}."
    )
    verdicts = dict(finished.verdict_table().select("sample_key", "status").iter_rows())
    assert {verdicts[sample.key] for sample in samples} == {"correct"}
    assert finished.manifest().derived.counts["first"] == {"not_correct": 1, "made": 5}


def test_each_names_the_solution_it_was_made_from(finished: Run):
    rows = lineage(finished).filter(origin="first")
    assert rows["derived_from"].to_list() == [key.replace("/first/", "/given/") for key in rows["sample_key"]]


def test_pairs_of_derived_and_given_or_sampled_solutions_are_rules_like_any(finished: Run):
    sides = ["filter.direction=short", "filter.chosen={origin: first, status: correct}"]
    make_view(open_session(finished, [*sides, "filter.rejected={origin: given, status: correct}"]), "fcs")
    assert {(p["chosen_key"].split("/")[1], p["rejected_key"].split("/")[1]) for p in view_pairs(finished, "fcs")} == {
        ("first", "given")
    }
    assert len(view_pairs(finished, "fcs")) == 5
    other = ["filter.rejected={origin: sampled}", "filter.direction=any", "filter.gap={}"]
    make_view(open_session(finished, [*sides, *other]), "other")
    assert len(view_pairs(finished, "other")) == 5


def test_they_are_no_draws(finished: Run):
    session = open_session(finished)
    problems = session.evidence().problems
    assert sorted(problems["draws"].to_list()) == [0, 1, 1, 1, 1, 1]  # the sixth has no partner, and was not drawn
    assert set(problems["pass_rate"]) == {1.0, None}


def test_nothing_is_done_again_until_something_changes(finished: Run, monkeypatch: pytest.MonkeyPatch):
    before = finished.derived_file.stat().st_mtime_ns
    session = open_session(finished)
    derive_solutions(session)
    assert finished.derived_file.stat().st_mtime_ns == before
    longer = open_session(finished, ["derive.first={of: given, first_correct_plus: 1}"])
    counts = derive_solutions(longer)
    assert counts["first"] == {"not_correct": 1, "made": 5}
    assert "Wait" in derived(finished, "first")[0].text and "Hmm" not in derived(finished, "first")[0].text


def test_another_text_under_the_same_key_gets_its_own_verdict_and_length(finished: Run):
    def lengths() -> dict[str, int]:
        facts = open_session(finished).sample_facts.filter(origin="first")
        return dict(facts.select("sample_key", "completion_tokens").iter_rows())

    before, verdicts = lengths(), finished.verdict_table().height
    derive_solutions(open_session(finished, ["derive.first={of: given, first_correct_plus: 1}"]))
    after = lengths()
    assert before.keys() == after.keys() and all(after[key] > before[key] for key in before)
    assert finished.verdict_table().height == verdicts


def test_without_the_block_they_go(finished: Run):
    session = open_session(finished)
    session.recipe = session.recipe.model_copy(update={"derive": {}})
    derive_solutions(session)
    assert not finished.derived_file.exists() and derived(finished, "first") == []
    assert finished.verdict_table().height == 11


def test_a_method_that_finds_nothing_to_cut_makes_nothing(finished: Run):
    counts = derive_solutions(open_session(finished, ["derive.cut={of: sampled, truncate: 1000}"]))
    assert counts["cut"] == {"unchanged": 5}
    assert {s.text[:18] for s in derived(finished, "calm")} == {"Let me see. Done.\n"}


def test_the_reasoning_is_cut_to_the_students_tokens(finished: Run):
    counts = derive_solutions(open_session(finished, ["derive.cut={of: given, truncate: 12}"]))
    assert counts["cut"] == {"made": 6}
    session = open_session(finished)
    for sample in derived(finished, "cut"):
        assert len(session.student.tokenize(sample.thought)) <= 12 and sample.answer_text.startswith("So it is")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("derive.x={of: nobody, truncate: 5}", "neither the source nor an arm is 'nobody'"),
        ("derive.x={of: first, truncate: 5}", "is 'first'"),
    ],
)
def test_what_they_cannot_be_made_of_is_refused(finished: Run, override: str, message: str):
    with pytest.raises(RecipeError, match=message):
        derive_solutions(open_session(finished, [override]))
    assert len(derived(finished, "first")) == 5


@pytest.mark.parametrize("name", ["given", "any", "sampled", "Ab"])
def test_names_with_another_meaning_are_refused(recipe: Make, name: str):
    with pytest.raises(RecipeError):
        recipe(f"derive={{{name}: {{of: given, truncate: 5}}}}")


def test_the_command_derives_from_a_finished_run_and_keeps_the_block(finished: Run):
    words = ["derive", str(finished.path), "--set", "derive.cut={of: given, truncate: 12}", "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["cut"] == {"made": 6}
    assert open_session(finished).recipe.derive.keys() == {"first", "calm", "cut"}


def test_reading_the_sources_again_removes_them(finished: Run):
    finished.forget_sources()
    assert not finished.derived_file.exists()


def test_they_are_made_before_sampling_too(recipe: Make, scripted: Make, tmp_path: Path):
    """Sampling knows the derived partners: a draw that pairs with one is accepted."""
    engines = scripted(add)
    settings: Recipe = recipe(FIRST, "filter.chosen={origin: first, status: correct}", "generator.draws.max=3")
    build(settings, tmp_path / "run")
    session = Session(settings, Run(tmp_path / "run"))
    assert session.evidence().problems.filter(pl.col("draws") == 1).height == 5  # the sixth has no partner: no draw
    assert isinstance(engines[0].requests[0], Request) and len(engines[0].requests) <= 8


def test_sampling_for_solutions_that_are_derived_later_asks_for_fixed_draws(
    recipe: Make, scripted: Make, tmp_path: Path
):
    scripted(lambda request: f"So the answer is 1. Wait. So the answer is 1. {add(request)}")
    rules = ["derive.fcs={of: sampled, truncate: 8}", "filter.chosen={origin: given, status: correct}"]
    rules += ["filter.rejected={origin: fcs, status: any}"]
    with pytest.raises(RuleError, match="rules name 'fcs', which is made of solutions of 'sampled'"):
        build(recipe(*rules), tmp_path / "run")
    build(recipe(*rules, "generator.budget=full", "generator.draws={max: 2, until: max}"), tmp_path / "other")
    assert len(view_pairs(Run(tmp_path / "other"), "default")) == 5
