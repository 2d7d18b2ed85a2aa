"""Decisions that need a parser: by the values of both texts, or by math-verify. Only worker processes make them."""

from __future__ import annotations

from pairforge.verifier.decisions import Comparison, Decision
from pairforge.verifier.equal.arithmetic import TooLarge
from pairforge.verifier.equal.compare import compare
from pairforge.verifier.equal.judge import judge, refuse_for_judge
from pairforge.verifier.parse.normalise import normalise
from pairforge.verifier.parse.read import read_values
from pairforge.verifier.parse.values import Value


def decide_by_value(pair: Comparison) -> Decision | None:
    """What our own rules say, or None where math-verify may be asked: both texts are read, and neither rule knows.

    A text that our reader does not understand is never compared: math-verify drops what it cannot read.
    """
    golds, answers = read_values(pair.gold), read_values(pair.answer)
    if golds and answers:
        kinds = f"{_kind(golds[0].value, pair.gold)} and {_kind(answers[0].value, pair.answer)}"
        try:
            decision = compare(golds, answers, pair, kinds)
        except TooLarge:
            return Decision("error", "too large", "a value too large to compute")
        if decision is not None:
            return decision
    for side, text in (("gold", pair.gold), ("answer", pair.answer)):
        reason = refuse_for_judge(text)
        if reason:
            return Decision("refused", "gate", f"{side}: {reason}")
    if not golds:
        return Decision("gold_unparsed", "reader", f"the gold answer cannot be read: {normalise(pair.gold)[:100]!r}")
    if not answers:
        return Decision("error", "reader", f"the answer cannot be read: {normalise(pair.answer)[:100]!r}")
    return None


def decide_by_judge(pair: Comparison) -> Decision:
    """math-verify's decision where our rules read both texts and cannot tell; only its "equal" counts."""
    decision = judge(pair.gold, pair.answer)
    if decision.status == "incorrect":
        return Decision("error", "math-verify", "neither our rules nor math-verify can show that they are equal")
    return decision


def _kind(value: Value, text: str) -> str:
    return f"{type(value).__name__.lower()} {normalise(text)[:60]!r}"
