"""Each export is read by its consumer's real loader: TRL here, the others in throw-away environments."""

import json
import re
from pathlib import Path

import pytest
import yaml
from datasets import load_dataset
from typer.testing import CliRunner

from pairforge.cli.publish import app
from pairforge.errors import HubError
from pairforge.export import FORMATS
from pairforge.pipeline.exporting import export_view
from pairforge.rowfiles import iter_rows
from tests.export.runs import nano_run
from tests.export.test_kto import trained
from tests.hub.runs import question, small_run

ROOT = Path(__file__).parent.parent.parent
TRAIN = {"model": "Qwen/Qwen2.5-0.5B-Instruct", "learning_rate": 5e-7, "warmup_ratio": 0.2, "loss": "sigmoid"}


PAIRS = [name for name, form in FORMATS.items() if form.kind == "pairs"]


def export(run, view, kind, folder=None, *, train=None, eval_share=0.0):
    """An export with another train block."""
    overrides = [f"train={json.dumps(train)}"] if train else []
    return export_view(run, view, kind, folder, eval_share=eval_share, overrides=overrides)


@pytest.fixture
def run(tmp_path):
    return small_run(tmp_path / "run")


@pytest.mark.parametrize("kind", PAIRS)
def test_every_export_holds_every_pair_once(run, kind):
    done = export(run, "default", kind, eval_share=0.3)
    rows = [json.loads(line) for line in (done.folder / "train.jsonl").read_text().splitlines()]
    held_out = [json.loads(line) for line in (done.folder / "test.jsonl").read_text().splitlines()]
    assert (len(rows), len(held_out)) == (done.rows, done.eval_rows) and done.rows + done.eval_rows == 40
    texts = {json.dumps(row) for row in [*rows, *held_out]}
    assert len(texts) == 40


