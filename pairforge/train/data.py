"""What is trained on: a view of a run, or any dataset in TRL's preference formats, as plain rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pairforge.errors import TrainError
from pairforge.hub.licenses import dataset_of
from pairforge.records import Message, digest
from pairforge.rowfiles import iter_rows
from pairforge.run import Run, read_view
from pairforge.sources.entry import RowDrop
from pairforge.sources.rows import open_rows
from pairforge.train.config import Method
from pairforge.train.methods import LABELED, METHODS

Side = str | list[Message]


@dataclass(frozen=True, slots=True)
class TrainData:
    """Rows with the columns of the method (see `pairforge.train.methods`): all messages, or all text.

    `revision` pins the content. `direction` and `tokenizer_digest` are what a view's rules were made with, None for
    other datasets. `skipped` counts rows that could not be read. `template_kwargs` are the switches of the chat
    template that the view's lengths were counted with. `run` is the path of the run they come from.
    """

    rows: list[dict[str, Any]]
    name: str
    revision: str
    direction: str | None = None
    tokenizer_digest: str | None = None
    skipped: int = 0
    template_kwargs: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def from_view(
    run: Run, view: str, method: Method, *, rows: Iterable[dict[str, Any]] | None = None, made_with: object = None
) -> TrainData:
    """The pairs of a view, or other `rows` made from it; `made_with` are the settings they were made with.

    Raises `RunError` when there is no such view, `TrainError` when there is no row.
    """
    record = read_view(run, view)
    found = iter_rows(run.view(view) / "pairs.parquet") if rows is None else rows
    return TrainData(
        trainable(found, method, f"view '{view}' of {run.path}"),
        name=f"{run.name}, view {view}",
        revision=record.digest if made_with is None else digest([record.digest, made_with]),
        direction=record.direction,
        tokenizer_digest=record.tokenizer,
        template_kwargs=dict((record.format or {}).get("template_kwargs") or {}),
        run=str(run.path),
        facts={"sources": sources_of(run)},
    )


def sources_of(run: Run) -> list[str]:
    """The datasets that the run's problems and joined ground truth come from, without their configs."""
    entries = run.manifest().sources
    joined = [entry.gold_from.source for entry in entries if entry.gold_from and entry.gold_from.source]
    return sorted({dataset_of(name) for name in [*(entry.source for entry in entries), *joined]})


def from_dataset(
    dataset: str, method: Method, *, split: str = "train", config: str | None = None, revision: str | None = None
) -> TrainData:
    """A Hub id, a dataset folder, or a jsonl, json or parquet file.

    Raises `SourceError` when it cannot be read, `TrainError` when it lacks the columns.
    """
    source = open_rows(dataset, config=config, split=split, revision=revision, base_dir=Path())
    found = [row for _, row in source.rows]
    read = [row for row in found if not isinstance(row, RowDrop)]
    rows, skipped = trainable(read, method, dataset), len(found) - len(read)
    return TrainData(rows, source.name, source.revision, skipped=skipped, template_kwargs=switches_of(read, dataset))


def switches_of(rows: Iterable[dict[str, Any]], where: str) -> dict[str, Any]:
    """The template switches of a dataset: what its column `chat_template_kwargs` says, TRL's name for them.

    Raises `TrainError` when it does not say the same of all rows: a training has one template.
    """
    found = {json.dumps(row.get("chat_template_kwargs") or {}, sort_keys=True, default=str) for row in rows}
    if len(found) > 1:
        hint = "train on the rows of one template at a time"
        raise TrainError(f"{where}: its rows have {len(found)} different chat_template_kwargs", hint=hint)
    return {name: value for text in found for name, value in json.loads(text).items() if value is not None}


def trainable(rows: Iterable[dict[str, Any]], method: Method, where: str) -> list[dict[str, Any]]:
    """Rows with just the columns the method needs; a prompt that is part of both sides is taken out of them.

    Raises `TrainError` naming the columns there are when one is missing, or when a column holds neither messages
    nor text.
    """
    kept: list[dict[str, Any]] = []
    for number, row in enumerate(rows, start=1):
        parts = _unpaired(row) if METHODS[method].columns == LABELED else [row]
        kept += [_columns(part, method, f"{where}, row {number}") for part in parts]
    if not kept:
        raise TrainError(f"{where} holds no row to train on", hint="loosen the rules with `pairforge filter`")
    if len({type(row[name]) for row in kept for name in METHODS[method].columns if name != "label"}) > 1:
        raise TrainError(f"{where}: some rows hold messages and some hold text", hint="use one form for all")
    return kept


def _unpaired(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A pair as two labeled solutions; any other row as it is."""
    if not {"prompt", "chosen", "rejected"} <= row.keys():
        return [row]
    sides = (("chosen", True), ("rejected", False))
    return [{"prompt": row["prompt"], "completion": row[side], "label": label} for side, label in sides]


def _columns(row: dict[str, Any], method: Method, where: str) -> dict[str, Any]:
    if method == "sft" and "completion" in row and "chosen" not in row:
        row = {**row, "chosen": row["completion"]}
    if "prompt" not in row and {"chosen", "rejected"} <= row.keys():
        from trl.data_utils import extract_prompt

        row = extract_prompt(row)
    needed = METHODS[method].columns
    missing = [name for name in needed if row.get(name) is None]
    if missing:
        raise TrainError(
            f"{where}: no column {' or '.join(repr(name) for name in missing)}; columns: {', '.join(row) or 'none'}",
            hint=f"'{method}' reads {', '.join(needed)}, as messages or text; `pairforge train RUN` has them",
        )
    return {name: _side(row[name], name, where) for name in needed}


def _side(value: Any, name: str, where: str) -> Side | bool:
    if name == "label":
        if isinstance(value, bool):
            return value
        raise TrainError(f"{where}: label is {value!r:.40}, expected true or false")
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(m, dict) and {"role", "content"} <= m.keys() for m in value):
        return [Message(role=str(m["role"]), content=str(m["content"])) for m in value]
    raise TrainError(f"{where}: column '{name}' is neither text nor a list of messages with role and content")


def text_of(side: Side) -> str:
    """The words of a prompt or completion, roles left out."""
    return side if isinstance(side, str) else "\n".join(m["content"] for m in side)
