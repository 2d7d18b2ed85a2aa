"""One quantity: an expression with its unit, currency, percent sign or scale word; numerals with a base; ratios."""

from __future__ import annotations

import re
from fractions import Fraction

from pairforge.verifier.parse.expression import parse_leading_expression
from pairforge.verifier.parse.syntax import NUMBER_BASES, Tree, Unreadable, in_base, mentions, symbols
from pairforge.verifier.parse.tokens import split_top, tokenize
from pairforge.verifier.parse.units import SCALES, Unit, parse_unit
from pairforge.verifier.parse.values import Items, PartReader, Quantity, Ratio, Special, Value, with_unit

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
_REMARK = re.compile(  # where or when it was counted: "18 in a year", "5 apples in the basket"
    r'(?<=[\w}%])\s*"?\s+(?:in|on|at|for|from|after|during|over|by) '
    r"(?:a|an|one|the|each|every|this|that|his|her|their|its|all)"
    r'(?: [A-Za-z]{2,20}){1,3}"?\s*$'
)
_CLAUSES = frozenset(["when", "if", "where", "then", "so", "because", "while", "until", "unless", "whenever"])
_OUT_OF = re.compile(r'(\d{1,30})\s*"?\s*(?:out of|in)\s*"?\s*(?:every\s+)?(\d{1,30})\s*"?')
_IN_PARENTHESES = re.compile(r"(?<=[\d}])\s*\(\s*\"?\s*([A-Za-z][A-Za-z ,'/-]{1,40}?)\s*\"?\s*\)\s*$")  # 9 (apples)
_POINTS_TO = {"c": "celsius", "f": "fahrenheit", "celsius": "celsius", "fahrenheit": "fahrenheit"}
_ORDINAL = re.compile(r'(\d+)\s*(?:\^?\s*\{?\s*"?\s*(?:st|nd|rd|th)\s*"?\s*\}?)')


def read_quantity(text: str, commas_group: bool, *, letters: bool = False) -> Quantity:
    """An expression, what it counts, and whether it is a percentage. Raises `Unreadable`.

    `commas_group`: 1,234 is one number. `letters`: short runs of letters are products of symbols.
    """
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
    text = _REMARK.sub("", text)
    text = _IN_PARENTHESES.sub(r' "\1"', text)
    ordinal = _ORDINAL.fullmatch(text)
    if ordinal:
        return Quantity(("n", Fraction(ordinal[1])))
    tree, rest = parse_leading_expression(tokenize(text, commas_group=commas_group), text, letters=letters)
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
        if found.nouns & _CLAUSES:
            raise Unreadable("a clause behind a value")
        if found.nouns and symbols(tree) and not found.powers:
            raise Unreadable("words behind an expression")
        if found.has("celsius") or found.has("fahrenheit"):
            found = found.without("degree")
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


# Units that one amount may fall through, each with how many of the next it holds; 0: that depends.
_FALLING = (
    (("year", 12), ("month", 0), ("week", 7), ("day", 24), ("h", 60), ("min", 60), ("s", 1)),
    (("mi", 1760), ("yd", 3), ("ft", 12), ("inch", 1)), (("pound", 16), ("oz", 1)),
    (("gal", 4), ("qt", 2), ("pint", 1)),
    (("km", 1000), ("m", 100), ("cm", 10), ("mm", 1)), (("kg", 1000), ("g", 1)), (("L", 1000), ("ml", 1)),
    (("dollar", 100), ("cent", 1)), (("euro", 100), ("cent", 1)),
)  # fmt: skip
_JOINT = r'(?:,?\s*"?\s*\b(?:and|et|und|y|e|i)\b\s*"?|,)?'
_STEP = re.compile(
    rf'\s*(\d{{1,30}}(?:\.\d{{1,30}})?)\s*(?:"\s*|\\)?([A-Za-z]{{1,12}})\.?,?\s*(?:\b(?:and|et|und|y|e)\b\s*)?"?\s*{_JOINT}\s*(?=\d|$)'
)
_ARC = re.compile(
    r"(-?)\s*(\d{1,4})\s*\^\s*\{?\s*\\circ\s*\}?\s*(\d{1,2})\s*\^?\{?'\}?(?:\s*(\d{1,2}(?:\.\d{1,9})?)\s*\^?\{?''\}?)?"
)


