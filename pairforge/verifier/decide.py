"""Are gold and answer the same? The rules in order; the first that knows decides, and `judge` has the rest."""

from __future__ import annotations

import re

from pairforge.verifier.clean import clean
from pairforge.verifier.compare import Hints, same
from pairforge.verifier.evaluate import TooLarge
from pairforge.verifier.gate import refuse_for_judge
from pairforge.verifier.plain import plain
from pairforge.verifier.pool import Decision
from pairforge.verifier.quick import number
from pairforge.verifier.read import read
from pairforge.verifier.values import Value


def quick_decision(gold: str, answer: str) -> Decision | None:
    """A decision that needs no parser, or None. Cheap and bounded: it runs in the caller's process."""
    if gold == answer:
        return "correct", "identical", "the same text"
    left = number(gold)
    right = number(answer) if left is not None else None
    if left is not None and right is not None:
        return ("correct" if left == right else "incorrect"), "number", f"{left} and {right}"[:100]
    return None


def cheap_decision(gold: str, answer: str, hints: Hints) -> Decision | None:
    """A decision between answers of the commonest forms, or None. A little dearer, but bounded: for the caller too."""
    left = plain(gold)
    right = plain(answer) if left is not None else None
    if left is not None and right is not None and (result := same(left, right, hints)) is not None:
        return ("correct" if result else "incorrect"), "value", f"quantity {gold!r} and quantity {answer!r}"
    return same_spelling(gold, answer)


def decide(gold: str, answer: str, hints: Hints) -> Decision | None:
    """(status, rule, detail) for two short strings, or None when these rules do not know and math-verify should."""
    return quick_decision(gold, answer) or cheap_decision(gold, answer, hints) or _by_value(gold, answer, hints)


def same_spelling(gold: str, answer: str) -> Decision | None:
    """The two texts are one text once spelled the same way. Works on strings alone."""
    left, right = _squeeze(clean(gold)), _squeeze(clean(answer))
    if left and left == right:
        return "correct", "same spelling", left[:100]
    return None


_SPACES = re.compile(r"(?<![\d\w])\s+|\s+(?![\d\w])")


def _squeeze(text: str) -> str:
    return _SPACES.sub("", text.replace('"', " "))


def _by_value(gold: str, answer: str, hints: Hints) -> Decision | None:
    try:
        golds, answers = read(gold), read(answer)
        results = [same(g, a, hints) for g in golds for a in answers]
    except TooLarge:
        return "error", "too large", "a value too large to compute"
    if results:
        kinds = f"{_kind(golds[0])} {clean(gold)[:60]!r} and {_kind(answers[0])} {clean(answer)[:60]!r}"
        if True in results:
            return "correct", "value", kinds
        if None not in results:
            return "incorrect", "value", kinds
    for side, text in (("gold", gold), ("answer", answer)):
        reason = refuse_for_judge(text)
        if reason:
            return "refused", "gate", f"{side}: {reason}"
    return None


def second_opinion(gold: str, answer: str, decision: Decision) -> Decision:
    """math-verify's decision, unless it claims equality with a text that only it can read.

    Its parser silently drops what it does not understand: (0, 1) + 5 is read as the set {0, 1}.
    """
    if decision[0] == "correct" and bool(read(gold)) != bool(read(answer)):
        return "error", "math-verify", "math-verify says equal, but may have read only a part of the text"
    return decision


def _kind(value: Value) -> str:
    return type(value).__name__.lower()
