"""TRL: train.jsonl and dpo.yaml for `trl dpo`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairforge.export.format import Format, Written
from pairforge.export.settings import SHARED, dump_config, trl_arguments


def row(pair: Mapping[str, Any]) -> dict[str, Any]:
    """TRL's conversational preference format with an explicit prompt; the lengths stay as columns, and
    switches of the chat template as TRL's `chat_template_kwargs`."""
    kept = ("prompt", "chosen", "rejected", "id", "problem_id", "answer", "source", "chosen_tokens", "rejected_tokens")
    switches = {name: pair[name] for name in ("chat_template_kwargs",) if name in pair}
    return {name: pair[name] for name in kept} | switches


def configure(settings: Mapping[str, Any], written: Written) -> dict[str, str]:
    config = {
        **trl_arguments(settings, written),
        **{name: settings[name] for name in ("beta", *SHARED)},
        "output_dir": "dpo-model",
    }
    return {"dpo.yaml": dump_config(config, "cd here, then: trl dpo --config dpo.yaml", settings)}


FORMAT = Format(row, configure, "cd {folder} && trl dpo --config dpo.yaml")
