"""Scores by real models: vLLM's numbers are those of transformers."""

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pairforge import demo
from pairforge.pipeline import make_view, open_session
from pairforge.pipeline.score import Wanted, score_logprob, score_reward, token_items
from pairforge.run import Run, read_score, view_pairs
from tests.synthetic import make_run

pytestmark = pytest.mark.engine
NANO = "pairforge:nano"
EXACT = {"dtype": "float32", "max_model_len": 512}
TOLERANCE = 2e-3  # nats per token; float32 sums in another order


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Six problems whose student is the nano model."""
    run = make_run(tmp_path_factory.mktemp("scores") / "run", 6, steps=1)
    student = run.path.parent / "student"
    run.write_recipe(run.recipe_file.read_text().replace(f"tokenizer: {student}", f"tokenizer: {NANO}"))
    return run


def test_log_probabilities_are_those_of_transformers(run: Run):
    import torch
    from transformers import AutoModelForCausalLM

    session = open_session(run)
    record = score_logprob(session, Wanted("student", NANO, engine={**EXACT, "max_model_len": 400}))
    table = {row["sample_key"]: row for row in read_score(run, "student").to_dicts()}
    model = AutoModelForCausalLM.from_pretrained(demo.resolve(NANO), dtype=torch.float32).eval()
    checked = 0
    for item in token_items(session, set(table), session.student, session.student):
        row = table[item.key]
        if row["student_status"] == "error":
            assert len(item.ids) >= 400 and row["student"] is None
            continue
        with torch.no_grad():
            logits = model(torch.tensor([item.ids])).logits[0]
        every = torch.log_softmax(logits.double(), -1)
        expected = sum(every[at - 1, item.ids[at]].item() for at in range(item.start, len(item.ids)))
        count = len(item.ids) - item.start
        assert row["student_tokens"] == count
        assert row["student"] == pytest.approx(expected / count, abs=TOLERANCE)
        assert row["student_sum"] == pytest.approx(row["student"] * count) and row["student"] < 0
        checked += 1
    assert checked > 6 and record.counts["scored"] == checked
    make_view(open_session(run, ["filter.where=chosen_student - rejected_student > -100"]), "margin")
    assert all(table[pair["rejected_key"]]["student"] is not None for pair in view_pairs(run, "margin"))


def test_rewards_are_those_of_transformers(run: Run, tmp_path: Path):
    import torch

    model, tokenizer = reward_model(tmp_path / "reward")
    session = open_session(run)
    record = score_reward(session, Wanted("reward", str(tmp_path / "reward"), engine=EXACT))
    table = read_score(run, "reward")
    assert record.counts["scored"] > 6
    values = dict(table.filter(pl.col("reward").is_not_null()).select("sample_key", "reward").iter_rows())
    for item in token_items(session, set(values), tokenizer, tokenizer):
        with torch.no_grad():
            expected = model(torch.tensor([item.ids])).logits.item()
        assert values[item.key] == pytest.approx(expected, abs=2e-2)
    assert len({round(value, 3) for value in values.values()}) > 3 and all(map(math.isfinite, values.values()))


def reward_model(folder: Path) -> tuple[Any, Any]:
    """The nano model with one label and a random head."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(demo.resolve(NANO))
    model = AutoModelForSequenceClassification.from_pretrained(demo.resolve(NANO), num_labels=1, dtype=torch.float32)
    torch.nn.init.normal_(model.score.weight, std=0.5)
    model.config.pad_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.eval(), tokenizer
