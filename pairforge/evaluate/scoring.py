"""What the answers of a model say: accuracy, pass@k, maj@k, accuracy at token budgets, lengths. Pure.

The unit of chance is the question: its answers are averaged first. An answer that the verifier could not decide and
a request that failed count as wrong; the other bound, where all of them are right, is given beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from pairforge import intervals
from pairforge.intervals import LEVEL, Estimate

Outcome = Literal["right", "wrong", "undecided", "failed"]
QUANTILES = (0.1, 0.5, 0.9)
MAX_BUDGETS = 5
DETECTABLE = float((special.ndtri(0.975) + special.ndtri(0.8)) / special.ndtri(0.975))  # of half an interval


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one question.

    `outcome`: "undecided" where the verifier could not decide, "failed" where the engine gave no answer.
    `tokens` are the model's own. `truncated`: cut at max_tokens (finish_reason "length").
    `vote` names the final answer, equal for answers that the verifier finds equal; "" where there is none.
    `reflections` counts "wait" and "hmm".
    """

    question: str
    outcome: Outcome
    tokens: int
    truncated: bool = False
    reflections: int = 0
    vote: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one benchmark. Shares lie in 0..1; counts are of answers.

    `accuracy` counts undecided and failed answers as wrong, `accuracy_at_most` as right. `undecided`, `failed` and
    `truncated` are their numbers. `pass_at[k]`: at least one of k answers is right (the unbiased estimator of Chen
    et al. 2021). `majority`: the answer that most of a question's answers agree on is right (maj@k with all k
    answers; ties count by their share). `at_budget[tokens]`: the answer is right and finished within that many
    tokens. `quantiles` are the 10, 50 and 90 % quantiles of all lengths, `finished_tokens` the mean of those not
    truncated. `between_variance` is the variance over questions of the chance of a right answer (None with one
    answer each), `effective_answers` the number of independent answers that tell as much as these (see
    `intervals.effective_size`).
    Lengths leave failed answers out.
    """

    questions: int
    answers: int
    seeds: int
    undecided: int
    failed: int
    truncated: int
    accuracy: Estimate
    accuracy_at_most: Estimate
    tokens: Estimate
    finished_tokens: float | None
    quantiles: tuple[float, float, float] | None
    reflections: Estimate
    pass_at: dict[int, Estimate]
    majority: Estimate
    at_budget: dict[int, Estimate]
    between_variance: float | None
    effective_answers: float


@dataclass(frozen=True, slots=True)
class Change:
    """A model minus the first model, question by question.

    `questions` were asked of both. `accuracy` is in points of share; `p` its p-value ("no change"), `p_holm` the
    one corrected for all models that are compared with the first. `detectable` is the smallest change of accuracy
    that such a comparison finds with 80 % power. `by_seed` is the change on each seed alone.
    """

    questions: int
    accuracy: Estimate
    tokens: Estimate
    reflections: Estimate
    p: float
    p_holm: float
    detectable: float
    by_seed: tuple[float, ...] = ()


Seeds = Sequence[Sequence[Answer]]
"""The answers of one model, or of several that differ in nothing but the seed they were trained with."""

Value = Callable[[Answer], float | None]
"""A figure of one answer; None leaves the answer out."""


def score(seeds: Seeds, *, budgets: Sequence[int] = (), seed: int = 0) -> Score:
    """Summarise one model's answers on one benchmark; raises `ValueError` when there are none."""
    answers = pooled(seeds)
    if not answers:
        raise ValueError("there is no answer to score")
    given = [a for a in answers if a.outcome != "failed"]
    finished = [a.tokens for a in given if not a.truncated]
    outcomes = Counter(a.outcome for a in answers)
    shares, each = np.array(list(per_question(answers, is_right).values())), answers_each(answers)
    return Score(
        questions=len(shares),
        answers=len(answers),
        seeds=len(seeds),
        undecided=outcomes["undecided"],
        failed=outcomes["failed"],
        truncated=sum(a.truncated for a in answers),
        accuracy=accuracy(seeds, is_right),
        accuracy_at_most=accuracy(seeds, may_be_right),
        tokens=mean_of(seeds, tokens_of, seed=seed),
        finished_tokens=sum(finished) / len(finished) if finished else None,
        quantiles=_quantiles([a.tokens for a in given]),
        reflections=mean_of(seeds, reflections_of, seed=seed),
        pass_at={k: _share_of(seeds, lambda own, k=k: pass_at(own, k)) for k in pass_counts(seeds)},  # type: ignore[misc]
        majority=_share_of(seeds, majority),
        at_budget={budget: accuracy(seeds, within(budget)) for budget in budgets},
        between_variance=intervals.variances(shares, each)[0] if len(shares) > 1 and each > 1 else None,
        effective_answers=intervals.effective_size(shares, each),
    )


