"""Why a problem gave no pair: the last rule that still had a survivor, and what each rule took."""

from __future__ import annotations

import polars as pl

from pairforge.filters.candidates import Candidates

NO_CANDIDATE = "no_candidate"
ENOUGH = "enough"
"""`stopped_by` of a problem whose draws ended, or never began, where the number of problems that is enough ended all
sampling; and the reason why such a problem without any draw has no pair."""


def explain_drops(
    problems: pl.DataFrame, found: Candidates, removed: list[tuple[str, pl.DataFrame]], kept: pl.DataFrame
) -> pl.DataFrame:
    """One row per problem without a pair: subject, stage, reason, detail, counts, sorted by subject.

    `removed` holds, in order, what the rules over many pairs left out (p, n). `counts` adds up to the problem's
    candidates; it is empty, and the reason "no_candidate", where no sample stands on one of the two sides, or "enough",
    where that is so because the problem was never drawn: enough others had been accepted.
    """
    left = (pl.col("draws") == 0) & (pl.col("stopped_by") == ENOUGH)
    dropped = problems.select("p", "problem_id", left=left).join(kept.select("p").unique(), on="p", how="anti")
    reasons = [*found.reasons, *(reason for reason, _ in removed)]
    later = [
        lost.select("p", pl.lit(code, dtype=pl.UInt8).alias("code"), "n")
        for code, (_, lost) in enumerate(removed, start=len(found.reasons) + 1)
    ]
    lost = pl.concat([found.lost, *later]).join(dropped, on="p", how="semi").sort("p", "code")
    names = pl.Series("reason", [NO_CANDIDATE, *reasons])
    lost = lost.with_columns(names[lost["code"].cast(pl.UInt32)])
    entry = pl.format('"{}": {}', "reason", "n")  # reasons are plain words: nothing in them needs escaping
    explained = lost.group_by("p", maintain_order=True).agg(
        pl.col("reason").last(), counts=entry.str.join(", "), total=pl.col("n").sum(), last=pl.col("n").last()
    )
    rows = dropped.join(explained, on="p", how="left").sort("problem_id")
    detail = pl.format("took the last {} of {} candidates", "last", "total")
    not_needed = pl.lit("enough problems were accepted before it was drawn")
    nothing = pl.when("left").then(not_needed).otherwise(pl.lit("no sample stands on one of the two sides"))
    no_reason = pl.when("left").then(pl.lit(ENOUGH)).otherwise(pl.lit(NO_CANDIDATE))
    return rows.select(
        pl.col("problem_id").alias("subject"),
        pl.lit("filter").alias("stage"),
        pl.coalesce("reason", no_reason).alias("reason"),
        pl.coalesce(detail, nothing).alias("detail"),
        pl.concat_str(pl.lit("{"), pl.col("counts").fill_null(""), pl.lit("}")).alias("counts"),
    )
