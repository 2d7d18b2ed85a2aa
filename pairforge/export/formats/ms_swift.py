"""ms-swift: messages that end in the chosen side, the rejected one as `rejected_response`, and dpo.sh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import EVAL_SPLIT, Format, Written
from pairforge.export.scripts import script


def row(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {"messages": [*pair["prompt"], *pair["chosen"]], "rejected_response": pair["rejected"][0]["content"]}


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    options = {
        "rlhf_type": "dpo",
        "tuner_type": "full",
        "use_hf": "true",
        "model": settings["model"],
        **({"model_revision": settings["revision"]} if settings["revision"] else {}),
        "dataset": "train.jsonl",
        **({"val_dataset": f"{EVAL_SPLIT}.jsonl"} if written.with_eval else {"split_dataset_ratio": 0}),
        "max_length": settings["max_length"],
        "beta": settings["beta"],
        "learning_rate": settings["learning_rate"],
        "lr_scheduler_type": settings["lr_scheduler_type"],
        "warmup_ratio": settings["warmup"],
        "num_train_epochs": settings["num_train_epochs"],
        "per_device_train_batch_size": settings["per_device_train_batch_size"],
        "gradient_accumulation_steps": settings["gradient_accumulation_steps"],
        "output_dir": "dpo-model",
    }
    return {"dpo.sh": settings["note"] + script("swift rlhf", options)}


FORMAT = Format(row, configure, "bash {folder}/dpo.sh")
