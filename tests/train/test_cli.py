"""The two commands on the command line: outputs, overrides, grids and errors."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pairforge.cli import app
from pairforge.cli import train as commands  # noqa: F401  (importing it registers the commands)
from pairforge.errors import PairforgeError

ROOT = Path(__file__).parents[2]
SETTINGS = {"max_steps": 2, "global_batch_size": 4, "per_device_train_batch_size": 4, "save_strategy": "no"}
SETS = [part for key, value in SETTINGS.items() for part in ("--set", f"train.{key}={value}")]


@pytest.fixture
def dataset(tmp_path: Path, pairs: list[dict[str, Any]]) -> str:
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in pairs))
    return str(file)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_train_prints_one_json_object(dataset: str, tiny_model: Path, tmp_path: Path):
    done = call("train", dataset, "--model", tiny_model, "--out", tmp_path / "out", "--json", *SETS)
    assert done.exit_code == 0, done.output
    (model,) = json.loads(done.stdout)["models"]
    assert (model["steps"], model["rows"], model["path"]) == (2, 24, str(tmp_path / "out"))
    assert (tmp_path / "out" / "model.safetensors").exists()
    assert "teaches longer" in done.stderr


def test_a_grid_trains_every_arm_in_its_own_folder(dataset: str, tiny_model: Path, tmp_path: Path):
    done = call("train", dataset, "--model", tiny_model, "--out", tmp_path, "--vary", "train.beta=0.1,0.5", *SETS)
    assert done.exit_code == 0, done.output
    for arm in ("beta-0.1", "beta-0.5"):
        assert (tmp_path / arm / "model.safetensors").exists()
        assert json.loads((tmp_path / arm / "train.json").read_text())["settings"]["trl"]["beta"] == float(arm[5:])


def test_a_grid_is_not_pushed_over_itself(dataset: str, tiny_model: Path, tmp_path: Path):
    where = ["--out", tmp_path / "grid", "--push", "ana/thinker"]
    done = call("train", dataset, "--model", tiny_model, *where, "--vary", "train.beta=0.1,0.5", *SETS)
    assert "--push takes one model" in str(done.exception)
    assert not (tmp_path / "grid").exists()


def test_errors_are_json_when_json_was_asked_for(dataset: str, tmp_path: Path):
    done = call("train", dataset, "--model", "./nowhere", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 1
    assert "nowhere" in json.loads(done.stdout)["error"]
    done = call("eval", "--model", "m", "--benchmark", "maths500", "--out", tmp_path / "eval", "--json")
    assert "math500" in json.loads(done.stdout)["hint"]


def test_rules_are_no_business_of_train(dataset: str, tiny_model: Path):
    done = call("train", dataset, "--model", tiny_model, "--set", "filter.gap.min=3")
    assert isinstance(done.exception, PairforgeError)
    assert "not of the train block" in str(done.exception)


def test_a_run_trains_with_its_recipes_block(tiny_model: Path, pairs: list[dict[str, Any]], tmp_path: Path):
    """From problems with both solutions to a trained model: build without sampling, then train."""
    rows = [
        {
            "question": p["prompt"][0]["content"],
            "answer": str(2 * i + 3),
            "long": p["chosen"][0]["content"],
            "short": p["rejected"][0]["content"],
        }
        for i, p in enumerate(pairs)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "recipe.yaml").write_text(
        "sources: [{dataset: rows.jsonl, adapter: columns, columns: {question: question, answer: answer, long: long, short: short}}]\n"
        "decontaminate: {near_duplicates: null}\n"
        f"filter: {{tokenizer: {tiny_model}, chosen: {{origin: given}}, rejected: {{origin: given}}}}\n"
        f"train: {{model: {tiny_model}, beta: 0.2, learning_rate: 1.0e-3}}\n"
    )
    from pairforge.pipeline import build
    from pairforge.recipe import load_recipe

    build(load_recipe(tmp_path / "recipe.yaml"), tmp_path / "run")
    done = call("train", tmp_path / "run", "--json", *SETS)
    assert done.exit_code == 0, done.output
    out = Path(json.loads(done.stdout)["models"][0]["path"])
    assert out.parent == tmp_path / "run" / "train"
    record = json.loads((out / "train.json").read_text())
    assert record["settings"]["trl"]["beta"] == 0.2
    assert record["data"]["name"] == "run, view default"
    levels = {f["name"]: f["level"] for f in record["findings"]}
    assert levels["tokenizer"] == "ok"
    card = (out / "README.md").read_text()
    assert str(tmp_path) not in card
    assert "datasets:" not in card
    assert not (out / "checkpoints").exists()


def test_a_dry_run_prints_what_trl_gets_and_trains_nothing(dataset: str, tiny_model: Path, tmp_path: Path):
    sets = ["--set", "train.global_batch_size=100", "--vary", "train.beta=0.1,0.5"]
    done = call("train", dataset, "--model", tiny_model, "--out", tmp_path / "out", "--dry-run", "--json", *sets)
    assert done.exit_code == 0, done.output
    first, second = json.loads(done.stdout)["runs"]
    assert (first["trainer"], first["rows"], first["rows_per_step"], first["steps"]) == ("DPOTrainer", 24, 24, 1)
    assert first["arguments"]["gradient_accumulation_steps"] == 24, "no more than the rows there are"
    assert (first["arguments"]["beta"], second["arguments"]["beta"]) == (0.1, 0.5)
    assert "Table 7" in first["learning_rate_from"]
    kto = call("train", dataset, "--model", tiny_model, "--method", "kto", "--dry-run")
    assert "trainer: KTOTrainer" in kto.stdout and "desirable_weight: 1.0" in kto.stdout and "rows: 48" in kto.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["torch", "trl"])
def test_without_the_extra_train_ends_in_one_line(missing: str, dataset: str):
    block = f"import sys; sys.modules[{missing!r}] = None; from pairforge.cli import main; main()"
    command = [sys.executable, "-c", block, "train", dataset, "--model", "m"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith(f"error: training needs the package '{missing}'")
    assert "pip install 'pairforge[train]'" in done.stderr
