"""An answer to its values. Each reader knows one shape and returns None for anything else."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from pairforge.verifier.parse import phrases
from pairforge.verifier.parse.expression import parse_expression
from pairforge.verifier.parse.normalise import normalise
from pairforge.verifier.parse.quantity import based, compound, dimensions, ratio, read_quantity
from pairforge.verifier.parse.relations import bound, compared, equation, membership, parametric, two_ways
from pairforge.verifier.parse.remarks import bare, conditioned
from pairforge.verifier.parse.several import SAYS_MORE, bracketed, plus_minus, several
from pairforge.verifier.parse.syntax import THIN, Unreadable
from pairforge.verifier.parse.tokens import tokenize, trim
from pairforge.verifier.parse.units import SINGLE_LETTERS, parse_unit
from pairforge.verifier.parse.values import (
    Assigned,
    Choice,
    Clock,
    Date,
    Letters,
    PartReader,
    Quantity,
    Reading,
    Special,
    Steps,
    Text,
    Value,
    with_unit,
)  # fmt: skip
from pairforge.verifier.parse.vectors import cases, matrix, vector_sum

_MAX_DEPTH = 12


@functools.lru_cache(maxsize=1024)  # samples of one problem share their gold
def read_values(text: str) -> tuple[Reading, ...]:
    """Every reading of an answer, the likeliest first. Empty when pairforge cannot read it."""
    text = bare(normalise(text))
    if not text:
        return ()
    found = _readings(text)
    leading = None if any(not reading.loose for reading in found) else _LEADING_WORDS.match(text)
    label = phrases.bare_words(leading.group()) if leading else ""
    if leading and not SAYS_MORE.search(label):
        return tuple(_labelled(label, reading) for reading in _readings(text[leading.end() :]))
    return tuple(found)


def _labelled(label: str, reading: Reading) -> Reading:
    """The reading with the words before it, which name it."""
    value = reading.value
    if _SAYS_NOTHING.fullmatch(label):
        return reading
    return Reading(Assigned(label, value, value.tree if isinstance(value, Quantity) else None), reading.loose)


_LEADING_WORDS = re.compile(r'^(?:"[^"]*"|[A-Za-z]+(?![A-Za-z])|:|\s)+(?=[-\d\\$(\[])')  # "increases by 20%"
_SAYS_NOTHING = re.compile(
    r"(?:(?:the |final )*(?:answer|result|value|solution)s?(?: of [a-z])?(?: is| are|:)?|[a-z]{1,2})"
)


def _readings(text: str) -> list[Reading]:
    readings: list[Reading] = []
    for reader, loose in (
        (_whole_text, False),
        (_grouped, False),
        (_listed, True),
        (_unit_letter, False),
        (_lettered, True),
    ):
        try:
            value = reader(text)
            if value is not None and all(value != reading.value for reading in readings):
                readings.append(Reading(value, loose))
        except (Unreadable, RecursionError):
            continue
        if isinstance(value, Special | Choice | Clock | Date | Letters):
            break
    return readings


def _grouped(text: str) -> Value:
    return _value(text, _Manner(), 0)


def _listed(text: str) -> Value | None:
    """`1,234` as a list of two numbers; not where a part would be written with leading zeros, as in `40,000`."""
    if not _TIGHT_GROUP.search(text) or _ZERO_GROUP.search(text) or _CURRENCY.search(text):
        return None
    return _value(text, _Manner(commas_group=False), 0)


def _lettered(text: str) -> Value | None:
    """`at` or `5 mg` as products of symbols, though the letters may be a word or a unit."""
    return _value(text, _Manner(letters=True), 0) if _SHORT_RUN.search(text) else None


_TIGHT_GROUP = re.compile(r"\d,\d{3}")
_ZERO_GROUP = re.compile(r"\d,0\d\d(?!\d)")
_CURRENCY = re.compile(r"\\\$|\$|\\euro|\\pounds|[¥₹]")
_SHORT_RUN = re.compile(r'(?<![A-Za-z\\"])[A-Za-z]{2,3}(?![A-Za-z"])')


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a text is read. `commas_group`: 1,234 is one number. `letters`: short runs of letters are products."""

    commas_group: bool = True
    letters: bool = False


_UNIT_RUN = re.compile(
    rf"(.*?[\d}})])[ {THIN}]*((?:[A-Za-z]{{1,3}}(?:\s*\^\s*\{{?-?[1-4]\}}?)?(?:[ {THIN}/]|\\cdot)*){{2,5}})"
)
_UNIT_LETTER = re.compile(
    rf"(.*[\d}})])[ {THIN}]*([A-Za-z])((?:\s*\^\s*\{{?[23]\}}?)?)((?:[ {THIN}]+[A-Za-z]{{3,20}}){{0,4}})[ {THIN}]*"
)


