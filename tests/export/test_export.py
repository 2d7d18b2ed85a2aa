"""Each export is read by its consumer's real loader: TRL here, the others in throw-away environments."""

import json
import os
import re
import subprocess
import sys
import sysconfig
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
from tests.hub.runs import long_text, question, small_run

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
    data = load_dataset(str(done.folder))
    assert {name: len(rows) for name, rows in data.items()} == {"train": done.rows, "test": done.eval_rows}
    assert data["train"][0]["prompt"] == [{"role": "user", "content": question(1)}]  # 0 is held out
    assert (script.dataset_name, script.dataset_test_split) == (".", "test")
    assert (model.model_name_or_path, config.learning_rate, config.warmup_steps) == (TRAIN["model"], 5e-7, 0.2)


@pytest.mark.parametrize(
    ("own", "at_once", "accumulated"),
    [
        ({}, 1, 48),  # the paper's batch
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
    named = re.findall(r"[\w-]+\.(?:yaml|json|jsonl|sh|toml)", done.command)
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


# --- throw-away environments ---------------------------------------------------------------------------


def consumer(tmp_path_factory, name: str, *packages: str) -> Path:
    """A fresh virtual environment with a consumer, without its pins: torch and the rest come from this one."""
    home = tmp_path_factory.mktemp(name)
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    [site] = home.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    install = [home / "bin" / "pip", "install", "--quiet", "--no-deps", *packages]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return home / "bin" / "python"


def ask(python: Path, code: str, folder: Path, **environment: str) -> list[dict]:
    """Run code in the export's folder; it prints JSON as its last line."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", **environment}
    done = subprocess.run([python, "-c", code], cwd=folder, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


LLAMAFACTORY = """
import json, types
from llamafactory.data.loader import _load_single_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.hparams import DataArguments, ModelArguments
import yaml

config = yaml.safe_load(open("dpo.yaml"))
data_args = DataArguments(dataset_dir=config["dataset_dir"], dataset=config["dataset"], template="qwen")
model_args = ModelArguments(model_name_or_path="none")
train_args = types.SimpleNamespace(seed=0, local_process_index=0, should_log=False)
[attributes] = get_dataset_list(data_args.dataset, data_args.dataset_dir)
rows = _load_single_dataset(attributes, model_args, data_args, train_args)
print(json.dumps([attributes.ranking, list(rows)]))
"""


@pytest.mark.full
def test_llamafactory_loads_its_export(run, tmp_path_factory):
    python = consumer(
        tmp_path_factory, "llamafactory", "llamafactory==0.9.5", "omegaconf", "antlr4-python3-runtime==4.9.3"
    )
    [site] = python.parents[1].glob("lib/python*/site-packages")
    (site / "torchaudio.py").touch()  # imported for sound; text needs none of it
    done = export(run, "default", "llamafactory", train=TRAIN)
    ranking, rows = ask(python, LLAMAFACTORY, done.folder, DISABLE_VERSION_CHECK="1")
    assert ranking and len(rows) == 40
    assert rows[3]["_prompt"] == [{"role": "user", "content": question(3)}]
    chosen, rejected = rows[3]["_response"]
    assert chosen == {"role": "assistant", "content": long_text(3)}
    assert rejected["content"].endswith("\\boxed{6}")


AXOLOTL = """
import json, yaml
from datasets import load_dataset
from axolotl.prompt_strategies.dpo.chat_template import default
from axolotl.utils.dict import DictDefault
from tests_tokenizer import tokenizer

config = DictDefault(yaml.safe_load(open("axolotl.yaml")))
entry = config.datasets[0]
rows = load_dataset(entry.ds_type, data_files=entry.path, split=entry.split)
transform = default(config, 0)
transform = transform[0] if isinstance(transform, tuple) else transform
print(json.dumps([transform(row, tokenizer=tokenizer) for row in rows]))
"""


@pytest.mark.full
def test_axolotl_loads_its_export(run, tmp_path_factory):
    python = consumer(tmp_path_factory, "axolotl", "axolotl==0.19.0", "colorama", "addict", "posthog", "distro")
    done = export(run, "default", "axolotl", train=TRAIN)
    (done.folder / "tests_tokenizer.py").write_text(
        "from transformers import AutoTokenizer\n"
        "from pairforge.demo import demo_path\n"
        "tokenizer = AutoTokenizer.from_pretrained(demo_path('pairforge:nano'))\n"
    )
    root = str(Path(__file__).parents[2])
    rows = ask(python, AXOLOTL, done.folder, PYTHONPATH=os.pathsep.join([root, str(done.folder)]))
    assert len(rows) == 40 and question(3) in rows[3]["prompt"]
    assert long_text(3).strip() in rows[3]["chosen"] and "\\boxed{6}" in rows[3]["rejected"]


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
