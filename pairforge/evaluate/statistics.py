"""Accuracy and length with their uncertainty. Pure: answers in, estimates out.

The unit of chance is the question: every interval is a percentile bootstrap over questions, with the draws of one
question averaged first. Averages over benchmarks are averages of scores, never of relative changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 4000
LEVEL = 0.95
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Answer:
    """One sampled answer. `score` is 1 or 0, None where the verifier could not decide; `tokens` are the model's own."""

    question: str
    score: float | None
    tokens: int
    truncated: bool = False
    reflections: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def clear_of_zero(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one benchmark. Shares lie in 0..1; `undecided` answers count in no accuracy.

    `finished_tokens` is the mean length of the answers that were not cut; `quantiles` are the 10, 50 and 90 %
    quantiles of all lengths; `reflections` counts "wait" and "hmm" per answer.
    """

    questions: int
    answers: int
    undecided: int
    accuracy: Estimate
    tokens: Estimate
    finished_tokens: float | None
    quantiles: tuple[float, float, float]
    truncated: float
    reflections: Estimate


@dataclass(frozen=True, slots=True)
class Difference:
    """After minus before on the questions both answered: accuracy in points of share, tokens, reflections."""

    questions: int
    accuracy: Estimate
    tokens: Estimate
    reflections: Estimate


def score(answers: Sequence[Answer], *, seed: int = 0) -> Score:
    """Summarise one model's answers on one benchmark; there must be at least one."""
    tokens = np.array([a.tokens for a in answers], dtype=float)
    finished = [a.tokens for a in answers if not a.truncated]
    low, middle, high = (float(q) for q in np.quantile(tokens, QUANTILES))
    return Score(
        questions=len({a.question for a in answers}),
        answers=len(answers),
        undecided=sum(a.score is None for a in answers),
        accuracy=estimate([per_question(answers, "score")], seed=seed),
        tokens=estimate([per_question(answers, "tokens")], seed=seed),
        finished_tokens=sum(finished) / len(finished) if finished else None,
        quantiles=(low, middle, high),
        truncated=sum(a.truncated for a in answers) / len(answers),
        reflections=estimate([per_question(answers, "reflections")], seed=seed),
    )


def difference(before: Sequence[Answer], after: Sequence[Answer], *, seed: int = 0) -> Difference:
    """The paired difference of two models on one benchmark."""
    return overall_difference([(before, after)], seed=seed)


def overall_accuracy(benchmarks: Sequence[Sequence[Answer]], *, seed: int = 0) -> Estimate:
    """The average of the benchmarks' accuracies, each benchmark resampled on its own."""
    return estimate([per_question(answers, "score") for answers in benchmarks], seed=seed)


def overall_tokens(benchmarks: Sequence[Sequence[Answer]], *, seed: int = 0) -> Estimate:
    """The average of the benchmarks' mean lengths."""
    return estimate([per_question(answers, "tokens") for answers in benchmarks], seed=seed)


def overall_difference(benchmarks: Sequence[tuple[Sequence[Answer], Sequence[Answer]]], *, seed: int = 0) -> Difference:
    """The average over benchmarks of the paired differences (a difference of averages, as pairs are complete)."""
    changes = {
        name: [_change(per_question(before, name), per_question(after, name)) for before, after in benchmarks]
        for name in ("score", "tokens", "reflections")
    }
    return Difference(
        questions=sum(len(change) for change in changes["score"]),
        accuracy=estimate(changes["score"], seed=seed),
        tokens=estimate(changes["tokens"], seed=seed),
        reflections=estimate(changes["reflections"], seed=seed),
    )


def pool(runs: Sequence[tuple[Sequence[Answer], Sequence[Answer]]]) -> tuple[list[Answer], list[Answer]]:
    """Before and after of several seeds as one comparison.

    A question's draws of all seeds are averaged before questions are resampled, so the interval is that of the mean
    over these seeds on new questions; how much the seeds differ is to be shown beside it.
    """
    return [a for before, _ in runs for a in before], [a for _, after in runs for a in after]


def per_question(answers: Sequence[Answer], name: str) -> dict[str, float]:
    """The mean of a field over each question's draws; draws without a value are left out."""
    values: dict[str, list[float]] = {}
    for answer in answers:
        value = getattr(answer, name)
        if value is not None:
            values.setdefault(answer.question, []).append(float(value))
    return {question: sum(found) / len(found) for question, found in values.items()}


def _change(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {question: after[question] - before[question] for question in before if question in after}


def estimate(groups: Sequence[Mapping[str, float]], *, seed: int = 0) -> Estimate:
    """The mean over groups of the mean over each group's questions, with its bootstrap interval.

    Each group is resampled on its own. Without a single value the estimate is not a number.
    """
    if not groups or not all(groups):
        return Estimate(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    arrays = [np.array([group[q] for q in sorted(group)]) for group in groups]
    value = float(np.mean([array.mean() for array in arrays]))
    resampled = np.mean([_resampled_means(array, rng) for array in arrays], axis=0)
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))


def _resampled_means(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    at_once = max(1, 2_000_000 // len(values))  # bounds memory for large benchmarks
    means = []
    for start in range(0, RESAMPLES, at_once):
        rows = min(at_once, RESAMPLES - start)
        means.append(values[rng.integers(0, len(values), size=(rows, len(values)))].mean(axis=1))
    return np.concatenate(means)
