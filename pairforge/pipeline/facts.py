"""The tables that rules decide on: numbers and labels of samples and problems, no text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pairforge import lengths
from pairforge.filters import Evidence, prepare
from pairforge.filters.evidence import ENOUGH
from pairforge.filters.measures import quality_table
from pairforge.filters.ruleset import measures_needed
from pairforge.pipeline.settings import AnyFrame, Progress, completion, frames, prompt, quiet, student
from pairforge.recipe import Recipe
from pairforge.records import Status, digest
from pairforge.run import Run

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TRIED: tuple[Status, ...] = ("correct", "incorrect", "no_answer", "truncated")
"""A draw of one of these says whether the model solved the problem; the others say nothing about the model."""


def sample_facts(
    recipe: Recipe, run: Run, tokenizer: PreTrainedTokenizerBase, *, progress: Progress = quiet
) -> pl.DataFrame:
    """One row per sample, numbers and labels only: what the rules decide on (see `pairforge.filters`)."""
    frame, rejected_frame = frames(recipe)
    facts = run.sample_table().join(
        run.verdict_table().select("sample_key", "status", "answer"), on="sample_key", how="left"
    )
    facts = facts.with_columns(pl.col("status").fill_null("error"), pl.col("answer").fill_null(""))
    counted = measured(recipe, run, tokenizer, frame, progress)
    facts = facts.join(counted, on="sample_key", how="left")
    if rejected_frame != frame:
        other = measured(recipe, run, tokenizer, rejected_frame, progress)
        other = other.select("sample_key", pl.col("completion_tokens").alias("rejected_completion_tokens"))
        facts = facts.join(other, on="sample_key", how="left")
    return facts


def student_facts(recipe: Recipe, run: Run) -> pl.DataFrame:
    """The table of all samples, counted in the student's tokens."""
    return sample_facts(recipe, run, student(recipe))


def load_evidence(recipe: Recipe, run: Run, *, quality: bool | None = None, progress: Progress = quiet) -> Evidence:
    """The run's problems and samples, ready for any number of rule sets; lengths in the recipe's student tokens.

    `quality` says whether to measure the texts; None leaves it to what the recipe's rules name.
    """
    samples = sample_facts(recipe, run, student(recipe), progress=progress)
    problems = problem_facts(recipe, run, samples)
    if measures_needed(recipe.filter) if quality is None else quality:
        samples = samples.join(text_quality(run, progress), on="sample_key", how="left")
    return prepare(problems, samples)


def text_quality(run: Run, progress: Progress) -> pl.DataFrame:
    """The measures of every sample's text, kept beside the lengths."""
    known = run.lengths(QUALITY_CACHE)
    have = set(known["sample_key"]) if known is not None else set()
    if known is not None and have.issuperset(sample_keys(run)):
        return known  # without reading a single text
    new = quality_table((s.key, s.text) for s in run.samples() if s.key not in have)
    progress("quality", new.height, new.height, "")
    table = new if known is None else pl.concat([known, new])
    if new.height:
        run.write_lengths(QUALITY_CACHE, table)
    return table


QUALITY_CACHE = "quality-1"  # counts up when a measure changes its meaning


def measured(
    recipe: Recipe, run: Run, tokenizer: PreTrainedTokenizerBase, frame: AnyFrame, progress: Progress
) -> pl.DataFrame:
    """Token counts of every sample in one frame, from the run's cache or counted now."""
    key = digest([lengths.tokenizer_digest(tokenizer), frame, recipe.format.system, recipe.format.user])
    known = run.lengths(key)
    have = set(known["sample_key"]) if known is not None else set()
    if known is not None and have.issuperset(sample_keys(run)):
        return known  # without reading a single text
    prompts = {p.id: prompt(recipe, p.question) for p in run.problems()}
    rows = (
        (s.key, prompts[s.problem_id], completion(s, frame))
        for s in run.samples()
        if s.key not in have and s.problem_id in prompts
    )
    total = run.sample_count() - len(have)
    counted: list[tuple[str, int, int]] = []
    for row in lengths.count_lengths(tokenizer, rows):
        counted.append(row)
        progress("lengths", len(counted), total, "")
    schema = {"sample_key": pl.String, "prompt_tokens": pl.Int64, "completion_tokens": pl.Int64}
    new = pl.DataFrame(counted, schema=schema, orient="row")
    table = new if known is None else pl.concat([known, new])
    if counted:
        run.write_lengths(key, table)
    return table


def sample_keys(run: Run) -> set[str]:
    """The keys of all samples whose problem was kept."""
    samples = run.sample_table()
    return set(samples.filter(samples["problem_id"].is_in(run.problem_table(["id"])["id"].implode()))["sample_key"])


def problem_facts(recipe: Recipe, run: Run, samples: pl.DataFrame) -> pl.DataFrame:
    """One row per problem that could be drawn: source, gold, number of draws, why they stopped, and its pass rate.

    `pass_rate` looks at the first `draws.min` draws only, so that stopping early does not bias it. A draw that ends
    without an answer, also because its budget cut it, has not solved the problem. `stopped_by`: not_drawn, max (all
    draws made), accepted, or, where the recipe sets `draws.enough`, enough (accepted itself, or enough others were).
    """
    unsampled = {drop.subject: drop.reason for drop in run.sampling_drops()}
    impossible = [name for name, reason in unsampled.items() if reason != ENOUGH]
    not_needed = [name for name, reason in unsampled.items() if reason == ENOUGH]
    problems = run.problem_table(["id", "source", "gold"]).rename({"id": "problem_id"})
    problems = problems.filter(~pl.col("problem_id").is_in(impossible))
    draws = recipe.generator.draws if recipe.generator else None
    sampled = samples.filter(pl.col("origin") == "sampled")
    first = pl.col("draw") < (draws.min if draws else 0)
    tried = pl.col("status").is_in(TRIED)
    per_problem = sampled.group_by("problem_id").agg(
        pl.len().alias("draws"),
        (pl.col("status") == "correct").filter(first & tried).mean().alias("pass_rate"),
    )
    limit, until = (draws.max, ENOUGH if draws.enough else draws.until) if draws else (0, "max")
    stopped = (
        pl.when((pl.col("draws") == 0) & pl.col("problem_id").is_in(not_needed))
        .then(pl.lit(ENOUGH))
        .when(pl.col("draws") == 0)
        .then(pl.lit("not_drawn"))
        .when(pl.col("draws") < limit)
        .then(pl.lit(until))
        .otherwise(pl.lit("max"))
    )
    return (
        problems.join(per_problem, on="problem_id", how="left")
        .with_columns(pl.col("draws").fill_null(0))
        .with_columns(stopped.alias("stopped_by"))
    )
