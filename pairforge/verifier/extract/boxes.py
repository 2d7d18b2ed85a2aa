"""The answer in a text's last box, or in several joined boxes. Linear in the text."""

from __future__ import annotations

import re
from typing import NamedTuple

from pairforge.verifier.extract.beside import before, with_what_follows
from pairforge.verifier.extract.extraction import MAX_ANSWER_CHARS, Extraction, says_percent
from pairforge.verifier.extract.wrappers import undoubled

_BOX_SCAN_CHARS = 20_000  # how far a box may reach before we stop looking for its closing brace
_MAX_JOINED = 20

_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*")
_BARE_BOX = re.compile(r"\$?\s*([^\s$\\.,;]+)")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_JOINERS = r"and|or|und|oder|et|ou|y|o|e|и|или|和|或|及"
_FILLER = r"\$|\\\(|\\\)|\\\[|\\\]|\\[,;:! ]|\\q?quad|[ \t~*&]|\n"
_JOINER = r"\\(?:text|mathrm)\s*\{\s*(?:" + _JOINERS + r")\s*\}|\b(?:" + _JOINERS + r")\b"
_BETWEEN = re.compile(
    rf"(?:{_FILLER})*(?P<joint>[,;、，]|{_JOINER}|)(?:{_FILLER}|{_JOINER})*"
    r"(?P<label>(?:[Pp]art\s+)?(?:\([a-h1-9ivx]{1,3}\)|[a-h]\))|)[ \t$*:]*"
    r"(?P<name>[A-Za-z](?:_\{?\w\}?)?\s*=\s*(?:\$|\\\()?\s*|)"
)


class Box(NamedTuple):
    """A box and where it stands; `content` is None where it is never closed."""

    start: int
    end: int
    content: str | None


def box_at(text: str, start: int) -> Box:
    """The box whose command stands at `start`."""
    head = None if text.startswith("\\boxed{", start) else _BOX.match(text, start)
    begin = head.end() if head else start + len("\\boxed")
    if not text.startswith("{", begin):
        word = _BARE_BOX.match(text, begin)
        return Box(start, word.end(), word.group(1)) if word else Box(start, begin, "")
    first = text.find("}", begin, begin + _BOX_SCAN_CHARS)
    if first > 0 and "{" not in (content := text[begin + 1 : first]) and not content.endswith("\\"):
        return Box(start, first + 1, content)  # the usual box: no braces inside
    last = _closing(text, begin, first)
    if last:
        return Box(start, last + 1, text[begin + 1 : last])
    depth = 0
    for brace in _BRACE.finditer(text, begin, begin + _BOX_SCAN_CHARS):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return Box(start, brace.end(), text[begin + 1 : brace.start()])
    return Box(start, len(text), None if begin + _BOX_SCAN_CHARS >= len(text) else "x" * (MAX_ANSWER_CHARS + 1))


def _closing(text: str, begin: int, end: int) -> int:
    """Where the brace at `begin` closes, for a box with a few braces inside; 0 where that takes a closer look."""
    for _ in range(8):
        if end < 0:
            return 0
        inside = text[begin : end + 1]
        if "\\\\" in inside:
            return 0
        open_braces = inside.count("{") - inside.count("}")
        if "\\{" in inside or "\\}" in inside:
            open_braces -= inside.count("\\{") - inside.count("\\}")
        if open_braces <= 0:
            return end if inside[-2] != "\\" else 0
        end = text.find("}", end + 1, begin + _BOX_SCAN_CHARS)
    return 0


def _last_start(text: str, low: int, high: int) -> int:
    boxed = text.rfind("\\boxed", low, high)
    if text.find("\\f", max(boxed, low), high) < 0:  # neither \fbox nor \framebox behind it
        return boxed
    return max(boxed, text.rfind("\\fbox", low, high), text.rfind("\\framebox", low, high))