def change(before: Seeds, after: Seeds, *, seed: int = 0) -> Change:
    """The paired change from one model to another on one benchmark; raises `ValueError` without a common question."""
    return average_change([(before, after)], seed=seed)


def average_change(benchmarks: Sequence[tuple[Seeds, Seeds]], *, seed: int = 0) -> Change:
    """The average over benchmarks of the paired changes: of scores, never of relative changes."""

    def at(level: float) -> Estimate:
        return intervals.average([_accuracy_change(*pair, level) for pair in benchmarks])

    points = at(LEVEL)
    p = intervals.p_value(at)
    return Change(
        questions=sum(len(_common(before, after)) for before, after in benchmarks),
        accuracy=points,
        tokens=intervals.average([_mean_change(*pair, tokens_of, seed) for pair in benchmarks]),
        reflections=intervals.average([_mean_change(*pair, reflections_of, seed) for pair in benchmarks]),
        p=p,
        p_holm=p,
        detectable=DETECTABLE * max(points.value - points.low, points.high - points.value),
        by_seed=_change_by_seed(*benchmarks[0]) if len(benchmarks) == 1 else (),
    )


def accuracy(seeds: Seeds, value: Value, level: float = LEVEL) -> Estimate:
    """The share of answers for which `value` is 1, each question counting the same."""
    answers = pooled(seeds)
    shares = list(per_question(answers, value).values())
    own = intervals.clustered_share(shares, answers_each(answers), level)
    return intervals.with_seeds(own, _table([per_question(s, value) for s in seeds]), level)


def mean_of(seeds: Seeds, value: Value, *, seed: int = 0) -> Estimate:
    """The mean over questions of the mean over a question's answers."""
    values = list(per_question(pooled(seeds), value).values())
    if not values:
        return Estimate(math.nan, math.nan, math.nan)
    return intervals.with_seeds(intervals.mean(values, seed=seed), _table([per_question(own, value) for own in seeds]))


# --- figures of one answer -----------------------------------------------------------------------------------------


def is_right(answer: Answer) -> float:
    return float(answer.outcome == "right")


def may_be_right(answer: Answer) -> float:
    """1 where the answer is right or nobody knows."""
    return float(answer.outcome != "wrong")


def within(budget_tokens: int) -> Value:
    """Right and finished within a budget. What a model would score if it were cut there."""
    return lambda a: float(a.outcome == "right" and not a.truncated and a.tokens <= budget_tokens)


def tokens_of(answer: Answer) -> float | None:
    return None if answer.outcome == "failed" else float(answer.tokens)


def reflections_of(answer: Answer) -> float | None:
    return None if answer.outcome == "failed" else float(answer.reflections)


# --- figures of one question's answers -----------------------------------------------------------------------------


def pass_at(answers: Sequence[Answer], k: int) -> dict[str, float]:
    """Each question's chance that at least one of k answers is right: 1 - C(n - c, k) / C(n, k) for c right of n."""
    found = {}
    for question, own in by_question(answers).items():
        right = sum(a.outcome == "right" for a in own)
        found[question] = 1 - math.comb(len(own) - right, k) / math.comb(len(own), k)
    return found


def pass_counts(seeds: Seeds) -> list[int]:
    """The k for which pass@k can be told: powers of two up to the fewest answers that a question has, and these."""
    fewest = min((len(own) for answers in seeds for own in by_question(answers).values()), default=0)
    return sorted({2**i for i in range(fewest.bit_length())} | {fewest} - {0})


def majority(answers: Sequence[Answer]) -> dict[str, float]:
    """Whether each question's most frequent final answer is right; among ties, the share of them that is.

    Answers without a final answer do not vote; where none does, the question is wrong.
    """
    found = {}
    for question, own in by_question(answers).items():
        votes = Counter(a.vote for a in own if a.vote)
        right = {a.vote for a in own if a.outcome == "right"}
        winners = [vote for vote, count in votes.items() if count == max(votes.values())]
        found[question] = sum(vote in right for vote in winners) / len(winners) if winners else 0.0
    return found


