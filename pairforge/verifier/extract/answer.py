"""Where does a text state its final answer? Linear in the text, and it never guesses.

In a completion, in this order: the part after the thought and before the end of the turn; there an `<answer>` tag; a
JSON object; the last box (or joined boxes), unless the text takes it back; "the answer is", a label or heading, `####`;
an option; a closing sentence or last line; a text that is nothing but an answer. A number from the middle is no answer.
A gold text is read by the same rules: the part after the thought, the answer tag, boxes, `####`, "the answer is"; one
that marks nothing is the answer itself.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pairforge.records import FinishReason
from pairforge.verifier.extract.boxes import alone, box_at, boxed_answer, is_empty, last_box
from pairforge.verifier.extract.closing import answer_first, chosen_option, last_words, whole_text
from pairforge.verifier.extract.extraction import MAX_ANSWER_CHARS, Extraction
from pairforge.verifier.extract.json_answer import json_answer
from pairforge.verifier.extract.languages import KEYWORDS
from pairforge.verifier.extract.region import after_thought, next_questions, within_turn
from pairforge.verifier.extract.stated import after_hashes, answer_tag, phrase, stated
from pairforge.verifier.extract.wrappers import plain_digits, unwrap


def extract_answer(text: str | None, finish_reason: FinishReason = "stop") -> Extraction:
    """The final answer of a completion (raw text, with its reasoning)."""
    if not isinstance(text, str) or not text.strip():
        return _nothing(finish_reason == "length", "the text is empty")
    return _in_the_box(text) or _wherever(text, finish_reason == "length")


def _in_the_box(text: str) -> Extraction | None:
    """The answer of the usual completion, which marks nothing but one box. None for other texts.

    It says what `_wherever` says, in a fraction of the time.
    """
    start = text.rfind("\\boxed{")
    if start < 0 or text.find("box") != start + 1 or text.find("box", start + 5) >= 0 or not text.isascii():
        return None
    if "<" in text or "nswer" in text or "THINK]" in text or "INST]" in text or text.endswith("]"):
        return None
    if "analysis" in text[:60]:
        return None
    box = box_at(text, start)
    if not box.content or is_empty(box.content) or json_answer(text) is not None:
        return None
    if len(text) - box.end > 12 and _corrects(text[box.end :]):
        return None
    return _tidy(alone(text, box, box.content))


def _wherever(text: str, cut: bool) -> Extraction:
    """The answer of any text."""
    region, thinking = after_thought(text)
    if thinking:
        return Extraction("", "the text ends inside an unfinished thought", missing="truncated")
    region, ended = within_turn(region)
    cut = cut and not ended
    if not region.strip():
        return _nothing(cut, "nothing follows the thought")
    region, tagged = answer_tag(region)
    if tagged and not region.strip():
        return _nothing(cut, "the answer tag is empty")
    found = _marked_first(region) if not tagged else None
    found = found or _marked(region, cut) or (None if cut else _unmarked(region, tagged=tagged))
    if found is None:
        return _nothing(cut, "the text was cut before its answer" if cut else "no final answer is stated")
    return _tidy(found)


def _marked_first(region: str) -> Extraction | None:
    """The answer that is marked before the text goes on with a question of its own; None where it does not."""
    if "\n" not in region or _only_its_last_box_marks(region):
        return None
    for start in next_questions(region):
        found = _marked(region[:start], cut=False)
        if found is not None:
            return found
    return None


def _only_its_last_box_marks(region: str) -> bool:
    """Is one box all that could mark an answer? Then no question can follow an answer before it. Cheap."""
    start = region.find("\\boxed")
    return start >= 0 and region.find("\\boxed", start + 1) < 0 and "nswer" not in region and region.isascii()


def _marked(region: str, cut: bool) -> Extraction | None:
    """What a JSON object, a box, "the answer is", a label or `####` states."""
    found = json_answer(region)
    if found is not None:
        inner = boxed_answer(found.answer) or phrase(found.answer, cut=False) if not found.missing else None
        return inner or found
    box = last_box(region)
    if box is None:
        found = stated(region, cut)
        return None if cut and found and _CORRECTS.search(region, _last_keyword(region)) else found
    behind = region[box.end :]
    if cut and box.content and _corrects(behind):
        return _nothing(cut, "the text was cut while it looked at its answer again")
    if box.content is not None and is_empty(box.content):
        return phrase(behind, cut) or boxed_answer(region, box)
    return _correction(behind, cut) or boxed_answer(region, box)


_CORRECTS = re.compile(
    r"\b(?:wait|actually|correction|hold on|oops|scratch that|on second thought|I made an? (?:mistake|error)"
    r"|I apologi[sz]e|that is wrong"
    r"|that's wrong|let me (?:correct|fix|redo))\b",
    re.IGNORECASE,
)
_HINTS = ("wait", "actually", "correct", "hold", "oops", "scratch", "second", "made", "apolog", "wrong", "let me")


def _corrects(text: str) -> re.Match[str] | None:
    """Where the text starts to look at its answer again."""
    lower = text.lower()
    return _CORRECTS.search(text) if any(hint in lower for hint in _HINTS) else None


_TAKEN_BACK = re.compile(
    r"(?:that|this|it)(?:'s|’s| is| was) (?:wrong|incorrect|not (?:right|correct))|I made an? (?:mistake|error)"
    r"|scratch that",
    re.IGNORECASE,
)
_CORRECTED = re.compile(
    r"(?:should (?:be|have been)|must be|correct (?:value|one|result) is|\bit(?:'s|’s| is) (?:actually|really"
    r"|in fact)?|\bI meant|instead of \S+ it is)"
    r"[ *]*(?P<value>\$[^$\n]{1,100}\$|-?\d[\d,./]*\d|-?\d)"
)


def _last_keyword(region: str) -> int:
    return max(0, *(region.rfind(word) for word in KEYWORDS))


def _correction(behind: str, cut: bool) -> Extraction | None:
    """What the text behind the last box says instead of it, where it takes the box back."""
    begin = _corrects(behind) if len(behind) > 12 else None
    if begin is None:
        return None
    rest = behind[begin.start() :]
    found = stated(rest, cut)
    if found is not None:
        return found._replace(how="correction")
    values = list(_CORRECTED.finditer(rest[-20_000:]))
    if values and not cut:
        return Extraction(values[-1]["value"], "correction")
    if _TAKEN_BACK.search(rest):
        return _nothing(cut, "the answer is taken back")
    return None


def _unmarked(region: str, *, tagged: bool) -> Extraction | None:
    """What a text states without a mark: an option, a last line or sentence, or the text as a whole."""
    found = chosen_option(region) or answer_first(region) or last_words(region) or whole_text(region, lenient=tagged)
    if found is not None and (found.missing or not _says_nothing(found.answer)):
        return found
    return Extraction(region.strip(), "answer tag") if tagged and found is None and len(region.strip()) <= 300 else None


def _says_nothing(answer: str) -> bool:
    """Is this an equation of something with itself?"""
    left, equals, right = answer.strip("$. ").partition("=")
    return bool(equals) and left.strip() == right.strip()


def _tidy(found: Extraction) -> Extraction:
    """The answer without the LaTeX that only dresses it, and with a bound on its length."""
    if found.missing:
        return found
    if len(found.answer) > MAX_ANSWER_CHARS:
        return Extraction(
            found.answer[:80], f"the answer is longer than {MAX_ANSWER_CHARS} characters", missing="refused"
        )
    plain = _undressed(found.answer)
    return found if plain == found.answer else found._replace(answer=plain)


@lru_cache(maxsize=4096)  # the samples of one problem often agree
def _undressed(answer: str) -> str:
    return plain_digits(unwrap(answer))


def read_gold(solution: str) -> str | None:
    """The gold answer that a solution marks: its last box or joined boxes, or what follows GSM8K's `####`.

    It stands where the verifier finds the answer of the same text, so a solution that is verified against the gold
    read from it is correct. None where the solution marks no answer, or was cut before or inside it.
    """
    found = _marked_gold(solution)
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
    found = _marked_gold(gold)
    if found is None:
        text, _ = answer_tag(gold)
        found = phrase(text, cut=False) if len(text) > 40 or "\n" in text.strip() else None
        found = found if found and not found.prose else Extraction(text.strip(), "as given")
    if len(found.answer) > MAX_ANSWER_CHARS:
        return Extraction("", f"the gold answer is longer than {MAX_ANSWER_CHARS} characters", missing="refused")
    return found if found.missing else _tidy(found)


def _marked_gold(gold: str) -> Extraction | None:
    """What a gold text marks as its answer; None where it marks nothing."""
    region, thinking = after_thought(gold)
    if thinking:
        return Extraction("", "the text ends inside an unfinished thought", missing="truncated")
    text, _ = answer_tag(within_turn(region)[0])
    return boxed_answer(text) or after_hashes(text, cut=False)


def _nothing(cut: bool, why: str) -> Extraction:
    return Extraction("", why, missing="truncated" if cut else "no_answer")
