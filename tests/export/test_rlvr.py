"""`export --format rlvr`: pass rates that later draws do not bias, bands, and rewards that trainers can call."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pairforge.errors import RuleError
from pairforge.export.config import RlvrConfig
from pairforge.export.difficulty import Rated, rate_problems
from pairforge.filters import Bounds, Rules, prepare
from pairforge.intervals import exact_share
from pairforge.pipeline.exporting import export_view
from tests.export.runs import RECIPE, nano_run
from tests.filters.tables import problems, random_tables, sample, samples

ROOT = Path(__file__).parents[2]


def draws(problem: str, *statuses: str) -> list[dict[str, Any]]:
    return [sample(problem, "sampled", 10 + i, status, draw=i) for i, status in enumerate(statuses)]


def rated(*solutions: dict[str, Any], first: int = 2, rules: Rules | None = None, **settings: Any) -> Rated:
    ids = sorted({row["problem_id"] for row in solutions})
    evidence = prepare(problems(*ids), samples(*solutions))
    return rate_problems(evidence, rules or Rules(), RlvrConfig(**settings), {"sampled": first}, seed=1)


def rows(found: Rated) -> dict[str, dict[str, Any]]:
    return {row["problem_id"]: row for row in found.rows.iter_rows(named=True)}


def test_only_the_first_draws_count_so_that_stopping_early_changes_nothing():
    found = rows(
        rated(*draws("p", "incorrect", "incorrect", "correct"), *draws("q", "correct", "truncated", "correct"))
    )
    assert (found["p"]["pass_rate"], found["p"]["pass_draws"], found["p"]["band"]) == (0.0, 2, "unsolved")
    assert (found["q"]["pass_rate"], found["q"]["band"]) == (0.5, "mixed")
    interval = exact_share(1, 2)
    assert (found["q"]["pass_rate_low"], found["q"]["pass_rate_high"]) == (interval.low, interval.high)


def test_the_pass_rate_can_be_one_arms():
    small = [row | {"origin": "small", "sample_key": f"p/small/{row['draw']}/9"} for row in draws("p", "incorrect")]
    solutions = [*draws("p", "correct"), *small]
    evidence = prepare(problems("p"), samples(*solutions))
    first = {"sampled": 1, "small": 1}
    rates = [
        rate_problems(evidence, Rules(), RlvrConfig(arm=arm), first).rows["pass_rate"].item()
        for arm in (None, "sampled", "small")
    ]
    assert rates == [0.5, 1.0, 0.0]
    with pytest.raises(RuleError, match="there is no arm 'large'"):
        rate_problems(evidence, Rules(), RlvrConfig(arm="large"), first)


def test_draws_that_say_nothing_about_the_sampler_do_not_count():
    found = rows(rated(*draws("p", "correct", "error"), sample("q", "given", 50)))
    assert (found["p"]["pass_rate"], found["p"]["pass_draws"]) == (1.0, 1)
    assert (found["q"]["pass_rate"], found["q"]["pass_draws"], found["q"]["band"]) == (None, 0, "")


def test_bands_are_rules_and_the_first_that_holds_wins():
    bands = {"hard": {"max": 0.25}, "right": {"max": 0.75}, "easy": {}}
    solutions = [
        *draws("p", "incorrect", "incorrect"),
        *draws("q", "correct", "incorrect"),
        *draws("r", "correct", "correct"),
    ]
    assert {k: v["band"] for k, v in rows(rated(*solutions, bands=bands)).items()} == {
        "p": "hard",
        "q": "right",
        "r": "easy",
    }
    kept = rated(*solutions, bands=bands, keep=["right", "hard"])
    assert set(rows(kept)) == {"p", "q"} and kept.left_out == {"band": 1}
    assert rated(*solutions, pass_rate={"min": 0.1, "max": 0.9}).left_out == {"pass_rate": 2}
    with pytest.raises(ValidationError, match="there is no band 'esay'; bands: hard, right, easy"):
        RlvrConfig(bands=bands, keep=("esay",))


def test_problems_that_cannot_be_verified_are_left_out():
    found = rated(*draws("p", "gold_unparsed"), *draws("q", "correct"), rules=Rules(pass_rate=Bounds(min=0.9)))
    assert found.left_out == {"problem": 2}
    assert rated(*draws("p", "gold_unparsed"), *draws("q", "correct")).left_out == {"gold": 1}


@given(st.integers(0, 10_000), st.integers(0, 4))
def test_every_problem_is_rated_once_or_left_out(seed: int, first: int):
    evidence = prepare(*random_tables(seed, 8))
    found = rate_problems(evidence, Rules(), RlvrConfig(), {"sampled": first}, seed=seed)
    assert found.rows.height + sum(found.left_out.values()) == evidence.problems.height
    for row in found.rows.iter_rows(named=True):
        if row["pass_rate"] is not None:
            assert 0 <= row["pass_rate_low"] <= row["pass_rate"] <= row["pass_rate_high"] <= 1
            assert row["band"] in ("unsolved", "mixed", "solved") and 0 < row["pass_draws"] <= first


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    system = RECIPE + "format: {system: Think first.}\n"
    run = nano_run(tmp_path_factory.mktemp("rlvr") / "run", recipe=system)
    return export_view(run, "default", "rlvr", eval_share=0.2)


def test_every_trainer_finds_its_columns_in_one_file(exported):
    row = json.loads((exported.folder / "train.jsonl").read_text().splitlines()[0])
    assert row["reward_model"] == {"style": "rule", "ground_truth": row["ground_truth"]}  # verl
    assert row["input"] == row["prompt"][-1]["content"]  # NeMo RL
    assert (row["verifier"], row["prompt"][0]) == ("math", {"role": "system", "content": "Think first."})
    assert json.loads(row["meta"])["topic"] and row["pass_draws"] <= 3
    assert (exported.folder / "system.txt").read_text() == "Think first."


def test_the_configurations_agree_with_each_other(exported):
    trl, verl, nemo = (
        yaml.safe_load((exported.folder / f"{name}.yaml").read_text()) for name in ("grpo", "verl", "nemo_rl")
    )
    openrlhf = (exported.folder / "openrlhf.sh").read_text()
    assert trl["learning_rate"] == verl["actor_rollout_ref"]["actor"]["optim"]["lr"] == 1e-6
    assert nemo["policy"]["optimizer"]["kwargs"]["lr"] == 1e-6 and "--actor.adam.lr 1e-06" in openrlhf
    room = trl["max_completion_length"]
    assert verl["data"]["max_response_length"] == room and f"--rollout.max_new_tokens {room}" in openrlhf
    assert trl["per_device_train_batch_size"] % trl["num_generations"] == 0
    assert verl["reward"]["custom_reward_function"]["path"] == "pkg://pairforge.rewards"
    assert (exported.folder / "openrlhf_reward.py").exists() and "openrlhf_reward.py" in openrlhf
    assert "CHECKOUT" in exported.also["NeMo RL"] and exported.yours.keys() == {"CHECKOUT"}


@pytest.mark.full
def test_trls_grpo_trains_on_the_export_with_our_reward(exported):
    """As `trl grpo --config grpo.yaml` does it, two steps on the CPU with shorter completions."""
    more = ["--use_cpu", "--bf16", "false", "--max_steps", "2", "--save_strategy", "no", "--eval_strategy", "no"]
    own = ["--output_dir", "out", "--report_to", "none", "--max_completion_length", "64", "--logging_steps", "1"]
    command = [sys.executable, "-m", "trl.scripts.grpo", "--config", "grpo.yaml", *more, *own]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=exported.folder, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    logs = [line for line in done.stdout.splitlines() if "rewards/correct/mean" in line]
    assert len(logs) == 2 and all("rewards/reasoning_format/mean" in line for line in logs)
    assert (exported.folder / "out" / "model.safetensors").exists()
