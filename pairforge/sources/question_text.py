"""A question as comparable words: one spelling for LaTeX, numbers and punctuation."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from pairforge.sources.number_words import CARDINALS, NUMBER_WORDS, plain_number, read_number


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
            shown = plain_number(shown)
        elif kind == "word":
            shown = _POSSESSIVE.sub("", shown).replace("'", "")
        lower = shown.lower()
        words.append(_SAME.get(lower, lower))
        capital.append(shown != lower)
    breaks.add(len(words))
    if any(word in NUMBER_WORDS for word in words):
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
_DROPPED = (
    "dfrac tfrac cfrac frac left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle "
    "displaystyle textstyle limits nolimits quad qquad text textrm textbf textit texttt mbox hbox mathrm mathbf mathit "
    "mathsf mathcal mathbb boldsymbol operatorname boxed fbox underline cdot times ast ldots cdots dots dotsc dotsb "
    "vdots lvert rvert vert mid lbrace rbrace langle rangle lfloor rfloor lceil rceil hfill noindent hline item bf rm "
    "it ensuremath phantom hphantom vphantom nonumber notag"
)
_COMMANDS = dict.fromkeys(_DROPPED.split(), "") | {
    "div": "/", "le": "≤", "leq": "≤", "leqslant": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "ne": "≠", "neq": "≠",
    "lt": "<", "gt": ">", "pm": "±", "rightarrow": "to", "dbinom": "binom", "tbinom": "binom", "varphi": "phi",
    "pmod": "mod", "bmod": "mod", "varepsilon": "epsilon", "vartheta": "theta",
    "infty": "infinity", "newline": "\n", "par": "\n",
}  # fmt: skip


def _command(found: re.Match[str]) -> str:
    return f" {_COMMANDS.get(found[1], found[1])} "


_LATEX: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\\begin\{(?:array|tabular)\}\s*(?:\{[^{}]*\})?|\\(?:begin|end)\{[^{}]*\}"), " "),
    (re.compile(r"\\[hv]space\*?\{[^{}]*\}|\\(?:label|tag)\{[^{}]*\}"), " "),
    (re.compile(r"\\\\(?:\[[^\]]*\])?|\\[\[\]]|\$\$"), "\n"),
    (re.compile(r"\\[dtc]?frac\s*(\d)\s*(\d)"), r" \1 / \2 "),
    (re.compile(r"\\[dtc]?frac\s*(\w)\s*\{"), r" \1 / {"),
    (re.compile(r"\\[dtc]?frac\s*\{([^{}]*)\}\s*(\w)"), r" \1 / \2 "),
    (re.compile(r"\}\s*\{"), " / "),
    (re.compile(r"\^?\s*\{?\s*\\(?:circ|degree)(?![A-Za-z])\s*\}?"), " degree "),
    (re.compile(r"\\([A-Za-z]+)"), _command),
    (re.compile(r"\\[^A-Za-z%]"), " "),
)
_SYMBOLS = {
    "÷": " / ", "⁄": " / ", "∕": " / ", "−": "-", "–": "-", "—": " -- ", "°": " degree ", "√": " sqrt ", "∠": " angle ",
    "△": " triangle ", "∞": " infinity ", "→": " to ", "⩽": " ≤ ", "⩾": " ≥ ", "∈": " in ", "∪": " cup ", "∩": " cap ",
    "∑": " sum ", "∏": " prod ", "∫": " int ", "⊥": " perp ", "∥": " parallel ", "≡": " equiv ", "≈": " approx ",
    "≅": " cong ", "∼": " sim ", "×": " ", "·": " ", "⋅": " ", "∙": " ", "•": "\n",
}  # fmt: skip
_GREEK = {
    letter: f" {unicodedata.name(letter).split()[-1].lower().replace('lamda', 'lambda')} "
    for letter in "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"
}
_TO_PLAIN = str.maketrans(_SYMBOLS | _GREEK | {"’": "'", "‘": "'", "“": '"', "”": '"'})
# A hyphen, not a minus: behind a word, or before one that is no number.
_DASH = re.compile(rf"(?<=[^\W\d_]{{2}})\s*-+(?!\s*\d)|-+(?=\s*(?!(?:{'|'.join(CARDINALS)})\b)[^\W\d_]{{2}})")
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
            text = pattern.sub(replacement, text)
    if "<" in text:
        text = _TAG.sub("\n", text)
    return _DASH.sub(" ", text) if "-" in text else text


def _figure(found: re.Match[str]) -> str:
    code = "".join(found[0].replace("\\left", "").replace("\\right", "").split())
    return f"\nfigure{zlib.crc32(code.encode('utf-8', 'replace')):08x}figure\n"


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


def _with_digits(words: list[str], capital: list[bool], breaks: set[int]) -> Question:
    """The same words with every spelt number in digits."""
    new_words: list[str] = []
    new_capital: list[bool] = []
    moved: dict[int, int] = {}
    at = 0
    while at < len(words):
        moved[at] = len(new_words)
        digits, end = read_number(words, at)
        if end == at:
            digits, end = [words[at]], at + 1
        new_capital += [capital[at] and len(digits) == 1 and digits[0] == words[at]] * len(digits)
        new_words += digits
        at = end
    moved[len(words)] = len(new_words)
    return Question(tuple(new_words), tuple(new_capital), frozenset(moved[b] for b in breaks if b in moved))
