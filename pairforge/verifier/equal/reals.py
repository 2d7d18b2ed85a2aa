"""Sets of real numbers in one canonical form, and functions that are given branch by branch on such sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.arithmetic import Undefined
from pairforge.verifier.equal.numeric import evaluate
from pairforge.verifier.parse.syntax import INFINITY, MINUS_INFINITY, Tree, infinite, mentions, symbols
from pairforge.verifier.parse.values import (
    REALS,
    Assigned,
    Chain,
    Interval,
    Items,
    Piecewise,
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
        if not chained and value.joint != "or" and any(isinstance(i, Chain) and i.name for i in value.items):
            first = parts[0] or []
            return first if all(same_reals(first, p or []) is True for p in parts[1:]) else None  # one set, twice
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


def key(tree: Tree) -> float:
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
    for part in sorted(parts, key=lambda p: (key(p.low), not p.low_closed)):
        last = result[-1] if result else None
        if last and same_ends(last.high, part.low) and (last.high_closed or part.low_closed):
            result[-1] = replace(last, high=part.high, high_closed=part.high_closed)
        elif last and not _symbolic(last, part) and key(part.low) < key(last.high):
            result[-1] = _spanning(last, part)
        else:
            result.append(part)
    return result


def _symbolic(*parts: Interval) -> bool:
    return any(symbols(end) for part in parts for end in (part.low, part.high))


def _spanning(first: Interval, second: Interval) -> Interval:
    """Both of two overlapping intervals, of which the first starts no later."""
    if same_ends(first.high, second.high):
        high, closed = first.high, first.high_closed or second.high_closed
    else:
        longer = max(first, second, key=lambda part: key(part.high))
        high, closed = longer.high, longer.high_closed
    starts = first.low_closed or (second.low_closed and same_ends(first.low, second.low))
    return Interval(first.low, high, starts, closed)


def _intersection(sets: list[list[Interval]]) -> list[Interval]:
    met, *others = sets
    for other in others:
        pairs = [(a, b) for a in met for b in other][:400]
        met = [both for a, b in pairs if (both := _overlap(a, b)) is not None]
    return met


def _overlap(a: Interval, b: Interval) -> Interval | None:
    low = max(a, b, key=lambda p: (key(p.low), not p.low_closed))
    high = min(a, b, key=lambda p: (key(p.high), p.high_closed))
    if key(low.low) > key(high.high) and not (symbols(low.low) | symbols(high.high)):
        return None
    if same_ends(low.low, high.high) and not (low.low_closed and high.high_closed):
        return None
    return Interval(low.low, high.high, low.low_closed, high.high_closed)


def same_ends(a: Tree, b: Tree) -> bool:
    """Are two ends the same number (or infinity)?"""
    if infinite(a) or infinite(b):
        return infinite(a) == infinite(b)
    return numeric.equal(a, b) is True


def same_reals(gold: list[Interval], answer: list[Interval]) -> bool:
    """Are these the same intervals, ends included or not alike?"""
    return len(gold) == len(answer) and all(
        a.low_closed == b.low_closed
        and a.high_closed == b.high_closed
        and same_ends(a.low, b.low)
        and same_ends(a.high, b.high)
        for a, b in zip(gold, answer, strict=True)
    )


def _without(parts: list[Interval], points: tuple[Tree, ...]) -> list[Interval]:
    for point in points:
        parts = [piece for part in parts for piece in _cut(part, point)]
    return parts


def _cut(part: Interval, point: Tree) -> list[Interval]:
    if same_ends(part.low, point):
        return [replace(part, low_closed=False)]
    if same_ends(part.high, point):
        return [replace(part, high_closed=False)]
    if not key(part.low) < key(point) < key(part.high):
        return [part]
    return [replace(part, high=point, high_closed=False), replace(part, low=point, low_closed=False)]


# --- functions given branch by branch -----------------------------------------------------------------------------

_BENT = ("abs", "floor", "ceil", "max", "min", "root", "^", "mod")  # may be another formula on each stretch
_SAMPLES = 5
_MAX_EDGES = 20
_Same = Callable[[Value, Value], bool | None]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Disjoint or overlapping stretches with their formulas; `rest` holds everywhere else. The first match counts."""

    pieces: tuple[tuple[Interval, Tree], ...]
    rest: Tree | None

    def edges(self) -> list[Tree]:
        return [end for stretch, _ in self.pieces for end in (stretch.low, stretch.high) if not infinite(end)]

    def between(self, middle: float) -> Tree | None:
        inside = (tree for s, tree in self.pieces if key(s.low) < middle < key(s.high))
        return next(inside, self.rest)

    def at(self, edge: Tree) -> Tree | None:
        return next((tree for stretch, tree in self.pieces if _holds(stretch, edge)), self.rest)


