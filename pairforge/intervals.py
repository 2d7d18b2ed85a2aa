"""Intervals for shares, means and paired changes that hold for small samples too. Pure numbers in and out.

Shares: Clopper and Pearson's exact interval. Where a question has several answers, it is taken at the effective
sample size (Korn and Graubard 1998). Changes and averages: the interval is put together from the intervals of its
parts ("square and add": Newcombe 1998, method 10; Zou and Donner 2008). Means of lengths: the studentised bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 2000
SMALLEST_P = -12.0  # log10: smaller p-values are given as this one
_LEAST_SPREAD = 0.1  # of the sample's own: resamples of one repeated value would divide by zero


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval; `low` and `high` are not numbers where a single observation gives none."""

    value: float
    low: float
    high: float

    @property
    def clear_of_zero(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


# --- shares --------------------------------------------------------------------------------------------------------


def exact_share(hits: float, count: float, level: float = LEVEL) -> Estimate:
    """A share with Clopper and Pearson's interval: it covers the truth at least as often as it says, at any size.

    `hits` and `count` need not be whole numbers. Raises `ValueError` without a single observation.
    """
    if count <= 0:
        raise ValueError("a share needs at least one observation")
    tail = (1 - level) / 2
    low = special.betaincinv(hits, count - hits + 1, tail) if hits > 0 else 0.0
    high = special.betaincinv(hits + 1, count - hits, 1 - tail) if hits < count else 1.0
    return Estimate(hits / count, float(low), float(high))


def clustered_share(shares: ArrayLike, answers_each: float = 1.0, level: float = LEVEL) -> Estimate:
    """The mean of each question's share of right answers, for new questions of the same kind.

    `shares` has one value in 0..1 per question, each of about `answers_each` answers. With one answer per question
    this is `exact_share`.
    """
    values = np.asarray(shares, dtype=np.float64)
    size = effective_size(values, answers_each)
    value = float(values.mean())
    return exact_share(min(value * size, size), size, level)


def effective_size(shares: Floats, answers_each: float) -> float:
    """How many independent answers would tell as much as `answers_each` answers to every question."""
    return len(shares) * answers_each / (1 + (answers_each - 1) * answer_correlation(shares, answers_each))


def answer_correlation(shares: Floats, answers_each: float) -> float:
    """The intraclass correlation of the answers to one question, drawn toward 1 where the sample says little of it.

    0: answers to one question differ as much as answers to different ones. 1: they all have the same score, and only
    the number of questions counts. It is the analysis of variance's estimate, weighted by the number of questions
    that are informative (the smaller of those with a right and those with a wrong answer) against one that says 1.
    """
    if len(shares) < 2 or answers_each <= 1:
        return 1.0
    informative = min(int((shares > 0).sum()), int((shares < 1).sum()))
    between, within = variances(shares, answers_each)
    raw = between / (between + within) if between + within > 0 else 1.0
    return (informative * raw + 1) / (informative + 1)


def variances(shares: Floats, answers_each: float) -> tuple[float, float]:
    """The variance of the chance of a right answer between questions, and that of an answer within its question.

    Raises `ValueError` with one question or one answer each, which cannot tell the two apart.
    """
    if len(shares) < 2 or answers_each <= 1:
        raise ValueError("variances between and within questions need two questions and two answers to each")
    within = float((shares * (1 - shares)).mean()) * answers_each / (answers_each - 1)
    return max(0.0, float(shares.var(ddof=1)) - within / answers_each), within


# --- changes and averages ------------------------------------------------------------------------------------------


def paired_change(
    before: ArrayLike, after: ArrayLike, answers_each: tuple[float, float] = (1.0, 1.0), level: float = LEVEL
) -> Estimate:
    """The mean change of each question's share of right answers; both lists hold the same questions in one order."""
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    informative = min(int(n) for values in (first, second) for n in ((values > 0).sum(), (values < 1).sum()))
    correlation = _correlation(first, second) * informative / (informative + 1)
    parts = (clustered_share(first, answers_each[0], level), clustered_share(second, answers_each[1], level))
    return square_and_add(*parts, correlation)


def square_and_add(before: Estimate, after: Estimate, correlation: float = 0.0) -> Estimate:
    """after - before from the intervals of both and the correlation of their errors."""
    return Estimate(
        after.value - before.value,
        after.value - before.value - _joint(after.value - after.low, before.high - before.value, correlation),
        after.value - before.value + _joint(after.high - after.value, before.value - before.low, correlation),
    )


def average(parts: Sequence[Estimate]) -> Estimate:
    """The mean of independent estimates, such as the same figure on several benchmarks."""
    value = sum(e.value for e in parts) / len(parts)
    low = math.sqrt(sum((e.value - e.low) ** 2 for e in parts)) / len(parts)
    high = math.sqrt(sum((e.high - e.value) ** 2 for e in parts)) / len(parts)
    return Estimate(value, value - low, value + high)


def with_seeds(estimate: Estimate, by_seed: ArrayLike, level: float = LEVEL) -> Estimate:
    """Widen an estimate over new questions to one over new questions and new seeds.

    `by_seed` has a row per seed and a column per question. The variance between seeds is the analysis of variance's
    (rows and columns crossed, both random), with Student's t for so few of them. Two seeds tell hardly anything:
    take three or more.
    """
    table = np.asarray(by_seed, dtype=np.float64)
    seeds, questions = table.shape
    if seeds < 2:
        return estimate
    by_row, by_column = table.mean(axis=1), table.mean(axis=0)
    rest = table - by_row[:, None] - by_column[None, :] + table.mean()
    noise = float((rest**2).sum()) / max(1, (seeds - 1) * (questions - 1)) / questions
    variance = max(0.0, float(by_row.var(ddof=1)) - noise)
    half = float(special.stdtrit(seeds - 1, (1 + level) / 2)) * math.sqrt(variance / seeds)
    low = estimate.value - math.hypot(estimate.value - estimate.low, half)
    return Estimate(estimate.value, low, estimate.value + math.hypot(estimate.high - estimate.value, half))


def _correlation(first: Floats, second: Floats) -> float:
    spread = float(first.std() * second.std())
    return float(((first - first.mean()) * (second - second.mean())).mean()) / spread if spread > 0 else 0.0


def _joint(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))


