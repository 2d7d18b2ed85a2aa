"""A view in the words of a trainer, with that trainer's own configuration beside it.

trl           train.jsonl, dpo.yaml                       trl dpo --config dpo.yaml
llamafactory  train.jsonl, dataset_info.json, dpo.yaml    llamafactory-cli train dpo.yaml
axolotl       train.jsonl, axolotl.yaml                   axolotl train axolotl.yaml
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import yaml

from pairforge.errors import HubError
from pairforge.export.settings import settings_of
from pairforge.export.split import held_out
from pairforge.run import Run
from pairforge.run.atomic import iter_rows, write_text

Progress = Callable[[str, int, int | None, str], None]
EVAL = "test"  # `datasets` calls a file test.jsonl the split "test", TRL's default


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: data files first, then the configuration; `command` trains with it."""

    folder: Path
    files: tuple[Path, ...]
    pairs: int
    eval_pairs: int
    command: str

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        files = [str(file) for file in self.files]
        return {"folder": str(self.folder), "files": files, "pairs": self.pairs, "eval_pairs": self.eval_pairs,
                "command": self.command}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Format:
    """How one trainer wants it. `row` renders a pair; `configure` gives the files beside the data, by name."""

    row: Callable[[Mapping[str, Any]], dict[str, Any]]
    configure: Callable[[Mapping[str, Any], bool], dict[str, str]]
    command: str


def export(
    run: Run,
    view: str,
    kind: str,
    folder: Path | None = None,
    *,
    eval_share: float = 0.0,
    train: Mapping[str, Any] | None = None,
    progress: Progress = lambda *_: None,
) -> Exported:
    """Write the pairs of a view for `kind` into `folder` (default: `<run>/exports/<view>-<kind>`).

    `train` holds the recipe's training values in TRL's names. `eval_share` of the problems go to a file of their own.
    Raises `HubError` for an unknown format, and for a folder that holds something else.
    """
    if kind not in FORMATS:
        raise HubError(f"there is no export format '{kind}'", hint=f"one of: {', '.join(FORMATS)}")
    form = FORMATS[kind]
    source = run.view(view)
    final = folder or run.path / "exports" / f"{view}-{kind}"
    with _replaced(final) as temporary:
        counts = _write_rows(source / "pairs.parquet", form, temporary, eval_share, progress)
        settings = settings_of(train or {}, _longest(source))
        for name, text in form.configure(settings, eval_share > 0).items():
            write_text(temporary / name, text)
    files = tuple(sorted(final.iterdir()))
    command = form.command.format(folder=final)
    return Exported(final, files, counts.get("train", 0), counts.get(EVAL, 0), command)


def _write_rows(source: Path, form: Format, folder: Path, eval_share: float, progress: Progress) -> dict[str, int]:
    total = pq.read_metadata(source).num_rows
    names = ["train", *([EVAL] if eval_share else [])]
    counts = dict.fromkeys(names, 0)
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.jsonl").open("w")) for name in names}
        for done, row in enumerate(iter_rows(source), start=1):
            name = EVAL if eval_share and held_out(row["problem_id"], eval_share) else "train"
            files[name].write(json.dumps(form.row(row), ensure_ascii=False) + "\n")
            counts[name] += 1
            if done % 1000 == 0 or done == total:
                progress("export", done, total, "")
    empty = [name for name, count in counts.items() if not count]
    if empty:
        raise HubError(f"the file '{empty[0]}' would have no pairs", hint="choose another view or another --eval-share")
    return counts


