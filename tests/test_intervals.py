"""Intervals against scipy and published examples, and against the truth in simulations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pairforge.intervals import (
    Estimate,
    answer_correlation,
    average,
    clustered_share,
    effective_size,
    exact_share,
    holm,
    mean,
    p_value,
    paired_change,
    square_and_add,
    with_seeds,
)

COVERAGE = 0.93
SMALL = (0.03, 0.05, 0.08, 0.15, 0.3, 0.5, 0.7, 0.95, 0.97)


def wilson(hits: int, count: int) -> Estimate:
    interval = stats.binomtest(hits, count).proportion_ci(method="wilson")
    return Estimate(hits / count, interval.low, interval.high)


# --- shares --------------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95, 0.99])
)
def test_a_share_has_scipys_exact_interval(counts: tuple[int, int], level: float):
    hits, count = counts
    ours, theirs = exact_share(hits, count, level), stats.binomtest(hits, count).proportion_ci(level, method="exact")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_none_of_thirty_is_not_certainty():
    none, every = clustered_share([0.0] * 30), clustered_share([1.0] * 30)
    assert (none.value, none.low, none.high) == (0, 0, pytest.approx(1 - 0.025 ** (1 / 30)))  # 11.6 %
    assert (every.value, every.high, every.low) == (1, 1, pytest.approx(0.025 ** (1 / 30)))


def test_a_share_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        exact_share(0, 0)


@pytest.mark.parametrize("count", [10, 11, 13, 16, 20, 30, 47, 100])
def test_a_share_is_covered_at_every_rate(count: int):
    """Exactly, not by simulation: the sum of the binomial over the outcomes whose interval holds the truth."""
    rates = np.linspace(0.03, 0.97, 941)
    intervals = [exact_share(hits, count) for hits in range(count + 1)]
    holds = np.array([[e.low <= rate <= e.high for rate in rates] for e in intervals])
    covered = (holds * stats.binom.pmf(np.arange(count + 1)[:, None], count, rates)).sum(axis=0)
    assert covered.min() >= 0.95


def drawn(rng: np.random.Generator, questions: int, answers: int, rate: float, alike: float, sets: int) -> np.ndarray:
    """Shares of right answers (sets, questions); `alike` is the intraclass correlation of a question's answers."""
    if alike in (0, 1):
        chance = (
            np.full((sets, questions), rate) if alike == 0 else (rng.random((sets, questions)) < rate).astype(float)
        )
    else:
        size = (1 - alike) / alike
        chance = rng.beta(rate * size, (1 - rate) * size, (sets, questions))
    return rng.binomial(answers, chance) / answers


def cluster_coverage(
    questions: int, answers: int, sets: int, alikes: tuple[float, ...]
) -> dict[tuple[float, float], float]:
    rng = np.random.default_rng(questions + answers)
    covered = {}
    for alike in alikes:
        for rate in SMALL:
            estimates = [clustered_share(row, answers) for row in drawn(rng, questions, answers, rate, alike, sets)]
            covered[alike, rate] = float(np.mean([e.low <= rate <= e.high for e in estimates]))
    return covered


@pytest.mark.parametrize(("questions", "answers"), [(10, 4), (30, 2), (30, 16)])
def test_several_answers_to_a_question_are_covered(questions: int, answers: int):
    """Whether a question's answers are all alike or independent. With the noise of 400 sets: 3 standard errors."""
    covered = cluster_coverage(questions, answers, 400, (0, 0.5, 1))
    assert min(covered.values()) >= COVERAGE - 0.02, covered
    assert np.mean(list(covered.values())) >= 0.95


@pytest.mark.full
@pytest.mark.parametrize("questions", [10, 15, 30, 100, 300])
@pytest.mark.parametrize("answers", [2, 4, 16])
def test_several_answers_to_a_question_are_covered_at_length(questions: int, answers: int):
    covered = cluster_coverage(questions, answers, 4000, (0, 0.1, 0.3, 0.5, 0.8, 0.95, 1))
    assert min(covered.values()) >= COVERAGE, covered


def test_more_answers_narrow_the_interval_only_where_they_differ():
    alike, mixed = [float(i < 40) for i in range(100)], [0.25, 0.5, 0.5, 0.25] * 25
    assert effective_size(np.array(alike), 4) == pytest.approx(100, rel=0.01)
    assert effective_size(np.array(mixed), 4) > 380
    one, four = clustered_share(alike), clustered_share(mixed, 4)
    assert four.high - four.low < 0.6 * (one.high - one.low)


