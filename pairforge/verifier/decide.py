"""Are gold and answer the same? The rules, in order; the first one that knows decides."""

from __future__ import annotations

from pairforge.verifier.judge import judge
from pairforge.verifier.pool import Decision
from pairforge.verifier.quick import number


def quick_decision(gold: str, answer: str) -> Decision | None:
    """A decision that needs no parser, or None."""
    if gold == answer and gold:
        return "correct", "identical", "the same text"
    left, right = number(gold), number(answer)
    if left is not None and right is not None:
        return ("correct" if left == right else "incorrect"), "number", f"{left} and {right}"[:100]
    return None


def decide(gold: str, answer: str, gold_percent: bool = False, answer_percent: bool = False) -> Decision:
    """(status, rule, detail) for two short strings. Runs in a worker."""
    quick = quick_decision(gold, answer)
    if quick:
        return quick
    status, detail = judge(gold, answer)
    return status, "math-verify", detail
