"""Decimal commas: which commas are one, in languages that write 2,5 for 2.5."""

from __future__ import annotations

import re

_EUROPEAN = re.compile(r"[A-Za-zÀ-žА-я]")
_NUMBER = r"[-−+]?(?:[€£$]|\\\$)?\s?\d+(?:,\d+)?"
_UNIT = (
    r"(?:\s?\\?%|\s?(?:\\[ ,;]\s?)?(?:\\(?:text|mathrm)\s*\{[^{}\d]{1,30}\}|[^\W\d_]{1,20}\.?(?:[²³]|\^\{?[23]\}?)?"
    r"|\^\\circ|°))?"
)
_VALUE = re.compile(rf"\s*\$?\s*{_NUMBER}{_UNIT}\s*\$?{_UNIT}\s*")
_DECIMAL = re.compile(rf"\s*\$?\s*[-−+]?\d*\.\d+{_UNIT}\s*\$?{_UNIT}\s*")
_COMMA = re.compile(r"(?<=\d),(?=(?:\d{1,2}|\d{4,})(?!\d))")
_THREE = re.compile(r"(?<![\d,])0,(?=\d{3}(?![\d,]))")  # 0,125 groups no thousands
_BRACED = re.compile(r"(?<=\d)\{,\}(?=(?:\d{1,2}|\d{4,})(?!\d))")
_JOINT = re.compile(r"\s*;\s*|\s+(?:и|или|und|oder|et|ou|y|o|e|ed|lub|oraz|i|en|ve|và|dan)\s+")


def with_points(answer: str, word: str) -> tuple[str, bool]:
    """A number, or several with joints between them, as a European sentence states it: with points for commas.

    Also whether there was a comma; any other text as it is. `word` announced the answer.
    """
    if not _EUROPEAN.search(word):
        return answer, False
    parts = _JOINT.split(answer)
    if not all(_VALUE.fullmatch(part) for part in parts):
        return answer, False
    pointed = [_pointed(part) for part in parts]
    return ", ".join(pointed) if len(parts) > 1 else pointed[0], pointed != parts


def with_point(text: str) -> str:
    """The text with points for decimal commas, if it is one number, perhaps with a unit, or several with joints."""
    return with_points(text, "x")[0] if "," in text else text


def is_decimal(text: str) -> bool:
    """Is this a number with a decimal point, perhaps with a unit?"""
    return _DECIMAL.fullmatch(text) is not None


def has_braced_comma(text: str) -> bool:
    """Is `2{,}5` in the text: a comma that LaTeX shows without space, where no thousands end?"""
    return "{,}" in text and _BRACED.search(text) is not None


def _pointed(part: str) -> str:
    return _THREE.sub("0.", _COMMA.sub(".", part))
