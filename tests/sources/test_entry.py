"""Final answers out of gold columns, as datasets write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.sources.entry import RowDrop, gold_or_teacher, last_boxed, short_answer, verifiable


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So \\boxed{4} or rather \\boxed{5}.", "5"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\fbox{7}", "7"),
        ("\\boxed {8}", "8"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\boxed{x = \\boxed{3}}", "3"),
        ("\\boxed{1} then cut off at \\boxed{2", "1"),
        ("{\\boxed{6}}", "6"),
        ("} \\boxed{9} {", "9"),
        ("nothing", ""),
        ("\\boxed{}", ""),
    ],
)
def test_the_last_complete_box(text, answer):
    assert last_boxed(text) == answer


@given(st.text(alphabet="a{}\\ ", max_size=40))
def test_any_text_is_searched(text: str):
    found = last_boxed(f"{text}\\boxed{{1}}")
    assert found in ("1", "") or "1" in found  # a stray backslash before the box hides it


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("He has 3.\n#### 3", "3"),
        ("#### 1,234", "1234"),
        ("#### $1,234.50", "$1234.50"),
        ("#### (1,2)", "(1,2)"),
        ("It is \\boxed{4}", "4"),
        (" 4 ", "4"),
        ("a\n####", "a\n####"),
    ],
)
def test_short_answers(gold, answer):
    assert short_answer(gold) == answer


def test_gold_is_a_box_a_bare_answer_or_the_teachers():
    assert gold_or_teacher("We get \\boxed{4}.", "\\boxed{5}") == ("4", "dataset")
    assert gold_or_teacher("4", "\\boxed{5}") == ("4", "dataset")
    assert gold_or_teacher("A long text without any box. " * 5, "\\boxed{5}") == ("5", "teacher")
    assert gold_or_teacher("", "\\boxed{5}") == ("5", "teacher")


@pytest.mark.parametrize("word", ["proof", "NotFound", "null", " "])
def test_words_that_stand_where_no_answer_is(word):
    with pytest.raises(RowDrop, match="no_answer"):
        verifiable(word)
