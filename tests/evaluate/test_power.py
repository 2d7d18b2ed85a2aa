"""Planning: the formulas against the noncentral t distribution and against simulated studies."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pairforge.errors import TrainError
from pairforge.evaluate.power import design, detectable, measured_variance, questions_needed, standard_error


@pytest.mark.parametrize("questions", [10, 30, 300])
@pytest.mark.parametrize(("power", "level"), [(0.8, 0.05), (0.9, 0.01)])
def test_the_detectable_change_has_its_power_by_the_noncentral_t(questions: int, power: float, level: float):
    plan = design(questions, 2, 0.5, 0.1, power=power, level=level)
    shift = detectable(plan) / standard_error(plan)
    critical = stats.t.ppf(1 - level / 2, questions - 1)
    assert stats.nct.sf(critical, questions - 1, shift) == pytest.approx(power, abs=0.03)


def test_many_questions_have_the_normal_power():
    plan = design(100_000, 4, 0.7, 0.1)
    normal = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert detectable(plan) / standard_error(plan) == pytest.approx(normal, rel=1e-4)


def test_simulated_studies_find_the_detectable_change_as_often_as_they_should():
    """Two models, beta-distributed difficulty in common (correlation 1), k answers to each question, a t-test."""
    rng = np.random.default_rng(0)
    questions, answers, accuracy, between = 150, 2, 0.5, 0.1
    plan = design(questions, answers, accuracy, between, correlation=1.0)
    change, size = detectable(plan), accuracy * (1 - accuracy) / between - 1
    found = 0
    for _ in range(400):
        chance = np.clip(rng.beta(accuracy * size, (1 - accuracy) * size, questions), 0, 1 - change)
        before, after = rng.binomial(answers, chance) / answers, rng.binomial(answers, chance + change) / answers
        found += stats.ttest_rel(after, before).pvalue < 0.05
    assert 0.72 <= found / 400 <= 0.9


def test_the_standard_error_is_that_of_a_binomial_where_questions_are_alike():
    plan = design(400, 1, 0.5, 0.0)
    assert standard_error(plan) == pytest.approx(math.sqrt(2 * 0.25 / 400))


@given(
    st.integers(2, 5000),
    st.integers(1, 64),
    st.floats(0.02, 0.98),
    st.floats(0, 1),
    st.floats(0, 0.99),
    st.floats(1, 60),
)
def test_as_many_questions_as_needed_suffice_and_one_less_does_not(
    questions: int, answers: int, accuracy: float, spread: float, correlation: float, points: float
):
    plan = design(questions, answers, accuracy, spread * accuracy * (1 - accuracy), correlation)
    needed = questions_needed(plan, points / 100)
    assert needed is not None
    assert detectable(design(needed, answers, accuracy, plan.between_variance, correlation)) <= points / 100
    if needed > 2:
        assert detectable(design(needed - 1, answers, accuracy, plan.between_variance, correlation)) > points / 100


@given(st.integers(2, 400), st.integers(1, 30), st.floats(0.05, 0.95))
def test_more_answers_and_more_questions_never_hurt(questions: int, answers: int, accuracy: float):
    plan = detectable(design(questions, answers, accuracy))
    assert detectable(design(questions + 1, answers, accuracy)) <= plan
    assert detectable(design(questions, answers + 1, accuracy)) <= plan


def test_no_number_of_questions_shows_a_change_of_nothing():
    assert questions_needed(design(100, 1, 0.5), 1e-6) is None
    with pytest.raises(TrainError, match="positive number"):
        questions_needed(design(100, 1, 0.5), 0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"accuracy": 1.0}, "leaves nothing to plan"),
        ({"between_variance": 0.3}, r"accuracy \* \(1 - accuracy\)"),
        ({"correlation": 2}, "not all possible"),
        ({"questions": 1}, "at least 2 questions"),
    ],
)
def test_impossible_designs_are_refused(settings: dict[str, float], words: str):
    with pytest.raises(TrainError) as refused:
        design(**{"questions": 10, "answers": 1, "accuracy": 0.5, **settings})  # type: ignore[arg-type]
    assert re.search(words, f"{refused.value.message} {refused.value.hint}")


def test_variances_are_read_from_an_evaluation():
    row = {"model": "a", "accuracy": {"value": 0.4}, "score": {"between_variance": 0.1}}
    other = {"model": "b", "accuracy": {"value": 0.9}, "score": {"between_variance": 0.02}}
    seen = measured_variance({"rows": [row, other, {**row, "score": None}]})
    assert (seen.accuracy, seen.between_variance) == (0.4, 0.1)
    assert measured_variance({"rows": [{**row, "score": {"between_variance": None}}]}).between_variance is None
