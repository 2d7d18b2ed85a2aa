"""A recipe's train block as the values that every trainer's configuration needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from pairforge import paper
from pairforge.export.format import Written

# Settings that every configuration states in the same words.
SHARED = (
    "learning_rate",
    "num_train_epochs",
    "lr_scheduler_type",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
)
# What a configuration states of a train block. Anything else is listed in its header, except settings of precision,
# memory and bookkeeping, and those that all trainers use anyway.
CARRIED = {*paper.DPO, "learning_rate", "model", "model_name", "revision", "template", "max_length", "warmup_ratio",
           "warmup_steps", "gradient_accumulation_steps"}  # fmt: skip
BESIDES = {"bf16", "use_cpu", "gradient_checkpointing", "save_strategy", "report_to", "max_cut_share"}
# What belongs to one method: a block written for another one does not lend it.
OF_ITS_METHOD = ("method", "learning_rate", "beta", "loss", "loss_type", "loss_weights")
USUAL: dict[str, list[Any]] = {"loss": ["sigmoid"], "loss_type": ["sigmoid", ["sigmoid"]], "max_steps": [-1]}


def settings_of(
    train: Mapping[str, Any], longest_tokens: int, method: str = "dpo", rows: int | None = None
) -> dict[str, Any]:
    """Model, revision, `max_length`, learning rate and the keys of `paper.DPO`: the recipe's values where it has them.

    A train block of another method than `method` keeps its learning rate, beta and loss to itself, as in
    `pairforge train --method`. `gradient_accumulation_steps` gives the recipe's global batch on one device, or
    all `rows` where there are fewer.
    `max_length` holds the longest row. `left_out` holds what the block says beyond that, such as another loss: only
    `pairforge train` follows it. `note` says so as a line of comment.
    """
    asked = train.get("method") or ("simpo" if train.get("loss") == "simpo" else "dpo")
    block = {name: value for name, value in train.items() if value is not None and name != "method"}
    if asked != method:
        block = {name: value for name, value in block.items() if name not in OF_ITS_METHOD}
    values = {name: value for name, value in paper.defaults(method).items() if name != "max_length"}
    values["learning_rate"] = paper.learning_rate(str(block.get("model") or ""), method)[0]
    values |= {name: block[name] for name in values if name in block}
    if method == "kto":  # TRL refuses a single row
        values["per_device_train_batch_size"] = max(2, int(values["per_device_train_batch_size"]))
    accumulated = max(1, round(int(values["global_batch_size"]) / int(values["per_device_train_batch_size"])))
    fewer = ""
    if rows is not None and rows < int(values["global_batch_size"]):
        accumulated = min(accumulated, max(1, -(-rows // int(values["per_device_train_batch_size"]))))
        batch = values["global_batch_size"]
        fewer = f"# {rows} rows are fewer than the batch of {batch}: an epoch is one step.\n"
    left_out = {
        name: value
        for name, value in sorted(block.items())
        if name not in CARRIED | BESIDES and value not in USUAL.get(name, [])
    }
    note = f"# NOT in this file, only `pairforge train` follows it: {json.dumps(left_out)}\n" if left_out else ""
    return {
        "model": block.get("model") or "MODEL",
        "revision": block.get("revision"),
        "template": block.get("template") or "",
        "max_length": int(block.get("max_length") or longest_tokens),
        **values,
        "warmup": block.get("warmup_ratio", block.get("warmup_steps", values["warmup"])),
        "gradient_accumulation_steps": block.get("gradient_accumulation_steps") or accumulated,
        "left_out": left_out,
        "note": fewer + note,
    }


def trl_arguments(settings: Mapping[str, Any], written: Written) -> dict[str, Any]:
    """What each of TRL's commands is told about the model and the data, whatever it trains."""
    return {
        "model_name_or_path": settings["model"],
        **({"model_revision": settings["revision"]} if settings["revision"] else {}),
        "dataset_name": settings["here"],
        **({"eval_strategy": "epoch"} if written.with_eval else {}),
        "max_length": settings["max_length"],
        "warmup_steps": settings["warmup"],
    }


def dump_config(value: Mapping[str, Any], header: str, settings: Mapping[str, Any]) -> str:
    """A configuration as YAML, with what it does not carry over in its header."""
    return f"# {header}\n{settings['note']}" + yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True)
