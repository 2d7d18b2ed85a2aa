"""Several values in one answer: lists, sets, tuples, intervals, unions, plus or minus."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pairforge.verifier.parse.syntax import WIDE, Unreadable
from pairforge.verifier.parse.tokens import encloses, mark_separators
from pairforge.verifier.parse.values import (
    Assigned,
    Interval,
    Items,
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
    parts = _assignments(parts)
    if len(parts) < 2:
        return None
    if len(parts) > MAX_ITEMS:
        raise Unreadable("too many values")
    labelled = all(_LABEL.match(p) for p in parts)
    parts = [_LABEL.sub("", p) for p in parts] if labelled else parts
    if _mixed_words(parts, joint):
        return Quantity(("+", reader.expression(parts[0]), reader.expression(parts[1])))
    items = tuple(_flat(_described(part, reader) or reader.value(part) for part in parts))
    trailing = items[-1].quantity if isinstance(items[-1], Steps) else items[-1]
    if isinstance(trailing, Quantity) and trailing.unit:  # "3 and 5 cm": the unit is common
        items = tuple(with_unit(item, trailing.unit) for item in items)
    return Items("tuple" if labelled else "list", items, "or" if joint == "or" else "and" if joint == "and" else ",")


_SYMBOL = r"(?:[A-Za-z]|\\(?:alpha|beta|gamma|theta|phi|lambda|mu|sigma|omega|rho|tau|Delta|delta)(?![a-z]))'*"
_START = re.compile(
    rf"(?:{WIDE}\s*|(?<=[\d}})])\s+)(?={_SYMBOL}(?:_\{{?\w+\}}?|\([^()=]{{1,20}}\))?\s*=(?![=>])|[A-Z]{{2,3}}\s*=)"
)


def _assignments(parts: list[str]) -> list[str]:
    """`x = 1 \\quad y = 2`: statements that only white space parts."""
    found: list[str] = []
    for part in parts:
        pieces = [p for p in _START.split(part) if p.strip()] if "=" in part else [part]
        whole = len(pieces) > 1 and all("=" in piece for piece in pieces)
        found += pieces if whole else [part]
    if len(found) == 1 and WIDE in found[0].strip():
        pieces = [p.strip() for p in found[0].split(WIDE) if p.strip()]
        if all("=" in piece for piece in pieces):
            return pieces
    return found


_DESCRIBED = re.compile(
    r'(?:"?\s*(?:and|with|the|its|a|an)\s+)*"?\s*([A-Za-z]{3,20}(?: [A-Za-z]{3,20}){0,2})"?\s*'
    r'(?::|=|"?\s*\b(?:is|are|at|of)\b\s*"?|(?=[\s("\d\\-]))\s*"?\s*(?:[A-Za-z](?:_\{?\w\}?)?\s*=\s*)?(?=[-\d\\(\[$])(.+)',
    re.DOTALL,
)
# Words before a value that may change it, rather than name it.
SAYS_MORE = re.compile(
    r"\b(?:not|no|least|most|than|less|more|under|over|between|below|above|before|after|nearly|almost|minus|negative|plus"
    r"|times|or|and|every|except|without|within|from|base|sqrt|sin|cos|tan|log|frac|pi|half|double|twice|triple|third"
    r"|quarter|squared?|root|cubed?|power|factorial|percent of|multiples?|divided|divisible|mod|modulo|to)\b",
    re.IGNORECASE,
)


def _described(text: str, reader: PartReader) -> Value | None:
    """A part that words name: `center: (2, 3)`, `radius 4`."""
    found = _DESCRIBED.fullmatch(text)
    if found is None or SAYS_MORE.search(found[1]):
        return None
    value = reader.value(found[2])
    return Assigned(found[1].lower(), value, value.tree if isinstance(value, Quantity) else None)


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


_SIGNS = re.compile(r"\\(?:pm|mp)(?![a-z])")
_SET = re.compile(r"\\\{.*?\\\}", re.DOTALL)


def plus_minus(text: str, reader: PartReader) -> Value | None:
    """Both values of `2 \\pm 3`; in a set, `\\{0, \\pm 2\\}`, each element is read for itself."""
    if not _SIGNS.search(_SET.sub("", text)):
        return None
    flipped = text.replace("\\pm", "\x1d").replace("\\mp", "\x1c")
    both = [flipped.replace("\x1d", s).replace("\x1c", t) for s, t in ((" +", " -"), (" -", " +"))]
    return Items("list", tuple(_flat(reader.value(form) for form in both)))


def bracketed(text: str, reader: PartReader) -> Value | None:
    """Tuples, sets, intervals and unions of them."""
    union = re.split(r"\\cup(?![A-Za-z])|(?<=[)\]}])\s*[Uu]\s*(?=[(\[\\])", text)
    if len(union) > 1 and ("\\cup" in text or all("," in part for part in union)):
        return Union(tuple(reader.value(part) for part in union))
    text = re.sub(r"^\\langle\s*(.*?)\s*\\rangle$", r"(\1)", text, flags=re.DOTALL)
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
