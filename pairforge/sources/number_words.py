"""Numbers in English words: `two hundred and five`, `3 million`, `two-fifths`, `twenty-first`, `twice`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal


def _numbered(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    return {word: start + step * at for at, word in enumerate(words.split())}


_UNITS = _numbered("zero one two three four five six seven eight nine")
_TEENS = _numbered("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 10)
_TENS = _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10) | {"fourty": 40}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ORDINALS = (
    _numbered("first second third fourth fifth sixth seventh eighth ninth tenth", 1)
    | _numbered("eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth", 11)
    | {"twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50, "hundredth": 100, "thousandth": 1000}
)
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    name: value for word, value in _ORDINALS.items() if value > 2 for name in (word, word + "s")
}
CARDINALS = _UNITS | _TEENS | _TENS
"""The number words below a hundred that are one word, with their values."""
NUMBER_WORDS = CARDINALS.keys() | _SCALES.keys() | _ORDINALS.keys() | _PARTS.keys() | {"hundred", "twice"}
"""The words of which at least one stands in every number that is not written in digits alone."""


def plain_number(shown: str) -> str:
    """One spelling of a number in digits: `007`, `7.0` and `7` are 7; `3rd` is 3th, like every ordinal."""
    digits = shown.rstrip("stndrh")
    whole, _, part = digits.partition(".")
    part = part.rstrip("0")
    number = (whole.lstrip("0") or "0") + (f".{part}" if part else "")
    return number + ("th" if len(digits) < len(shown) else "")


def read_number(words: Sequence[str], at: int) -> tuple[list[str], int]:
    """The number that starts at a position, in digits, and where it ends; it ends where it starts if there is none."""
    if words[at] == "twice":
        return ["2", "times"], at + 1
    if words[at] == "a" and at + 1 < len(words) and (words[at + 1] == "hundred" or words[at + 1] in _SCALES):
        at += 1
    value, end = _cardinal(words, at)
    following = words[end] if end < len(words) else ""
    if value is None:
        return ([f"{_ORDINALS[words[at]]}th"], at + 1) if words[at] in _ORDINALS else ([], at)
    if following in _PARTS and value == int(value) and 0 < value < max(_PARTS[following], 10):
        return [str(value), "/", str(_PARTS[following])], end + 1
    if following in _ORDINALS and 20 <= value < 100 and value % 10 == 0 and _ORDINALS[following] < 10:
        return [f"{int(value) + _ORDINALS[following]}th"], end + 1
    return [plain_number(f"{value:f}")], end


def _cardinal(words: Sequence[str], start: int) -> tuple[Decimal | None, int]:
    """The value of `two hundred and five`, `3 million` or `two point five`, and where it ends. None: no number."""
    total = group = Decimal(0)
    limit = 10**3  # the next word of this group must be smaller than this
    scale = 10**15
    seen = in_digits = False
    at = start
    while at < len(words):
        word = words[at]
        value = CARDINALS.get(word)
        if value is not None and value < limit:
            group += value
            limit = 10 if value >= 20 else 0
        elif not seen and word[0].isdigit() and word[-1].isdigit():
            group, limit, in_digits = Decimal(word), 0, True
        elif word == "hundred" and not (seen and group == 0) and group < 100 and group % 1 == 0:
            group = (group or Decimal(1)) * 100
            limit = 100
        elif word in _SCALES and _SCALES[word] < scale and (group or not seen):
            scale = _SCALES[word]
            total += (group or Decimal(1)) * scale
            group, limit = Decimal(0), 0 if in_digits else 10**3
        elif word == "and" and seen and words[at - 1] in (*_SCALES, "hundred") and _is_small(words, at + 1, limit):
            pass
        elif word == "point" and seen and at + 1 < len(words) and words[at + 1] in _UNITS:
            return _decimals(words, at + 1, total + group)
        else:
            break
        seen = True
        at += 1
    return (total + group, at) if seen else (None, start)


def _is_small(words: Sequence[str], at: int, limit: int) -> bool:
    """Whether a number below the limit stands there: `five` after "two hundred and", but not `five hundred`."""
    word, following = (*words[at : at + 2], "", "")[:2]
    return following != "hundred" and CARDINALS.get(word, limit) < limit


def _decimals(words: Sequence[str], at: int, whole: Decimal) -> tuple[Decimal, int]:
    digits = ""
    while at < len(words) and words[at] in _UNITS:
        digits += str(_UNITS[words[at]])
        at += 1
    return whole + Decimal(f"0.{digits}"), at
