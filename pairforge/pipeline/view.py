"""The second half of a run: rules applied to the evidence, as a folder of pairs, drops and numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

import pairforge
from pairforge import lengths
from pairforge.filters import Selection, select
from pairforge.filters.evidence import ENOUGH
from pairforge.filters.separability import Surface, separability
from pairforge.filters.undecided import Undecided, undecided
from pairforge.pipeline.facts import load_evidence
from pairforge.pipeline.settings import Progress, completion, frames, prompt, quiet, student
from pairforge.pipeline.texts import batches_with_texts
from pairforge.recipe import Recipe
from pairforge.records import Drop, Message, Pair, Problem, digest, to_row
from pairforge.run import Run
from pairforge.run.atomic import iter_rows, write_rows, write_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


SURFACE_PAIRS = 5000  # enough to see a surface that tells the sides apart, and bounded in memory


def make_view(recipe: Recipe, run: Run, name: str, *, progress: Progress = quiet) -> None:
    """Apply the recipe's rules to the evidence: pairs, drops and what led to them, as `views/<name>/`."""
    evidence = load_evidence(recipe, run, progress=progress)
    selection = select(evidence, recipe.filter, seed=recipe.seed)
    left = undecided(evidence, recipe.filter, selection.drops)
    write_view(recipe, run, name, selection, left, progress=progress)


def write_view(
    recipe: Recipe, run: Run, name: str, selection: Selection, left: Undecided, *, progress: Progress = quiet
) -> None:
    """Write a selection with its texts as `views/<name>/`; `left` is what the sampling left undecided."""
    settings = view_settings(recipe, student(recipe))
    with run.new_view(name) as folder:
        progress("pairs", 0, selection.pairs.height, "")
        write_rows(folder / "pairs.parquet", pair_rows(recipe, run, selection.pairs, progress), Pair)
        write_rows(folder / "drops.parquet", view_drops(run, selection), Drop)
        record = view_record(name, settings, selection)
        record["undecided"] = asdict(left)
        record["separability"] = [
            asdict(f) for f in separability(islice(surfaces(folder / "pairs.parquet"), SURFACE_PAIRS))
        ]
        write_text(folder / "view.json", json.dumps(record, indent=2) + "\n")


def surfaces(file: Path) -> Iterator[Surface]:
    """The written pairs as far as form goes, for the separability check."""
    for row in iter_rows(file):
        yield Surface(row["id"], row["chosen"][0]["content"], row["rejected"][0]["content"])


def view_settings(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """What a view is made from besides the evidence."""
    raw = recipe.model_dump(mode="json")
    return {
        "seed": recipe.seed,
        "filter": raw["filter"],
        "format": raw["format"],
        "tokenizer": lengths.tokenizer_digest(tokenizer),
    }


def view_record(name: str, settings: dict[str, Any], selection: Selection) -> dict[str, Any]:
    """The content of view.json: settings, counts, means and the funnel."""
    pairs = selection.pairs
    means = {c: pairs[c].mean() for c in ("prompt_tokens", "chosen_tokens", "rejected_tokens", "gap_tokens", "ratio")}
    return {
        "view": name,
        "pairforge": pairforge.__version__,
        "digest": digest(settings),
        **settings,
        "pairs": pairs.height,
        "problems": pairs["problem_id"].n_unique(),
        "means": means,
        "funnel": selection.funnel,
        "shortfall": list(selection.shortfall),
    }


def pair_rows(recipe: Recipe, run: Run, pairs: pl.DataFrame, progress: Progress) -> Iterator[dict[str, Any]]:
    """The selected pairs with their texts, a batch at a time."""
    problem_table = run.problem_table(["id", "question", "answer", "source", "gold"])
    frame, rejected_frame = frames(recipe)
    done = 0
    for batch, texts in batches_with_texts(run, pairs):
        here = problem_table.filter(pl.col("id").is_in(batch["problem_id"].implode()))
        problems = {row["id"]: Problem(**row) for row in here.iter_rows(named=True)}
        for row in batch.iter_rows(named=True):
            problem = problems[row["problem_id"]]
            yield pair_row(
                row,
                problem,
                prompt(recipe, problem.question),
                completion(texts[row["chosen_key"]], frame),
                completion(texts[row["rejected_key"]], rejected_frame),
            )
        done += batch.height
        progress("pairs", done, pairs.height, "")


def pair_row(
    facts: dict[str, Any], problem: Problem, prompt: list[Message], chosen: str, rejected: str
) -> dict[str, Any]:
    """One row of pairs.parquet: TRL's columns, then where they came from."""
    own = {
        "id": digest([facts["chosen_key"], facts["rejected_key"]]),
        "prompt": prompt,
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "question": problem.question,
        "answer": problem.answer,
        "source": problem.source,
        "gold": problem.gold,
    }
    row = {**facts, **own}
    return {name: row[name] for name in Pair.__dataclass_fields__}


def view_drops(run: Run, selection: Selection) -> Iterator[dict[str, Any]]:
    """All drops, those of the rules last: together with the pairs, the end of every source row and problem."""
    yield from (to_row(drop) for drop in run.source_drops())
    yield from (to_row(drop) for drop in run.sampling_drops() if drop.reason != ENOUGH)
    yield from selection.drops.iter_rows(named=True)
