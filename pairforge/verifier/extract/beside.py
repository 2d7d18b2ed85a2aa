"""What stands right beside a box and belongs to the answer: a sign, a factor, a power, a quotient, a unit."""

from __future__ import annotations

import re

from pairforge.verifier.parse.units import KNOWN, QUOTIENT, SCALES, SINGLE_LETTERS

_GAP = r"[ \t$]*(?:(?:\\[,;!: ]|~|\\\)|\\\]|\n(?!\s*\n))[ \t$]*){0,6}"
_POWER = r"(?:\s?(?:\$|\\\()?\s*\^\s*\{?-?[1-4]\}?|[²³])?"
_LONG = "|".join(sorted((word for word in KNOWN if len(word) > 1), key=len, reverse=True))
_LETTER = "[" + "".join(sorted(SINGLE_LETTERS - {"K", "l", "d"})) + "]"
_SQUARE = r"(?:square|cubic|sq\.?|cu\.?)"
_WORDS = rf"(?:(?:{'|'.join(SCALES)})\s)?(?:{_SQUARE}\s)?(?:{_LONG}|{'|'.join(SCALES)}|in|units?)(?![A-Za-z]){_POWER}"

# Units and signs that may follow a value behind any gap, also behind the end of the formula.
_UNIT = re.compile(
    rf"{_GAP}(?:"
    r"(?P<sign>\\?%|\^\s*\{?\s*\\circ\s*\}?(?:\s*\\?(?:text|mathrm)?\{?\s?[CF]\b\}?)?|°(?:\s?[CF]\b)?|\\degree"
    r"|per\s?cent(?:age)?\b|degrees?(?:\s(?:[Cc]elsius|[Ff]ahrenheit))?\b)"
    r"|(?P<base>_\s*\{?\s*\d+\s*\}?)"
    rf"|(?P<half>(?:[ap]\.\s?m\.|[ap]m|[AP]\.?M)(?![A-Za-z])\.?)"
    rf"|\\(?:text|mathrm|mbox|textrm|operatorname)\s*\{{(?P<text>[^{{}}]{{1,40}})\}}(?P<textpower>{_POWER})"
    rf"|(?P<ohm>\\Omega)(?![A-Za-z])"
    rf"|(?P<unit>{QUOTIENT}|(?:{_WORDS})(?:\sper\s[a-z]{{2,12}})?"
    rf"|{_LETTER}(?:\s?\$?\s*\^\s*\{{?[23]\}}?|[²³]|(?=[.,;]?(?:\s*(?:\$|\\\)|\\\])|\s*$|\s*\n|\s+[A-Z]))))"
    r")"
)
_LOOK = 70  # how far behind a box its unit may reach

_NUMERIC = re.compile(r"-?(?:[\d.,]|\\[,!]|\{,\})*\d|-?\\[dt]?frac\s*\{?\d+\}?\s*\{?\d+\}?|-?\d+\s?/\s?\d+")
_NOUN = re.compile(
    r"[ \t$]*(?:\\\)|\\\])? ((?:[a-z]{3,12} )?(?:[a-z]{2,14}s|people|children|men|women|mice|feet))"
    r"(?= *(?:left|remaining|in total|in all|altogether|total|each)?[.!]? *(?:\n|$))"
)
_NO_NOUN = re.compile(
    r".*\b(?:is|was|has|as|this|thus|plus|yes|gives|works|equals|satisfies|makes|does|holds|means|follows|units"
    r"|always|ways|matches|checks|times|solutions|is|the|and|for|with|that)$"
)


def before(text: str, start: int, content: str) -> str:
    """The sign, currency or factor that stands right before the box."""
    ahead = text[max(0, start - 16) : start]
    if ahead.endswith("\\") and not ahead.endswith("\\\\"):
        ahead = ahead[:-1]  # the command is escaped once more: \\\\boxed
    if ahead.endswith(("\\$", "€", "£", "¥", "₹")):
        return "\\$" if ahead.endswith("$") else ahead[-1]
    if ahead.endswith("-") and _MINUS_BEFORE.search(ahead):
        return "-"
    if content.lstrip().startswith(("\\sqrt", "\\pi")) and (factor := _FACTOR_BEFORE.search(ahead)):
        return factor[1]
    return ""


