"""Equations and inequalities: equal when they hold for the same values."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import islice, pairwise

from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.arithmetic import TooLarge, Undefined, imaginary
from pairforge.verifier.equal.numeric import evaluate
from pairforge.verifier.equal.polynomial import Polynomial, across, multiple, polynomial, rational, same_zeros
from pairforge.verifier.parse.syntax import Tree, symbols
from pairforge.verifier.parse.values import Relation

_ZERO = 1e-30  # what rounding leaves of 0 is smaller, as points are of ordinary size


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
    numerators = across(a, b)
    if numerators is not None and all(numerators):
        factor = multiple(*numerators)
        if factor is not None:
            return factor > 0 or not positive
        if not positive and _same_without_denominators(a, b):
            return True
        left, right = polynomial(a), polynomial(b)
        if left and right and not positive and (zeros := same_zeros(left, right)) is not None:
            return zeros
    sampled = _sampled_factor(a, b, names)
    if sampled is None:
        return None
    here, there, sign = sampled
    if positive and not sign > 0:
        return False
    if numeric.equal(("*", a, there), ("*", b, here)) is True:
        return True
    return False if positive or _zero_apart(a, b, names) or _zero_apart(b, a, names) else None


def _same_without_denominators(a: Tree, b: Tree) -> bool:
    """`y - 1/x = 0` and `xy - 1 = 0`: the numerators agree, and vanish nowhere that a denominator does."""
    left, right = rational(a), rational(b)
    if left is None or right is None or multiple(left[0], right[0]) is None or len(left[1]) > 1 or len(right[1]) > 1:
        return False
    below = {name for denominator in (left[1], right[1]) for monomial in denominator for name, _ in monomial}
    return all(_never_zero(left[0], name) for name in below if not name.startswith("#"))


def _never_zero(p: Polynomial, name: str) -> bool:
    """Is the polynomial another number than 0 wherever this symbol is 0?"""
    return {m for m in p if name not in dict(m)} == {()}


def _sampled_factor(a: Tree, b: Tree, names: list[str]) -> tuple[Tree, Tree, float] | None:
    """Both expressions at a point where neither vanishes, and their quotient there."""
    for point in numeric.points(names, a, b):
        here, there = _at(a, point), _at(b, point)
        try:
            if abs(evaluate(here)) > _ZERO and abs(evaluate(there)) > _ZERO:
                return here, there, float(evaluate(("/", here, there)).real)
        except (Undefined, ZeroDivisionError):
            continue
    return None


def _zero_apart(a: Tree, b: Tree, names: list[str]) -> bool:
    """Is there a real point where `a` vanishes and `b` clearly does not?"""
    for name in names:
        for point in islice(numeric.points([n for n in names if n != name], a, b), 3):
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
