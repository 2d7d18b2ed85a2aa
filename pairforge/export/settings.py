"""A recipe's train block as the values that every trainer's configuration needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from pairforge import paper

# The paper's settings, where the recipe says nothing. `warmup` is a share of the steps; TRL on transformers 5 calls it
# warmup_steps, the others warmup_ratio. `max_length` comes from the view: the paper's 8,192 tokens may be too few.
PAPER = {name: value for name, value in paper.DPO.items() if name != "max_length"}
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
CARRIED = {*PAPER, "learning_rate", "model", "revision", "template", "max_length", "warmup_ratio", "warmup_steps",
           "gradient_accumulation_steps"}  # fmt: skip
BESIDES = {"bf16", "use_cpu", "gradient_checkpointing", "save_strategy", "report_to", "max_cut_share"}
USUAL: dict[str, list[Any]] = {
    "method": ["dpo"],
    "loss": ["sigmoid"],
    "loss_type": ["sigmoid", ["sigmoid"]],
    "max_steps": [-1],
}


def settings_of(train: Mapping[str, Any], longest_tokens: int) -> dict[str, Any]:
    """Model, revision, `max_length`, learning rate and the keys of `PAPER`: the recipe's values where it has them.

    `gradient_accumulation_steps` gives the recipe's global batch on one device, as `pairforge train` does.
    `left_out` holds what the block says beyond that, such as another loss: only `pairforge train` follows it.
    """
    warmup = train.get("warmup_ratio", train.get("warmup_steps", PAPER["warmup"]))
    values = {**PAPER, "learning_rate": paper.learning_rate(str(train.get("model") or ""))[0]}
    values |= {name: train[name] for name in values if train.get(name) is not None}
    accumulated = max(1, round(int(values["global_batch_size"]) / int(values["per_device_train_batch_size"])))
    return {
        "model": train.get("model") or "MODEL",
        "revision": train.get("revision"),
        "template": train.get("template") or "TEMPLATE",
        "max_length": int(train.get("max_length") or longest_tokens),
        **values,
        "warmup": warmup,
        "gradient_accumulation_steps": train.get("gradient_accumulation_steps") or accumulated,
        "left_out": {
            name: value
            for name, value in sorted(train.items())
            if name not in CARRIED | BESIDES and value is not None and value not in USUAL.get(name, [])
        },
    }


def dump_config(value: Mapping[str, Any], header: str, settings: Mapping[str, Any]) -> str:
    """A configuration as YAML, with what it does not carry over in its header."""
    left_out = settings["left_out"]
    note = f"# NOT in this file, only `pairforge train` follows it: {json.dumps(left_out)}\n" if left_out else ""
    return f"# {header}\n{note}" + yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True)
