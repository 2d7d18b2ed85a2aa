"""Exports of a view: its rows for each kind of format, then files and configurations for a trainer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from pairforge import demo
from pairforge.errors import RuleError
from pairforge.export import Exported, format_named, label_solutions, write_export
from pairforge.export.labels import Labels
from pairforge.export.settings import settings_of
from pairforge.hub.contents import Labeled
from pairforge.pipeline.pair_texts import batches_with_texts
from pairforge.pipeline.recipe_settings import run_recipe
from pairforge.pipeline.session import Session, open_session
from pairforge.pipeline.student import completion, student_prompt
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe
from pairforge.rowfiles import iter_rows
from pairforge.run import Run, read_view

METHODS = {"pairs": "dpo", "labels": "kto"}
"""Which method's settings an export of each kind has."""


def export_view(
    run: Run,
    view: str,
    name: str,
    folder: Path | None = None,
    *,
    eval_share: float = 0.0,
    overrides: Iterable[str] = (),
    progress: Progress = quiet,
) -> Exported:
    """Write a view in the format `name` into `folder` (default: `<run>/exports/<view>-<name>`).

    `eval_share` of the problems go to a file of their own: the same ones in every format. `overrides` are those of a
    recipe, such as `train.model=...`. Raises `HubError` for an unknown format, for a folder that holds something else,
    and when there are no rows.
    """
    form = format_named(name)
    final = folder or run.path / "exports" / f"{view}-{name}"
    options: dict[str, Any] = {"eval_share": eval_share, "progress": progress}
    if form.kind == "pairs":
        file = run.view(view) / "pairs.parquet"
        settings = training_settings(run_recipe(run, overrides), longest_pair(file), "dpo")
        return write_export(iter_rows(file), pq.read_metadata(file).num_rows, form, final, settings, **options)
    session = view_session(run, view, overrides, progress)
    labels = labels_of(session)
    settings = training_settings(session.recipe, longest(labels.rows), METHODS[form.kind])
    return write_export(labeled_rows(session, labels), labels.rows.height, form, final, settings, **options)


def view_session(run: Run, view: str, overrides: Iterable[str] = (), progress: Progress = quiet) -> Session:
    """A session with the rules and the format of an existing view, and overrides."""
    record = read_view(run, view)
    own = [f"seed={record.seed}", f"filter={json.dumps(record.filter)}", f"format={json.dumps(record.format)}"]
    return open_session(run, [*own, *overrides], progress)


def training_settings(recipe: Recipe, longest_tokens: int, method: str) -> dict[str, Any]:
    """The settings of a recipe's train block; the student is the model where the block names none."""
    train = recipe.train.model_dump(exclude_none=True)
    if "model" not in train:
        train |= {"model": recipe.filter.tokenizer, "revision": recipe.filter.revision}
    train["model"] = demo.resolve(train["model"])  # other trainers cannot read pairforge:nano
    return settings_of(train, longest_tokens, method)


# --- labeled solutions ---------------------------------------------------------------------------------------------


def labels_of(session: Session) -> Labels:
    """The labeled solutions of a session's rules. Raises `RuleError` for a mix: its parts may disagree on a label."""
    recipe = session.recipe
    if recipe.filter.parts:
        raise RuleError("filter.mix: labels need one set of rules", hint="export pairs, or make a view of one part")
    return label_solutions(session.evidence(), recipe.filter.effective, recipe.export.kto, seed=recipe.seed)


def labeled_rows(session: Session, labels: Labels) -> Iterator[dict[str, Any]]:
    """The labeled solutions with their texts.

    Columns: prompt, completion (messages, as TRL reads them), label (true: desirable), id (of the solution),
    problem_id, answer, gold, source, model, status, why (see `label_solutions`), prompt_tokens, completion_tokens
    (in the student's tokens).
    """
    chosen, rejected = session.formats
    for row, problem, sample in _with_texts(session, labels.rows):
        text = completion(sample, chosen if row["label"] else rejected)
        yield {
            "prompt": student_prompt(session.recipe.format, problem["question"]),
            "completion": [{"role": "assistant", "content": text}],
            "label": row["label"],
            **_origin(row, problem, sample.model),
            "why": row["why"],
            "prompt_tokens": row["prompt_tokens"],
            "completion_tokens": row["completion_tokens"],
        }


def labeled_configs(run: Run, views: Mapping[str, str], progress: Progress = quiet) -> dict[str, Labeled]:
    """The labeled solutions of views (config -> view) as configs to publish beside them: "kto", or "<config>-kto"
    where there are several."""
    configs = {}
    for config, view in views.items():
        session = view_session(run, view, (), progress)
        labels = labels_of(session)
        name = "kto" if len(views) == 1 else f"{config}-kto"
        configs[name] = Labeled(labeled_rows(session, labels), *labels.counts)
    return configs


def _with_texts(session: Session, rows: pl.DataFrame) -> Iterator[tuple[dict[str, Any], Mapping[str, Any], Any]]:
    """Each row (with a `sample_key` and a `problem_id`), its problem and its sample, in bounded memory."""
    for batch, samples in batches_with_texts(session.run, rows, ("sample_key",)):
        here = session.problems.filter(pl.col("id").is_in(batch["problem_id"].implode()))
        problems = {problem["id"]: problem for problem in here.iter_rows(named=True)}
        for row in batch.iter_rows(named=True):
            yield row, problems[row["problem_id"]], samples[row["sample_key"]]


def _origin(row: Mapping[str, Any], problem: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Where a solution comes from, as columns of its row."""
    names = ("answer", "gold", "source")
    own = {"id": row["sample_key"], "problem_id": row["problem_id"], **{name: problem[name] for name in names}}
    return {**own, "model": model, "status": row["status"]}


# --- lengths -------------------------------------------------------------------------------------------------------


def longest(rows: pl.DataFrame) -> int:
    """Enough tokens for the longest row of prompt_tokens and completion_tokens, in steps of 128."""
    return _in_steps(rows.select((pl.col("prompt_tokens") + pl.col("completion_tokens")).max()).item())


def longest_pair(file: Path) -> int:
    """Enough tokens for the longest pair, in steps of 128."""
    sides = pl.max_horizontal("chosen_tokens", "rejected_tokens")
    return _in_steps(pl.scan_parquet(file).select((pl.col("prompt_tokens") + sides).max()).collect().item())


def _in_steps(tokens: int | None) -> int:
    return int(-(-(tokens or 1) // 128) * 128)
