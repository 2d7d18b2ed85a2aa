"""Sets of real numbers: intervals, unions, inequalities and single points in one canonical form."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.arithmetic import Undefined
from pairforge.verifier.equal.numeric import evaluate
from pairforge.verifier.parse.syntax import INFINITY, MINUS_INFINITY, Tree, infinite, symbols
from pairforge.verifier.parse.values import (
    REALS,
    Chain,
    Interval,
    Items,
    Quantity,
    Special,
    Union,
    Value,
    Without,
    is_real_set,
)  # fmt: skip


def reals(value: Value) -> list[Interval] | None:
    """The value as disjoint intervals in order; None when it is no set of reals."""
    if isinstance(value, Interval):
        return [value]
    if isinstance(value, Chain):
        return reals(value.within)
    if isinstance(value, Special):
        return [REALS] if value.name == "reals" else None
    if isinstance(value, Items) and value.kind in ("tuple", "bracket") and len(value.items) == 2:
        low, high = value.items
        if isinstance(low, Quantity) and isinstance(high, Quantity):
            return [Interval(low.tree, high.tree, value.kind == "bracket", value.kind == "bracket")]
        return None
    if isinstance(value, Without):
        within = reals(value.within)
        return None if within is None else _merged(_without(within, value.points))
    if isinstance(value, Union):
        parts = [reals(_as_points(part)) for part in value.parts]
        return None if any(p is None for p in parts) else _merged([i for p in parts if p for i in p])
    if isinstance(value, Items) and value.kind == "list" and all(is_real_set(i) for i in value.items):
        chained = all(isinstance(i, Chain) for i in value.items)
        if chained and len({i.name for i in value.items if isinstance(i, Chain)}) > 1:
            return None
        parts = [reals(i) for i in value.items]
        if any(p is None for p in parts):
            return None
        if chained and value.joint != "or":
            met = _intersection([p for p in parts if p])
            if met or value.joint == "and":
                return met
        return _merged([i for p in parts if p for i in p])
    if isinstance(value, Items) and value.kind == "set":
        points = _as_points(value)
        return reals(points) if points is not value else None
    return None


def _as_points(value: Value) -> Value:
    """The finite set {1, 2} as a union of points."""
    if isinstance(value, Items) and value.kind == "set" and all(isinstance(i, Quantity) for i in value.items):
        return Union(tuple(Interval(i.tree, i.tree, True, True) for i in value.items if isinstance(i, Quantity)))
    return value


def _key(tree: Tree) -> float:
    """A rough number to order by; symbols stand for fixed values."""
    if tree == INFINITY:
        return float("inf")
    if tree == MINUS_INFINITY:
        return float("-inf")
    try:
        value = evaluate(tree, {n: Fraction(len(n) * 7 + ord(n[-1]), 11) for n in symbols(tree)})
        return float(value if isinstance(value, Fraction) else value.real)
    except (Undefined, ZeroDivisionError, OverflowError):
        return float("inf")


def _merged(parts: list[Interval]) -> list[Interval]:
    """In order, touching ones joined."""
    result: list[Interval] = []
    for part in sorted(parts, key=lambda p: (_key(p.low), not p.low_closed)):
        if result and _ends_equal(result[-1].high, part.low) and (result[-1].high_closed or part.low_closed):
            result[-1] = replace(result[-1], high=part.high, high_closed=part.high_closed)
        else:
            result.append(part)
    return result


def _intersection(sets: list[list[Interval]]) -> list[Interval]:
    met, *others = sets
    for other in others:
        pairs = [(a, b) for a in met for b in other][:400]
        met = [both for a, b in pairs if (both := _overlap(a, b)) is not None]
    return met


def _overlap(a: Interval, b: Interval) -> Interval | None:
    low = max(a, b, key=lambda p: (_key(p.low), not p.low_closed))
    high = min(a, b, key=lambda p: (_key(p.high), p.high_closed))
    if _key(low.low) > _key(high.high):
        return None
    if _ends_equal(low.low, high.high) and not (low.low_closed and high.high_closed):
        return None
    return Interval(low.low, high.high, low.low_closed, high.high_closed)


def _ends_equal(a: Tree, b: Tree) -> bool:
    if infinite(a) or infinite(b):
        return infinite(a) == infinite(b)
    return numeric.equal(a, b) is True


def same_reals(gold: list[Interval], answer: list[Interval]) -> bool:
    """Are these the same intervals, ends included or not alike?"""
    return len(gold) == len(answer) and all(
        a.low_closed == b.low_closed
        and a.high_closed == b.high_closed
        and _ends_equal(a.low, b.low)
        and _ends_equal(a.high, b.high)
        for a, b in zip(gold, answer, strict=True)
    )


def _without(parts: list[Interval], points: tuple[Tree, ...]) -> list[Interval]:
    for point in points:
        parts = [piece for part in parts for piece in _cut(part, point)]
    return parts


def _cut(part: Interval, point: Tree) -> list[Interval]:
    if _ends_equal(part.low, point):
        return [replace(part, low_closed=False)]
    if _ends_equal(part.high, point):
        return [replace(part, high_closed=False)]
    if not _key(part.low) < _key(point) < _key(part.high):
        return [part]
    return [replace(part, high=point, high_closed=False), replace(part, low=point, low_closed=False)]
