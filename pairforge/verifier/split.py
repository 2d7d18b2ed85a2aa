"""Where a text falls apart: separators, brackets and quotes, without reading what stands between them."""

from __future__ import annotations

import re

from pairforge.verifier.clean import THIN

_OPEN, _CLOSE = "([{", ")]}"
_OR = re.compile(r'"\s*(?:,\s*)?(or|and)\s*"|(?<![A-Za-z"])(or|and)(?![A-Za-z])|\\(lor|land)(?![A-Za-z])|;|&')


def split_top(text: str, separators: str) -> list[str]:
    """The parts between separators (single characters) outside all brackets and quotes."""
    parts, depth, begin, quoted = [], 0, 0, False
    for index, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        elif char in separators and depth == 0:
            parts.append(text[begin:index])
            begin = index + 1
    return [*parts, text[begin:]]


def marked(text: str, commas_group: bool) -> tuple[str, str]:
    """The text with every top-level separator of a list replaced by \\x1f, and what joins: "or", "and" or ","."""
    joint = ","
    protected = text.replace("{,}", "\x1e")
    if commas_group:
        protected = re.sub(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])", lambda m: m[0].replace(",", "\x1e"), protected)
    found = []
    for match in _OR.finditer(protected):
        word = match[1] or match[2] or {"lor": "or", "land": "and"}.get(match[3] or "", "")
        if not inside(protected, match.start()):
            joint = word or joint
            found.append(match.span())
    for begin, end in reversed(found):
        protected = protected[:begin] + "\x1f" + protected[end:]
    parts = [p for whole in protected.split("\x1f") for p in split_top(whole, ",")]
    return "\x1f".join(p.replace("\x1e", "{,}" if "{,}" in text else ",") for p in parts), joint


def inside(text: str, at: int) -> bool:
    """Is this position inside brackets?"""
    before = text[:at]
    return sum(before.count(c) for c in _OPEN) > sum(before.count(c) for c in _CLOSE)


def encloses(text: str, width: int) -> bool:
    """Does the first bracket close with the last one?"""
    depth = 0
    for index, char in enumerate(text):
        depth += (char in _OPEN) - (char in _CLOSE)
        if depth == 0 and index >= width - 1:
            return index >= len(text) - 1
    return False


def strip(text: str) -> str:
    text = text.strip().strip(THIN).strip()
    while text.endswith((".", ",", ";")) and not text.endswith("..."):
        text = text[:-1].rstrip()
    return text
