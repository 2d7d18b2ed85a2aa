"""The model card of a trained model: what it is made from, with which settings, and what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pairforge.train.methods import METHODS

ABOUT_THE_MACHINE = ("memory", "disk")  # findings that say nothing about the model


def model_card(record: Mapping[str, Any], name: str) -> str:
    """The card as Markdown. `record` is the content of train.json."""
    settings, data = record["settings"], record["data"]
    method = METHODS[settings["method"]].title
    front = {
        "library_name": "peft" if settings["lora"] and not record["merged"] else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["pairforge", "thinkpo", "trl", settings["method"]],
    }
    model = settings.get("model_name") or settings["model"]
    if on_hub(model):
        front["base_model"] = model
    sources = data["facts"].get("sources", [])
    hub_data = [d for d in [data["name"], *sources] if on_hub(d)]
    if hub_data:
        front["datasets"] = hub_data
    shown = {
        "method": settings["method"],
        "rows per step": record.get("rows_per_step", settings["global_batch_size"]),
        **settings["trl"],
        **({"lora": settings["lora"]} if settings["lora"] else {}),
    }
    lines = [
        "---",
        yaml.safe_dump(front, sort_keys=False).strip(),
        "---",
        f"# {name}",
        "",
        f"{_code(public_name(model))}{_at(settings['revision'])} trained by {method}.",
        "",
        "## Data",
        "",
        f"{_code(public_name(data['name']))}{_at(data['revision'])}, {data['rows']:,} rows.",
        *([f"Made from {', '.join(_code(public_name(source)) for source in sources)}."] if sources else []),
        "",
        *(f"- {f['name']}: {f['text']}" for f in record["findings"] if f["name"] not in ABOUT_THE_MACHINE),
        "",
        "## Settings",
        "",
        "| argument | value |",
        "|---|---|",
        *(f"| {key} | {_code(value)} |" for key, value in shown.items()),
        "",
        f"Learning rate: {record['settings']['learning_rate_source']}.",
        "",
        "## Training",
        "",
        f"{record['steps']:,} steps in {record['seconds']:,.0f} s on {record['device']}.",
        f"The last loss is {record['loss']:.4g}; every log is in `log.csv`.",
        "",
        "![training](figure.png)",
        "",
        *(f"- **Warning**: {warning}" for warning in record["warnings"]),
        f"Made with {', '.join(f'{k} {v}' for k, v in record['versions'].items())}.",
        "",
    ]
    return "\n".join(lines)


def _code(value: object) -> str:
    """A value as inline code that cannot break out of its table cell."""
    text = str(value).replace("`", "'").replace("|", "\\|").replace("\n", " ")
    return f"`{text}`"


def _at(revision: str | None) -> str:
    return f" at {_code(revision)}" if revision else ""


def public_name(name: str) -> str:
    """A model's or dataset's name without the folders of the machine it lay on."""
    return Path(name).name if Path(name).is_absolute() or Path(name).exists() else name


def on_hub(name: str) -> bool:
    """Whether a name can only be a Hub id: a local path with one slash looks like one."""
    path = Path(name)
    if path.exists() or path.suffix in (".jsonl", ".ndjson", ".json", ".parquet"):
        return False
    return name.count("/") == 1 and not name.startswith((".", "/", "~")) and " " not in name
