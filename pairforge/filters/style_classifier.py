"""A text classifier as a test of form: can words, characters and line breaks tell chosen from rejected?

A linear model over the presence of words, characters and line structure is learned on some problems and tested on the
others. It finds what a list of features overlooks: a single character that stands on one side only is enough. Pure:
texts in, numbers out.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix, hstack

from pairforge.chat import split_reasoning
from pairforge.filters.hashing import text_hash

MIN_PAIRS = 20  # fewer pairs say nothing
MAX_PAIRS = 600  # bounds the time
PART_CHARACTERS = 1000  # read of each text: this much of its beginning and of its end
FOLDS = 5
MIN_DIFFERENCES = 3  # a token must tell this many pairs apart to enter the model, and one in a hundred
MAX_WORD_CHARACTERS = 30
SHOWN_TOKENS = 6
CANDIDATES = 500  # tokens that are compared for display


@dataclass(frozen=True, slots=True)
class StyleTest:
    """How well the text classifier tells chosen from rejected, on problems that it was not learned on.

    `accuracy` is the share of the `pairs` that it orders correctly (a tie counts half; 0.5 is chance). `low` and `high`
    are its 95 % interval (see `held_out_interval`). `telling` are the tokens that tell most by themselves: (token,
    number of chosen texts with it, number of rejected texts with it).
    """

    accuracy: float
    low: float
    high: float
    pairs: int
    problems: int
    telling: tuple[tuple[str, int, int], ...]


def scope(pairs: int) -> str:
    """What a test of that many pairs covers, in words."""
    return (
        f"words, pairs of words, 1 to 3 characters in a row and line structure, in the first and last "
        f"{PART_CHARACTERS:,} characters of {pairs:,} pairs, cross-validated over problems in {FOLDS} parts"
    )


def classify_style(
    pairs: Iterable[tuple[str, str, str]], *, seed: int = 0, max_pairs: int = MAX_PAIRS
) -> StyleTest | None:
    """Test whether form tells the sides of pairs apart. `pairs` are (problem id, chosen text, rejected text).

    Of more than `max_pairs` pairs, a sample is tested that the seed and their contents choose, whatever their order.
    Texts are cut to their beginning and end, so that neither their number nor their length costs more than seconds.
    None for fewer than `MIN_PAIRS` pairs, or for pairs of fewer than `FOLDS` problems: too few to measure.
    """
    known = _sample(((problem, _cut(chosen), _cut(rejected)) for problem, chosen, rejected in pairs), seed, max_pairs)
    problems = [problem for problem, _, _ in known]
    count = len(set(problems))
    if len(known) < MIN_PAIRS or count < FOLDS:
        return None
    present, tokens = _presence([text for _, *texts in known for text in texts])
    chosen, rejected = present[::2], present[1::2]
    accuracy = _held_out_accuracy(chosen - rejected, _folds(problems, seed))
    low, high = held_out_interval(accuracy, count)
    return StyleTest(accuracy, low, high, len(known), count, _telling(chosen, rejected, tokens))


def held_out_interval(accuracy: float, problems: int) -> tuple[float, float]:
    """The 95 % interval of a cross-validated accuracy: Wilson's score interval for half as many trials as problems.

    Pairs of one problem share their texts, so problems are counted. Half of them, because the parts are tested by
    models that share their training pairs: on sides drawn by coin flip, the accuracy varies 1.4 times as much as
    independent trials would.
    """
    count, z = problems / 2, 1.96
    scale = 1 + z * z / count
    middle = (accuracy + z * z / (2 * count)) / scale
    half = z * math.sqrt(accuracy * (1 - accuracy) / count + z * z / (4 * count * count)) / scale
    return max(0.0, min(accuracy, middle - half)), min(1.0, max(accuracy, middle + half))  # rounding aside, no change


Parts = tuple[str, str]  # the beginning and the end of a text; the end is empty where the beginning is all of it


def _cut(text: str) -> Parts:
    if len(text) <= 2 * PART_CHARACTERS:
        return text, ""
    return text[:PART_CHARACTERS], text[-PART_CHARACTERS:]


def _sample(pairs: Iterable[tuple[str, Parts, Parts]], seed: int, max_pairs: int) -> list[tuple[str, Parts, Parts]]:
    def order(pair: tuple[str, Parts, Parts]) -> tuple[int, tuple[str, Parts, Parts]]:
        problem, chosen, rejected = pair
        return text_hash("\0".join((str(seed), problem, *chosen, *rejected))), pair

    return sorted(pairs, key=order)[:max_pairs]


def _folds(problems: Sequence[str], seed: int) -> np.ndarray:
    """The fold of every pair: all pairs of a problem in the same one, equally many problems in each."""
    order = sorted(set(problems), key=lambda problem: (text_hash(f"{seed}/fold/{problem}"), problem))
    fold = {problem: at % FOLDS for at, problem in enumerate(order)}
    return np.array([fold[problem] for problem in problems])


# --- what a text consists of ------------------------------------------------------------------------------------

_DIGIT = re.compile(r"[0-9]")
_NUMBER = re.compile(r"[0-9]+")
_WORD = re.compile(r"\w+|[^\w\s]")
_LINE_COUNTS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_LINES = {
    "a blank line": re.compile(r"\n[ \t]*\n"),
    "a bullet": re.compile(r"^[ \t]*[-*•] ", re.MULTILINE),
    "a numbered item": re.compile(r"^[ \t]*\(?[0-9]{1,3}[.)] ", re.MULTILINE),
    "a heading": re.compile(r"^#{1,6} |^\*\*[^*\n]+\*\*:?$", re.MULTILINE),
    "a displayed formula": re.compile(r"^[ \t]*(?:\$\$|\\\[|\\begin\b)", re.MULTILINE),
    "an indented line": re.compile(r"^[ \t]+\S", re.MULTILINE),
    "a line that starts with a digit": re.compile(r"^[ \t]*[0-9]", re.MULTILINE),
    "a line that ends with a colon": re.compile(r":[ \t]*$", re.MULTILINE),
    "a line without a full stop": re.compile(r"[^.\s][ \t]*$", re.MULTILINE),
    "a line of 200 characters": re.compile(r"^.{200}", re.MULTILINE),
}


def _word_tokens(parts: Parts) -> list[str]:
    """The distinct words of a text and its line structure, in a fixed order.

    Words (with punctuation, one or two in a row) start with `words `, line structure with `lines: `. Every number is
    0, since numbers differ from problem to problem.
    """
    tokens: dict[str, None] = {}
    last = parts[1] or parts[0]
    for part in dict.fromkeys((parts[0], last)):
        words = [word[:MAX_WORD_CHARACTERS] for word in _WORD.findall(_NUMBER.sub("0", part))]
        words = [*(["(start)"] if part is parts[0] else []), *words, *(["(end)"] if part is last else [])]
        tokens.update(dict.fromkeys(f"words {word}" for word in words))
        tokens.update(dict.fromkeys(f"words {a} {b}" for a, b in pairwise(words)))
    tokens.update(dict.fromkeys(f"lines: {what}" for what in _line_structure("".join(parts))))
    return list(tokens)


_BITS = 21  # a code point takes 21 bits, so three of them fit into one number


def _character_codes(parts: Parts) -> np.ndarray:
    """The distinct runs of one to three characters of a text, each as one number: see `_characters`.

    A digit counts as 0 in runs of two and three. Python's strings would take ten times as long.
    """
    codes = []
    for part in parts:
        single = np.frombuffer(part.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64) + 1
        digit = (single > ord("0")) & (single <= ord("9") + 1)
        masked = np.where(digit, np.uint64(ord("0") + 1), single)
        double = masked[:-1] << np.uint64(_BITS) | masked[1:]
        codes += [single, double, double[:-1] << np.uint64(_BITS) | masked[2:]]
    return np.unique(np.concatenate(codes))


def _characters(code: int) -> str:
    """The characters that a number stands for: its digits to the base 2**21, less one each."""
    return (_characters(code >> _BITS) if code >> _BITS else "") + chr((code & (1 << _BITS) - 1) - 1)


def _line_structure(text: str) -> Iterator[str]:
    lines = text.splitlines()
    yield from (f"{count} or more" for count in _LINE_COUNTS if len(lines) >= count)
    yield from (what for what, pattern in _LINES.items() if pattern.search(text))
    if any(":" in line and _DIGIT.search(line) for line in lines):
        yield "a line with a colon and a digit"
    parts = split_reasoning(text)
    for where, part in (("thought", parts.thought), ("answer", parts.answer)):
        if not part:
            yield f"no {where}" if part is None else f"an empty {where}"
        elif "\n" in part:
            yield f"a line break in the {where}"
            if _LINES["a blank line"].search(part):
                yield f"a blank line in the {where}"


def _presence(texts: Sequence[Parts]) -> tuple[csr_matrix, list[str]]:
    """Which token (column) stands in which text (row), as 0 and 1, and the tokens: words, lines, then characters."""
    columns: defaultdict[str, int] = defaultdict()
    columns.default_factory = columns.__len__  # a new token gets the next column
    words = [np.array([columns[token] for token in _word_tokens(text)], np.int64) for text in texts]
    codes = [_character_codes(text) for text in texts]
    known, places = np.unique(np.concatenate(codes), return_inverse=True)
    characters = np.split(places, np.cumsum([len(of_text) for of_text in codes])[:-1])
    present = hstack([_indicators(words, len(columns)), _indicators(characters, len(known))], format="csr")
    return present, [*columns, *map(_characters, known.tolist())]


def _indicators(rows: Sequence[np.ndarray], width: int) -> csr_matrix:
    """The matrix that is 1 in the given columns of every row."""
    indices = np.concatenate(rows)
    return csr_matrix((np.ones(len(indices)), indices, np.cumsum([0, *map(len, rows)])), shape=(len(rows), width))


# --- the model --------------------------------------------------------------------------------------------------


def _held_out_accuracy(difference: csr_matrix, folds: np.ndarray) -> float:
    """The share of the pairs that a model learned on the other folds orders correctly; a tie counts half.

    `difference` has a row per pair: 1 where the chosen text alone has a token, -1 where the rejected text alone has it.
    """
    from threadpoolctl import threadpool_limits

    differing = np.asarray(abs(difference).sum(axis=0)).ravel()
    least = max(MIN_DIFFERENCES, len(folds) / 100)
    difference = difference[:, np.flatnonzero(differing >= least)]
    if not difference.shape[1]:
        return 0.5
    hits = 0.0
    with threadpool_limits(1):  # the vectors are short: more threads only wait for each other
        for fold in range(FOLDS):
            scores = difference[folds == fold] @ _weights(difference[folds != fold])
            hits += float(np.sum(scores > 0) + np.sum(scores == 0) / 2)
    return hits / len(folds)


def _weights(difference: csr_matrix) -> np.ndarray:
    """The weight of every token: above 0 where it speaks for chosen.

    A logistic regression over tokens scaled by the log-ratio of how often they stand on one side alone (Wang and
    Manning, 2012). Without that scaling, one telling character drowns in thousands of tokens that say nothing.
    """
    from sklearn.linear_model import LogisticRegression

    only_chosen = np.asarray((difference > 0).sum(axis=0)).ravel()
    only_rejected = np.asarray((difference < 0).sum(axis=0)).ravel()
    scale = np.abs(np.log((only_chosen + 0.5) / (only_rejected + 0.5)))
    sides = np.where(np.arange(difference.shape[0]) % 2, -1, 1)  # every other pair turned around: two classes
    scaled = difference.multiply(scale).multiply(sides[:, None]).tocsr()
    model = LogisticRegression(solver="liblinear", fit_intercept=False, tol=1e-3).fit(scaled, sides)
    return scale * model.coef_.ravel()


def _telling(chosen: csr_matrix, rejected: csr_matrix, tokens: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """The tokens whose counts differ most between the sides, without those that lie inside another of them."""
    with_token = [np.asarray(side.sum(axis=0)).ravel().astype(int) for side in (chosen, rejected)]
    differing = np.abs(with_token[0] - with_token[1])
    least = np.sort(differing)[-CANDIDATES:][0] if len(differing) else 0
    candidates = np.flatnonzero(differing >= max(1, least))

    def order(at: int) -> tuple[int, int, int, str]:
        return -int(differing[at]), *_legibility(tokens[at]), tokens[at]

    found: list[int] = []
    for at in sorted(map(int, candidates), key=order):
        if not any(_overlap(tokens[at], tokens[other]) for other in found):
            found.append(at)
        if len(found) == SHOWN_TOKENS:
            break
    return tuple((shown(tokens[at]), int(with_token[0][at]), int(with_token[1][at])) for at in found)


def _legibility(token: str) -> tuple[int, int]:
    """Of tokens that tell equally much, the one easiest to read comes first: a line break, a mark, a word."""
    if token.startswith("lines: "):
        return 0, 0
    if token.startswith("words "):
        return 2, len(token)
    return (1 if len(token) == 1 and not token.isalnum() else 3), len(token)


def _overlap(a: str, b: str) -> bool:
    """Whether one of two tokens holds the other."""
    if a.startswith("lines: ") or b.startswith("lines: "):
        return False
    a, b = (token.removeprefix("words ").strip() or token for token in (a, b))
    return a in b or b in a


def shown(token: str) -> str:
    """A token as a reader sees it: quoted, with what cannot be printed written as an escape."""
    if token.startswith("lines: "):
        return token
    kind, content = ("words", token.removeprefix("words ")) if token.startswith("words ") else ("characters", token)
    quoted = json.dumps(content, ensure_ascii=False)
    return f"{kind} {''.join(c if c.isprintable() else json.dumps(c)[1:-1] for c in quoted)}"
