"""A question as comparable words: one spelling for LaTeX, numbers and punctuation."""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Question:
    """The words of a question, in one spelling.

    `words` are lower-case words, numbers and operators. `capital` says for each whether it is written with a capital
    letter. `breaks` are the positions in `words` at which a sentence, a line or a quotation starts or ends.
    """

    words: tuple[str, ...]
    capital: tuple[bool, ...]
    breaks: frozenset[int]


def normalise(text: str) -> Question:
    """Read a question.

    `\\dfrac{1}{2}`, `\\frac12`, `1/2` and `½` are the same words; so are `12` and `twelve`, `1,000` and `1000`, `50\\%`
    and `50 percent`, `x²` and `x^{2}`. Multiplication signs, brackets, currency signs and formatting commands do not
    count. An Asymptote figure is one word, made of a digest of its code.
    """
    words: list[str] = []
    capital: list[bool] = []
    breaks = {0}
    for found in _TOKEN.finditer(_plain_text(text)):
        kind, shown = found.lastgroup, found[0]
        if kind == "stop":
            breaks.add(len(words))
            continue
        if kind == "number":
            shown = _number(shown)
        elif kind == "word":
            shown = _POSSESSIVE.sub("", shown).replace("'", "")
        lower = shown.lower()
        words.append(_SAME.get(lower, lower))
        capital.append(shown != lower)
    breaks.add(len(words))
    if any(word in _NUMBER_WORDS for word in words):
        return _with_digits(words, capital, breaks)
    return Question(tuple(words), tuple(capital), frozenset(breaks))


def is_number(word: str) -> bool:
    """Whether a word of a `Question` is a number or an ordinal (`3`, `2.5`, `4th`)."""
    return word[0].isdigit()


def is_operator(word: str) -> bool:
    """Whether a word of a `Question` is a sign such as `+` or `=`."""
    return not word[0].isalnum()


# --- from text to plain text: Unicode and LaTeX ---

_SUPERSCRIPT = re.compile("[⁰¹²³⁴-⁹]+")
_VULGAR_FRACTION = re.compile("[¼-¾⅐-⅞]")
_FIGURE = re.compile(r"\[asy\].*?(?:\[/asy\]|\Z)", re.DOTALL)
_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\}|,?\\[!,;:])(?=\d{3}(?!\d))")
_LATEX = (
    (re.compile(r"\\begin\{(?:array|tabular)\}\s*(?:\{[^{}]*\})?|\\(?:begin|end)\{[^{}]*\}"), " "),
    (re.compile(r"\\[hv]space\*?\{[^{}]*\}|\\(?:label|tag)\{[^{}]*\}"), " "),
    (re.compile(r"\\\\(?:\[[^\]]*\])?|\\[\[\]]|\$\$"), "\n"),
    (re.compile(r"\\[dtc]?frac\s*(\d)\s*(\d)"), r" \1 / \2 "),
    (re.compile(r"\\[dtc]?frac\s*(\w)\s*\{"), r" \1 / {"),
    (re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*(\w)"), r" \1 / \2 "),
    (re.compile(r"\}\s*\{"), " / "),
    (re.compile(r"\^?\s*\{?\s*\\(?:circ|degree)(?![A-Za-z])\s*\}?"), " degree "),
    (re.compile(r"\\([A-Za-z]+)"), lambda found: f" {_COMMANDS.get(found[1], found[1])} "),
    (re.compile(r"\\[^A-Za-z%]"), " "),
)
_DROPPED = (
    "dfrac tfrac cfrac frac left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle "
    "displaystyle textstyle limits nolimits quad qquad text textrm textbf textit texttt mbox hbox mathrm mathbf mathit "
    "mathsf mathcal mathbb boldsymbol operatorname boxed fbox underline cdot times ast ldots cdots dots dotsc dotsb vdots "
    "lvert rvert vert mid lbrace rbrace langle rangle lfloor rfloor lceil rceil hfill noindent hline item bf rm it "
    "ensuremath phantom hphantom vphantom nonumber notag"
)
_COMMANDS = dict.fromkeys(_DROPPED.split(), "") | {
    "div": "/", "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "ne": "≠", "neq": "≠",
    "lt": "<", "gt": ">", "pm": "±", "rightarrow": "to", "dbinom": "binom", "tbinom": "binom", "varphi": "phi",
    "varepsilon": "epsilon", "vartheta": "theta", "infty": "infinity", "newline": "\n", "par": "\n",
}  # fmt: skip
_SYMBOLS = {
    "÷": " / ", "⁄": " / ", "∕": " / ", "−": "-", "–": "-", "—": " -- ", "°": " degree ", "√": " sqrt ", "∠": " angle ",
    "△": " triangle ", "∞": " infinity ", "→": " to ", "⩽": " ≤ ", "⩾": " ≥ ", "∈": " in ", "∪": " cup ", "∩": " cap ",
    "∑": " sum ", "∏": " prod ", "∫": " int ", "⊥": " perp ", "∥": " parallel ", "≡": " equiv ", "≈": " approx ",
    "≅": " cong ", "∼": " sim ", "×": " ", "·": " ", "⋅": " ", "∙": " ", "•": "\n",
}  # fmt: skip
_GREEK = {
    letter: f" {unicodedata.name(letter).removeprefix('GREEK SMALL LETTER ').lower()} " for letter in "αβγδεζηθικλμνξπρστυφχψω"
}  # fmt: skip
_TO_PLAIN = str.maketrans(_SYMBOLS | _GREEK | {"’": "'", "‘": "'", "“": '"', "”": '"'})
_TAG = re.compile(r"<\|?/?[A-Za-z_]+\|?>")


def _plain_text(text: str) -> str:
    if not text.isascii():
        text = _SUPERSCRIPT.sub(lambda found: "^" + found[0], text)
        text = _VULGAR_FRACTION.sub(r" \g<0>", text)
        text = unicodedata.normalize("NFKC", text).translate(_TO_PLAIN)
    if "[asy]" in text:
        text = _FIGURE.sub(_figure, text)
    text = _THOUSANDS.sub("", text)
    if "\\" in text or "{" in text:
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)  # type: ignore[arg-type]
    if "<" in text:
        text = _TAG.sub("\n", text)
    return _DASH.sub(" ", text) if "-" in text else text


