"""NeMo RL: ranked completions for its PreferenceDataset, and dpo.yaml on top of its own example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import Format, Written
from pairforge.export.scripts import checkout, nemo_rl_data, nemo_rl_script
from pairforge.export.settings import dump_config


def row(pair: Mapping[str, Any]) -> dict[str, Any]:
    ranked = [{"rank": rank, "completion": pair[side]} for rank, side in enumerate(("chosen", "rejected"))]
    return {"context": pair["prompt"], "completions": ranked}


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    rows = settings["per_device_train_batch_size"] * settings["gradient_accumulation_steps"]
    dataset = {"dataset_name": "PreferenceDataset", "prompt_file": None, "system_prompt_file": None}
    validation = {} if written.with_eval else {"val_period": 0, "val_at_start": False}
    config = {
        "defaults": "${oc.env:NEMO_RL}/examples/configs/dpo.yaml",
        "dpo": {
            "max_num_epochs": settings["num_train_epochs"],
            "max_num_steps": 1_000_000,  # the epochs end it
            "reference_policy_kl_penalty": settings["beta"],
            **validation,
        },
        "checkpointing": {} if written.with_eval else {"metric_name": None},
        "policy": {
            "model_name": settings["model"],
            "tokenizer": {"name": settings["model"]},
            "train_global_batch_size": rows,
            "train_micro_batch_size": settings["per_device_train_batch_size"],
            "max_total_sequence_length": settings["max_length"],
            "optimizer": {"kwargs": {"lr": settings["learning_rate"]}},
        },
        "data": nemo_rl_data(written, dataset),
    }
    head = "bash dpo.sh CHECKOUT. The learning rate follows the example: 20 steps of warm-up, then constant."
    return {"dpo.yaml": dump_config(config, head, settings), "dpo.sh": nemo_rl_script("run_dpo.py", "dpo.yaml")}


FORMAT = Format(row, configure, "bash {folder}/dpo.sh CHECKOUT", yours=checkout("NeMo RL"))
