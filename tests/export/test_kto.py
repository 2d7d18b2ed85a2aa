"""`export --format kto`: TRL's own parser and trainer take it as it is, and so does `pairforge train --method kto`."""

import json

import pytest
from datasets import load_dataset
from typer.testing import CliRunner

from pairforge.cli import app, publish, train  # noqa: F401  (importing registers the commands)
from pairforge.pipeline.exporting import export_view
from tests.export.runs import nano_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return nano_run(tmp_path_factory.mktemp("kto") / "run")


def rows_of(done, split: str = "train"):
    return [json.loads(line) for line in (done.folder / f"{split}.jsonl").read_text().splitlines()]


def trained(folder, kind, steps: int = 2):
    """TRL's trainer on an export's file, unmodified, for a few steps on the CPU; what it logged."""
    import trl
    from trl import ModelConfig, ScriptArguments, TrlParser

    config_class = getattr(trl, f"{kind.upper()}Config")
    parser = TrlParser((ScriptArguments, config_class, ModelConfig))
    more = ["--config", str(folder / f"{kind}.yaml"), "--use_cpu", "--bf16", "false", "--max_steps", str(steps)]
    own = ["--output_dir", str(folder / "out"), "--save_strategy", "no", "--report_to", "none", "--logging_steps", "1"]
    script, config, model = parser.parse_args_and_config([*more, *own], fail_with_unknown_args=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where the printed command runs
        data = load_dataset(script.dataset_name)
    trainer = getattr(trl, f"{kind.upper()}Trainer")(
        model=model.model_name_or_path, args=config, train_dataset=data["train"], eval_dataset=data.get("test")
    )
    trainer.train()
    return config, trainer.state.log_history


def test_trls_trainer_trains_on_the_export_unmodified(run, caplog):
    done = export_view(run, "default", "kto", eval_share=0.2)
    rows, held_out = rows_of(done), rows_of(done, "test")
    assert {row["label"] for row in rows} == {True, False}
    assert not {row["problem_id"] for row in rows} & {row["problem_id"] for row in held_out}
    config, logs = trained(done.folder, "kto")
    assert [log["step"] for log in logs if "loss" in log] == [1, 2]
    desirable = sum(row["label"] for row in rows) * config.desirable_weight
    undesirable = sum(not row["label"] for row in rows) * config.undesirable_weight
    assert 1 <= desirable / undesirable < 4 / 3
    assert "don't seem to be in an ideal range" not in caplog.text


def test_train_takes_the_same_rows(run, tmp_path):
    sets = ["--set", "train.max_steps=2", "--set", "train.save_strategy=no"]
    done = CliRunner().invoke(
        app, ["train", str(run.path), "--method", "kto", "--out", str(tmp_path / "out"), "--json", *sets]
    )
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "out" / "train.json").read_text())
    exported = export_view(run, "default", "kto", tmp_path / "export")
    rows = {json.dumps([row["prompt"], row["completion"]]) for row in rows_of(exported)}
    assert record["data"]["rows"] == len(rows), "the same rows, repeated ones once"
    assert record["settings"]["trl"]["beta"] == 0.1, "KTO's own, not that of the recipe's DPO"
    labels = next(f for f in record["findings"] if f["name"] == "labels")
    assert "desirable" in labels["text"] and labels["level"] == "ok"
    assert "KTO on labeled solutions" in (tmp_path / "out" / "README.md").read_text()


def test_rules_of_the_export_are_keys_of_the_recipe(run, tmp_path):
    whole = export_view(run, "default", "kto", tmp_path / "whole")
    bounded = export_view(run, "default", "kto", tmp_path / "bounded", overrides=["export.kto.per_problem=1"])
    assert bounded.rows < whole.rows
    rows = rows_of(bounded)
    assert len({(row["problem_id"], row["label"]) for row in rows}) == len(rows)


def test_template_switches_go_along_with_trls_rows(run, tmp_path):
    switches = ["format.template_kwargs={thinking: true}"]
    done = export_view(run, "default", "trl", tmp_path / "trl", overrides=switches)
    assert all(row["chat_template_kwargs"] == {"thinking": True} for row in rows_of(done))
    other = export_view(run, "default", "openrlhf", tmp_path / "openrlhf", overrides=switches)
    assert '# Made with the template switches {"thinking": true}' in (other.folder / "dpo.sh").read_text()
    assert "chat_template_kwargs" not in rows_of(other)[0]
