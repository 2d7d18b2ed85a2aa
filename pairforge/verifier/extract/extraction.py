"""What an extraction is."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

MAX_ANSWER_CHARS = 2000
PERCENT = re.compile(r"%|per\s?cent", re.IGNORECASE)


class Extraction(NamedTuple):
    """The final answer of a text and where it stood, or why there is none (`missing`).

    `percent`: the words around the answer speak of a percentage, so a bare x may stand for x %.
    `whole`: the sentence that states the answer, uncut, where words were cut off.
    `comma`: a decimal comma stood in the answer, which is written with a point here.
    `prose`: what is stated is a sentence and no value: it can be the gold word for word, and decides nothing else.
    """

    answer: str
    how: str
    percent: bool = False
    missing: Literal["", "no_answer", "truncated", "refused"] = ""
    whole: str = ""
    prose: bool = False
    comma: bool = False


def says_percent(text: str, start: int, end: int) -> bool:
    """Do the words around this span speak of a percentage?"""
    low = max(0, start - 200)
    around = text[max(low, text.rfind("\n", low, start)) : start] + text[end : end + 30].partition("\n")[0]
    return "%" in around or ("cent" in around.lower() and PERCENT.search(around) is not None)
