"""OpenRLHF: prompt, chosen and rejected as messages, and dpo.sh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import EVAL_SPLIT, Format, Written
from pairforge.export.scripts import openrlhf_schedule, script


def row(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {name: pair[name] for name in ("prompt", "chosen", "rejected")}


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    options = {
        "model.model_name_or_path": settings["model"],
        "data.dataset": "train.jsonl",
        **({"eval.dataset": f"{EVAL_SPLIT}.jsonl", "eval.split": "train"} if written.with_eval else {}),
        "data.prompt_key": "prompt",
        "data.chosen_key": "chosen",
        "data.rejected_key": "rejected",
        "data.apply_chat_template": True,
        "data.max_len": settings["max_length"],
        "model.beta": settings["beta"],
        "adam.lr": settings["learning_rate"],
        **openrlhf_schedule(settings),
        "train.max_epochs": settings["num_train_epochs"],
        "train.batch_size": settings["per_device_train_batch_size"] * settings["gradient_accumulation_steps"],
        "train.micro_batch_size": settings["per_device_train_batch_size"],
        "ckpt.output_dir": "dpo-model",
    }
    return {"dpo.sh": settings["note"] + script("deepspeed --module openrlhf.cli.train_dpo", options)}


FORMAT = Format(row, configure, "bash {folder}/dpo.sh")
