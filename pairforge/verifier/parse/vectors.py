"""Matrices and columns, sums of vectors with factors, and formulas given branch by branch (`cases`)."""

from __future__ import annotations

import re
from fractions import Fraction

from pairforge.verifier.parse.syntax import Tree, Unreadable, symbols
from pairforge.verifier.parse.tokens import mark_separators, split_top, trim
from pairforge.verifier.parse.values import Assigned, Items, Matrix, PartReader, Piecewise, Quantity, Special, Value

_MAX_CELLS = 200
_MAX_VECTORS = 12
_ENVIRONMENT = (
    r"\\begin\s*\{([pbBvV]?matrix|array|smallmatrix)\}\s*(?:\{[lcr| ]*\})?(.*?)\\end\s*\{\%d\}"
    r"(?:\s*\^\s*\{?\s*(?:T|\\top)\s*\}?)?"
)
_MATRIX = re.compile(r"(.*?)" + _ENVIRONMENT % 2, re.DOTALL)
_COLUMN = re.compile(_ENVIRONMENT % 1, re.DOTALL)


def matrix(text: str, reader: PartReader) -> Value | None:
    """A matrix or column, with a factor before it or not."""
    if "\\begin" not in text:
        return None
    names, equals, values = text.rpartition("=")
    if equals and "\\begin" in names and values.lstrip().startswith("\\begin"):  # a column of names, then of values
        text = values.strip()
    text = re.sub(r"^[(\[]\s*(?=\\begin\s*\{array)|(?<=array\})\s*[)\]]$", "", text)
    found = _MATRIX.fullmatch(text)
    if found is None or "=" in found[1] or "\\begin" in found[1] + found[3]:
        return None
    factor = reader.expression(found[1]) if found[1].strip(" \\cdot*") else None
    if found[2][0] in "vV" and found[2] not in ("vmatrix",):
        raise Unreadable("a norm")
    rows = tuple(tuple(_times(factor, cell) for cell in row) for row in _rows(found[3], reader))
    return Matrix(rows)


def _rows(body: str, reader: PartReader) -> list[list[Quantity]]:
    rows = [split_top(row, "&") for row in re.split(r"\\\\|\\cr", body) if row.strip()]
    if not rows or sum(map(len, rows)) > _MAX_CELLS or len({len(r) for r in rows}) != 1:
        raise Unreadable("a matrix with uneven rows")
    return [[reader.quantity(part) for part in row] for row in rows]


def _times(factor: Tree | None, cell: Quantity) -> Quantity:
    return cell if factor is None else Quantity(("*", factor, cell.tree))


# --- sums of vectors --------------------------------------------------------------------------------------------------

_PLACE = "\\V{}@"  # what stands for a vector in the sum: a symbol that no answer can write
_NO_VECTOR_BEFORE = re.compile(r"[A-Za-z]{2,}\s*$|(?<![A-Za-z\\])[fgh]$|[_^]$")


def vector_sum(text: str, reader: PartReader) -> Value | None:
    """`(1, 2) + t (3, -1)`, and functions times columns; None where no vector is added or multiplied."""
    if _UNIT_VECTOR.search(text):
        return _components(text, reader)
    if "," not in text and "\\begin" not in text:
        return None
    vectors: list[list[list[Quantity]]] = []
    try:
        written = _with_places(text, vectors, reader)
        if not vectors or written is None:
            return None
        factors = _factors(reader.expression(written), {_PLACE.format(_letter(n)): n for n in range(len(vectors))})
    except Unreadable:
        return None
    if factors is None:
        return None
    shapes = {(len(v), len(v[0])) for v in vectors}
    if len(shapes) != 1 or None in factors:
        return Special("meaningless")  # a number added to a vector: equal to nothing
    height, width = shapes.pop()
    cells = [
        [_total([("*", f, vectors[n][i][j].tree) for n, f in factors.items() if n is not None]) for j in range(width)]
        for i in range(height)
    ]
    return Matrix(tuple(tuple(Quantity(tree) for tree in row) for row in cells), summed=len(vectors) > 1)


_UNIT_VECTOR = re.compile(r"\\([ijk])@[mhv]")


def _components(text: str, reader: PartReader) -> Value | None:
    """`3\\mathbf{i} + 4\\mathbf{j}` as (3, 4)."""
    places = {found[0]: "ijk".index(found[1]) for found in _UNIT_VECTOR.finditer(text)}
    factors = _factors(reader.expression(text), places)
    if factors is None or None in factors:
        return None
    size = 3 if 2 in factors else 2
    return Matrix(tuple((Quantity(factors.get(n, ("n", Fraction(0)))),) for n in range(size)))


def _letter(number: int) -> str:
    return "abcdefghijkl"[number]


def _with_places(text: str, vectors: list[list[list[Quantity]]], reader: PartReader) -> str | None:
    """The text with every vector replaced by a symbol; None when there is none beside anything else."""

    def column(found: re.Match[str]) -> str:
        vectors.append(_rows(found[2], reader))
        return _PLACE.format(_letter(len(vectors) - 1)) + " "

    if text.count("\\begin") > _MAX_VECTORS:
        return None
    pieces, at = [], 0
    text = _COLUMN.sub(column, text)
    while (begin := _next_group(text, at)) is not None:
        end = _closing(text, begin)
        body = text[begin + 1 : end]
        if end < 0 or len(vectors) >= _MAX_VECTORS:
            return None
        parts = mark_separators(body, reader.commas_group, bracketed=True)[0].split("\x1f")
        if len(parts) > 1 and not _NO_VECTOR_BEFORE.search(text[:begin]):
            pieces += [text[at:begin], _PLACE.format(_letter(len(vectors))), " "]
            vectors.append([[reader.quantity(part)] for part in parts])
            at = end + 1
        else:
            pieces.append(text[at : begin + 1])
            at = begin + 1
    return "".join([*pieces, text[at:]]).strip()


