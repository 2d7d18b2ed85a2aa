"""Equations and inequalities that say the same: one difference of sides is a constant multiple of the other."""

from __future__ import annotations

from fractions import Fraction

from pairforge.verifier import numeric
from pairforge.verifier.evaluate import TooLarge, Undefined, evaluate
from pairforge.verifier.expr import Tree
from pairforge.verifier.values import Relation


def difference(relation: Relation) -> Tree:
    return ("+", relation.left, ("neg", relation.right))


def same_relation(gold: Relation, answer: Relation) -> bool | None:
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
    names = sorted(numeric.symbols(a) | numeric.symbols(b))
    if numeric.symbols(a) != numeric.symbols(b):
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
            root = numeric.find_root(a, name, point)
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
