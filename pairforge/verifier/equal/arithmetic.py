"""Arithmetic on exact rationals and, where a value is irrational, on many digits. Everything it computes is bounded."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpmath.ctx_mp import MPContext

DIGITS = 60
_MAX_BITS = 20_000  # of an exact rational
_MAX_LOG2 = 1_000_000.0  # of the magnitude of any power
_MAX_FACTORIAL = 5_000
_MAX_ARGUMENT = 100_000  # of a function that grows, or that loses digits, with its argument

Number = Any  # Fraction, or mpmath's mpf / mpc


class Undefined(Exception):
    """No finite value here: division by zero, infinity, a logarithm of zero."""


class TooLarge(Exception):
    """The value is beyond what is worth computing."""


def imaginary(value: Number) -> bool:
    """Does it have an imaginary part that is no rounding error?"""
    imag = getattr(value, "imag", 0)
    return bool(imag) and abs(imag) > 1e-40 * (1 + abs(getattr(value, "real", 0)))


@lru_cache(maxsize=4)
def context(digits: int) -> MPContext:
    """mpmath at a precision of so many digits."""
    import mpmath

    context = mpmath.mp.clone()
    context.dps = digits
    return context


def to_mp(mp: MPContext, value: Number) -> Any:
    """The number as mpmath's own."""
    if isinstance(value, Fraction):
        top = mp.mpf(value.numerator)
        return top if value.denominator == 1 else top / value.denominator
    return mp.convert(value)


class Arithmetic:
    """Operations at one precision. `natural_log`: `\\log` without a base is the natural logarithm."""

    def __init__(self, digits: int, natural_log: bool) -> None:
        self.mp, self.natural_log = context(digits), natural_log

    def num(self, value: Number) -> Any:
        return to_mp(self.mp, value)

    def both(self, operation: Callable[[Any, Any], Any], a: Number, b: Number) -> Number:
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return self.bounded(operation(a, b))
        return self.finite(operation(self.num(a), self.num(b)))

    def bounded(self, value: Fraction) -> Number:
        if value.numerator.bit_length() + value.denominator.bit_length() > _MAX_BITS:
            return self.num(value)
        return value

    def finite(self, value: Any) -> Any:
        if not self.mp.isfinite(value):
            raise Undefined
        return value

    def constant(self, name: str) -> Number:
        if name == "pi":
            return +self.mp.pi
        if name == "e":
            return +self.mp.e
        if name == "i":
            return self.mp.mpc(0, 1)
        raise Undefined

    def quotient(self, a: Number, b: Number) -> Number:
        if b == 0:
            raise Undefined
        return self.both(lambda x, y: x / y, a, b)

    def power(self, base: Number, exponent: Number) -> Number:
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

    def check_size(self, base: Number, exponent: Number) -> None:
        big = abs(exponent) if isinstance(exponent, Fraction) else self.mp.fabs(exponent)
        if big > 1e9:
            raise TooLarge
        log2 = abs(self.mp.mag(self.num(base)))  # to within one or two
        if log2 * float(big) > _MAX_LOG2:
            raise TooLarge

    def call(self, name: str, values: list[Number]) -> Number:
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

    def nonzero(self, value: Number) -> Any:
        if value == 0:
            raise Undefined
        return self.num(value)

    def root(self, value: Number, degree: Number) -> Number:
        if not isinstance(degree, Fraction) or degree == 0:
            return self.power(value, self.quotient(Fraction(1), degree))
        negative = isinstance(value, Fraction) or not imaginary(value)
        if negative and self.num(value).real < 0 and degree.denominator == 1 and degree.numerator % 2 == 1:
            return -self.power(-value, 1 / degree)
        return self.power(value, 1 / degree)


def _exact_call(name: str, values: list[Number]) -> Number | None:
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


def _unary(name: str) -> Callable[[Arithmetic, Number], Any]:
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
