"""A recipe's train block as the values that every trainer's configuration needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What ThinkPO trains with (table 7, for a 7B model): used where the recipe says nothing. `warmup` is a share of the
# steps; TRL on transformers 5 calls it warmup_steps, the other two warmup_ratio.
PAPER = {"beta": 0.01, "learning_rate": 3.0e-7, "num_train_epochs": 1, "lr_scheduler_type": "cosine",
         "warmup": 0.1, "per_device_train_batch_size": 1, "global_batch_size": 48}  # fmt: skip
# What a configuration here says of a train block. What it does not say is named in it, unless it is about precision,
# memory or bookkeeping, or what all three trainers do anyway.
CARRIED = {*PAPER, "model", "revision", "template", "max_length", "warmup_ratio", "warmup_steps",
           "gradient_accumulation_steps"}  # fmt: skip
BESIDES = {"bf16", "use_cpu", "gradient_checkpointing", "save_strategy", "report_to", "max_cut_share"}
USUAL: dict[str, list[Any]] = {
    "method": ["dpo"],
    "loss": ["sigmoid"],
    "loss_type": ["sigmoid", ["sigmoid"]],
    "max_steps": [-1],
}


def settings_of(train: Mapping[str, Any], longest_tokens: int) -> dict[str, Any]:
    """Model, revision, `max_length` and the keys of `PAPER`: the recipe's values where it has them.

    `gradient_accumulation_steps` makes up the recipe's global batch on one device, as `pairforge train` does.
    `left_out` holds what the block says beyond that, such as another loss: only `pairforge train` follows it.
    """
    warmup = train.get("warmup_ratio", train.get("warmup_steps", PAPER["warmup"]))
    own = {name: train[name] for name in PAPER if train.get(name) is not None}
    batch, at_once = (int({**PAPER, **own}[name]) for name in ("global_batch_size", "per_device_train_batch_size"))
    accumulated = max(1, round(batch / at_once))
    return {
        "model": train.get("model") or "MODEL",
        "revision": train.get("revision"),
        "template": train.get("template") or "TEMPLATE",
        "max_length": int(train.get("max_length") or longest_tokens),
        **PAPER,
        **own,
        "warmup": warmup,
        "gradient_accumulation_steps": train.get("gradient_accumulation_steps") or accumulated,
        "left_out": {
            name: value
            for name, value in sorted(train.items())
            if name not in CARRIED | BESIDES and value is not None and value not in USUAL.get(name, [])
        },
    }
