"""Solutions to imitate (SFT): all correct ones of a view, a few per problem."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pairforge.export.config import SftConfig
from pairforge.export.labels import first_reason
from pairforge.filters.candidates import side_members
from pairforge.filters.evidence import Evidence
from pairforge.filters.hashing import seeded_order
from pairforge.filters.ruleset import Rules


@dataclass(frozen=True, slots=True)
class Picked:
    """`rows`: sample_key, problem_id, side ("chosen" or "rejected": whose format it has), status, prompt_tokens,
    completion_tokens, in a seeded order. `left_out`: reason -> solutions."""

    rows: pl.DataFrame
    left_out: dict[str, int]


def pick_solutions(
    evidence: Evidence, rules: Rules, settings: SftConfig, pairs: pl.DataFrame, *, seed: int = 0
) -> Picked:
    """The solutions to train on: a side of the pairs (`pairs`: chosen_key, rejected_key), each once, or all correct
    ones of the problems that the rules on problems accept.

    Why a solution is left out: "problem" and "status" (of correct ones), "side" (in no pair on that side),
    "per_problem". Raises `RuleError` for a column that does not exist.
    """
    members = side_members(evidence, rules)
    reasons: dict[str, pl.Expr]
    if settings.solutions == "correct":
        reasons = {"problem": ~pl.col("in_problem"), "status": pl.col("status") != "correct"}
        side = pl.when(pl.col("rejected") & ~pl.col("chosen")).then(pl.lit("rejected")).otherwise(pl.lit("chosen"))
    else:
        named = pairs[f"{settings.solutions}_key"].unique()
        reasons = {"side": ~pl.col("sample_key").is_in(named.implode())}
        side = pl.lit(settings.solutions)
    order = seeded_order(members["sample_hash"], seed, "sft")
    tokens = pl.when(pl.col("side") == "chosen").then("chosen_tokens").otherwise("rejected_tokens")
    told = members.with_columns(lost=first_reason(reasons), side=side, order=order).with_columns(
        completion_tokens=tokens
    )
    left_out = dict(told.filter(pl.col("lost") != "").group_by("lost").len().sort("lost").iter_rows())
    found = told.filter(pl.col("lost") == "")
    kept = _few(found, settings)
    if kept.height < found.height:
        left_out["per_problem"] = found.height - kept.height
    columns = ("sample_key", "problem_id", "side", "status", "prompt_tokens", "completion_tokens")
    return Picked(kept.sort("order").select(columns), left_out)


def _few(rows: pl.DataFrame, settings: SftConfig) -> pl.DataFrame:
    """The first `per_problem` solutions of every problem in the order that `pick` asks for; ties by the seed."""
    if settings.pick == "all":
        return rows
    by = {
        "shortest": [pl.col("completion_tokens")],
        "longest": [-pl.col("completion_tokens")],
        "random": [],
    }[settings.pick]
    return rows.sort("p", *by, "order", nulls_last=True).filter(pl.int_range(pl.len()).over("p") < settings.per_problem)
