"""The commonest answers without a tokenizer: plain numbers, and a number, root or multiple of pi with a sign or unit.

A strict form of what `read` reads in general, and to the same value: one pattern, no recursion, short numbers only.
That makes it fast and bounded enough for the caller's process.
"""

from __future__ import annotations

import functools
import re
from fractions import Fraction

from pairforge.verifier.parse.syntax import Tree
from pairforge.verifier.parse.units import Unit, parse_unit
from pairforge.verifier.parse.values import Quantity

_NUMBER = re.compile(r"([-+]?)(\d{1,60}|\d{1,3}(?:,\d{3}){1,15})(?:\.(\d{1,60}))?\.?")
_FRACTION = re.compile(r"([-+]?)\\[dt]?frac\{(-?\d{1,40})\}\{(-?\d{1,40})\}|([-+]?)(\d{1,40})/(\d{1,40})")


@functools.lru_cache(maxsize=4096)  # samples of one problem share their gold, and repeat answers
def plain_number(text: str) -> Fraction | None:
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


_DIGITS = r"(?:[1-9]\d{0,2}(?:(?:,|\{,\}|,\\!)\d{3}){1,5}|\d{1,30})(?:\.\d{1,30})?"
_FACTOR = rf"(?:{_DIGITS}|\\sqrt\{{\d{{1,30}}\}}|\\pi(?![A-Za-z]))"
_PRODUCT = rf"{_FACTOR}(?:\s?\\cdot\s?{_FACTOR}|\s?\\(?:sqrt\{{\d{{1,30}}\}}|pi(?![A-Za-z]))){{0,3}}"
_WORD = r"(?:(?:square|cubic) )?[A-Za-z]{2,15}"
_BEHIND = (
    r"\\?%|\^\\circ|\^\{\\circ\}|°|(?:\s|~|\\[ ,;])?\s?"
    rf"(?:\\(?:text|mathrm|mbox)\{{\s?(?P<quoted>{_WORD})\s?\}}|(?P<word>{_WORD}))"
)
_PLAIN = re.compile(
    rf"(?P<minus>-?)(?P<dollars>(?:\\\$)?)(?:\\[dt]?frac\{{(?P<top>-?{_PRODUCT})\}}\{{(?P<bottom>{_PRODUCT})\}}"
    rf"|(?P<whole>{_PRODUCT})(?:/(?P<below>\d{{1,30}}))?)(?P<behind>{_BEHIND}|\s?(?P<sign>[-+])\s?(?P<second>{_PRODUCT})|)"
)
_PIECE = re.compile(rf"\\sqrt\{{(\d+)\}}|(\\pi)|({_DIGITS})")
_TWO: Tree = ("n", Fraction(2))
_DOLLARS = Unit((("dollar", 1),))
_OTHERWISE = ("degree", "percent", "inch")  # words that say more than a unit, or have several meanings


@functools.lru_cache(maxsize=4096)
def plain_quantity(text: str) -> Quantity | None:
    """The value of a text of such a form, None for any other."""
    found = _PLAIN.fullmatch(text) if len(text) <= 120 else None
    if found is None:
        return None
    word = found["quoted"] or found["word"] or ""
    unit = _known_unit(word)
    bottom = found["bottom"] or found["below"] or ""
    if unit is None or (found["dollars"] and found["behind"]) or _has_zero(bottom):
        return None
    tree = _product(found["top"] or found["whole"])
    tree = ("/", tree, _product(bottom)) if bottom else tree
    tree = ("neg", tree) if found["minus"] else tree
    if found["sign"]:
        second = _product(found["second"])
        return Quantity(("+", tree, second if found["sign"] == "+" else ("neg", second)))
    tree = ("deg", tree) if "circ" in found["behind"] or found["behind"] == "°" else tree
    return Quantity(tree, _DOLLARS if found["dollars"] else unit, found["behind"].endswith("%"))


def _product(text: str) -> Tree:
    factors: list[Tree] = []
    for root, pi, digits in _PIECE.findall(text):
        if digits:
            whole, _, decimals = re.sub(r"[^\d.]", "", digits).partition(".")
            factors.append(("n", Fraction(int(whole + decimals), 10 ** len(decimals))))
        else:
            factors.append(("c", "pi") if pi else ("f", "root", ("n", Fraction(int(root))), _TWO))
    tree = functools.reduce(lambda left, right: ("*", left, right), factors)
    return ("neg", tree) if text.startswith("-") else tree


def _has_zero(product: str) -> bool:
    return any(not pi and not re.search("[1-9]", root + digits) for root, pi, digits in _PIECE.findall(product))


@functools.lru_cache(maxsize=1024)
def _known_unit(word: str) -> Unit | None:
    """The unit that one word names; no unit for no word, None for any other word."""
    if not word:
        return Unit()
    unit = parse_unit(word)
    power = 1 if " " not in word else 2 if word.startswith("square") else 3
    known = unit is not None and len(unit.powers) == 1 and unit.powers[0][1] == power and not unit.nouns
    return unit if known and unit and unit.powers[0][0] not in _OTHERWISE else None
