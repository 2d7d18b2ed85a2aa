"""How a verdict came about, as named steps to print."""

from __future__ import annotations

from pairforge.chat import split_reasoning
from pairforge.records import FinishReason
from pairforge.verifier.extract import extract_answer, extract_gold
from pairforge.verifier.verify import grade

Step = tuple[str, str]


def explain(gold: str, response: str, *, finish_reason: FinishReason = "stop", policy: str = "default") -> list[Step]:
    """(step, what happened) from the gold and the raw response to the decision. Raises `VerifierError`."""
    wanted, found = extract_gold(gold), extract_answer(response, finish_reason)
    frame = split_reasoning(response) if isinstance(response, str) else None
    verdict = grade(gold, response, finish_reason=finish_reason, policy=policy)
    steps = [
        ("gold", str(gold)),
        ("gold answer", wanted.how if wanted.missing else f"{wanted.answer}   ({wanted.how})"),
        ("response", f"{len(response or '')} characters, frame: {frame.frame if frame else 'none'}, {finish_reason}"),
        ("answer", found.how if found.missing else f"{found.answer}   ({found.how})"),
    ]
    if wanted.percent or found.percent:
        sides = [name for name, on in (("gold", wanted.percent), ("response", found.percent)) if on]
        steps.append(("percent", f"the words of the {' and the '.join(sides)} speak of a percentage"))
    steps.append(("rule", f"{verdict.rule}: {verdict.detail}"))
    steps.append(("decision", f"{verdict.status}   (verifier {verdict.verifier_version}, policy {policy})"))
    return steps
