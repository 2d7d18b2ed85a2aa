"""Solution families such as pi/4 + k pi: equal as sets, however the parameter is named and the period is split.

Offsets and periods that are polynomials in pi are compared exactly, others with 60 digits.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.arithmetic import Undefined
from pairforge.verifier.equal.numeric import evaluate
from pairforge.verifier.equal.polynomial import Monomial, Polynomial, multiple, plus, polynomial
from pairforge.verifier.parse.syntax import Tree, mentions, rename, symbols
from pairforge.verifier.parse.values import Assigned, Items, Quantity, Value

_MAX_CLASSES = 400
_MAX_PARAMS = 4
_CLOSE = Fraction(1, 10**35)
Line = tuple[Polynomial, Polynomial]  # offset and period


def same_family(gold: list[Tree], answer: list[Tree], params: set[str], *, from_zero: bool = False) -> bool | None:
    """Do both lists of expressions run through the same values when the parameters run through the integers?

    `from_zero`: the parameters run through the natural numbers only, so a shift of the parameter is a difference.
    """
    if not gold or not answer:
        return None
    lines = _exact_lines(gold, params), _exact_lines(answer, params)
    if lines[0] is not None and lines[1] is not None:
        return _same_starts(lines[0], lines[1]) if from_zero else _same_exact_classes(lines[0], lines[1])
    rough = [_lines(gold, params), _lines(answer, params)]
    if rough[0] is None or rough[1] is None or from_zero:
        return _renamed(gold, answer, params)
    return _same_classes(rough[0], rough[1])


def _is_progression(tree: Tree, names: frozenset[str]) -> bool:
    """Is it offset + period * parameter, with one of these names as the parameter and a period that is an angle?"""
    free = symbols(tree)
    if len(free) != 1 or not free <= names:
        return False
    line = _exact_line(tree, free)
    if line is None or not line[1]:
        return False
    return mentions(tree, "deg") or any(name == "#pi" for monomial in line[1] for name, _ in monomial)


def _whole_progression(tree: Tree, names: frozenset[str]) -> bool:
    """Is it offset + period * parameter in whole numbers, with a period of at least 2?"""
    free = symbols(tree)
    line = _exact_line(tree, free) if len(free) == 1 and free <= names else None
    if line is None or set(line[0]) - {()} or set(line[1]) != {()}:
        return False
    offset, period = line[0].get((), Fraction(0)), line[1][()]
    return offset.denominator == period.denominator == 1 and abs(period) >= 2


# --- answers that do not say that they are families ---------------------------------------------------------------

_COUNTERS = frozenset("kmnjlptsqNMK")  # letters that usually run through the integers
_INTEGERS = frozenset("kmnj")
_ANGLES = frozenset(("x", "\\theta", "\\alpha", "\\beta", "\\phi"))
_NAMES_OF_INTEGERS = frozenset("nmxNa")
_REAL_PARAMETERS = frozenset(("t", "s"))


def same_progressions(gold: Value, answer: Value) -> bool | None:
    """`60^\\circ + 180^\\circ k` and `\\pi/3 + m\\pi`, `n = 6k + 1` and `n = 6m - 5`: sets, though nothing says so.

    None for anything else. A single formula in one letter on both sides may as well be a function of it.
    """
    trees = bodies(gold), bodies(answer)
    if not trees[0] or not trees[1]:
        return None
    both = [*trees[0], *trees[1]]
    letters = [set().union(*map(symbols, side)) for side in trees]
    names = _names(gold) | _names(answer)
    if all(_is_progression(tree, _COUNTERS) for tree in both):
        counted = letters[0] | letters[1] <= _INTEGERS and (len(both) > 2 or bool(names & _ANGLES))
        return same_family(*trees, letters[0] | letters[1]) if counted or letters[0] != letters[1] else None
    if len(both) == 2 and letters[0] != letters[1] and all(len(side) == 1 and side <= _COUNTERS for side in letters):
        renamed = rename(trees[1][0], dict(zip(letters[1], letters[0], strict=True)))
        if all(mentions(tree, "pi", "deg") for tree in both) and numeric.equal(trees[0][0], renamed) is True:
            return True
    if all(_whole_progression(tree, _COUNTERS) for tree in both) and len(letters[0]) == len(letters[1]) == 1:
        integers = len(names) == 1 and names <= _NAMES_OF_INTEGERS and not names & (letters[0] | letters[1])
        if integers and not (letters[0] == letters[1] and letters[0] <= _REAL_PARAMETERS):
            return same_family(*trees, letters[0] | letters[1])
    return None


def only_renamed(gold: Value, answer: Value) -> bool:
    """`5k + 2` and `5n + 2`: one formula with two letters, which may be one family or two variables of the question."""
    if not isinstance(gold, Quantity) or not isinstance(answer, Quantity):
        return False
    here, there = symbols(gold.tree), symbols(answer.tree)
    if len(here) != 1 or len(there) != 1 or here == there or not here | there <= _INTEGERS:
        return False
    renamed = rename(answer.tree, dict(zip(there, here, strict=True)))
    return renamed[0] != "s" and numeric.equal(gold.tree, renamed) is True


def _names(value: Value) -> set[str]:
    """The names that are given values; with "" where a value has none."""
    if isinstance(value, Items):
        return {name for item in value.items for name in _names(item)}
    return {value.name if isinstance(value, Assigned) else ""}


def bodies(value: Value) -> list[Tree]:
    """The expressions that a family lists; empty when it holds anything else."""
    if isinstance(value, Assigned):
        return bodies(value.value)
    if isinstance(value, Quantity):
        return [] if value.unit or value.percent else [value.tree]
    if isinstance(value, Items) and value.kind in ("list", "set"):
        parts = [bodies(item) for item in value.items]
        return [tree for part in parts for tree in part] if all(parts) else []
    return []


# --- exact ------------------------------------------------------------------------------------------------------------


def _exact_lines(trees: list[Tree], params: set[str]) -> list[Line] | None:
    found = [_exact_line(tree, params) for tree in trees]
    return None if any(line is None for line in found) else [line for line in found if line is not None]


def _exact_line(tree: Tree, params: set[str]) -> Line | None:
    """Offset and period; None unless the expression is linear in one parameter and polynomial in pi besides."""
    names = symbols(tree)
    whole = polynomial(tree) if len(names) <= 1 and names <= params else None
    if whole is None:
        return None
    name = next(iter(names), "")
    offset: Polynomial = {}
    period: Polynomial = {}
    for monomial, value in whole.items():
        powers = dict(monomial)
        power = powers.pop(name, 0)
        if power > 1 or set(powers) - {"#pi"}:
            return None
        (period if power else offset)[tuple(sorted(powers.items()))] = value
    return offset, period


def _same_exact_classes(gold: list[Line], answer: list[Line]) -> bool | None:
    lines = [line for line in gold + answer if line[1]]
    unit = lines[0][1] if lines else _TURN
    ratios = [multiple(period, unit) for _, period in lines]
    if any(r is None for r in ratios):
        return False  # no two of their periods fit together
    whole = [abs(r) for r in ratios if r is not None]
    common = Fraction(1)
    if whole:
        common = Fraction(math.lcm(*(r.numerator for r in whole)), math.gcd(*(r.denominator for r in whole)))
    sides = [_exact_classes(side, unit, common) for side in (gold, answer)]
    return None if sides[0] is None or sides[1] is None else sides[0] == sides[1]


_TURN: Polynomial = {(): Fraction(1)}


_Class = tuple[frozenset[tuple[Monomial, Fraction]], Fraction]


def _exact_classes(lines: list[Line], unit: Polynomial, common: Fraction) -> tuple[set[_Class], set[_Class]] | None:
    """Every offset within one common period, as (what no period changes, the multiple of `unit` within the period).

    Single values that no progression reaches stand apart, with all their turns.
    """
    classes: set[_Class] = set()
    single: set[_Class] = set()
    leading = min(unit)
    for offset, period in lines:
        turns = offset.get(leading, Fraction(0)) / unit[leading]
        rest = frozenset(plus(offset, {m: v * turns for m, v in unit.items()}, -1).items())
        if not period:
            single.add((rest, turns))
            continue
        step = abs(multiple(period, unit) or Fraction(1))
        count = int(common / step)
        if len(classes) + count > _MAX_CLASSES:
            return None
        classes |= {(rest, (turns + n * step) % common) for n in range(count)}
    return classes, {(rest, turns) for rest, turns in single if (rest, turns % common) not in classes}


def _same_starts(gold: list[Line], answer: list[Line]) -> bool | None:
    """Single values, and progressions that start somewhere: compared one by one."""
    sides = [{(frozenset(o.items()), frozenset(p.items())) for o, p in side} for side in (gold, answer)]
    if sides[0] == sides[1]:
        return True
    return False if len(sides[0]) == len(sides[1]) == 1 else None


# --- with many digits -------------------------------------------------------------------------------------------------


def _renamed(gold: list[Tree], answer: list[Tree], params: set[str]) -> bool | None:
    """Families that are not arithmetic progressions: equal after renaming the parameters."""
    if len(gold) != 1 or len(answer) != 1:
        return None
    here = sorted(symbols(gold[0]) & params)
    there = sorted(symbols(answer[0]) & params)
    if len(here) != len(there):
        return False
    if len(here) > _MAX_PARAMS:
        return None
    for order in permutations(there):
        renamed = rename(answer[0], dict(zip(order, here, strict=True)))
        if numeric.equal(gold[0], renamed) is True:
            return True
    return None if here else False


def _lines(trees: list[Tree], params: set[str]) -> list[tuple[Fraction, Fraction]] | None:
    """(offset, period) of each tree as high-precision rationals; None unless each is linear in one parameter."""
    found = []
    for tree in trees:
        names = symbols(tree)
        if len(names) > 1 or not names <= params:
            return None
        try:
            values = [_value(tree, dict.fromkeys(names, Fraction(n))) for n in (0, 1, 2, 5)]
        except (Undefined, ZeroDivisionError, TypeError):
            return None
        period = values[1] - values[0]
        if abs(values[2] - values[0] - 2 * period) > _CLOSE or abs(values[3] - values[0] - 5 * period) > _CLOSE:
            return None
        found.append((values[0], abs(period)))
    return found


def _value(tree: Tree, point: dict[str, Fraction]) -> Fraction:
    value = evaluate(tree, point)
    if isinstance(value, Fraction):
        return value
    if value.imag:
        raise TypeError
    sign, mantissa, exponent, _ = value.real._mpf_
    return Fraction(-mantissa if sign else mantissa) * Fraction(2) ** exponent


def _same_classes(gold: list[tuple[Fraction, Fraction]], answer: list[tuple[Fraction, Fraction]]) -> bool | None:
    periods = [period for _, period in gold + answer if period > _CLOSE]
    if not periods or len(periods) < len(gold) + len(answer):
        return _fixed(gold, answer)
    unit = periods[0]
    ratios = [(period / unit).limit_denominator(500) for period in periods]
    if any(abs(ratio * unit - period) > _CLOSE for ratio, period in zip(ratios, periods, strict=True)):
        return False
    common = unit * Fraction(math.lcm(*(r.numerator for r in ratios)), math.gcd(*(r.denominator for r in ratios)))
    classes = [_classes(side, common) for side in (gold, answer)]
    if classes[0] is None or classes[1] is None:
        return None
    return _covers(classes[0], classes[1], common) and _covers(classes[1], classes[0], common)


def _fixed(gold: list[tuple[Fraction, Fraction]], answer: list[tuple[Fraction, Fraction]]) -> bool | None:
    """Progressions mixed with single values: compared one by one."""
    if len(gold) != len(answer):
        return False
    left = sorted(gold)
    right = sorted(answer)
    close = all(abs(a[0] - b[0]) <= _CLOSE and abs(a[1] - b[1]) <= _CLOSE for a, b in zip(left, right, strict=True))
    return close


def _classes(lines: list[tuple[Fraction, Fraction]], common: Fraction) -> list[Fraction] | None:
    found: list[Fraction] = []
    for offset, period in lines:
        count = round(common / period)
        if len(found) + count > _MAX_CLASSES:
            return None
        found += [(offset + n * period) % common for n in range(count)]
    return found


def _covers(a: list[Fraction], b: list[Fraction], common: Fraction) -> bool:
    def near(x: Fraction, y: Fraction) -> bool:
        gap = abs(x - y)
        return gap <= _CLOSE or common - gap <= _CLOSE

    return all(any(near(x, y) for y in b) for x in a)
