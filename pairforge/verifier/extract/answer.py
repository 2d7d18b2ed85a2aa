"""Where does a text state its final answer? Linear in the text, and it never guesses.

In a completion, in this order: the part after the thought; there an `<answer>` tag; the last box (or joined boxes);
"the answer is"; `####`; a concluding last line; a text that is nothing but an answer. A number from the middle is no
answer. A gold text is read by the same rules: the part after the thought, the answer tag, boxes, `####`, "the answer
is"; one that marks nothing is the answer itself.
"""

from __future__ import annotations

import re

from pairforge.chat import split_reasoning
from pairforge.records import FinishReason
from pairforge.verifier.extract.boxes import MAX_ANSWER_CHARS, Extraction, boxed_answer
from pairforge.verifier.extract.sentences import (
    after_hashes,
    answer_tag,
    chosen_option,
    closing_sentence,
    phrase,
    stated,
    whole_text,
)  # fmt: skip


def extract_answer(text: str | None, finish_reason: FinishReason = "stop") -> Extraction:
    """The final answer of a completion (raw text, with its reasoning)."""
    if not isinstance(text, str) or not text.strip():
        return _nothing(finish_reason == "length", "the text is empty")
    cut = finish_reason == "length"
    region, thinking = _answer_region(text)
    if thinking:
        return Extraction("", "the text ends inside an unfinished thought", missing="truncated")
    if not region.strip():
        return _nothing(cut, "nothing follows the thought")
    region, tagged = answer_tag(region)
    found = boxed_answer(region) or stated(region, cut)
    if found is None and not cut:
        found = chosen_option(region) or closing_sentence(region) or whole_text(region, lenient=tagged)
    if found is None and tagged and not cut:
        found = Extraction(region.strip(), "answer tag")
    if found is None:
        return _nothing(cut, "the text was cut before its answer" if cut else "no final answer is stated")
    if len(found.answer) > MAX_ANSWER_CHARS:
        return Extraction(
            found.answer[:80], f"the answer is longer than {MAX_ANSWER_CHARS} characters", missing="refused"
        )
    return found


def read_gold(solution: str) -> str | None:
    """The gold answer that a solution marks: its last box or joined boxes, or what follows GSM8K's `####`.

    It stands where the verifier finds the answer of the same text, so a solution that is verified against the gold
    read from it is correct. None where the solution marks no answer, or was cut before or inside it.
    """
    found = _marked(solution)
    if found is None or found.missing or len(found.answer) > MAX_ANSWER_CHARS:
        return None
    answer = found.answer.strip()
    if found.how == "####" and _GROUPED.fullmatch(answer):
        answer = answer.replace(",", "")
    return answer or None


_GROUPED = re.compile(r"[^\d,]*\d{1,3}(,\d{3})+(\.\d+)?[^\d,]*")


def extract_gold(gold: str | None) -> Extraction:
    """The final answer of a gold text: what a solution marks, else "the answer is", else the text as it is."""
    if not isinstance(gold, str) or not gold.strip():
        return Extraction("", "the gold answer is empty", missing="no_answer")
    found = _marked(gold)
    if found is None:
        text, _ = answer_tag(gold)
        found = phrase(text, cut=False) if len(text) > 40 else None
        found = found or Extraction(text.strip(), "as given")
    if len(found.answer) > MAX_ANSWER_CHARS:
        return Extraction("", f"the gold answer is longer than {MAX_ANSWER_CHARS} characters", missing="refused")
    return found


def _marked(gold: str) -> Extraction | None:
    """What a gold text marks as its answer; None where it marks nothing."""
    region, thinking = _answer_region(gold)
    if thinking:
        return Extraction("", "the text ends inside an unfinished thought", missing="truncated")
    text, _ = answer_tag(region)
    return boxed_answer(text) or after_hashes(text, cut=False)


def _nothing(cut: bool, why: str) -> Extraction:
    return Extraction("", why, missing="truncated" if cut else "no_answer")


def _answer_region(text: str) -> tuple[str, bool]:
    """The part of the text where an answer may stand, and whether the text stops inside its thought."""
    if "<" not in text:
        return text, False
    closed = text.rfind("</think>")
    if closed >= 0 and "<" not in (rest := text[closed + len("</think>") :]):
        return rest.strip(), False  # what `split_reasoning` says of the usual format, without reading the thought
    parts = split_reasoning(text)
    if parts.closed:
        return parts.answer, False
    tail = text.rstrip()[-20:].lower()
    if tail.endswith("</answer>"):  # a thought that was never closed, but the answer has its own tag
        return text[text.lower().rfind("<answer") :], False
    return "", True
