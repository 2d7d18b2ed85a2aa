"""What answers say: bounds where nobody knows, pass@k, maj@k, budgets, paired changes, averages, seeds."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pairforge.evaluate.scoring import (
    Answer,
    Outcome,
    average_change,
    change,
    majority,
    pass_at,
    pass_counts,
    score,
    token_budgets,
)

OUTCOMES: dict[float | None, Outcome] = {1: "right", 0: "wrong", None: "undecided"}


def answers(scores: dict[str, list[float | None]], tokens: int = 100) -> list[Answer]:
    return [Answer(question, OUTCOMES[s], tokens) for question, own in scores.items() for s in own]


# --- undecided and failed answers ----------------------------------------------------------------------------------


def test_one_right_and_99_undecided_answers_are_not_100_percent():
    result = score([answers({str(i): [1 if i == 0 else None] for i in range(100)})])
    assert result.accuracy.value == pytest.approx(0.01)
    assert result.accuracy_at_most.value == 1.0
    assert (result.undecided, result.failed, result.questions) == (99, 0, 100)


def test_failed_requests_stay_in_the_denominator():
    own = [Answer("a", "right", 10), *(Answer(q, "failed", 0) for q in "bcd")]
    result = score([own])
    assert result.accuracy.value == 0.25
    assert result.accuracy_at_most.value == 1.0
    assert (result.failed, result.answers, result.questions) == (3, 4, 4)
    assert result.tokens.value == 10  # what was not generated has no length


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["right", "wrong", "undecided", "failed"])), min_size=1))
def test_whatever_the_undecided_answers_are_accuracy_lies_between_the_two_bounds(rows: list[tuple[int, Outcome]]):
    own = [Answer(str(q), outcome, 5) for q, outcome in rows]
    bounds = score([own])
    draw = random.Random(0)
    known = [
        Answer(a.question, a.outcome if a.outcome in ("right", "wrong") else draw.choice(["right", "wrong"]), 5)
        for a in own
    ]
    truth = score([known]).accuracy.value
    assert bounds.accuracy.value - 1e-9 <= truth <= bounds.accuracy_at_most.value + 1e-9


def test_cut_answers_are_counted():
    own = [Answer("a", "wrong", 64, truncated=True), Answer("b", "right", 10)]
    assert score([own]).truncated == 1
    assert score([own]).finished_tokens == 10
    assert score([own[:1]]).finished_tokens is None


# --- accuracy ------------------------------------------------------------------------------------------------------


def test_accuracy_is_the_mean_over_questions_of_the_mean_over_answers():
    assert score([answers({"a": [1, 1, 1, 1], "b": [0]})]).accuracy.value == 0.5


def test_none_of_thirty_right_is_not_known_to_be_none():
    accuracy = score([answers({str(i): [0] for i in range(30)})]).accuracy
    assert (accuracy.value, accuracy.low) == (0, 0)
    assert accuracy.high == pytest.approx(stats.binomtest(0, 30).proportion_ci(method="exact").high)


# --- pass@k, maj@k, budgets ----------------------------------------------------------------------------------------


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(1, n))))
def test_pass_at_k_is_the_mean_over_all_sets_of_k_answers(case: tuple[int, int, int]):
    right, count, k = case
    own: list[float | None] = [1.0] * right + [0.0] * (count - right)
    sets = list(itertools.combinations(own, k))
    expected = sum(any(chosen) for chosen in sets) / len(sets)
    assert pass_at(answers({"a": own}), k)["a"] == pytest.approx(expected)
    assert expected == pytest.approx(stats.hypergeom(count, right, k).sf(0))  # at least one right of k


def test_pass_at_k_is_told_for_powers_of_two_and_for_all_answers():
    assert pass_counts([answers({"a": [1] * 6, "b": [0] * 7})]) == [1, 2, 4, 6]
    result = score([answers({"a": [1, 0], "b": [0, 0]})])
    assert {k: e.value for k, e in result.pass_at.items()} == {1: 0.25, 2: 0.5}


def voted(*votes: str) -> list[Answer]:
    """Answers of one question; "=" is the right one."""
    return [Answer("a", "right" if vote == "=" else "wrong", 1, vote=vote) for vote in votes]


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        (["=", "=", "=7"], 1),
        (["=", "=7", "=7"], 0),
        (["=", "=7"], 1 / 2),
        (["=", "=7", "=8", "=9"], 1 / 4),
        (["=", "", "", ""], 1),  # answers without a result do not vote
        (["", ""], 0),
    ],
)
def test_the_majority_decides(votes: list[str], expected: float):
    assert majority(voted(*votes)) == {"a": pytest.approx(expected)}


def test_an_answer_counts_within_a_budget_where_it_is_right_and_finished_by_then():
    own = [
        Answer("a", "right", 100),
        Answer("b", "right", 101),
        Answer("c", "wrong", 50),
        Answer("d", "right", 20, truncated=True),
    ]
    found = score([own], budgets=[100, 200]).at_budget
    assert [found[b].value for b in (100, 200)] == [0.25, 0.5]


def test_budgets_follow_the_lengths():
    lengths = [Answer("a", "right", n) for n in range(60, 1000, 10)]
    assert token_budgets(lengths) == [256, 512, 1024]
    assert token_budgets([Answer("a", "failed", 0)]) == []
    assert token_budgets([Answer("a", "right", n) for n in (1, 1, 1, 30_000)]) == [2048, 4096, 8192, 16384, 32768]


# --- lengths -------------------------------------------------------------------------------------------------------


def test_lengths_have_quantiles_and_reflections_a_mean():
    own = [Answer(str(i), "right", 10 * (i + 1), reflections=i % 2) for i in range(10)]
    result = score([own])
    assert (result.tokens.value, result.quantiles, result.reflections.value) == (55, pytest.approx((19, 55, 91)), 0.5)


# --- changes -------------------------------------------------------------------------------------------------------


def test_only_questions_that_both_were_asked_are_compared():
    seen = change([answers({"a": [0], "b": [1]})], [answers({"a": [1], "c": [0]})])
    assert (seen.questions, seen.accuracy.value) == (1, 1.0)
    with pytest.raises(ValueError, match="in common"):
        change([answers({"a": [0]})], [answers({"b": [0]})])


def test_a_change_counts_undecided_answers_as_wrong():
    seen = change([answers({"a": [1], "b": [1]})], [answers({"a": [1], "b": [None]})])
    assert seen.accuracy.value == -0.5


def test_averages_are_of_scores_not_of_relative_changes():
    """A rise from 1 to 2 of 10 questions is 100 % relative, and 10 points: an average counts points."""
    small = tuple([answers({str(i): [float(i < right)] for i in range(10)})] for right in (1, 2))
    large = tuple([answers({str(i): [float(i < 80)] for i in range(100)})] for _ in range(2))
    assert average_change([small, large]).accuracy.value == pytest.approx(0.05)


def test_what_can_be_detected_is_what_a_test_would_find_four_times_of_five():
    """Between the interval's half width (50 % power) and twice of it."""
    before = answers({str(i): [float(i % 2), float(i % 3 == 0)] for i in range(200)})
    after = answers({str(i): [float(i % 2), float(i % 4 == 0)] for i in range(200)})
    seen = change([before], [after])
    half = max(seen.accuracy.value - seen.accuracy.low, seen.accuracy.high - seen.accuracy.value)
    expected = half * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / stats.norm.ppf(0.975)
    assert seen.detectable == pytest.approx(expected)


