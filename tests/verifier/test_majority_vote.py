"""Which answer most solutions agree on, whatever order they come in and however they write it."""

import random
from collections.abc import Iterable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from pairforge.verifier.majority_vote import majorities


def same_number(pairs: Iterable[tuple[str, str, str]]) -> Iterator[bool]:
    """Texts are equal when they are the same number: "2", "2.0"."""
    return (float(first) == float(second) for _, first, second in pairs)


def majority(*answers: str):
    return majorities({"p": answers}, same_number).get("p")


def test_equal_answers_vote_together_and_the_usual_spelling_stands():
    won = majority("2", "2.0", "2", "3", "")
    assert won is not None
    assert (won.answer, won.agreeing, won.votes) == ("2", 3, 5)
    assert (won.share, won.margin) == (3 / 5, 2 / 5)


def test_two_answers_that_are_level_decide_nothing():
    assert majority("2", "3") is None
    assert majority("2", "2.0", "3", "3") is None
    assert majority("", "") is None


def test_no_problem_hears_the_votes_of_another():
    found = majorities({"p": ["1", "1"], "q": ["2", "2.0", "2"]}, same_number)
    assert {name: (won.answer, won.margin) for name, won in found.items()} == {"p": ("1", 1.0), "q": ("2", 1.0)}


@given(st.lists(st.sampled_from(["", "1", "1.0", "2", "2.00", "3"]), max_size=9), st.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_the_numbers_add_up(answers: list[str], order: random.Random):
    shuffled = order.sample(answers, len(answers))
    won = majority(*answers)
    assert majority(*shuffled) == won
    counts = sorted(([float(a) for a in answers if a].count(n) for n in (1.0, 2.0, 3.0)), reverse=True)
    if won is None:
        assert counts[0] == counts[1]
    else:
        assert won.agreeing == counts[0] > counts[1]
        assert won.margin == (counts[0] - counts[1]) / len(answers)
        assert won.answer in answers
