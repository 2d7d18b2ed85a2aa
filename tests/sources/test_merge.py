"""What counts as the same answer when two rows ask the same question."""

import pytest

from pairforge.sources.merge import plain_answer


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2", "2.0", True),
        ("1,200", "1200", True),
        ("\\dfrac{1}{2}", "1/2", True),
        ("$x + 1$", "x+1", True),
        ("12.", "12", True),
        ("x+1", "1+x", False),  # no algebra here: a doubtful repeat is dropped, not guessed at
        ("2", "3", False),
    ],
)
def test_the_same_answer_has_one_plain_form(first, second, same):
    assert (plain_answer(first) == plain_answer(second)) is same