def boxed_answer(text: str, last: Box | None = None) -> Extraction | None:
    """The content of the last box and of all that are joined to it by "and", a comma or names; None without a box."""
    last = last or last_box(text)
    if last is None:
        return None
    if last.content is None:
        return Extraction("", "the last box is never closed", missing="truncated")
    if is_empty(last.content):
        return Extraction("", "the last box is empty", missing="no_answer")
    ratio = _ratio_before(text, last)
    if ratio is not None:
        return Extraction(f"{ratio}:{last.content.strip()}", "joined boxes")
    boxes = [last]
    while len(boxes) < _MAX_JOINED and (box := _box_joined_to(text, boxes[-1])):
        boxes.append(box)
    joined = [_named(text, box) for box in reversed(boxes)] if len(boxes) > 1 else []
    if len(set(joined)) > 1:
        return Extraction(", ".join(joined), "joined boxes", says_percent(text, boxes[-1].start, last.end))
    return alone(text, last, last.content)


def alone(text: str, last: Box, content: str) -> Extraction:
    """The answer in a box that no other is joined to."""
    content = undoubled(_SAID.sub("", content) if "\\text" in content else content)
    answer = with_what_follows(text, last.start, last.end, content)
    if answer is None:
        return Extraction(content[:80], "the last box is only a part of a formula", missing="refused")
    return Extraction(before(text, last.start, content) + answer, "box", says_percent(text, last.start, last.end))


def last_box(text: str) -> Box | None:
    """The last box of a text."""
    start = _last_start(text, 0, len(text))
    return box_at(text, start) if start >= 0 else None


def is_empty(content: str) -> bool:
    """Does a box hold nothing, or only a placeholder?"""
    if _DIGIT.search(content):
        return False
    return not content.strip() or _PLACEHOLDER.fullmatch(content.strip()) is not None


_DIGIT = re.compile(r"\d")
_PLACEHOLDER = re.compile(
    r"(?:\\(?:text|mathrm)\s*\{\s*)?(?:\.\.\.|…|\\[lc]?dots|\?|_+|\\?_+|\\(?:q?quad|phantom\s*\{[^{}]*\}|square|,"
    r"|;| )"
    r"|(?:(?:the|your|my|final|numerical) ){0,3}(?:answer|result)(?: here)?)(?:\s*\})?",
    re.IGNORECASE,
)


def _box_joined_to(text: str, box: Box) -> Box | None:
    """The box before this one, when nothing but "and", a comma or a name stands between them."""
    start = _last_start(text, max(0, box.start - 600), box.start)
    before = box_at(text, start) if start >= 0 else None
    if before is None or before.content is None or not 0 <= box.start - before.end <= 60:
        return None
    between = _BETWEEN.fullmatch(text, before.end, box.start)
    joined = between and (between["joint"] or between["label"] or "\n" not in between.group())
    return before if joined else None


_RATIO = re.compile(r"[\s$]*(?:\\\))?[\s$]*(?::|\\colon|\bto\b)[\s$]*(?:\\\()?[\s$]*")


def _ratio_before(text: str, box: Box) -> str | None:
    """The content of the box before, when the two are the halves of a ratio."""
    between = text[max(0, box.start - 20) : box.start]
    if ":" not in between and "to" not in between and "colon" not in between:
        return None
    start = _last_start(text, max(0, box.start - 100), box.start)
    first = box_at(text, start) if start >= 0 else None
    if first is None or not first.content or not 0 < box.start - first.end <= 20:
        return None
    return first.content.strip() if _RATIO.fullmatch(text, first.end, box.start) else None


_NAME_BEFORE = re.compile(r"([A-Za-z](?:_\{?\w\}?)?)\s*=\s*[$\\(\[]*$")


def _named(text: str, box: Box) -> str:
    """The box's content, with the `x =` that stands right before it."""
    name = _NAME_BEFORE.search(text, max(0, box.start - 12), box.start)
    content = box.content or ""
    return f"{name[1]} = {content}" if name and "=" not in content else content


# Words that only announce the answer, inside the box.
_SAID = re.compile(r"^\s*\\text\s*\{\s*(?:[Tt]he )?(?:[Ff]inal )?[Aa]nswer(?: is)?\s*[:=]?\s*\}\s*")
