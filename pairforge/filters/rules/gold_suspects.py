"""`gold_suspects`: problems whose solutions agree with each other against the ground truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import polars as pl
from pydantic import Field

from pairforge.filters.evidence import Evidence
from pairforge.filters.rule import Condition, ProblemRule
from pairforge.filters.sums import same_answer


class GoldSuspects(ProblemRule):
    """Leave out, or look at, problems whose ground truth may be wrong."""

    gold_suspects: Literal["keep", "drop", "only"] = Field(
        "keep",
        description="Problems whose solutions agree on one answer that is not the ground truth: `keep` them, `drop` "
        "them, or take `only` them.",
        examples=["drop", "only"],
    )

    def with_columns(self, problems: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
        if self.gold_suspects == "keep":
            return problems
        return problems.with_columns(gold_suspect=pl.col("p").is_in(gold_suspects(evidence)["p"].implode()))

    def problem_conditions(self) -> Iterator[Condition]:
        if self.gold_suspects != "keep":
            only = self.gold_suspects == "only"
            yield Condition("gold_suspect", ("gold_suspect",), lambda suspect: suspect == only)

    def sentences(self) -> Iterator[str]:
        if self.gold_suspects == "drop":
            yield "Problems whose ground truth looks wrong are left out."
        if self.gold_suspects == "only":
            yield "Only problems whose ground truth looks wrong are kept."


def gold_suspects(evidence: Evidence, *, long: int = 1, short: int = 2) -> pl.DataFrame:
    """Problems whose ground truth may be wrong: p, problem_id, suspect_answer, agreeing, correct.

    At least `long` given and `short` sampled solutions give one and the same incorrect answer, and together they are
    more than agree with the ground truth. Sampled ones alone prove nothing: a small model repeats its own mistakes.
    Answers are compared as text (but for spacing and dollars), so this finds too few rather than too many.
    """
    own = evidence.samples.filter(~pl.col("derived"))  # a derived solution says nothing that its source did not
    wrong = own.filter((pl.col("status") == "incorrect") & (pl.col("answer") != ""))
    given = pl.col("origin") == "given"
    agreed = wrong.group_by("p", same=same_answer()).agg(
        suspect_answer=pl.col("answer").min(), agreeing=pl.len(), long=given.sum(), short=(~given).sum()
    )
    agreed = agreed.filter((pl.col("long") >= long) & (pl.col("short") >= short))
    agreed = agreed.sort("p", -pl.col("agreeing").cast(pl.Int64), "suspect_answer")
    agreed = agreed.unique("p", keep="first", maintain_order=True)
    correct = own.filter(pl.col("status") == "correct").group_by("p").agg(correct=pl.len())
    found = agreed.join(correct, on="p", how="left").with_columns(pl.col("correct").fill_null(0))
    found = found.filter(pl.col("agreeing") > pl.col("correct"))
    named = found.join(evidence.problems.select("p", "problem_id"), on="p").sort("p")
    return named.select("p", "problem_id", "suspect_answer", "agreeing", "correct")
