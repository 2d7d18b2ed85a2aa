"""Rules as ordered steps: each a reason and the condition that passes it.

The order is the order of the funnel and decides which reason a drop gets: rules on the problem, on the chosen
side, on the rejected side, on the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pairforge.filters.rules import Bounds, Rules, SideRule


@dataclass(frozen=True, slots=True)
class Step:
    """A named condition. A condition that comes out null (an unknown length, say) counts as failed."""

    reason: str
    passes: pl.Expr


def in_role(rule: SideRule, side: Literal["chosen", "rejected"]) -> pl.Expr:
    """Which samples can stand on a side at all. A failed request has no text and can stand on none."""
    role = pl.col("side").is_in(["any", side]) & (pl.col("finish_reason") != "error")
    if rule.origin != "any":
        role &= pl.col("origin") == rule.origin
    if rule.models:
        role &= pl.col("model").is_in(list(rule.models))
    return role.fill_null(False)


def problem_steps(rules: Rules) -> list[Step]:
    """Over the columns of the problems (and `gold_suspect`, where a rule asks for it)."""
    steps = []
    if rules.gold:
        steps.append(Step("gold", pl.col("gold").is_in(list(rules.gold))))
    if rules.gold_suspects != "keep":
        suspect = pl.col("gold_suspect")
        steps.append(Step("gold_suspect", suspect if rules.gold_suspects == "only" else ~suspect))
    if not rules.pass_rate.open:
        steps.append(Step("pass_rate", within(pl.col("pass_rate"), rules.pass_rate)))
    return steps


def side_steps(rule: SideRule, side: Literal["chosen", "rejected"], statuses: Sequence[str]) -> list[Step]:
    """Over the columns of the samples. `statuses` are the accepted verdicts (empty: any)."""
    steps = []
    if rule.finish:
        steps.append(Step(f"{side}_finish", pl.col("finish_reason").is_in(list(rule.finish))))
    if statuses:
        steps.append(Step(f"{side}_status", pl.col("status").is_in(list(statuses))))
    tokens = pl.col("completion_tokens" if side == "chosen" else "rejected_completion_tokens")
    if rule.min_tokens is not None:
        steps.append(Step(f"{side}_min_tokens", tokens >= rule.min_tokens))
    if rule.max_tokens is not None:
        steps.append(Step(f"{side}_max_tokens", tokens <= rule.max_tokens))
    return steps + [Step(f"{side}_{column}", within(pl.col(column), bound)) for column, bound in rule.quality]


def pair_steps(rules: Rules) -> list[Step]:
    """Over the columns of the candidates: chosen_tokens, rejected_tokens, gap, ratio, total_tokens, ..."""
    chosen, rejected = pl.col("chosen_tokens"), pl.col("rejected_tokens")
    steps = [Step("length", chosen.is_not_null() & rejected.is_not_null())]
    if rules.direction != "any":
        steps.append(Step("direction", chosen > rejected if rules.direction == "long" else chosen < rejected))
    for name, bounds in (("gap", rules.gap), ("ratio", rules.ratio), ("total_tokens", rules.total)):
        if bounds.min is not None:
            steps.append(Step(f"{name.removesuffix('_tokens')}_min", pl.col(name) >= bounds.min))
        if bounds.max is not None:
            steps.append(Step(f"{name.removesuffix('_tokens')}_max", pl.col(name) <= bounds.max))
    if rules.same_bin is not None:
        steps.append(Step("same_bin", chosen // rules.same_bin == rejected // rules.same_bin))
    return steps


def within(value: pl.Expr, bounds: Bounds) -> pl.Expr:
    """Whether a value lies in an interval; an unknown value does not."""
    passes = value.is_not_null()
    if bounds.min is not None:
        passes &= value >= pl.lit(bounds.min)
    if bounds.max is not None:
        passes &= value <= pl.lit(bounds.max)
    return passes


def first_failure(steps: Sequence[Step], first_code: int) -> pl.Expr:
    """The code of the first step a row fails (`first_code` for the first step, then counting up), 0 for none."""
    failures = [
        pl.when(~step.passes.fill_null(False)).then(pl.lit(first_code + i, dtype=pl.UInt8))
        for i, step in enumerate(steps)
    ]
    return pl.coalesce(*failures, pl.lit(0, dtype=pl.UInt8))
