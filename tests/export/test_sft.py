"""`export --format sft`: a side of the pairs, or picks among all correct solutions."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.export.completions import Picked, pick_solutions
from pairforge.export.config import SftConfig
from pairforge.filters import Rules, prepare, select
from pairforge.pipeline.exporting import export_view
from tests.export.runs import nano_run
from tests.export.test_kto import rows_of, trained
from tests.filters.tables import problems, random_tables, sample, samples

NO_PAIRS = pl.DataFrame(schema={"chosen_key": pl.String, "rejected_key": pl.String})


def picked(*solutions: dict[str, Any], pairs: pl.DataFrame = NO_PAIRS, **settings: Any) -> Picked:
    ids = sorted({row["problem_id"] for row in solutions})
    evidence = prepare(problems(*ids), samples(*solutions))
    return pick_solutions(evidence, Rules(), SftConfig(**settings), pairs, seed=1)


def keys(found: Picked) -> list[str]:
    return sorted(found.rows["sample_key"])


THREE = [sample("p", "sampled", tokens, draw=i) for i, tokens in enumerate((30, 10, 20))]
WRONG = sample("p", "given", 99, "incorrect")


@pytest.mark.parametrize(
    ("settings", "draws"),
    [
        ({}, [0, 1, 2]),
        ({"pick": "shortest"}, [1]),
        ({"pick": "longest"}, [0]),
        ({"pick": "shortest", "per_problem": 2}, [1, 2]),
    ],
)
def test_rejection_sampling_picks_among_the_correct_solutions(settings: dict, draws: list[int]):
    found = picked(*THREE, WRONG, solutions="correct", **settings)
    assert keys(found) == [f"p/sampled/{draw}/1024" for draw in draws]
    assert found.left_out["status"] == 1 and found.left_out.get("per_problem", 0) == 3 - len(draws)


def test_a_random_pick_is_seeded_and_of_every_problem():
    solutions = [
        row | {"problem_id": p, "sample_key": row["sample_key"].replace("p/", f"{p}/")} for p in "pq" for row in THREE
    ]
    found = picked(*solutions, solutions="correct", pick="random")
    assert found.rows["problem_id"].to_list() != ["p", "p"] and len(keys(found)) == 2
    assert keys(found) == keys(picked(*reversed(solutions), solutions="correct", pick="random"))


def test_a_side_of_the_pairs_holds_each_solution_once():
    pairs = pl.DataFrame(
        {"chosen_key": ["p/sampled/0/1024"] * 2, "rejected_key": ["p/sampled/1/1024", "p/sampled/2/1024"]}
    )
    assert keys(picked(*THREE, pairs=pairs)) == ["p/sampled/0/1024"]
    assert keys(picked(*THREE, pairs=pairs, solutions="rejected")) == ["p/sampled/1/1024", "p/sampled/2/1024"]
    assert keys(picked(*THREE, pairs=pairs, solutions="rejected", pick="shortest")) == ["p/sampled/1/1024"]


@given(
    st.integers(0, 10_000),
    st.sampled_from(["chosen", "rejected", "correct"]),
    st.sampled_from(["all", "shortest", "random"]),
)
def test_every_solution_is_taken_or_left_out_with_a_reason(seed: int, solutions: Any, pick: Any):
    evidence = prepare(*random_tables(seed, 8))
    pairs = select(evidence, Rules(), seed=seed).pairs
    settings = SftConfig(solutions=solutions, pick=pick)
    found = pick_solutions(evidence, Rules(), settings, pairs, seed=seed)
    assert found.rows.height + sum(found.left_out.values()) == evidence.samples.height
    assert found.rows["sample_key"].is_unique().all()
    if pick != "all":
        assert found.rows["problem_id"].is_unique().all()
    if solutions == "correct":
        assert (found.rows["status"] == "correct").all()


@pytest.mark.full
def test_trls_trainer_trains_on_the_export_unmodified(tmp_path):
    run = nano_run(tmp_path / "run")
    done = export_view(
        run, "default", "sft", eval_share=0.2, overrides=["export.sft={solutions: correct, pick: shortest}"]
    )
    rows = rows_of(done)
    assert len({row["problem_id"] for row in rows}) == len(rows)
    assert {row["status"] for row in rows} == {"correct"}
    _, logs = trained(done.folder, "sft")
    assert [log["step"] for log in logs if "loss" in log] == [1, 2]


def test_training_takes_what_the_export_holds(tmp_path):
    from pairforge.cli.train import train_data
    from pairforge.train import resolve

    run = nano_run(tmp_path / "run")
    recipe = run.recipe_file.read_text() + "export: {sft: {solutions: correct, pick: shortest}}\n"
    run.write_recipe(recipe)
    rows = rows_of(export_view(run, "default", "sft"))
    data = train_data(str(run.path), resolve({"model": "m", "method": "sft"}), "default", ("train", None, None))
    assert sorted(json.dumps(r["completion"]) for r in rows) == sorted(json.dumps(r["chosen"]) for r in data.rows)
