"""Equations, inequalities, memberships, and families with a parameter."""

from __future__ import annotations

import re
from fractions import Fraction

from pairforge.verifier import words
from pairforge.verifier.expr import Tree
from pairforge.verifier.numeric import equal, symbols
from pairforge.verifier.quantity import quantity, tree_of
from pairforge.verifier.reals import punctured, reals, without
from pairforge.verifier.split import inside, split_top, strip
from pairforge.verifier.tokens import Unreadable
from pairforge.verifier.values import (
    Assigned,
    Chain,
    Family,
    Interval,
    Quantity,
    Reader,
    Relation,
    Special,
    Union,
    Value,
)

_PARAM = re.compile(
    r'[,;]?\s*\(?\s*(?:"?\s*(?:where|for|with|and|any|all)\b[^\\"=]{0,40}"?\s*){0,2}'
    r"(?:\\forall\s*)?"
    r'(?<![A-Za-z\\])([a-zA-Z](?:\s*,\s*[a-zA-Z])?)\s*\\in\s*(?:\\([ZN])@|"?([ZN])"?)\s*(?:\^?\{?[+*]?\}?)\s*\)?\s*$'
)
_PARAM_WORDS = re.compile(
    r'[,;]?\s*"?\s*\(?\s*(?:where|for|with|when)?\s*(?:some |any |all |every |an? )?"?\s*'
    r'(?:"?\s*([a-z])\s*"?\s*(?:is|=|be|are)\s*(?:an? |any |some )?(?:arbitrary )?'
    r"(integer|natural number|whole number)s?"
    r'|(?:an? )?(integer|natural number)s?(?:\s+|\s*"\s*)([a-z]))\s*"?\s*\)?\s*"?\s*$'
)
_CONGRUENT = re.compile(r"(?:[a-z]\s*)?(?:\\equiv|=|)\s*(-?\d+)\s*\(?\s*\\?\"?(?:p?mod|bmod)\"?\s*\{?(\d+)\}?\s*\)?|"
                        r"(?:[a-z]\s*)?\\equiv\s*(-?\d+)\s*\\pmod\s*\{?(\d+)\}?")  # fmt: skip


def parametric(text: str, group: bool, inner: Reader) -> Value | None:
    """`x = 2k\\pi, k \\in \\mathbb{Z}` and `x \\equiv 3 \\pmod 5`."""
    found = _CONGRUENT.fullmatch(text)
    if found:
        offset, modulus = Fraction(found[1] or found[3]), Fraction(found[2] or found[4])
        body = ("+", ("n", offset), ("*", ("n", modulus), ("s", "k")))
        return Family(Quantity(body), ("k",), "Z")
    found = _PARAM.search(text)
    if found and found.start() > 0:
        names = tuple(n.strip() for n in found[1].split(","))
        return Family(inner(_unclose(text[: found.start()])), names, found[2] or found[3])
    found = _PARAM_WORDS.search(text)
    if found and found.start() > 0:
        kind = found[2] or found[3]
        return Family(
            inner(_unclose(text[: found.start()])),
            (found[1] or found[4],),
            "Z" if kind == "integer" else "N",
        )
    return None


def _unclose(text: str) -> str:
    text = text.rstrip().rstrip('"').rstrip()
    if text.startswith("\\{") or text.endswith("|"):  # set builder: { 2k\pi | k in Z }
        text = text.removeprefix("\\{").rstrip().removesuffix("|")
    return text


_IN = re.compile(r'\s*(?:"?the \w+ is"?\s*)?([A-Za-z]|\([A-Za-z, ]+\)|\\[a-z]+)\s*\\in(?![a-z])\s*(.+)', re.DOTALL)


def membership(text: str, group: bool, inner: Reader) -> Value | None:
    found = _IN.fullmatch(text)
    if found:
        return inner(found[2])
    if text.startswith("\\{") and text.endswith("\\}"):  # set builder
        body = text[2:-2]
        for bar in ("|", ":"):
            head, mark, condition = body.partition(bar)
            head = re.sub(r"\\in\s*\\R@", "", head).strip()
            if mark and re.fullmatch(r"[a-z]", head):
                return inner(condition)
    minus = _SET_MINUS.fullmatch(text)
    within = reals(inner(minus[1])) if minus else None
    if minus and within is not None:
        return without(within, [tree_of(p) for p in split_top(minus[2], ",")])
    return None


_SET_MINUS = re.compile(r"(.+?)\s*(?:\\setminus|-)\s*\\\{([^{}]+)\\\}")


