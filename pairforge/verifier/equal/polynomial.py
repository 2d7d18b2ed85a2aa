"""Rational functions in one exact form: a numerator and a denominator, each a sum of monomials with rational factors.

Most answers are rational functions of their symbols, of pi and of i, and two of them are equal exactly when the
products across are the same polynomial. Sizes are bounded; what is larger, or has roots and functions in it, has no
such form here (None).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

_MAX_TERMS = 150
_MAX_DEGREE = 60
_MAX_BITS = 2000

Tree = tuple[Any, ...]  # an expression, as the reader makes it
Monomial = tuple[tuple[str, int], ...]  # (symbol, exponent), in order of the symbols; () for a number
Polynomial = dict[Monomial, Fraction]  # no term is zero
PI, E, I = "#pi", "#e", "#i"  # noqa: E741  (no symbol of an answer is named like that)


class _TooBig(Exception):
    pass


def rational(tree: Tree, *, degree: bool = False) -> tuple[Polynomial, Polynomial] | None:
    """(numerator, denominator); None for an expression with roots, functions or large powers, or a zero below.

    `degree`: a degree sign is read as the number 1 rather than as pi/180.
    """
    try:
        return _rational(tree, degree)
    except (_TooBig, RecursionError):
        return None


def polynomial(tree: Tree) -> Polynomial | None:
    """The expression as one polynomial; None when it is none."""
    found = rational(tree)
    if found is None or set(found[1]) != {()}:
        return None
    return {monomial: factor / found[1][()] for monomial, factor in found[0].items()}


def same_rational(a: tuple[Polynomial, Polynomial], b: tuple[Polynomial, Polynomial]) -> bool | None:
    """Are two rational functions the same? None when the products across are too large."""
    try:
        return times(a[0], b[1]) == times(b[0], a[1])
    except _TooBig:
        return None


def multiple(a: Polynomial, b: Polynomial) -> Fraction | None:
    """The number that `b` is to be multiplied with to be `a`; None when there is none."""
    if a.keys() != b.keys() or not a:
        return None
    first = next(iter(a))
    factor = a[first] / b[first]
    return factor if all(a[m] == factor * b[m] for m in a) else None


def across(a: Tree, b: Tree) -> tuple[Polynomial, Polynomial] | None:
    """Numerators of the two expressions over one denominator; None where there are none."""
    left, right = rational(a), rational(b)
    if left is None or right is None:
        return None
    try:
        return times(left[0], right[1]), times(right[0], left[1])
    except _TooBig:
        return None


def same_zeros(a: Polynomial, b: Polynomial) -> bool | None:
    """Do two polynomials that are no multiples of each other vanish at the same complex numbers?

    Told by their squarefree parts for one symbol, and by the degree for several. None where neither tells.
    """
    names = {name for p in (a, b) for monomial in p for name, _ in monomial}
    if any(name.startswith("#") for name in names):
        return None
    if len(names) == 1:
        first, second = (_squarefree(_coefficients(p)) for p in (a, b))
        return first == second
    return False if total_degree(a) == total_degree(b) else None


def _coefficients(p: Polynomial) -> list[Fraction]:
    """The coefficients of a polynomial in one symbol, from the highest power down."""
    powers = {sum(n for _, n in monomial): value for monomial, value in p.items()}
    return [powers.get(n, Fraction(0)) for n in range(max(powers), -1, -1)]


def _squarefree(p: list[Fraction]) -> list[Fraction]:
    """The polynomial with the same zeros, each once, and 1 in front."""
    degree = len(p) - 1
    slope = [value * (degree - n) for n, value in enumerate(p[:-1])]
    common, rest = p, slope
    while rest:
        common, rest = rest, _divided(common, rest)[1]
    part = _divided(p, common)[0]
    return [value / part[0] for value in part]


def _divided(top: list[Fraction], bottom: list[Fraction]) -> tuple[list[Fraction], list[Fraction]]:
    """(quotient, remainder) without leading zeros."""
    quotient, rest = [], list(top)
    while len(rest) >= len(bottom):
        factor = rest[0] / bottom[0]
        quotient.append(factor)
        rest = [value - factor * (bottom[n] if n < len(bottom) else 0) for n, value in enumerate(rest)][1:]
    while rest and not rest[0]:
        rest = rest[1:]
    return quotient, rest


def total_degree(p: Polynomial) -> int:
    """The highest degree of a term in the symbols."""
    return max((sum(n for name, n in m if not name.startswith("#")) for m in p), default=0)


def plus(a: Polynomial, b: Polynomial, factor: int = 1) -> Polynomial:
    """a + factor b."""
    total = dict(a)
    for monomial, value in b.items():
        total[monomial] = total.get(monomial, Fraction(0)) + factor * value
    return _bounded(total)


def times(a: Polynomial, b: Polynomial) -> Polynomial:
    """a b."""
    if len(a) * len(b) > _MAX_TERMS * 20:
        raise _TooBig
    product: Polynomial = {}
    for one, x in a.items():
        for other, y in b.items():
            monomial, sign = _joined(one, other)
            product[monomial] = product.get(monomial, Fraction(0)) + sign * x * y
    return _bounded(product)


def _joined(a: Monomial, b: Monomial) -> tuple[Monomial, int]:
    """The product of two monomials, with i^2 worked out."""
    if not a or not b:
        return a or b, 1
    powers = dict(a)
    for name, n in b:
        powers[name] = powers.get(name, 0) + n
    sign = 1
    if powers.get(I, 0) > 1:
        sign = -1  # i i
        powers[I] -= 2
    if sum(powers.values()) > _MAX_DEGREE:
        raise _TooBig
    return tuple(sorted((name, n) for name, n in powers.items() if n)), sign


def _bounded(p: Polynomial) -> Polynomial:
    p = {monomial: value for monomial, value in p.items() if value}
    if len(p) > _MAX_TERMS or any(
        v.numerator.bit_length() + v.denominator.bit_length() > _MAX_BITS for v in p.values()
    ):
        raise _TooBig
    return p


_ONE: Polynomial = {(): Fraction(1)}
_CONSTANTS = {"pi": PI, "e": E, "i": I}


def _rational(tree: Tree, degree: bool) -> tuple[Polynomial, Polynomial]:
    kind = tree[0]
    if kind == "n":
        return _bounded({(): tree[1]}), _ONE
    if kind == "s":
        return {((tree[1], 1),): Fraction(1)}, _ONE
    if kind == "c" and tree[1] in _CONSTANTS:
        return {((_CONSTANTS[tree[1]], 1),): Fraction(1)}, _ONE
    if kind == "^":
        return _power(tree, degree)
    if kind not in ("+", "neg", "*", "/", "deg"):
        raise _TooBig
    top, below = _rational(tree[1], degree)
    if kind == "neg":
        return {m: -v for m, v in top.items()}, below
    if kind == "deg":
        return (top, below) if degree else (times(top, {((PI, 1),): Fraction(1, 180)}), below)
    for part in tree[2:]:
        other, under = _rational(part, degree)
        if kind == "*":
            top, below = times(top, other), times(below, under)
        elif kind == "/":
            top, below = times(top, under), times(below, other)
        elif below == under:
            top = plus(top, other)
        else:
            top, below = plus(times(top, under), times(other, below)), times(below, under)
    if not below:
        raise _TooBig
    return top, below


def _power(tree: Tree, degree: bool) -> tuple[Polynomial, Polynomial]:
    exponent = _rational(tree[2], degree)
    if set(exponent[0]) - {()} or exponent[1] != _ONE:
        raise _TooBig
    n = exponent[0].get((), Fraction(0))
    if n.denominator != 1 or abs(n) > _MAX_DEGREE:
        raise _TooBig
    top, below = _rational(tree[1], degree)
    if n < 0:
        top, below = below, top
    if not below or (not top and n <= 0):
        raise _TooBig
    result, under = _ONE, _ONE
    for _ in range(abs(int(n))):
        result, under = times(result, top), times(under, below)
    return result, under
