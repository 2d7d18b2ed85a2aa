"""What the arms cost in each order, from what a pilot saw of each. Pure."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from pairforge.filters.rule import SideName
from pairforge.filters.target import OTHER

MOST_ARMS = 5  # 120 orders
REPEATS = 20

Sides = frozenset[SideName]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an arm made of one problem: the tokens of all its draws, the sides that its solutions may stand on, and
    whether they make a pair by themselves."""

    tokens: int
    sides: Sides
    alone: bool = False


@dataclass(frozen=True, slots=True)
class ArmRole:
    """What an arm may do: the sides that rules let it stand on, whether it draws on where a pair is made
    (`draws.until: max`), its tokens per second (None: unknown), and what it made of each of the pilot's problems that
    it was drawn for."""

    sides: Sides
    until_max: bool
    tokens_per_s: float | None
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class OrderCost:
    """The expected tokens and seconds of all problems with the arms in this order; None seconds: a rate is unknown."""

    order: tuple[str, ...]
    tokens: float
    seconds: float | None


def order_costs(
    arms: Mapping[str, ArmRole], given: Mapping[str, Sides], *, problems: int, seed: int = 0
) -> list[OrderCost]:
    """The cost of every order of the arms, the cheapest first, scaled up from the pilot's problems to `problems`.

    `given` has, for each problem of the pilot, the sides that given solutions may stand on. Where the pilot did not
    draw an arm for a problem, one of its other outcomes stands in: whether one arm solves a problem is taken to say
    nothing about another. Budgets are those of the pilot, whatever the order. Empty where an arm has no outcome, for
    one arm, and for more than `MOST_ARMS`.
    """
    if not 1 < len(arms) <= MOST_ARMS or not given or not all(role.outcomes for role in arms.values()):
        return []
    totals = {order: dict.fromkeys(arms, 0.0) for order in permutations(arms)}
    rng = random.Random(seed)
    for problem, sides in sorted(given.items()):
        for _ in range(REPEATS):
            outcomes = {
                name: role.outcomes.get(problem) or rng.choice([role.outcomes[key] for key in sorted(role.outcomes)])
                for name, role in arms.items()
            }
            for order, tokens in totals.items():
                for name in drawn(order, arms, sides, outcomes):
                    tokens[name] += outcomes[name].tokens * problems / (len(given) * REPEATS)
    costs = [OrderCost(order, sum(tokens.values()), _seconds(tokens, arms)) for order, tokens in totals.items()]
    return sorted(costs, key=lambda cost: cost.tokens)


def drawn(
    order: Sequence[str], arms: Mapping[str, ArmRole], given: Sides, outcomes: Mapping[str, Outcome]
) -> list[str]:
    """The arms that are drawn for a problem: those that may still write a side whose partner is there or may come."""
    standing = {side: {"given"} if side in given else set[str]() for side in OTHER}
    paired, found = False, []
    for place, name in enumerate(order):
        role = arms[name]
        to_come: Collection[SideName] = {side for later in order[place:] for side in arms[later].sides}
        possible = any(standing[OTHER[side]] or OTHER[side] in to_come for side in role.sides)
        if not possible or (paired and not role.until_max):
            continue
        found.append(name)
        for side in outcomes[name].sides:
            standing[side].add(name)
        couples = [(a, b) for a in standing["chosen"] for b in standing["rejected"] if a != b]
        paired = paired or outcomes[name].alone or bool(couples)
    return found


def _seconds(tokens: Mapping[str, float], arms: Mapping[str, ArmRole]) -> float | None:
    seconds = 0.0
    for name, used in tokens.items():
        rate = arms[name].tokens_per_s
        if rate is None:
            return None
        seconds += used / rate
    return seconds
