"""Points with a parameter, such as (1 + 3t, 2 - t): the same line or curve, however the parameter is named."""

from __future__ import annotations

from fractions import Fraction

from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.polynomial import polynomial
from pairforge.verifier.parse.syntax import Tree, rename, symbols
from pairforge.verifier.parse.values import Assigned, Items, Matrix, Quantity, Value

_INTEGERS = frozenset("knmjl")  # letters that usually run through the integers
_PARAMETERS = _INTEGERS | frozenset("tsuvpqrabcz") | {"\\lambda", "\\mu", "\\alpha", "\\tau", "\\theta"}
_Line = tuple[list[Fraction], list[Fraction]]  # a point and a direction


def same_curve(gold: Value, answer: Value) -> bool | None:
    """Do two points that differ as they stand run through the same ones? False when they hold no parameter.

    None where one letter stands on both sides and nothing says that it is a parameter: (1 + t, t) and (t, t - 1) are
    the same line and different motions.
    """
    here, there = _components(gold), _components(answer)
    if here is None or there is None or len(here) != len(there) or len(here) < 2 or here.keys() != there.keys():
        return False
    first, second = [here[n] for n in here], [there[n] for n in here]
    letters = [set().union(*map(symbols, trees)) for trees in (first, second)]
    if len(letters[0]) != 1 or len(letters[1]) != 1 or not letters[0] | letters[1] <= _PARAMETERS:
        return False
    old, new = letters[1].pop(), letters[0].pop()
    renamed = [rename(tree, {old: new}) for tree in second]
    if old != new and all(numeric.equal(a, b) is True for a, b in zip(first, renamed, strict=True)):
        return True
    lines = _line(first, new), _line(renamed, new)
    if lines[0] is None or lines[1] is None:
        return None if old != new else False
    if not _same_line(lines[0], lines[1], whole=new in _INTEGERS):
        return False
    said = old != new or any(isinstance(v, Matrix) and v.summed for v in (gold, answer))
    return True if said else None


def _components(value: Value) -> dict[str, Tree] | None:
    """The coordinates by name, or by number where they have no name."""
    if isinstance(value, Matrix) and all(len(row) == 1 for row in value.rows):
        parts = [row[0] for row in value.rows]
    elif isinstance(value, Items) and value.kind != "set":
        parts = list(value.items)
    else:
        return None
    found: dict[str, Tree] = {}
    for number, part in enumerate(parts):
        name, inner = (part.name, part.value) if isinstance(part, Assigned) else (str(number), part)
        if not isinstance(inner, Quantity) or inner.unit or inner.percent or name in found:
            return None
        if isinstance(value, Items) and value.kind == "list" and not isinstance(part, Assigned):
            return None  # a bare list has no order
        found[name] = inner.tree
    return found


def _line(trees: list[Tree], name: str) -> _Line | None:
    point, direction = [], []
    for tree in trees:
        found = polynomial(tree)
        if found is None or set(found) - {(), ((name, 1),)}:
            return None
        point.append(found.get((), Fraction(0)))
        direction.append(found.get(((name, 1),), Fraction(0)))
    return point, direction


def _same_line(gold: _Line, answer: _Line, whole: bool) -> bool:
    factor = _times(gold[1], answer[1])
    if factor is None or (whole and abs(factor) != 1):
        return False
    apart = [b - a for a, b in zip(gold[0], answer[0], strict=True)]
    shift = _times(gold[1], apart) if any(apart) else Fraction(0)
    return shift is not None and (not whole or shift.denominator == 1)


def _times(direction: list[Fraction], other: list[Fraction]) -> Fraction | None:
    """The number that the direction is to be multiplied with to be the other vector."""
    lead = next((n for n, d in enumerate(direction) if d), None)
    if lead is None or not other[lead]:
        return None
    factor = other[lead] / direction[lead]
    return factor if all(o == factor * d for d, o in zip(direction, other, strict=True)) else None