def same_piecewise(gold: Value, answer: Value, same: _Same) -> bool | None:
    """Compare two functions of which at least one is given branch by branch; None where that cannot be told."""
    if _is_one_formula(gold) or _is_one_formula(answer):
        return _same_formula(gold, answer, same)
    gold, answer = _unnamed(gold), _unnamed(answer)
    names = _variables(gold) | _variables(answer)
    sides = _pieces(gold), _pieces(answer)
    if sides[0] is None or sides[1] is None or len(names) > 1:
        return _same_branches(gold, answer, same)
    return _same_pieces(sides[0], sides[1], next(iter(names), "x"))


def _is_one_formula(value: Value) -> bool:
    """One formula with a bound on its symbol?"""
    return isinstance(value, Piecewise) and len(value.branches) == 1 and value.branches[0][1] is not None


def _same_formula(gold: Value, answer: Value, same: _Same) -> bool | None:
    """A bound on one side only repeats the question; where both have another one, nothing is decided."""
    branches = [value.branches if isinstance(value, Piecewise) else ((value, None),) for value in (gold, answer)]
    if len(branches[0]) != 1 or len(branches[1]) != 1:
        return None
    (first, first_bound), (second, second_bound) = branches[0][0], branches[1][0]
    if first_bound is not None and second_bound is not None and same(first_bound, second_bound) is not True:
        return None
    result = same(first, second)
    trees = [value.tree for value in (_unnamed(first), _unnamed(second)) if isinstance(value, Quantity)]
    if result and len(trees) == 2 and numeric.equal(trees[0], trees[1]) is not True:
        return None  # equal only as families, whose start the bound would move
    return result


def _unnamed(value: Value) -> Value:
    return value.value if isinstance(value, Assigned) else value


def _variables(value: Value) -> set[str]:
    """The names that the conditions speak of."""
    if not isinstance(value, Piecewise):
        return set()
    found: set[str] = set()
    todo = [condition for _, condition in value.branches if condition is not None]
    while todo:
        condition = todo.pop()
        if isinstance(condition, Items):
            todo += condition.items
        elif isinstance(condition, Chain | Assigned):
            found.add(condition.name)
    return found


def _pieces(value: Value) -> _Pieces | None:
    if isinstance(value, Quantity):
        return _Pieces(((REALS, value.tree),), None)
    if not isinstance(value, Piecewise):
        return None
    pieces: list[tuple[Interval, Tree]] = []
    rest: Tree | None = None
    for formula, condition in value.branches:
        if not isinstance(formula, Quantity):
            return None
        if condition is None:
            rest = formula.tree
            continue
        stretches = _stretches(condition)
        if stretches is None or any(symbols(s.low) | symbols(s.high) for s in stretches):
            return None
        pieces += [(stretch, formula.tree) for stretch in stretches]
    return _Pieces(tuple(pieces), rest)


def _stretches(condition: Value) -> list[Interval] | None:
    if isinstance(condition, Assigned) and isinstance(condition.value, Quantity):
        return [Interval(condition.value.tree, condition.value.tree, True, True)]
    if isinstance(condition, Items) and condition.kind == "list" and condition.joint == "or":
        parts = [_stretches(item) for item in condition.items]
        return None if any(p is None for p in parts) else [s for p in parts if p for s in p]
    return reals(condition)


