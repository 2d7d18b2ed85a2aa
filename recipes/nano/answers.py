"""Exact values of the answers this family writes: an independent check that needs no verifier.

It reads the few forms of `problems.py` and nothing else; pairforge's own verifier is the one to use on real data.
"""

from __future__ import annotations

import re
from fractions import Fraction

_FRACTION = re.compile(r"\\frac\{(\d+)\}\{(\d+)\}")
_WRAPPING = re.compile(r"\\text|\\boxed|\\\$|[${}]")


def gold_value(text: str) -> Fraction | None:
    """The exact number a gold answer stands for, None when it is not one of this family's forms."""
    plain = _WRAPPING.sub("", _FRACTION.sub(r"\1/\2", text.replace("{,}", "")))
    try:
        return Fraction(plain)
    except (ValueError, ZeroDivisionError):
        return None


def boxed_value(completion: str) -> Fraction | None:
    """The exact number in the last `\\boxed{..}` of a solution, None without one."""
    start = completion.rfind("\\boxed{")
    return None if start < 0 else gold_value(completion[start:].rstrip().removesuffix("."))
