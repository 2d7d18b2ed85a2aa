"""From problems to pairs, with a scripted model: every problem ends somewhere, and nothing is done twice."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pairforge.cli.console import print_summary
from pairforge.errors import EngineError, RunError
from pairforge.generator import Request
from pairforge.pipeline import Session, build, make_view, run_recipe
from pairforge.pipeline.reporting import make_report
from pairforge.run import Run, open_run, read_view, view_pairs
from tests.pipeline.conftest import add

Make = Callable[..., Any]


def test_long_and_short_become_pairs_in_trls_format(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    summary = build(recipe(), tmp_path / "run")
    assert (summary.problems, summary.samples, summary.correct, summary.pairs) == (12, 12, 12, 12)
    pair = view_pairs(Run(tmp_path / "run"), "default")[0]
    assert [m["role"] for m in pair["prompt"]] == ["user"]
    assert pair["chosen"][0]["content"].startswith("<think>\nLet me see.")
    assert pair["rejected"][0]["content"].startswith("<think>\n")
    assert pair["chosen_status"] == pair["rejected_status"] == "correct"
    assert pair["gap_tokens"] == pair["chosen_tokens"] - pair["rejected_tokens"] > 0


def test_another_run_is_a_source_and_its_solutions_are_judged_anew(recipe: Make, scripted: Make, tmp_path: Path):
    """Short solutions of the first run stand beside the long ones, so nothing is left to sample."""
    engines = scripted(lambda request: add(request) if request.draw else "It is \\boxed{0}.")
    build(recipe(), tmp_path / "first")
    source = f"sources=[{{dataset: {tmp_path / 'first'}}}]"
    given = ("generator=null", "filter.chosen.origin=given", "filter.rejected.origin=given")
    second = build(recipe(source, *given, "filter.rejected.status=correct"), tmp_path / "second")
    assert (second.problems, second.pairs, len(engines)) == (12, 12, 1)
    statuses = [verdict.status for verdict in Run(tmp_path / "second").each_verdict()]
    assert (statuses.count("correct"), statuses.count("incorrect")) == (24, 12)
    only_long = build(recipe(source[:-2] + ", origins: [given]}]", *given), tmp_path / "third")
    assert Run(tmp_path / "third").sample_count() == 12 and only_long.pairs == 0


def test_a_run_made_before_sources_had_origins_is_the_same_run(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe(), tmp_path / "run")
    run = Run(tmp_path / "run")
    run.update_manifest(evidence={k: v for k, v in run.manifest().evidence.items() if not k.endswith(".origins")})
    assert build(recipe(), tmp_path / "run").pairs == 12


def test_the_summary_tells_samples_cut_by_a_rule_from_those_cut_by_max_tokens(
    recipe: Make, scripted: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    scripted(lambda request: "word " * 100)
    summary = build(recipe("filter.gap.min=10", "generator.draws.max=1"), tmp_path / "rule")
    assert (summary.cut_by_budget, summary.cut_by_max_tokens) == (12, 0)
    print_summary(summary)
    assert "12 (longer than any solution the rules could pair)" in " ".join(capsys.readouterr().out.split())
    full = build(recipe("generator.budget=full", "generator.draws.max=1"), tmp_path / "full")
    assert (full.cut_by_budget, full.cut_by_max_tokens) == (0, 12)


def test_a_finished_run_is_not_done_again(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    first = build(recipe(), tmp_path / "run")
    again = build(recipe(), tmp_path / "run")
    assert len(engines) == 1
    assert {**again.to_json(), "seconds": 0} == {**first.to_json(), "seconds": 0}


def test_draws_go_on_until_a_sample_can_be_paired(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(lambda request: add(request) if request.draw == 2 else "It is \\boxed{0}.")
    summary = build(recipe(), tmp_path / "run")
    assert len(engines[0].requests) == summary.samples == 36
    assert summary.pairs == 12


def test_a_problem_never_solved_is_dropped_with_its_reason(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(lambda request: "I do not know." if "1 plus 10" in request.prompt else add(request))
    summary = build(recipe(), tmp_path / "run")
    assert summary.pairs == 11
    assert sum(summary.drops.values()) == 1
    drops = pl.read_parquet(tmp_path / "run" / "views" / "default" / "drops.parquet").to_dicts()
    assert [(d["stage"], d["reason"]) for d in drops] == [("filter", "rejected_status")]


def test_a_dead_engine_loses_nothing_and_the_next_build_finishes(recipe: Make, scripted: Make, tmp_path: Path):
    seen: list[str] = []

    def dies(request: Request) -> str:
        seen.append(request.key)
        if len(seen) > 7:
            raise EngineError("the engine died")
        return add(request)

    scripted(dies)
    with pytest.raises(EngineError):
        build(recipe(), tmp_path / "run")
    kept = {sample.key for sample in Run(tmp_path / "run").sampled()}
    assert len(kept) >= 6
    engines = scripted(add)
    assert build(recipe(), tmp_path / "run").pairs == 12
    assert not kept & {request.key for request in engines[0].requests}


def test_other_sampling_settings_are_refused_and_other_rules_are_not(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe(), tmp_path / "run")
    with pytest.raises(RunError, match=r"generator\.sampling\.temperature: 0\.7 there, 0\.1 here"):
        build(recipe("generator.sampling.temperature=0.1"), tmp_path / "run")
    assert build(recipe("filter.gap.min=1000"), tmp_path / "run").pairs == 0


def test_a_directory_with_something_else_is_left_alone(recipe: Make, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    with pytest.raises(RunError, match="is not a pairforge run"):
        build(recipe(), tmp_path / "mine")
    assert [f.name for f in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_prompts_longer_than_the_context_are_dropped_with_a_reason(
    recipe: Make, scripted: Make, problems_file: Path, tmp_path: Path
):
    long_question = "plus ".join(f"{n} " for n in range(300))
    with problems_file.open("a") as file:
        file.write(json.dumps({"question": long_question, "answer": "1", "long": "x \\boxed{1}"}) + "\n")
    engines = scripted(add)
    summary = build(recipe(), tmp_path / "run")
    assert summary.drops == {"prompt_too_long": 1}
    assert len(engines[0].requests) == 12


def test_the_stored_recipe_reruns_the_run(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    first = build(recipe(), tmp_path / "run")
    again = build(run_recipe(open_run(tmp_path / "run")), tmp_path / "run")
    assert first.pairs == again.pairs and len(engines) == 1


def test_the_same_rules_give_the_same_bytes(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe(), tmp_path / "run")
    run = Run(tmp_path / "run")
    make_view(Session(recipe(), run), "again")
    first, second = (run.view(name) / "pairs.parquet" for name in ("default", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_a_view_tells_its_rules_and_its_funnel(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe("filter.gap.min=7"), tmp_path / "run")
    record = read_view(Run(tmp_path / "run"), "default")
    assert record.filter["gap"]["min"] == 7
    assert record.funnel[0].step == "candidates"


def test_pairs_load_with_datasets(recipe: Make, scripted: Make, tmp_path: Path):
    from datasets import load_dataset

    scripted(add)
    build(recipe(), tmp_path / "run")
    file = str(tmp_path / "run" / "views" / "default" / "pairs.parquet")
    loaded = load_dataset("parquet", data_files=file, split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == 12
    assert loaded[0]["chosen"][0]["role"] == "assistant"


def test_an_evaluation_set_that_cannot_be_reached_is_named_in_the_report(
    recipe: Make, scripted: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    scripted(add)
    build(recipe("decontaminate.sets=[math-500]"), tmp_path / "run")
    text = make_report(Run(tmp_path / "run"), "default").read_text()
    assert "Not checked against math-500" in text


def test_a_cut_draw_has_not_solved_its_problem(recipe: Make, scripted: Make, tmp_path: Path):
    """Two draws each: the first right, the second too long for its budget."""
    scripted(lambda request: add(request) if request.draw == 0 else "so " * 500)
    twice = recipe("generator.draws.min=2", "generator.draws.until=max", "generator.draws.max=2")
    build(twice, tmp_path / "run")
    problems = Session(twice, Run(tmp_path / "run")).evidence().problems
    assert problems["pass_rate"].to_list() == [0.5] * 12


def test_a_draw_that_was_repeated_with_a_larger_budget_counts_once(recipe: Make, scripted: Make, tmp_path: Path):
    """The box comes first, so that the cut draw is correct too."""
    scripted(lambda request: add(request) + " so" * 30)
    build(recipe("generator.sampling.max_tokens=8"), tmp_path / "run")
    longer = build(recipe("generator.sampling.max_tokens=64"), tmp_path / "run", extend=True)
    assert longer.correct == longer.samples == 36


@pytest.mark.parametrize("control", ["reversed", "random_pairs"])
@pytest.mark.parametrize("rejected_frame", ["same", "as_sampled"])
def test_a_control_arm_exchanges_sides_and_never_changes_a_text(
    recipe: Make, scripted: Make, tmp_path: Path, control: str, rejected_frame: str
):
    """Texts and lengths go together: a raw sample stays raw on whichever side it stands."""
    scripted(add)
    made = recipe(f"format.rejected_frame={rejected_frame}")
    build(made, tmp_path / "run")
    controlled = recipe(f"format.rejected_frame={rejected_frame}", f"filter.control={control}")
    build(controlled, tmp_path / "run", view="control")
    views = [pl.read_parquet(tmp_path / "run" / "views" / view / "pairs.parquet") for view in ("default", "control")]
    texts = [
        {
            row["problem_id"]: {(row[side][0]["content"], row[f"{side}_tokens"]) for side in ("chosen", "rejected")}
            for row in view.iter_rows(named=True)
        }
        for view in views
    ]
    assert texts[0] == texts[1] and len(texts[0]) == 12
    assert views[0]["chosen"].to_list() != views[1]["chosen"].to_list()
