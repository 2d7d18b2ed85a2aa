"""A view: rules applied to the evidence, written as a folder of pairs, drops and numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

import pairforge
from pairforge.errors import RecipeError
from pairforge.filters import Evidence, Selection, select
from pairforge.filters.evidence import ENOUGH
from pairforge.filters.paired_difficulty import difficulties
from pairforge.filters.ruleset import columns_named, without_sides
from pairforge.filters.separability import Surface, separability
from pairforge.filters.summary import summarise
from pairforge.filters.undecided import undecided
from pairforge.pipeline.pair_texts import batches_with_texts
from pairforge.pipeline.session import Session
from pairforge.pipeline.sides import check_sides
from pairforge.pipeline.student import Format, completion, student_prompt
from pairforge.records import Drop, Message, Pair, Problem, digest, schema, to_row
from pairforge.rowfiles import iter_rows
from pairforge.run import Run, ViewRecord
from pairforge.run.atomic import write_rows, write_text

SURFACE_PAIRS = 5000  # enough to see a surface that tells the sides apart, and bounded in memory


def make_view(session: Session, name: str) -> None:
    """Apply the recipe's rules to the evidence: pairs, drops and what led to them, as `views/<name>/`."""
    check_sides(session)
    evidence, rules = session.evidence(), session.recipe.filter
    selection = select(evidence, rules, seed=session.recipe.seed, columns=session.recipe.format.columns)
    write_view(session, name, evidence, selection)


def write_view(session: Session, name: str, evidence: Evidence, selection: Selection) -> None:
    """Write what the recipe's rules selected from the evidence, with its texts, as `views/<name>/`."""
    settings = view_settings(session)
    left = undecided(evidence, session.recipe.filter, selection.drops)
    hard = difficulties(evidence, selection.pairs["problem_id"], seed=session.recipe.seed)
    with session.run.new_view(name) as folder:
        session.progress("pairs", 0, selection.pairs.height, "")
        write_rows(folder / "pairs.parquet", pair_rows(session, selection.pairs), pair_schema(session, selection.pairs))
        write_rows(folder / "drops.parquet", view_drops(session.run, selection), Drop)
        pairs = islice(surfaces(folder / "pairs.parquet"), SURFACE_PAIRS)
        tests = separability(pairs, seed=session.recipe.seed)
        record = ViewRecord(
            view=name,
            pairforge=pairforge.__version__,
            digest=digest(settings),
            **settings,
            scores=scores_named(session),
            **dict(summarise(selection.pairs)),
            funnel=selection.funnel,
            shortfall=list(selection.shortfall),
            notes=list(selection.notes),
            undecided=asdict(left),
            difficulty=[asdict(one) for one in hard],
            separability=[asdict(test) for test in tests],
        )
        write_text(folder / "view.json", json.dumps(record.to_json(), indent=2) + "\n")


def scores_named(session: Session) -> dict[str, str]:
    """The scores that the recipe's rules and pairs name, with their digests."""
    named = without_sides({*columns_named(session.recipe.filter), *session.recipe.format.columns})
    return {record.name: record.digest for record, _ in session.scores if named & set(record.columns)}


def surfaces(file: Path) -> Iterator[Surface]:
    """The form of the written pairs, for the separability check."""
    for row in iter_rows(file, ["id", "problem_id", "chosen", "rejected"]):
        yield Surface(row["id"], row["problem_id"], row["chosen"][0]["content"], row["rejected"][0]["content"])


def view_settings(session: Session) -> dict[str, Any]:
    """What a view is made from besides the evidence."""
    raw = session.recipe.model_dump(mode="json")
    return {
        "seed": session.recipe.seed,
        "filter": raw["filter"],
        "format": raw["format"],
        "tokenizer": session.student_digest,
    }


def pair_rows(session: Session, pairs: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """The selected pairs with their texts, a batch at a time."""
    done = 0
    for batch, texts in batches_with_texts(session.run, pairs):
        here = session.problems.filter(pl.col("id").is_in(batch["problem_id"].implode()))
        problems = {row["id"]: Problem(**row) for row in here.iter_rows(named=True)}
        for row in batch.iter_rows(named=True):
            problem = problems[row["problem_id"]]
            chosen_format, rejected_format = formats_of_pair(session, row["exchanged"])
            yield pair_row(
                row,
                problem,
                student_prompt(session.recipe.format, problem.question),
                completion(texts[row["chosen_key"]], chosen_format),
                completion(texts[row["rejected_key"]], rejected_format),
                own_columns(session),
            )
        done += batch.height
        session.progress("pairs", done, pairs.height, "")


def formats_of_pair(session: Session, exchanged: bool) -> tuple[Format, Format]:
    """The formats of a pair's two sides. A control arm exchanges the sides of a pair and never changes its texts."""
    chosen, rejected = session.formats
    return (rejected, chosen) if exchanged else (chosen, rejected)


def own_columns(session: Session) -> tuple[str, ...]:
    """The columns that pairs have besides those of `Pair`: the part of a mix, and those that `format.columns` names."""
    return (*(["part"] if session.recipe.filter.parts else []), *session.recipe.format.columns)


def pair_schema(session: Session, pairs: pl.DataFrame) -> pa.Schema:
    """The columns of pairs.parquet: those of `Pair`, then `own_columns`.

    Raises `RecipeError` for a name that pairs have already.
    """
    stored = schema(Pair)
    own = own_columns(session)
    for name in own:
        if name in stored.names or own.count(name) > 1:
            raise RecipeError(f"format.columns: pairs have the column '{name}' already", hint="take it out of the list")
    types = {pl.Boolean: pa.bool_(), pl.String: pa.string()}
    for name in own:
        kind = pairs.schema[name]
        number = pa.int64() if kind.is_integer() else pa.float64()
        stored = stored.append(pa.field(name, types.get(type(kind), number)))
    return stored


def pair_row(
    facts: dict[str, Any], problem: Problem, prompt: list[Message], chosen: str, rejected: str, more: Sequence[str]
) -> dict[str, Any]:
    """One row of pairs.parquet: TRL's columns, then where they came from, and the columns `more`."""
    contents = {
        "prompt": prompt,
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }
    own = {
        "id": digest(list(contents.values())),
        **contents,
        "question": problem.question,
        "answer": problem.answer,
        "source": problem.source,
        "gold": problem.gold,
    }
    row = {**facts, **own}
    return {name: row[name] for name in (*Pair.__dataclass_fields__, *more)}


def view_drops(run: Run, selection: Selection) -> Iterator[dict[str, Any]]:
    """All drops, those of the rules last: together with the pairs, the end of every source row and problem."""
    yield from (to_row(drop) for drop in run.source_drops())
    yield from (to_row(drop) for drop in run.sampling_drops() if drop.reason != ENOUGH)
    yield from selection.drops.iter_rows(named=True)
