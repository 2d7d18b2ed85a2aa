"""What extraction returns."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

PERCENT = re.compile(r"%|per\s?cent", re.IGNORECASE)


class Extraction(NamedTuple):
    """The final answer of a text and where it stood, or why there is none (`missing`).

    `percent`: the words around the answer speak of a percentage, so a bare x may stand for x %.
    """

    answer: str
    how: str
    percent: bool = False
    missing: Literal["", "no_answer", "truncated", "refused"] = ""
