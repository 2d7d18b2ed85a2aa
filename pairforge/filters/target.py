"""What sampling must serve: the loosest rules, judged on one problem's samples alone.

Sampling may stop for a problem when its samples `accepts` the target, and need not ask for more tokens than
`longest_useful`. Neither looks at other problems or at the order in which samples finished, so that drawing until
accepted stays free of bias from the engine's timing. Shares, bands, caps and numbers of pairs are the view's business.

The conditions are those of the rules themselves (`pairforge.filters.rules`), applied to plain values. A condition on
something that is not known while sampling, such as a measure of the text, is left to the view.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from pairforge.filters.rule import Condition, SideName
from pairforge.filters.rules import PairRules, SideRules, shortest
from pairforge.filters.ruleset import Rules

KNOWN_OF_SAMPLE = {"origin", "side", "model", "status", "finish_reason", "tokens"}
KNOWN_OF_PAIR = {"chosen_tokens", "rejected_tokens", "prompt_tokens", "gap", "ratio", "total_tokens"}
Values = dict[str, Any]


class Target(PairRules):
    """The part of `Rules` that one problem's samples can satisfy or not.

    It goes into the run's manifest and is frozen there: a later view that asks for less is served completely.
    """

    chosen: SideRules = Field(SideRules(), description="Which solutions may be the chosen side.")
    rejected: SideRules = Field(SideRules(), description="Which solutions may be the rejected side.")
    per_problem: int = Field(1, ge=1, description="How many pairs a problem needs, a count.")

    @cached_property
    def chosen_conditions(self) -> tuple[Condition, ...]:
        """What a sample must meet to be a chosen side, as far as sampling knows it."""
        return _known([*self.chosen.role("chosen"), *self.chosen.side_conditions()], KNOWN_OF_SAMPLE)

    @cached_property
    def rejected_conditions(self) -> tuple[Condition, ...]:
        """What a sample must meet to be a rejected side, as far as sampling knows it."""
        return _known([*self.rejected.role("rejected"), *self.rejected.side_conditions()], KNOWN_OF_SAMPLE)

    @cached_property
    def couple_conditions(self) -> tuple[Condition, ...]:
        """What two samples must meet together, as far as sampling knows it."""
        return _known(list(self.pair_conditions()), KNOWN_OF_PAIR)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the target looks at in a sample. Tokens are the student's; None where nobody counted them.

    `rejected_tokens` is the length in the rejected side's format, None where it is the same as `tokens`.
    """

    origin: Literal["given", "sampled"]
    status: str
    tokens: int | None
    prompt_tokens: int = 0
    finish_reason: str = "stop"
    side: str = "any"
    model: str = ""
    rejected_tokens: int | None = None


def loosest_target(rules: Rules) -> Target:
    """The rules without what concerns the problem, or many pairs at once."""
    rules = rules.effective
    rules = rules.for_sampling(rules)
    return Target(**{name: getattr(rules, name) for name in Target.model_fields})


def read_target(row: Mapping[str, Any]) -> Target:
    """A target from a manifest. Those of earlier versions write bounds on the text, which they leave out, as []."""
    sides = {
        side: {name: value for name, value in row[side].items() if (name, value) != ("quality", [])}
        for side in ("chosen", "rejected")
    }
    return Target.model_validate({**row, **sides})


def draws_needed(target: Target) -> int:
    """How many sampled solutions a problem needs at least to serve the target, with one given solution."""
    if not target.chosen.origin == target.rejected.origin == "sampled":
        return target.per_problem
    count = 1
    while count * (count - 1) // 2 < target.per_problem:  # every two samples make one pair at most
        count += 1
    return count


def accepts(samples: Sequence[Facts], target: Target) -> bool:
    """Whether these samples of one problem make the pairs the target asks for."""
    as_chosen, as_rejected = target.chosen_conditions, target.rejected_conditions
    chosen = [i for i, sample in enumerate(samples) if _holds(as_chosen, _side_values(sample, "chosen"))]
    if not chosen:
        return False
    rejected = [i for i, sample in enumerate(samples) if _holds(as_rejected, _side_values(sample, "rejected"))]
    wanted = target.per_problem
    for a in chosen:
        for b in rejected:
            if a != b and _holds(target.couple_conditions, _pair_values(samples[a], samples[b])):
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


def _limits(samples: Sequence[Facts], target: Target, prompt_tokens: int, side: SideName) -> Iterator[float]:
    """How long a sampled solution on `side` may be, for each partner that may stand on the other."""
    partner_side: SideName = "rejected" if side == "chosen" else "chosen"
    own, other = (target.chosen, target.rejected) if side == "chosen" else (target.rejected, target.chosen)
    conditions = target.rejected_conditions if side == "chosen" else target.chosen_conditions
    longer = target.direction == "any" or (side == "chosen") == (target.direction == "long")
    if own.origin == "given":
        return
    partners: list[int | None] = [None]  # a partner that may be sampled too bounds nothing yet
    if other.origin == "given":
        values = [_side_values(sample, partner_side) for sample in samples]
        partners = [v["tokens"] for v in values if v["tokens"] is not None and _holds(conditions, v)]
    for tokens in partners:
        beside = target.longest_tokens(tokens, prompt_tokens, longer=longer)
        limit = shortest(iter((own.longest_tokens(), beside)))
        yield math.inf if limit is None else limit


def _known(conditions: Sequence[Condition], names: set[str]) -> tuple[Condition, ...]:
    return tuple(c for c in conditions if c.while_sampling and names.issuperset(c.columns))


def _holds(conditions: Sequence[Condition], values: Values) -> bool:
    for condition in conditions:  # noqa: SIM110  a loop is faster, and sampling asks often
        if not condition.holds(values):
            return False
    return True


def _side_values(sample: Facts, side: SideName) -> Values:
    return {
        "origin": sample.origin,
        "side": sample.side,
        "model": sample.model,
        "status": sample.status,
        "finish_reason": sample.finish_reason,
        "tokens": _tokens(sample, side),
    }


def _tokens(sample: Facts, side: SideName) -> int | None:
    return sample.rejected_tokens if side == "rejected" and sample.rejected_tokens is not None else sample.tokens


def _pair_values(chosen: Facts, rejected: Facts) -> Values:
    a, b = _tokens(chosen, "chosen"), _tokens(rejected, "rejected")
    if a is None or b is None:
        return dict.fromkeys(KNOWN_OF_PAIR)
    longer, shorter = max(a, b), min(a, b)
    return {
        "chosen_tokens": a,
        "rejected_tokens": b,
        "prompt_tokens": chosen.prompt_tokens,
        "gap": longer - shorter,
        "ratio": longer / max(shorter, 1),
        "total_tokens": chosen.prompt_tokens + longer,
    }
