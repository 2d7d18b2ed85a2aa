"""How hard the paired problems are for a sampler, corrected for the draws that selected them.

A problem is paired because some draw of it was right. The share of right answers among those draws overstates how
often the sampler solves it. The correction takes all drawn problems together: their chances of a right answer follow a
Beta distribution, fitted by maximum likelihood, and each paired problem is estimated by its mean given its own draws.
Stopping early does not bias this, because whether to go on depends on draws that are all in the data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import optimize, special

from pairforge.filters.evidence import Evidence
from pairforge.intervals import Estimate

RESAMPLES = 200
MIN_PROBLEMS = 20  # fewer drawn problems say nothing about how their chances are spread
TRIED = ("correct", "incorrect", "no_answer", "truncated")
_GIVEN = "given"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How often one arm solves the problems of a view.

    `paired` of the `drawn` problems are in the view. `on_selecting_draws` is the share of right draws of the paired
    problems, biased upwards; `value` with its 95 % interval `low` to `high` is corrected, and `all_problems` is the
    mean over all drawn ones. `one_draw`: no problem was drawn twice, so that the data cannot tell how chances are
    spread. The correction then lies anywhere between `all_problems` and `on_selecting_draws`, and so does the interval.
    """

    arm: str
    drawn: int
    paired: int
    on_selecting_draws: float
    value: float | None
    low: float
    high: float
    all_problems: float
    one_draw: bool = False


def difficulties(evidence: Evidence, paired_problems: Iterable[str], *, seed: int = 0) -> list[Difficulty]:
    """One estimate per arm that was drawn for enough problems, and for a paired one."""
    tried = pl.col("status").cast(pl.String).is_in(TRIED)
    draws = evidence.samples.filter((pl.col("origin") != _GIVEN) & tried)
    paired = evidence.problems["problem_id"].is_in(list(set(paired_problems)))
    found = []
    for arm in sorted(draws["origin"].cast(pl.String).unique()):
        counts = (
            draws.filter(pl.col("origin") == arm)
            .group_by("p")
            .agg(n=pl.len(), right=(pl.col("status") == "correct").sum())
            .sort("p")
        )
        inside = paired[counts["p"]].to_numpy()
        if counts.height >= MIN_PROBLEMS and inside.any():
            right, n = (counts[name].to_numpy().astype(float) for name in ("right", "n"))
            found.append(difficulty(arm, right, n, inside, seed=seed))
    return found


def difficulty(arm: str, right: Floats, n: Floats, paired: NDArray[np.bool_], *, seed: int = 0) -> Difficulty:
    """The estimate from the right draws and the draws of each problem, and from which are paired."""
    naive, everything = float((right / n)[paired].mean()), float((right / n).mean())
    told = partial(Difficulty, arm, len(n), int(paired.sum()), naive)
    if n.max() < 2:
        low, high = sorted((everything, naive))
        return told(value=None, low=low, high=high, all_problems=everything, one_draw=True)
    cells, counts = np.unique(np.stack([right, n, paired]), axis=1, return_counts=True)
    rng = np.random.default_rng(seed)
    resampled = [_corrected(cells, sample) for sample in rng.multinomial(len(n), counts / len(n), RESAMPLES)]
    known = np.array([values for values in resampled if values is not None])
    value = _corrected(cells, counts)
    assert value is not None  # a problem is paired
    low, high = np.quantile(known[:, 0], (0.025, 0.975))
    estimate = Estimate(value[0], float(min(low, value[0])), float(max(high, value[0])))
    return told(value=estimate.value, low=estimate.low, high=estimate.high, all_problems=value[1])


def _corrected(cells: Floats, counts: NDArray[np.int64]) -> tuple[float, float] | None:
    """(mean over the paired problems, mean over all) of cells that occur `counts` times; None without a paired one."""
    right, n, paired = cells
    weights = counts * paired
    if not weights.sum():
        return None
    a, b = fit_beta(right, n, counts.astype(float))
    means = (a + right) / (a + b + n)
    return float((weights * means).sum() / weights.sum()), a / (a + b)


def fit_beta(right: Floats, n: Floats, weights: Floats) -> tuple[float, float]:
    """The Beta distribution (a, b) of the problems' chances that makes their draws most likely."""

    def loss(parameters: Floats) -> float:
        mean, size = special.expit(parameters[0]), np.exp(parameters[1])
        a, b = mean * size, (1 - mean) * size
        likelihood = special.betaln(a + right, b + n - right) - special.betaln(a, b)
        return -float((weights * likelihood).sum())

    share = float(np.clip((weights * right).sum() / (weights * n).sum(), 0.01, 0.99))
    bounds = [(-8.0, 8.0), (-4.0, 7.0)]  # chances from 0.0003 up, and from all or nothing to nearly equal
    fitted = optimize.minimize(loss, [special.logit(share), 0.0], method="L-BFGS-B", bounds=bounds)
    mean, size = float(special.expit(fitted.x[0])), float(np.exp(fitted.x[1]))
    return mean * size, (1 - mean) * size


def difficulty_in_words(one: Difficulty) -> str:
    """The estimate as a sentence."""
    interval = f"{one.low:.0%} to {one.high:.0%}"
    about = f"how often {one.arm} solves the {one.paired:,} paired problems: "
    biased = f"{one.on_selecting_draws:.0%} on the draws that selected them, which is biased upwards"
    if one.one_draw or one.value is None:
        return f"{about}{biased}; one draw per problem leaves anything from {interval} possible"
    return (
        f"{about}{one.value:.0%} (95% interval {interval}), corrected for selection; {biased}; {one.all_problems:.0%} "
        f"of all {one.drawn:,} drawn problems"
    )
