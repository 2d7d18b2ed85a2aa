"""Comparison without luck: thousands, multiples of equations, families, percent signs, and what is not understood."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pairforge.errors import VerifierError
from pairforge.verifier import AnswerRules, Item, Verifier, decide
from pairforge.verifier.decide import decide_by_value
from pairforge.verifier.decisions import Comparison, Decision
from pairforge.verifier.equal.equations import proportional
from pairforge.verifier.equal.numeric import points
from pairforge.verifier.parse.expression import parse_expression
from pairforge.verifier.parse.tokens import tokenize

QUIET = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
SEPARATORS = [",", "{,}", "\\,", "\u2009", " ", "'", "_", ",\\!", "\\ "]


@pytest.fixture(scope="module")
def verifier():
    with Verifier(workers=1) as it:
        yield it


def status(verifier: Verifier, gold: str, answer: str) -> str:
    (verdict,) = verifier.verify([Item("", gold, f"\\boxed{{{answer}}}")])
    return verdict.status


def grouped(value: int, separator: str) -> str:
    return f"{value:,}".replace(",", separator)


integers = st.one_of(
    st.integers(-(10**10), 10**10),
    st.sampled_from([0, 1, 10, 40, 100, 234, 1000, 1234, 2000, 40_000, 400_000, 40_000_000, 1_234_000, 1_111, 111_111]),
    st.tuples(st.integers(1, 999), st.sampled_from([1, 10**3, 10**6, 10**9])).map(lambda t: t[0] * t[1]),
)
separators = st.sampled_from(SEPARATORS)


@QUIET
@given(integers, integers, separators, separators)
def test_integers_are_equal_when_their_numbers_are(verifier: Verifier, a: int, b: int, first: str, second: str):
    expected = "correct" if a == b else "incorrect"
    assert status(verifier, grouped(a, first), grouped(b, second)) == expected
    assert status(verifier, grouped(a, first), grouped(a, second)) == "correct"


@QUIET
@given(st.integers(1, 999), st.integers(0, 99), separators)
def test_a_number_with_a_group_of_zeros_is_no_list(verifier: Verifier, head: int, tail: int, separator: str):
    number = grouped(head * 1000 + tail, separator)
    for listed in (f"{head}, {tail}", f"\\{{{head}, {tail}\\}}", f"({head}, {tail})"):
        assert status(verifier, number, listed) == "incorrect"


# --- equations ----------------------------------------------------------------------------------------------------


def difference(a: int, b: int, c: int) -> object:
    text = f"({a})*x + ({b})*y - ({c})"
    return parse_expression(tokenize(text), text)


SMALL = [n for n in range(-4, 5) if n]


def test_a_line_is_its_multiples_and_nothing_else():
    """For every small a x + b y = c: each multiple is the same line, each other coefficient is another."""
    lines = list(itertools.product(SMALL, SMALL, range(-4, 5)))
    for a, b, c in lines:
        line = difference(a, b, c)
        for factor in (2, -1, -3, 5):
            assert proportional(line, difference(factor * a, factor * b, factor * c)) is True, (a, b, c, factor)
        for other in ((a + 5, b, c), (a, b + 5, c), (a, b, c + 1), (a, -b, c), (b, a, c), (a, b, -c)):
            same = (a * other[1], a * other[2], b * other[2]) == (b * other[0], c * other[0], c * other[1])
            assert proportional(line, difference(*other)) is same, (a, b, c, other)


def test_an_inequality_keeps_its_direction_only_for_positive_multiples():
    for a, b, c in itertools.product((-2, 1, 3), (-3, 1, 2), (-1, 0, 4)):
        line = difference(a, b, c)
        assert proportional(line, difference(3 * a, 3 * b, 3 * c), positive=True) is True
        assert proportional(line, difference(-2 * a, -2 * b, -2 * c), positive=True) is False


def test_the_texts_choose_the_points():
    def tree(text: str) -> object:
        return parse_expression(tokenize(text), text)

    first, second = (list(points(["x"], tree("\\sin x"), tree(other))) for other in ("x", "2*x"))
    assert first == list(points(["x"], tree("x"), tree("\\sin x")))  # whichever is the gold
    assert not {p["x"] for p in first} & {p["x"] for p in second}


@QUIET
@given(st.integers(-9, 9), st.integers(1, 6), st.integers(-5, 5), st.sampled_from("kmnj"), st.integers(1, 8))
def test_families_are_equal_as_sets(verifier: Verifier, offset: int, period: int, shift: int, letter: str, apart: int):
    gold = f"\\frac{{{offset}\\pi}}{{12}} + \\frac{{{period}\\pi}}{{3}} k, k \\in \\mathbb{{Z}}"
    moved = f"x = \\frac{{{offset + 4 * period * shift}\\pi}}{{12}} - \\frac{{{period}\\pi {letter}}}{{3}}"
    assert status(verifier, gold, moved) == "correct"
    other = Fraction(apart, 12 * 9) + Fraction(offset, 12)
    assert status(verifier, gold, f"x = \\frac{{{other.numerator}\\pi}}{{{other.denominator}}} + \\frac{{{period}\\pi {letter}}}{{3}}") == "incorrect"  # fmt: skip


# --- percent --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "answer", "lenient", "strict"),
    [
        ("20", "20\\%", ("correct", "percent_lenient"), ("incorrect", "percent_strict")),
        ("20\\%", "20", ("correct", "percent_lenient"), ("incorrect", "percent_strict")),
        ("\\sqrt{2}\\%", "\\sqrt2", ("correct", "percent_lenient"), ("incorrect", "percent_strict")),
        ("(20\\%, 30\\%)", "(20, 30)", ("correct", "percent_lenient"), ("incorrect", "percent_strict")),
        ("20\\%", "0.2", ("correct", "value"), ("correct", "value")),
        ("20\\%", "\\frac15", ("correct", "value"), ("correct", "value")),
        ("20", "0.2", ("incorrect", "number"), ("incorrect", "number")),
        ("20\\%", "2", ("incorrect", "value"), ("incorrect", "value")),
        ("20\\%", "20\\text{ percent}", ("correct", "value"), ("correct", "value")),
        ("30\\%", "20", ("incorrect", "value"), ("incorrect", "value")),
    ],
)
def test_a_missing_percent_sign_is_a_choice(gold: str, answer: str, lenient: tuple[str, str], strict: tuple[str, str]):
    for percent, expected in (("lenient", lenient), ("strict", strict)):
        with Verifier(workers=1, rules=AnswerRules(percent=percent)) as verifier:
            (verdict,) = verifier.verify([Item("", gold, f"\\boxed{{{answer}}}")])
        assert (verdict.status, verdict.rule) == expected


def test_choices_do_not_share_cached_decisions(tmp_path):
    statuses = []
    for percent in ("lenient", "strict", "lenient"):
        with Verifier(workers=1, rules=AnswerRules(percent=percent), cache=tmp_path / "decisions.sqlite") as verifier:
            statuses += [v.status for v in verifier.verify([Item("", "20", "\\boxed{20\\%}")])]
    assert statuses == ["correct", "incorrect", "correct"]


def test_an_unknown_choice_is_refused():
    with pytest.raises(VerifierError, match="percent"):
        Verifier(workers=1, rules=AnswerRules(percent="maybe"))  # type: ignore[arg-type]


# --- what our reader does not understand ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "answer", "status"),
    [
        ("A \\perp B", "B \\perp A", "gold_unparsed"),
        ("A \\parallel B", "5", "gold_unparsed"),
        ("5", "3 + + \\parallel", "error"),
        ("x \\mapsto 2x", "2x", "gold_unparsed"),
        ("2x", "x \\mapsto 2x", "error"),
    ],
)
def test_a_text_that_only_math_verify_reads_is_not_compared(gold: str, answer: str, status: str):
    decision = decide_by_value(Comparison(gold, answer))
    assert decision is not None and decision.status == status


@pytest.mark.parametrize(("said", "counts"), [("correct", "correct"), ("incorrect", "error"), ("refused", "refused")])
def test_math_verify_alone_never_says_incorrect(said: str, counts: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decide, "judge", lambda gold, answer: Decision(said, "math-verify", ""))  # type: ignore[arg-type]
    assert decide.decide_by_judge(Comparison("x", "y")).status == counts
