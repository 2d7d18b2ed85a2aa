"""How much two questions have in common: their words aligned in order, small changes and other names allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache

from pairforge.sources.question_text import Question, is_number, is_operator


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What a word tells about a question. Function words and the phrases of every exercise tell little.
FUNCTION_WORDS = _listed("""
    a about above after again all also am an and another any anything are as at be because been before being below
    between both but by can could did do does doing done down during each either else ever every few for from had has
    have having he her here hers herself him himself his how i if in into is it its itself just let many may me might
    more most much must my neither no nor not now of off on once one only or other our out over own per please same
    shall she should so some such than that the their theirs them themselves then there therefore these they this those
    though through thus to too under until up us very was we were what when where whether which while who whom whose
    why will with within without would yet you your
""")
STOCK_WORDS = _listed("""
    answer answers ask asked asks assistant assume average box boxed calculate careful carefully carries chance
    choice clear clearly common compute concise consider correct correctly cost costs day days decimal define
    defined denote detail detailed determine difference digit dollar dollars end enter equal equals equation
    evaluate exact exactly example examples exercise explain explanation express expressed expression figure final
    find first following form fraction full function get gets give given gives got greatest help helpful
    hour hours inside instruction instructions integer integers know largest last least left length letter letters
    line long made make makes math mathematical mathematics maximum mean minimum minute minutes money month months
    nearest need needs negative new next note number numbers old option options order paid part pay pays percent
    percentage place plus point points positive possible present probability problem problems product prove provide
    put question questions ratio read real reason reasoning remaining reminder reply respond response result return
    sell sells separated show side sides simplest simplify single small smallest solution solutions solve solved
    spend spends square step steps student suppose take takes task term terms think thinking thought time times
    total triangle tutor two unit units user value values variable way ways week weeks words work working write
    written year years
""")
CONTENT, STOCK, LETTER, FUNCTION = 1.0, 0.5, 0.5, 0.2
MIN_TYPO_LETTERS = 4
PASSAGE_SHARE = 0.6
MIN_PASSAGE_WORDS = 4
PASSAGE_WORDS = 10
MIN_SHARED_WORDS = 3
MAX_GAP = 10_000  # pairs of words to compare between two equal runs; more take long and resemble by chance
MIN_RUN = 3  # shorter runs in common are chance


@dataclass(frozen=True)
class Weighted:
    """A question whose words are weighted by what they tell. With `ignore_numbers` any number equals any other."""

    question: Question
    ignore_numbers: bool

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The words as they are compared."""
        words = self.question.words
        return tuple("0" if is_number(word) else word for word in words) if self.ignore_numbers else words

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """What each word tells, in comparisons: a number tells little where numbers are ignored."""
        number = FUNCTION if self.ignore_numbers else CONTENT
        return tuple(number if is_number(word) else weight(word) for word in self.question.words)

    @cached_property
    def total(self) -> float:
        return sum(self.weights)

    def gain(self, at: int, other: str) -> float:
        """What it tells that a word corresponds to another one. The same long number tells much in any case."""
        word = self.question.words[at]
        return CONTENT if word == other and is_number(word) and len(word) > 1 else self.weights[at]

    @cached_property
    def telling(self) -> frozenset[str]:
        """The different words that belong to this question more than to exercises in general: long numbers, names."""
        return frozenset(word for word in self.question.words if _tells(word))

    @cached_property
    def runs(self) -> frozenset[tuple[str, ...]]:
        """All runs of three words."""
        return frozenset(zip(*(self.question.words[at:] for at in range(MIN_RUN)), strict=False))

    @cached_property
    def common(self) -> frozenset[str]:
        """The words that tell anything and are neither names nor numbers: an exchange of those leaves them."""
        pairs = zip(self.question.words, self.question.capital, strict=True)
        return frozenset(w for w, capital in pairs if not capital and not is_number(w) and weight(w) > FUNCTION)


def _tells(word: str) -> bool:
    return weight(word) == CONTENT and (len(word) > 1 or not is_number(word))


@lru_cache(maxsize=100_000)
def weight(word: str) -> float:
    """What a word tells about its question."""
    if word in FUNCTION_WORDS or is_operator(word):
        return FUNCTION
    if len(word) <= 2 and word.isascii() and word.isalpha():  # x, AB, ax: names of things in formulas
        return LETTER
    return STOCK if word in STOCK_WORDS else CONTENT


