"""Is one expression equal to another? By exact rational arithmetic where it suffices, else by many digits.

Expressions with symbols are compared at several points (for polynomials and rational functions that is a proof up
to an astronomically small chance). Irrational values are computed with 60 and with 110 digits: a true difference
stays when digits are added, a rounding error shrinks by those 50 digits. Nothing is decided in between.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from pairforge.verifier.evaluate import DIGITS, Evaluator, Undefined, Value, context, evaluate, imaginary, to_mp
from pairforge.verifier.expr import Tree
from pairforge.verifier.surds import surd

_MORE_DIGITS = 110
_POINTS = 8
_ENOUGH_POINTS = 3


def equal(a: Tree, b: Tree, *, degree: bool = False, natural_log: bool = False) -> bool | None:
    """True or False when the two expressions are (un)equal, None when that cannot be told.

    `degree`: a degree sign outside a trigonometric function is read as the number 1 rather than pi/180.
    `natural_log`: `\\log` without a base is the natural logarithm. Raises `TooLarge`.
    """
    if a == b:
        return True
    left, right = surd(a, degree), surd(b, degree)
    if left is not None and right is not None:
        return left == right
    names = sorted(symbols(a) | symbols(b))
    compared = 0
    for point in _points(tuple(names)):
        same = _equal_at(a, b, point, degree, natural_log)
        if same is False:
            return False
        compared += same is True
        if compared and not names:
            return True
        if compared >= _ENOUGH_POINTS + len(names):
            return True
    return True if compared >= _ENOUGH_POINTS else None


def find_root(tree: Tree, name: str, point: Mapping[str, Fraction]) -> Fraction | None:
    """A real zero of the expression along one symbol, as a close rational; None when bisection finds none."""

    def at(x: Fraction) -> float:
        value = evaluate(tree, {**point, name: x}, digits=30)
        if imaginary(value):
            raise Undefined
        return float(value if isinstance(value, Fraction) else value.real)

    places = [Fraction(n, 4) for n in (-40, -20, -9, -5, -2, 0, 3, 6, 11, 22, 44)]
    for low, high in pairwise(places):
        try:
            left, right = at(low), at(high)
            if left * right > 0:
                continue
            for _ in range(40):
                middle = (low + high) / 2
                value = at(middle)
                low, high, left = (low, middle, left) if left * value <= 0 else (middle, high, value)
            return low if abs(at(low)) < 1e-6 else None  # a pole changes sign too
        except (Undefined, ZeroDivisionError):
            continue
    return None


def symbols(tree: Tree) -> set[str]:
    """The names of the free symbols."""
    found: set[str] = set()
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            if node and node[0] == "s":
                found.add(node[1])
            else:
                stack.extend(node[1:])
    return found


def mentions(tree: Any, *what: str) -> bool:
    """Does a node kind, constant or function of one of these names occur in the tree?"""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple) and node:
            if node[0] in what or (node[0] in ("c", "f") and node[1] in what):
                return True
            stack.extend(node[1:])
    return False


def _points(names: tuple[str, ...]) -> list[dict[str, Fraction]]:
    if not names:
        return [{}]
    return [{name: _coordinate(name, index) for name in names} for index in range(_POINTS)]


def _coordinate(name: str, index: int) -> Fraction:
    """A fixed rational per symbol and point: small, large, and of both signs; never a round number."""
    noise = Fraction(zlib.crc32(f"{index}/{name}".encode()) % 99_991 + 7, 100_003)
    scale = (
        Fraction(2),
        Fraction(-2),
        Fraction(1),
        Fraction(7),
        Fraction(-5),
        Fraction(3),
        Fraction(1, 2),
        Fraction(40),
    )
    return noise * scale[index]


def _equal_at(a: Tree, b: Tree, point: dict[str, Fraction], degree: bool, natural_log: bool) -> bool | None:
    """None: not comparable at this point (undefined on both sides, or not real), or too close to tell."""
    pair = _pair(a, b, point, DIGITS, degree, natural_log)
    if pair is None:
        return None
    left, right = pair
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left == right
    again = _pair(a, b, point, _MORE_DIGITS, degree, natural_log)
    if again is None:
        return None
    if point and not (mentions(a, "i") or mentions(b, "i")) and any(imaginary(v) for v in (*pair, *again)):
        return None  # symbols are real: outside the real domain nothing is compared
    return _same(pair, again)


def _pair(
    a: Tree, b: Tree, point: dict[str, Fraction], digits: int, degree: bool, log: bool
) -> tuple[Value, Value] | None:
    how = Evaluator(point, digits, degree, log)
    try:
        return how.value(a), how.value(b)
    except (Undefined, ZeroDivisionError):
        return None


def _same(low: tuple[Value, Value], high: tuple[Value, Value]) -> bool | None:
    mp = context(_MORE_DIGITS)
    rough = mp.fabs(to_mp(mp, low[0]) - to_mp(mp, low[1]))
    fine = mp.fabs(to_mp(mp, high[0]) - to_mp(mp, high[1]))
    size = max(mp.fabs(to_mp(mp, high[0])), mp.fabs(to_mp(mp, high[1])))
    if fine == 0 or fine <= max(rough * mp.mpf(10) ** -40, size * mp.mpf(10) ** -95):
        return True
    if mp.fabs(rough - fine) <= fine * mp.mpf(10) ** -8:
        return False
    return None
