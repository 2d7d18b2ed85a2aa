"""Do two values mean the same? True, False, or None when these rules do not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from pairforge.verifier.equal import numeric
from pairforge.verifier.equal.equations import difference, proportional, same_family, same_relation
from pairforge.verifier.equal.reals import reals, same_reals
from pairforge.verifier.equal.scalars import (
    Hints,
    same_date,
    same_letters,
    same_quantity,
    same_ratio,
    same_text,
    same_time,
)  # fmt: skip
from pairforge.verifier.parse.syntax import Tree, symbols
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
    Quantity,
    Ratio,
    Relation,
    Special,
    Steps,
    Text,
    Union,
    Value,
    Without,
    is_real_set,
)  # fmt: skip

_CONTRADICTION = Special("contradiction")  # "3 = 5": equal to nothing


def same(gold: Value, answer: Value, hints: Hints) -> bool | None:
    """Is the answer the gold value? None when these rules do not know. Raises `TooLarge`."""
    return _same(_checked(gold), _checked(answer), hints)


def _same(gold: Value, answer: Value, hints: Hints) -> bool | None:
    if isinstance(answer, Special) and answer == _CONTRADICTION:
        return False
    if isinstance(gold, Family) or isinstance(answer, Family):
        return _families(gold, answer, hints)
    if isinstance(gold, Choice) or isinstance(answer, Choice):
        return _choices(gold, answer, hints)
    if isinstance(gold, Assigned) or isinstance(answer, Assigned):
        return _assigned(gold, answer, hints)
    sets = reals(gold), reals(answer)
    if sets[0] is not None and sets[1] is not None and (is_real_set(gold) or is_real_set(answer)):
        if isinstance(gold, Chain) and isinstance(answer, Chain) and gold.name != answer.name:
            return False
        return same_reals(sets[0], sets[1])
    if isinstance(gold, Items) or isinstance(answer, Items):
        return _items(gold, answer, hints)
    gold, answer = _worth(gold, answer), _worth(answer, gold)
    compare = _SAME_KIND.get(type(gold))
    if compare is not None and type(gold) is type(answer):
        return compare(gold, answer, hints)
    return _mixed_kinds(gold, answer, hints)


def _worth(value: Value, other: Value) -> Value:
    """`m + n = 113` beside a bare value: the left side only names what is asked for. With x, y or z it is a curve."""
    if not (isinstance(value, Relation) and isinstance(other, Quantity) and value.op == "=" and _asked(value.left)):
        return value
    return value if symbols(value.right) else Quantity(value.right)


def _asked(tree: Tree) -> bool:
    if tree[0] == "+":
        return all(_asked(part) for part in tree[1:])
    return tree[0] == "s" and tree[1] not in ("x", "y", "z")


# --- chains of equal numbers ----------------------------------------------------------------------------------


def _checked(value: Value) -> Value:
    """The value with its chains worked out: `2 + 3 = 5` is 5, `3 = 5` is a contradiction."""
    if isinstance(value, Steps):
        agree = all(numeric.equal(value.steps[0], step) is True for step in value.steps[1:])
        return value.quantity if agree else _CONTRADICTION
    if isinstance(value, Assigned):
        tree = value.tree
        if tree is not None and any(numeric.equal(step, tree) is False for step in value.steps):
            return _CONTRADICTION
        return replace(value, value=_checked(value.value))
    if isinstance(value, Items):
        return replace(value, items=tuple(map(_checked, value.items)))
    if isinstance(value, Union):
        return replace(value, parts=tuple(map(_checked, value.parts)))
    if isinstance(value, Chain | Without):
        return replace(value, within=_checked(value.within))
    if isinstance(value, Family):
        return replace(value, body=_checked(value.body))
    if isinstance(value, Choice) and value.value is not None:
        return replace(value, value=_checked(value.value))
    return value


# --- several values -------------------------------------------------------------------------------------------


def _items(gold: Value, answer: Value, hints: Hints) -> bool | None:
    matrices = _as_matrix(gold), _as_matrix(answer)
    if (isinstance(gold, Matrix) or isinstance(answer, Matrix)) and matrices[0] and matrices[1]:
        return _matrices(matrices[0], matrices[1], hints)
    if not isinstance(gold, Items):
        gold = Items("list", (gold,))
    if not isinstance(answer, Items):
        answer = Items("list", (answer,))
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
        return False if len(gold) != len(answer) or len(gold) > 1 else _one_name(gold, answer, hints)
    results = [_any_order(tuple(gold[n]), tuple(answer[n]), hints) for n in gold]
    return False if False in results else None if None in results else True


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
    return len(calls) == 1 and "y" in (a, b)  # y = ... and f(x) = ...


def _assigned(gold: Value, answer: Value, hints: Hints) -> bool | None:
    if isinstance(gold, Assigned) and isinstance(answer, Assigned):
        if _same_name(gold.name, answer.name):
            return _same(gold.value, answer.value, hints)
        if _worded(gold.name) or _worded(answer.name):
            return _same(gold.value, answer.value, hints)
        equations = _equation_of(gold), _equation_of(answer)
        return bool(equations[0] and equations[1] and proportional(equations[0], equations[1]) is True)
    named, other = (gold, answer) if isinstance(gold, Assigned) else (answer, gold)
    assert isinstance(named, Assigned)
    if isinstance(other, Relation):
        equation = _equation_of(named)
        if equation is None or other.op != "=":
            return False
        return proportional(equation, difference(other))
    if isinstance(other, Items):
        items = Items("list", (named,))
        return _items(items, other, hints) if named is gold else _items(other, items, hints)
    if isinstance(other, Chain):
        return False
    return _same(named.value, other, hints) if named is gold else _same(other, named.value, hints)


def _worded(name: str) -> bool:
    return len(name) > 3 and name.isalpha()


def _equation_of(value: Assigned) -> Tree | None:
    if value.tree is None or not value.name.replace("_", "").isalnum():
        return None
    return ("+", ("s", value.name), ("neg", value.tree))


def _families(gold: Value, answer: Value, hints: Hints) -> bool | None:
    a = gold if isinstance(gold, Family) else Family(gold, (), "")
    b = answer if isinstance(answer, Family) else Family(answer, (), "")
    params = set(a.params) | set(b.params)
    if not a.params or not b.params:
        bare = b.body if not b.params else a.body
        trees = _bodies(bare)
        free = set().union(*(symbols(t) for t in trees)) if trees else set()
        if not free:
            return False
        if len(free) == 1:
            params |= free
    if a.domain and b.domain and a.domain != b.domain:
        return False
    return same_family(_bodies(a.body), _bodies(b.body), params)


def _bodies(value: Value) -> list[Tree]:
    if isinstance(value, Assigned):
        return _bodies(value.value)
    if isinstance(value, Quantity):
        return [value.tree]
    if isinstance(value, Items) and value.kind in ("list", "set"):
        return [tree for item in value.items for tree in _bodies(item)]
    return []


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
            return same_time(Clock(numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0, ""), b)
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
    Clock: lambda gold, answer, hints: same_time(gold, answer),
    Date: lambda gold, answer, hints: same_date(gold, answer),
    Letters: lambda gold, answer, hints: same_letters(gold, answer),
    Text: lambda gold, answer, hints: same_text(gold, answer),
    Special: lambda gold, answer, hints: gold.name == answer.name,
}
