"""Equations, inequalities, memberships, and families with a parameter."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from pairforge.verifier.parse import phrases
from pairforge.verifier.parse.syntax import INFINITY, MINUS_INFINITY, Tree, Unreadable, mentions, symbols
from pairforge.verifier.parse.tokens import encloses, in_brackets, split_top, trim
from pairforge.verifier.parse.values import (
    REALS,
    Assigned,
    Chain,
    Family,
    Interval,
    Items,
    Matrix,
    PartReader,
    Quantity,
    Relation,
    Steps,
    Union,
    Value,
    Without,
    is_real_set,
)  # fmt: skip

_PARAM = re.compile(
    r'[,;]?\s*\(?\s*(?:"?\s*(?:where|for|with|and|any|all)\b[^\\"=]{0,40}"?\s*){0,2}'
    r"(?:\\forall\s*)?"
    r'(?<![A-Za-z\\])(?!([a-zA-Z])\s*,\s*\1)([a-zA-Z](?:\s*,\s*[a-zA-Z])?)\s*\\in\s*(?:\\([ZN])@|"?([ZN])"?)\s*(?:\^?\{?[+*]?\}?)\s*\)?\s*$'
)
_PARAM_WORDS = re.compile(
    r'[,;]?\s*"?\s*\(?\s*(?:where|for|with|when)?\s*(?:some |any |all |every |an? )?"?\s*'
    r'(?:"?\s*([a-z])\s*"?\s*(?:is|=|be|are)\s*(?:an? |any |some )?(?:arbitrary )?'
    r"(integer|natural number|whole number)s?"
    r'|(?:an? )?(integer|natural number)s?(?:\s+|\s*"\s*)([a-z]))\s*"?\s*\)?\s*"?\s*$'
)
_CONGRUENT = re.compile(r"(?:[a-z]\s*)?(?:\\equiv|=|)\s*(-?\d+)\s*\(?\s*\\?\"?(?:p?mod|bmod)\"?\s*\{?(\d+)\}?\s*\)?|"
                        r"(?:[a-z]\s*)?\\equiv\s*(-?\d+)\s*\\pmod\s*\{?(\d+)\}?")  # fmt: skip


def parametric(text: str, reader: PartReader) -> Value | None:
    """`x = 2k\\pi, k \\in \\mathbb{Z}` and `x \\equiv 3 \\pmod 5`."""
    found = _CONGRUENT.fullmatch(text)
    if found:
        offset, modulus = Fraction(found[1] or found[3]), Fraction(found[2] or found[4])
        body = ("+", ("n", offset), ("*", ("n", modulus), ("s", "k")))
        return Family(Quantity(body), ("k",), "Z")
    found = _PARAM.search(text)
    if found and found.start() > 0:
        names = tuple(n.strip() for n in found[2].split(","))
        return Family(reader.value(_unclose(text[: found.start()])), names, found[3] or found[4])
    found = _PARAM_WORDS.search(text)
    if found and found.start() > 0:
        kind = found[2] or found[3]
        return Family(
            reader.value(_unclose(text[: found.start()])),
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


def membership(text: str, reader: PartReader) -> Value | None:
    """`x \\in (0, 1)`, set builders, and sets without some points."""
    found = _IN.fullmatch(text)
    if found:
        return reader.value(found[2])
    if text.startswith("\\{") and text.endswith("\\}"):  # set builder
        body = text[2:-2]
        for bar in ("|", ":"):
            head, mark, condition = body.partition(bar)
            head = re.sub(r"\\in\s*\\R@", "", head).strip()
            if mark and re.fullmatch(r"[a-z]", head):
                return reader.value(condition)
    most = _ALL_BUT.fullmatch(text)
    if most:
        return Without(
            REALS, tuple(reader.expression(point) for point in re.split(r',|"?\band\b"?', most[1]) if point.strip())
        )
    minus = _SET_MINUS.fullmatch(text)
    within = reader.value(minus[1]) if minus else None
    if minus and within is not None and _may_lose_points(within):
        return Without(within, tuple(reader.expression(point) for point in split_top(minus[2], ",")))
    return None


def _may_lose_points(value: Value) -> bool:
    pair = isinstance(value, Items) and value.kind in ("tuple", "bracket") and len(value.items) == 2
    return is_real_set(value) or pair or (isinstance(value, Items) and value.kind == "set")


_ALL_BUT = re.compile(
    r'"?(?:the )?(?:set of )?all (?:real )?(?:numbers?|values?|reals?|[a-z])(?: of [a-z]| [a-z])?,? ?'
    r'(?:except|but|other than)(?: for)?\s*"?\s*'
    r"(?:[a-z]\s*=\s*)?([-\d\\{}/, .a-z]+)"
)
_SET_MINUS = re.compile(r"(.+?)\s*(?:\\setminus|-)\s*\\\{([^{}]+)\\\}")


_RELATION = re.compile(r"\\(le|ge|neq|approx)(?![A-Za-z])|<=|>=|!=|[<>]")
_OPS = {"le": "<=", "ge": ">=", "neq": "!=", "approx": "~", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!="}


_LOWER_WORDS = dict.fromkeys(("at least", "no less than", "no fewer than", "not less than"), True)  # may be equal
_LOWER_WORDS |= {"greater than or equal to": True}
_LOWER_WORDS |= dict.fromkeys(("more than", "greater than", "over", "strictly greater than"), False)
_UPPER_WORDS = dict.fromkeys(("at most", "no more than", "not more than", "up to", "less than or equal to"), True)
_UPPER_WORDS |= dict.fromkeys(("less than", "fewer than", "under", "strictly less than"), False)
_BOUND = re.compile(
    r'(?:(?P<name>[A-Za-z])\s*(?:"\s*)?(?:is|=|must be)\s*)?"?\s*(?P<words>'
    + "|".join(sorted((*_LOWER_WORDS, *_UPPER_WORDS), key=len, reverse=True))
    + r')\s*"?\s*(?P<value>[-\d\\$(A-Za-z].*)',
    re.DOTALL | re.IGNORECASE,
)


_TWO_WAYS = re.compile(r"([^:]*(?:<|>|\\le|\\ge)[^:]*):\s*([(\[].*[)\]])\s*", re.DOTALL)


def two_ways(text: str, reader: PartReader) -> Value | None:
    """`x < -7: (-\\infty, -7)`: an inequality and its interval, which say the same."""
    found = _TWO_WAYS.fullmatch(text)
    return Items("list", (reader.value(found[1]), reader.value(found[2]))) if found else None


def bound(text: str, reader: PartReader) -> Value | None:
    """`at least 5`: an inequality in words."""
    found = _BOUND.fullmatch(text)
    if found is None:
        return None
    words = found["words"].lower()
    end = reader.expression(found["value"])
    if words in _LOWER_WORDS:
        return Chain(found["name"] or "", Interval(end, INFINITY, _LOWER_WORDS[words], False))
    return Chain(found["name"] or "", Interval(MINUS_INFINITY, end, False, _UPPER_WORDS[words]))


def compared(text: str, reader: PartReader) -> Value | None:
    """Inequalities, and `a \\approx b`."""
    found = [m for m in _RELATION.finditer(text) if not in_brackets(text, m.start())]
    if not found:
        return None
    ops = [_OPS[m[1] or m[0]] for m in found]
    edges = [0, *(e for m in found for e in m.span()), len(text)]
    sides = [trim(text[edges[i] : edges[i + 1]]) for i in range(0, len(edges), 2)]
    if ops == ["~"]:
        return _approximate(sides[0], sides[1], reader)
    trees = [reader.expression(side) for side in sides]
    if len(trees) == 2:
        return _inequality(ops[0], trees[0], trees[1])
    if len(trees) == 3 and trees[1][0] == "s" and ops[0][0] == ops[1][0] and ops[0][0] in "<>":
        if ops[0][0] == "<":
            return Chain(trees[1][1], Interval(trees[0], trees[2], ops[0] == "<=", ops[1] == "<="))
        return Chain(trees[1][1], Interval(trees[2], trees[0], ops[1] == ">=", ops[0] == ">="))
    raise Unreadable("a chain of relations")


def _inequality(op: str, left: Tree, right: Tree) -> Value:
    if right[0] == "s" and not symbols(left):
        left, right, op = right, left, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
    if left[0] == "s" and left[1] not in symbols(right):
        if op == "!=":
            return Chain(left[1], Without(REALS, (right,))) if not symbols(right) else Relation(op, left, right)
        if op[0] == "<":
            return Chain(left[1], Interval(MINUS_INFINITY, right, False, op == "<="))
        return Chain(left[1], Interval(right, INFINITY, op == ">=", False))
    distance = _distance(left)
    if distance is not None and not symbols(right):
        name, centre = distance
        low: Tree = ("+", centre, ("neg", right))
        high: Tree = ("+", centre, right)
        if op[0] == "<":
            return Chain(name, Interval(low, high, op == "<=", op == "<="))
        if op[0] == ">":
            outside = Interval(MINUS_INFINITY, low, False, op == ">="), Interval(high, INFINITY, op == ">=", False)
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


def _approximate(left: str, right: str, reader: PartReader) -> Value:
    if not left:
        return reader.value(right)
    rounded = reader.quantity(right)
    exact = reader.value(left)
    if isinstance(exact, Assigned) and isinstance(exact.value, Quantity):
        return replace(exact, value=_with_rounding(exact.value, rounded, percent=False))
    if isinstance(exact, Steps):
        return replace(exact, quantity=_with_rounding(exact.quantity, rounded, percent=exact.quantity.percent))
    if isinstance(exact, Quantity):
        if exact.tree[0] == "s":
            return Assigned(exact.tree[1], rounded, rounded.tree)
        return _with_rounding(exact, rounded, percent=exact.percent)
    return exact


def _with_rounding(exact: Quantity, rounded: Quantity, percent: bool) -> Quantity:
    return Quantity(exact.tree, rounded.unit or exact.unit, percent, rounded.tree)


_FUNCTION_NAME = re.compile(
    r"\\?[A-Za-z]+(?:@[a-z]?)?\s*'*(?:_\{?[\w, ]+\}?)?(?:\^\{?-1\}?)?\s*\([^()=]*\)|\|[A-Za-z]+\||\\angle\s*[A-Za-z]+"
    r"|\\triangle\s*[A-Z]+|[A-Z]{2,4}|"
    r"\\overline\s*\{[A-Z]+\}|\\(?:sin|cos|tan|cot|sec|csc|log|ln)\s*(?:\\?[A-Za-z]+|\([^()]*\))"
    r"|\\frac\s*\{d[a-z]\}\{d[a-z]\}|[a-z]'+"
)
_NAME = re.compile(
    r"\\?[A-Za-z](?:[a-z]*@[a-z]?)?(?:'*)(?:\s*_\s*(?:\{[^{}]*\}|\w))?"
    r"|\\(?:alpha|beta|gamma|theta|phi|lambda|mu|sigma|rho|omega|Delta|delta)\s*(?:_\{?\w+\}?)?"
)
_NOT_EQUAL = re.compile(r"[<>]$|(?<![\d)])!$")  # the rest of <=, >= and !=, but not of 4!=24


def equation(text: str, reader: PartReader) -> Value | None:
    """`x = 5`, `2 + 3 = 5`, and equations with symbols on both sides."""
    sides = split_top(text, "=")
    if len(sides) < 2 or any(_NOT_EQUAL.search(side) for side in sides[:-1]):
        return None
    parts = [trim(side) for side in sides]
    if len(parts) > 8 or not all(parts):
        raise Unreadable("a chain of equations")
    head, tail = parts[0], parts[1:]
    if _is_name(parts[-1]) and not _is_name(head) and not _is_call(head):  # 5 = x
        head, tail = parts[-1], parts[:-1]
    if _is_name(head) or _is_call(head):
        value = reader.value(tail[-1])
        if not isinstance(value, Quantity):
            for part in tail[:-1]:  # nothing in between is passed over
                reader.value(part)
            return Assigned(_name(head), value, None)
        return Assigned(_name(head), value, value.tree, _steps(tail, value, reader))
    tuple_name = re.fullmatch(r"\(([A-Za-z](?:_\{?\w\}?)?(?:\s*,\s*[A-Za-z](?:_\{?\w\}?)?)+)\)", head)
    if tuple_name:
        return _with_coordinates([_name(n) for n in tuple_name[1].split(",")], reader.value(tail[-1]))
    if "\\begin" in parts[-1]:  # B^{-1} = a matrix, or a product of matrices = a matrix
        value = reader.value(parts[-1])
        return value if "\\begin" in head else Assigned(_name(head), value, None)
    if all(part.startswith(("(", "[", "\\{")) and "," in part for part in parts):  # a set written in two ways
        return reader.value(parts[-1])
    trees = [reader.expression(part) for part in parts]
    if not any(symbols(t) or mentions(t, "call") for t in trees):
        return Steps(tuple(trees), reader.quantity(parts[-1]))
    return Relation("=", trees[0], trees[-1])


def _with_coordinates(names: list[str], value: Value) -> Value:
    """`(x, y) = (1, 2)`: the coordinates with their names."""
    if isinstance(value, Matrix) and all(len(row) == 1 for row in value.rows):
        value = Items("tuple", tuple(row[0] for row in value.rows)) if not value.summed else value
    if isinstance(value, Items) and value.kind == "tuple" and len(value.items) == len(names):
        return replace(
            value,
            items=tuple(
                Assigned(n, v, v.tree if isinstance(v, Quantity) else None)
                for n, v in zip(names, value.items, strict=True)
            ),
        )
    return value


def _is_name(text: str) -> bool:
    text = text.strip()
    if text in ("e", "i", "\\pi"):
        return False
    worded = bool(re.search(r"[a-z]{3}", text)) and phrases.is_words(text)
    return bool(_NAME.fullmatch(text) or _FUNCTION_NAME.fullmatch(text) or worded)


def _is_call(text: str) -> bool:
    """`f(g(2))`: the value of a named function."""
    begin = text.find("(")
    return _CALLED.match(text) is not None and encloses(text[begin:], 1)


_CALLED = re.compile(r"[fghFGH]'*\([^=]*\)\s*$")


def _name(text: str) -> str:
    return re.sub(r'[\s{}"]', "", text)


def _steps(sides: list[str], value: Quantity, reader: PartReader) -> tuple[Tree, ...]:
    """The numbers on the way to the value: 2 + 3 in x = 2 + 3 = 5. Symbols may stand in between (x = a + b = 5)."""
    trees = [reader.expression(side) for side in sides[:-1] if not _is_name(side)]
    known = symbols(value.tree)
    return tuple(tree for tree in trees if symbols(tree) <= known and not mentions(tree, "call"))
