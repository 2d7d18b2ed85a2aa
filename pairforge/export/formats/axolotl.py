"""axolotl: `rl: dpo` with the prompt as a list and one message per side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import EVAL_SPLIT, Format, Written
from pairforge.export.settings import dump_config


def row(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {"messages": pair["prompt"], "chosen": pair["chosen"][0], "rejected": pair["rejected"][0]}


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    def data(name: str) -> dict[str, Any]:
        return {
            "path": f"{name}.jsonl",
            "ds_type": "json",
            "split": "train",
            "type": "chat_template.default",
            "field_messages": "messages",
            "field_chosen": "chosen",
            "field_rejected": "rejected",
            "message_property_mappings": {"role": "role", "content": "content"},
            "roles": {"system": ["system"], "user": ["user"], "assistant": ["assistant"]},
        }

    config = {
        "base_model": settings["model"],
        "rl": "dpo",
        "rl_beta": settings["beta"],
        "chat_template": "tokenizer_default",
        "datasets": [data("train")],
        **({"test_datasets": [data(EVAL_SPLIT)]} if written.with_eval else {}),
        "sequence_len": settings["max_length"],
        "learning_rate": settings["learning_rate"],
        "num_epochs": settings["num_train_epochs"],
        "lr_scheduler": settings["lr_scheduler_type"],
        "warmup_ratio": settings["warmup"],
        "micro_batch_size": settings["per_device_train_batch_size"],
        "gradient_accumulation_steps": settings["gradient_accumulation_steps"],
        "optimizer": "adamw_torch",
        "bf16": "auto",
        "output_dir": "dpo-model",
    }
    return {"axolotl.yaml": dump_config(config, "cd here, then: axolotl train axolotl.yaml", settings)}


FORMAT = Format(row, configure, "cd {folder} && axolotl train axolotl.yaml")
