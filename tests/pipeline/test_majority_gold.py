"""Problems without ground truth: drawn fully, answered by most of an arm's solutions, then like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pairforge.errors import EngineError, RecipeError
from pairforge.generator import Request
from pairforge.pipeline import build, merge, prepare, sample, verify
from pairforge.pipeline.check import check
from pairforge.recipe import load_recipe
from pairforge.run import Run, view_pairs
from tests.pipeline.conftest import add

Make = Callable[..., Any]
SETTINGS = ("majority={arm: sampled, min_agreeing: 2}", "generator.draws.max=3")


@pytest.fixture
def unlabelled(problems_file: Path) -> Path:
    """The first eight problems lose their answers: missing, null and blank."""
    rows = [json.loads(line) for line in problems_file.read_text().splitlines()]
    for number, row in enumerate(rows[:8]):
        row.pop("answer") if number % 3 == 0 else row.update(answer=None if number % 3 == 1 else "  ")
    problems_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return problems_file


def mostly_right(request: Request) -> str:
    """Two of three draws agree on the right answer, written in two ways."""
    right = add(request)
    return (right, right.replace("}", ".0}"), "It is \\boxed{0}.")[request.draw]


def test_problems_without_ground_truth_get_the_majoritys_answer_and_become_pairs(
    recipe: Make, scripted: Make, unlabelled: Path, tmp_path: Path
):
    engines = scripted(mostly_right)
    summary = build(recipe(*SETTINGS), tmp_path / "run")
    run = Run(tmp_path / "run")
    assert summary.pairs == 12
    gold = {pair["gold"] for pair in view_pairs(run, "default")}
    assert gold == {"dataset", "majority"}
    draws = pl.Series([r.problem_id for engine in engines for r in engine.requests]).value_counts()["count"]
    assert sorted(draws) == [1] * 4 + [3] * 8, "labelled problems stop at the first accepted draw"
    table = run.majorities()
    assert set(table["agreeing"]) == {2} and set(table["votes"]) == {3}
    problem = next(p for p in run.each_problem() if p.gold == "majority")
    assert problem.meta == {"majority_share": pytest.approx(2 / 3), "majority_margin": pytest.approx(1 / 3)}
    assert {v.status for v in run.each_verdict() if v.sample_key.startswith(problem.id)} == {"correct", "incorrect"}


def test_done_again_it_draws_nothing_and_keeps_its_answers(
    recipe: Make, scripted: Make, unlabelled: Path, tmp_path: Path
):
    scripted(mostly_right)
    build(recipe(*SETTINGS), tmp_path / "run")
    before = Run(tmp_path / "run").majority_file.read_bytes()
    engines = scripted(mostly_right)
    assert build(recipe(*SETTINGS), tmp_path / "run").pairs == 12
    assert engines == [] and Run(tmp_path / "run").majority_file.read_bytes() == before


def test_a_run_that_died_in_between_ends_like_an_undisturbed_one(
    recipe: Make, scripted: Make, unlabelled: Path, tmp_path: Path
):
    scripted(mostly_right)
    build(recipe(*SETTINGS), tmp_path / "calm")
    for fatal in (2, 5, 9):
        seen: list[str] = []

        def dies(request: Request, seen: list[str] = seen, fatal: int = fatal) -> str:
            seen.append(request.key)
            if len(seen) > fatal:
                raise EngineError("the engine died")
            return mostly_right(request)

        scripted(dies)
        with pytest.raises(EngineError):
            build(recipe(*SETTINGS), tmp_path / "died")
    scripted(mostly_right)
    build(recipe(*SETTINGS), tmp_path / "died")
    calm, died = Run(tmp_path / "calm"), Run(tmp_path / "died")
    assert died.majorities().sort("problem_id").equals(calm.majorities().sort("problem_id"))
    assert {s.key for s in died.sampled()} == {s.key for s in calm.sampled()}


def test_without_a_majority_a_problem_is_a_drop_with_that_reason(
    recipe: Make, scripted: Make, unlabelled: Path, tmp_path: Path
):
    scripted(lambda request: f"It is \\boxed{{{request.draw}}}.")
    summary = build(recipe(*SETTINGS), tmp_path / "run")
    assert summary.drops["no_majority"] == 8 and summary.pairs == 0
    assert Run(tmp_path / "run").majorities().height == 0


def test_share_and_number_of_agreeing_solutions_are_demanded(
    recipe: Make, scripted: Make, unlabelled: Path, tmp_path: Path
):
    scripted(mostly_right)
    for name, setting in (("a", "majority.min_agreeing=3"), ("b", "majority.min_share=0.7")):
        assert build(recipe(*SETTINGS, setting), tmp_path / name).drops["no_majority"] == 8


def test_a_view_can_refuse_the_kind(recipe: Make, scripted: Make, unlabelled: Path, tmp_path: Path):
    scripted(mostly_right)
    summary = build(recipe(*SETTINGS, "filter.gold=[dataset]"), tmp_path / "run")
    assert (summary.pairs, summary.drops) == (4, {"gold": 8})


def test_given_solutions_can_decide_and_nothing_is_sampled(
    recipe: Make, scripted: Make, problems_file: Path, tmp_path: Path
):
    row = json.loads(problems_file.read_text().splitlines()[0])
    tries = [row["long"], f"{row['long']} Yes.", "It is \\boxed{0}."]
    problems_file.write_text(json.dumps({"question": row["question"], "long": tries}) + "\n")
    engines = scripted(add)
    given = ("generator=null", "filter.rejected={origin: given, status: incorrect}", "filter.direction=any")
    summary = build(recipe("majority={arm: given}", *given), tmp_path / "run")
    [pair] = view_pairs(Run(tmp_path / "run"), "default")
    assert (summary.problems, pair["gold"], pair["answer"], engines) == (1, "majority", row["answer"], [])


def test_without_the_setting_such_rows_are_dropped_as_before(
    recipe: Make, scripted: Make, unlabelled: Path, tmp_path: Path
):
    scripted(add)
    summary = build(recipe(), tmp_path / "run")
    assert summary.problems == 4 and sum(summary.drops.values()) == 8


def test_another_source_with_the_answer_is_trusted_more(recipe: Make, scripted: Make, unlabelled: Path, tmp_path: Path):
    question = json.loads(unlabelled.read_text().splitlines()[0])["question"]
    (tmp_path / "more.jsonl").write_text(json.dumps({"question": question, "answer": "11"}) + "\n")
    more = f"sources=[{{dataset: {unlabelled}, adapter: columns}}, {{dataset: {tmp_path / 'more.jsonl'}, adapter: columns}}]"
    run = prepare(recipe(*SETTINGS, more), tmp_path / "run").run
    [known] = [problem for problem in run.each_problem() if problem.question == question]
    assert (known.gold, known.answer) == ("dataset", "11")


def test_shards_decide_for_themselves_and_merge(recipe: Make, scripted: Make, unlabelled: Path, tmp_path: Path):
    scripted(mostly_right)
    build(recipe(*SETTINGS), tmp_path / "whole")
    runs = []
    for k in (1, 2):
        session = prepare(recipe(*SETTINGS, f"shard={k}/2"), tmp_path / str(k))
        runs.append(session.run.path)
        merge(runs, tmp_path / "merged")  # before anything is decided, and again afterwards
        sample(session)
        verify(session)
    merge(runs, tmp_path / "merged")
    engines = scripted(mostly_right)
    assert build(recipe(*SETTINGS), tmp_path / "merged").pairs == 12 and engines == []
    whole, merged = (Run(tmp_path / name).majorities().sort("problem_id") for name in ("whole", "merged"))
    assert merged.equals(whole)


def test_check_tells_how_many_have_no_ground_truth(recipe: Make, unlabelled: Path):
    report = check(recipe(*SETTINGS))
    [gold] = [check.detail for check in report.checks if check.name == "gold"]
    assert gold == "4 of 4 ground truths verify themselves; 8 problems have none, the majority's answer will be taken"


def test_the_recipe_that_shows_it_reads_and_takes_questions_alone(
    unlabelled: Path, tokenizer_folder: Path, tmp_path: Path
):
    models = [f"generators.{arm}.engine={{model: {tokenizer_folder}, max_model_len: 256}}" for arm in ("short", "long")]
    small = [f"generators.{arm}.sampling.max_tokens=64" for arm in ("short", "long")]
    other = ["decontaminate.sets=[]", f"filter.tokenizer={tokenizer_folder}", f"sources.0.dataset={unlabelled}"]
    shown = load_recipe(Path(__file__).parents[2] / "recipes" / "unlabelled.yaml", [*models, *small, *other])
    run = prepare(shown, tmp_path / "run").run
    assert sorted(problem.gold for problem in run.each_problem()) == ["dataset"] * 4 + ["majority"] * 8


def test_the_arm_must_exist(recipe: Make):
    with pytest.raises(RecipeError, match=r"no arm 'long'; arms: sampled, given"):
        recipe("majority={arm: long}")
