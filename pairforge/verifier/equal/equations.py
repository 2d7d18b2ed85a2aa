"""Equations, inequalities and solution families: equal when they hold for the same values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise, permutations

from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.arithmetic import TooLarge, Undefined, imaginary
from pairforge.verifier.equal.numeric import evaluate
from pairforge.verifier.parse.syntax import Tree, symbols
from pairforge.verifier.parse.values import Relation

_MAX_CLASSES = 400
_CLOSE = Fraction(1, 10**35)


def difference(relation: Relation) -> Tree:
    """The left side minus the right side."""
    return ("+", relation.left, ("neg", relation.right))


def same_relation(gold: Relation, answer: Relation) -> bool | None:
    """Do two equations or inequalities say the same: is one difference of sides a multiple of the other?"""
    a, b = difference(gold), difference(answer)
    if gold.op in ("=", "!="):
        return proportional(a, b) if gold.op == answer.op else False
    flip = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
    if answer.op != gold.op:
        if flip.get(answer.op) != gold.op:
            return False
        b = ("neg", b)
    return proportional(a, b, positive=True)


def proportional(a: Tree, b: Tree, positive: bool = False) -> bool | None:
    """Is one expression a constant (positive) multiple of the other, so that both vanish together?"""
    names = sorted(symbols(a) | symbols(b))
    if symbols(a) != symbols(b):
        return False
    point = {name: Fraction(3 + 2 * n, 7) + n for n, name in enumerate(names)}
    here, there = _at(a, point), _at(b, point)
    try:
        if evaluate(here) == 0 or evaluate(there) == 0:
            return None
        factor = evaluate(("/", here, there))
    except (Undefined, ZeroDivisionError):
        return None
    if positive and not factor.real > 0:
        return False
    if numeric.equal(("*", a, there), ("*", b, here)) is True:
        return True
    return False if positive or _zero_apart(a, b, names) or _zero_apart(b, a, names) else None


def _zero_apart(a: Tree, b: Tree, names: list[str]) -> bool:
    """Is there a real point where `a` vanishes and `b` clearly does not?"""
    for name in names:
        point = {other: Fraction(5 + n, 8) for n, other in enumerate(names) if other != name}
        try:
            root = _find_root(a, name, point)
            if root is not None and abs(complex(evaluate(b, point | {name: root}))) > 1e-6:
                return True
        except (Undefined, TooLarge, ZeroDivisionError, OverflowError):
            continue
    return False


def _at(tree: Tree, point: dict[str, Fraction]) -> Tree:
    if tree[0] == "s":
        return ("n", point[tree[1]])
    if tree[0] in ("n", "c"):
        return tree
    return tuple(_at(t, point) if isinstance(t, tuple) else t for t in tree)


def _find_root(tree: Tree, name: str, point: Mapping[str, Fraction]) -> Fraction | None:
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


# --- families such as pi/4 + k pi: equal as sets, however the parameter is named and the period is split -----------


def same_family(gold: list[Tree], answer: list[Tree], params: set[str]) -> bool | None:
    """Do both lists of expressions run through the same values when the parameters run through the integers?"""
    if not gold or not answer:
        return None
    lines = [_lines(gold, params), _lines(answer, params)]
    if lines[0] is None or lines[1] is None:
        return _renamed(gold, answer, params)
    return _same_classes(lines[0], lines[1])


def _renamed(gold: list[Tree], answer: list[Tree], params: set[str]) -> bool | None:
    """Families that are not arithmetic progressions: equal after renaming the parameters."""
    if len(gold) != 1 or len(answer) != 1:
        return None
    here = sorted(symbols(gold[0]) & params)
    there = sorted(symbols(answer[0]) & params)
    if len(here) != len(there):
        return False
    for order in permutations(there):
        renamed = _rename(answer[0], dict(zip(order, here, strict=True)))
        if numeric.equal(gold[0], renamed) is True:
            return True
    return None if here else False


def _rename(tree: Tree, names: dict[str, str]) -> Tree:
    if tree[0] == "s":
        return ("s", names.get(tree[1], tree[1]))
    return tuple(_rename(t, names) if isinstance(t, tuple) else t for t in tree)


def _lines(trees: list[Tree], params: set[str]) -> list[tuple[Fraction, Fraction]] | None:
    """(offset, period) of each tree as high-precision rationals; None unless each is linear in one parameter."""
    found = []
    for tree in trees:
        names = symbols(tree)
        if len(names) > 1 or not names <= params:
            return None
        try:
            values = [_value(tree, dict.fromkeys(names, Fraction(n))) for n in (0, 1, 2, 5)]
        except (Undefined, ZeroDivisionError, TypeError):
            return None
        period = values[1] - values[0]
        if abs(values[2] - values[0] - 2 * period) > _CLOSE or abs(values[3] - values[0] - 5 * period) > _CLOSE:
            return None
        found.append((values[0], abs(period)))
    return found


def _value(tree: Tree, point: dict[str, Fraction]) -> Fraction:
    value = evaluate(tree, point)
    if isinstance(value, Fraction):
        return value
    if value.imag:
        raise TypeError
    sign, mantissa, exponent, _ = value.real._mpf_
    return Fraction(-mantissa if sign else mantissa) * Fraction(2) ** exponent


def _same_classes(gold: list[tuple[Fraction, Fraction]], answer: list[tuple[Fraction, Fraction]]) -> bool | None:
    periods = [period for _, period in gold + answer if period > _CLOSE]
    if not periods or len(periods) < len(gold) + len(answer):
        return _fixed(gold, answer)
    unit = periods[0]
    ratios = [(period / unit).limit_denominator(500) for period in periods]
    if any(abs(ratio * unit - period) > _CLOSE for ratio, period in zip(ratios, periods, strict=True)):
        return False
    common = unit * Fraction(math.lcm(*(r.numerator for r in ratios)), math.gcd(*(r.denominator for r in ratios)))
    classes = [_classes(side, common) for side in (gold, answer)]
    if classes[0] is None or classes[1] is None:
        return None
    return _covers(classes[0], classes[1], common) and _covers(classes[1], classes[0], common)


def _fixed(gold: list[tuple[Fraction, Fraction]], answer: list[tuple[Fraction, Fraction]]) -> bool | None:
    """Progressions mixed with single values: compared one by one."""
    if len(gold) != len(answer):
        return False
    left = sorted(gold)
    right = sorted(answer)
    close = all(abs(a[0] - b[0]) <= _CLOSE and abs(a[1] - b[1]) <= _CLOSE for a, b in zip(left, right, strict=True))
    return close


def _classes(lines: list[tuple[Fraction, Fraction]], common: Fraction) -> list[Fraction] | None:
    found: list[Fraction] = []
    for offset, period in lines:
        count = round(common / period)
        if len(found) + count > _MAX_CLASSES:
            return None
        found += [(offset + n * period) % common for n in range(count)]
    return found


def _covers(a: list[Fraction], b: list[Fraction], common: Fraction) -> bool:
    def near(x: Fraction, y: Fraction) -> bool:
        gap = abs(x - y)
        return gap <= _CLOSE or common - gap <= _CLOSE

    return all(any(near(x, y) for y in b) for x in a)
