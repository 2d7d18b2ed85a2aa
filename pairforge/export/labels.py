"""Labels for single solutions (unpaired preference, KTO): desirable, undesirable, or left out with a reason.

The rules of the view decide. A solution that the chosen side accepts and that has the wanted length is desirable. One
that the rejected side accepts and that has the unwanted length is undesirable, and so is every incorrect one. Lengths
are compared within a problem, with the view's direction and its `gap.min`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from pairforge.export.config import KtoConfig
from pairforge.filters.candidates import side_members
from pairforge.filters.evidence import Evidence
from pairforge.filters.hashing import seeded_order
from pairforge.filters.ruleset import Rules

_TEXT, _INTEGER = pa.string(), pa.int64()
_MESSAGES = pa.list_(pa.struct([("role", _TEXT), ("content", _TEXT)]))
LABELED = pa.schema(
    [
        ("prompt", _MESSAGES),
        ("completion", _MESSAGES),
        ("label", pa.bool_()),
        *((name, _TEXT) for name in ("id", "problem_id", "answer", "gold", "source", "model", "status", "why")),
        *((name, _INTEGER) for name in ("prompt_tokens", "completion_tokens")),
    ]
)
"""The columns of a labeled solution with its texts, as exports and the Hub get them."""


@dataclass(frozen=True, slots=True)
class Labels:
    """`rows`: sample_key, problem_id, label (true: desirable), why, status, prompt_tokens, completion_tokens, in a
    seeded order that mixes labels and problems. `left_out`: reason -> solutions without a label."""

    rows: pl.DataFrame
    left_out: dict[str, int]

    @property
    def counts(self) -> tuple[int, int]:
        """How many rows are desirable and undesirable."""
        desirable = int(self.rows["label"].sum())
        return desirable, self.rows.height - desirable


def label_solutions(evidence: Evidence, rules: Rules, settings: KtoConfig, *, seed: int = 0) -> Labels:
    """Label every solution of a view. Raises `RuleError` for a column that does not exist.

    Why a solution has its label: "chosen" (the chosen side accepts it, at the wanted length), "rejected" (the rejected
    side accepts it, at the unwanted length), "verdict" (one of `undesirable`). Why it has none: "problem" (a rule on
    the problem drops it), "side" (neither side accepts it), "length" (its length is neither wanted nor unwanted
    against the problem's other solutions), "per_problem" and "max_ratio" (the settings of those names).
    """
    told = _told(side_members(evidence, rules), rules, settings)
    labeled = told.filter(pl.col("label").is_not_null())
    labeled = labeled.with_columns(order=seeded_order(labeled["sample_hash"], seed, "kto")).sort("order")
    kept = _per_problem(labeled, settings.per_problem)
    balanced = _balanced(kept, settings.max_ratio)
    lost = {"per_problem": labeled.height - kept.height, "max_ratio": kept.height - balanced.height}
    left_out = dict(told.filter(pl.col("label").is_null()).group_by("why").len().sort("why").iter_rows())
    columns = ("sample_key", "problem_id", "label", "why", "status", "prompt_tokens", "completion_tokens")
    return Labels(balanced.select(columns), left_out | {reason: n for reason, n in lost.items() if n})


def _told(members: pl.DataFrame, rules: Rules, settings: KtoConfig) -> pl.DataFrame:
    """The members with `label` and `why`."""
    undesirable = pl.col("status").is_in(list(settings.undesirable))
    desirable_length, undesirable_length = _lengths(rules)
    comparable = members.with_columns(
        chosen=pl.col("chosen") & ~undesirable,
        rejected=pl.col("rejected") & ~undesirable,
    )
    stated = comparable.with_columns(
        is_desirable=pl.col("chosen") & desirable_length,
        is_undesirable=pl.col("rejected") & undesirable_length,
    )
    both = pl.col("is_desirable") & pl.col("is_undesirable")
    either_side = pl.col("chosen") | pl.col("rejected")
    why = (
        pl.when(~pl.col("in_problem"))
        .then(pl.lit("problem"))
        .when(undesirable)
        .then(pl.lit("verdict"))
        .when(pl.col("is_desirable") & ~both)
        .then(pl.lit("chosen"))
        .when(pl.col("is_undesirable") & ~both)
        .then(pl.lit("rejected"))
        .when(either_side)
        .then(pl.lit("length"))
        .otherwise(pl.lit("side"))
    )
    label = pl.when(why == "chosen").then(True).when(why.is_in(["verdict", "rejected"])).then(False)
    return stated.with_columns(why=why, label=label).with_columns(
        completion_tokens=pl.when("label").then("chosen_tokens").otherwise("rejected_tokens")
    )


def first_reason(reasons: Mapping[str, pl.Expr]) -> pl.Expr:
    """The name of the first condition that holds, "" where none does."""
    named = (pl.when(condition).then(pl.lit(name)) for name, condition in reasons.items())
    return pl.coalesce(*named, pl.lit(""))


def _lengths(rules: Rules) -> tuple[pl.Expr, pl.Expr]:
    """Whether a solution has the wanted and the unwanted length against its problem's solutions on the other side.

    Without another solution to compare with, the chosen side's have the wanted length; the rejected side's have no
    unwanted one.
    """
    chosen, rejected = pl.col("chosen"), pl.col("rejected")
    others_rejected = rejected.sum().over("p") > rejected.cast(pl.UInt32)
    others_chosen = chosen.sum().over("p") > chosen.cast(pl.UInt32)
    if rules.direction == "any":
        return ~rejected, ~chosen
    gap = max(1, math.ceil(rules.gap.min or 1))
    chosen_tokens = pl.when(chosen).then(pl.col("chosen_tokens"))
    rejected_tokens = pl.when(rejected).then(pl.col("rejected_tokens"))
    if rules.direction == "long":
        wanted = pl.col("chosen_tokens") - rejected_tokens.min().over("p") >= gap
        unwanted = chosen_tokens.max().over("p") - pl.col("rejected_tokens") >= gap
    else:
        wanted = rejected_tokens.max().over("p") - pl.col("chosen_tokens") >= gap
        unwanted = pl.col("rejected_tokens") - chosen_tokens.min().over("p") >= gap
    known = pl.col("chosen_tokens").is_not_null()
    return ~others_rejected | wanted.fill_null(known), others_chosen & unwanted.fill_null(False)


def _per_problem(rows: pl.DataFrame, most: int | None) -> pl.DataFrame:
    if most is None:
        return rows
    return rows.filter(pl.int_range(pl.len()).over("p", "label") < most)


def _balanced(rows: pl.DataFrame, max_ratio: float | None) -> pl.DataFrame:
    """The rows without what one label has beyond `max_ratio` times the other."""
    desirable = int(rows["label"].sum())
    fewer = min(desirable, rows.height - desirable)
    if max_ratio is None or not fewer:
        return rows
    return rows.filter(pl.int_range(pl.len()).over("label") < math.floor(fewer * max_ratio))


def kto_weights(desirable: int, undesirable: int) -> dict[str, float]:
    """TRL's `desirable_weight` and `undesirable_weight` that give both labels the same total weight.

    The rarer label's weight is raised and the other's stays 1. KTO's authors advise a ratio of 1 to 4/3 in favour of
    the desirable ones (2402.01306, equation 8); this is its lower end, rounded into it.
    """
    weights = {"desirable_weight": 1.0, "undesirable_weight": 1.0}
    if 0 < desirable < undesirable:
        weights["desirable_weight"] = math.ceil(100 * undesirable / desirable) / 100
    elif 0 < undesirable < desirable:
        weights["undesirable_weight"] = max(1.0, math.floor(100 * desirable / undesirable) / 100)
    return weights