# --- means ---------------------------------------------------------------------------------------------------------


def mean(values: ArrayLike, *, seed: int = 0, level: float = LEVEL) -> Estimate:
    """A mean with its studentised bootstrap interval (seeded), which follows skewed lengths.

    One value has no interval; equal values have one of no width.
    """
    array = np.asarray(values, dtype=np.float64)
    centre = float(array.mean())
    if len(array) < 2:
        return Estimate(centre, math.nan, math.nan)
    spread = float(array.std(ddof=1))
    if spread == 0:
        return Estimate(centre, centre, centre)
    means, spreads = _resampled(array, np.random.default_rng(seed))
    tails = np.quantile(
        (means - centre) / np.maximum(spreads, _LEAST_SPREAD * spread), [(1 - level) / 2, (1 + level) / 2]
    )
    low, high = centre - float(tails[1]) * spread, centre - float(tails[0]) * spread
    return Estimate(centre, min(low, centre), max(high, centre))


def _resampled(values: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Means and standard deviations of resamples with replacement."""
    at_once = max(1, 1_000_000 // len(values))  # bounds memory for large benchmarks
    means, spreads = [], []
    for start in range(0, RESAMPLES, at_once):
        rows = values[rng.integers(0, len(values), size=(min(at_once, RESAMPLES - start), len(values)))]
        means.append(rows.mean(axis=1))
        spreads.append(rows.std(axis=1, ddof=1))
    return np.concatenate(means), np.concatenate(spreads)


# --- tests ---------------------------------------------------------------------------------------------------------


def p_value(interval: Callable[[float], Estimate]) -> float:
    """The p-value of "there is no change": 1 minus the level at which `interval(level)` just reaches zero.

    It agrees with the interval by construction: below 0.05 exactly where the 95 % interval excludes zero.
    """
    low, high = SMALLEST_P, 0.0  # log10 of p
    if interval(1 - 10**low).clear_of_zero:
        return float(10**low)
    if not interval(0.0).clear_of_zero:
        return 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if interval(1 - 10**middle).clear_of_zero:
            high = middle
        else:
            low = middle
    return float(10**high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given: comparing them with 0.05 keeps the chance of a single
    false claim among all of them at 5 %."""
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = worst
    return adjusted
