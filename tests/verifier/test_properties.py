"""What holds for every answer: itself is right, spelling does not matter, value does, prose does not."""

import random
import re
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pairforge.verifier import Item, Verifier
from tests.verifier.cases import load_cases

GOLDS = sorted({case.gold for case in load_cases() if case.status in ("correct", "incorrect") and case.gold})
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def verifier():
    with Verifier(workers=1) as it:
        yield it


def status(verifier: Verifier, gold: str, response: str) -> str:
    (verdict,) = verifier.verify([Item("", gold, response)])
    return verdict.status


def boxed(answer: str) -> str:
    return f"\\boxed{{{answer}}}"


numbers = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.tuples(st.integers(-999, 999), st.integers(0, 999)).map(lambda t: f"{t[0]}.{t[1]:03d}"),
    st.tuples(st.integers(-999, 999), st.integers(2, 99)).map(lambda t: f"\\frac{{{t[0]}}}{{{t[1]}}}"),
)
expressions = st.one_of(
    numbers,
    st.tuples(st.integers(2, 99), st.integers(2, 99)).map(lambda t: f"{t[0]}\\sqrt{{{t[1]}}}"),
    st.tuples(st.integers(1, 20), st.integers(2, 12)).map(lambda t: f"\\frac{{{t[0]}\\pi}}{{{t[1]}}}"),
    st.tuples(st.integers(2, 9), st.integers(1, 9), st.integers(2, 5)).map(lambda t: f"{t[0]}x^{t[2]}+{t[1]}"),
    st.tuples(numbers, numbers).map(lambda t: f"({t[0]}, {t[1]})"),
    st.tuples(st.integers(-9, 0), st.integers(1, 9)).map(lambda t: f"[{t[0]}, {t[1]})"),
)
prose = st.sampled_from(
    [
        "We add the numbers first. ", "There are 17 cases to look at, and 4 of them are empty.\n\n", "Let $x = 3$ in the second step: $x^2 = 9$. ",
        "<think>Maybe it is 12? No, \\boxed{12} cannot be.</think>\n", "# Solution\n\n1. First, 2. second.\n\n", "",
    ]
)  # fmt: skip
after = st.sampled_from(
    [
        "",
        " This is what we wanted to show.",
        "\n\nI hope this helps!",
        " $\\blacksquare$",
        "\n\nLet me know if 1 step is unclear.",
    ]
)


def test_every_gold_of_the_cases_verifies_itself(verifier: Verifier):
    stated = re.compile(r"####|\\boxed|<answer>|answer is")
    items = [Item(gold, gold, gold if stated.search(gold) else boxed(gold)) for gold in GOLDS]
    others = [v for v in verifier.verify(items) if v.status not in ("correct", "refused")]
    assert others == []


@QUIET
@given(expressions)
def test_every_gold_verifies_itself(verifier: Verifier, gold: str):
    assert status(verifier, gold, boxed(gold)) == "correct"


SPELLINGS = [
    lambda t: t.replace("\\frac", "\\dfrac"),
    lambda t: t.replace("\\frac", "\\tfrac"),
    lambda t: f"${t}$",
    lambda t: f"\\({t}\\)",
    lambda t: f" {t} ",
    lambda t: f"{t}.",
    lambda t: f"\\displaystyle {t}",
    lambda t: t.replace("(", "\\left(").replace(")", "\\right)") if t.startswith("(") else t,
    lambda t: t.replace("-", "−"),
    lambda t: t.replace("\\pi", "π"),
    lambda t: f"\\boxed{{{t}}}",
    lambda t: re.sub(r"(?<![\d.])(\d{1,3})(\d{3})(\d{3})(?![\d.])", r"\1,\2,\3", t),
    lambda t: re.sub(r"(?<![\d.])(\d{1,3})(\d{3})(\d{3})(?![\d.])", r"\1{,}\2{,}\3", t),
    lambda t: re.sub(r"(?<![\d.])(\d{1,3})(\d{3})(\d{3})(?![\d.])", "\\1\u2009\\2\u2009\\3", t),
    lambda t: f"{t} \\text{{ cm}}" if re.fullmatch(r"[\d.]+", t) else t,
    lambda t: f"x = {t}" if "x" not in t else t,
    lambda t: "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in t) if t.isdigit() else t,
]


@QUIET
@given(expressions, st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS))
def test_spelling_keeps_the_verdict(verifier: Verifier, gold: str, first, second):
    assert status(verifier, gold, boxed(first(gold))) == "correct"
    assert status(verifier, second(gold), boxed(gold)) == "correct"


@QUIET
@given(expressions, prose, after)
def test_prose_around_the_answer_changes_nothing(verifier: Verifier, gold: str, before: str, behind: str):
    assert status(verifier, gold, f"{before}So we get ${boxed(gold)}$.{behind}") == "correct"
    assert status(verifier, gold, f"{before}The answer is ${gold}$.{behind}") == "correct"
    assert status(verifier, gold, f"{before}So we get ${boxed(gold + ' + 1000003')}$.{behind}") != "correct"


@QUIET
@given(numbers, st.randoms(use_true_random=False))
def test_another_digit_is_incorrect(verifier: Verifier, gold: str, rng: random.Random):
    places = [n for n, c in enumerate(gold) if c.isdigit()]
    place = rng.choice(places)
    changed = gold[:place] + rng.choice([d for d in "123456789" if d != gold[place]]) + gold[place + 1 :]
    expected = "correct" if plain_value(gold) == plain_value(changed) else "incorrect"
    assert status(verifier, gold, boxed(changed)) == expected


@QUIET
@given(numbers)
def test_the_other_sign_is_incorrect(verifier: Verifier, gold: str):
    if plain_value(gold) != 0:
        assert status(verifier, gold, boxed(f"-({gold})")) == "incorrect"


UNITS = [
    "\\text{ cm}",
    "\\text{ m}",
    "\\text{ kg}",
    "\\text{ hours}",
    "\\text{ minutes}",
    "^\\circ",
    "\\%",
    "\\text{ cm}^2",
    "\\text{ dollars}",
]


@QUIET
@given(st.integers(2, 10**6), st.permutations(UNITS))
def test_another_unit_is_incorrect(verifier: Verifier, value: int, units: list[str]):
    assert status(verifier, f"{value}{units[0]}", boxed(f"{value}{units[1]}")) == "incorrect"


def plain_value(text: str) -> Fraction:
    found = re.fullmatch(r"\\frac\{(-?\d+)\}\{(\d+)\}", text)
    return Fraction(int(found[1]), int(found[2])) if found else Fraction(text)
