"""Units of measure and other words that may stand behind a value.

A unit is known powers of known units plus the remaining words ("red marbles"). Units are compared by name, never
converted: 5 m is not 500 cm under the default policy, and a unit missing on one side is no difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAMES = """
mm: millimeter millimeters millimetre millimetres
cm: centimeter centimeters centimetre centimetres
dm: decimeter decimeters
m: meter meters metre metres
km: kilometer kilometers kilometre kilometres kms
nm: nanometer nanometers
inch: inches
ft: foot feet
yd: yard yards yds
mi: mile miles
mg: milligram milligrams
g: gram grams gms
kg: kilogram kilograms kgs kilo kilos
ton: tons tonne tonnes
oz: ounce ounces
ms: millisecond milliseconds
s: second seconds sec secs
min: minute minutes mins
h: hour hours hr hrs
day: days
week: weeks wk wks
month: months
year: years yr yrs
ml: milliliter milliliters millilitre millilitres mL
L: liter liters litre litres
gal: gallon gallons
qt: quart quarts
pint: pints
cup: cups
dollar: dollars usd USD bucks
cent: cents
euro: euros EUR
pound: pounds lb lbs
yen: JPY
yuan: RMB CNY
rupee: rupees Rs INR
degree: degrees deg
radian: radians rad rads
celsius:
fahrenheit:
kelvin: kelvins
mph:
mpg:
kph: kmh kmph
knot: knots
N: newton newtons
J: joule joules
kJ: kilojoule kilojoules
W: watt watts
kW: kilowatt kilowatts
kWh:
V: volt volts
A: ampere amperes amps amp
ohm: ohms
Hz: hertz
kHz:
MHz:
Pa: pascal pascals
kPa:
mol: mole moles
cal: calorie calories
kcal:
percent:
acre: acres
hectare: hectares
byte: bytes
bit: bits
kB: KB kilobyte kilobytes
MB: megabyte megabytes
GB: gigabyte gigabytes
person: people persons
"""


def _known() -> dict[str, str]:
    known: dict[str, str] = {}
    for line in _NAMES.strip().splitlines():
        name, _, others = line.partition(":")
        known.update(dict.fromkeys((name, *others.split()), name))
    return known


KNOWN = _known()
_LOWER = {word.lower(): name for word, name in KNOWN.items() if len(word) > 2}
UNIT_WORDS = frozenset(word for word in KNOWN if len(word) > 1) | {"in", "am", "pm"}
SINGLE_LETTERS = frozenset("mgshLNJWVKld")
_COMPOUND = {"mph": (("h", -1), ("mi", 1)), "mpg": (("gal", -1), ("mi", 1)), "kph": (("h", -1), ("km", 1))}
_FILLER_WORDS = """
    a an the of in total altogether left remaining more less each all only exactly about approximately away old long
    tall high wide deep per large extra is are be was were there units unit and
