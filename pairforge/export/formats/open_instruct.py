"""open-instruct: both sides as whole conversations, and dpo.sh for its dpo_tune_cache.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import Format, Written
from pairforge.export.scripts import checkout, checkout_script


def row(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {side: [*pair["prompt"], *pair[side]] for side in ("chosen", "rejected")}


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    options = {
        "model_name_or_path": settings["model"],
        "tokenizer_name_or_path": settings["model"],
        **({"model_revision": settings["revision"]} if settings["revision"] else {}),
        "mixer_list": ["$here/train.jsonl", "1.0"],
        "max_seq_length": settings["max_length"],
        "loss_type": "dpo",
        "beta": settings["beta"],
        "learning_rate": settings["learning_rate"],
        "lr_scheduler_type": settings["lr_scheduler_type"],
        "warmup_ratio": settings["warmup"],
        "num_epochs": settings["num_train_epochs"],
        "per_device_train_batch_size": settings["per_device_train_batch_size"],
        "gradient_accumulation_steps": settings["gradient_accumulation_steps"],
        "output_dir": "$here/dpo-model",
        "push_to_hub": "false",
        "try_launch_beaker_eval_jobs": "false",
        "try_auto_save_to_beaker": "false",
    }
    cache = 'REFERENCE_LOGPROBS_CACHE_PATH="$here/reference-cache"'
    launch = "uv run accelerate launch --mixed_precision bf16 --num_processes 1"
    program = f"{cache} {launch} open_instruct/dpo_tune_cache.py"
    return {"dpo.sh": settings["note"] + checkout_script(program, options)}


FORMAT = Format(row, configure, "bash {folder}/dpo.sh CHECKOUT", yours=checkout("open-instruct"))
