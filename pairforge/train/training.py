"""One training run: guards, trainer, watch, and everything that is left behind in its folder.

train.json                    settings, data, findings, outcome; `finished` is written last
log.csv  figure.png           every log of the trainer, and its picture
checkpoints/checkpoint-<n>/   the trainer's own; the same command resumes from the newest complete one
model.safetensors ...         the trained model with its tokenizer and template
README.md                     the model card
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Sized
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pairforge import demo
from pairforge.export.labels import kto_weights
from pairforge.generator.loop import Interrupted, stop_signals
from pairforge.lengths import load_tokenizer
from pairforge.run.atomic import write_text
from pairforge.switches import set_switches
from pairforge.train import guards, launch
from pairforge.train.arguments import Settings
from pairforge.train.data import TrainData
from pairforge.train.figure import draw
from pairforge.train.methods import LABELED, METHODS, config_class, trainer_class
from pairforge.train.model_card import model_card
from pairforge.train.needs import needs
from pairforge.train.record import (
    Result,
    device_name,
    read_record,
    refuse_other_run,
    result_of,
    versions,
    write_record,
)
from pairforge.train.rendering import rendered_rows
from pairforge.train.trouble import explained, plain_output
from pairforge.train.watch import Say, Watch, as_callback, last_good

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Trainer, TrainerState

CHECKPOINTS = "checkpoints"
SIGMOIDS = ("dpo", "kto", "exo_pair", "nca_pair", "robust", "bco_pair")  # whose loss is flat where a margin is large


def train(data: TrainData, settings: Settings, out: Path, *, say: Say) -> Result:
    """Train and save a model in `out`, or go on from the newest checkpoint there.

    Raises `TrainError` when a guard refuses, when `out` holds another run, at a NaN, when memory or disk is full.
    """
    launch.use_one_device()
    say = say if launch.is_main() else _silent
    there = read_record(out)
    refuse_other_run(there, out, settings, data)
    if "finished" in there:
        say(f"{out} is already trained with these settings")
        return result_of(there, out)
    tokenizer = load_tokenizer(demo.resolve(settings.model), settings.revision)
    own_template = tokenizer.chat_template
    switches = data.template_kwargs if settings.template_kwargs is None else settings.template_kwargs
    set_switches(tokenizer, switches, key="train.template_kwargs")
    rows, findings = look(data, settings, tokenizer, out)
    for finding in findings:
        say(f"{finding.level:>4}  {finding.name}: {finding.text}")
    guards.refuse(findings)
    record = first_record(data, settings, rows, findings)
    out.mkdir(parents=True, exist_ok=True)
    if launch.is_main():
        write_record(out, record)
    beta = settings.trl.get("beta") if settings.method in SIGMOIDS else None
    watch = Watch(out / "log.csv", out / CHECKPOINTS, say, beta=beta)
    devices = launch.launched()
    say(f"{settings.steps(devices, len(rows)):,} steps of {settings.rows_per_step(devices, len(rows)):,} rows each")
    if settings.trl.get("precompute_ref_log_probs"):
        say("the reference's log-probabilities are computed once, before the first step")
    with explained(out, out / CHECKPOINTS), stop_signals() as stopped, plain_output():
        trainer = make_trainer(settings, rows, tokenizer, out / CHECKPOINTS)
        watch_over(trainer, watch, stopped)
        started = time.monotonic()
        all_steps(trainer, watch, out / CHECKPOINTS, say)
        if stopped():
            raise Interrupted
        merged = save(trainer, tokenizer, own_template, settings, out)
    if not launch.is_main():
        return Result(str(out), len(rows), trainer.state.global_step, float("nan"), 0.0, ())
    record |= {
        "steps": trainer.state.global_step,
        "loss": float(watch.rows[-1]["loss"]),
        "seconds": round(time.monotonic() - started, 1),
        "warnings": watch.warnings,
        "merged": merged,
    }
    return finish(record, watch, out)


def first_record(data: TrainData, settings: Settings, rows: Sized, findings: list[guards.Finding]) -> dict[str, Any]:
    """What is known before the first step."""
    return {
        "settings": settings.to_json(),
        "rows_per_step": settings.rows_per_step(launch.launched(), len(rows)),
        "data": {"name": data.name, "revision": data.revision, "rows": len(rows), "facts": data.facts},
        "findings": [asdict(f) for f in findings],
        "versions": versions(),
        "device": device_name(),
    }


def watch_over(trainer: Trainer, watch: Watch, stopped: Callable[[], bool]) -> None:
    """Let our watch print and note, in place of the trainer's own printer."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(as_callback(watch, stopped))


def all_steps(trainer: Trainer, watch: Watch, checkpoints: Path, say: Say) -> None:
    """Train from the newest whole checkpoint, or from the start."""
    checkpoint = last_good(checkpoints)
    if checkpoint:
        say(f"going on from {checkpoint}")
    state = state_of(checkpoint) if checkpoint else None
    if checkpoint and state and state.global_step >= state.max_steps:
        take_finished(trainer, watch, checkpoint)
    else:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def finish(record: dict[str, Any], watch: Watch, out: Path) -> Result:
    """Draw the figure and the card of a trained model; the record says last that it is finished."""
    with contextlib.suppress(OSError):
        (out / CHECKPOINTS).rmdir()  # empty where none were asked for
    draw(watch.rows, out / "figure.png", f"{record['settings']['method']} on {record['data']['name']}")
    write_text(out / "README.md", model_card(record, out.resolve().name))
    write_record(out, {**record, "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z")})
    return result_of(record, out)


