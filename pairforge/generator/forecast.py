"""What the whole will cost, from what a pilot cost. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Piloted:
    """One problem of the pilot, drawn until it was decided.

    `draw_tokens` is what each draw used; `accepted_after` how many of them it took to be accepted, None if they did
    not suffice.
    """

    draw_tokens: tuple[int, ...]
    accepted_after: int | None
    text_bytes: int

    @property
    def accepted(self) -> bool:
        return self.accepted_after is not None

    @property
    def draws(self) -> int:
        return len(self.draw_tokens)

    @property
    def tokens(self) -> int:
        return sum(self.draw_tokens)


@dataclass(frozen=True, slots=True)
class DrawLimit:
    """What `draws.max` of this size costs: the share of problems accepted, and the tokens per accepted problem."""

    max_draws: int
    accepted_share: float
    tokens_each: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The whole, estimated from `piloted` of `problems` problems.

    `accepted` counts problems that will serve the target. `seconds` is sampling time at the pilot's own rate; a
    pilot smaller than the engine's window does not fill it, and then the whole is faster; None where no rate is known.
    `disk_bytes` is the log before compaction.
    """

    problems: int
    piloted: int
    accepted: Estimate
    draws: Estimate
    tokens: Estimate
    seconds: Estimate | None
    disk_bytes: Estimate
    by_max_draws: tuple[DrawLimit, ...] = ()


def forecast(
    pilot: Sequence[Piloted],
    *,
    problems: int,
    tokens_per_s: float | None,
    enough: int | None = None,
    min_draws: int = 1,
    seed: int = 0,
) -> Forecast:
    """Scale a random pilot up to `problems` problems, or to as many as it takes until `enough` are accepted.

    The pilot itself, which is drawn to its end, is the least that the whole can be.

    The share accepted has Wilson's interval, sums have the bootstrap's (problems resampled, seeded). Without a rate
    (`tokens_per_s` None) the seconds are unknown. `min_draws` is how many draws every problem gets at once.
    """
    if not pilot:
        raise ValueError("a forecast needs at least one piloted problem")
    share = wilson(sum(p.accepted for p in pilot), len(pilot))
    least = sum(p.accepted for p in pilot)
    accepted = [max(least, min(s * problems, enough or math.inf)) for s in (share.value, share.low, share.high)]
    draws, tokens, disk_bytes = _whole(pilot, problems, enough, min_draws, seed)
    return Forecast(
        problems=problems,
        piloted=len(pilot),
        accepted=Estimate(*accepted),
        draws=draws,
        tokens=tokens,
        seconds=_seconds(tokens, tokens_per_s) if tokens_per_s else None,
        disk_bytes=disk_bytes,
        by_max_draws=draw_limits(pilot),
    )


def _whole(pilot: Sequence[Piloted], problems: int, enough: int | None, min_draws: int, seed: int) -> list[Estimate]:
    """Draws, tokens and bytes of the whole: rounds of draws, until enough are accepted or all rounds are drawn."""
    rounds = _rounds(pilot, min_draws)  # (rounds, problems of the pilot, 4)
    resampled = np.random.default_rng(seed).multinomial(len(pilot), [1 / len(pilot)] * len(pilot), RESAMPLES)
    weights = np.vstack([np.ones(len(pilot)), resampled])  # the pilot as it is, then as it might have been
    sums = np.einsum("sp,rpk->srk", weights, rounds) * problems / len(pilot)
    gained = sums[:, :, 0]
    missing = np.inf if enough is None else enough - (np.cumsum(gained, axis=1) - gained)
    part = np.clip(np.divide(missing, gained, out=np.full_like(gained, np.inf), where=gained > 0), 0, 1)
    part = np.where(np.asarray(missing) > 0, part, 0)
    totals = (part[:, :, None] * sums[:, :, 1:]).sum(axis=1)
    totals = np.maximum(totals, rounds[:, :, 1:].sum(axis=(0, 1)))  # the pilot's own
    low, high = np.quantile(totals[1:], [0.025, 0.975], axis=0)
    return [Estimate(*map(float, row)) for row in zip(totals[0], low, high, strict=True)]


def _rounds(pilot: Sequence[Piloted], min_draws: int) -> Any:
    """Of every round of draws, for every problem: 1 if accepted then, and the draws, tokens and bytes it took."""
    ends = range(min_draws, max(min_draws, *(p.draws for p in pilot)) + 1)
    table = np.zeros((len(ends), len(pilot), 4))
    for number, end in enumerate(ends):
        start = 0 if end == min_draws else end - 1
        for place, p in enumerate(pilot):
            drawn = p.draw_tokens[start:end]
            accepted = p.accepted_after is not None and start < p.accepted_after <= end
            table[number, place] = (accepted, len(drawn), sum(drawn), p.text_bytes * len(drawn) / p.draws)
    return table


def draw_limits(pilot: Sequence[Piloted]) -> tuple[DrawLimit, ...]:
    """The pilot under every smaller `draws.max`: what each further draw buys.

    Where there are more problems than pairs are needed, the limit with the fewest tokens each is the cheapest.
    """
    limits = []
    for count in range(1, max(p.draws for p in pilot) + 1):
        accepted = sum(p.accepted_after is not None and p.accepted_after <= count for p in pilot)
        tokens = sum(sum(p.draw_tokens[:count]) for p in pilot)
        limits.append(DrawLimit(count, accepted / len(pilot), tokens / accepted if accepted else None))
    return tuple(limits)


def wilson(hits: int, count: int, z: float = 1.96) -> Estimate:
    """A share with Wilson's score interval, which stays inside 0..1 and honest for small counts."""
    share = hits / count
    scale = 1 + z * z / count
    middle = (share + z * z / (2 * count)) / scale
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / scale
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))


def _seconds(tokens: Estimate, tokens_per_s: float) -> Estimate:
    return Estimate(tokens.value / tokens_per_s, tokens.low / tokens_per_s, tokens.high / tokens_per_s)
