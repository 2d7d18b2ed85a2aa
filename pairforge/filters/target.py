"""What sampling must serve: the loosest rules, judged on one problem's samples alone.

Sampling may stop for a problem when its samples `accepts` the target, and need not ask for more tokens than
`longest_useful`. Neither looks at other problems or at the order in which samples finished, so that drawing until
accepted stays free of bias from the engine's timing. Shares, bands, caps and numbers of pairs are the view's business.

The conditions are those of the rules themselves (`pairforge.filters.rules`), applied to plain values. A condition on
something that is not known while sampling, such as a measure of the text, is left to the view.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import Field

from pairforge.filters.rule import Condition, SideName
from pairforge.filters.rules import PairRules, SideRules, shortest
from pairforge.filters.ruleset import Rules

SIDES: tuple[SideName, ...] = ("chosen", "rejected")
OTHER: dict[SideName, SideName] = {"chosen": "rejected", "rejected": "chosen"}
ANY_LENGTH = 10**9
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
    mix: tuple[Target, ...] = Field(
        (), description="The parts of a mix: a problem has to serve one of them, and the keys above ask for nothing."
    )

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

    origin: str
    status: str
    tokens: int | None
    prompt_tokens: int = 0
    finish_reason: str = "stop"
    side: str = "any"
    model: str = ""
    rejected_tokens: int | None = None


def loosest_target(rules: Rules) -> Target:
    """The rules without what concerns the problem, or many pairs at once."""
    if rules.parts:
        return Target(mix=tuple(loosest_target(part) for part in rules.parts))
    rules = rules.effective
    rules = rules.for_sampling(rules)
    return Target(**{name: getattr(rules, name) for name in Target.model_fields if name != "mix"})


def read_target(row: Mapping[str, Any]) -> Target:
    """A target from a manifest. Those of earlier versions write bounds on the text, which they leave out, as []."""
    sides = {
        side: {name: value for name, value in row[side].items() if (name, value) != ("quality", [])}
        for side in ("chosen", "rejected")
    }
    return Target.model_validate({**row, **sides})


def draws_needed(target: Target, origin: str = "sampled") -> int:
    """How many solutions of an arm a problem needs at least to serve the target, beside one of each other origin."""
    if target.mix:
        return min(draws_needed(part, origin) for part in target.mix)
    if not target.chosen.origins == target.rejected.origins == (origin,):
        return target.per_problem if {*target.chosen.origins, *target.rejected.origins} <= {origin, "given"} else 1
    count = 1
    while count * (count - 1) // 2 < target.per_problem:  # every two samples make one pair at most
        count += 1
    return count


def accepts(samples: Sequence[Facts], target: Target) -> bool:
    """Whether these samples of one problem make the pairs the target asks for."""
    if target.mix:
        return any(accepts(samples, part) for part in target.mix)
    chosen, rejected = standing(samples, target, "chosen"), standing(samples, target, "rejected")
    wanted = target.per_problem
    for a in chosen:
        for b in rejected:
            if a != b and _holds(target.couple_conditions, _pair_values(samples[a], samples[b])):
                wanted -= 1
                if wanted == 0:
                    return True
    return False


def serves(samples: Sequence[Facts], target: Target, origin: str, waiting: Collection[str]) -> bool:
    """Whether a problem with these samples needs no further one of the arm `origin`.

    Either they make the pairs that the target asks for, or one of them stands on a side and leaves room for a partner
    that this arm cannot write, and that an arm in `waiting`, which may still be drawn, can.
    """
    if target.mix:
        return any(serves(samples, part, origin, waiting) for part in target.mix)
    if accepts(samples, target):
        return True
    for side in SIDES:
        partner = getattr(target, OTHER[side])
        if partner.takes(origin) or not any(map(partner.takes, waiting)):
            continue
        if any(_leaves_room(samples[i], target, side) for i in standing(samples, target, side)):
            return True
    return False


def longest_useful(
    samples: Sequence[Facts],
    target: Target,
    prompt_tokens: int,
    *,
    origin: str = "sampled",
    waiting: Collection[str] = (),
) -> int | None:
    """The most tokens (the student's) a further solution of the arm `origin` may have and still be paired; None: any
    length.

    `samples` are those of all others: a partner among them bounds the length. Without one it may come from the arms in
    `waiting`, which may still be drawn, and then the rules alone bound it. 0 means that no solution of any length can
    be paired: there is nothing to draw.
    """
    if target.mix:
        parts = target.mix
        useful = [longest_useful(samples, part, prompt_tokens, origin=origin, waiting=waiting) for part in parts]
        return None if None in useful else max(tokens for tokens in useful if tokens is not None)
    limits = [_longest_on(side, samples, target, prompt_tokens, origin, waiting) for side in SIDES]
    longest = max(limits)
    return None if math.isinf(longest) else max(int(longest), 0)


def _longest_on(
    side: SideName, samples: Sequence[Facts], target: Target, prompt_tokens: int, origin: str, waiting: Collection[str]
) -> float:
    """How long a further solution on `side` may be; 0: it cannot stand there, or finds no partner."""
    own, other = getattr(target, side), getattr(target, OTHER[side])
    if not own.takes(origin):
        return 0
    lengths = [_tokens(samples[i], OTHER[side]) for i in standing(samples, target, OTHER[side])]
    limits = [_limit_beside(tokens, side, target, prompt_tokens) for tokens in lengths if tokens is not None]
    longest = max(limits, default=0)
    if other.takes(origin) or (longest <= 0 and any(map(other.takes, waiting))):
        unknown = shortest(iter((other.longest_tokens(), target.longest_tokens(None, prompt_tokens, longer=True))))
        longest = max(longest, _limit_beside(unknown, side, target, prompt_tokens))
    return longest


def _limit_beside(partner_tokens: float | None, side: SideName, target: Target, prompt_tokens: int) -> float:
    """How long a solution on `side` may be beside a partner of that length, or of any length up to that one."""
    longer = target.direction == "any" or (side == "chosen") == (target.direction == "long")
    tokens = None if partner_tokens is None else int(partner_tokens)
    beside = target.longest_tokens(tokens, prompt_tokens, longer=longer)
    limit = shortest(iter((getattr(target, side).longest_tokens(), beside)))
    return math.inf if limit is None else limit


def _leaves_room(sample: Facts, target: Target, side: SideName) -> bool:
    """Whether a partner of some length could stand beside a sample that stands on `side`."""
    tokens = _tokens(sample, side)
    if tokens is None:
        return False
    partner, partner_side = getattr(target, OTHER[side]), OTHER[side]
    conditions = [c for c in getattr(target, f"{partner_side}_conditions") if c.columns == ("tokens",)]
    lengths = {tokens - 1, tokens, tokens + 1}
    for longer in (True, False):
        beside = target.longest_tokens(tokens, sample.prompt_tokens, longer=longer)
        limit = shortest(iter((partner.longest_tokens(), beside)))
        lengths.add(ANY_LENGTH if limit is None else int(limit))
    for length in lengths:
        other = Facts("", "", length, sample.prompt_tokens)
        couple = _pair_values(other, sample) if side == "rejected" else _pair_values(sample, other)
        if length > 0 and _holds(conditions, {"tokens": length}) and _holds(target.couple_conditions, couple):
            return True
    return False


def standing(samples: Sequence[Facts], target: Target, side: SideName) -> list[int]:
    """The places of the samples that may stand on a side."""
    conditions = target.chosen_conditions if side == "chosen" else target.rejected_conditions
    return [i for i, sample in enumerate(samples) if _holds(conditions, _side_values(sample, side))]


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