def token_budgets(answers: Sequence[Answer]) -> list[int]:
    """Powers of two that divide the lengths of the answers: the longest one that matters, and those below it."""
    lengths = [a.tokens for a in answers if a.outcome != "failed" and a.tokens > 0]
    if not lengths:
        return []
    low, high = (math.ceil(math.log2(float(np.quantile(lengths, q)))) for q in (0.1, 1.0))
    return [2**power for power in range(max(low, high - MAX_BUDGETS + 1), high + 1)]


def by_question(answers: Sequence[Answer]) -> dict[str, list[Answer]]:
    """The answers by question, sorted by its id: no figure depends on the order in which answers came."""
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        found.setdefault(answer.question, []).append(answer)
    return dict(sorted(found.items()))


def per_question(answers: Sequence[Answer], value: Value) -> dict[str, float]:
    """The mean of a figure over each question's answers; answers and questions without one are left out."""
    found = {}
    for question, own in by_question(answers).items():
        values = [v for v in map(value, own) if v is not None]
        if values:
            found[question] = math.fsum(values) / len(values)
    return found


def answers_each(answers: Sequence[Answer]) -> float:
    """How many answers a question has on average."""
    return len(answers) / len({a.question for a in answers})


def pooled(seeds: Seeds) -> list[Answer]:
    return [answer for own in seeds for answer in own]


# --- inside --------------------------------------------------------------------------------------------------------


def _share_of(seeds: Seeds, of: Callable[[Sequence[Answer]], dict[str, float]]) -> Estimate:
    """The mean of a share that a question's answers have together: one observation per question."""
    table = _table([of(own) for own in seeds])
    return intervals.with_seeds(intervals.clustered_share(table.mean(axis=0)), table)


def _table(rows: Sequence[Mapping[str, float]]) -> intervals.Floats:
    """A row per seed, a column per question that every seed has."""
    common = sorted(set.intersection(*(set(row) for row in rows)))
    return np.array([[row[question] for question in common] for row in rows]).reshape(len(rows), -1)


def _common(before: Seeds, after: Seeds) -> set[str]:
    return {a.question for own in before for a in own} & {a.question for own in after for a in own}


def _accuracy_change(before: Seeds, after: Seeds, level: float) -> Estimate:
    common = _common(before, after)
    if not common:
        raise ValueError("the two models have no question in common")
    first, second = ([a for a in pooled(side) if a.question in common] for side in (before, after))
    own = intervals.paired_change(
        list(per_question(first, is_right).values()),
        list(per_question(second, is_right).values()),
        (answers_each(first), answers_each(second)),
        level,
    )
    return _widened(own, before, after, is_right, level)


def _mean_change(before: Seeds, after: Seeds, value: Value, seed: int) -> Estimate:
    first, second = per_question(pooled(before), value), per_question(pooled(after), value)
    changes = [second[question] - first[question] for question in first if question in second]
    if not changes:
        return Estimate(math.nan, math.nan, math.nan)
    return _widened(intervals.mean(changes, seed=seed), before, after, value, LEVEL)


def _widened(estimate: Estimate, before: Seeds, after: Seeds, value: Value, level: float) -> Estimate:
    """The estimate for new seeds as well: seed by seed where both sides have as many, else each side on its own."""
    first, second = ([per_question(own, value) for own in side] for side in (before, after))
    if len(first) == len(second):
        pairs = zip(first, second, strict=True)
        return intervals.with_seeds(estimate, _table([{q: b[q] - a[q] for q in a if q in b} for a, b in pairs]), level)
    return intervals.with_seeds(intervals.with_seeds(estimate, _table(first), level), _table(second), level)


def _change_by_seed(before: Seeds, after: Seeds) -> tuple[float, ...]:
    if len(after) == 1:
        return ()
    pairs = zip(before, after, strict=True) if len(before) == len(after) else ((pooled(before), own) for own in after)
    return tuple(_accuracy_change([a], [b], LEVEL).value for a, b in pairs)


def _quantiles(lengths: Sequence[int]) -> tuple[float, float, float] | None:
    if not lengths:
        return None
    low, middle, high = (float(q) for q in np.quantile(lengths, QUANTILES))
    return low, middle, high
