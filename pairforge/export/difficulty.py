"""Problems with verifiable answers (RLVR): which ones a view gives, how hard they are, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pairforge.errors import RuleError
from pairforge.export.config import RlvrConfig
from pairforge.export.labels import first_reason
from pairforge.filters.candidates import problem_members
from pairforge.filters.evidence import Evidence
from pairforge.filters.hashing import seeded_order
from pairforge.filters.rule import within
from pairforge.filters.ruleset import Rules
from pairforge.intervals import exact_share

SOLVED_OR_NOT = ("correct", "incorrect", "no_answer", "truncated")
"""Verdicts that say whether a draw solved its problem; the others say nothing about the sampler."""
UNREADABLE = ("gold_unparsed", "refused")
"""Verdicts that say that no answer can be checked against the problem's ground truth."""


@dataclass(frozen=True, slots=True)
class Rated:
    """`rows`: problem_id, pass_rate, pass_rate_low, pass_rate_high (its 95 % interval), pass_draws, band,
    prompt_tokens, in a seeded order. What was not sampled has no pass rate. `left_out`: reason -> problems."""

    rows: pl.DataFrame
    left_out: dict[str, int]


def rate_problems(
    evidence: Evidence, rules: Rules, settings: RlvrConfig, first_draws: Mapping[str, int], *, seed: int = 0
) -> Rated:
    """The problems of a view with their pass rates over the first draws of each arm, `first_draws` of them.

    Later draws do not count: a problem that is drawn until it is solved would look easier than it is. Why a problem is
    left out: "problem" (a rule on problems drops it), "gold" (its ground truth cannot be read), "pass_rate" and "band"
    (the settings). Raises `RuleError` for an arm that the run does not have, and for a column that does not exist.
    """
    if settings.arm is not None:
        if settings.arm not in first_draws:
            hint = f"arms: {', '.join(first_draws) or 'none'}"
            raise RuleError(f"export.rlvr.arm: there is no arm '{settings.arm}'", hint=hint)
        first_draws = {settings.arm: first_draws[settings.arm]}
    told = _told(_counted(evidence, rules, first_draws), settings)
    left_out = dict(told.filter(pl.col("lost") != "").group_by("lost").len().sort("lost").iter_rows())
    kept = told.filter(pl.col("lost") == "")
    kept = kept.with_columns(order=seeded_order(kept["problem_hash"], seed, "rlvr")).sort("order")
    shares = [exact_share(*row) if row[1] else None for row in kept.select("solved", "pass_draws").iter_rows()]
    interval = {
        "pass_rate_low": [share.low if share else None for share in shares],
        "pass_rate_high": [share.high if share else None for share in shares],
    }
    kept = kept.with_columns(pl.Series(name, ends, dtype=pl.Float64) for name, ends in interval.items())
    columns = ("problem_id", "pass_rate", *interval, "pass_draws", "band", "prompt_tokens")
    return Rated(kept.select(columns), left_out)


def _counted(evidence: Evidence, rules: Rules, first_draws: Mapping[str, int]) -> pl.DataFrame:
    """Every problem with its draws that count (`pass_draws`) and the solved ones among them (`solved`)."""
    status = pl.col("status").cast(pl.String)
    drawn = pl.col("draw") < pl.col("origin").cast(pl.String).replace_strict(dict(first_draws), default=0)
    counts = drawn & status.is_in(SOLVED_OR_NOT)
    per_problem = evidence.samples.group_by("p").agg(
        pass_draws=counts.sum(),
        solved=(counts & (status == "correct")).sum(),
        unreadable=status.is_in(UNREADABLE).any(),
        prompt_tokens=pl.col("prompt_tokens").max(),
    )
    return problem_members(evidence, rules).join(per_problem, on="p", how="left")


def _told(counted: pl.DataFrame, settings: RlvrConfig) -> pl.DataFrame:
    """The problems with `pass_rate`, `band`, and why each is left out (`lost`)."""
    rate = pl.when(pl.col("pass_draws") > 0).then(pl.col("solved") / pl.col("pass_draws"))
    rated = counted.with_columns(pl.col("pass_draws", "solved").fill_null(0)).with_columns(pass_rate=rate)
    band = pl.lit("")
    for name, bounds in reversed(settings.bands.items()):
        band = pl.when(within(bounds)(pl.col("pass_rate")).fill_null(False)).then(pl.lit(name)).otherwise(band)
    reasons = {"problem": ~pl.col("in_problem"), "gold": pl.col("unreadable").fill_null(False)}
    if not settings.pass_rate.open:
        reasons["pass_rate"] = ~within(settings.pass_rate)(pl.col("pass_rate")).fill_null(False)
    if settings.keep is not None:
        reasons["band"] = ~pl.col("band").is_in(list(settings.keep))
    return rated.with_columns(band=band).with_columns(lost=first_reason(reasons))
