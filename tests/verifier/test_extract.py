"""Where a text states its answer: one rule for completions and for gold texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.verifier import Item, Verifier
from pairforge.verifier.extract.answer import extract_answer, extract_gold, read_gold


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("So \\boxed{4} or rather \\boxed{5}.", "5"),
        ("Hence $x=\\boxed{2}$ or $x=\\boxed{3}$.", "x = 2, x = 3"),
        ("Hence x = $\\boxed{2}$ or x = $\\boxed{3}$.", "x = 2, x = 3"),
        ("Hence x = \\(\\boxed{2}\\) or y = \\(\\boxed{3}\\).", "x = 2, y = 3"),
        ("$\\boxed{2}$ and $\\boxed{3}$", "2, 3"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\fbox{7}", "7"),
        ("\\boxed {8}", "8"),
        ("\\boxed 5", "5"),
        ("We get $\\boxed 12$.", "12"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\boxed{x = \\boxed{3}}", "3"),
        ("\\boxed{5} cm", "5 \\text{cm}"),
        ("{\\boxed{6}}", "6"),
        ("} \\boxed{9} {", "9"),
        ("<think>\\boxed{1}?</think>\\boxed{2}", "2"),
        ("<answer>\\boxed{3}</answer>", "3"),
        ("#### Step 1\nAdd them.\n\n\\boxed{4}", "4"),
        ("He has 3.\n#### 3", "3"),
        ("#### 1,234", "1234"),
        ("#### $1,234.50", "$1234.50"),
        ("#### (1,2)", "(1,2)"),
    ],
)
def test_a_solution_marks_its_gold(solution: str, answer: str):
    assert read_gold(solution) == answer


@pytest.mark.parametrize(
    "solution",
    [
        "",
        "nothing",
        "The answer is 5.",
        "\\boxed{}",
        "\\boxed{1} then cut off at \\boxed{2",
        "<think>\\boxed{1}",
        "a\n####",
        "#### Step 1\nAdd them.",
        "#### 1. Add them\nThat is it.",
        "\\boxed{" + "1" * 3000 + "}",
    ],
)
def test_a_solution_that_marks_no_answer_has_no_gold(solution: str):
    assert read_gold(solution) is None


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (" x^2 < 3 ", "x^2 < 3"),
        ("12\n#### 12", "12"),
        ("We add the numbers and see that the answer is 12.", "12"),
        ("\\boxed{2} or \\boxed{3}", "2, 3"),
    ],
)
def test_a_gold_text_is_a_solution_or_the_answer_itself(gold: str, answer: str):
    assert extract_gold(gold).answer == answer


@pytest.mark.parametrize(
    "text",
    [
        "We add them: 3 + 4 = 7, then",
        "So there are 7",
        "There are 7 pens.\n\nNext we count the",
        "The answer is 7",
        "**7** is one of them, and",
        "A: 7",
        '{"reasoning": "3 + 4", "answer": 7',
        "#### 7",
        "It is \\boxed{7}. Wait, but the question asks for",
        "The answer is 7.\nActually, let me consider the case",
        "<|channel|>analysis<|message|>3 + 4 = 7<|end|><|start|>assistant<|channel|>final<|message|>We add 3 and",
    ],
)
def test_a_text_that_was_cut_before_its_answer_is_truncated(text: str):
    assert extract_answer(text, "length").missing == "truncated"


@pytest.mark.parametrize(
    "text",
    [
        "It is \\boxed{7}",
        "The answer is 7.\n\nLet me explain",
        '{"answer": 7}',
        "#### 7\nThen",
        "\\boxed{7}<|im_end|> and",
    ],
)
def test_a_mark_before_the_cut_counts(text: str):
    assert extract_answer(text, "length").answer == "7"


def test_a_turn_that_ended_was_not_cut():
    assert extract_answer("So there are 7 pens.<|im_end|><|im_start|>user\nAnd", "length").answer == "7 pens"


@pytest.mark.parametrize(
    ("gold", "response", "status"),
    [
        ("it converges if and only if p > 1", "The answer is it converges if and only if p > 1.", "correct"),
        ("The angles are equal when AB = AC", "Answer: the angles are equal when AB = AC. This is known.", "correct"),
        ("it converges if and only if p > 1", "The answer is it converges if and only if p > 2.", "gold_unparsed"),
        ("3", "The answer is that one can choose any of the numbers that are prime to it.", "no_answer"),
    ],
)
def test_a_long_sentence_is_the_gold_word_for_word_or_no_answer(
    verifier: Verifier, gold: str, response: str, status: str
):
    (verdict,) = verifier.verify([Item("", gold, response)])
    assert verdict.status == status


@given(st.text(alphabet="a1{}\\ #\n$<>", max_size=60))
def test_gold_and_completion_are_read_alike(text: str):
    """Also behind stray braces and marks: the gold of a text is the answer that its own completion states."""
    solution = f"{text}\n\\boxed{{1}}, $x = \\boxed 2$"
    found = extract_answer(solution)
    assert read_gold(solution) == (None if found.missing else found.answer.strip())


@pytest.fixture(scope="module")
def verifier():
    with Verifier(workers=1) as it:
        yield it


values = st.sampled_from(
    [
        "2",
        "-3",
        "\\frac{1}{2}",
        "1,234",
        "2\\sqrt{3}",
        "(1, 2)",
        "x^2+1",
        "\\text{Ann}",
        "(-\\infty, 4]",
        "50\\%",
        "\\text{(B)}",
    ]
)
boxes = st.builds(
    lambda value, form: form.format(value),
    values,
    st.sampled_from(["\\boxed{{{}}}", "$\\boxed{{{}}}$", "$y = \\boxed{{{}}}$"]),
)
joined = st.lists(boxes, min_size=1, max_size=3).flatmap(
    lambda found: st.sampled_from([" or ", " and ", ", "]).map(lambda joint: joint.join(found))
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["", "It is ", "#### Step 1\nWe add.\n\n", "<think>\\boxed{9}</think>\n"]),
    joined,
    st.sampled_from(["", ".", " cm", "%", "\n\nDone."]),
)
def test_a_solution_is_correct_against_its_own_gold(verifier: Verifier, before: str, boxed: str, behind: str):
    solution = before + boxed + behind
    gold = read_gold(solution)
    assert gold is not None
    (verdict,) = verifier.verify([Item("", gold, solution)])
    assert verdict.status == "correct", (gold, verdict)
