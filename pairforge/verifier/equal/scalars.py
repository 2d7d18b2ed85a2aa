"""Single values of one kind: quantities, ratios, times, dates, choice letters, texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.arithmetic import Undefined
from pairforge.verifier.equal.numeric import evaluate
from pairforge.verifier.parse.syntax import Tree, infinite, mentions
from pairforge.verifier.parse.units import Unit, compatible
from pairforge.verifier.parse.values import Clock, Date, Letters, Quantity, Ratio, Special, Text


@dataclass(frozen=True, slots=True)
class Hints:
    """Whether the words around gold or answer speak of a percentage, whether the sign may be missing anyway, and
    whether a unit, currency or half of the day may not be missing on one side."""

    gold_percent: bool = False
    answer_percent: bool = False
    percent_lenient: bool = False
    units_strict: bool = False


def same_quantity(gold: Quantity, answer: Quantity, hints: Hints) -> bool | None:
    if not compatible(_unit_of(gold), _unit_of(answer)):
        return False
    if hints.units_strict and bool(_unit_of(gold)) != bool(_unit_of(answer)):
        return False
    if (mentions(gold.tree, "deg") and _unit_of(answer)) or (mentions(answer.tree, "deg") and _unit_of(gold)):
        return False  # an angle against centimetres
    forms = [(gold.tree, answer.tree)]
    if gold.percent != answer.percent:
        hinted = hints.gold_percent or hints.answer_percent or hints.percent_lenient
        hinted = hinted and not (gold.unit or answer.unit or mentions(gold.tree, "deg") or mentions(answer.tree, "deg"))
        a = ("/", gold.tree, _HUNDRED) if gold.percent else gold.tree
        b = ("/", answer.tree, _HUNDRED) if answer.percent else answer.tree
        forms = [(a, b)] + ([(gold.tree, answer.tree)] if hinted else [])
    if gold.rounded is not None and _rounds(gold.tree, gold.rounded):
        forms.append((gold.rounded, answer.tree))
    if answer.rounded is not None and _rounds(answer.tree, answer.rounded):
        forms.append((gold.tree, answer.rounded))
    results = [_equal(a, b, gold, answer, hints) for a, b in forms]
    return True if True in results else None if None in results else False


_HUNDRED: Tree = ("n", Fraction(100))


def _unit_of(value: Quantity) -> Unit:
    return value.unit.without("radian")


def _equal(a: Tree, b: Tree, gold: Quantity, answer: Quantity, hints: Hints) -> bool | None:
    degrees = mentions(a, "deg"), mentions(b, "deg")
    if infinite(a) or infinite(b):
        return infinite(a) == infinite(b)
    result = numeric.equal(a, b)
    missing = degrees[0] != degrees[1] and not (gold.unit.has("radian") or answer.unit.has("radian"))
    if result is not True and missing and not hints.units_strict:
        result = numeric.equal(a, b, degree=True)
    if result is not True and (mentions(a, "log") or mentions(b, "log")):
        result = numeric.equal(a, b, natural_log=True)
    return result


def _rounds(exact: Tree, rounded: Tree) -> bool:
    """Is `rounded` the other one, to its own digits?"""
    try:
        a, b = evaluate(exact), evaluate(rounded)
        return bool(abs(complex(a) - complex(b)) <= 0.006 * abs(complex(a)))
    except (Undefined, ZeroDivisionError, KeyError, OverflowError):
        return False


def same_special(gold: Special, answer: Special) -> bool | None:
    """The name decides; None where both give a formula as the reason behind yes or no, and another one."""
    if gold.name != answer.name:
        return False
    return True if not gold.detail or not answer.detail or gold.detail == answer.detail else None


def same_ratio(gold: Ratio, answer: Ratio) -> bool | None:
    if len(gold.parts) != len(answer.parts):
        return False
    if gold.clock and answer.clock:  # 1:06 and 5:30 are times, not the same ratio
        results = [numeric.equal(a, b) for a, b in zip(gold.parts, answer.parts, strict=True)]
    else:
        first = zip(gold.parts[1:], answer.parts[1:], strict=True)
        results = [numeric.equal(("*", a, answer.parts[0]), ("*", b, gold.parts[0])) for a, b in first]
    return False if False in results else None if None in results else True


def same_time(gold: Clock, answer: Clock, hints: Hints) -> bool | None:
    if (gold.half and answer.half) or (not gold.half and not answer.half):
        return _of_day(gold) == _of_day(answer)
    bare, marked = (gold, answer) if not gold.half else (answer, gold)
    if hints.units_strict:  # 15:30 says which half of the day it is
        return bare.hour > 12 and _of_day(bare) == _of_day(marked)
    return _of_day(bare) in (_of_day(marked), (marked.hour % 12 or 12, marked.minute, marked.second))


def _of_day(clock: Clock) -> tuple[int, int, int]:
    hour = clock.hour if not clock.half else clock.hour % 12 + (12 if clock.half == "pm" else 0)
    return hour, clock.minute, clock.second


def same_date(gold: Date, answer: Date) -> bool | None:
    if (gold.month, gold.day) != (answer.month, answer.day):
        return False
    return not gold.year or not answer.year or gold.year == answer.year


def same_letters(gold: Letters, answer: Letters) -> bool | None:
    """A sorted gold is a set of choices when it was written apart; otherwise the order matters."""
    if gold.letters == answer.letters:
        return True
    chosen = "".join(sorted(gold.letters)) == gold.letters and (gold.apart or answer.apart)
    return chosen and sorted(gold.letters) == sorted(answer.letters)


_CATEGORY = re.compile(
    r"(?<=\w) (?:triangle|quadrilateral|function|number|integer|line|angle|series|sequence|graph)s?$"
)


def same_text(gold: Text, answer: Text) -> bool | None:
    if gold.text == answer.text or gold.text.replace(" ", "") == answer.text.replace(" ", ""):
        return True
    if _CATEGORY.sub("", gold.text) == _CATEGORY.sub("", answer.text):
        return True
    for short, long in ((gold.text, answer.text), (answer.text, gold.text)):
        if re.fullmatch(rf"(?:.*\b(?:is|are|was|were)|on|in|at) {re.escape(short)}", long):
            return True
    return None if len(gold.text.split()) > 6 and len(answer.text.split()) > 4 else False


# --- words that name a value ------------------------------------------------------------------------------------------

_FILLERS = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "is",
        "are",
        "at",
        "in",
        "on",
        "by",
        "with",
        "for",
        "its",
        "has",
        "total",
        "number",
        "value",
        "answer",
        "that",
        "it",
        "from",
        "to",
    ]
)
_OPPOSITES = (
    ("min least small low", "max great large high big"), ("increas ris gain up", "decreas fall los declin down drop"),
    ("left west", "right east"), ("north top", "south bottom"), ("odd", "even"), ("first", "second last"),
    ("concave up", "concave down"), ("width wide", "length long height tall"), ("center centre vertex", "radius"),
)  # fmt: skip


def same_label(gold: str, answer: str) -> bool | None:
    """Do two labels name the same thing? None when the words share nothing."""
    a, b = ({w[:7] for w in re.findall("[a-z]+", label.lower()) if w not in _FILLERS} for label in (gold, answer))
    for one, other in _OPPOSITES:
        sides = [
            [any(w.startswith(stem) for w in words for stem in group.split()) for group in (one, other)]
            for words in (a, b)
        ]
        if sides in ([[True, False], [False, True]], [[False, True], [True, False]]):
            return False
    alike = any(x.startswith(y) or y.startswith(x) for x in a for y in b if min(len(x), len(y)) > 1)
    return True if a == b or not a or not b or alike else None
