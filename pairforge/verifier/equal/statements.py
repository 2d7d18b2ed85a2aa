"""What a statement is worth before it is compared: chains of equal numbers, and sides that only name a value."""

from __future__ import annotations

from dataclasses import replace

from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.arithmetic import Undefined
from pairforge.verifier.parse.syntax import Tree, infinite, symbols
from pairforge.verifier.parse.values import (
    Assigned,
    Chain,
    Choice,
    Family,
    Interval,
    Items,
    Piecewise,
    Quantity,
    Relation,
    Special,
    Steps,
    Union,
    Value,
    Without,
)  # fmt: skip

CONTRADICTION = Special("contradiction")  # "3 = 5": equal to nothing


def checked(value: Value) -> Value:
    """The value with its chains worked out: `2 + 3 = 5` is 5, `3 = 5` is a contradiction."""
    if isinstance(value, Steps):
        last = value.steps[-1]
        exact = [step for step in value.steps[:-1] if numeric.equal(step, last) is not True]
        if not exact:
            return value.quantity
        rounded = all(is_rounding(step, last) for step in exact) and not value.quantity.percent
        return replace(value.quantity, tree=exact[0], rounded=last) if rounded else CONTRADICTION
    if isinstance(value, Assigned):
        tree = value.tree
        if tree is not None and any(numeric.equal(step, tree) is False for step in value.steps):
            return CONTRADICTION
        return replace(value, value=checked(value.value))
    if isinstance(value, Items):
        return replace(value, items=tuple(map(checked, value.items)))
    if isinstance(value, Union):
        return replace(value, parts=tuple(map(checked, value.parts)))
    if isinstance(value, Chain | Without):
        return replace(value, within=checked(value.within))
    if isinstance(value, Relation) and value.op == "=" and numeric.equal(value.left, value.right) is True:
        return Quantity(value.right)  # (x + 1)^2 = x^2 + 2x + 1 is no equation but one expression twice
    if isinstance(value, Family):
        return replace(value, body=checked(value.body))
    if isinstance(value, Choice) and value.value is not None:
        return replace(value, value=checked(value.value))
    if isinstance(value, Piecewise):
        return Piecewise(tuple((checked(v), None if c is None else checked(c)) for v, c in value.branches))
    return value


_MOST_DECIMALS = 12


def is_rounding(exact: Tree, rounded: Tree) -> bool:
    """Is the second one a decimal that rounds the first, as in 20 cos 30^\\circ = 17.32?"""
    if rounded[0] == "neg":
        return is_rounding(("neg", exact), rounded[1])
    if rounded[0] != "n" or symbols(exact):
        return False
    decimals = next((n for n in range(1, _MOST_DECIMALS) if (rounded[1] * 10**n).denominator == 1), 0)
    if not decimals or rounded[1].denominator == 1 or abs(rounded[1]) * 10**decimals < 100:
        return False
    try:
        value = complex(numeric.evaluate(exact))
    except (Undefined, ZeroDivisionError, OverflowError, KeyError):
        return False
    return abs(value - float(rounded[1])) <= 0.5001 / 10**decimals


def worth(value: Value, other: Value) -> Value:
    """`m + n = 113` beside a bare value: the left side only names what is asked for. With x, y or z it is a curve."""
    if not (isinstance(value, Relation) and isinstance(other, Quantity) and value.op == "=" and _asked(value.left)):
        return value
    return value if symbols(value.right) else Quantity(value.right)


def as_relation(value: Value) -> Value:
    """`y > 2x`, which was read as an interval of y, as an inequality between two expressions."""
    if not isinstance(value, Chain) or not isinstance(value.within, Interval) or not value.name:
        return value
    low, high, name = value.within.low, value.within.high, ("s", value.name)
    if infinite(high) and not infinite(low):
        return Relation(">=" if value.within.low_closed else ">", name, low)
    if infinite(low) and not infinite(high):
        return Relation("<=" if value.within.high_closed else "<", name, high)
    return value


def _asked(tree: Tree) -> bool:
    if tree[0] == "+":
        return all(_asked(part) for part in tree[1:])
    return tree[0] == "call" or (tree[0] == "s" and tree[1] not in ("x", "y", "z"))
