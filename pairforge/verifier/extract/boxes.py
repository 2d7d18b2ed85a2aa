"""What an extraction is, and the answer in a text's last box, or in several joined boxes. Linear in the text."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from pairforge.verifier.parse.units import SUFFIX

MAX_ANSWER_CHARS = 2000
_BOX_SCAN_CHARS = 20_000  # how far a box may reach before we stop looking for its closing brace
_MAX_JOINED = 20
PERCENT = re.compile(r"%|per\s?cent", re.IGNORECASE)


class Extraction(NamedTuple):
    """The final answer of a text and where it stood, or why there is none (`missing`).

    `percent`: the words around the answer speak of a percentage, so a bare x may stand for x %.
    """

    answer: str
    how: str
    percent: bool = False
    missing: Literal["", "no_answer", "truncated", "refused"] = ""


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


class _Box(NamedTuple):
    start: int
    end: int
    content: str | None  # None: the box is never closed


def _box_at(text: str, start: int) -> _Box:
    head = _BOX.match(text, start)
    begin = head.end() if head else start
    if not text.startswith("{", begin):
        word = _BARE_BOX.match(text, begin)
        return _Box(start, word.end(), word.group(1)) if word else _Box(start, begin, "")
    first = text.find("}", begin, begin + _BOX_SCAN_CHARS)
    if first > 0 and "{" not in (content := text[begin + 1 : first]) and not content.endswith("\\"):
        return _Box(start, first + 1, content)  # the usual box: no braces inside
    depth = 0
    for brace in _BRACE.finditer(text, begin, begin + _BOX_SCAN_CHARS):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return _Box(start, brace.end(), text[begin + 1 : brace.start()])
    return _Box(start, len(text), None if begin + _BOX_SCAN_CHARS >= len(text) else "x" * (MAX_ANSWER_CHARS + 1))


def _last_box(text: str, low: int, high: int) -> int:
    boxed = text.rfind("\\boxed", low, high)
    if text.find("\\f", max(boxed, low), high) < 0:  # neither \fbox nor \framebox behind it
        return boxed
    return max(boxed, text.rfind("\\fbox", low, high), text.rfind("\\framebox", low, high))


def boxed_answer(text: str) -> Extraction | None:
    """The content of the last box and of all that are joined to it by "and", a comma or names; None without a box."""
    start = _last_box(text, 0, len(text))
    if start < 0:
        return None
    last = _box_at(text, start)
    if last.content is None:
        return Extraction("", "the last box is never closed", missing="truncated")
    if not last.content.strip():
        return Extraction("", "the last box is empty", missing="no_answer")
    boxes = [last]
    while len(boxes) < _MAX_JOINED and (box := _box_joined_to(text, boxes[-1])):
        boxes.append(box)
    joined = [_named(text, box) for box in reversed(boxes)] if len(boxes) > 1 else []
    if len(set(joined)) > 1:
        return Extraction(", ".join(joined), "joined boxes", says_percent(text, boxes[-1].start, last.end))
    answer = _signed(text, last) + _SAID.sub("", last.content) + _suffix(text, last.end)
    return Extraction(answer, "box", says_percent(text, last.start, last.end))


def _box_joined_to(text: str, box: _Box) -> _Box | None:
    """The box before this one, when nothing but "and", a comma or a name stands between them."""
    start = _last_box(text, max(0, box.start - 600), box.start)
    before = _box_at(text, start) if start >= 0 else None
    if before is None or before.content is None or not 0 <= box.start - before.end <= 60:
        return None
    between = _BETWEEN.fullmatch(text, before.end, box.start)
    joined = between and (between["joint"] or between["label"] or "\n" not in between.group())
    return before if joined else None


_NAME_BEFORE = re.compile(r"([A-Za-z](?:_\{?\w\}?)?)\s*=\s*[$\\(\[]*$")


def _named(text: str, box: _Box) -> str:
    """The box's content, with the `x =` that stands right before it."""
    name = _NAME_BEFORE.search(text, max(0, box.start - 12), box.start)
    content = box.content or ""
    return f"{name[1]} = {content}" if name and "=" not in content else content


_MINUS_BEFORE = re.compile(r"[=$({]\s?-$")


def _signed(text: str, box: _Box) -> str:
    before = text[max(0, box.start - 3) : box.start]
    if before.endswith("\\$"):
        return "\\$"
    return "-" if before.endswith("-") and _MINUS_BEFORE.search(before) else ""


def _suffix(text: str, end: int) -> str:
    """A percent sign, degree sign, base or unit that stands right behind the box belongs to the answer."""
    found = SUFFIX.match(text, end, end + 60)
    if found is None:
        return ""
    unit = found.group(1)
    named = unit[0].isalpha() and not unit.startswith(("degree", "per"))
    return f" \\text{{{re.sub('[{}]', '', unit)}}}" if named else f" {unit}"


# Words that only announce the answer, inside the box.
_SAID = re.compile(r"^\s*\\text\s*\{\s*(?:[Tt]he )?(?:[Ff]inal )?[Aa]nswer(?: is)?\s*[:=]?\s*\}\s*")


def says_percent(text: str, start: int, end: int) -> bool:
    """Do the words around this span speak of a percentage?"""
    low = max(0, start - 200)
    around = text[max(low, text.rfind("\n", low, start)) : start] + text[end : end + 30].partition("\n")[0]
    return "%" in around or ("cent" in around.lower() and PERCENT.search(around) is not None)