def _figure(found: re.Match[str]) -> str:
    return f"\nfigure{zlib.crc32(''.join(found[0].split()).encode('utf-8', 'replace')):08x}figure\n"


# --- from plain text to words ---

_TOKEN = re.compile(
    r"(?P<figure>figure[0-9a-f]{8}figure)"
    r"|(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:(?:st|nd|rd|th)\b)?)"
    r"|(?P<character>[\u3040-\u30ff\u4e00-\u9fff])"  # no spaces between words there
    r"|(?P<word>[^\W\d_\u3040-\u30ff\u4e00-\u9fff]+(?:'[^\W\d_]+)*)"
    r"|(?P<operator>[+\-/^=≤≥≠±%]|[<>]=?)"
    r"|(?P<stop>\n|[?!;:\"]|\.(?=\W*(?:\s|$)))"
)
_POSSESSIVE = re.compile(r"'[sS]$")
_SAME = {
    "%": "percent", "<=": "≤", ">=": "≥", "degrees": "degree", "∘": "degree", "per cent": "percent",
}  # fmt: skip


def _number(shown: str) -> str:
    """One spelling of a number in digits: `007`, `7.0` and `7` are 7; `3rd` is 3th, like every ordinal."""
    digits = shown.rstrip("stndrh")
    whole, _, part = digits.partition(".")
    part = part.rstrip("0")
    number = (whole.lstrip("0") or "0") + (f".{part}" if part else "")
    return number + ("th" if len(digits) < len(shown) else "")


# --- number words ---

_UNITS = {w: n for n, w in enumerate("zero one two three four five six seven eight nine".split())}
_TEENS = {
    w: n
    for n, w in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), start=10
    )
}
_TENS = {
    w: n * 10 for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
} | {"fourty": 40}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ORDINALS = {
    w: n
    for n, w in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        start=1,
    )
} | {"thirtieth": 30, "fortieth": 40, "fiftieth": 50, "hundredth": 100, "thousandth": 1000}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    name: value
    for word, value in _ORDINALS.items()
    if value > 2
    for name in (word, word + "s")
}
_NUMBER_WORDS = _UNITS | _TEENS | _TENS | _SCALES | _ORDINALS | _PARTS | {"hundred": 100}

# A hyphen, not a minus: behind a word, or before one that is no number.
_DASH = re.compile(
    rf"(?<=[^\W\d_]{{2}})\s*-+(?!\s*\d)|-+(?=\s*(?!(?:{'|'.join(_UNITS | _TEENS | _TENS)})\b)[^\W\d_]{{2}})"
)


def _with_digits(words: list[str], capital: list[bool], breaks: set[int]) -> Question:
    """The same words with every spelt number in digits."""
    new_words: list[str] = []
    new_capital: list[bool] = []
    moved: dict[int, int] = {}
    at = 0
    while at < len(words):
        moved[at] = len(new_words)
        digits, end = _read_number(words, at)
        if end == at:
            digits, end = [words[at]], at + 1
        new_capital += [capital[at] and len(digits) == 1 and digits[0] == words[at]] * len(digits)
        new_words += digits
        at = end
    moved[len(words)] = len(new_words)
    return Question(tuple(new_words), tuple(new_capital), frozenset(moved[b] for b in breaks if b in moved))


def _read_number(words: list[str], at: int) -> tuple[list[str], int]:
    """The number that starts at a position, in digits, and where it ends; it ends where it starts if there is none."""
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
    return [_number(f"{value:f}")], end


def _cardinal(words: list[str], start: int) -> tuple[Decimal | None, int]:
    """The value of `two hundred and five`, `3 million` or `two point five`, and where it ends. None: no number."""
    total = group = Decimal(0)
    limit = 10**3  # the next word of this group must be smaller than this
    scale = 10**15
    seen = in_digits = False
    at = start
    while at < len(words):
        word = words[at]
        value = _UNITS.get(word, _TEENS.get(word, _TENS.get(word)))
        if value is not None and value < limit:
            group += value
            limit = 10 if value >= 20 else 0
            if value == 0:
                limit = 0
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


def _is_small(words: list[str], at: int, limit: int) -> bool:
    """Whether a number below the limit stands there: `five` after "two hundred and", but not `five hundred`."""
    word, following = (*words[at : at + 2], "", "")[:2]
    return following != "hundred" and any(names.get(word, limit) < limit for names in (_UNITS, _TEENS, _TENS))


def _decimals(words: list[str], at: int, whole: Decimal) -> tuple[Decimal, int]:
    digits = ""
    while at < len(words) and words[at] in _UNITS:
        digits += str(_UNITS[words[at]])
        at += 1
    return whole + Decimal(f"0.{digits}"), at