_MINUS_BEFORE = re.compile(r"[=$({]\s?-$")
_FACTOR_BEFORE = re.compile(r"(?:[=$]|\\\(|\\\[)\s*(-?\d{1,9}(?:\.\d{1,6})?)\s?$")


# The usual end of a box: the end of its formula, a full stop, the end of the line.
_NOTHING = re.compile(r"[ \t]*\n?(?:\$\$?|\\[)\]])?\.?[ \t]*(?:\n(?!\s*(?:\$\$|\\\]))|\Z)")


def with_what_follows(text: str, start: int, end: int, content: str) -> str | None:
    """The content of the box with what stands right behind it; None where it is a part of a larger formula."""
    if _NOTHING.match(text, end, end + _LOOK):
        return content
    if text[end : end + 1] == "}" and _ARGUMENT.search(text, max(0, start - 12), start):
        return None
    unit, at = _unit(text, end)
    if unit:
        return content + unit
    factor, at = _factor(text, start, end)
    if factor and not _NO_VALUE.search(content):
        name, equals, value = content.rpartition("=")
        return name + equals + _joined(value, factor) + _unit(text, at)[0]
    noun = _NOUN.match(text, end, end + _LOOK)
    if noun and _NUMERIC.fullmatch(content.strip()) and not _NO_NOUN.match(noun[1]):
        return f"{content} \\text{{ {noun[1]}}}"
    return content


# No value that a factor could follow: words, relations, lists.
_NO_VALUE = re.compile(
    r"\\(?:text|mathrm|mbox|leq?|geq?|lt|gt|in|begin|cup)(?![a-z])|[<>;]|,(?!\d{3})|(?<![\\a-z])[a-z]{3,}"
)
_ARGUMENT = re.compile(r"\\(?:[dt]?frac|sqrt)\s*\{\s*-?$")


_MORE_WORDS = ("square", "cubic", "sq", "cu", "in", "unit", "units", "per", "percent", "a", "p", "am", "pm", "A", "P")
_FIRST_WORDS = frozenset((*KNOWN, *SCALES, *_MORE_WORDS))
_GAP_ONLY = re.compile(_GAP)
_LETTERS = re.compile(r"[A-Za-z]+")


def _may_be_unit(text: str, end: int) -> bool:
    """Is there anything behind the box that could start a unit? Cheap, for the usual box with nothing behind it."""
    gap = _GAP_ONLY.match(text, end, end + _LOOK)
    at = gap.end() if gap else end
    word = _LETTERS.match(text, at)
    if word:
        return word[0] in _FIRST_WORDS or word[0].lower() in _FIRST_WORDS
    return text[at : at + 1] in ("\\", "%", "^", "_", "°")


def _unit(text: str, end: int) -> tuple[str, int]:
    if not _may_be_unit(text, end):
        return "", end
    found = _UNIT.match(text, end, end + _LOOK)
    if found is None:
        return "", end
    kind = found.lastgroup
    stop = found.end()
    if found["text"] is not None:
        power = re.sub(r"[$\s]|\\\(", "", found["textpower"])
        words = found["text"]
        return ("", end) if _CONJUNCTION.fullmatch(words.strip()) else (f" \\text{{{words}}}{power}", stop)
    if kind in ("sign", "base"):
        sign = found[kind].strip()
        return f"{'' if sign[0] in '^_' else ' '}{sign}", stop
    if kind == "half":
        return f" \\text{{ {found['half']}}}", stop
    if kind == "ohm":
        return " \\text{ ohm}", stop
    if found["unit"].rstrip("s^2³²{}").endswith(("unit", "units ")):
        return "", end  # "units" says nothing that could be compared
    word = re.sub(r"[{}$]|\\\(", "", found["unit"])
    name, caret, power = word.partition("^")
    if caret and "/" not in name and "per" not in name:
        return f" \\text{{ {name.strip()}}}^{power.strip()}", stop
    return f" \\text{{{word}}}", stop


_CONJUNCTION = re.compile(r"(?:and|or|if|for|when|where|is|so|by|since|because|QED|as|which|und|oder|et|ou|y|o|e)\b.*")

