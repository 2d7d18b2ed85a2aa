"""The tables that rules decide on: numbers and labels of samples and problems, no text. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from pairforge.errors import RuleError
from pairforge.filters.evidence import ACCEPTED, ENOUGH
from pairforge.generator.config import GIVEN, DrawsConfig
from pairforge.records import Drop
from pairforge.run.arm_totals import TRIED


def sample_facts(
    samples: pl.DataFrame, verdicts: pl.DataFrame, counted: pl.DataFrame, rejected_counted: pl.DataFrame | None
) -> pl.DataFrame:
    """One row per sample: what the rules decide on (see `pairforge.filters`).

    `counted` has the lengths of all samples in the chosen side's format, `rejected_counted` in the rejected side's
    where that is another one. A sample without a verdict has the status "error".
    """
    facts = samples.join(verdicts.select("sample_key", "status", "answer"), on="sample_key", how="left")
    facts = facts.with_columns(pl.col("status").fill_null("error"), pl.col("answer").fill_null(""))
    facts = facts.join(counted, on="sample_key", how="left")
    if rejected_counted is None:
        return facts
    other = rejected_counted.select("sample_key", pl.col("completion_tokens").alias("rejected_completion_tokens"))
    return facts.join(other, on="sample_key", how="left")


def with_scores(facts: pl.DataFrame, scores: Iterable[tuple[str, pl.DataFrame]], key: str) -> pl.DataFrame:
    """The facts with the columns of scores, (name, table) each. Raises `RuleError` where one has the name of a fact:
    columns that this version knows may be newer than the score."""
    for name, table in scores:
        taken = sorted(set(table.columns) & set(facts.columns) - {key})
        if taken:
            hint = f"score again under another name, and delete scores/{name}.parquet of the run"
            raise RuleError(
                f"the score '{name}' has a column '{taken[0]}', and rules use that name for something else", hint=hint
            )
        facts = facts.join(table, on=key, how="left")
    return facts


def problem_facts(
    problems: pl.DataFrame, samples: pl.DataFrame, unsampled: Iterable[Drop], draws: Mapping[str, DrawsConfig]
) -> pl.DataFrame:
    """One row per problem that could be drawn: source, gold, number of draws, why they stopped, and its pass rate.

    `draws` is by arm, and the columns are over all arms. `pass_rate` is of the first `draws.min` draws only, so that
    stopping early does not bias it. A draw that ends without an answer, also because its budget cut it, has not solved
    the problem. `stopped_by`: not_drawn, max (all draws made), accepted, or, where the recipe sets `draws.enough`,
    enough (accepted itself, or enough others were).
    """
    reasons = {drop.subject: drop.reason for drop in unsampled}
    impossible = [name for name, reason in reasons.items() if reason != ENOUGH]
    not_needed = [name for name, reason in reasons.items() if reason == ENOUGH]
    table = problems.select("id", "source", "gold").rename({"id": "problem_id"})
    table = table.filter(~pl.col("problem_id").is_in(impossible))
    per_arm = arm_facts(samples, draws)
    per_problem = per_arm.group_by("problem_id").agg(
        pl.col("draws").sum(),
        pass_rate=pl.col("solved").sum() / pl.col("tried").sum(),
        arms=pl.len(),
        stopped=pl.when((pl.col("stopped_by") == ENOUGH).any())
        .then(pl.lit(ENOUGH))
        .when((pl.col("stopped_by") == ACCEPTED).any())
        .then(pl.lit(ACCEPTED))
        .otherwise(pl.lit("max")),
    )
    table = table.join(per_problem, on="problem_id", how="left")
    left_out = pl.col("problem_id").is_in(not_needed) & (pl.col("arms").fill_null(0) < max(1, len(draws)))
    stopped = pl.when(left_out).then(pl.lit(ENOUGH)).otherwise(pl.coalesce("stopped", pl.lit("not_drawn")))
    return table.select(
        *("problem_id", "source", "gold"),
        pl.col("draws").fill_null(0),
        pl.when(pl.col("pass_rate").is_finite()).then("pass_rate"),
        stopped.alias("stopped_by"),
    )


def arm_facts(samples: pl.DataFrame, draws: Mapping[str, DrawsConfig]) -> pl.DataFrame:
    """One row per problem and arm that drew it: origin, draws, errors, of the first `draws.min` draws how many were
    tried and solved it, and why drawing stopped (max, accepted or enough)."""
    sampled = samples.filter((pl.col("origin") != GIVEN) & ~pl.col("derived"))
    least = pl.col("origin").replace_strict({name: d.min for name, d in draws.items()}, default=0)
    most = pl.col("origin").replace_strict({name: d.max for name, d in draws.items()}, default=0)
    until = {name: ENOUGH if d.enough else d.until for name, d in draws.items()}
    stopped = pl.col("origin").replace_strict(until, default="max", return_dtype=pl.String)
    first = (pl.col("draw") < least) & pl.col("status").is_in(TRIED)
    return (
        sampled.with_columns(first=first)
        .group_by("problem_id", "origin", maintain_order=True)
        .agg(
            pl.len().alias("draws"),
            (pl.col("finish_reason") == "error").sum().alias("errors"),
            pl.col("first").sum().alias("tried"),
            (pl.col("first") & (pl.col("status") == "correct")).sum().alias("solved"),
        )
        .with_columns(pl.when(pl.col("draws") < most).then(stopped).otherwise(pl.lit("max")).alias("stopped_by"))
    )
