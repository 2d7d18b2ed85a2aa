"""What sampling must serve: the loosest rules, judged on one problem's samples alone.

Sampling may stop for a problem when its samples `accepts` the target, and need not ask for more tokens than
`longest_useful`. Neither looks at other problems or at the order in which samples finished, so that drawing until
accepted stays free of bias from the engine's timing. Shares, bands, caps and numbers of pairs are the view's business.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pairforge.filters.rules import CORRECT, OPEN, Bounds, Direction, Rules, SideRule, controlled


@dataclass(frozen=True, slots=True)
class Target:
    """The part of `Rules` that one problem's samples can satisfy or not.

    It goes into the run's manifest and is frozen there: a later view that asks for less is served completely.
    """

    direction: Direction = "long"
    chosen: SideRule = CORRECT
    rejected: SideRule = CORRECT
    gap: Bounds = OPEN
    ratio: Bounds = OPEN
    total: Bounds = OPEN
    same_bin: int | None = None
    per_problem: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What the target looks at in a sample. Tokens are the student's; None where nobody counted them.

    `rejected_tokens` is the length in the rejected side's frame, None where it is the same as `tokens`.
    """

    origin: Literal["given", "sampled"]
    status: str
    tokens: int | None
    prompt_tokens: int = 0
    finish_reason: str = "stop"
    side: str = "any"
    model: str = ""
    rejected_tokens: int | None = None


def draws_needed(target: Target) -> int:
    """How many sampled solutions a problem needs at least to serve the target, with one given solution."""
    if not target.chosen.origin == target.rejected.origin == "sampled":
        return target.per_problem
    count = 1
    while count * (count - 1) // 2 < target.per_problem:  # every two samples make one pair at most
        count += 1
    return count


def loosest_target(rules: Rules) -> Target:
    """The rules without what concerns many pairs at once, the text, or the problem.

    `wrong_share` does not widen the accepted statuses: wrong samples turn up on the way to right ones.
    Bounds on quality columns and `where` are left out, because they are computed after sampling.
    """
    rules = controlled(rules)
    chosen, rejected = rules.chosen, rules.rejected
    if rules.wrong_share == 1:
        rejected = replace(rejected, status=("incorrect",))
    return Target(
        direction=rules.direction,
        chosen=replace(chosen, quality=()),
        rejected=replace(rejected, quality=()),
        gap=rules.gap,
        ratio=rules.ratio,
        total=rules.total,
        same_bin=rules.same_bin,
        per_problem=1 if rules.pick == "all" else rules.per_problem,
    )


def accepts(samples: Sequence[Facts], target: Target) -> bool:
    """Whether these samples of one problem make the pairs the target asks for."""
    wanted = target.per_problem
    for a, chosen in enumerate(samples):
        if not fits_side(chosen, target.chosen, "chosen"):
            continue
        for b, rejected in enumerate(samples):
            if a != b and fits_side(rejected, target.rejected, "rejected") and _fits(chosen, rejected, target):
                wanted -= 1
                if wanted == 0:
                    return True
    return False


def longest_useful(samples: Sequence[Facts], target: Target, prompt_tokens: int) -> int | None:
    """The most tokens (the student's) a further sampled solution may have and still be paired; None: any length.

    0 means that no sampled solution of any length can be paired: there is nothing to draw.
    """
    limits = [
        *_limits(samples, target, prompt_tokens, "rejected"),
        *_limits(samples, target, prompt_tokens, "chosen"),
    ]
    longest = max(limits, default=0)
    return None if math.isinf(longest) else max(int(longest), 0)


def fits_side(sample: Facts, rule: SideRule, side: Literal["chosen", "rejected"]) -> bool:
    """Whether a sample passes the rules of one side."""
    tokens = _tokens(sample, side)
    return (
        _in_role(sample, rule, side)
        and (not rule.finish or sample.finish_reason in rule.finish)
        and (not rule.status or sample.status in rule.status)
        and tokens is not None
        and _within(tokens, Bounds(rule.min_tokens, rule.max_tokens))
    )


def _fits(chosen: Facts, rejected: Facts, target: Target) -> bool:
    a, b = _tokens(chosen, "chosen"), _tokens(rejected, "rejected")
    if a is None or b is None:
        return False
    if (target.direction == "long" and a <= b) or (target.direction == "short" and a >= b):
        return False
    longer, shorter = max(a, b), min(a, b)
    return (
        _within(longer - shorter, target.gap)
        and _within(longer / max(shorter, 1), target.ratio)
        and _within(chosen.prompt_tokens + longer, target.total)
        and (target.same_bin is None or a // target.same_bin == b // target.same_bin)
    )


def _limits(
    samples: Sequence[Facts], target: Target, prompt_tokens: int, side: Literal["chosen", "rejected"]
) -> Iterator[float]:
    """How long a sampled solution on `side` may be, for each partner that may stand on the other."""
    rule, other_rule = (target.rejected, target.chosen) if side == "rejected" else (target.chosen, target.rejected)
    other_side: Literal["chosen", "rejected"] = "chosen" if side == "rejected" else "rejected"
    if rule.origin == "given":
        return
    own = min(_or_inf(rule.max_tokens), _or_inf(target.total.max) - prompt_tokens)
    if other_rule.origin != "given":
        yield own  # the partner may be sampled too, and then its length bounds nothing yet
        return
    longer = (side == "chosen") == (target.direction == "long")
    for partner in samples:
        tokens = _tokens(partner, other_side)
        if tokens is None or not fits_side(partner, other_rule, other_side):
            continue
        if longer or target.direction == "any":
            yield min(own, tokens + _or_inf(target.gap.max), max(tokens, 1) * _or_inf(target.ratio.max))
        else:
            yield min(own, tokens - max(target.gap.min or 0, 1), tokens / max(target.ratio.min or 1, 1))


def _in_role(sample: Facts, rule: SideRule, side: str) -> bool:
    return (
        sample.finish_reason != "error"
        and sample.side in ("any", side)
        and rule.origin in ("any", sample.origin)
        and (not rule.models or sample.model in rule.models)
    )


def _tokens(sample: Facts, side: str) -> int | None:
    return sample.rejected_tokens if side == "rejected" and sample.rejected_tokens is not None else sample.tokens


def _within(value: float, bounds: Bounds) -> bool:
    return (bounds.min is None or value >= bounds.min) and (bounds.max is None or value <= bounds.max)


def _or_inf(value: float | None) -> float:
    return math.inf if value is None else value