def _holds(stretch: Interval, edge: Tree) -> bool:
    if same_ends(stretch.low, edge):
        return stretch.low_closed and (stretch.high_closed or not same_ends(stretch.high, edge))
    if same_ends(stretch.high, edge):
        return stretch.high_closed
    return key(stretch.low) < key(edge) < key(stretch.high)


def _same_pieces(gold: _Pieces, answer: _Pieces, name: str) -> bool | None:
    edges: list[Tree] = []
    for edge in sorted(gold.edges() + answer.edges(), key=key):
        if not edges or not same_ends(edges[-1], edge):
            edges.append(edge)
    if len(edges) > _MAX_EDGES:
        return None
    results = [_same_at(gold.at(edge), answer.at(edge), name, edge) for edge in edges]
    places = [key(edge) for edge in edges]
    bounds = [float("-inf"), *places, float("inf")]
    for low, high in pairwise(bounds):
        middle = _middle(low, high)
        results.append(_same_between(gold.between(middle), answer.between(middle), name, low, high))
    return False if False in results else None if None in results else True


def _middle(low: float, high: float) -> float:
    if low == float("-inf"):
        return 0.0 if high == float("inf") else high - 1
    return low + 1 if high == float("inf") else (low + high) / 2


def _same_at(gold: Tree | None, answer: Tree | None, name: str, edge: Tree) -> bool | None:
    if gold is None or answer is None:
        return gold is answer
    return numeric.equal(_put(gold, name, edge), _put(answer, name, edge))


def _same_between(gold: Tree | None, answer: Tree | None, name: str, low: float, high: float) -> bool | None:
    """Do both formulas agree on the whole stretch?"""
    if gold is None or answer is None:
        return gold is answer
    result = numeric.equal(gold, answer)
    if result is True or not (mentions(gold, *_BENT) or mentions(answer, *_BENT)):
        return result
    results = []
    for place in _places(low, high, gold, answer):
        here = ("n", place)
        results.append(numeric.equal(_put(gold, name, here), _put(answer, name, here)))
    return False if False in results else True if results.count(True) >= _SAMPLES - 1 else None


def _places(low: float, high: float, *trees: Tree) -> list[Fraction]:
    """Points within a stretch, chosen by the formulas."""
    parts = [abs(point["x"]) % 1 for point in numeric.points(["x"], *trees)][:_SAMPLES]
    if low == float("-inf"):
        start = 5 if high == float("inf") else high
        return [Fraction(start) - 10 * part - Fraction(1, 100) for part in parts]
    if high == float("inf"):
        return [Fraction(low) + 10 * part + Fraction(1, 100) for part in parts]
    return [Fraction(low) + (Fraction(high) - Fraction(low)) * (part * 98 + 1) / 100 for part in parts]


def _put(tree: Tree, name: str, value: Tree) -> Tree:
    """The tree with a value in place of a symbol."""
    if tree[0] == "s":
        return value if tree[1] == name else tree
    return tuple(_put(t, name, value) if isinstance(t, tuple) else t for t in tree)


def _same_branches(gold: Value, answer: Value, same: _Same) -> bool | None:
    """Branches with conditions in words: equal when every condition has its like and the formulas agree."""
    if not isinstance(gold, Piecewise) or not isinstance(answer, Piecewise):
        return None
    if len(gold.branches) != len(answer.branches):
        return None
    left = list(answer.branches)
    results = []
    for formula, condition in gold.branches:
        like = next((b for b in left if _same_condition(condition, b[1], same)), None)
        if like is None:
            return None
        left.remove(like)
        results.append(same(formula, like[0]))
    return False if False in results else None if None in results else True


def _same_condition(gold: Value | None, answer: Value | None, same: _Same) -> bool:
    if gold is None or answer is None:
        return gold is answer
    return same(gold, answer) is True
