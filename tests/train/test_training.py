"""Whole training runs of a tiny model: what is left behind, how they resume, and how they fail."""

import csv
import errno
import json
import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pairforge.errors import TemplateError, TrainError
from pairforge.lengths import load_tokenizer
from pairforge.train import Result, TrainData, resolve, train
from pairforge.train.data import trainable
from pairforge.train.methods import METHODS
from pairforge.train.training import save

BASE = {
    "learning_rate": 1e-3,
    "global_batch_size": 4,
    "per_device_train_batch_size": 4,
    "save_steps": 2,
    "max_steps": 4,
}


def run(model: Path, rows: list[dict[str, Any]], out: Path, say: Any = print, **block: Any) -> Result:
    return train(TrainData(rows, "pairs", "r1"), resolve({"model": str(model), **BASE, **block}), out, say=say)


def logged(out: Path, column: str) -> list[float]:
    with (out / "log.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file)]


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_a_run_leaves_a_model_its_card_its_log_and_its_figure(tiny_model: Path, pairs: list[Any], tmp_path: Path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = tmp_path / "model"
    result = run(tiny_model, pairs, out)
    assert (result.rows, result.steps, result.path) == (24, 4, str(out))
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(tiny_model).chat_template
    assert AutoModelForCausalLM.from_pretrained(out).dtype.is_floating_point
    before, after = weights(tiny_model), weights(out)
    assert any((before[name] != after[name]).any() for name in before)
    assert len(logged(out, "loss")) == 4
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    card = (out / "README.md").read_text()
    for words in ("pairs", "`r1`", "learning_rate", "0.001", "teaches longer", "| rows per step | `4` |"):
        assert words in card
    assert "finished" in json.loads((out / "train.json").read_text())
    assert not (out / ".saving").exists()


def test_precomputed_reference_log_probabilities_train_the_same_model(
    tiny_model: Path, pairs: list[Any], tmp_path: Path
):
    run(tiny_model, pairs, tmp_path / "precomputed")
    run(tiny_model, pairs, tmp_path / "kept", precompute_ref_log_probs=False)
    for column in ("loss", "rewards/chosen", "rewards/margins"):
        ours, theirs = logged(tmp_path / "precomputed", column), logged(tmp_path / "kept", column)
        assert ours == pytest.approx(theirs, abs=1e-4), column
    assert logged(tmp_path / "precomputed", "rewards/margins")[-1] > 0


def test_a_second_ld_alpha_does_not_reuse_the_firsts_reference(tiny_model: Path, pairs: list[Any], tmp_path: Path):
    for alpha in (0.0, 1.0):
        run(tiny_model, pairs, tmp_path / str(alpha), ld_alpha=alpha, max_length=None)
        assert logged(tmp_path / str(alpha), "rewards/chosen")[0] == pytest.approx(0.0, abs=1e-6)


def test_a_resumed_run_ends_as_an_unbroken_one(tiny_model: Path, pairs: list[Any], tmp_path: Path):
    run(tiny_model, pairs, tmp_path / "whole")

    def stop_after_two(text: str) -> None:
        if text.startswith("step 2"):
            os.kill(os.getpid(), signal.SIGTERM)

    broken = tmp_path / "broken"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pairforge.train.watch.LINE_EVERY_S", 0.0)
        with pytest.raises(KeyboardInterrupt):
            run(tiny_model, pairs, broken, say=stop_after_two)
    assert (broken / "checkpoints" / "checkpoint-3" / "trainer_state.json").exists()
    assert not (broken / "model.safetensors").exists()
    torn = broken / "checkpoints" / "checkpoint-4"
    shutil.copytree(broken / "checkpoints" / "checkpoint-3", torn)
    (torn / "trainer_state.json").unlink()
    said: list[str] = []
    run(tiny_model, pairs, broken, say=said.append)
    assert any("going on from" in text and "checkpoint-3" in text for text in said)
    assert logged(broken, "step") == [1, 2, 3, 4]
    assert logged(broken, "loss") == pytest.approx(logged(tmp_path / "whole", "loss"), abs=1e-5)
    whole, resumed = weights(tmp_path / "whole"), weights(broken)
    assert all(abs(whole[name] - resumed[name]).max() < 1e-5 for name in whole)


def test_a_finished_run_is_not_done_again_and_other_settings_are_refused(
    tiny_model: Path, pairs: list[Any], tmp_path: Path
):
    first = run(tiny_model, pairs, tmp_path / "out", save_strategy="no")
    said: list[str] = []
    assert run(tiny_model, pairs, tmp_path / "out", say=said.append, save_strategy="no") == first
    assert said == [f"{tmp_path / 'out'} is already trained with these settings"]
    with pytest.raises(TrainError, match=r"trl\.beta: 0\.01 there, 0\.5 here"):
        run(tiny_model, pairs, tmp_path / "out", save_strategy="no", beta=0.5)
    with pytest.raises(TrainError, match="holds no training run"):
        run(tiny_model, pairs, tiny_model)


def test_lora_saves_the_adapter_and_the_merged_model(tiny_model: Path, pairs: list[Any], tmp_path: Path):
    from transformers import AutoModelForCausalLM

    run(tiny_model, pairs, tmp_path / "out", lora=True)
    assert (tmp_path / "out" / "adapter" / "adapter_model.safetensors").exists()
    assert not (tmp_path / "out" / "adapter_config.json").exists()
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    before = AutoModelForCausalLM.from_pretrained(tiny_model)
    changed = [n for (n, a), b in zip(merged.named_parameters(), before.parameters(), strict=True) if (a != b).any()]
    assert any("q_proj" in name for name in changed)
    assert not any("embed" in name for name in changed)


def test_sft_raises_the_likelihood_of_the_chosen_side(tiny_model: Path, pairs: list[Any], tmp_path: Path):
    run(tiny_model, pairs, tmp_path / "out", method="sft", max_steps=8, learning_rate=1e-2)
    losses = logged(tmp_path / "out", "loss")
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize("loss", ["sigmoid+sft", "simpo"])
def test_loss_variants_train(loss: str, tiny_model: Path, pairs: list[Any], tmp_path: Path):
    run(tiny_model, pairs, tmp_path / "out", loss=loss, max_steps=6, save_strategy="no")
    losses = logged(tmp_path / "out", "loss")
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("rank", "left"), [("0", []), ("1", ["written by another process"])])
def test_only_the_first_process_clears_the_place_to_save_in(
    rank: str, left: list[str], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", "2")
    beside = tmp_path / ".saving"
    beside.mkdir()
    (beside / "written by another process").touch()
    seen: list[Any] = []
    waiting = SimpleNamespace(wait_for_everyone=lambda: seen.append([file.name for file in beside.glob("*")]))

    def save_model(folder: str) -> None:
        Path(folder).mkdir(exist_ok=True)
        seen.append("saved")

    trainer: Any = SimpleNamespace(accelerator=waiting, save_model=save_model)
    save(trainer, load_tokenizer(str(tiny_model)), None, resolve({"model": str(tiny_model)}), tmp_path)
    assert seen == [left, "saved"]


def test_a_nan_stops_before_it_is_saved(tiny_model: Path, pairs: list[Any], tmp_path: Path):
    import torch
    from transformers import AutoModelForCausalLM

    broken = tmp_path / "broken"
    shutil.copytree(tiny_model, broken)
    model = AutoModelForCausalLM.from_pretrained(broken)
    with torch.no_grad():
        model.model.norm.weight[0] = float("nan")
    model.save_pretrained(broken)
    with pytest.raises(TrainError, match=r"loss is nan at step 1: no checkpoint was written yet"):
        run(broken, pairs, tmp_path / "out")
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_a_full_disk_at_save_loses_nothing(
    tiny_model: Path, pairs: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from transformers import Trainer

    save_model = Trainer.save_model

    def full(self: Trainer, output_dir: str | None = None, _internal_call: bool = False) -> None:
        if not _internal_call:  # checkpoints fit, the model does not
            (Path(str(output_dir))).mkdir(parents=True)
            raise OSError(errno.ENOSPC, "No space left on device")
        save_model(self, output_dir, _internal_call)

    monkeypatch.setattr(Trainer, "save_model", full)
    with pytest.raises(TrainError, match=r"disk is full .*checkpoint-4"):
        run(tiny_model, pairs, tmp_path / "out")
    assert not (tmp_path / "out" / ".saving").exists()
    monkeypatch.setattr(Trainer, "save_model", save_model)
    assert run(tiny_model, pairs, tmp_path / "out").steps == 4
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_a_logger_that_is_not_installed_is_named(tiny_model: Path, pairs: list[Any], tmp_path: Path):
    with pytest.raises(TrainError, match="wandb"):
        run(tiny_model, pairs, tmp_path / "out", report_to="wandb")


def test_the_remedy_for_a_cutting_template_is_applied(
    tiny_model: Path, pairs: list[Any], tmp_path: Path, cutting_template: str
):
    from transformers import AutoTokenizer

    cutting = tmp_path / "cutting"
    shutil.copytree(tiny_model, cutting)
    tokenizer = AutoTokenizer.from_pretrained(cutting)
    tokenizer.chat_template = cutting_template
    tokenizer.save_pretrained(cutting)
    run(cutting, pairs, tmp_path / "out")
    run(tiny_model, pairs, tmp_path / "whole")
    assert logged(tmp_path / "out", "logps/chosen") == pytest.approx(
        logged(tmp_path / "whole", "logps/chosen"), rel=1e-3
    )
    assert AutoTokenizer.from_pretrained(tmp_path / "out").chat_template == cutting_template
    assert (tmp_path / "out" / "training_chat_template.jinja").exists()


@pytest.mark.parametrize("own", [None, {"brief": False}])
def test_the_template_switches_of_the_pairs_are_those_of_the_training(
    own: dict[str, bool] | None, tiny_model: Path, pairs: list[Any], tmp_path: Path
):
    """Unless the training has its own. The model keeps its template as it was: it is the one to sample with."""
    from transformers import AutoTokenizer

    model = shutil.copytree(tiny_model, tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(model)
    template = "{% if brief %}<brief>{% endif %}" + tokenizer.chat_template
    tokenizer.chat_template = template
    tokenizer.save_pretrained(model)
    data = TrainData(pairs, name="pairs", revision="1", template_kwargs={"brief": True})
    settings = resolve({"model": str(model), **BASE, "max_steps": 1, "template_kwargs": own})
    train(data, settings, tmp_path / "out", say=lambda text: None)
    trained = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert trained.chat_template == template
    written = (tmp_path / "out" / "training_chat_template.jinja").read_text()
    assert written.startswith("{% set brief = true %}" if own is None else "{% set brief = false %}")


def test_a_switch_the_models_template_does_not_have_stops_the_training(
    tiny_model: Path, pairs: list[Any], tmp_path: Path
):
    data = TrainData(pairs, name="pairs", revision="1", template_kwargs={"brief": True})
    with pytest.raises(TemplateError, match=r"train\.template_kwargs\.brief"):
        train(data, resolve({"model": str(tiny_model)}), tmp_path / "out", say=lambda text: None)


@pytest.mark.full
@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_two_steps(method: str, tiny_model: Path, pairs: list[Any], tmp_path: Path):
    data = TrainData(trainable(pairs, method, "pairs"), "pairs", "r1")  # type: ignore[arg-type]
    block = {"model": str(tiny_model), **BASE, "method": method, "max_steps": 2, "save_strategy": "no"}
    assert train(data, resolve(block), tmp_path / "out", say=print).steps == 2
    assert all(loss == loss for loss in logged(tmp_path / "out", "loss"))
    assert METHODS[method].title in (tmp_path / "out" / "README.md").read_text()
