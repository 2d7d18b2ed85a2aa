"""Exact comparison of the commonest irrational values: q sqrt(n) pi^k with rational q and n."""

from __future__ import annotations

from fractions import Fraction

from pairforge.verifier.expr import Tree

_ONE = Fraction(1)
_Monomial = tuple[Fraction, Fraction, int]


def surd(tree: Tree, degree: bool) -> tuple[bool, Fraction, int] | None:
    """(negative?, q^2 n, k) of an expression that is q sqrt(n) pi^k with rational q and n; equal values agree in it."""
    found = _monomial(tree, degree)
    if found is None:
        return None
    q, n, k = found
    return (q < 0, q * q * n, k) if q and n else (False, Fraction(0), 0)


def _monomial(tree: Tree, degree: bool) -> _Monomial | None:
    """(q, n, k) where the expression is q sqrt(n) pi^k; None for any other."""
    kind = tree[0]
    if kind == "n":
        return tree[1], _ONE, 0
    if kind == "c":
        return (_ONE, _ONE, 1) if tree[1] == "pi" else None
    if kind not in ("neg", "*", "/", "deg", "f"):
        return None
    if kind == "f":
        root = _monomial(tree[2], degree) if tree[1] == "root" and tree[3] == ("n", 2) else None
        return (_ONE, root[0], 0) if root and root[0] >= 0 and root[1] == 1 and not root[2] else None
    left = _monomial(tree[1], degree)
    if left is None:
        return None
    q, n, k = left
    if kind == "neg":
        return -q, n, k
    if kind == "deg":
        return left if degree else (q / 180, n, k + 1)
    right = _monomial(tree[2], degree)
    if right is None or (kind == "/" and not (right[0] and right[1])):
        return None
    if kind == "*":
        return q * right[0], n * right[1], k + right[2]
    return q / right[0], n / right[1], k - right[2]
