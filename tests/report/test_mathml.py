"""Texts become plain pieces and safe MathML; whatever a model writes, nothing of it becomes markup."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.report.mathml import MathRenderer, printable

RENDER = MathRenderer()
TAG = re.compile(r"<\s*/?\s*([a-zA-Z]+)([^>]*)>")


def markup(text: str) -> list[str]:
    return RENDER.pieces(text)[1::2]


@pytest.mark.parametrize(
    ("text", "element"),
    [
        ("so $x^2$ is", "<msup>"),
        (r"\(\frac{1}{2}\)", "<mfrac>"),
        (r"\[\sqrt{2}\]", 'display="block"'),
        ("$$a$$", "<mi>a</mi>"),
        (r"the answer is \boxed{42}", "menclose"),
        (r"$\begin{aligned} a&=b\\ c&=d\end{aligned}$", "<mtable>"),
        ("$a < b$", "&lt;"),
    ],
)
def test_mathematics_becomes_mathml(text, element):
    assert element in "".join(markup(text))


@pytest.mark.parametrize("text", ["it costs $5 and $6", "no mathematics", "$ x $", "a $ b", r"\frac{1}{", "$$$$"])
def test_what_is_no_mathematics_stays_text(text):
    assert RENDER.pieces(text) == [text]


def test_pieces_are_text_and_markup_in_turn():
    pieces = RENDER.pieces("let $x$ be $2$")
    assert pieces[0::2] == ["let ", " be ", ""]
    assert all(piece.startswith("<math") for piece in pieces[1::2])


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>alert(1)</script>}", r"\text{<img src=x onerror=alert(1)>}", r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(javascript:alert(1))}{x}", r"\class{x}{y}", r"\color{red}{x}", "<svg onload=1>",
        r"\text{&lt;script&gt;}", r"\mathrm{\text{</math><script>}}", r"\unknown<script>",
    ],
)  # fmt: skip
def test_no_formula_brings_its_own_markup(latex):
    check_safe("".join(markup(f"${latex}$")))


@settings(max_examples=200, deadline=None)
@given(st.text(r"\{}$^_&<>\"'=/ abtexthrfscip", max_size=60) | st.text(max_size=40))
def test_no_text_brings_its_own_markup(text):
    for piece in markup(f"${text}$") + markup(rf"\[{text}\]"):
        check_safe(piece)


def check_safe(piece: str) -> None:
    for name, attributes in TAG.findall(piece):
        assert name.startswith(("m", "none")), piece
        assert not re.search(r"\bon\w+=|href|src|style=|class=|javascript", attributes), piece


def test_characters_that_no_page_can_show_are_replaced():
    assert printable("a\x00b\u202ec\ud800d\n\te") == "a\ufffdb\ufffdc\ufffdd\n\te"


@pytest.mark.parametrize(
    "text",
    ["$" * 200_000, r"\(" * 100_000, r"\[" * 100_000, "$x" * 100_000, r"\boxed{" * 50_000, "$" + "{" * 400 + "$"],
)
def test_hostile_texts_take_linear_time(text):
    started = time.process_time()
    MathRenderer(budget=50).pieces(text)
    assert time.process_time() - started < 8


def test_formulas_beyond_the_budget_stay_as_they_are_written():
    render = MathRenderer(budget=1)
    assert len(render.pieces("$x+1$ $y+1$ $x+1$")) == 5  # the second formula is left, the third is known already
