"""LLaMA-Factory: ShareGPT rows with `ranking`, dataset_info.json and dpo.yaml, as its data/README describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pairforge.export.format import EVAL_SPLIT, Format, Written
from pairforge.export.settings import SHARED, dump_config


def row(pair: Mapping[str, Any]) -> dict[str, Any]:
    system = "\n\n".join(m["content"] for m in pair["prompt"] if m["role"] == "system")
    turns = [m for m in pair["prompt"] if m["role"] != "system"]
    return {
        "conversations": [{"from": _TAGS[m["role"]], "value": m["content"]} for m in turns],
        "chosen": {"from": "gpt", "value": pair["chosen"][0]["content"]},
        "rejected": {"from": "gpt", "value": pair["rejected"][0]["content"]},
        "system": system,
    }


_TAGS = {"user": "human", "assistant": "gpt"}


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    columns = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected", "system": "system"}

    def entry(name: str) -> dict[str, Any]:
        return {"file_name": f"{name}.jsonl", "formatting": "sharegpt", "ranking": True, "columns": columns}

    names = ["train", *([EVAL_SPLIT] if written.with_eval else [])]
    info = {f"pairforge_{name}": entry(name) for name in names}
    config = {
        "model_name_or_path": settings["model"],
        "stage": "dpo",
        "do_train": True,
        "finetuning_type": "full",
        "pref_loss": "sigmoid",
        "pref_beta": settings["beta"],
        "dataset_dir": ".",
        "dataset": "pairforge_train",
        **({"eval_dataset": f"pairforge_{EVAL_SPLIT}", "eval_strategy": "epoch"} if written.with_eval else {}),
        "template": settings["template"],
        "cutoff_len": settings["max_length"],
        "warmup_ratio": settings["warmup"],
        **{name: settings[name] for name in SHARED},
        "output_dir": "dpo-model",
    }
    head = (
        "cd here, then: llamafactory-cli train dpo.yaml\n"
        "# Write your model's template (qwen, qwen3, ...) for TEMPLATE; some of them rewrite or drop <think> blocks."
    )
    return {
        "dataset_info.json": json.dumps(info, indent=2) + "\n",
        "dpo.yaml": dump_config(config, head, settings),
    }


FORMAT = Format(row, configure, "cd {folder} && llamafactory-cli train dpo.yaml")
