"""LLaMA-Factory: ShareGPT rows with `ranking`, dataset_info.json and dpo.yaml, as its data/README describes."""

from __future__ import annotations

import json
import re
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


# LLaMA-Factory's templates by a model's name (0.9.5). A model of no known family keeps its own chat template.
TEMPLATES: tuple[tuple[str, str], ...] = (
    (r"deepseek-r1-distill", "deepseekr1"),
    (r"qwen3-.*instruct", "qwen3_nothink"),
    (r"qwen3", "qwen3"),
    (r"qwen2\.5|qwen2", "qwen"),
    (r"llama-?3", "llama3"),
    (r"gemma-3", "gemma3"),
    (r"gemma-2", "gemma2"),
    (r"phi-4-mini", "phi4_mini"),
    (r"phi-4", "phi4"),
    (r"smollm2", "smollm2"),
    (r"mistral", "mistral"),
)


def template_of(model: str) -> str:
    """The template of a model's family by the last part of its name, "" for an unknown one."""
    name = model.rstrip("/").split("/")[-1].lower()
    return next((template for pattern, template in TEMPLATES if re.search(pattern, name)), "")


_TAGS = {"user": "human", "assistant": "gpt"}


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    columns = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected", "system": "system"}

    def entry(name: str) -> dict[str, Any]:
        return {"file_name": f"{name}.jsonl", "formatting": "sharegpt", "ranking": True, "columns": columns}

    template = settings["template"] or template_of(settings["model"])
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
        **({"template": template} if template else {}),
        "cutoff_len": settings["max_length"],
        "warmup_ratio": settings["warmup"],
        **{name: settings[name] for name in SHARED},
        "output_dir": "dpo-model",
    }
    own = "# no template: LLaMA-Factory reads the model's own chat template" if not template else ""
    head = "\n".join(line for line in ("cd here, then: llamafactory-cli train dpo.yaml", own) if line)
    return {
        "dataset_info.json": json.dumps(info, indent=2) + "\n",
        "dpo.yaml": dump_config(config, head, settings),
    }


FORMAT = Format(row, configure, "cd {folder} && llamafactory-cli train dpo.yaml")
