"""Decisions that need a parser: by the values of both texts, or by math-verify. Only worker processes make them."""

from __future__ import annotations

from pairforge.verifier.decisions import Comparison, Decision
from pairforge.verifier.equal.arithmetic import TooLarge
from pairforge.verifier.equal.compare import same
from pairforge.verifier.equal.judge import judge, refuse_for_judge
from pairforge.verifier.equal.scalars import Hints
from pairforge.verifier.parse.normalise import normalise
from pairforge.verifier.parse.read import read_values
from pairforge.verifier.parse.values import Value


def decide_by_value(pair: Comparison) -> Decision | None:
    """What our own rules say, or None when they do not know and math-verify should be asked."""
    hints = Hints(pair.gold_percent, pair.answer_percent)
    try:
        golds, answers = read_values(pair.gold), read_values(pair.answer)
        results = [same(gold, answer, hints) for gold in golds for answer in answers]
    except TooLarge:
        return Decision("error", "too large", "a value too large to compute")
    if results:
        kinds = f"{_kind(golds[0], pair.gold)} and {_kind(answers[0], pair.answer)}"
        if True in results:
            return Decision("correct", "value", kinds)
        if None not in results:
            return Decision("incorrect", "value", kinds)
    for side, text in (("gold", pair.gold), ("answer", pair.answer)):
        reason = refuse_for_judge(text)
        if reason:
            return Decision("refused", "gate", f"{side}: {reason}")
    return None


def decide_by_judge(pair: Comparison) -> Decision:
    """math-verify's decision, unless it claims equality with a text that only it can read.

    Its parser silently drops what it does not understand: (0, 1) + 5 is read as the set {0, 1}.
    """
    decision = judge(pair.gold, pair.answer)
    if decision.status == "correct" and bool(read_values(pair.gold)) != bool(read_values(pair.answer)):
        return Decision("error", "math-verify", "math-verify says equal, but may have read only a part of the text")
    return decision


def _kind(value: Value, text: str) -> str:
    return f"{type(value).__name__.lower()} {normalise(text)[:60]!r}"