def _unit_letter(text: str) -> Value | None:
    """`5 m` and `5 m north`: the last single letter may be a unit."""
    found = _UNIT_LETTER.fullmatch(text)
    if found is not None and found[2] in SINGLE_LETTERS:
        unit = parse_unit(f'"{found[2]}"{found[3]} {found[4]}')
    else:
        found = _UNIT_RUN.fullmatch(text)  # m s^{-1}
        unit = parse_unit(found[2]) if found else None
        if found is None or unit is None or unit.nouns or not all(abs(power) <= 4 for _, power in unit.powers):
            return None
    value = _value(found[1], _Manner(), 0)
    quantity = value.quantity if isinstance(value, Steps) else value
    if unit is None or not isinstance(quantity, Quantity) or quantity.unit:
        return None
    return with_unit(value, unit)


def _value(text: str, manner: _Manner, depth: int) -> Value:
    """The value of a text with nothing left around it. Raises `Unreadable`."""
    text = trim(text)
    if depth > _MAX_DEPTH or not text:
        raise Unreadable("nothing to read" if not text else "nested too deeply")
    worded = _phrase(text, inside=depth > 0 and not manner.letters)
    if worded is not None:
        return worded
    parts = PartReader(
        manner.commas_group,
        lambda part: _value(part, manner, depth + 1),
        lambda part: read_quantity(trim(part), manner.commas_group, letters=manner.letters),
    )
    for read_shape in _SHAPES:
        value = read_shape(text, parts)
        if value is not None:
            return value
    return read_quantity(text, manner.commas_group, letters=manner.letters)


_SHAPES = (
    parametric, membership, conditioned, two_ways, cases, matrix, compound, dimensions, several, plus_minus, bound,
    compared, equation, bracketed, vector_sum, based, ratio,
)  # fmt: skip


_PARTS = re.compile(r'\s*"?\(a\).+\(b\)', re.DOTALL)  # labelled parts, not choices
_CHOICE = re.compile(r'"?\s*(?:option|choice|answer|statement)?\s*[("]*\s*([A-Ja-j])\s*[)"]*[.:)]?\s*', re.IGNORECASE)
_CHOICE_VALUE = re.compile(
    r'(?:"?(?:option|choice)?\s*\(([A-Ja-j])\)"?[.:]?|"?(?:option|choice)?\s*([A-J])(?:[):]|\.(?!\d)))"?\s*(\S.*)',
    re.DOTALL,
)


_REASON = re.compile(r"[,.:;]\s*(.*=.*)", re.DOTALL)


def _special(text: str) -> Special | None:
    name = phrases.special_answer(text)
    reason = _REASON.search(text) if name in ("yes", "no") else None
    return Special(name, re.sub(r"\s", "", reason[1])) if name and reason else Special(name) if name else None


def _whole_text(text: str) -> Value | None:
    special = _special(text)
    if special:
        return special
    if _PARTS.match(text):
        return None
    choice = _choice(text)
    if choice is not None:
        return choice
    moment = phrases.time_of_day(text)
    if moment is not None:
        ratio = re.fullmatch(r"\s*\d+\s*:\s*\d+(?:\s*:\s*\d+)?\s*", text)
        return None if ratio else Clock(*moment)
    day = phrases.written_date(text)
    if day is not None:
        return Date(*day)
    letters = phrases.choice_letters(text)
    if letters is not None:
        return Letters(*letters)
    number = phrases.number_from_words(text)
    if number is not None:
        return Quantity(("n", number))
    if phrases.is_words(text) and not _looks_mathematical(text):
        head, _, tail = phrases.bare_words(text).partition(" ")
        amount, unit = phrases.number_from_words(head), parse_unit(tail)
        if amount is not None and unit:
            if unit.powers == (("degree", 1),):
                return Quantity(("deg", ("n", amount)))
            return Quantity(("n", amount), unit)
        return Text(phrases.bare_words(text))
    return None


def _choice(text: str) -> Choice | None:
    found = _CHOICE.fullmatch(text)
    if found:
        letter = found[1]
        marked = text.strip() != letter
        if letter.isupper() or (marked and re.search(r"[()]|option|choice", text)):
            return Choice(letter.upper())
        return None
    found = _CHOICE_VALUE.fullmatch(text)
    if found is None:
        return None
    letter, rest = found[1] or found[2], found[3]
    if rest[0] in "+-*/=^_<>|:," or (found[1] and re.match(r"[A-Za-z](?![A-Za-z])|\(", rest)):
        return None
    values = read_values(rest)
    return Choice(letter.upper(), values[0].value if values else Text(phrases.bare_words(rest)))


def _phrase(text: str, inside: bool) -> Value | None:
    """What stands in words as a part of an answer."""
    special = _special(text)
    if special:
        return special
    if inside and phrases.is_words(text) and not _looks_mathematical(text):
        number = phrases.number_from_words(text)
        return Quantity(("n", number)) if number is not None else Text(phrases.bare_words(text))
    return None


def _looks_mathematical(text: str) -> bool:
    """Single letters and short products ("xy", "x or y") are expressions, not words."""
    try:
        parse_expression(tokenize(text), text)
    except Unreadable:
        parts = re.split(r'\s+(?:or|and)\s+|,|"\s*(?:or|and)\s*"', text)
        return len(parts) > 1 and all(len(p.strip()) <= 2 for p in parts)
    return True
