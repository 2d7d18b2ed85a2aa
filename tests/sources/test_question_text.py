"""One spelling for what is the same to a reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.sources.question_text import normalise


def words(text: str) -> str:
    return " ".join(normalise(text).words)


@pytest.mark.parametrize(
    "same",
    [
        [r"$\frac{1}{2}$", r"\dfrac{1}{2}", r"\tfrac12", r"\frac1{2}", r"$ \frac {1} {2} $", "1/2", "½", "one half"],
        [r"$\left(x+1\right)^{2}$", "(x+1)^2", r"\bigl( x + 1 \bigr)^2", "(x + 1)²"],
        [r"$3 \cdot 4$", r"3\times4", "3 × 4", "3*4"],
        [r"x \le 5", r"$x \leq 5$", "x ≤ 5", "x <= 5"],
        [r"$90^\circ$", r"90^{\circ}", "90°", "90 degrees", "ninety degrees"],
        ["50%", r"$50\%$", "50 percent", "fifty percent"],
        ["$1,000", r"\$1{,}000", r"1\,000", r"49 + 1 = 1000"[9:], "one thousand", "a thousand"],
        ["3 1/2", "3½", r"3\frac{1}{2}"],
        [r"\text{Find } x", r"Find $x$", r"\textbf{find} \mathrm{x}"],
        [r"\alpha + \pi", "α + π"],
        ["Janet’s 9-kilometer walk", "janet's 9 kilometer walk"],
        ["<|user|> Hello <|assistant|>", "hello"],
    ],
)
def test_spellings_that_mean_the_same(same: list[str]):
    assert len({words(text) for text in same}) == 1, [words(text) for text in same]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("twelve", "12"),
        ("twenty-five", "25"),
        ("two hundred and five", "205"),
        ("one thousand, two hundred and thirty-four", "1234"),
        ("three million", "3000000"),
        ("3.5 million", "3500000"),
        ("12 hundred", "1200"),
        ("two-fifths", "2 / 5"),
        ("3 quarters", "3 / 4"),
        ("twenty-first", "21th"),
        ("the 3rd", "the 3th"),
        ("two point five", "2.5"),
        ("7.50", "7.5"),
        ("one, two, three", "1 2 3"),
        ("between one hundred and two hundred", "between 100 and 200"),
        ("one hundred and she", "100 and she"),
        ("hundreds of thousands", "hundreds of thousands"),
        ("3.5 million, two-fifths", "3500000 2 / 5"),
    ],
)
def test_number_words_become_digits(text: str, digits: str):
    assert words(text) == digits


def test_what_is_different_stays_different():
    assert words("5 - 3") != words("5 + 3")
    assert words("$x^2$") != words("$x_2$") and words("6/2") != words("6 2")
    assert words("[asy]draw((0,0)--(1,1));[/asy]") != words("[asy]draw((0,0)--(1,2));[/asy]")


def test_breaks_and_capitals():
    question = normalise("Ann has 2.5 apples. How many?\nAnswer: 3")
    assert question.words == ("ann", "has", "2.5", "apples", "how", "many", "answer", "3")
    assert sorted(question.breaks) == [0, 4, 6, 7, 8]
    assert [w for w, capital in zip(question.words, question.capital, strict=True) if capital] == [
        "ann",
        "how",
        "answer",
    ]


def test_languages_without_spaces():
    assert words("求12个") == "求 12 个"


SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def spelt(number: int) -> str:
    """English for a number below a million, written for this test."""
    if number < 20:
        return SMALL.split()[number]
    if number < 100:
        return TENS.split()[number // 10 - 2] + (f"-{spelt(number % 10)}" if number % 10 else "")
    unit, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % unit
    return f"{spelt(number // unit)} {name}" + (f" {'and ' if rest < 100 else ''}{spelt(rest)}" if rest else "")


@given(st.integers(0, 999_999))
def test_every_spelt_number_is_its_digits(number: int):
    assert words(spelt(number)) == words(spelt(number).replace("-", " ").replace(" and", "")) == str(number)


@given(st.text())
def test_any_text_can_be_read_and_its_parts_agree(text: str):
    question = normalise(text)
    assert len(question.words) == len(question.capital)
    assert {0, len(question.words)} <= question.breaks <= set(range(len(question.words) + 1))
    assert all(question.words)
