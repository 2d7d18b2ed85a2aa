"""SFT with TRL: train.jsonl of prompts with completions and sft.yaml for `trl sft`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import Format, Written
from pairforge.export.settings import SHARED, dump_config, trl_arguments


def row(solution: Mapping[str, Any]) -> dict[str, Any]:
    """TRL's conversational prompt-completion format; TRL trains on the completion only. Its origin stays as columns."""
    return dict(solution)


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    config = {
        **trl_arguments(settings, written),
        **{name: settings[name] for name in SHARED},
        "output_dir": "sft-model",
    }
    return {"sft.yaml": dump_config(config, "cd here, then: trl sft --config sft.yaml", settings)}


FORMAT = Format(row, configure, "cd {folder} && trl sft --config sft.yaml", kind="completions")
