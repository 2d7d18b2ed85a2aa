"""The short way for completions with one box finds what the long way finds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.verifier.extract import answer as extract
from tests.verifier.cases import load_cases

pieces = st.sampled_from(
    [
        "\\boxed{5}", "\\boxed{\\frac{1}{2}}", "\\boxed{\\{1,2\\}}", "\\boxed{a\\\\b}", "\\boxed{}", "\\boxed{?}", "\\boxed{",
        "\\boxed 7", "\\fbox{8}", "\\framebox{9}", "$", "\\)", "\\]", ".", "\n", "\n\n", " and ", " cm", " apples", "^2", "%",
        "{", "}", "\\times 10^5", "/3", "x = ", "- ", "Wait, the total should be 6.", "Actually it is 4.", "the answer is 3",
        "Answer: 2", "#### 12", '{"answer": 7}', "<think>", "</think>", "</answer>", "<|im_end|>", "[THINK]", "[/THINK]",
        "[EOS]", "[PAD]", "[/INST]", "analysis", "box 4", "Question: what is 1+1?", "é", "Since $x$ is even, we get ",
    ]
)  # fmt: skip


def agree(text: str) -> None:
    fast = extract._in_the_box(text)
    if fast is not None:
        assert fast == extract._wherever(text, cut=False) == extract._wherever(text, cut=True)


@settings(max_examples=1500, deadline=None)
@given(st.lists(pieces, max_size=7).map("".join))
def test_both_ways_agree_on_any_mixture_of_marks(text: str):
    agree(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=3).map("".join), st.lists(pieces, max_size=3).map("".join))
def test_both_ways_agree_around_one_box(before: str, behind: str):
    agree(f"{before}\\boxed{{12}}{behind}")


def test_both_ways_agree_on_every_case():
    for case in load_cases():
        agree(case.response)


@pytest.mark.parametrize("text", ["So we get $\\boxed{5}$.", "Hence \\(\\boxed{\\frac{1}{2}}\\) cm.", "\\boxed{x^2}"])
def test_the_usual_completion_takes_the_short_way(text: str):
    assert extract._in_the_box(text) is not None