def _next_group(text: str, at: int) -> int | None:
    found = re.compile(r"[(\[]").search(text, at)
    return found.start() if found else None


def _closing(text: str, begin: int) -> int:
    depth = 0
    for index in range(begin, len(text)):
        depth += (text[index] in "([") - (text[index] in ")]")
        if depth == 0:
            return index
    return -1


def _factors(tree: Tree, places: dict[str, int]) -> dict[int | None, Tree] | None:
    """The factor of every vector in a sum (None: what is added without one); None when it is no such sum."""
    kind = tree[0]
    if kind == "s" and tree[1] in places:
        return {places[tree[1]]: _ONE}
    if not symbols(tree) & places.keys():
        return {None: tree}
    if kind == "+":
        total: dict[int | None, list[Tree]] = {}
        for part in tree[1:]:
            found = _factors(part, places)
            if found is None:
                return None
            for number, factor in found.items():
                total.setdefault(number, []).append(factor)
        return {number: _total(parts) for number, parts in total.items()}
    if kind == "neg":
        inner = _factors(tree[1], places)
        return None if inner is None else {number: ("neg", factor) for number, factor in inner.items()}
    if kind in ("*", "/"):
        inside = [bool(symbols(part) & places.keys()) for part in tree[1:]]
        if inside == [True, True] or (kind == "/" and inside[1]):
            return None
        vector, scalar = (tree[1], tree[2]) if inside[0] else (tree[2], tree[1])
        inner = _factors(vector, places)
        return None if inner is None else {number: (kind, factor, scalar) for number, factor in inner.items()}
    return None


def _total(parts: list[Tree]) -> Tree:
    return parts[0] if len(parts) == 1 else ("+", *parts)


_ONE: Tree = ("n", Fraction(1))


# --- branches ---------------------------------------------------------------------------------------------------------

_CASES = re.compile(
    r"(?:\\\{\s*)?\\begin\s*\{(?:[dr]?cases|array)\}\s*(?:\{[lcr@| ]*\})?(.*?)\\end\s*\{(?:[dr]?cases|array)\}\s*\.?",
    re.DOTALL,
)
_OTHERWISE = re.compile(r'[\s,"]*(?:otherwise|else|elsewhere|in all other cases|in other cases)[\s."]*', re.IGNORECASE)
_IF = re.compile(r'[\s,;:("]*\b(?:if|for|when|where|whenever|provided(?: that)?|on)\b[\s"]*')
_RELATION = re.compile(r"\\(?:le|ge|neq|in)(?![A-Za-z])|[<>=]")


def cases(text: str, reader: PartReader) -> Value | None:
    """A formula and its condition in every row of `cases`, or a system of statements in the same form."""
    found = _CASES.fullmatch(text) if "\\begin" in text else None
    if found is None or "\\begin" in found[1]:
        return None
    rows = [row.strip() for row in re.split(r"\\\\(?:\s*\[[^\]]*\])?", found[1]) if row.strip(" ,;.")]
    if not 1 <= len(rows) <= 30:
        raise Unreadable("no branches, or too many")
    if "array" in found[0] and not text.startswith("\\{") and not all("=" in row for row in rows):
        return None
    branches = [_branch(row) for row in rows]
    if not any(condition for _, condition in branches):
        system = reader.value(" ; ".join(trim(row.replace("&", " ")) for row in rows))
        named = isinstance(system, Items) and all(isinstance(item, Assigned) for item in system.items)
        return Items("tuple", system.items) if named and isinstance(system, Items) else system
    if not all(condition for _, condition in branches[:-1]):
        raise Unreadable("a branch without a condition")
    return Piecewise(tuple((reader.value(formula), _condition(condition, reader)) for formula, condition in branches))


def _branch(row: str) -> tuple[str, str]:
    """(formula, condition) of a row; the condition is empty where there is none."""
    cells = split_top(row, "&")
    if len(cells) > 1:
        formula, condition = cells[0], " ".join(cells[1:]).strip()
        if re.match(r"=|\\(?:le|ge)\b|[<>]", condition):
            return trim(row.replace("&", " ")), ""
        return trim(formula), condition
    worded = _IF.search(row) or _OTHERWISE.search(row)
    if worded:
        return trim(row[: worded.start()]), row[worded.start() :]
    parts = split_top(row, ",")
    if len(parts) == 2 and _RELATION.search(parts[1]) and not _RELATION.search(parts[0]):
        return trim(parts[0]), parts[1]
    return trim(row), ""


def _condition(text: str, reader: PartReader) -> Value | None:
    if not text or _OTHERWISE.fullmatch(text):
        return None
    introduced = _IF.match(text)
    return reader.value(text[introduced.end() :] if introduced else text.strip(' ,"'))
