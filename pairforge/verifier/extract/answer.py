"""Where does a text state its final answer? Linear in the text, and it never guesses.

In a completion, in this order: the part after the thought; there an `<answer>` tag; the last box (or joined boxes);
"the answer is"; `####`; a concluding last line; a text that is nothing but an answer. A number from the middle is no
answer. In a gold text: an `<answer>` tag, the last box (or joined boxes), `####`, "the answer is", the text as given.
"""

from __future__ import annotations

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
    """The final answer of a completion (raw text, reasoning frame included)."""
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


def extract_gold(gold: str | None) -> Extraction:
    """The ground truth reduced to its final answer: GSM8K and MATH style solutions, boxes, bare values."""
    if not isinstance(gold, str) or not gold.strip():
        return Extraction("", "the gold answer is empty", missing="no_answer")
    text, _ = answer_tag(gold)
    found = boxed_answer(text) or after_hashes(text, cut=False, last_line_only=False)
    if found is None and len(text) > 40:
        found = phrase(text, cut=False)
    if found is None:
        found = Extraction(text.strip(), "as given")
    if len(found.answer) > MAX_ANSWER_CHARS:
        return Extraction("", f"the gold answer is longer than {MAX_ANSWER_CHARS} characters", missing="refused")
    return found


def _nothing(cut: bool, why: str) -> Extraction:
    return Extraction("", why, missing="truncated" if cut else "no_answer")


def _answer_region(text: str) -> tuple[str, bool]:
    """The part of the text where an answer may stand, and whether the text stops inside its thought."""
    if "<" not in text:
        return text, False
    closed = text.rfind("</think>")
    if closed >= 0 and "<" not in (rest := text[closed + len("</think>") :]):
        return rest.strip(), False  # what `split_reasoning` says of the usual frame, without reading the thought
    parts = split_reasoning(text)
    if parts.closed:
        return parts.answer, False
    tail = text.rstrip()[-20:].lower()
    if tail.endswith("</answer>"):  # a thought that was never closed, but the answer has its own tag
        return text[text.lower().rfind("<answer") :], False
    return "", True
