"""Why a problem gave no pair: the last rule that still had a candidate to take, and what each rule took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from pairforge.filters.candidates import Candidates
from pairforge.filters.evidence import ENOUGH

NO_CANDIDATE = "no_candidate"


class Lost(NamedTuple):
    """What a choice left out: `counts` has p, n (how many pairs of a problem)."""

    reason: str
    counts: pl.DataFrame


def reasons_in_order(found: Candidates, lost_later: Sequence[Lost]) -> list[str]:
    """The reasons of the rules on single candidates, then those of the choices."""
    return [*found.reasons, *(reason for reason, _ in lost_later)]


def counts_in_order(found: Candidates, lost_later: Sequence[Lost]) -> list[pl.DataFrame]:
    """p, n for every reason in order."""
    codes = range(1, len(found.reasons) + 1)
    return [
        *(found.lost.filter(pl.col("code") == code).select("p", "n") for code in codes),
        *(counts for _, counts in lost_later),
    ]


def lost_between(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """p, n: how many pairs of each problem a choice left out."""
    counts = before.group_by("p").agg(n=pl.len().cast(pl.Int64))
    left = after.group_by("p").agg(left=pl.len().cast(pl.Int64))
    counts = counts.join(left, on="p", how="left").with_columns(pl.col("n") - pl.col("left").fill_null(0))
    return counts.filter(pl.col("n") > 0).select("p", "n")


def drops(problems: pl.DataFrame, found: Candidates, lost_later: Sequence[Lost], pairs: pl.DataFrame) -> pl.DataFrame:
    """One row per problem without a pair: subject, stage, reason, detail, counts, sorted by subject.

    `lost_later` holds, in order, what the choices left out. `counts` adds up to the problem's candidates; it is empty,
    and the reason "no_candidate", where no sample stands on one of the two sides, or "enough", where that is so because
    the problem was never drawn: enough others had been accepted.
    """
    not_needed = (pl.col("draws") == 0) & (pl.col("stopped_by") == ENOUGH)
    rows = problems.select("p", "problem_id", not_needed=not_needed)
    columns = [f"n{at}" for at in range(len(reasons_in_order(found, lost_later)))]
    rows = rows.with_columns(
        _dense(counts, problems.height).alias(name)
        for name, counts in zip(columns, counts_in_order(found, lost_later), strict=True)
    )
    rows = rows.filter(~_dense(pairs.select("p", n=1), problems.height).cast(pl.Boolean))
    named = list(zip(columns, reasons_in_order(found, lost_later), strict=True))
    rows = rows.select(
        "problem_id",
        "not_needed",
        reason=_last_of([(name, pl.lit(reason)) for name, reason in named], pl.String),
        last=_last_of([(name, pl.col(name)) for name, _ in named], pl.Int64),
        total=pl.sum_horizontal(*columns) if columns else pl.lit(0),
        counts=pl.concat_str(pl.lit(""), *(_entry(name, reason) for name, reason in named)).str.strip_prefix(", "),
    ).sort("problem_id")
    detail = pl.format("took the last {} of {} candidates", "last", "total")
    undrawn = pl.lit("enough problems were accepted before it was drawn")
    no_detail = pl.when("not_needed").then(undrawn).otherwise(pl.lit("no sample stands on one of the two sides"))
    no_reason = pl.when("not_needed").then(pl.lit(ENOUGH)).otherwise(pl.lit(NO_CANDIDATE))
    return rows.select(
        pl.col("problem_id").alias("subject"),
        pl.lit("filter").alias("stage"),
        pl.coalesce("reason", no_reason).alias("reason"),
        pl.coalesce(detail, no_detail).alias("detail"),
        pl.concat_str(pl.lit("{"), pl.col("counts"), pl.lit("}")).alias("counts"),
    )


def _dense(counts: pl.DataFrame, size: int) -> pl.Series:
    """The counts (p, n) of all problems in order, 0 for those that have none."""
    values = np.zeros(size, dtype=np.int64)
    values[counts["p"].to_numpy()] = counts["n"].to_numpy()
    return pl.Series(values)


def _last_of(values: Sequence[tuple[str, pl.Expr]], kind: type[pl.DataType]) -> pl.Expr:
    """The value of the last column that is not 0; null where all are."""
    known = [pl.when(pl.col(name) > 0).then(value) for name, value in reversed(values)]
    return pl.coalesce(*known, pl.lit(None, dtype=kind))


def _entry(name: str, reason: str) -> pl.Expr:
    """A count as an entry of a JSON object, behind a comma; "" for 0. A cap's reason may hold any text."""
    entry = pl.concat_str(pl.lit(f", {json.dumps(reason)}: "), pl.col(name).cast(pl.String))
    return pl.when(pl.col(name) > 0).then(entry).otherwise(pl.lit(""))


def funnel(found: Candidates, lost_later: Sequence[Lost], part: str = "") -> list[dict[str, Any]]:
    """What is left after every rule: step, candidates, problems, and the name of the mix's part."""
    left = found.all
    counts = [None, *counts_in_order(found, lost_later)]
    steps = []
    for reason, lost in zip(["candidates", *reasons_in_order(found, lost_later)], counts, strict=True):
        if lost is not None:
            left = left.join(lost.rename({"n": "lost"}), on="p", how="left")
            left = left.select("p", n=pl.col("n") - pl.col("lost").fill_null(0)).filter(pl.col("n") > 0)
        name = "pick" if reason == "not_picked" else reason
        step = f"{part}.{name}" if part else name
        steps.append({"step": step, "candidates": int(left["n"].sum()), "problems": left.height, "part": part})
    return steps