# Where a formula is open, what follows up to its end is a part of the answer when it is only a product, power or sum.
_PIECE_END = re.compile(
    r"\$|\\\)|\\\]|\n|\\end|\\\\|\\q?quad|\\text|\\tag|\\mathrm|\\mbox|[,;=<>&]|\\[,;]?\s*\\(?:text|quad)|$"
)
_PIECE = re.compile(
    r"(?:\\times|\\cdot|\\div|\\pm|\\sqrt|\\pi|\\[dt]?frac|\\left\(|\\theta|[-+*/^×·÷!(]|[a-zA-Z](?![a-zA-Z]))"
    r"(?:\\(?:times|cdot|div|pm|sqrt|pi|[dt]?frac|left|right|theta|alpha|beta|ln|log|sin|cos|tan|[,!; ])(?![a-zA-Z])"
    r"|[-+*/^×·÷!(){}\[\]_.\d\s]|(?<![a-zA-Z])[a-zA-Z]{1,2}(?![a-zA-Z]))*"
)
_OUTSIDE = re.compile(  # behind a box that stands in no formula, or behind the end of its formula
    r"[ \t]?(?:\$|\\\))?[ \t]?(?P<factor>(?:\\times|\\cdot|[×·*x])\s?\$?10\s?(?:\^\s?\{?[-−]?\d+\}?|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)"
    r"|/\s?(?:\d+|\\sqrt\s?\{?\d+\}?|\\pi)(?![\w])|\^\s?\{?-?\d+\}?|\\sqrt\s?(?:\{[^{}]{1,20}\}|\d)|\\pi(?![a-zA-Z])"
    r"|[√]\s?\d+|π|[²³])"
)


def _factor(text: str, start: int, end: int) -> tuple[str, int]:
    """A factor, power, quotient or summand that continues the formula behind the box, and where it ends."""
    ahead = text[end : end + 12].lstrip(" \t")
    closed = ahead.startswith(("$", "\\)", "\\]"))
    if closed:
        ahead = ahead.removeprefix("\\)").removeprefix("\\]").lstrip("$ \t")
        if ahead[:1] not in _FACTOR_OUTSIDE:
            return "", end
    elif ahead[:1] in _NO_FACTOR:
        return "", end
    gap = _SPACE.match(text, end)
    at = gap.end() if gap else end
    if not closed and at < len(text) and _in_formula(text, start):
        stop = _PIECE_END.search(text, at, at + 80)
        if stop is None or text.startswith(("=", "<", ">"), stop.start()):
            return "", end
        piece = text[at : stop.start()].rstrip().rstrip(".").rstrip()
        if piece and "\\boxed" not in piece and _PIECE.fullmatch(piece) and _balanced(piece):
            return piece, stop.start()
    outside = _OUTSIDE.match(text, end, end + 60)
    if outside:
        return outside["factor"].replace("$", "").replace("x", "\\times").replace("*", "\\times"), outside.end()
    return "", end


_FACTOR_OUTSIDE = ("\\", "×", "·", "*", "x", "/", "^", "√", "π", "²", "³")
_NO_FACTOR = ("", ".", ",", ";", ":", "\n", "?", ")", "]", "}", "|", "&", "=", "<", ">")
_SPACE = re.compile(r"(?:[ \t]|\\[,;!: ]|~){0,8}")


def _balanced(piece: str) -> bool:
    return piece.count("(") == piece.count(")") and piece.count("{") == piece.count("}")


def _in_formula(text: str, start: int) -> bool:
    ahead = text[max(0, start - 400) : start].replace("\\$", "")
    inline = ahead[ahead.rfind("\n\n") + 1 :].replace("$$", "$").count("$") % 2 == 1
    return inline or any(
        ahead.rfind(opener) > ahead.rfind(closer)
        for opener, closer in (("\\(", "\\)"), ("\\[", "\\]"), ("\\begin{", "\\end{"))
    )


def _joined(content: str, factor: str) -> str:
    """Content and factor as one expression; a sum, or the base of a power, gets parentheses where it needs them."""
    inner = content.strip()
    if factor.startswith(("+", "-", "\\pm")):
        return f"{inner}{factor}"
    single = re.fullmatch(r"[\d.,]+|[A-Za-z]|\\pi|\([^()]*\)", inner)
    power = factor.startswith(("^", "!", "²", "³"))
    if not single and (power or re.search(r"(?<!^)(?<![{(^])[-+]", inner)):
        inner = f"({inner})"
    return f"{inner}{factor}" if power or factor[0] in "/\\" else f"{inner} {factor}"