def test_the_correlation_of_answers_is_the_analysis_of_variances():
    """The intraclass correlation from scipy's one-way F statistic: (F - 1) / (F + k - 1)."""
    rng = np.random.default_rng(0)
    right = rng.binomial(1, rng.beta(0.8, 0.8, 4000)[:, None], (4000, 4))
    f = stats.f_oneway(*right).statistic
    assert answer_correlation(right.mean(axis=1), 4) == pytest.approx((f - 1) / (f + 3), abs=0.002)


# --- changes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("both", "first", "second", "neither", "low", "high"),
    [
        (36, 12, 2, 0, 0.0569, 0.3404),  # Newcombe (1998), paired data, method 10
        (20, 12, 2, 16, 0.0562, 0.3292),  # the same
        (1, 1, 7, 12, -0.507, -0.026),  # Fagerland, Lydersen and Laake (2014), table II
    ],
)
def test_square_and_add_is_newcombes_published_interval(
    both: int, first: int, second: int, neither: int, low: float, high: float
):
    """On Wilson's intervals and with Newcombe's correction of the correlation."""
    n = both + first + second + neither
    cross = both * neither - first * second
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    if cross > 0:
        cross = max(cross - n / 2, 0)
    phi = cross / math.sqrt(margins) if margins else 0.0
    ours = square_and_add(wilson(both + second, n), wilson(both + first, n), phi)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=5e-4)


def pair(rng: np.random.Generator, questions: int, answers: int, rates: tuple[float, float], alike: float, sets: int):
    """Shares of right answers of two models that find the same questions hard (a common quantile for most)."""
    first = rng.random((sets, questions))
    second = np.where(rng.random((sets, questions)) < 0.8, first, rng.random((sets, questions)))
    shares = []
    for rate, quantile in zip(rates, (first, second), strict=True):
        if alike == 1:
            chance = (quantile < rate).astype(float)
        else:
            size = (1 - alike) / alike
            grid = np.linspace(0, 1, 501)
            chance = np.interp(quantile, grid, stats.beta.ppf(grid, rate * size, (1 - rate) * size))
        shares.append(rng.binomial(answers, chance) / answers)
    return shares


def change_coverage(questions: int, answers: int, sets: int) -> dict[tuple[float, ...], float]:
    rng = np.random.default_rng(7)
    covered = {}
    for alike in (0.5, 1.0):
        for rates in ((0.03, 0.03), (0.03, 0.1), (0.05, 0.5), (0.3, 0.3), (0.3, 0.4), (0.5, 0.9), (0.97, 0.97)):
            before, after = pair(rng, questions, answers, rates, alike, sets)
            found = [paired_change(b, a, (answers, answers)) for b, a in zip(before, after, strict=True)]
            truth = rates[1] - rates[0]
            covered[(alike, *rates)] = float(np.mean([e.low <= truth <= e.high for e in found]))
    return covered


@pytest.mark.parametrize(("questions", "answers"), [(10, 1), (30, 4)])
def test_a_paired_change_is_covered(questions: int, answers: int):
    covered = change_coverage(questions, answers, 400)
    assert min(covered.values()) >= COVERAGE - 0.02, covered


@pytest.mark.full
@pytest.mark.parametrize("questions", [10, 20, 30, 100, 300])
@pytest.mark.parametrize("answers", [1, 4])
def test_a_paired_change_is_covered_at_length(questions: int, answers: int):
    covered = change_coverage(questions, answers, 4000)
    assert min(covered.values()) >= COVERAGE, covered


def test_no_change_in_thirty_questions_is_not_certainty():
    same = [float(i < 12) for i in range(30)]
    change = paired_change(same, same)
    assert change.value == 0
    assert change.low < -0.02 < 0.02 < change.high


def test_pairing_takes_the_questions_own_difficulty_out():
    before = [float(i % 2) for i in range(100)]
    after = [1.0 if i in (0, 2, 4, 6, 8, 10, 12) else score for i, score in enumerate(before)]
    change, unpaired = paired_change(before, after), exact_share(sum(after), 100)
    assert change.value == pytest.approx(0.07)
    assert change.clear_of_zero
    assert change.high - change.low < (unpaired.high - unpaired.low)


