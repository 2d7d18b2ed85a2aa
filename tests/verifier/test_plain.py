"""The short cut for plain answers says what the general reader says, and takes no time on any text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.verifier.equal.compare import same
from pairforge.verifier.equal.scalars import Hints
from pairforge.verifier.parse.plain import plain_quantity
from pairforge.verifier.parse.read import read_values
from pairforge.verifier.parse.units import KNOWN

NO_HINTS = Hints()
factors = st.sampled_from(
    ["2", "3", "12", "0", "0.5", "1,200", "1{,}200", "1,\\!200", "\\pi", "\\sqrt{2}", "\\sqrt{8}"]
)
values = st.one_of(
    factors,
    st.tuples(st.sampled_from(["2", "3", "10"]), st.sampled_from(["\\pi", "\\sqrt{2}", "\\sqrt{12}"])).map("".join),
    st.tuples(factors, factors).map("\\cdot ".join),
    st.tuples(factors, st.sampled_from(["+", " + ", "-", " - "]), factors).map("".join),
    st.tuples(factors, factors).map(lambda t: f"\\frac{{{t[0]}}}{{{t[1]}}}"),
    st.tuples(st.integers(0, 20), st.integers(1, 9)).map(lambda t: f"{t[0]}/{t[1]}"),
)
behind = st.sampled_from(
    [
        "",
        "",
        "",
        "%",
        "\\%",
        "°",
        "^\\circ",
        "^{\\circ}",
        " cm",
        " square feet",
        "\\text{ cm}",
        "\\,\\mathrm{m}",
        " feet",
    ]
)
answers = st.tuples(st.sampled_from(["", "", "-", "\\$"]), values, behind).map("".join)


@settings(deadline=None, max_examples=300)
@given(answers, answers)
def test_the_short_cut_agrees_with_the_general_reader(gold: str, answer: str):
    left, right = plain_quantity(gold), plain_quantity(answer)
    if left is not None and right is not None:
        likeliest = read_values(gold)[0].value, read_values(answer)[0].value
        assert same(left, right, NO_HINTS) == same(*likeliest, NO_HINTS)


@pytest.mark.parametrize("word", sorted(KNOWN))
def test_units_mean_the_same_on_both_ways(word: str):
    quick = plain_quantity(f"5 {word}")
    assert quick is None or quick in [reading.value for reading in read_values(f"5 {word}")]


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "5 m",
        "10^9",
        "2+3+4",
        "2+x",
        "2+3 cm",
        "\\$2 + 3",
        "(1,2)",
        "7 million",
        "5 pm",
        "1,2,3",
        "0,123",
        "5 percent",
        "3 in",
        "\\$5\\%",
        "5e3",
        "\\frac12",
    ],
)
def test_anything_else_is_left_to_the_general_reader(text: str):
    assert plain_quantity(text) is None


@pytest.mark.parametrize(
    "text", ["9" * 10**6, "\\sqrt{" * 10**5, "1,111" * 10**5, "\\pi" * 60, "\\frac{1}{" * 13, "1,234" * 24]
)
def test_long_and_odd_texts_are_turned_down_at_once(text: str):
    started = time.process_time()
    assert plain_quantity(text) is None
    assert time.process_time() - started < 1