# --- seeds ---------------------------------------------------------------------------------------------------------


def test_seeds_that_disagree_widen_the_interval():
    before = [answers({str(i): [float(i < 100)] for i in range(200)})]
    agree = [answers({str(i): [float(i < 120)] for i in range(200)}) for _ in range(3)]
    differ = [answers({str(i): [float(i < right)] for i in range(200)}) for right in (100, 120, 140)]
    one, three = change(before, agree), change(before, differ)
    assert one.accuracy.value == pytest.approx(three.accuracy.value)
    assert three.accuracy.high - three.accuracy.low > 2 * (one.accuracy.high - one.accuracy.low)
    assert three.by_seed == pytest.approx((0.0, 0.1, 0.2))
    assert score(differ).seeds == 3


def test_seeds_are_paired_where_both_sides_have_as_many():
    """Seeds that shift both models alike do not blur the change."""
    rights = (90, 100, 110)
    before = [answers({str(i): [float(i < right)] for i in range(200)}) for right in rights]
    after = [answers({str(i): [float(i < right + 20)] for i in range(200)}) for right in rights]
    paired, alone = change(before, after), change(before[1:2], after)
    assert paired.accuracy.value == pytest.approx(alone.accuracy.value)
    assert paired.accuracy.high - paired.accuracy.low < alone.accuracy.high - alone.accuracy.low
    assert paired.by_seed == pytest.approx((0.1, 0.1, 0.1))


def test_each_question_counts_once_however_many_seeds():
    seeds = [answers({"a": [1], "b": [s]}) for s in (0, 1, 1)]
    seen = change([answers({"a": [0], "b": [0]})], seeds)
    assert (seen.questions, seen.accuracy.value) == (2, pytest.approx((1 + 2 / 3) / 2))


# --- everything ----------------------------------------------------------------------------------------------------

rows = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from(["right", "wrong", "undecided", "failed"]), st.integers(1, 500)),
    min_size=1,
    max_size=60,
)


@given(rows)
def test_figures_hold_their_values_and_depend_on_nothing_but_the_answers(drawn: list[tuple[int, Outcome, int]]):
    own = [Answer(str(q), outcome, tokens) for q, outcome, tokens in drawn]
    first, second = score([own], budgets=[100]), score([own[::-1]], budgets=[100])
    assert repr(first) == repr(second)
    shares = [
        first.accuracy,
        first.accuracy_at_most,
        first.majority,
        *first.pass_at.values(),
        *first.at_budget.values(),
    ]
    for estimate in shares:
        assert 0 <= estimate.low <= estimate.value + 1e-9
        assert estimate.value - 1e-9 <= estimate.high <= 1
    assert first.pass_at[1].value == pytest.approx(first.accuracy.value)
    assert first.questions <= first.effective_answers + 1e-9 <= first.answers + 1e-6 or first.questions == 1
    if not math.isnan(first.tokens.low):
        assert first.tokens.low - 1e-9 <= first.tokens.value <= first.tokens.high + 1e-9
    same = change([own], [own])
    assert same.accuracy.value == 0
    assert same.accuracy.low < 0 < same.accuracy.high
    assert same.p > 0.05
