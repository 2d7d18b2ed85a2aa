"""Can the form of a text alone tell chosen from rejected? Then a preference teaches form, not reasoning.

Two kinds of test. Every surface feature by itself (which markers, how a text opens, how it ends) is used as a guess,
learned on one half of the pairs and tested on the other. A text classifier (`style_classifier`) sees words,
characters and line structure together. 0.5 is chance, 1.0 means that the form gives every pair away. The authors'
published pairs reach 1.0 by their thought markers alone; long and short solutions of two models usually do by style.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pairforge.chat import split_reasoning
from pairforge.filters.style_classifier import (
    FOLDS,
    MAX_PAIRS,
    MIN_PAIRS,
    classify_style,
    held_out_interval,
    scope,
)

TELLING = 0.9  # accuracy from which on a test counts as giving pairs away
CLASSIFIER = "text classifier"


@dataclass(frozen=True, slots=True)
class Surface:
    """One pair as far as form goes: an id, its problem's id and the two completions."""

    id: str
    problem: str
    chosen: str
    rejected: str


@dataclass(frozen=True, slots=True)
class Feature:
    """How well one test of form tells the sides apart, on pairs it was not learned on.

    `accuracy` has the 95 % interval `low` to `high` and is measured on `pairs` pairs. The text classifier also says
    what it looks at (`tested`) and what tells most (`telling`): (token, chosen texts with it, rejected texts with it).
    """

    name: str
    accuracy: float
    low: float
    high: float
    pairs: int
    tested: str = ""
    telling: tuple[tuple[str, int, int], ...] = ()


def separability(pairs: Iterable[Surface], *, seed: int = 0, max_classified: int = MAX_PAIRS) -> list[Feature]:
    """Every test of form with its accuracy, the most telling first; an empty list for no pairs.

    The text classifier reads at most `max_classified` of the pairs, and is left out where there are too few for it.
    """
    known = list(pairs)
    if not known:
        return []
    tests = [_score(name, value, known) for name, value in FEATURES.items()]
    style = classify_style(
        ((pair.problem, pair.chosen, pair.rejected) for pair in known), seed=seed, max_pairs=max_classified
    )
    if style:
        tests.append(
            Feature(CLASSIFIER, style.accuracy, style.low, style.high, style.pairs, scope(style.pairs), style.telling)
        )
    return sorted(tests, key=lambda test: -test.accuracy)


def form_in_words(tests: Iterable[Mapping[str, Any]]) -> list[str]:
    """The tests of a view's form as sentences: the best of them, what tells most, what was tested.

    `tests` are the entries of `separability` in view.json, the most telling first; those of older versions have no
    intervals and no text classifier.
    """
    known = {test["name"]: test for test in tests if test["name"] in (*FEATURES, CLASSIFIER)}
    if not known:
        return ["Not measured."]
    classifier = known.get(CLASSIFIER, {})
    telling = [_result(test) for test in known.values() if test["accuracy"] >= TELLING]
    sentences = []
    if telling:
        sentences.append(f"Yes, by {', '.join(telling)}. 50% is chance. A model can lower its loss by that form alone.")
    else:
        best = _result(next(iter(known.values())))
        sentences.append(f"No test is right for 90% of the pairs. The best is {best}; 50% is chance.")
    if classifier.get("telling") and classifier["low"] > 0.5:
        tokens = ", ".join(f"{token} ({chosen:,} / {rejected:,})" for token, chosen, rejected in classifier["telling"])
        sentences.append(f"What tells most (chosen / rejected texts that have it): {tokens}.")
    sentences.append(
        f"Tested: {', '.join(name for name in FEATURES if name in known)}, each by itself, "
        + (
            f"and a text classifier ({classifier['tested']})."
            if classifier
            else f"but no text classifier, which needs {MIN_PAIRS} pairs from {FOLDS} problems."
        )
    )
    if telling:
        sentences.append(
            "Solutions by different authors, for example R1 and a small model, usually differ in style, and longer "
            "ones hold more words. A control arm (reversed, random_pairs) shows what the form alone teaches."
        )
    return sentences


def _result(test: Mapping[str, Any]) -> str:
    known = test.get("low") is not None
    interval = f", 95% interval {test['low']:.0%} to {test['high']:.0%}" if known else ""
    return f"{test['name']} ({test['accuracy']:.0%} of the pairs{interval})"


def _score(name: str, value: Callable[[str], str], pairs: Sequence[Surface]) -> Feature:
    halves: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for pair in pairs:
        half = halves[hashlib.sha256(pair.problem.encode()).digest()[0] % 2]
        half.append((value(pair.chosen), value(pair.rejected)))
    hits = _hits(learn=halves[0], test=halves[1]) + _hits(learn=halves[1], test=halves[0])
    accuracy = hits / len(pairs)
    low, high = held_out_interval(accuracy, len({pair.problem for pair in pairs}))
    return Feature(name, accuracy, low, high, len(pairs))


def _hits(*, learn: list[tuple[str, str]], test: list[tuple[str, str]]) -> float:
    """How many of the test pairs the feature puts the right way round; a value that says nothing counts half."""
    lean: Counter[str] = Counter()
    for chosen, rejected in learn:
        lean[chosen] += 1
        lean[rejected] -= 1
    return sum(1.0 if lean[c] > lean[r] else 0.5 if lean[c] == lean[r] else 0.0 for c, r in test)


_MARKERS = {
    "<think>": re.compile(r"<think>", re.IGNORECASE),
    "</think>": re.compile(r"</think>", re.IGNORECASE),
    "Sky-T1 markers": re.compile(r"<\|(?:begin|end)_of_(?:thought|solution)\|>", re.IGNORECASE),
    "other tags": re.compile(r"</?(?:answer|reasoning|solution|step)\b[^>]*>", re.IGNORECASE),
    "headings": re.compile(r"^#{1,6} |^\*\*[^*\n]+\*\*:?$", re.MULTILINE),
}


def _markers(text: str) -> str:
    return ", ".join(name for name, pattern in _MARKERS.items() if pattern.search(text)) or "none"


def _empty_thought(text: str) -> str:
    thought = split_reasoning(text).thought
    return "no thought" if thought is None else "a thought" if thought else "an empty thought"


def _opening(text: str) -> str:
    return " ".join(re.findall(r"\w+|[^\w\s]", text)[:2]).lower()


def _opening_words(text: str) -> str:
    parts = split_reasoning(text)
    return _opening(parts.thought or parts.answer)


def _answer_opening(text: str) -> str:
    return _opening(split_reasoning(text).answer)


def _ending(text: str) -> str:
    """The shape of the last line: is there a box, and what comes last."""
    line = text.rstrip().rpartition("\n")[2]
    box = "a box" if "\\boxed" in line else "no box"
    last = "a letter" if line[-1:].isalpha() else "a digit" if line[-1:].isdigit() else repr(line[-1:])
    return f"{box} in the last line, ending in {last}"


def _answer_shape(text: str) -> str:
    """The shape of what follows the reasoning: how many paragraphs, with a box or without."""
    answer = split_reasoning(text).answer
    paragraphs = min(len([p for p in answer.split("\n\n") if p.strip()]), 4)
    return f"{paragraphs}{'+' if paragraphs == 4 else ''} paragraphs, {answer.count(chr(92) + 'boxed')} boxes"


FEATURES: dict[str, Callable[[str], str]] = {
    "markers": _markers,
    "thought": _empty_thought,
    "opening words": _opening_words,
    "opening words of the answer": _answer_opening,
    "ending": _ending,
    "shape of the answer": _answer_shape,
}