def look(
    data: TrainData, settings: Settings, tokenizer: PreTrainedTokenizerBase, out: Path
) -> tuple[list[dict[str, Any]], list[guards.Finding]]:
    """The rows that are trained on, and everything the guards found. May replace the tokenizer's template."""
    rows, findings = guards.clean_rows(data)
    guards.refuse(findings)
    findings += guards.same_tokenizer(tokenizer, data, settings)
    findings += guards.keep_reasoning(tokenizer, rows)
    guards.refuse(findings)
    findings += needs(settings, rows)
    guards.refuse(findings)
    sides = guards.count(tokenizer, rows)
    size = guards.model_size(demo.resolve(settings.model), settings.revision)
    findings += guards.lengths(sides, settings, size, data.direction, data.run)
    longest = max(max(s.totals) for s in sides.values())
    longest = min(longest, settings.trl.get("max_length") or longest)
    findings += guards.batch(settings, len(rows), devices=launch.launched())
    findings += guards.memory(settings, size, longest, devices=launch.launched())
    findings += guards.disk(settings, size, out)
    return rows, findings


def make_trainer(
    settings: Settings, rows: list[dict[str, Any]], tokenizer: PreTrainedTokenizerBase, checkpoints: Path
) -> Trainer:
    """TRL's trainer for the settings.

    Weights that are trained are kept in 32 bits: at learning rates of 1e-7 a step is smaller than what 16 bits can
    tell apart, and a model trained or saved in them would not change.
    """
    from datasets import Dataset

    model_kwargs: dict[str, Any] = {"dtype": "bfloat16" if settings.lora and settings.trl.get("bf16") else "float32"}
    if settings.revision:
        model_kwargs["revision"] = settings.revision
    model_kwargs |= settings.trl.get("model_init_kwargs") or {}
    own = {
        "output_dir": str(checkpoints),
        "model_init_kwargs": model_kwargs,
        "gradient_accumulation_steps": settings.accumulation_steps(launch.launched(), len(rows)),
        "disable_tqdm": True,
        "push_to_hub": False,
    }
    arguments = config_class(settings.method)(**{**label_weights(settings, rows), **settings.trl, **own})
    common: dict[str, Any] = {
        "model": demo.resolve(settings.model),
        "args": arguments,
        "processing_class": tokenizer,
        "train_dataset": Dataset.from_list(rows),
    }
    if settings.lora:
        from peft import LoraConfig

        common["peft_config"] = LoraConfig(**settings.lora)
    if settings.method == "sft":
        common["train_dataset"] = common["train_dataset"].rename_column("chosen", "completion")
    if METHODS[settings.method].module != "trl":
        common["train_dataset"] = Dataset.from_list(rendered_rows(tokenizer, rows))
    trainer: Trainer = trainer_class(settings.method)(**common)
    return trainer


def label_weights(settings: Settings, rows: list[dict[str, Any]]) -> dict[str, float]:
    """The weights of the two labels that balance them, for methods on labeled solutions."""
    if METHODS[settings.method].columns != LABELED:
        return {}
    desirable = sum(row["label"] for row in rows)
    return kto_weights(desirable, len(rows) - desirable)


def resolved(data: TrainData, settings: Settings) -> dict[str, Any]:
    """What would be trained: TRL's trainer and its arguments, after the recipe, the defaults and the rows."""
    devices, rows = launch.launched(), len(data.rows)
    arguments = {
        **label_weights(settings, data.rows),
        **settings.trl,
        "gradient_accumulation_steps": settings.accumulation_steps(devices, rows),
    }
    return {
        "method": settings.method,
        "trainer": METHODS[settings.method].trainer,
        "model": settings.model,
        "revision": settings.revision,
        "data": data.name,
        "rows": rows,
        "rows_per_step": settings.rows_per_step(devices, rows),
        "steps": settings.steps(devices, rows),
        "learning_rate_from": settings.learning_rate_source,
        "lora": settings.lora,
        "arguments": arguments,
    }


def state_of(checkpoint: Path) -> TrainerState:
    """The trainer's state in a checkpoint."""
    from transformers import TrainerState

    return TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))


def take_finished(trainer: Trainer, watch: Watch, checkpoint: Path) -> None:
    """Load a checkpoint of the last step: transformers 5.19 would take one step more when resuming from it."""
    trainer._load_from_checkpoint(str(checkpoint))
    trainer.state = state_of(checkpoint)
    watch.begin(trainer.state.log_history)


def save(
    trainer: Trainer, tokenizer: PreTrainedTokenizerBase, own_template: str | None, settings: Settings, out: Path
) -> bool:
    """Write the model beside its place, then move it in. LoRA weights are merged into the model on one device; the
    adapter alone is in `adapter/`. The tokenizer keeps the model's own template, which is the one to sample with.

    Returns whether an adapter was merged.
    """
    beside = out / ".saving"
    if launch.is_main():
        shutil.rmtree(beside, ignore_errors=True)  # of an attempt that broke off
    trainer.accelerator.wait_for_everyone()  # nobody writes there before it is gone
    merge = settings.lora is not None and launch.launched() == 1
    if merge:
        trainer.save_model(str(beside / "adapter"))
        trainer.model.to("cpu").float().merge_and_unload().save_pretrained(str(beside))
    else:
        trainer.save_model(str(beside))
    if launch.is_main():
        for name in ("training_args.bin", "chat_template.jinja", "README.md"):
            (beside / name).unlink(missing_ok=True)
        trained_with, tokenizer.chat_template = tokenizer.chat_template, own_template
        tokenizer.save_pretrained(str(beside))
        if trained_with != own_template and isinstance(trained_with, str):
            write_text(beside / "training_chat_template.jinja", trained_with)
        shutil.rmtree(out / "adapter", ignore_errors=True)
        for file in beside.iterdir():
            file.rename(out / file.name)
        beside.rmdir()
    return merge


def _silent(text: str) -> None:
    """Other processes than the first say nothing."""
