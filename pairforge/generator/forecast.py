"""What the whole will cost, from what a pilot cost. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pairforge.intervals import Estimate, exact_share

RESAMPLES = 1000
TAIL = 0.0125  # a quarter of 5 %: see `_resampled`


@dataclass(frozen=True, slots=True)
class Piloted:
    """One problem of the pilot, drawn until it was decided, or left out (no draws) because others had decided it.

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

    The share accepted has an exact interval; sums have that of `_resampled` pilots (seeded). Without a rate
    (`tokens_per_s` None) the seconds are unknown. `min_draws` is how many draws every problem gets at once.
    """
    if not pilot:
        raise ValueError("a forecast needs at least one piloted problem")
    share = exact_share(sum(p.accepted for p in pilot), len(pilot))
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
    rng = np.random.default_rng(seed)
    known = [*pilot, *_imagined(pilot, min_draws, rng)]
    rounds = _rounds(known, min_draws)  # (rounds, problems, 4)
    as_it_is = np.arange(len(known)) < len(pilot)
    weights = np.vstack([as_it_is, _resampled(pilot, len(known), rng)])
    sums = np.einsum("sp,rpk->srk", weights, rounds) * problems / len(pilot)
    gained = sums[:, :, 0]
    missing = np.inf if enough is None else enough - (np.cumsum(gained, axis=1) - gained)
    part = np.clip(np.divide(missing, gained, out=np.full_like(gained, np.inf), where=gained > 0), 0, 1)
    part = np.where(np.asarray(missing) > 0, part, 0)
    totals = (part[:, :, None] * sums[:, :, 1:]).sum(axis=1)
    totals = np.maximum(totals, rounds[:, as_it_is, 1:].sum(axis=(0, 1)))  # the pilot's own
    low, high = np.quantile(totals[1:], [TAIL, 1 - TAIL], axis=0)
    return [Estimate(*map(float, row)) for row in zip(totals[0], low, high, strict=True)]


def _resampled(pilot: Sequence[Piloted], known: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Weights of the problems in pilots as they might have been, a row each.

    The share accepted follows Clopper and Pearson's two limits, half of the rows each (hence the halved tails), so
    that a pilot in which few or none are accepted does not pass for certainty. Accepted and rejected problems are
    then resampled among themselves, with one imagined problem of either kind beside them.
    """
    count, accepted = len(pilot), sum(p.accepted for p in pilot)
    half = RESAMPLES // 2
    low = rng.beta(accepted, count - accepted + 1, half) if accepted else np.zeros(half)
    high = rng.beta(accepted + 1, count - accepted, half) if accepted < count else np.ones(half)
    share = np.concatenate([low, high])
    # A few skewed lengths vary more than they show: Student's t, and twice its excess for the skew.
    excess = special.stdtrit(max(1, count - 1), 0.975) / special.ndtri(0.975) - 1
    weights = rng.gamma((1 - 1 / max(2, count)) / (1 + 2 * excess) ** 2, size=(2 * half, known)) + 1e-12
    imagined = np.zeros((2 * half, known - count))
    for start in (0, (known - count) // 2):
        chosen = start + rng.integers(0, (known - count) // 2, 2 * half)
        imagined[np.arange(2 * half), chosen] = 1
    weights[:, count:] *= imagined
    places = np.arange(known)
    is_accepted = np.array([p.accepted for p in pilot] + [place < (count + known) // 2 for place in places[count:]])
    for group, part in ((is_accepted, share), (~is_accepted, 1 - share)):
        weights[:, group] *= (part * count / weights[:, group].sum(axis=1))[:, None]
    return weights


def _imagined(pilot: Sequence[Piloted], min_draws: int, rng: np.random.Generator) -> list[Piloted]:
    """Problems that a small pilot may have missed: its own, accepted after any number of draws; and after none."""
    most = max(p.draws for p in pilot)
    found = []
    for accepted in (True, False):
        for p in pilot:
            if not p.draws:
                found.append(p)
                continue
            draws = int(rng.integers(min(min_draws, most), most + 1)) if accepted else most
            tokens = tuple(int(n) for n in rng.choice(p.draw_tokens, draws))
            text_bytes = round(p.text_bytes * draws / p.draws)
            found.append(Piloted(tokens, draws if accepted else None, text_bytes))
    return found


def _rounds(pilot: Sequence[Piloted], min_draws: int) -> Any:
    """Of every round of draws, for every problem: 1 if accepted then, and the draws, tokens and bytes it took."""
    ends = range(min_draws, max(min_draws, *(p.draws for p in pilot)) + 1)
    table = np.zeros((len(ends), len(pilot), 4))
    for number, end in enumerate(ends):
        start = 0 if end == min_draws else end - 1
        for place, p in enumerate(pilot):
            drawn = p.draw_tokens[start:end]
            accepted = p.accepted_after is not None and start < p.accepted_after <= end
            table[number, place] = (accepted, len(drawn), sum(drawn), p.text_bytes * len(drawn) / max(1, p.draws))
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


def _seconds(tokens: Estimate, tokens_per_s: float) -> Estimate:
    return Estimate(tokens.value / tokens_per_s, tokens.low / tokens_per_s, tokens.high / tokens_per_s)
