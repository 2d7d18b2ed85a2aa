"""Do two values mean the same? True, False, or None when these rules do not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice, permutations

from pairforge.verifier.decisions import Comparison, Decision
from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.equations import difference, proportional, same_relation
from pairforge.verifier.equal.families import bodies, only_renamed, same_family, same_progressions
from pairforge.verifier.equal.lines import same_curve
from pairforge.verifier.equal.reals import reals, same_piecewise, same_reals
from pairforge.verifier.equal.scalars import (
    Hints,
    same_date,
    same_label,
    same_letters,
    same_quantity,
    same_ratio,
    same_special,
    same_text,
    same_time,
)  # fmt: skip
from pairforge.verifier.equal.statements import CONTRADICTION, as_relation, checked, worth
from pairforge.verifier.parse.syntax import Tree, mentions, symbols
from pairforge.verifier.parse.values import (
    Assigned,
    Chain,
    Choice,
    Clock,
    Date,
    Family,
    Items,
    Letters,
    Matrix,
    Piecewise,
    Quantity,
    Ratio,
    Reading,
    Relation,
    Special,
    Steps,
    Text,
    Value,
    is_real_set,
    with_names,
)  # fmt: skip


def compare(golds: Sequence[Reading], answers: Sequence[Reading], pair: Comparison, kinds: str) -> Decision | None:
    """The decision on two texts as they were read, with the choice that made it as its rule; None when unknown.

    `kinds` says what was compared. Raises `TooLarge`.
    """
    hints = Hints(pair.gold_percent, pair.answer_percent)
    equal = same_readings(golds, answers, hints)
    if equal is not True and _speaks_of_percent(pair):
        without_sign = same_readings(golds, answers, Hints(percent_lenient=True, units_strict=pair.units == "strict"))
        if without_sign is True:
            decides = pair.percent == "lenient"
            return Decision("correct" if decides else "incorrect", f"percent_{pair.percent}", kinds)
    if equal is True and any(_has_unit(reading.value) for reading in (*golds, *answers)):
        with_units = same_readings(golds, answers, replace(hints, units_strict=True))
        if with_units is not True:
            decides = pair.units == "lenient"
            return Decision("correct" if decides else "incorrect", f"units_{pair.units}", kinds)
    return None if equal is None else Decision("correct" if equal else "incorrect", "value", kinds)


def _speaks_of_percent(pair: Comparison) -> bool:
    return any(sign in text for text in (pair.gold, pair.answer) for sign in ("%", "％", "percent", "per cent"))


def _has_unit(value: Value) -> bool:
    """Is there a unit, a currency, a degree sign or a time of day in the value?"""
    if isinstance(value, Quantity):
        return bool(value.unit) or mentions(value.tree, "deg")
    if isinstance(value, Assigned):
        return _has_unit(value.value)
    if isinstance(value, Items):
        return any(map(_has_unit, value.items))
    if isinstance(value, Choice):
        return value.value is not None and _has_unit(value.value)
    return isinstance(value, Clock) or (isinstance(value, Steps) and _has_unit(value.quantity))


def same(gold: Value, answer: Value, hints: Hints) -> bool | None:
    """Is the answer the gold value? None when these rules do not know. Raises `TooLarge`."""
    return _same(checked(gold), checked(answer), hints)


def same_readings(golds: Sequence[Reading], answers: Sequence[Reading], hints: Hints) -> bool | None:
    """Does any reading of the answer equal one of the gold? Only the usual readings can say that none does.

    None when these rules do not know, or there is no reading of one side. Raises `TooLarge`.
    """
    pairs = [(a, b) for a in golds for b in answers if not (a.loose and b.loose)]
    pairs = pairs or [(a, b) for a in golds[:1] for b in answers[:1]]
    pairs = [(a, b) for a, b in pairs if not (a.loose or b.loose) or _as_long(a.value, b.value)]
    results = [(same(a.value, b.value, hints), a.loose or b.loose) for a, b in pairs]
    if any(result is True for result, _ in results):
        return True
    usual = [result for result, loose in results if not loose] or [result for result, _ in results]
    return None if not usual or None in usual else False


def _as_long(gold: Value, answer: Value) -> bool:
    """A number read as a list equals a list with as many parts only."""
    return not (isinstance(gold, Items) and isinstance(answer, Items)) or len(gold.items) == len(answer.items)


def _same(gold: Value, answer: Value, hints: Hints) -> bool | None:
    if isinstance(answer, Special) and answer == CONTRADICTION:
        return False
    if isinstance(gold, Quantity) and isinstance(answer, Quantity) and not (symbols(gold.tree) or symbols(answer.tree)):
        return same_quantity(gold, answer, hints)
    if isinstance(gold, Family) or isinstance(answer, Family):
        return _families(gold, answer, hints)
    if isinstance(gold, Piecewise) or isinstance(answer, Piecewise):
        return same_piecewise(gold, answer, lambda a, b: _same(a, b, hints))
    if (progressions := same_progressions(gold, answer)) is not None:
        return progressions
    if isinstance(gold, Choice) or isinstance(answer, Choice):
        return _choices(gold, answer, hints)
    if isinstance(gold, Assigned) or isinstance(answer, Assigned):
        return _assigned(gold, answer, hints)
    sets = reals(gold), reals(answer)
    if sets[0] is not None and sets[1] is not None and (is_real_set(gold) or is_real_set(answer)):
        names = [v.name for v in (gold, answer) if isinstance(v, Chain) and v.name]  # "at least 5" has no name
        if len(set(names)) > 1:
            return False
        return same_reals(sets[0], sets[1])
    if (
        isinstance(gold, Items)
        or isinstance(answer, Items)
        or (isinstance(gold, Matrix) and isinstance(answer, Matrix))
    ):
        result = _items(gold, answer, hints)
        return same_curve(gold, answer) if result is False else result
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        gold, answer = as_relation(gold), as_relation(answer)
    gold, answer = worth(gold, answer), worth(answer, gold)
    compare = _SAME_KIND.get(type(gold))
    if compare is not None and type(gold) is type(answer):
        result = compare(gold, answer, hints)
        return None if result is False and only_renamed(gold, answer) else result
    return _mixed_kinds(gold, answer, hints)


# --- several values -------------------------------------------------------------------------------------------


def _items(gold: Value, answer: Value, hints: Hints) -> bool | None:
    matrices = _as_matrix(gold), _as_matrix(answer)
    if (isinstance(gold, Matrix) or isinstance(answer, Matrix)) and matrices[0] and matrices[1]:
        return _matrices(matrices[0], matrices[1], hints)
    gold, answer = _as_items(gold), _as_items(answer)
    if len(gold.items) > 60 or len(answer.items) > 60:
        return _in_order(gold.items, answer.items, hints) or None
    named = _by_name(gold), _by_name(answer)
    if named[0] and named[1]:
        return _same_names(named[0], named[1], hints)
    if named[0] or named[1]:
        return _named_and_bare(gold, answer, named[0], hints)
    kinds = {gold.kind, answer.kind}
    if kinds <= {"list", "set"}:
        return _any_order(gold.items, answer.items, hints)
    if kinds in ({"tuple", "set"}, {"bracket", "set"}, {"tuple", "bracket"}):
        if len(gold.items) == len(answer.items) == 1:
            return _same(gold.items[0], answer.items[0], hints)
        return False
    return _in_order(gold.items, answer.items, hints)


def _as_items(value: Value) -> Items:
    if isinstance(value, Items):
        return value
    if isinstance(value, Matrix) and all(len(row) == 1 for row in value.rows):
        return Items("tuple", tuple(row[0] for row in value.rows))
    return Items("list", (value,))


def _any_order(gold: tuple[Value, ...], answer: tuple[Value, ...], hints: Hints) -> bool | None:
    """Both contain the same values; repeats do not count."""
    unknown = False
    for a, others in [(g, answer) for g in gold] + [(v, gold) for v in answer]:
        results = [_same(a, b, hints) if others is answer else _same(b, a, hints) for b in others]
        if True not in results:
            if None not in results:
                return False
            unknown = True
    return None if unknown else True


def _in_order(gold: tuple[Value, ...], answer: tuple[Value, ...], hints: Hints) -> bool | None:
    if len(gold) != len(answer):
        return False
    results = [_same(a, b, hints) for a, b in zip(gold, answer, strict=True)]
    return False if False in results else None if None in results else True


def _by_name(value: Items) -> dict[str, list[Value]] | None:
    """`x = 1, y = 2` by name; None when not every item has a name. `x = 1, 2` names the second one too."""
    found: dict[str, list[Value]] = {}
    last = ""
    for item in value.items:
        if isinstance(item, Assigned):
            last = item.name
            found.setdefault(last, []).append(item.value)
        elif last and value.kind == "list":
            found[last].append(item)
        else:
            return None
    return found


def _same_names(gold: dict[str, list[Value]], answer: dict[str, list[Value]], hints: Hints) -> bool | None:
    if gold.keys() != answer.keys():
        if len(gold) == len(answer) > 1 and any(map(_worded, [*gold, *answer])):
            return _same_labels(gold, answer, hints)
        return False if len(gold) != len(answer) or len(gold) > 1 else _one_name(gold, answer, hints)
    results = [_any_order(tuple(gold[n]), tuple(answer[n]), hints) for n in gold]
    if False in results and _numbered(list(gold)):
        values = [tuple(v for group in side.values() for v in group) for side in (gold, answer)]
        return None if _any_order(values[0], values[1], hints) is True else False  # which root is the first?
    return False if False in results else None if None in results else True


def _same_labels(gold: dict[str, list[Value]], answer: dict[str, list[Value]], hints: Hints) -> bool | None:
    """`minimum 2, maximum 9` and `min = 2, max = 9`; where no label is like another the order counts."""
    like = {n: [m for m in answer if same_label(n, m)] for n in gold}
    paired = all(len(found) == 1 for found in like.values()) and len({found[0] for found in like.values()}) == len(gold)
    pairs = [(n, like[n][0]) for n in gold] if paired else list(zip(gold, answer, strict=True))
    results = [_any_order(tuple(gold[n]), tuple(answer[m]), hints) for n, m in pairs]
    if not paired and any(same_label(n, m) is False for n, m in pairs):
        return False
    if all(result is True for result in results):
        return True
    return False if paired and False in results else None


def _numbered(names: list[str]) -> bool:
    """One name with numbers, such as x_1 and x_2?"""
    return len(names) > 1 and len({name.partition("_")[0] for name in names}) == 1 and all("_" in n for n in names)


def _one_name(gold: dict[str, list[Value]], answer: dict[str, list[Value]], hints: Hints) -> bool | None:
    (a, first), (b, second) = next(iter(gold.items())), next(iter(answer.items()))
    return _any_order(tuple(first), tuple(second), hints) if _same_name(a, b) else False


def _named_and_bare(gold: Items, answer: Items, names: dict[str, list[Value]] | None, hints: Hints) -> bool | None:
    """Names on one side only: one name is dropped; several stand in their own or in alphabetical order."""
    named, bare = (gold, answer) if names else (answer, gold)
    groups = _by_name(named) or {}
    if len(groups) == 1:
        values = tuple(next(iter(groups.values())))
        only = values[0] if len(values) == 1 else Items("list", values)
        return _same(only, bare, hints) if names else _same(bare, only, hints)
    if any(len(values) > 1 for values in groups.values()):
        return False
    if _numbered(list(groups)) and bare.kind in ("list", "set"):  # x_1 = 3, x_2 = 5: the numbers say no order
        values = tuple(value for group in groups.values() for value in group)
        return _any_order(values, bare.items, hints) if names else _any_order(bare.items, values, hints)
    orders = [list(groups), sorted(groups)]
    results = []
    for order in orders:
        values = tuple(groups[n][0] for n in order)
        first, second = (values, bare.items) if names else (bare.items, values)
        results.append(_in_order(first, second, hints) if bare.kind != "set" else False)
    return True if True in results else results[0]


# --- names, equations, families, choices ----------------------------------------------------------------------


def _same_name(a: str, b: str) -> bool:
    if a == b or (a.lower() == b.lower() and len(a) > 2):
        return True
    calls = [n for n in (a, b) if "(" in n]
    if len(calls) == 1 and re.fullmatch(r"[^()]+\([a-z]\)", calls[0]) and calls[0].partition("(")[0] in (a, b):
        return True  # r and r(t)
    return len(calls) == 1 and "y" in (a, b)  # y = ... and f(x) = ...


def _assigned(gold: Value, answer: Value, hints: Hints) -> bool | None:
    if isinstance(gold, Assigned) and isinstance(answer, Assigned):
        if _same_name(gold.name, answer.name):
            return _same(gold.value, answer.value, hints)
        if _worded(gold.name) or _worded(answer.name):
            values, labels = _same(gold.value, answer.value, hints), same_label(gold.name, answer.name)
            if labels is False or values is False:
                return False
            return values if labels or not (_worded(gold.name) and _worded(answer.name)) else None
        equations = _equation_of(gold), _equation_of(answer)
        return bool(equations[0] and equations[1] and proportional(equations[0], equations[1]) is True)
    named, other = (gold, answer) if isinstance(gold, Assigned) else (answer, gold)
    assert isinstance(named, Assigned)
    if isinstance(other, Relation):
        equation = _equation_of(named)
        if equation is None or other.op != "=":
            return False
        return proportional(equation, difference(other))
    if isinstance(other, Items) and other.kind == "list":
        items = Items("list", (named,))
        return _items(items, other, hints) if named is gold else _items(other, items, hints)
    if isinstance(other, Chain):
        return False
    return _same(named.value, other, hints) if named is gold else _same(other, named.value, hints)


def _worded(name: str) -> bool:
    return len(name) > 2 and name.replace(" ", "").isalpha() and not name.isupper()


def _equation_of(value: Assigned) -> Tree | None:
    if value.tree is None or not value.name.replace("_", "").isalnum():
        return None
    return ("+", ("s", value.name), ("neg", value.tree))


def _families(gold: Value, answer: Value, hints: Hints) -> bool | None:
    a = gold if isinstance(gold, Family) else Family(gold, (), "")
    b = answer if isinstance(answer, Family) else Family(answer, (), "")
    if isinstance(a.body, Piecewise) or isinstance(b.body, Piecewise):
        return None
    params = set(a.params) | set(b.params)
    if not a.params or not b.params:
        trees = bodies(b.body if not b.params else a.body)
        free = set().union(*(symbols(t) for t in trees)) if trees else set()
        if not free:
            return False
        if len(free) == 1:
            params |= free
    if a.domain and b.domain and a.domain != b.domain:
        return False
    listed = bodies(a.body), bodies(b.body)
    if not listed[0] or not listed[1]:
        return _renamed_parameters(a, b, hints)
    return same_family(*listed, params, from_zero="N" in (a.domain, b.domain))


def _renamed_parameters(gold: Family, answer: Family, hints: Hints) -> bool | None:
    """Families of points: the parameters in another order or by other names."""
    if len(gold.params) != len(answer.params):
        return None
    for order in islice(permutations(answer.params), 24):
        names = dict(zip(order, gold.params, strict=True))
        if _same(gold.body, with_names(answer.body, names), hints) is True:
            return True
    return None


def _choices(gold: Value, answer: Value, hints: Hints) -> bool | None:
    if isinstance(gold, Choice) and isinstance(answer, Choice):
        if gold.letter != answer.letter:
            return False
        if gold.value is not None and answer.value is not None:
            return _same(gold.value, answer.value, hints) is not False
        return True
    if isinstance(gold, Choice):
        return _same(gold.value, answer, hints) if gold.value is not None else False
    assert isinstance(answer, Choice)
    return _same(gold, answer.value, hints) if answer.value is not None else False


# --- the other kinds ------------------------------------------------------------------------------------------


def _as_matrix(value: Value) -> Matrix | None:
    if isinstance(value, Matrix):
        return value
    if isinstance(value, Items) and value.kind in ("bracket", "tuple"):
        rows = [i.items for i in value.items if isinstance(i, Items) and i.kind in ("bracket", "tuple")]
        if len(rows) == len(value.items):
            return Matrix(tuple(rows))
        return Matrix(tuple((item,) for item in value.items))
    return None


def _matrices(gold: Matrix, answer: Matrix, hints: Hints) -> bool | None:
    if len(gold.rows) != len(answer.rows):
        return False
    results = [_in_order(a, b, hints) for a, b in zip(gold.rows, answer.rows, strict=True)]
    return False if False in results else None if None in results else True


def _mixed_kinds(gold: Value, answer: Value, hints: Hints) -> bool | None:
    """Two values of different kinds."""
    for a, b in ((gold, answer), (answer, gold)):
        if isinstance(a, Ratio) and isinstance(b, Quantity) and len(a.parts) == 2:
            return numeric.equal(("/", a.parts[0], a.parts[1]), b.tree)
        if isinstance(a, Ratio) and isinstance(b, Clock) and a.clock:
            numbers = [int(p[1]) for p in a.parts if p[0] == "n"]
            return same_time(Clock(numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0, ""), b, hints)
        if isinstance(a, Clock) and isinstance(b, Quantity):
            return not a.minute and not a.second and not b.unit and numeric.equal(("n", Fraction(a.hour)), b.tree)
        if isinstance(a, Matrix) and isinstance(b, Quantity) and len(a.rows) == len(a.rows[0]) == 1:
            return _same(a.rows[0][0], b, hints)
    return False


_SAME_KIND: dict[type, Callable[..., bool | None]] = {
    Quantity: same_quantity,
    Relation: lambda gold, answer, hints: same_relation(gold, answer),
    Matrix: _matrices,
    Ratio: lambda gold, answer, hints: same_ratio(gold, answer),
    Clock: same_time,
    Date: lambda gold, answer, hints: same_date(gold, answer),
    Letters: lambda gold, answer, hints: same_letters(gold, answer),
    Text: lambda gold, answer, hints: same_text(gold, answer),
    Special: lambda gold, answer, hints: same_special(gold, answer),
}
