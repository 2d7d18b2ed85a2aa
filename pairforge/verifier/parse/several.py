"""Several values in one answer: lists, sets, tuples, intervals, unions, matrices, plus or minus."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pairforge.verifier.parse.syntax import Unreadable
from pairforge.verifier.parse.tokens import encloses, mark_separators, split_top
from pairforge.verifier.parse.values import (
    Interval,
    Items,
    Matrix,
    PartReader,
    Quantity,
    Steps,
    Union,
    Value,
    with_unit,
)  # fmt: skip

MAX_ITEMS = 200


_LABEL = re.compile(
    r'^\s*"?\(?(?:[a-d]|i{1,3}|iv|[1-4])\)\s*"?\s*(?=\S)|^\s*"?part \(?[a-d1-4]\)?:?"?\s*', re.IGNORECASE
)


def several(text: str, reader: PartReader) -> Value | None:
    """A bare list: `2, 3`, `2 and 3`, `(a) 5 (b) 6`."""
    separated, joint = mark_separators(text, reader.commas_group)
    parts = _labelled(text) or [p.strip() for p in separated.split("\x1f") if p.strip()]
    if len(parts) < 2:
        return None
    if len(parts) > MAX_ITEMS:
        raise Unreadable("too many values")
    labelled = all(_LABEL.match(p) for p in parts)
    parts = [_LABEL.sub("", p) for p in parts] if labelled else parts
    if _mixed_words(parts, joint):
        return Quantity(("+", reader.expression(parts[0]), reader.expression(parts[1])))
    items = tuple(_flat(reader.value(part) for part in parts))
    trailing = items[-1].quantity if isinstance(items[-1], Steps) else items[-1]
    if isinstance(trailing, Quantity) and trailing.unit:  # "3 and 5 cm": the unit is common
        items = tuple(with_unit(item, trailing.unit) for item in items)
    return Items("tuple" if labelled else "list", items, "or" if joint == "or" else "and" if joint == "and" else ",")


_PART = re.compile(r'(?:^|(?<=[\s,;"]))"?\s*\(([a-h])\)')


def _labelled(text: str) -> list[str]:
    """The parts of "(a) 5 (b) 6" with their labels; empty when the text is not written like that."""
    found = list(_PART.finditer(text))
    if len(found) < 2 or found[0].start() or "".join(m[1] for m in found) != "abcdefgh"[: len(found)]:
        return []
    ends = [m.start() for m in found[1:]] + [len(text)]
    return [text[m.start() : end].strip(' ,;"\u2009') for m, end in zip(found, ends, strict=True)]


def _mixed_words(parts: list[str], joint: str) -> bool:
    """ "2 and 1/2" is one number."""
    return (
        joint == "and"
        and len(parts) == 2
        and bool(re.fullmatch(r"\d+", parts[0]) and re.fullmatch(r"\d+/\d+|\\frac\{?\d\}?\{?\d\}?", parts[1]))
    )


def _flat(values: Iterable[Value]) -> list[Value]:
    flat: list[Value] = []
    for value in values:
        if isinstance(value, Items) and value.kind == "list":
            flat += value.items
        else:
            flat.append(value)
    return flat


def plus_minus(text: str, reader: PartReader) -> Value | None:
    """Both values of `2 \\pm 3`."""
    if "\\pm" not in text and "\\mp" not in text:
        return None
    flipped = text.replace("\\pm", "\x1d").replace("\\mp", "\x1c")
    both = [flipped.replace("\x1d", s).replace("\x1c", t) for s, t in ((" +", " -"), (" -", " +"))]
    return Items("list", tuple(_flat(reader.value(form) for form in both)))


def bracketed(text: str, reader: PartReader) -> Value | None:
    """Tuples, sets, intervals and unions of them."""
    union = list(re.split(r"\\cup(?![A-Za-z])|(?<=[)\]}])\s*[Uu]\s*(?=[(\[\\])", text))
    if len(union) > 1:
        return Union(tuple(reader.value(part) for part in union))
    text = re.sub(r"^\\langle\s*(.*?)\s*\\rangle$", r"(\1)", text, flags=re.DOTALL)
    french = re.fullmatch(r"\]([^\[\]]*[,;][^\[\]]*)\[", text)
    text = f"({french[1]})" if french else text
    braces = text.startswith("\\{") and text.endswith("\\}")
    opening, body, closing = (text[:2], text[2:-2], text[-2:]) if braces else (text[:1], text[1:-1], text[-1:])
    if opening not in ("(", "[", "\\{") or closing not in (")", "]", "\\}") or not encloses(text, 2 if braces else 1):
        return None
    parts = mark_separators(body, reader.commas_group, bracketed=True)[0].split("\x1f")
    if braces:
        if len(parts) > MAX_ITEMS:
            raise Unreadable("too many values")
        return Items("set", tuple(_flat(reader.value(part) for part in parts)))
    if len(parts) == 1:
        return None
    if opening + closing in ("(]", "[)") or (len(parts) == 2 and any("\\infty" in p for p in parts)):
        if len(parts) != 2:
            raise Unreadable("an interval with more than two ends")
        return Interval(reader.expression(parts[0]), reader.expression(parts[1]), opening == "[", closing == "]")
    items = tuple(reader.value(part) for part in parts)
    pairs = [item.items for item in items if isinstance(item, Items) and item.kind == "list"]
    if len(pairs) == sum(isinstance(i, Items) and i.kind == "list" for i in items) and pairs:  # (±1, 2): two tuples
        forms = []
        for choice in range(2):
            forms.append(
                Items(
                    "tuple", tuple(i.items[choice] if isinstance(i, Items) and i.kind == "list" else i for i in items)
                )
            )
        return Items("list", tuple(forms))
    return Items("bracket" if opening == "[" else "tuple", items)


_MATRIX = re.compile(
    r"(.*?)\\begin\s*\{([pbvBV]?matrix|array|smallmatrix)\}\s*(?:\{[lcr| ]*\})?(.*?)\\end\s*\{\2\}(?:\^\{?T\}?)?",
    re.DOTALL,
)


def matrix(text: str, reader: PartReader) -> Value | None:
    """A matrix or column, with a factor before it or not."""
    if "\\begin" not in text:
        return None
    names, equals, values = text.rpartition("=")
    if equals and "\\begin" in names and values.lstrip().startswith("\\begin"):  # a column of names, then of values
        text = values.strip()
    text = re.sub(r"^[(\[]\s*(?=\\begin\s*\{array)|(?<=array\})\s*[)\]]$", "", text)
    found = _MATRIX.fullmatch(text)
    if found is None:
        named = re.fullmatch(r"\s*[A-Za-z](?:_\{?\w\}?|\^\{?-?\w+\}?|@v)*\s*=\s*(.+)", text, re.DOTALL)
        if named and "\\begin" in named[1]:
            return matrix(named[1].strip(), reader)
        raise Unreadable("a matrix in an expression")
    rows = [split_top(row, "&") for row in re.split(r"\\\\|\\cr", found[3]) if row.strip()]
    if not rows or sum(map(len, rows)) > MAX_ITEMS or len({len(r) for r in rows}) != 1:
        raise Unreadable("a matrix with uneven rows")
    factor = reader.expression(found[1]) if found[1].strip(" \\cdot*") else None
    if found[2][0] in "vV" and found[2] not in ("vmatrix",):
        raise Unreadable("a norm")

    def cell(part: str) -> Value:
        value = reader.quantity(part)
        return Quantity(("*", factor, value.tree)) if factor is not None else value

    return Matrix(tuple(tuple(cell(part) for part in row) for row in rows))