def _longest(view: Path) -> int:
    """Enough tokens for the longest pair, in steps of 128."""
    sides = pl.max_horizontal("chosen_tokens", "rejected_tokens")
    longest = pl.scan_parquet(view / "pairs.parquet").select((pl.col("prompt_tokens") + sides).max()).collect().item()
    return int(-(-(longest or 1) // 128) * 128)


@contextlib.contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its place when the block ends well; only an export is ever replaced."""
    mark = ".pairforge-export"
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).exists():
        raise HubError(f"{folder} holds something that is no export", hint="name another folder with --out")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        (temporary / mark).touch()
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _dump(value: Mapping[str, Any], head: str, settings: Mapping[str, Any]) -> str:
    left_out = settings["left_out"]
    note = f"# NOT said here, and followed by `pairforge train` alone: {json.dumps(left_out)}\n" if left_out else ""
    return f"# {head}\n{note}" + yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True)


# --- TRL -----------------------------------------------------------------------------------------------


def trl_row(pair: Mapping[str, Any]) -> dict[str, Any]:
    """TRL's conversational preference format with an explicit prompt; the lengths stay as columns."""
    kept = ("prompt", "chosen", "rejected", "id", "problem_id", "answer", "source", "chosen_tokens", "rejected_tokens")
    return {name: pair[name] for name in kept}


def trl_config(settings: Mapping[str, Any], with_eval: bool) -> dict[str, str]:
    config = {
        "model_name_or_path": settings["model"],
        **({"model_revision": settings["revision"]} if settings["revision"] else {}),
        "dataset_name": ".",
        **({"eval_strategy": "epoch"} if with_eval else {}),
        "max_length": settings["max_length"],
        "warmup_steps": settings["warmup"],
        **{name: settings[name] for name in ("beta", *_SHARED)},
        "output_dir": "dpo-model",
    }
    return {"dpo.yaml": _dump(config, "cd here, then: trl dpo --config dpo.yaml", settings)}


# --- LLaMA-Factory: ShareGPT style with `ranking`, as its data/README describes -------------------------


def llamafactory_row(pair: Mapping[str, Any]) -> dict[str, Any]:
    system = "\n\n".join(m["content"] for m in pair["prompt"] if m["role"] == "system")
    turns = [m for m in pair["prompt"] if m["role"] != "system"]
    return {
        "conversations": [{"from": _TAGS[m["role"]], "value": m["content"]} for m in turns],
        "chosen": {"from": "gpt", "value": pair["chosen"][0]["content"]},
        "rejected": {"from": "gpt", "value": pair["rejected"][0]["content"]},
        "system": system,
    }


_TAGS = {"user": "human", "assistant": "gpt"}


def llamafactory_config(settings: Mapping[str, Any], with_eval: bool) -> dict[str, str]:
    columns = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected", "system": "system"}

    def entry(name: str) -> dict[str, Any]:
        return {"file_name": f"{name}.jsonl", "formatting": "sharegpt", "ranking": True, "columns": columns}

    names = ["train", *([EVAL] if with_eval else [])]
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
        **({"eval_dataset": f"pairforge_{EVAL}", "eval_strategy": "epoch"} if with_eval else {}),
        "template": settings["template"],
        "cutoff_len": settings["max_length"],
        "warmup_ratio": settings["warmup"],
        **{name: settings[name] for name in _SHARED},
        "output_dir": "dpo-model",
    }
    head = (
        "cd here, then: llamafactory-cli train dpo.yaml\n"
        "# Write your model's template (qwen, qwen3, ...) for TEMPLATE; some of them rewrite or drop <think> blocks."
    )
    return {
        "dataset_info.json": json.dumps(info, indent=2) + "\n",
        "dpo.yaml": _dump(config, head, settings),
    }


_SHARED = ("learning_rate", "num_train_epochs", "lr_scheduler_type", "per_device_train_batch_size",
           "gradient_accumulation_steps")  # fmt: skip


# --- axolotl: `rl: dpo` with the prompt as a list and one message per side -------------------------------


def axolotl_row(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {"messages": pair["prompt"], "chosen": pair["chosen"][0], "rejected": pair["rejected"][0]}


def axolotl_config(settings: Mapping[str, Any], with_eval: bool) -> dict[str, str]:
    def data(name: str) -> dict[str, Any]:
        return {
            "path": f"{name}.jsonl",
            "ds_type": "json",
            "split": "train",
            "type": "chat_template.default",
            "field_messages": "messages",
            "field_chosen": "chosen",
            "field_rejected": "rejected",
            "message_property_mappings": {"role": "role", "content": "content"},
            "roles": {"system": ["system"], "user": ["user"], "assistant": ["assistant"]},
        }

    config = {
        "base_model": settings["model"],
        "rl": "dpo",
        "rl_beta": settings["beta"],
        "chat_template": "tokenizer_default",
        "datasets": [data("train")],
        **({"test_datasets": [data(EVAL)]} if with_eval else {}),
        "sequence_len": settings["max_length"],
        "learning_rate": settings["learning_rate"],
        "num_epochs": settings["num_train_epochs"],
        "lr_scheduler": settings["lr_scheduler_type"],
        "warmup_ratio": settings["warmup"],
        "micro_batch_size": settings["per_device_train_batch_size"],
        "gradient_accumulation_steps": settings["gradient_accumulation_steps"],
        "optimizer": "adamw_torch",
        "bf16": "auto",
        "output_dir": "dpo-model",
    }
    return {"axolotl.yaml": _dump(config, "cd here, then: axolotl train axolotl.yaml", settings)}


FORMATS: dict[str, Format] = {
    "trl": Format(trl_row, trl_config, "cd {folder} && trl dpo --config dpo.yaml"),
    "llamafactory": Format(llamafactory_row, llamafactory_config, "cd {folder} && llamafactory-cli train dpo.yaml"),
    "axolotl": Format(axolotl_row, axolotl_config, "cd {folder} && axolotl train axolotl.yaml"),
}
