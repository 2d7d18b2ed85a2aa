"""Solution families such as pi/4 + k pi: equal as sets, however the parameter is named and the period is split."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

from pairforge.verifier import numeric
from pairforge.verifier.evaluate import Undefined, evaluate
from pairforge.verifier.expr import Tree

_MAX_CLASSES = 400
_CLOSE = Fraction(1, 10**35)


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
    here = sorted(numeric.symbols(gold[0]) & params)
    there = sorted(numeric.symbols(answer[0]) & params)
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
        names = numeric.symbols(tree)
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