def shared_passage(first: Weighted, second: Weighted, ngram: int) -> str:
    """The longest passage in common, as it stands in `first`, if the passages in common are more than stock phrases.

    They are if they hold most telling words of the shorter question, and one for every two words of an n-gram (four
    are always enough), or if the longest alone holds many. Otherwise the result is empty.
    """
    words = first.question.words
    passages: list[tuple[str, ...]] = []
    start = 0
    for at in range(len(words)):
        if words[at : at + MIN_RUN] not in second.runs:
            if at > start:
                passages.append(words[start : at + MIN_RUN - 1])
            start = at + 1
    longest = max(passages, key=len, default=())
    shared = {word for passage in passages for word in passage if _tells(word)}
    fewest = min(len(first.telling), len(second.telling))
    enough = max(PASSAGE_SHARE * fewest, min(MIN_PASSAGE_WORDS, ngram // 2), 1)
    if len(shared) < enough and len(first.telling.intersection(longest)) < PASSAGE_WORDS:
        return ""
    return " ".join(word for word in longest if not is_operator(word))


@dataclass(frozen=True)
class Alignment:
    """Two questions word by word.

    `pairs` are the positions that correspond, in order, `names` those of them where one capitalised word stands for
    another throughout.
    """

    first: Weighted
    second: Weighted
    pairs: list[tuple[int, int]]
    names: set[tuple[int, int]]

    def score(self) -> float:
        """The share of one question that stands in the other, in order, words in between counted against it.

        From 0 to 1. One word is deducted, so that short questions have to be equal and long ones may differ a little.
        Exchanged names count neither way. Where numbers are not ignored, they must all be the same.
        """
        turned = [(j, i) for i, j in self.pairs]
        return max(
            self._share(self.first, self.second, self.pairs, self.names),
            self._share(self.second, self.first, turned, {(j, i) for i, j in self.names}),
        )

    @staticmethod
    def _share(inner: Weighted, outer: Weighted, pairs: list[tuple[int, int]], names: set[tuple[int, int]]) -> float:
        if not pairs:
            return 0.0
        gains = [0.0 if pair in names else inner.gain(pair[0], outer.question.words[pair[1]]) for pair in pairs]
        window, shared, extra = _densest(gains, [j for _, j in pairs], outer.weights)
        if not inner.ignore_numbers and not _same_numbers(inner, outer, pairs[window]):
            return 0.0
        told = {inner.question.words[i] for i, _ in pairs[window] if inner.weights[i] >= STOCK}
        if len(told) < MIN_SHARED_WORDS:
            return 0.0
        expected = inner.total - sum(inner.weights[i] for i, _ in names)
        more = sum(gain - inner.weights[i] for gain, (i, _) in zip(gains[window], pairs[window], strict=True) if gain)
        return max(0.0, shared - CONTENT) / (expected + more + extra)


def align(first: Weighted, second: Weighted, matcher: SequenceMatcher[str] | None = None) -> Alignment:
    """Align two questions. A `matcher` that already holds `second` saves time over many first ones."""
    matcher = matcher or SequenceMatcher(None, (), second.keys, autojunk=False)
    matcher.set_seq1(first.keys)
    pairs: list[tuple[int, int]] = []
    names = _Names(first.question, second.question)
    i = j = 0
    for a, b, size in matcher.get_matching_blocks():
        if 0 < (a - i) * (b - j) <= MAX_GAP:
            pairs += _resembling(names, range(i, a), range(j, b), backwards=not pairs)
        pairs += [(a + step, b + step) for step in range(size)]
        i, j = a + size, b + size
    return Alignment(first, second, pairs, names.pairs)


def _resembling(names: _Names, xs: range, ys: range, *, backwards: bool) -> list[tuple[int, int]]:
    """Pairs of words that resemble each other between two equal runs, in order.

    Before the first run it goes backwards: what stands there may be another text, and the nearest words belong here.
    """
    found = []
    step = -1 if backwards else 1
    left = list(ys)[::step]
    for x in list(xs)[::step]:
        for at, y in enumerate(left):
            if names.exchange(x, y) or _is_typo(names.first.words[x], names.second.words[y]):
                found.append((x, y))
                left = left[at + 1 :]
                break
    return found[::step]


class _Names:
    """Which capitalised words of one question stand for which of another: each for one, throughout."""

    def __init__(self, first: Question, second: Question) -> None:
        self.first, self.second = first, second
        self.pairs: set[tuple[int, int]] = set()
        self._there: dict[str, str] = {}
        self._back: dict[str, str] = {}

    def exchange(self, x: int, y: int) -> bool:
        """Whether two words may stand for each other as names; if so, they do from now on."""
        one, other = self.first.words[x], self.second.words[y]
        if not (self.first.capital[x] and self.second.capital[y]):
            return False
        if self._there.get(one, other) != other or self._back.get(other, one) != one:
            return False
        self._there[one], self._back[other] = other, one
        self.pairs.add((x, y))
        return True


def _densest(gains: Sequence[float], places: Sequence[int], weights: Sequence[float]) -> tuple[slice, float, float]:
    """The stretch of pairs with the most weight in common less what stands in between: stray words do not widen it.

    Returns the stretch, its weight in common, and the weight in between.
    """
    best = (float("-inf"), slice(0, 0), 0.0, 0.0)
    start, shared, extra = 0, 0.0, 0.0
    for at, gain in enumerate(gains):
        if at:
            extra += sum(weights[places[at - 1] + 1 : places[at]])
        if shared < extra:
            start, shared, extra = at, 0.0, 0.0
        shared += gain
        if shared - extra > best[0]:
            best = (shared - extra, slice(start, at + 1), shared, extra)
    return best[1:]


def _same_numbers(inner: Weighted, outer: Weighted, pairs: list[tuple[int, int]]) -> bool:
    if not pairs:
        return False
    all_of_inner = sorted(word for word in inner.question.words if is_number(word))
    span = outer.question.words[pairs[0][1] : pairs[-1][1] + 1]
    return all_of_inner == sorted(word for word in span if is_number(word))


def _is_typo(one: str, other: str) -> bool:
    """Whether one letter more, less, wrong or swapped with its neighbour makes one word of the other."""
    if len(one) > len(other):
        one, other = other, one
    if len(one) < MIN_TYPO_LETTERS or len(other) - len(one) > 1 or is_number(one) or is_number(other):
        return False
    at = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return swapped or one[at + 1 :] == other[at + 1 :]