def test_large_samples_have_the_usual_interval():
    rng = np.random.default_rng(3)
    before, after = pair(rng, 20_000, 2, (0.5, 0.6), 0.5, 1)
    differences = after[0] - before[0]
    half = 1.96 * differences.std(ddof=1) / math.sqrt(20_000)
    ours = paired_change(before[0], after[0], (2, 2))
    assert ours.high - ours.low == pytest.approx(2 * half, rel=0.03)


def test_an_average_of_equal_independent_parts_is_narrower_by_the_root_of_their_number():
    part = Estimate(0.5, 0.4, 0.65)
    four = average([part] * 4)
    assert (four.value, four.low, four.high) == pytest.approx((0.5, 0.45, 0.575))


# --- seeds ---------------------------------------------------------------------------------------------------------


def seed_coverage(seeds: int, between: float, tables: int) -> float:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(tables):
        table = between * rng.standard_normal((seeds, 1)) + 0.2 * rng.standard_normal(100)
        table = table + 0.4 * rng.standard_normal((seeds, 100))
        by_question = table.mean(axis=0)
        half = stats.t.ppf(0.975, 99) * by_question.std(ddof=1) / 10
        value = float(by_question.mean())
        seen = with_seeds(Estimate(value, value - half, value + half), table)
        covered += seen.low <= 0 <= seen.high
    return covered / tables


@pytest.mark.parametrize("between", [0.0, 0.03, 0.1])
def test_new_seeds_are_covered_from_three_seeds_on(between: float):
    assert seed_coverage(3, between, 1000) >= COVERAGE - 0.015
    assert seed_coverage(5, between, 1000) >= COVERAGE - 0.015


def test_questions_alone_do_not_cover_new_seeds():
    """Why seeds are in the interval: without them, ten points between seeds leave half of the truth out."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        table = 0.1 * rng.standard_normal((3, 1)) + 0.2 * rng.standard_normal(300) + 0.4 * rng.standard_normal((3, 300))
        seen = mean(table.mean(axis=0))
        covered += seen.low <= 0 <= seen.high
    assert covered < 0.6 * 300


def test_one_seed_changes_nothing():
    estimate = Estimate(0.1, 0.0, 0.2)
    assert with_seeds(estimate, [[0.0, 0.2]]) == estimate


# --- means ---------------------------------------------------------------------------------------------------------


def test_a_mean_of_lengths_is_covered():
    """Skewed lengths of ten questions; the percentile bootstrap covers 86 of 100."""
    rng = np.random.default_rng(1)
    truth = math.exp(0.6**2 / 2)
    found = [mean(np.exp(0.6 * rng.standard_normal(10))) for _ in range(400)]
    assert np.mean([e.low <= truth <= e.high for e in found]) >= 0.91


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=60))
def test_a_mean_holds_its_value_and_repeats_itself(values: list[float]):
    seen = mean(values)
    again = mean(values)
    assert repr(seen) == repr(again)
    assert math.isnan(seen.low) == (len(values) == 1)
    assert len(values) == 1 or seen.low <= seen.value <= seen.high


# --- tests ---------------------------------------------------------------------------------------------------------


@given(st.integers(2, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_p_value_agrees_with_the_interval(counts: tuple[int, int]):
    hits, count = counts
    before = [float(i < count // 2) for i in range(count)]
    after = [float(i < hits) for i in range(count)]
    p = p_value(lambda level: paired_change(before, after, level=level))
    assert (p < 0.05) == paired_change(before, after).clear_of_zero
    assert 0 < p <= 1


def test_p_values_are_uniform_or_larger_without_a_change():
    rng = np.random.default_rng(2)
    before, after = pair(rng, 60, 2, (0.4, 0.4), 0.5, 400)
    small = [
        p_value(lambda level, b=b, a=a: paired_change(b, a, (2, 2), level)) < 0.05
        for b, a in zip(before, after, strict=True)
    ]
    assert np.mean(small) <= 0.07


def test_holm_gives_the_published_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=7))
def test_holm_is_the_closed_test_of_bonferroni(p_values: list[float]):
    """Each hypothesis against every set it is in: the definition that Holm's steps are a short cut for."""
    n = len(p_values)
    for i, adjusted in enumerate(holm(p_values)):
        sets = [[j for j in range(n) if mask >> j & 1] for mask in range(2**n) if mask >> i & 1]
        closed = max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in sets)
        assert adjusted == pytest.approx(closed)
