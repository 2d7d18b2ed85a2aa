"""Find the evaluation question that a problem repeats: equal, with other numbers, quoted, or slightly changed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import nsmallest
from itertools import pairwise
from typing import Literal

import numpy as np

from pairforge.sources.question_text import Question, is_number, is_operator, normalise
from pairforge.sources.similarity import CONTENT, FUNCTION, STOCK, Weighted, align, shared_passage, weight

Kind = Literal["exact", "numbers", "contained", "ngram", "fuzzy"]
"""How a problem matches an evaluation question, the strongest first.

`exact`: equal after `normalise`. `numbers`: equal but for the numbers. `contained`: the whole question stands in the
problem. `ngram`: they share a passage. `fuzzy`: most words are the same, in the same order; names may be exchanged.
"""
MIN_LETTERS = 16  # without its numbers "What is 3+4?" equals half of all arithmetic: too short to compare that way
ANCHOR_WORDS = 3
MIN_QUOTED = 1.5  # weight of the words
LONG_ENOUGH = 8.0  # weight from which a question is recognised wherever its words stand
WORD_FEATURES, NUMBER_FEATURES = 12, 4
MIN_HITS = 2
MAX_POSTINGS = 300  # a feature of more questions tells none from another
CANDIDATES = 5
MIN_OVERLAP = 0.4
MAX_WORDS = 2_000  # longer problems take long to align; whole questions and passages are still found in them


@dataclass(frozen=True, slots=True)
class Match:
    """What a problem repeats: `quote` is the text in common, normalised; `score` is 1 unless the kind is fuzzy."""

    set_name: str
    kind: Kind
    quote: str
    score: float = 1.0


class Matcher:
    """The questions of evaluation sets, ready to be found in problems. Each problem is judged by itself.

    `sets` are names with their questions. `ngram` is the number of consecutive words in common that makes a passage,
    None to look for none. `without_digits` ignores all numbers. `fuzzy` is the similarity from which a changed or
    quoted question counts as found, None to look for equal questions and passages only.
    """

    def __init__(
        self,
        sets: Iterable[tuple[str, Sequence[str]]],
        *,
        ngram: int | None,
        without_digits: bool,
        fuzzy: float | None,
    ) -> None:
        self._ngram, self._without_digits, self._fuzzy = ngram, without_digits, fuzzy
        self._sets: list[str] = []  # of each question
        self._questions: list[Weighted] = []
        for name, texts in sets:
            read = [question for text in dict.fromkeys(texts) if (question := normalise(text)).words]
            for question in dict.fromkeys([*read, *_without_instructions(read)]):
                self._sets.append(name)
                self._questions.append(Weighted(question, without_digits))
        self._exact = _first_of(_whole(q.question) for q in self._questions)
        self._bare = _first_of(_bare(q.question) for q in self._questions) if without_digits else {}
        self._bare.pop("", None)
        self._passages = _Passages(self._questions, ngram) if ngram is not None else None
        self._anchors = _anchors(self._questions) if fuzzy is not None else {}
        self._features = _rarest_features(self._questions) if fuzzy is not None else {}

    def match(self, text: str) -> Match | None:
        """The evaluation question that a problem repeats, None if there is none; the strongest kind is reported."""
        problem = Weighted(normalise(text), self._without_digits)
        whole, bare = _whole(problem.question), _bare(problem.question)
        if whole in self._exact:
            return Match(self._sets[self._exact[whole]], "exact", whole)
        if bare in self._bare:
            return Match(self._sets[self._bare[bare]], "numbers", bare)
        return self._contained(problem.question) or self._sharing_passage(problem) or self._similar(problem)

    def _contained(self, problem: Question) -> Match | None:
        """A whole evaluation question among the words of a problem."""
        if not self._anchors:
            return None
        for at, gram in enumerate(_grams(problem.words, ANCHOR_WORDS)):
            for number, place in self._anchors.get(gram, ()):
                words, start = self._questions[number].question.words, at - place
                if _is_quoted(words, problem, start):
                    return Match(self._sets[number], "contained", " ".join(words))
        return None

    def _sharing_passage(self, problem: Weighted) -> Match | None:
        """The first question that shares more with a problem than stock phrases."""
        if self._passages is None:
            return None
        for number in sorted(self._passages.shared_by(problem.question)):
            passage = shared_passage(self._questions[number], problem, self._passages.ngram)
            if passage:
                return Match(self._sets[number], "ngram", passage)
        return None

    def _similar(self, problem: Weighted) -> Match | None:
        """The question most like a problem, if it is like enough."""
        if self._fuzzy is None or len(problem.question.words) > MAX_WORDS:
            return None
        matcher = SequenceMatcher(None, (), problem.keys, autojunk=False)
        best, score = -1, 0.0
        for number in self._candidates(problem.question):
            question = self._questions[number]
            if _overlap(question, problem) >= MIN_OVERLAP:
                own = align(question, problem, matcher).score()
                best, score = (number, own) if own > score else (best, score)
        if score < self._fuzzy:
            return None
        return Match(self._sets[best], "fuzzy", _whole(self._questions[best].question), score)

    def _candidates(self, problem: Question) -> list[int]:
        """The few questions that share most features with a problem."""
        hits: Counter[int] = Counter()
        for feature in _features(problem):
            if feature in self._features:
                hits.update(self._features[feature])
        shared = ((-count, number) for number, count in hits.items() if count >= MIN_HITS)
        return [number for _, number in nsmallest(CANDIDATES, shared)]


class _Passages:
    """Which questions hold a run of so many words. Hashes in sorted arrays: twelve bytes for each word of the sets."""

    def __init__(self, questions: Sequence[Weighted], ngram: int) -> None:
        self.ngram = ngram
        runs = [[hash(gram) for gram in set(_grams(_plain(q.question), ngram))] for q in questions]
        hashes = np.fromiter((h for own in runs for h in own), np.int64)
        numbers = np.repeat(np.arange(len(runs), dtype=np.int32), [len(own) for own in runs])
        order = np.argsort(hashes, kind="stable")
        self.hashes, self.numbers = hashes[order], numbers[order]

    def shared_by(self, problem: Question) -> set[int]:
        wanted = np.fromiter((hash(gram) for gram in _grams(_plain(problem), self.ngram)), np.int64)
        first, last = np.searchsorted(self.hashes, wanted, "left"), np.searchsorted(self.hashes, wanted, "right")
        return {int(n) for a, b in zip(first, last, strict=True) if b > a for n in self.numbers[a:b]}


def _anchors(questions: Sequence[Weighted]) -> dict[tuple[str, ...], list[tuple[int, int]]]:
    """The rarest run of three words of each question, with its place: only where it stands may the question stand."""
    counts = Counter(gram for q in questions for gram in set(_grams(q.question.words, ANCHOR_WORDS)))
    anchors: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for number, question in enumerate(questions):
        grams = list(_grams(question.question.words, ANCHOR_WORDS))
        if grams and _can_be_quoted(question.question.words):
            place = min(range(len(grams)), key=lambda at: (counts[grams[at]], at))
            anchors[grams[place]].append((number, place))
    return dict(anchors)


def _rarest_features(questions: Sequence[Weighted]) -> dict[str, list[int]]:
    """The rarest features of each question: those that a changed copy still shares, and few other problems do."""
    own = [_features(question.question) for question in questions]
    counts = Counter(feature for features in own for feature in features)
    found: dict[str, list[int]] = defaultdict(list)
    for number, features in enumerate(own):
        rarest = sorted(features, key=lambda feature: (counts[feature], feature))
        words = [feature for feature in rarest if not is_number(feature)][:WORD_FEATURES]
        numbers = [feature for feature in rarest if is_number(feature)][:NUMBER_FEATURES]
        for feature in words + numbers:
            if counts[feature] <= MAX_POSTINGS:
                found[feature].append(number)
    return dict(found)


def _features(question: Question) -> set[str]:
    """Telling words, and pairs of neighbours among these and among the numbers. Capitalised words change too easily."""
    telling = [
        word
        for word, capital in zip(question.words, question.capital, strict=True)
        if not capital and not is_number(word) and weight(word) > FUNCTION
    ]
    numbers = [word for word in question.words if is_number(word)]
    pairs = (f"{one} {other}" for row in (telling, numbers) for one, other in pairwise(row))
    return {*pairs, *(word for word in telling if weight(word) == CONTENT)}


def _overlap(question: Weighted, problem: Weighted) -> float:
    """The share of telling words in common, of those of the question with fewer."""
    fewest = min(len(question.common), len(problem.common))
    return len(question.common & problem.common) / fewest if fewest else 1.0


def _without_instructions(questions: Sequence[Question]) -> Iterator[Question]:
    """Questions of a set that all come with the same instructions, without these."""
    spans = [[q.words[a:b] for a, b in pairwise(s)] for q in questions for s in [sorted(q.breaks)]]
    counts = Counter(span for own in spans for span in set(own))
    usual = max(10, len(questions) // 2)
    for question, own in zip(questions, spans, strict=True):
        edges = sorted(question.breaks)
        while own and counts[own[0]] >= usual:
            own, edges = own[1:], edges[1:]
        while own and counts[own[-1]] >= usual:
            own, edges = own[:-1], edges[:-1]
        if own and edges[-1] - edges[0] < len(question.words):
            start, end = edges[0], edges[-1]
            inner = frozenset(edge - start for edge in edges)
            yield Question(question.words[start:end], question.capital[start:end], inner)


def _whole(question: Question) -> str:
    return " ".join(question.words)


def _plain(question: Question) -> tuple[str, ...]:
    return tuple(word for word in question.words if not is_operator(word))


_FRACTION = re.compile(r"(?<![^ ])0( / 0)+(?![^ ])")
_SIGN = re.compile(r"(^|[^\w ] )[+] ")


def _bare(question: Question) -> str:
    """The words with 0 for every number, fraction and sign; empty if too few letters are left to compare."""
    words = ["0" if is_number(word) else "+" if word in "-±" else word for word in question.words]
    if sum(len(word) for word in words if word.isalpha()) < MIN_LETTERS:
        return ""
    return _SIGN.sub(r"\1", _FRACTION.sub("0", " ".join(words)))


def _weight(words: Sequence[str]) -> float:
    return sum(map(weight, words))


def _can_be_quoted(words: Sequence[str]) -> bool:
    """Whether a question is more than a stock phrase: "Simplify 8/22." is, "What is the value of x?" is not."""
    return _weight(words) >= MIN_QUOTED and any(weight(word) == CONTENT or is_operator(word) for word in words)


def _is_quoted(words: tuple[str, ...], problem: Question, start: int) -> bool:
    """Whether a question stands at a position of a problem.

    A long one is known by its words. A short one must stand by itself, or among words that tell nothing.
    """
    end = start + len(words)
    if start < 0 or problem.words[start:end] != words:
        return False
    if _weight(words) >= LONG_ENOUGH or (_is_edge(problem, start) and _is_edge(problem, end)):
        return True
    rest = problem.words[:start] + problem.words[end:]
    return all(weight(word) <= STOCK and not is_operator(word) for word in rest)


def _is_edge(question: Question, at: int) -> bool:
    return at in question.breaks or question.capital[at]


def _grams(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """All runs of `size` consecutive words."""
    return (tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def _first_of(keys: Iterable[str]) -> dict[str, int]:
    """The first position of each key."""
    found: dict[str, int] = {}
    for position, key in enumerate(keys):
        found.setdefault(key, position)
    return found
