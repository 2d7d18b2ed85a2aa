"""One quantity: an expression with its unit, currency, percent sign or scale word; numerals with a base; ratios."""

from __future__ import annotations

import re
from fractions import Fraction

from pairforge.verifier.parse.expression import NUMBER_BASES, in_base, parse_leading_expression
from pairforge.verifier.parse.syntax import Tree, Unreadable, mentions, symbols
from pairforge.verifier.parse.tokens import split_top, tokenize
from pairforge.verifier.parse.units import SCALES, Unit, parse_unit
from pairforge.verifier.parse.values import Items, PartReader, Quantity, Ratio, Value

_CURRENCIES = {"$": "dollar", "\\$": "dollar", "\\euro": "euro", "\\pounds": "pound", "¥": "yen", "₹": "rupee"}
_MONEY = re.compile(
    r'(?P<sign>-?)\s*"?(?:US|CA|A)?"?\s*(?P<coin>\\\$|\$|\\euro|\\pounds|¥|₹'
    r'|"?(?:USD|EUR|Rs\.?|INR)"?(?=[\s\d\u2009]))\s*(?P<rest>.+)',
    re.DOTALL,
)
_TEMPERATURE = re.compile(
    r'\^\s*\{?\s*\\circ\s*\}?\s*(?:"\s*|\{\s*)?(C|F|celsius|fahrenheit)\s*(?:"|\})?\s*$', re.IGNORECASE
)
_OHMS = re.compile(r"(?<=\d)\s*\\Omega\s*$")
_POINTS_TO = {"c": "celsius", "f": "fahrenheit", "celsius": "celsius", "fahrenheit": "fahrenheit"}
_ORDINAL = re.compile(r'(\d+)\s*(?:\^?\s*\{?\s*"?\s*(?:st|nd|rd|th)\s*"?\s*\}?)')


def read_quantity(text: str, commas_group: bool) -> Quantity:
    """An expression, what it counts, and whether it is a percentage. Raises `Unreadable`."""
    unit = Unit()
    money = _MONEY.fullmatch(text)
    if money:
        coin = money["coin"].strip('"').rstrip(".")
        unit = Unit(
            (({"USD": "dollar", "EUR": "euro", "Rs": "rupee", "INR": "rupee"}.get(coin) or _CURRENCIES[coin], 1),)
        )
        text = money["sign"] + money["rest"]
    text = _OHMS.sub(' "ohm"', text)
    heat = _TEMPERATURE.search(text)
    if heat:
        text, unit = text[: heat.start()], Unit(((_POINTS_TO[heat[1].lower()], 1),))
    ordinal = _ORDINAL.fullmatch(text)
    if ordinal:
        return Quantity(("n", Fraction(ordinal[1])))
    tree, rest = parse_leading_expression(tokenize(text, commas_group=commas_group), text)
    percent = False
    if rest.startswith(("%", "\\%")):
        percent, rest = True, rest.lstrip("\\").removeprefix("%").strip()
    tree, rest = _scaled(tree, rest)
    if rest in _CURRENCIES and not unit:  # 20 €
        unit, rest = Unit(((_CURRENCIES[rest], 1),)), ""
    if rest:
        found = parse_unit(rest)
        if found is None or (not found and not rest.strip('" ')):
            raise Unreadable(f"{rest!r} is no unit")
        if found.nouns and symbols(tree) and not found.powers:
            raise Unreadable("words behind an expression")
        if found.has("percent"):
            percent, found = True, found.without("percent")
        if found.has("degree") and found.powers == (("degree", 1),):
            tree, found = ("deg", tree), found.without("degree")
        found = Unit(tuple(p for p in found.powers if p not in unit.powers), found.nouns) if unit else found
        if unit and found.powers and any(p[1] > 0 for p in found.powers):
            raise Unreadable("two units")
        unit = Unit(tuple(sorted((*unit.powers, *found.powers))), found.nouns)
    return Quantity(tree, unit, percent)


def _scaled(tree: Tree, rest: str) -> tuple[Tree, str]:
    """`3.5 million` and `2 dozen`."""
    found = re.match(r'"?\s*([A-Za-z]+)\s*', rest)
    scale = SCALES.get(found[1].lower()) if found else None
    if found is None or scale is None or mentions(tree, "s"):
        return tree, rest
    remaining = rest[found.end() :].lstrip('"').strip().strip('"')
    return ("*", tree, ("n", Fraction(scale))), remaining


