"""ThinkPO's settings (arXiv 2502.13173), once: training, exports and cards all read them here.

Numbers are from Table 7 and section 3 of the paper and from the authors' training scripts where the paper is silent.
"""

from __future__ import annotations

import re
from typing import Any

# `warmup` is the share of all steps, `global_batch_size` rows per optimizer step over all devices, `max_length` tokens.
DPO: dict[str, Any] = {
    "beta": 0.01,  # Table 7; the authors' script defaults to 0.05
    "num_train_epochs": 1,
    "lr_scheduler_type": "cosine",
    "warmup": 0.1,
    "max_length": 8192,
    "per_device_train_batch_size": 1,
    "global_batch_size": 48,  # Table 7
}
SFT: dict[str, Any] = {
    "num_train_epochs": 3,
    "lr_scheduler_type": "cosine",
    "warmup": 0.1,
    "max_length": 10240,
    "per_device_train_batch_size": 1,
    "global_batch_size": 32,  # inferred from the authors' checkpoint numbers
}
# What other methods need in place of DPO's values: their authors' or TRL's defaults, not the paper's.
OTHER_METHODS: dict[str, dict[str, Any]] = {
    "kto": {"beta": 0.1, "per_device_train_batch_size": 4},  # its KL term compares the rows of a batch with each other
    "apo_zero_unpaired": {"beta": 0.1},
    "simpo": {"beta": 2.0},
    "grpo": {"beta": 0.0, "per_device_train_batch_size": 8, "global_batch_size": 64},
    "cpo": {"beta": 0.1},
    "orpo": {"beta": 0.1},
    "ipo": {"beta": 0.1},  # the margin that it aims at is 1 / (2 beta) nats per token
    "aot": {"per_device_train_batch_size": 4},  # sorts the rows of a batch
    "aot_unpaired": {"per_device_train_batch_size": 4},
    "sigmoid_norm": {"beta": 5.0},  # per token; Tulu 3 uses 5 (its `dpo_norm`)
}
SFT_LEARNING_RATE = 1e-5  # section 3: the reasoning SFT
GRPO_LEARNING_RATE = 1e-6  # TRL's default; the paper trains no model by reinforcement
DPO_LEARNING_RATE = 3e-7  # Table 7: the paper's main model, its own SFT of Qwen2.5-7B-Instruct

# The models of Table 7 by the last part of their name. A name matches as a whole: "Bespoke-Stratos-7B-repro-SFT" is
# not "Bespoke-Stratos-7B", and the paper's rates are not ordered by size.
TABLE_7: tuple[tuple[str, float, str], ...] = (
    (r"deepseek-r1-distill-qwen-7b", 1e-7, "DeepSeek-R1-Distill-Qwen-7B"),
    (r"bespoke-stratos-7b", 5e-7, "Bespoke-Stratos-7B"),
    (r"(bespoke-(stratos-)?7b-repro(-sft)?|qwen2\.5-7b-instruct-sft)", 3e-7, "Qwen2.5-7B-Instruct after its own SFT"),
    (r"qwen2\.5-3b-sft", 5e-7, "Qwen2.5-3B after SFT"),
    (r"qwen2\.5-7b-sft", 8e-8, "Qwen2.5-7B after SFT"),
    (r"qwen2\.5-14b-sft", 1e-7, "Qwen2.5-14B after SFT"),
)


def defaults(method: str) -> dict[str, Any]:
    """The settings of a method: the paper's for "dpo" and "sft"; DPO's with what the method itself needs otherwise."""
    return dict(SFT) if method == "sft" else DPO | OTHER_METHODS.get(method, {})


def learning_rate(model: str, stage: str = "dpo") -> tuple[float, str]:
    """The paper's learning rate for a model's name (a Hub id or a path), and where it is from.

    `stage` is a method: every one but "sft" and "grpo" gets DPO's rate. A model that is not in Table 7 gets the rate
    of the paper's main model; the source says so.
    """
    if stage == "sft":
        return SFT_LEARNING_RATE, "ThinkPO, section 3: the reasoning SFT"
    if stage == "grpo":
        return GRPO_LEARNING_RATE, "TRL's default for GRPO"
    name = model.rstrip("/").split("/")[-1].lower().replace("_", "-")
    for pattern, rate, listed in TABLE_7:
        if re.fullmatch(pattern, name):
            return rate, f"ThinkPO, Table 7: {listed}"
    return DPO_LEARNING_RATE, "ThinkPO, Table 7: the paper's main model; this model is not in the table"
