"""Sums over a problem's solutions: columns of the problems that are computed when a rule names them.

Each exists once per arm, as in `n_correct_sampled`: arms are the origins of the samples. Failed requests do not count.
`mean_correct_tokens_`, `min_correct_tokens_` and `max_correct_tokens_` are lengths of the correct solutions in the
student's tokens, null where there are none. `n_` and `n_correct_` count solutions. `pass_rate_` is the share of correct
solutions among those with a verdict on the model, over all draws: where sampling stops early, a problem that is solved
at once has few draws, and `pass_rate` (of the first draws only) is the fairer measure. `agreement_` is the share of the
most frequent answer among the solutions with an answer; correct ones count as one answer, others are compared as text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from pairforge.filters.evidence import Evidence

_CORRECT = pl.col("status") == "correct"
_TRIED = pl.col("status").cast(pl.String).is_in(["correct", "incorrect", "no_answer", "truncated"])
_LENGTHS = pl.col("completion_tokens").filter(_CORRECT)
_SUMS: dict[str, pl.Expr] = {
    "mean_correct_tokens": _LENGTHS.mean(),
    "min_correct_tokens": _LENGTHS.min(),
    "max_correct_tokens": _LENGTHS.max(),
    "n_correct": _CORRECT.sum().cast(pl.Int64),
    "n": pl.len().cast(pl.Int64),
    "pass_rate": _CORRECT.filter(_TRIED).mean(),
}
_TYPES = {"mean_correct_tokens": "number", "pass_rate": "number", "agreement": "number"}  # the others are integers


def sum_columns(evidence: Evidence) -> dict[str, tuple[str, str]]:
    """The columns there are, by name: what each measures, and of which arm."""
    return {f"{what}_{arm}": (what, arm) for arm in evidence.arms for what in (*_SUMS, "agreement")}


def sum_types(evidence: Evidence) -> dict[str, str]:
    """The columns there are, and their types in words."""
    return {name: _TYPES.get(what, "integer") for name, (what, _) in sum_columns(evidence).items()}


def with_sums(evidence: Evidence, names: Iterable[str]) -> Evidence:
    """The evidence with those of the named columns that it lacks and that are sums."""
    known = sum_columns(evidence)
    wanted = sorted({*names} & known.keys() - {*evidence.problems.columns})
    problems = evidence.problems
    for arm in sorted({known[name][1] for name in wanted}):
        of_arm = [known[name][0] for name in wanted if known[name][1] == arm]
        own = evidence.samples.lazy().filter((pl.col("origin") == arm) & (pl.col("finish_reason") != "error"))
        if simple := [what for what in of_arm if what != "agreement"]:
            found = own.group_by("p").agg(_SUMS[what].alias(f"{what}_{arm}") for what in simple).collect()
            problems = problems.join(found, on="p", how="left", maintain_order="left")
        if "agreement" in of_arm:
            found = _agreement(own).rename({"agreement": f"agreement_{arm}"})
            problems = problems.join(found, on="p", how="left", maintain_order="left")
    counts = [name for name in wanted if known[name][0] in ("n", "n_correct")]
    return replace(evidence, problems=problems.with_columns(pl.col(counts).fill_null(0))) if wanted else evidence


def same_answer() -> pl.Expr:
    """An answer's text without what does not change its value: spaces, dollar signs, kinds of fractions."""
    return pl.col("answer").str.replace_all(r"[\s$]", "").str.replace_all(r"\\[dt]frac", r"\frac")


def _agreement(samples: pl.LazyFrame) -> pl.DataFrame:
    """p, agreement."""
    answer = pl.when(_CORRECT).then(pl.lit("")).otherwise(same_answer())
    answered = samples.filter(_CORRECT | (pl.col("answer") != "")).select("p", answer.alias("answer"))
    counted = answered.group_by("p", "answer").len()
    return counted.group_by("p").agg(agreement=pl.col("len").max() / pl.col("len").sum()).collect()