_RELATION = re.compile(r"\\(le|ge|neq|approx)(?![A-Za-z])|<=|>=|!=|[<>]")
_OPS = {"le": "<=", "ge": ">=", "neq": "!=", "approx": "~", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!="}


def compared(text: str, group: bool, inner: Reader) -> Value | None:
    """Inequalities, and `a \\approx b`."""
    found = [m for m in _RELATION.finditer(text) if not inside(text, m.start())]
    if not found:
        return None
    ops = [_OPS[m[1] or m[0]] for m in found]
    edges = [0, *(e for m in found for e in m.span()), len(text)]
    sides = [strip(text[edges[i] : edges[i + 1]]) for i in range(0, len(edges), 2)]
    if ops == ["~"]:
        return _approximate(sides[0], sides[1], group, inner)
    trees = [tree_of(side, group) for side in sides]
    if len(trees) == 2:
        return _inequality(ops[0], trees[0], trees[1])
    if len(trees) == 3 and trees[1][0] == "s" and ops[0][0] == ops[1][0] and ops[0][0] in "<>":
        if ops[0][0] == "<":
            return Chain(trees[1][1], Interval(trees[0], trees[2], ops[0] == "<=", ops[1] == "<="))
        return Chain(trees[1][1], Interval(trees[2], trees[0], ops[1] == ">=", ops[0] == ">="))
    raise Unreadable("a chain of relations")


def _inequality(op: str, left: Tree, right: Tree) -> Value:
    infinite: Tree = ("c", "oo")
    if right[0] == "s" and not symbols(left):
        left, right, op = right, left, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
    if left[0] == "s" and left[1] not in symbols(right):
        if op == "!=":
            return Chain(left[1], punctured([right])) if not symbols(right) else Relation(op, left, right)
        if op[0] == "<":
            return Chain(left[1], Interval(("neg", infinite), right, False, op == "<="))
        return Chain(left[1], Interval(right, infinite, op == ">=", False))
    distance = _distance(left)
    if distance is not None and not symbols(right):
        name, centre = distance
        low: Tree = ("+", centre, ("neg", right))
        high: Tree = ("+", centre, right)
        if op[0] == "<":
            return Chain(name, Interval(low, high, op == "<=", op == "<="))
        if op[0] == ">":
            outside = Interval(("neg", infinite), low, False, op == ">="), Interval(high, infinite, op == ">=", False)
            return Chain(name, Union(outside))
    return Relation(op, left, right)


def _distance(tree: Tree) -> tuple[str, Tree] | None:
    """(x, a) of |x - a|."""
    if tree[:2] != ("f", "abs"):
        return None
    inner = tree[2]
    if inner[0] == "s":
        return inner[1], ("n", Fraction(0))
    if inner[0] == "+" and len(inner) == 3 and inner[1][0] == "s" and not symbols(inner[2]):
        return inner[1][1], ("neg", inner[2])
    return None


def _approximate(left: str, right: str, group: bool, inner: Reader) -> Value:
    rounded = quantity(right, group)
    if not left:
        return rounded
    exact = inner(left)
    if isinstance(exact, Assigned):
        if isinstance(exact.value, Quantity):
            return Assigned(
                exact.name,
                Quantity(exact.value.tree, rounded.unit or exact.value.unit, rounded=rounded.tree),
                exact.tree,
            )
        return exact
    if isinstance(exact, Quantity):
        if exact.tree[0] == "s":
            return Assigned(exact.tree[1], rounded, rounded.tree)
        return Quantity(exact.tree, rounded.unit or exact.unit, exact.percent, rounded.tree)
    return exact


_FUNCTION_NAME = re.compile(
    r"\\?[A-Za-z]+'*(?:_\{?[\w, ]+\}?)?(?:\^\{?-1\}?)?\s*\([^()=]*\)|\|[A-Za-z]+\||\\angle\s*[A-Za-z]+"
    r"|\\triangle\s*[A-Z]+|[A-Z]{2,4}|"
    r"\\overline\s*\{[A-Z]+\}|\\(?:sin|cos|tan|cot|sec|csc|log|ln)\s*(?:\\?[A-Za-z]+|\([^()]*\))"
    r"|\\frac\s*\{d[a-z]\}\{d[a-z]\}|[a-z]'+"
)
_NAME = re.compile(
    r"\\?[A-Za-z](?:[a-z]*@[a-z]?)?(?:'*)(?:\s*_\s*(?:\{[^{}]*\}|\w))?"
    r"|\\(?:alpha|beta|gamma|theta|phi|lambda|mu|sigma|rho|omega|Delta|delta)\s*(?:_\{?\w+\}?)?"
)
CONTRADICTION = Special("contradiction")  # "3 = 5": equal to nothing


_NOT_EQUAL = re.compile(r"[<>]$|(?<![\d)])!$")  # the rest of <=, >= and !=, but not of 4!=24


def equation(text: str, group: bool, inner: Reader) -> Value | None:
    sides = split_top(text, "=")
    if len(sides) < 2 or any(_NOT_EQUAL.search(side) for side in sides[:-1]):
        return None
    parts = [strip(side) for side in sides]
    if len(parts) > 8 or not all(parts):
        raise Unreadable("a chain of equations")
    head, tail = parts[0], parts[1:]
    if _is_name(parts[-1]) and not _is_name(head):  # 5 = x
        head, tail = parts[-1], parts[:-1]
    if _is_name(head):
        value = inner(tail[-1])
        if not _same_steps(tail, value, group):
            return CONTRADICTION
        return Assigned(_name(head), value, value.tree if isinstance(value, Quantity) else None)
    tuple_name = re.fullmatch(r"\(([A-Za-z](?:_\{?\w\}?)?(?:\s*,\s*[A-Za-z](?:_\{?\w\}?)?)+)\)", head)
    if tuple_name:
        return inner(tail[-1])
    trees = [tree_of(part, group) for part in parts]
    if not any(symbols(t) for t in trees):
        for other in trees[1:]:
            if equal(trees[0], other) is not True:
                return CONTRADICTION
        return quantity(parts[-1], group)
    return Relation("=", trees[0], trees[-1])


def _is_name(text: str) -> bool:
    text = text.strip()
    if text in ("e", "i", "\\pi"):
        return False
    worded = bool(re.search(r"[a-z]{3}", text)) and words.is_words(text)
    return bool(_NAME.fullmatch(text) or _FUNCTION_NAME.fullmatch(text) or worded)


def _name(text: str) -> str:
    return re.sub(r'[\s{}"]', "", text)


def _same_steps(steps: list[str], value: Value, group: bool) -> bool:
    """x = 2 + 3 = 5 counts as 5 only when the steps agree; symbols may stand in between (x = a + b = 5)."""
    if not isinstance(value, Quantity) or symbols(value.tree):
        return True
    for step in steps[:-1]:
        if _is_name(step):
            continue
        tree = tree_of(step, group)
        if not symbols(tree) and equal(tree, value.tree) is False:
            return False
    return True
