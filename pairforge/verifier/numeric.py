"""Is one expression equal to another? By exact rational arithmetic where it suffices, else by many digits.

Expressions with symbols are compared at several points (for polynomials and rational functions that is a proof up
to an astronomically small chance). Irrational values are computed with 60 and with 110 digits: a true difference
stays when digits are added, a rounding error shrinks by those 50 digits. Nothing is decided in between.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pairforge.verifier.expr import Tree

if TYPE_CHECKING:
    from mpmath.ctx_mp import MPContext

_LOW_DIGITS, _HIGH_DIGITS = 60, 110
_MAX_BITS = 20_000  # of an exact rational
_MAX_LOG2 = 1_000_000.0  # of the magnitude of any power
_MAX_FACTORIAL = 5_000
_MAX_ARGUMENT = 100_000  # of a function that grows, or that loses digits, with its argument
_POINTS = 8
_ENOUGH_POINTS = 3

Value = Any  # Fraction, or mpmath's mpf / mpc


class Undefined(Exception):
    """No finite value here: division by zero, infinity, a logarithm of zero."""


class TooLarge(Exception):
    """The value is beyond what is worth computing."""


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


_ONE = Fraction(1)
_Surd = tuple[Fraction, Fraction, int]


def _surd(tree: Tree, degree: bool) -> tuple[bool, Fraction, int] | None:
    """(negative?, q^2 n, k) of an expression that is q sqrt(n) pi^k with rational q and n; equal values agree in it."""
    found = _monomial(tree, degree)
    if found is None:
        return None
    q, n, k = found
    return (q < 0, q * q * n, k) if q and n else (False, Fraction(0), 0)


def _monomial(tree: Tree, degree: bool) -> _Surd | None:
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


def evaluate(tree: Tree, point: Mapping[str, Fraction] | None = None, digits: int = _LOW_DIGITS, **how: bool) -> Value:
    """The value of an expression: a Fraction when it is rational, else mpmath's. Raises `Undefined`, `TooLarge`."""
    return _Evaluator(point or {}, digits, how.get("degree", False), how.get("natural_log", False)).value(tree)


def find_root(tree: Tree, name: str, point: Mapping[str, Fraction]) -> Fraction | None:
    """A real zero of the expression along one symbol, as a close rational; None when bisection finds none."""

    def at(x: Fraction) -> float:
        value = evaluate(tree, {**point, name: x}, digits=30)
        if _imaginary(value):
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
    pair = _pair(a, b, point, _LOW_DIGITS, degree, natural_log)
    if pair is None:
        return None
    left, right = pair
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left == right
    again = _pair(a, b, point, _HIGH_DIGITS, degree, natural_log)
    if again is None:
        return None
    if point and not (mentions(a, "i") or mentions(b, "i")) and any(_imaginary(v) for v in (*pair, *again)):
        return None  # symbols are real: outside the real domain nothing is compared
    return _same(pair, again)


def _pair(
    a: Tree, b: Tree, point: dict[str, Fraction], digits: int, degree: bool, log: bool
) -> tuple[Value, Value] | None:
    how = _Evaluator(point, digits, degree, log)
    try:
        return how.value(a), how.value(b)
    except (Undefined, ZeroDivisionError):
        return None


def _same(low: tuple[Value, Value], high: tuple[Value, Value]) -> bool | None:
    mp = _context(_HIGH_DIGITS)
    rough = mp.fabs(_mp(mp, low[0]) - _mp(mp, low[1]))
    fine = mp.fabs(_mp(mp, high[0]) - _mp(mp, high[1]))
    size = max(mp.fabs(_mp(mp, high[0])), mp.fabs(_mp(mp, high[1])))
    if fine == 0 or fine <= max(rough * mp.mpf(10) ** -40, size * mp.mpf(10) ** -95):
        return True
    if mp.fabs(rough - fine) <= fine * mp.mpf(10) ** -8:
        return False
    return None


def _imaginary(value: Value) -> bool:
    imag = getattr(value, "imag", 0)
    return bool(imag) and abs(imag) > 1e-40 * (1 + abs(getattr(value, "real", 0)))


@lru_cache(maxsize=4)
def _context(digits: int) -> MPContext:
    import mpmath

    context = mpmath.mp.clone()
    context.dps = digits
    return context


def _mp(mp: MPContext, value: Value) -> Any:
    if isinstance(value, Fraction):
        top = mp.mpf(value.numerator)
        return top if value.denominator == 1 else top / value.denominator
    return mp.convert(value)


