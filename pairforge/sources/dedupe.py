"""Near duplicates among problems: the same question in other words, found with MinHash."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable
from fractions import Fraction

from datasketch import MinHash, MinHashLSH

from pairforge.records import Drop, Problem
from pairforge.sources.entry import shorten
from pairforge.sources.merge import plain_answer, row_drops

PERMUTATIONS = 64
SHINGLE_WORDS = 3
Task = tuple[str | Fraction, list[str]]
"""A problem's answer and the numbers of its question."""
_WORDS = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W_\u3040-\u30ff\u4e00-\u9fff]+")  # no spaces between CJK words


def words(text: str) -> list[str]:
    """The words and numbers of a text: NFKC, lower case, without punctuation or LaTeX's backslashes."""
    return _WORDS.findall(unicodedata.normalize("NFKC", text).lower())


def drop_near_duplicates(problems: Iterable[Problem], *, threshold: float) -> tuple[list[Problem], list[Drop]]:
    """Keep the first of every group of near duplicates; every row of the others becomes a drop that shows its twin.

    Two problems are near duplicates when the Jaccard similarity of their three-word shingles is at least
    `threshold`, they speak of exactly the same numbers, and their answers are the same. Without the last two every
    series of problems that differ in their numbers alone would count as one problem.
    """
    index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
    blank = MinHash(num_perm=PERMUTATIONS, hashfunc=zlib.crc32)  # its permutations are dear to make
    kept: list[Problem] = []
    tasks: list[Task] = []  # of those kept
    drops: list[Drop] = []
    for problem in problems:
        mine = _shingles(words(problem.question))
        sketch = blank.copy()
        sketch.update_batch([shingle.encode() for shingle in mine])
        task = _task(problem)
        twins = [kept[position] for position in index.query(sketch) if tasks[position] == task]
        scored = [(_jaccard(_shingles(words(twin.question)), mine), twin) for twin in twins]
        score, nearest = max(scored, key=lambda pair: pair[0], default=(0.0, problem))
        if score >= threshold:
            like = f"{score:.2f} like {nearest.rows[0]}: {shorten(nearest.question, 200)}"
            drops.extend(row_drops(problem, "near_duplicate", like))
            continue
        index.insert(len(kept), sketch, check_duplication=False)
        kept.append(problem)
        tasks.append(task)
    return kept, drops


def _task(problem: Problem) -> Task:
    return plain_answer(problem.answer), sorted(re.findall(r"\d+", problem.question))


def _shingles(text: list[str]) -> frozenset[str]:
    if len(text) <= SHINGLE_WORDS:
        return frozenset([" ".join(text)])
    return frozenset(" ".join(text[i : i + SHINGLE_WORDS]) for i in range(len(text) - SHINGLE_WORDS + 1))


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second)
