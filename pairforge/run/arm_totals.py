"""What each arm of a run has written, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import yaml

from pairforge.run.directory import Run
from pairforge.run.manifest import ArmRecord

TRIED = ("correct", "incorrect", "no_answer", "truncated")
"""A draw with one of these says whether the model solved the problem; the others say nothing about the model."""


def arm_totals(
    samples: pl.DataFrame, verdicts: pl.DataFrame, records: Mapping[str, ArmRecord], min_draws: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    """What each arm wrote, by its name, those of `min_draws` (name -> `draws.min`) first: samples, correct, errors,
    tokens (the sampler's), seconds of sampling with the engine's start, and the pass rate: the share of the problems'
    first `draws.min` draws that are correct, None where nothing was drawn.

    `samples` and `verdicts` are the run's tables, `records` the manifest's `arms`. A draw that was repeated with a
    larger budget counts once.
    """
    sampled = samples.filter((pl.col("origin") != "given") & ~pl.col("derived"))
    judged = sampled.join(verdicts.select("sample_key", "status"), on="sample_key", how="left")
    least = pl.col("origin").replace_strict(dict(min_draws), default=0, return_dtype=pl.Int64)
    tried = (pl.col("draw") < least) & pl.col("status").is_in(TRIED)
    correct = pl.col("status") == "correct"
    table = (
        judged.with_columns(tried=tried, correct=correct)
        .group_by("origin")
        .agg(
            samples=pl.len(),
            correct=pl.col("correct").sum(),
            errors=(pl.col("finish_reason") == "error").sum(),
            tokens=pl.col("sampled_tokens").sum(),
            pass_rate=pl.col("correct").filter("tried").mean(),
        )
    )
    counted = {row.pop("origin"): row for row in table.iter_rows(named=True)}
    nothing = {"samples": 0, "correct": 0, "errors": 0, "tokens": 0, "pass_rate": None}
    names = dict.fromkeys([*min_draws, *sorted(counted)])
    return {
        name: {
            **(counted.get(name) or nothing),
            "seconds": round(records[name].seconds, 1) if name in records else 0.0,
        }
        for name in names
    }


def totals_of(run: Run) -> dict[str, dict[str, Any]]:
    """`arm_totals` of a run, by its own recipe."""
    recipe = yaml.safe_load(run.recipe_file.read_text())
    arms = {"sampled": recipe["generator"]} if recipe.get("generator") else recipe.get("generators") or {}
    least = {name: (block.get("draws") or {}).get("min", 1) for name, block in arms.items()}
    return arm_totals(run.sample_table(), run.verdict_table(), run.manifest().arms, least)