"""
_FILLER = frozenset(_FILLER_WORDS.split())
_IRREGULAR = {"children": "child", "men": "man", "women": "woman", "feet": "foot", "mice": "mouse", "geese": "goose"}
_PIECE = re.compile(r"[A-Za-zµ]+|\^\s*\{?\s*-?\d+\s*\}?|/|\\cdot|\\times|\d+|\S")
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}

_LETTER_UNITS = "[mgshLNJWV]"  # units of one letter, where they cannot be taken for a word or a symbol
_LONG_UNITS = "|".join(sorted((w for w in KNOWN if len(w) > 1), key=len, reverse=True))
_POWER = r"(?:\s*\^\s*\{?-?[1-4]\}?|[²³])?"
_FURTHER = rf"(?:\s?/\s?(?:{_LONG_UNITS}|{_LETTER_UNITS})(?![A-Za-z]){_POWER})"
# A quotient of units in plain letters: km/h, m/s^2, g/cm³.
QUOTIENT = rf"(?:{_LONG_UNITS}|{_LETTER_UNITS})(?![A-Za-z]){_POWER}{_FURTHER}{{1,3}}"

# What may stand right behind a box and still belong to the answer.
SUFFIX = re.compile(
    r"[\s$]*(?:\\[,;!: ]|~|\\\)|\\\])*[\s$]*"
    r"(\\?%|per\s?cent\b|\^\s*\{?\s*\\circ\s*\}?|°|\\degree|degrees?\b|_\s*\{?\s*\d+\s*\}?"
    r"|\\(?:text|mathrm|mbox)\s*\{[^{}]{1,40}\}(?:\s*\^\s*\{?\d\}?)?"
    rf"|{QUOTIENT}|(?:{_LONG_UNITS})(?![A-Za-z]){_POWER}"
    rf"|{_LETTER_UNITS}(?:\^\{{?[23]\}}?|[²³])?(?=[.,;]?(?:\s*$|\s*\n|\s+[A-Z])))"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """`powers`: known units with their exponents, sorted. `nouns`: everything else, as plain stems."""

    powers: tuple[tuple[str, int], ...] = ()
    nouns: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.powers or self.nouns)

    def has(self, name: str) -> bool:
        """Is `name` one of the known units in it?"""
        return any(unit == name for unit, _ in self.powers)

    def without(self, name: str) -> Unit:
        """The unit less one of its parts."""
        return Unit(tuple(p for p in self.powers if p[0] != name), self.nouns)


NO_UNIT = Unit()


def parse_unit(text: str) -> Unit | None:
    """The unit that a text like "square cm", `km/h` or `"cm"^{2}` names; None when it is not only words."""
    plain = text.replace('"', " ").replace("\\", " \\").replace(".", " ")
    pieces = _PIECE.findall(re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])", " ", plain))
    powers: dict[str, int] = {}
    nouns: set[str] = set()
    sign, pending, last, generic = 1, 1, "", False
    for index, piece in enumerate(pieces):
        if piece[0].isalpha():
            lower = piece.lower()
            if piece == "per" or lower == "per":
                sign = -1
            elif lower in ("square", "sq", "squared"):
                pending, last = _squared(powers, last, lower, 2)
            elif lower in ("cubic", "cubed", "cu"):
                pending, last = _squared(powers, last, lower, 3)
            elif (name := _canonical(piece, alone=len(pieces) <= 2 or index == 0)) is not None:
                powers[name] = powers.get(name, 0) + sign * pending
                last, pending = name, 1
            elif lower in ("unit", "units"):
                generic = True
            elif lower not in _FILLER:
                nouns.add(_stem(lower))
                last = ""
        elif piece.startswith("^"):
            if not last and generic:
                continue  # "units^2" names no unit
            exponent = re.search(r"-?\d{1,3}", piece)
            if not last or exponent is None:
                return None
            powers[last] += (int(exponent.group()) - 1) * (1 if powers[last] > 0 else -1)
        elif piece == "/":
            sign = -1
        elif piece not in ("\\cdot", "\\times", "*", "(", ")", "{", "}", ",", "\u2009", "'", "’"):
            return None
    for name, parts in _COMPOUND.items():
        if powers.pop(name, None):
            powers.update(parts)
    return Unit(tuple(sorted(powers.items())), frozenset(nouns))


def _squared(powers: dict[str, int], last: str, word: str, power: int) -> tuple[int, str]:
    """ "square cm" looks ahead, "cm squared" looks back."""
    if word.endswith("ed") and last:
        powers[last] *= power
        return 1, last
    return power, ""


def _canonical(word: str, alone: bool) -> str | None:
    if word in ("in", "In"):
        return "inch" if alone else None
    return KNOWN.get(word) or _LOWER.get(word.lower())


def _stem(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def compatible(a: Unit, b: Unit) -> bool:
    """May two values with these units be the same answer? A missing unit is no difference."""
    if not a or not b:
        return True
    if bool(a.powers) != bool(b.powers):
        return False
    if a.powers != b.powers:
        return False
    return not a.nouns or not b.nouns or a.nouns <= b.nouns or b.nouns <= a.nouns
