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


_THOUSANDS = re.compile(r"(?<![\d._^])[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)")
_SPACED_COMMA = re.compile(rf",[\s{THIN}]|;")


def marked(text: str, commas_group: bool, *, in_brackets: bool = False) -> tuple[str, str]:
    """The text with every top-level separator of a list replaced by \\x1f, and what joins: "or", "and" or ","."""
    joint = ","
    protected = text.replace("{,}", "\x1e")
    if commas_group:
        protected = _protect_thousands(protected, in_brackets)
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


def _protect_thousands(text: str, in_brackets: bool) -> str:
    """The commas inside numbers as \\x1e.

    Where a space follows the commas that separate, one without a space groups digits: (0, 1,000) has two parts.
    Where no comma is spaced, (1,234) and 1,2,100 are lists, unless a part would be written with leading zeros.
    """
    spaced = _SPACED_COMMA.search(text) is not None

    def protect(found: re.Match[str]) -> str:
        a_list = in_brackets or text.endswith(",", 0, found.start())
        sure = spaced or not a_list or ",0" in found[0]
        return found[0].replace(",", "\x1e") if sure else found[0]

    return _THOUSANDS.sub(protect, text)


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
