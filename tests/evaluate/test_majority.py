"""Votes of maj@k: equal answers vote together, whatever their text."""

from collections.abc import Iterable

from pairforge.evaluate.answers import equal_answers
from pairforge.evaluate.majority import votes
from pairforge.verifier import Verifier


def test_equal_answers_vote_together_whatever_their_text():
    own = [
        ("incorrect", "1/2"),
        ("incorrect", "0.5"),
        ("incorrect", "\\frac{1}{2}"),
        ("correct", "3"),
        ("correct", "3.0"),
    ]
    with Verifier(workers=1) as verifier:
        found = votes({"a": own}, lambda pairs: equal_answers(verifier, pairs))["a"]  # type: ignore[dict-item]
    assert len(set(found[:3])) == 1
    assert found[3] == found[4] != found[0]


def test_answers_are_compared_only_where_it_can_matter():
    asked: list[tuple[str, str]] = []

    def equal(pairs: Iterable[tuple[str, str]]) -> list[bool]:
        asked.extend(pairs)
        return [False] * len(asked)

    nobody_right = [("incorrect", "1"), ("incorrect", "2")]
    most_right = [("correct", "7"), ("correct", "7"), ("incorrect", "1")]
    open_case = [("correct", "7"), ("incorrect", "1"), ("incorrect", "2"), ("no_answer", "")]
    found = votes({"a": nobody_right, "b": most_right, "c": open_case}, equal)  # type: ignore[dict-item]
    assert asked == [("1", "2")]
    assert found["c"][3] == ""
    assert len(set(found["c"])) == 4


def test_a_wrong_answer_never_votes_with_the_right_ones():
    found = votes({"a": [("correct", "="), ("incorrect", "="), ("timeout", "")]}, lambda pairs: [True for _ in pairs])
    assert len(set(found["a"])) == 3


def test_what_cannot_be_read_is_equal_to_nothing_else():
    with Verifier(workers=1) as verifier:
        assert list(equal_answers(verifier, [("2", "{{{"), ("{{{", "2"), ("4", "4")])) == [False, False, True]
