"""Whatever the text: a verdict in time, and no rule that stumbles over its own feet.

`PAIRFORGE_FUZZ_MINUTES=30 python -m pytest -m full tests/verifier/test_fuzz.py` fuzzes for that long.
"""

import os
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pairforge.records import STATUSES
from pairforge.verifier import Item, Verdict, Verifier
from tests.verifier.cases import load_cases

PIECES = [
    "\\frac", "\\sqrt", "{", "}", "(", ")", "[", "]", "\\{", "\\}", "^", "_", "1", "2", "10", "0.5", ",", "{,}", "x", "y", "k",
    "\\pi", "\\infty", "i", "e", "+", "-", "*", "/", "=", "<", "\\le", "\\cup", "\\pm", "%", "\\%", "$", "\\$", "^\\circ", ":",
    "\\text{cm}", "\\text{ or }", " and ", "\\mathbb{Z}", "\\in", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "|", "!",
    "\\sin", "\\log_", "\\binom", "\\overline{3}", "...", "\\approx", "A", "(B)", "am", "pm", "\\boxed{", "<think>", "</think>",
    "<answer>", "####", "The answer is ", "\n", " ", "\u2009", "\u0000", "\ud800", "\u202e", "\u200b", "½", "√", "²", "−", "９",
    "\\sum", "\\bar{", "\\lim", "__", "lambda", "9999999999", "^{9^{9", "!!", "\\pmod", "\\equiv", "base 2", "_{16}", "million",
    "\\operatorname{", "\"", "'", "\\", "~", "&&", "\\left", "\\right", "\\langle", "\\mathrm{km}", "/h", "5", "no solution",
]  # fmt: skip
SEEDS = [text for case in load_cases() for text in (case.gold, case.response)]
LIMIT_S = 3.0  # for one pair
START_S = 30.0  # for a worker that has to be started, or to load math-verify, on a busy machine

soup = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
known = st.sampled_from(SEEDS)
spliced = st.builds(
    lambda a, b, cut: a[: cut % (len(a) + 1)] + b[cut % (len(b) + 1) :], known, known, st.integers(0, 200)
)
noise = st.text(max_size=60)
texts = st.one_of(soup, known, spliced, noise, st.builds(lambda a, b: a + b, soup, known))
boxed = st.one_of(texts, texts.map(lambda text: "\\boxed{" + text + "}"))
batches = st.lists(st.tuples(texts, boxed), min_size=1, max_size=20)


def check(verifier: Verifier, pairs: list[tuple[str, str]]) -> list[Verdict]:
    started = time.monotonic()
    items = [Item(str(n), gold, response) for n, (gold, response) in enumerate(pairs)]
    verdicts = list(verifier.verify(items))
    assert [v.sample_key for v in verdicts] == [i.key for i in items]
    assert time.monotonic() - started < LIMIT_S * len(items) + START_S
    for item, verdict in zip(items, verdicts, strict=True):
        assert verdict.status in STATUSES
        assert verdict.rule not in ("exception", "crash", "killed"), (item, verdict)
    return verdicts


@pytest.fixture(scope="module")
def verifier():
    with Verifier(workers=1) as it:
        yield it


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches)
def test_any_text_gets_a_verdict(verifier: Verifier, pairs: list[tuple[str, str]]):
    check(verifier, pairs)


@pytest.mark.full
def test_any_text_gets_a_verdict_for_minutes(verifier: Verifier):
    minutes = float(os.environ.get("PAIRFORGE_FUZZ_MINUTES", "5"))
    until = time.monotonic() + minutes * 60
    seen: Counter[str] = Counter()
    slowest = 0.0
    while time.monotonic() < until:

        @settings(max_examples=200, derandomize=False, suppress_health_check=list(HealthCheck), database=None)
        @given(batches)
        def fuzz(pairs: list[tuple[str, str]]) -> None:
            nonlocal slowest
            if time.monotonic() > until:
                return
            started = time.monotonic()
            seen.update(v.status for v in check(verifier, pairs))
            slowest = max(slowest, time.monotonic() - started)

        fuzz()
    print(f"\nfuzzed {sum(seen.values())} pairs in {minutes:g} minutes: {dict(seen)}; slowest batch {slowest:.2f} s")
