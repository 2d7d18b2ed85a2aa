"""What can be measured in a solution's text without judging it: columns to filter on.

Every measure is linear in the text and counts surface features only. None says that a solution is bad.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields

import polars as pl

# The words whose number ThinkPO's authors follow as a sign of reflection, with their close relatives.
REFLECTION = re.compile(
    r"\b(?:wait|hmm+|alternatively|let me (?:double[- ]?check|re-?check|verify|think again|reconsider)"
    r"|on second thought|actually|hold on|double[- ]check)\b",
    re.IGNORECASE,
)
_BOX = re.compile(r"\\(?:boxed|fbox)\b")
_SCRIPTS = {
    "latin": re.compile("[A-Za-z\u00c0-\u024f]"),
    "han": re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"),
    "hangul": re.compile("[\uac00-\ud7af]"),
    "cyrillic": re.compile("[\u0400-\u04ff]"),
    "arabic": re.compile("[\u0600-\u06ff]"),
    "indic": re.compile("[\u0900-\u0dff]"),
    "thai": re.compile("[\u0e00-\u0e7f]"),
}
_NGRAM = 8
_TAIL_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one text.

    `repetition`: the share of its 8-word sequences that occurred before in it (0: never, near 1: it goes in circles).
    `compression`: characters per byte after deflate of the last 2,000 characters; loops reach 10 and more.
    `mixed_languages`: the share of letters outside the text's main script. Greek letters count as mathematics.
    `boxes`: how many `\\boxed{}` it has. `reflection_words`: "wait", "hmm", "alternatively", "let me double-check", ...
    `characters`: its length.
    """

    repetition: float
    compression: float
    mixed_languages: float
    boxes: int
    reflection_words: int
    characters: int


QUALITY_COLUMNS = tuple(f.name for f in fields(Quality))


def measure(text: str) -> Quality:
    """All measures of one text."""
    return Quality(
        repetition=_repetition(text),
        compression=_compression(text),
        mixed_languages=_mixed_languages(text),
        boxes=sum(1 for _ in _BOX.finditer(text)),
        reflection_words=sum(1 for _ in REFLECTION.finditer(text)),
        characters=len(text),
    )


def quality_table(texts: Iterable[tuple[str, str]], batch: int = 5000) -> pl.DataFrame:
    """The measures of many texts, (sample key, text) each, as a table with `sample_key` and the `QUALITY_COLUMNS`.

    Texts are taken one at a time, so memory stays that of the numbers.
    """
    decimals, wholes = QUALITY_COLUMNS[:3], QUALITY_COLUMNS[3:]
    types = {"sample_key": pl.String, **dict.fromkeys(decimals, pl.Float64), **dict.fromkeys(wholes, pl.Int64)}
    frames = [pl.DataFrame(rows, schema=types) for rows in _batches(texts, batch)]
    return pl.concat(frames) if frames else pl.DataFrame(schema=types)


def _batches(texts: Iterable[tuple[str, str]], size: int) -> Iterator[list[dict[str, object]]]:
    rows: list[dict[str, object]] = []
    for key, text in texts:
        rows.append({"sample_key": key, **asdict(measure(text))})
        if len(rows) == size:
            yield rows
            rows = []
    if rows:
        yield rows


def _repetition(text: str) -> float:
    words = text.split()
    total = len(words) - _NGRAM + 1
    if total < 2:
        return 0.0
    different = len({tuple(words[i : i + _NGRAM]) for i in range(total)})
    return 1 - different / total


def _compression(text: str) -> float:
    tail = text[-_TAIL_CHARACTERS:].encode("utf-8", "surrogatepass")
    return len(tail) / len(zlib.compress(tail, 6)) if len(tail) >= 200 else 1.0


def _mixed_languages(text: str) -> float:
    if text.isascii():
        return 0.0
    counts = Counter({name: len(script.findall(text)) for name, script in _SCRIPTS.items()})
    total = counts.total()
    return 1 - max(counts.values()) / total if total else 0.0
