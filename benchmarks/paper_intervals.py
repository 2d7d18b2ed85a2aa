"""The paper's tables with the intervals that their numbers of questions allow.

    python -m benchmarks.paper_intervals

ThinkPO (arXiv 2502.13173) asks each question once and gives no intervals. From the accuracies in its tables 1, 2, 3 and
5 and the sizes of the benchmarks this computes what one such measurement can tell: exact intervals of each change, and
of the mean of the relative changes that the abstract quotes. The paper does not say which questions were right before
and after, so the two measurements count as independent; paired ones would be about two thirds as wide where most
questions keep their result. No machine matters here: a second on any.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest

from pairforge.intervals import Estimate, average, exact_share, square_and_add

QUESTIONS = {"MATH500": 500, "AIME24": 30, "GPQA-D": 198, "GSM8K": 1319, "Olympiad": 674}

# accuracy in per cent before and after ThinkPO, one pair per benchmark in the order above
TABLES: dict[str, dict[str, list[tuple[float, float]]]] = {
    "Table 1: Qwen2.5-7B-Instruct with SFT": {
        "+ThinkPO": [(82.8, 83.4), (20.0, 26.7), (35.4, 36.9), (93.9, 93.0), (44.5, 46.9)],
    },
    "Table 2: public models": {
        "DeepSeek-R1-Distill-Qwen-7B": [(87.4, 91.2), (56.7, 43.3), (47.0, 49.5), (87.2, 87.6), (58.6, 58.6)],
        "Bespoke-Stratos-7B": [(84.0, 82.8), (20.0, 23.3), (37.9, 43.4), (92.9, 93.3), (44.1, 48.5)],
    },
    "Table 3: sizes": {
        "3B": [(53.6, 54.6), (3.3, 6.7), (26.3, 27.3), (80.4, 81.1), (20.0, 22.0)],
        "7B": [(73.0, 74.6), (16.7, 13.3), (32.3, 36.4), (88.2, 88.9), (35.3, 37.2)],
        "14B": [(83.2, 85.6), (23.3, 33.3), (45.5, 44.0), (93.7, 93.9), (49.9, 52.1)],
    },
    "Table 5: 1,000 pairs by length gap, against no DPO": {
        "small gaps (621 tokens)": [(84.0, 84.2), (20.0, 26.7), (37.9, 40.9), (92.9, 92.9), (44.1, 46.1)],
        "middle gaps (1,525)": [(84.0, 81.8), (20.0, 13.3), (37.9, 41.9), (92.9, 92.9), (44.1, 45.9)],
        "large gaps (4,758)": [(84.0, 84.0), (20.0, 16.7), (37.9, 38.9), (92.9, 93.0), (44.1, 45.9)],
        "all pairs": [(84.0, 82.8), (20.0, 23.3), (37.9, 43.4), (92.9, 93.3), (44.1, 48.5)],
    },
}
RESAMPLES = 100_000


def change(before: float, after: float, questions: int) -> Estimate:
    """The change in points of two accuracies in per cent, each measured once on as many questions."""
    one, two = (exact_share(round(share * questions / 100), questions) for share in (before, after))
    return square_and_add(one, two)


def mean_relative_change(pairs: list[tuple[float, float]], seed: int = 0) -> Estimate:
    """The mean over benchmarks of the change relative to before, in per cent, by a parametric bootstrap."""
    rng = np.random.default_rng(seed)
    parts = []
    for (before, after), questions in zip(pairs, QUESTIONS.values(), strict=True):
        old, new = (rng.binomial(questions, share / 100, RESAMPLES) / questions for share in (before, after))
        parts.append(np.where(old > 0, new / np.maximum(old, 1 / questions) - 1, np.nan))
    means = 100 * np.nanmean(parts, axis=0)
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(float(np.mean([100 * (after / before - 1) for before, after in pairs])), float(low), float(high))


def shown(estimate: Estimate, scale: float = 1.0) -> str:
    mark = "**" if estimate.clear_of_zero else ""
    value, low, high = (scale * x for x in (estimate.value, estimate.low, estimate.high))
    return f"{mark}{value:+.1f} [{low:+.1f}, {high:+.1f}]{mark}"


def together(models: list[list[tuple[float, float]]]) -> str:
    """All changes of several models: their mean, and how many went up."""
    pairs = [(pair, questions) for model in models for pair, questions in zip(model, QUESTIONS.values(), strict=True)]
    changes = [change(*pair, questions) for pair, questions in pairs]
    up, down = (sum(sign * (after - before) > 0 for (before, after), _ in pairs) for sign in (1, -1))
    p = binomtest(up, up + down).pvalue
    mean = shown(average(changes), 100)
    return f"All {len(changes)} changes: mean {mean} points; {up} up, {down} down (two-sided sign test: p = {p:.2g})"


def main() -> None:
    names = " | ".join(f"{name} ({questions:,})" for name, questions in QUESTIONS.items())
    for title, models in TABLES.items():
        print(f"\n### {title}\n\n| | {names} | mean, points | mean of relative changes, % |")
        print("|---" * (len(QUESTIONS) + 3) + "|")
        for model, pairs in models.items():
            changes = [change(*pair, questions) for pair, questions in zip(pairs, QUESTIONS.values(), strict=True)]
            cells = [shown(each, 100) for each in changes] + [shown(average(changes), 100)]
            print(f"| {model} | {' | '.join(cells)} | {shown(mean_relative_change(pairs))} |")
    print(f"\n{together([pairs for title in list(TABLES)[:3] for pairs in TABLES[title].values()])}")


if __name__ == "__main__":
    main()