_SCALED_UNITS = (
    ("year", "month", "week", "day", "h", "min", "s"), ("mi", "yd", "ft", "inch"), ("lb", "oz"), ("gal", "qt", "pint"),
    ("km", "m", "cm", "mm"), ("kg", "g"), ("dollar", "cent"),
)  # fmt: skip
_STEP = re.compile(
    r'\s*(\d{1,30}(?:\.\d{1,30})?)\s*"?\s*([A-Za-z]{1,12}),?\s*"?\s*(?:,?\s*"?\s*\band\b\s*"?)?\s*(?=\d|$)'
)
_ARC = re.compile(
    r"(\d{1,4})\s*\^\s*\{?\\circ\}?\s*(\d{1,2})\s*\^?\{?'\}?(?:\s*(\d{1,2}(?:\.\d{1,9})?)\s*\^?\{?''\}?)?"
)


def compound(text: str, reader: PartReader) -> Value | None:
    """`2 hours and 30 minutes`, `5 ft 8 in`: amounts in falling units; 22° 30' is one angle."""
    arc = _ARC.fullmatch(text)
    if arc:
        degrees, minutes, seconds = (Fraction(part or 0) for part in arc.groups())
        return Quantity(("deg", ("n", degrees + minutes / 60 + seconds / 3600)))
    text = text.replace("\u2009", " ")
    steps: list[tuple[Fraction, Unit]] = []
    at = 0
    while found := _STEP.match(text, at):
        unit = parse_unit("inch" if found[2] == "in" else found[2])
        if unit is None or len(unit.powers) != 1 or unit.nouns:
            return None
        steps.append((Fraction(found[1]), unit))
        at = found.end()
    names = [unit.powers[0][0] for _, unit in steps]
    family = next((f for f in _SCALED_UNITS if len(names) > 1 and set(names) <= set(f)), None)
    if text[at:].strip() or family is None or len(set(names)) < len(names):
        return None
    steps.sort(key=lambda step: family.index(step[1].powers[0][0]))
    if family[-1] == "cent":
        return Quantity(("n", steps[0][0] + steps[1][0] / 100), steps[0][1])
    return Items("tuple", tuple(Quantity(("n", amount), unit) for amount, unit in steps))


_BASE = re.compile(
    r"\(?\s*([0-9A-Fa-f][0-9A-Fa-f. ,]*?)\s*\)?\s*"
    r'(?:_\s*\{?\s*\(?\s*(?:"?\s*base\s*"?)?\s*"?(\d{1,2}|[a-z]+)"?\s*\)?\s*\}?'
    r'|"?\s*\(?\s*(?:in )?base[ -]"?(\d{1,2}|[a-z]+)"?\s*\)?"?)'
)


def based(text: str, reader: PartReader) -> Value | None:
    """A numeral with its base: `1010_2`, `11 base 3`."""
    found = _BASE.fullmatch(text)
    if found is None:
        return None
    name = (found[2] or found[3]).strip()
    base = int(name) if name.isdigit() else NUMBER_BASES.get(name, 0)
    if not base or not (re.search(r"[0-9]", found[1]) or (base == 16 and found[1].isupper())):
        return None
    return Quantity(("n", in_base(found[1].replace(",", ""), base)))


def ratio(text: str, reader: PartReader) -> Value | None:
    """`2:3`, `2 to 3`, `1:30`."""
    text = re.sub(r'(?<=[\d\w}])\s*(?:"\s*to\s*"|(?<![A-Za-z"])to(?![A-Za-z]))\s*(?=[\d\\a-z])', ":", text)
    parts = [p.strip() for p in split_top(text, ":")]
    if not 2 <= len(parts) <= 6 or not all(parts):
        return None
    clock = len(parts) <= 3 and all(re.fullmatch(r"\d{2}", p) and int(p) < 60 for p in parts[1:])
    clock = clock and bool(re.fullmatch(r"\d{1,2}", parts[0])) and int(parts[0]) <= 24
    return Ratio(tuple(reader.expression(p) for p in parts), clock)
