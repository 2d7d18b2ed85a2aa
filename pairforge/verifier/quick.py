"""Decisions that need no parser: identical text and plain numbers. Cheap and bounded, so they run in the parent."""

from __future__ import annotations

import functools
import re
from fractions import Fraction

_NUMBER = re.compile(r"([-+]?)(\d{1,60}|\d{1,3}(?:,\d{3}){1,15})(?:\.(\d{1,60}))?\.?")
_FRACTION = re.compile(r"([-+]?)\\[dt]?frac\{(-?\d{1,40})\}\{(-?\d{1,40})\}|([-+]?)(\d{1,40})/(\d{1,40})")


@functools.lru_cache(maxsize=4096)  # samples of one problem share their gold, and repeat answers
def number(text: str) -> Fraction | None:
    """The value of a plain integer, decimal or fraction of integers; None for anything else."""
    found = _NUMBER.fullmatch(text)
    if found:
        sign, whole, digits = found.groups()
        digits = digits or ""
        value = Fraction(int(whole.replace(",", "") + digits), 10 ** len(digits))
        return -value if sign == "-" else value
    found = _FRACTION.fullmatch(text)
    if found:
        sign, top, bottom = (found[1], found[2], found[3]) if found[2] else (found[4], found[5], found[6])
        if int(bottom) == 0:
            return None
        value = Fraction(int(top), int(bottom))
        return -value if sign == "-" else value
    return None
