"""Two views of the same evidence: which problems differ, and for what reason."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Difference:
    """`problems`: problem_id, kind ("only_a", "only_b", "other_pairs"), reason, detail: why the other view dropped it.

    `same` problems have exactly the same pairs in both, `neither` have none in either.
    """

    problems: pl.DataFrame
    same: int
    neither: int

    def counts(self) -> pl.DataFrame:
        """kind, reason, problems: the differences summed up, the most frequent first."""
        counted = self.problems.group_by("kind", "reason").len("problems")
        return counted.sort("problems", "kind", "reason", descending=[True, False, False])


def diff(pairs_a: pl.DataFrame, drops_a: pl.DataFrame, pairs_b: pl.DataFrame, drops_b: pl.DataFrame) -> Difference:
    """Compare the pairs (problem_id, chosen_key, rejected_key) and drops (subject, reason, detail) of two views."""
    a, b = _by_problem(pairs_a, "a"), _by_problem(pairs_b, "b")
    both = a.join(b, on="problem_id", how="full", coalesce=True)
    in_a, in_b = pl.col("a").is_not_null(), pl.col("b").is_not_null()
    kind = pl.when(~in_b).then(pl.lit("only_a")).when(~in_a).then(pl.lit("only_b")).otherwise(pl.lit("other_pairs"))
    differing = both.filter(~pl.col("a").eq_missing(pl.col("b"))).select("problem_id", kind=kind)
    parts = [
        _with_reason(differing.filter(kind="only_a"), drops_b),
        _with_reason(differing.filter(kind="only_b"), drops_a),
        differing.filter(kind="other_pairs").with_columns(
            reason=pl.lit("pick"), detail=pl.lit("both views pair it, from other samples")
        ),
    ]
    dropped = _final(drops_a).join(_final(drops_b), on="subject", how="semi")
    return Difference(pl.concat(parts).sort("problem_id"), same=both.height - differing.height, neither=dropped.height)


def _by_problem(pairs: pl.DataFrame, name: str) -> pl.DataFrame:
    """problem_id, and the pairs of the problem as one sorted list of texts."""
    keys = pl.concat_str("chosen_key", pl.lit(" > "), "rejected_key")
    return pairs.group_by("problem_id").agg(keys.sort().alias(name))


def _final(drops: pl.DataFrame) -> pl.DataFrame:
    """The drops of the rules; earlier stages drop the same in every view."""
    return drops.filter(stage="filter")


def _with_reason(problems: pl.DataFrame, drops: pl.DataFrame) -> pl.DataFrame:
    why = _final(drops).select(problem_id="subject", reason="reason", detail="detail")
    return problems.join(why, on="problem_id", how="left")
