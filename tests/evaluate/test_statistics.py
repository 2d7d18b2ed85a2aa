"""Intervals over questions, paired differences, and averages that are averages of scores."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.evaluate.statistics import (
    Answer,
    difference,
    overall_accuracy,
    overall_difference,
    pool,
    score,
)


def answers(scores: dict[str, list[float | None]], tokens: int = 100) -> list[Answer]:
    return [Answer(question, s, tokens) for question, draws in scores.items() for s in draws]


def test_accuracy_is_the_mean_over_questions_of_the_mean_over_draws():
    many_draws_of_one = answers({"a": [1, 1, 1, 1], "b": [0]})
    assert score(many_draws_of_one).accuracy.value == 0.5


def test_what_the_verifier_could_not_decide_is_neither_right_nor_wrong():
    result = score(answers({"a": [1, None], "b": [None], "c": [0]}))
    assert result.accuracy.value == 0.5
    assert (result.undecided, result.answers, result.questions) == (2, 4, 3)


def test_thirty_questions_have_the_interval_that_thirty_questions_have():
    thirty = score(answers({str(i): [float(i < 12)] for i in range(30)})).accuracy
    assert thirty.value == pytest.approx(0.4)
    assert 0.30 < thirty.high - thirty.low < 0.40  # the binomial's 2 * 1.96 * sqrt(0.4 * 0.6 / 30) is 0.35
    five_hundred = score(answers({str(i): [float(i < 200)] for i in range(500)})).accuracy
    assert 0.07 < five_hundred.high - five_hundred.low < 0.10


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = random.Random(0)
    covered = 0
    for trial in range(200):
        drawn = answers({str(i): [float(rng.random() < 0.6) for _ in range(2)] for i in range(60)})
        accuracy = score(drawn, seed=trial).accuracy
        covered += accuracy.low <= 0.6 <= accuracy.high
    assert 180 <= covered <= 199


def test_pairing_takes_the_questions_own_difficulty_out():
    hard_and_easy = {str(i): [float(i % 2)] for i in range(100)}
    before = answers(hard_and_easy)
    after = answers({**hard_and_easy, "0": [1.0], "2": [1.0], "4": [1.0], "6": [1.0], "8": [1.0]})
    change = difference(before, after).accuracy
    assert change.value == pytest.approx(0.05)
    assert change.clear_of_zero
    unpaired = score(after).accuracy
    assert change.high - change.low < (unpaired.high - unpaired.low) / 2


def test_only_questions_that_both_answered_are_compared():
    change = difference(answers({"a": [0], "b": [1]}), answers({"a": [1], "c": [0]}))
    assert (change.questions, change.accuracy.value) == (1, 1.0)


def test_overall_averages_scores_not_relative_changes():
    """A rise from 1 to 2 of 10 questions is 100 % relative, and 10 points: overall counts points."""
    small = (answers({str(i): [float(i < 1)] for i in range(10)}), answers({str(i): [float(i < 2)] for i in range(10)}))
    large = (
        answers({str(i): [float(i < 80)] for i in range(100)}),
        answers({str(i): [float(i < 80)] for i in range(100)}),
    )
    change = overall_difference([small, large]).accuracy
    assert change.value == pytest.approx(0.05)
    before, after = overall_accuracy([small[0], large[0]]), overall_accuracy([small[1], large[1]])
    assert after.value - before.value == pytest.approx(change.value)


def test_lengths_have_quantiles_and_a_mean_of_what_was_finished():
    mixed = [Answer(str(i), 1.0, 10 * (i + 1), truncated=i == 9, reflections=i % 2) for i in range(10)]
    result = score(mixed)
    assert result.tokens.value == 55
    assert result.finished_tokens == 50
    assert result.quantiles == pytest.approx((19, 55, 91))
    assert result.truncated == 0.1
    assert result.reflections.value == 0.5
    assert score([Answer("a", 0.0, 5, truncated=True)]).finished_tokens is None


def test_nothing_decided_is_not_a_number():
    assert score(answers({"a": [None]})).accuracy.value != score(answers({"a": [None]})).accuracy.value


def test_pooled_seeds_count_each_question_once():
    seeds = [(answers({"a": [0], "b": [0]}), answers({"a": [1], "b": [s]})) for s in (0, 1, 1)]
    change = difference(*pool(seeds))
    assert change.questions == 2
    assert change.accuracy.value == pytest.approx((1 + 2 / 3) / 2)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from([0.0, 1.0]), st.integers(1, 500)), min_size=1, max_size=80)
)
def test_an_interval_holds_its_value_and_depends_on_nothing_but_the_answers(rows: list[tuple[int, float, int]]):
    drawn = [Answer(str(q), s, t) for q, s, t in rows]
    first, second = score(drawn), score(drawn[::-1])
    assert first == second
    for estimate in (first.accuracy, first.tokens):
        assert estimate.low - 1e-9 <= estimate.value <= estimate.high + 1e-9
    same = difference(drawn, drawn)
    assert (same.accuracy.value, same.accuracy.low, same.accuracy.high) == (0, 0, 0)
