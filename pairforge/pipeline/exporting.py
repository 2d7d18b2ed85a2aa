"""Exports of a view: its rows for each kind of format, then files and configurations for a trainer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from pairforge import demo
from pairforge.config import Config
from pairforge.errors import RuleError
from pairforge.export import Exported, format_named, label_solutions, write_export
from pairforge.export.completions import Picked, pick_solutions
from pairforge.export.config import SftConfig
from pairforge.export.difficulty import Rated, rate_problems
from pairforge.export.format import Kind
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
from pairforge.train.methods import LABELED, METHODS

METHOD_OF: dict[Kind, str] = {"pairs": "dpo", "labels": "kto", "completions": "sft", "problems": "grpo"}
"""Which method's settings an export of each kind has."""


@dataclass(frozen=True, slots=True)
class Content:
    """What an export holds: its rows, how many, and how long. Tokens are the student's, in steps of 128.

    `left_out`: reason -> solutions or problems that are not in it.
    """

    rows: Iterable[dict[str, Any]]
    total: int
    longest_tokens: int
    left_out: dict[str, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0


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
    recipe, content = content_of(run, view, form.kind, overrides, progress)
    settings = training_settings(recipe, content, METHOD_OF[form.kind])
    switches = recipe.format.template_kwargs
    rows = ({**row, "chat_template_kwargs": switches} for row in content.rows) if switches else content.rows
    return write_export(rows, content.total, form, final, settings, eval_share=eval_share, progress=progress)


def content_of(
    run: Run, view: str, kind: Kind, overrides: Iterable[str] = (), progress: Progress = quiet
) -> tuple[Recipe, Content]:
    """The recipe of a view, with overrides, and what an export of a kind holds. Pairs need no tokenizer."""
    if kind == "pairs":
        file = run.view(view) / "pairs.parquet"
        total = pq.read_metadata(file).num_rows
        return run_recipe(run, overrides), Content(iter_rows(file), total, longest_pair(file))
    session = view_session(run, view, overrides, progress)
    make = {"labels": labels_content, "completions": sft_content, "problems": rlvr_content}[kind]
    return session.recipe, make(session, view)


def view_session(run: Run, view: str, overrides: Iterable[str] = (), progress: Progress = quiet) -> Session:
    """A session with the rules and the format of an existing view, and overrides."""
    record = read_view(run, view)
    own = [f"seed={record.seed}", f"filter={json.dumps(record.filter)}", f"format={json.dumps(record.format)}"]
    return open_session(run, [*own, *overrides], progress)


def training_settings(recipe: Recipe, content: Content, method: str) -> dict[str, Any]:
    """The settings of a recipe's train block; the student is the model where the block names none."""
    train = recipe.train.model_dump(exclude_none=True)
    if "model" not in train:
        train |= {"model": recipe.filter.tokenizer, "revision": recipe.filter.revision}
    train["model"] = demo.resolve(train["model"])  # other trainers cannot read pairforge:nano
    rows = None if method == "grpo" else content.total  # a batch of GRPO is of completions
    prompts = {"max_prompt_length": content.prompt_tokens, "max_completion_length": content.completion_tokens}
    made = settings_of(train, content.longest_tokens, method, rows)
    switches = recipe.format.template_kwargs
    if switches:
        said = f"Made with the template switches {json.dumps(switches)}: set them here too, or lengths differ"
        made["note"] = f"{made['note']}# {said}.\n"
    return {**made, **prompts, "system": recipe.format.system, "template_kwargs": switches}


def other_rows(run: Run, view: str, method: str) -> tuple[Iterable[dict[str, Any]] | None, dict[str, Any] | None]:
    """What `method` trains on besides the pairs of a view, and the settings it was made with; None for the pairs."""
    recipe = run_recipe(run)
    if METHODS[method].columns == LABELED:
        kind: Kind = "labels"
        settings: Config = recipe.export.kto
    elif method == "sft" and recipe.export.sft != SftConfig():
        kind, settings = "completions", recipe.export.sft
    else:
        return None, None
    return content_of(run, view, kind)[1].rows, settings.model_dump(mode="json")


# --- labeled solutions ---------------------------------------------------------------------------------------------


def labels_of(session: Session) -> Labels:
    """The labeled solutions of a session's rules. Raises `RuleError` for a mix: its parts may disagree on a label."""
    recipe = session.recipe
    if recipe.filter.parts:
        raise RuleError("filter.mix: labels need one set of rules", hint="export pairs, or make a view of one part")
    return label_solutions(session.evidence(), recipe.filter.effective, recipe.export.kto, seed=recipe.seed)


def labels_content(session: Session, view: str) -> Content:
    """The labeled solutions of a view."""
    labels = labels_of(session)
    return Content(labeled_rows(session, labels), labels.rows.height, longest(labels.rows), labels.left_out)


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
    where there are several. A view that mixes sets of rules has none."""
    configs = {}
    for config, view in views.items():
        session = view_session(run, view, (), progress)
        if session.recipe.filter.parts:
            continue  # the parts of a mix may disagree on a label
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


# --- solutions to imitate ------------------------------------------------------------------------------------------


def sft_content(session: Session, view: str) -> Content:
    """The solutions of a view to imitate."""
    picked = picked_of(session, view)
    return Content(sft_rows(session, picked), picked.rows.height, longest(picked.rows), picked.left_out)


def picked_of(session: Session, view: str) -> Picked:
    """Which solutions of a view to imitate."""
    pairs = pl.read_parquet(session.run.view(view) / "pairs.parquet", columns=["chosen_key", "rejected_key"])
    recipe = session.recipe
    return pick_solutions(session.evidence(), recipe.filter.effective, recipe.export.sft, pairs, seed=recipe.seed)


def sft_rows(session: Session, picked: Picked) -> Iterator[dict[str, Any]]:
    """The solutions with their texts: prompt, completion (messages), and where they come from, as in `labeled_rows`."""
    formats = dict(zip(("chosen", "rejected"), session.formats, strict=True))
    for row, problem, sample in _with_texts(session, picked.rows):
        yield {
            "prompt": student_prompt(session.recipe.format, problem["question"]),
            "completion": [{"role": "assistant", "content": completion(sample, formats[row["side"]])}],
            **_origin(row, problem, sample.model),
            "prompt_tokens": row["prompt_tokens"],
            "completion_tokens": row["completion_tokens"],
        }


# --- problems ------------------------------------------------------------------------------------------------------


def rlvr_content(session: Session, view: str) -> Content:
    """The problems of a view with their pass rates. The room for a completion is that of the longest correct one."""
    rated = rated_of(session)
    correct = session.evidence().samples.filter(pl.col("status").cast(pl.String) == "correct")
    prompt = _in_steps(rated.rows.select(pl.col("prompt_tokens").max()).item())
    room = _in_steps(correct.select(pl.col("completion_tokens").max()).item())
    return Content(problem_rows(session, rated), rated.rows.height, prompt + room, rated.left_out, prompt, room)


def rated_of(session: Session) -> Rated:
    """Which problems of a session's rules are exported for RLVR, with their pass rates."""
    recipe = session.recipe
    draws = {name: block.draws.min for name, block in recipe.arms.items()}
    return rate_problems(session.evidence(), recipe.filter.effective, recipe.export.rlvr, draws, seed=recipe.seed)


def problem_rows(session: Session, rated: Rated) -> Iterator[dict[str, Any]]:
    """The problems that an export for RLVR holds.

    Columns: prompt (messages), ground_truth (as the source writes it), verifier (the kind of ground truth), percent and
    units (how the verifier counts them), problem_id, pass_rate with
    pass_rate_low, pass_rate_high (95 % interval) and pass_draws, band, prompt_tokens, question, source, gold, meta (the
    source's own columns, JSON text).
    """
    columns = ["id", "question", "source", "gold", "meta", "answer"]
    problems = session.run.problem_table(columns).rename({"id": "problem_id"})
    for row in rated.rows.join(problems, on="problem_id", maintain_order="left").iter_rows(named=True):
        ground_truth = row.pop("answer")
        prompt = student_prompt(session.recipe.format, row["question"])
        rules = session.truth.rules(row["problem_id"])
        checked = {"verifier": rules.kind, "percent": rules.percent, "units": rules.units}
        yield {"prompt": prompt, "ground_truth": ground_truth, **checked, **row}


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