def compound(text: str, reader: PartReader) -> Value | None:
    """`2 hours and 30 minutes`, `5 ft 8 in`: amounts in falling units; 22° 30' is one angle."""
    arc = _ARC.fullmatch(text)
    if arc:
        degrees, minutes, seconds = (Fraction(part or 0) for part in arc.groups()[1:])
        angle = degrees + minutes / 60 + seconds / 3600
        return Quantity(("deg", ("n", -angle if arc[1] else angle)))
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
    if "h" in names and "m" in names:  # 1 h 30 m: minutes
        names = ["min" if name == "m" else name for name in names]
    family = next((f for f in _FALLING if len(names) > 1 and set(names) <= {name for name, _ in f}), None)
    if text[at:].strip() or family is None or len(set(names)) < len(names):
        return None
    return _one_amount({name: amount for name, (amount, _) in zip(names, steps, strict=True)}, family)


def _one_amount(amounts: dict[str, Fraction], family: tuple[tuple[str, int], ...]) -> Value:
    """The amount in its largest unit; where a month is among them, which has no fixed length, the parts in order."""
    order = [name for name, _ in family]
    places = sorted(map(order.index, amounts))
    between = [count for _, count in family[places[0] : places[-1]]]
    if 0 in between:
        parts = [(amounts[order[n]], order[n]) for n in places]
        return Items("tuple", tuple(Quantity(("n", amount), Unit(((name, 1),))) for amount, name in parts))
    total, size = Fraction(0), Fraction(1)
    for place in range(places[0], places[-1] + 1):
        total += amounts.get(order[place], Fraction(0)) / size
        size *= family[place][1]
    return Quantity(("n", total), Unit(((order[places[0]], 1),)))


_BY = re.compile(r'\s*"?\s*(?<![A-Za-z])by(?![A-Za-z])\s*"?\s*|(?:\s+|(?<="))x\s+|\s*\\times\s*')
_LENGTH = re.compile(r'[^"A-Za-z]*\d[^"A-Za-z]*"?\s*([A-Za-z]{2,12}|m)\.?\s*"?[^"A-Za-z\d]*')


def dimensions(text: str, reader: PartReader) -> Value | None:
    """`4 ft by 12 ft`: lengths, in any order; the last unit is that of all."""
    parts = _BY.split(text)
    if not 2 <= len(parts) <= 3:
        return None
    lengths = [_LENGTH.fullmatch(part) for part in parts]
    units = [parse_unit(found[1]) for found in lengths if found]
    named = units and all(unit is not None and unit.powers and not unit.nouns for unit in units)
    if not named or not lengths[-1] or (len(units) < len(parts) and "by" not in text):
        return None
    values = [reader.quantity(part.strip()) for part in parts]
    return Items("list", tuple(with_unit(value, values[-1].unit) for value in values))


_BASE = re.compile(
    r"\(?\s*([0-9A-Fa-f][0-9A-Fa-f. ,]*?)\s*\)?\s*"
    r'(?:_\s*\{?\s*\(?\s*(?:"?\s*base\s*"?)?\s*"?(\d{1,2}|[a-z]+)"?\s*\)?\s*\}?'
    r'|"?\s*\(?\s*(?:in )?base[ -]"?(\d{1,2}|[a-z]+)"?\s*\)?"?)'
)


def based(text: str, reader: PartReader) -> Value | None:
    """A numeral with its base: `1010_2`, `11 base 3`."""
    found = _BASE.fullmatch(text.replace('"', " ").strip() if "_" in text else text)
    if found is None:
        return None
    name = (found[2] or found[3]).strip()
    base = int(name) if name.isdigit() else NUMBER_BASES.get(name, 0)
    if not base or not (re.search(r"[0-9]", found[1]) or (base == 16 and found[1].isupper())):
        return None
    try:
        return Quantity(("n", in_base(found[1].replace(",", ""), base)))
    except Unreadable:
        return Special("meaningless")  # 57 in base 5: no number, and equal to nothing


def ratio(text: str, reader: PartReader) -> Value | None:
    """`2:3`, `2 to 3`, `1:30`; `3 out of 8` is 3/8."""
    share = _OUT_OF.fullmatch(text)
    if share and int(share[2]):
        return Quantity(("n", Fraction(int(share[1]), int(share[2]))))
    text = re.sub(r'(?<=[\d\w}])\s*(?:"\s*to\s*"|(?<![A-Za-z"])to(?![A-Za-z]))\s*(?=[\d\\a-z])', ":", text)
    parts = [p.strip() for p in split_top(text, ":")]
    if not 2 <= len(parts) <= 6 or not all(parts):
        return None
    clock = len(parts) <= 3 and all(re.fullmatch(r"\d{2}", p) and int(p) < 60 for p in parts[1:])
    clock = clock and bool(re.fullmatch(r"\d{1,2}", parts[0])) and int(parts[0]) <= 24
    return Ratio(tuple(reader.expression(p) for p in parts), clock)