class _Evaluator:
    """One evaluation: a point, a precision, and how degree signs and `log` are read."""

    def __init__(self, point: Mapping[str, Fraction], digits: int, degree: bool, natural_log: bool) -> None:
        self.point, self.mp = point, _context(digits)
        self.degree, self.natural_log = degree, natural_log
        self.inside_function = 0

    def value(self, tree: Tree) -> Value:
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
        return self.call(tree[1], tree[2:])

    def num(self, value: Value) -> Any:
        return _mp(self.mp, value)

    def both(self, operation: Callable[[Any, Any], Any], a: Value, b: Value) -> Value:
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return self.bounded(operation(a, b))
        return self.finite(operation(self.num(a), self.num(b)))

    def bounded(self, value: Fraction) -> Value:
        if value.numerator.bit_length() + value.denominator.bit_length() > _MAX_BITS:
            return self.num(value)
        return value

    def finite(self, value: Any) -> Any:
        if not self.mp.isfinite(value):
            raise Undefined
        return value

    def constant(self, name: str) -> Value:
        if name == "pi":
            return +self.mp.pi
        if name == "e":
            return +self.mp.e
        if name == "i":
            return self.mp.mpc(0, 1)
        raise Undefined

    def quotient(self, a: Value, b: Value) -> Value:
        if b == 0:
            raise Undefined
        return self.both(lambda x, y: x / y, a, b)

    def power(self, base: Value, exponent: Value) -> Value:
        if base == 0:
            if isinstance(exponent, Fraction) and exponent >= 0:
                return Fraction(0 if exponent else 1)
            raise Undefined
        self.check_size(base, exponent)
        if isinstance(base, Fraction) and isinstance(exponent, Fraction):
            if exponent.denominator == 1:
                bits = base.numerator.bit_length() + base.denominator.bit_length()
                if bits * abs(exponent) <= _MAX_BITS:
                    return base ** int(exponent)
            elif (root := _exact_root(base, exponent.denominator)) is not None:
                return self.power(root, Fraction(exponent.numerator))
            elif base < 0 and exponent.denominator % 2 == 1:  # (-8)^{1/3} is -2 in school, not a complex number
                return self.power(Fraction(-1), Fraction(exponent.numerator)) * self.num(-base) ** self.num(exponent)
        return self.finite(self.num(base) ** self.num(exponent))

    def check_size(self, base: Value, exponent: Value) -> None:
        big = abs(exponent) if isinstance(exponent, Fraction) else self.mp.fabs(exponent)
        if big > 1e9:
            raise TooLarge
        log2 = abs(self.mp.mag(self.num(base)))  # to within one or two
        if log2 * float(big) > _MAX_LOG2:
            raise TooLarge

    def call(self, name: str, arguments: tuple[Tree, ...]) -> Value:
        trig = name in ("sin", "cos", "tan", "cot", "sec", "csc")
        self.inside_function += trig
        values = [self.value(argument) for argument in arguments]
        self.inside_function -= trig
        exact = _exact_call(name, values)
        if exact is not None:
            return exact
        function = _FUNCTIONS.get(name)
        if function is None or len(values) != 1 + (name in _BINARY):
            raise Undefined
        if name == "log" and not self.natural_log:
            return self.finite(self.mp.log(self.nonzero(values[0]), 10))
        if name not in _SLOW_GROWING and any(self.mp.fabs(self.num(v)) > _MAX_ARGUMENT for v in values):
            raise TooLarge
        if name in ("ln", "log", "log_base"):
            values = [self.nonzero(v) for v in values]
        return self.finite(function(self, *values))

    def nonzero(self, value: Value) -> Any:
        if value == 0:
            raise Undefined
        return self.num(value)

    def root(self, value: Value, degree: Value) -> Value:
        if not isinstance(degree, Fraction) or degree == 0:
            return self.power(value, self.quotient(Fraction(1), degree))
        negative = isinstance(value, Fraction) or not _imaginary(value)
        if negative and self.num(value).real < 0 and degree.denominator == 1 and degree.numerator % 2 == 1:
            return -self.power(-value, 1 / degree)
        return self.power(value, 1 / degree)


def _exact_call(name: str, values: list[Value]) -> Value | None:
    """Functions whose value stays rational."""
    if not values or not all(isinstance(v, Fraction) for v in values):
        return None
    first = values[0]
    whole = all(v.denominator == 1 for v in values)
    if name == "abs":
        return abs(first)
    if name in ("floor", "ceil"):
        return Fraction(math.floor(first) if name == "floor" else math.ceil(first))
    if name in ("max", "min"):
        return max(values) if name == "max" else min(values)
    if name in ("gcd", "lcm") and whole and all(v.numerator.bit_length() < 4000 for v in values):
        return Fraction((math.gcd if name == "gcd" else math.lcm)(*(int(v) for v in values)))
    if name == "mod" and whole and len(values) == 2 and values[1]:
        return first % values[1]
    if name in ("factorial", "double_factorial", "binom") and whole:
        return _combinatorial(name, [int(v) for v in values])
    return None


def _combinatorial(name: str, values: list[int]) -> Fraction:
    if values[0] > _MAX_FACTORIAL:
        raise TooLarge
    if values[0] < 0 or values[-1] < 0:
        raise Undefined
    if name == "binom":
        return Fraction(math.comb(*values))
    return Fraction(math.factorial(values[0]) if name == "factorial" else math.prod(range(values[0], 0, -2)))


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    if value < 0 or degree > 64:
        return None
    roots = []
    for part in (value.numerator, value.denominator):
        if part.bit_length() > 4000:
            return None
        guess = math.isqrt(part) if degree == 2 else _integer_root(part, degree)
        if guess**degree != part:
            return None
        roots.append(guess)
    return Fraction(roots[0], roots[1])


def _integer_root(value: int, degree: int) -> int:
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    return low


def _unary(name: str) -> Callable[[_Evaluator, Value], Any]:
    return lambda how, value: getattr(how.mp, name)(how.num(value))


_SLOW_GROWING = {"ln", "log", "log_base", "abs", "root", "cbrt", "arctan", "arccot", "floor", "ceil", "max", "min"}
_BINARY = {"root", "log_base", "binom", "mod"}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{n: _unary(n) for n in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "exp")},
    "arcsin": _unary("asin"),
    "arccos": _unary("acos"),
    "arctan": _unary("atan"),
    "arccot": lambda how, value: how.mp.pi / 2 - how.mp.atan(how.num(value)),
    "ln": _unary("log"),
    "log": _unary("log"),
    "abs": _unary("fabs"),
    "floor": _unary("floor"),
    "ceil": _unary("ceil"),
    "cbrt": lambda how, value: how.num(how.root(value, Fraction(3))),
    "root": lambda how, value, degree: how.num(how.root(value, degree)),
    "log_base": lambda how, value, base: how.mp.log(value) / how.mp.log(base),
    "factorial": _unary("factorial"),
    "binom": lambda how, n, k: how.mp.binomial(how.num(n), how.num(k)),
}
