"""Is one expression equal to another? By exact rational arithmetic where it suffices, else by many digits.

Rational functions are compared exactly. Others with symbols are compared at several points, which a digest of both
texts chooses: no point is the same for all answers. Irrational values are computed with 60 and with 110 digits: a true
difference stays when digits are added, a rounding error shrinks by those 50 digits. Nothing is decided in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from pairforge.verifier.equal.arithmetic import DIGITS, Arithmetic, Number, Undefined, context, imaginary, to_mp
from pairforge.verifier.equal.polynomial import rational, same_rational
from pairforge.verifier.parse.syntax import Tree, mentions, symbols

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
    left, right = _surd(a, degree), _surd(b, degree)
    if left is not None and right is not None:
        return left == right
    exact = _equal_exactly(a, b, degree)
    if exact is not None:
        return exact
    names = sorted(symbols(a) | symbols(b))
    compared = 0
    stepped = mentions(a, *_STEPPED) or mentions(b, *_STEPPED)
    for point in points(names, a, b, many=stepped):
        same = _equal_at(a, b, point, degree, natural_log)
        if same is False:
            return False
        compared += same is True
        if compared and not names:
            return True
        if compared >= _ENOUGH_POINTS + len(names) and not stepped:
            return True
    return True if compared >= _ENOUGH_POINTS else None


def evaluate(tree: Tree, point: Mapping[str, Fraction] | None = None, digits: int = DIGITS) -> Number:
    """The value of an expression: a Fraction when it is rational, else mpmath's. Raises `Undefined`, `TooLarge`."""
    return Evaluator(point or {}, digits, degree=False, natural_log=False).value(tree)


class Evaluator(Arithmetic):
    """One evaluation: a point, a precision, and how degree signs and `log` are read."""

    def __init__(self, point: Mapping[str, Fraction], digits: int, degree: bool, natural_log: bool) -> None:
        super().__init__(digits, natural_log)
        self.point, self.degree = point, degree
        self.inside_function = 0

    def value(self, tree: Tree) -> Number:
        kind = tree[0]
        if kind == "n":
            return tree[1]
        if kind == "s":
            return self.point[tree[1]]
        if kind == "c":
            return self.constant(tree[1])
        if kind == "+":
            total = self.value(tree[1])
            for term in tree[2:]:
                total = self.both(lambda a, b: a + b, total, self.value(term))
            return total
        if kind == "neg":
            return -self.value(tree[1])
        if kind == "*":
            return self.both(lambda a, b: a * b, self.value(tree[1]), self.value(tree[2]))
        if kind == "/":
            return self.quotient(self.value(tree[1]), self.value(tree[2]))
        if kind == "^":
            return self.power(self.value(tree[1]), self.value(tree[2]))
        if kind == "deg":
            plain = self.degree and not self.inside_function
            return self.value(tree[1]) if plain else self.num(self.value(tree[1])) * self.mp.pi / 180
        if kind == "call":
            return self.named_function(tree)
        trigonometric = tree[1] in ("sin", "cos", "tan", "cot", "sec", "csc")
        self.inside_function += trigonometric
        arguments = [self.value(argument) for argument in tree[2:]]
        self.inside_function -= trigonometric
        return self.call(tree[1], arguments)

    def named_function(self, tree: Tree) -> Fraction:
        """A value of a function that is only named: some rational that its name and arguments choose."""
        arguments = [self.value(argument) for argument in tree[2:]]
        written = [str(a) if isinstance(a, Fraction) else str(self.mp.nstr(a, 30)) for a in arguments]
        return _coordinate(f"{tree[1]}({','.join(written)})", 3)


def _equal_exactly(a: Tree, b: Tree, degree: bool) -> bool | None:
    left = rational(a, degree=degree)
    right = rational(b, degree=degree) if left is not None else None
    if left is None or right is None:
        return None
    same = same_rational(left, right)
    if same is False and all(mentions(a, name) or mentions(b, name) for name in ("pi", "e")):
        return None  # whether pi and e depend on each other is for the digits to say
    return same


_STEPPED = ("floor", "ceil", "mod", "max", "min")  # equal over long stretches and then not


def points(names: Iterable[str], *trees: Tree, many: bool = False) -> Iterator[dict[str, Fraction]]:
    """Rational points: small and large, of both signs, never round. The trees choose them, in any order."""
    ordered = sorted(names)
    if not ordered:
        yield {}
        return
    seed = "/".join(sorted(map(repr, trees)))
    for index in range(5 * _POINTS if many else _POINTS):
        yield {name: _coordinate(f"{seed}/{index}/{name}", index) for name in ordered}


_SCALES = tuple(Fraction(n) for n in ("2", "-2", "1", "7", "-5", "3", "1/2", "40"))


def _coordinate(seed: str, index: int) -> Fraction:
    noise = int.from_bytes(hashlib.sha256(seed.encode("utf-8", "replace")).digest()[:6], "big") % 99_991
    return Fraction(noise + 7, 100_003) * _SCALES[index % _POINTS] * (1 + index // _POINTS * 10)


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
) -> tuple[Number, Number] | None:
    at = Evaluator(point, digits, degree, log)
    try:
        return at.value(a), at.value(b)
    except (Undefined, ZeroDivisionError):
        return None


def _same(low: tuple[Number, Number], high: tuple[Number, Number]) -> bool | None:
    mp = context(_MORE_DIGITS)
    rough = mp.fabs(to_mp(mp, low[0]) - to_mp(mp, low[1]))
    fine = mp.fabs(to_mp(mp, high[0]) - to_mp(mp, high[1]))
    size = max(mp.fabs(to_mp(mp, high[0])), mp.fabs(to_mp(mp, high[1])))
    if fine == 0 or fine <= max(rough * mp.mpf(10) ** -40, size * mp.mpf(10) ** -95):
        return True
    if mp.fabs(rough - fine) <= fine * mp.mpf(10) ** -8:
        return False
    return None


# --- q sqrt(n) pi^k: the commonest irrational values, compared exactly ---------------------------------------------

_ONE = Fraction(1)
_Monomial = tuple[Fraction, Fraction, int]


def _surd(tree: Tree, degree: bool) -> tuple[bool, Fraction, int] | None:
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