def test_trl_reads_its_export_with_its_own_parser(run):
    from trl import DPOConfig, ModelConfig, ScriptArguments, TrlParser

    done = export(run, "default", "trl", train=TRAIN, eval_share=0.3)
    parser = TrlParser((ScriptArguments, DPOConfig, ModelConfig))
    script, config, model = parser.parse_args_and_config(
        ["--config", str(done.folder / "dpo.yaml"), "--use_cpu"], fail_with_unknown_args=True
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(done.folder)  # where the printed command runs
        data = load_dataset(script.dataset_name)
    assert {name: len(rows) for name, rows in data.items()} == {"train": done.rows, "test": done.eval_rows}
    assert data["train"][0]["prompt"] == [{"role": "user", "content": question(1)}]  # 0 is held out
    assert script.dataset_test_split == "test"
    assert (model.model_name_or_path, config.learning_rate, config.warmup_steps) == (TRAIN["model"], 5e-7, 0.2)


@pytest.mark.full
def test_trls_dpo_trains_on_its_export_unmodified(tmp_path):
    nano = nano_run(tmp_path / "run")
    config, logs = trained(export_view(nano, "default", "trl", eval_share=0.3).folder, "dpo")
    assert [log["step"] for log in logs if "loss" in log] == [1, 2] and config.learning_rate == 1e-4


def test_a_batch_larger_than_the_rows_is_said_and_not_multiplied(run):
    done = export(run, "default", "trl", train={"global_batch_size": 64, "per_device_train_batch_size": 8})
    text = (done.folder / "dpo.yaml").read_text()
    assert "# 40 rows are fewer than the batch of 64: an epoch is one step." in text
    assert yaml.safe_load(text)["gradient_accumulation_steps"] == 5
    assert yaml.safe_load(text)["model_name_or_path"] == "/home/ana/models/student", (
        "the student where train names none"
    )


@pytest.mark.parametrize(
    ("own", "at_once", "accumulated"),
    [
        ({}, 1, 40),  # the paper's batch is 48, and there are 40 rows
        ({"global_batch_size": 16, "per_device_train_batch_size": 16}, 16, 1),
        ({"per_device_train_batch_size": 16}, 16, 3),
        ({"global_batch_size": 32}, 1, 32),
        ({"global_batch_size": 8, "per_device_train_batch_size": 16}, 16, 1),
        ({"gradient_accumulation_steps": 5, "global_batch_size": 8}, 1, 5),
    ],
)
def test_every_trainer_gets_the_recipes_global_batch(run, own, at_once, accumulated):
    for kind, name in (("trl", "dpo.yaml"), ("llamafactory", "dpo.yaml"), ("axolotl", "axolotl.yaml")):
        config = yaml.safe_load((export(run, "default", kind, train={**TRAIN, **own}).folder / name).read_text())
        per_device = config["micro_batch_size" if kind == "axolotl" else "per_device_train_batch_size"]
        assert (per_device, config["gradient_accumulation_steps"]) == (at_once, accumulated), kind


@pytest.mark.parametrize("kind", PAIRS)
def test_what_a_trainers_configuration_cannot_say_is_named_in_it(run, kind):
    """In one of the files beside the data, whatever the trainer's configuration looks like."""
    other = {"loss_type": ["nca_pair"], "max_steps": 100, "bf16": True}
    (note,) = [line for line in configuration(run, kind, {**TRAIN, **other}) if "NOT in this file" in line]
    assert note.startswith("#") and note.endswith('{"loss_type": ["nca_pair"], "max_steps": 100}')
    assert not [line for line in configuration(run, kind, TRAIN) if "NOT in this file" in line]


def configuration(run, kind: str, train: dict) -> list[str]:
    """The lines of every file of an export that is no data."""
    files = [file for file in export(run, "default", kind, train=train).files if file.suffix != ".jsonl"]
    return [line for file in files for line in file.read_text().splitlines()]


@pytest.mark.parametrize("kind", PAIRS)
def test_the_files_that_the_command_names_are_there(run, kind):
    done = export(run, "default", kind, train=TRAIN)
    named = re.findall(r"[\w-]+\.(?:yaml|json|jsonl|sh|toml|py)", done.command)
    assert named and {*named} <= {file.name for file in done.files}, done.command


def test_an_export_replaces_an_export_and_nothing_else(run, tmp_path):
    export(run, "default", "trl", tmp_path / "out")
    export(run, "default", "axolotl", tmp_path / "out")
    assert (tmp_path / "out" / "axolotl.yaml").exists() and not (tmp_path / "out" / "dpo.yaml").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(HubError, match="holds something that is no export"):
        export(run, "default", "trl", tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_every_format_is_documented_and_in_the_help():
    docs = (ROOT / "docs" / "exports.md").read_text()
    help_text = CliRunner().invoke(app, ["export", "--help"], env={"COLUMNS": "200"}).output
    for kind in FORMATS:
        assert f"| `{kind}` |" in docs and kind in help_text, kind


def test_an_unknown_format_names_the_known_ones(run):
    with pytest.raises(HubError, match="no export format 'no-such-trainer'") as caught:
        export(run, "default", "no-such-trainer")
    assert ", ".join(FORMATS) in caught.value.hint


def test_the_configurations_name_files_that_exist(run):
    for kind in PAIRS:
        done = export(run, "default", kind, eval_share=0.3, train=TRAIN)
        names = {file.name for file in done.files}
        if kind == "llamafactory":
            info = json.loads((done.folder / "dataset_info.json").read_text())
            config = yaml.safe_load((done.folder / "dpo.yaml").read_text())
            assert config["dataset"] in info and config["eval_dataset"] in info
            assert {entry["file_name"] for entry in info.values()} <= names
        if kind == "axolotl":
            config = yaml.safe_load((done.folder / "axolotl.yaml").read_text())
            assert {d["path"] for d in [*config["datasets"], *config["test_datasets"]]} <= names


def test_the_words_of_a_pair_are_untouched(run):
    done = export(run, "default", "llamafactory")
    rows = [json.loads(line) for line in (done.folder / "train.jsonl").read_text().splitlines()]
    for row, pair in zip(rows, iter_rows(run.view("default") / "pairs.parquet"), strict=True):
        assert row["chosen"]["value"] == pair["chosen"][0]["content"]
        assert row["rejected"]["value"] == pair["rejected"][0]["content"]
