"""Final answers out of gold columns, as datasets write them."""

import pytest

from pairforge.sources.entry import RowDrop, gold_or_teacher, short_answer, verifiable


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("He has 3.\n#### 3", "3"),
        ("#### 1,234", "1234"),
        ("#### $1,234.50", "$1234.50"),
        ("#### (1,2)", "(1,2)"),
        ("It is \\boxed{4}", "4"),
        ("Both $x = \\boxed{2}$ or $x = \\boxed{3}$", "x = 2, x = 3"),
        ("\\boxed 5", "5"),
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
