"""What the whole will cost, from what a pilot cost. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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


def forecast(pilot: Sequence[Piloted], *, problems: int, tokens_per_s: float | None, seed: int = 0) -> Forecast:
    """Scale a random pilot up to `problems` problems.

    The share accepted has Wilson's interval, sums have the bootstrap's (problems resampled, seeded). Without a rate
    (`tokens_per_s` None) the seconds are unknown.
    """
    if not pilot:
        raise ValueError("a forecast needs at least one piloted problem")
    share = wilson(sum(p.accepted for p in pilot), len(pilot))
    tokens = _total(pilot, lambda p: p.tokens, problems, seed)
    return Forecast(
        problems=problems,
        piloted=len(pilot),
        accepted=Estimate(share.value * problems, share.low * problems, share.high * problems),
        draws=_total(pilot, lambda p: p.draws, problems, seed),
        tokens=tokens,
        seconds=_seconds(tokens, tokens_per_s) if tokens_per_s else None,
        disk_bytes=_total(pilot, lambda p: p.text_bytes, problems, seed),
        by_max_draws=draw_limits(pilot),
    )


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


def _total(pilot: Sequence[Piloted], measure: Callable[[Piloted], int], problems: int, seed: int) -> Estimate:
    values = [measure(p) for p in pilot]
    draw = random.Random(seed)
    means = sorted(sum(draw.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES))
    low, high = means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES) - 1]
    return Estimate(problems * sum(values) / len(values), problems * low, problems * high)
