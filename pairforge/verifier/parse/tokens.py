"""Where a text falls apart: separators and brackets on the top level, and the tokens of an expression.

All functions take text in the normal spelling (`normalise`).
"""

from __future__ import annotations

import re
from fractions import Fraction

from pairforge.verifier.parse.syntax import THIN, Token, TokenKind, Unreadable
from pairforge.verifier.parse.units import UNIT_WORDS

# --- separators and brackets ---------------------------------------------------------------------------------------

_OPEN, _CLOSE = "([{", ")]}"
_OR = re.compile(r'"\s*(?:,\s*)?(or|and)\s*"|(?<![A-Za-z"])(or|and)(?![A-Za-z])|\\(lor|land)(?![A-Za-z])|;|&')


def split_top(text: str, separators: str) -> list[str]:
    """The parts between separators (single characters) outside all brackets, environments and quotes."""
    parts, depth, begin, quoted = [], 0, 0, False
    for index, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth -= 1
        elif char == "\\":
            depth += text.startswith("\\begin", index) - text.startswith("\\end{", index)
        elif char in separators and depth == 0:
            parts.append(text[begin:index])
            begin = index + 1
    return [*parts, text[begin:]]


_LAKHS = r"[1-9]\d?(?=(?:,\d\d)*,0)(?:,\d\d)+,\d{3}(?![\d,])"  # 1,00,000
_THOUSANDS = re.compile(rf"(?<![\d._^])(?:[1-9]\d{{0,2}}(?:,\d{{3}})+(?!\d|,\d)|{_LAKHS})")
_SPACED_COMMA = re.compile(rf",[\s{THIN}]|;")


def mark_separators(text: str, commas_group: bool, *, bracketed: bool = False) -> tuple[str, str]:
    """The text with every top-level separator of a list replaced by \\x1f, and what joins: "or", "and" or ","."""
    joint = ","
    protected = text.replace("{,}", "\x1e")
    if commas_group:
        protected = _protect_thousands(protected, bracketed)
    found = []
    for match in _OR.finditer(protected):
        word = match[1] or match[2] or {"lor": "or", "land": "and"}.get(match[3] or "", "")
        if not in_brackets(protected, match.start()):
            joint = word or joint
            found.append(match.span())
    for begin, end in reversed(found):
        protected = protected[:begin] + "\x1f" + protected[end:]
    parts = [p for whole in protected.split("\x1f") for p in split_top(whole, ",")]
    return "\x1f".join(p.replace("\x1e", "{,}" if "{,}" in text else ",") for p in parts), joint


def _protect_thousands(text: str, bracketed: bool) -> str:
    """The commas inside numbers as \\x1e.

    Where a space follows the commas that separate, one without a space groups digits: (0, 1,000) has two parts.
    Where no comma is spaced, (1,234) and 1,2,100 are lists, unless a part would be written with leading zeros.
    """
    spaced = _SPACED_COMMA.search(text) is not None

    def protect(found: re.Match[str]) -> str:
        a_list = bracketed or text.endswith(",", 0, found.start())
        sure = spaced or not a_list or ",0" in found[0]
        return found[0].replace(",", "\x1e") if sure else found[0]

    return _THOUSANDS.sub(protect, text)


def in_brackets(text: str, at: int) -> bool:
    """Is this position inside brackets?"""
    before = text[:at]
    opened = sum(before.count(c) for c in _OPEN) + before.count("\\begin")
    return opened > sum(before.count(c) for c in _CLOSE) + before.count("\\end{")


def encloses(text: str, width: int) -> bool:
    """Does the first bracket close with the last one?"""
    depth = 0
    for index, char in enumerate(text):
        depth += (char in _OPEN) - (char in _CLOSE)
        if depth == 0 and index >= width - 1:
            return index >= len(text) - 1
    return False


def trim(text: str) -> str:
    """Without white space and closing punctuation."""
    text = text.strip().strip(THIN).strip()
    while text.endswith((".", ",", ";")) and not text.endswith("..."):
        text = text[:-1].rstrip()
    return text


# --- tokens --------------------------------------------------------------------------------------------------------

_MAX_DIGITS = 400
_SPACE = re.compile(rf"[\s{THIN}]+")
_GROUPED = re.compile(
    rf"\d{{1,3}}(?:(?:\{{,\}}|,{THIN}?)\d{{3}})+(?![\d,]|\{{,\}}\d)|\d{{1,3}}(?:_\d{{3}})+(?!\d)"
    rf"|\d{{1,3}}(?:[ {THIN}'’]\d{{3}})+(?![\d'])"
    rf"|\d{{1,3}}(?:\.\d{{3}}){{2,}}(?!\d)|{_LAKHS}"
)
_DIGITS = re.compile(r"\d+")
_DECIMALS = re.compile(r"\.(\d*)|\{,\}(\d+)")
_REPEAT = re.compile(
    r"\\overline\s*\{\s*(\d{1,40})\s*\}|\((\d{1,40})\)(?![\d^])|\\dot\s*\{?(\d)\}?(?:(\d{0,20})\\dot\s*\{?(\d)\}?)?"
)
_EXPONENT = re.compile(r"[eE]([-+]?\d{1,4})(?![\d.A-Za-z])")
_PREFIXED = re.compile(r"0(?:[xX][0-9A-Fa-f]{1,60}|b[01]{1,200}|o[0-7]{1,80})(?![0-9A-Za-z])")
_COMMAND = re.compile(r"\\([A-Za-z]+(?:@[a-z]?)?)")
_LETTERS = re.compile(r"[A-Za-z]+")
_TEXT = re.compile(r'"([^"]*)"')
_TWO = {"<=": "le", ">=": "ge", "!=": "neq", "->": "to", "=>": "to"}
_ASCII_COMMANDS = {
    "sqrt": "sqrt", "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "ln": "ln",
    "log": "log", "exp": "exp", "arcsin": "arcsin", "arccos": "arccos", "arctan": "arctan", "asin": "arcsin",
    "acos": "arccos", "atan": "arctan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "pi": "pi", "Pi": "pi",
    "PI": "pi",
    "theta": "theta", "alpha": "alpha", "beta": "beta", "gamma": "gamma", "lambda": "lambda", "phi": "phi", "mu": "mu",
    "infinity": "infty", "Infinity": "infty", "infty": "infty", "inf": "infty", "oo": "infty", "abs": "abs",
    "mod": "bmod",
    "floor": "floor", "ceil": "ceil", "max": "max", "min": "min", "gcd": "gcd", "lcm": "lcm", "frac": "frac",
    "cbrt": "cbrt", "cis": "cis",
}  # fmt: skip
_GLUED = re.compile(r"(sqrt|arcsin|arccos|arctan|sin|cos|tan|ln|log|pi)([a-z]{1,2})")
_SMALL_WORD_LIST = """
    or and to in is if of no am pm at by as an on do so we it the for yes not all any few one two six ten new old men
    day are was has had per via mod set max min odd red blue none even true false
    NE NW SE SW
"""
_SMALL_WORDS = frozenset(_SMALL_WORD_LIST.split())


def tokenize(text: str, *, commas_group: bool = True) -> list[Token]:
    """The tokens of a text that is one expression. `commas_group`: 1,234 is one number. Raises `Unreadable`."""
    tokens: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        space = _SPACE.match(text, at)
        if space:
            at, spaced = space.end(), True
            continue
        made, at_next = _next(text, at, commas_group)
        for kind, body, value in made:
            behind_value = bool(tokens) and (tokens[-1].kind == "number" or tokens[-1].text in (")", "}", "pi"))
            if behind_value and text[at] != "\\" and body in _TIME_UNITS and _TIME_UNITS[body].match(text, at_next):
                kind = "text"  # minutes or seconds, not the minimum or the secant
            tokens.append(Token(kind, body, value, at, at_next, spaced))
            spaced = False
        at, spaced = at_next, False
    return tokens


_TIME_UNITS = {"min": re.compile(r"(?!\()"), "sec": re.compile(r"\s*(?:$|[.,;)])")}
_Made = list[tuple[TokenKind, str, Fraction]]


def _next(text: str, at: int, commas_group: bool) -> tuple[_Made, int]:
    char = text[at]
    prefixed = _PREFIXED.match(text, at) if char == "0" else None
    if prefixed:
        return [("number", prefixed.group(), Fraction(int(prefixed.group(), 0)))], prefixed.end()
    if char.isdigit() or (char == "." and text[at + 1 : at + 2].isdigit()):
        value, end = read_number(text, at, commas_group)
        return [("number", text[at:end], value)], end
    if char == "\\":
        found = _COMMAND.match(text, at)
        if found:
            return [("command", found[1], Fraction(0))], found.end()
        return [("sign", text[at : at + 2], Fraction(0))], at + 2
    if char == '"':
        found = _TEXT.match(text, at)
        if found is None:
            raise Unreadable("an open quotation mark")
        return [("text", found[1].strip(), Fraction(0))], found.end()
    found = _LETTERS.match(text, at)
    if found:
        return _letters(found.group()), found.end()
    pair = text[at : at + 2]
    if pair in _TWO:
        return [("command", _TWO[pair], Fraction(0))], at + 2
    if text.startswith("...", at):
        return [("sign", "...", Fraction(0))], at + 3
    if ord(char) > 127:
        end = at + 1
        while end < len(text) and text[end].isalpha():
            end += 1
        return [("text", text[at:end], Fraction(0))], end
    return [("sign", char, Fraction(0))], at + 1


def read_number(text: str, at: int, commas_group: bool = True) -> tuple[Fraction, int]:
    """The exact value of the numeral that starts at `at`, and where it ends."""
    grouped = _GROUPED.match(text, at) if commas_group or text.find("{,}", at, at + 6) > 0 else None
    if grouped and not commas_group and "," in grouped.group().replace("{,}", ""):
        grouped = None
    if grouped:
        digits, end = re.sub(r"\D", "", grouped.group()), grouped.end()
    else:
        plain = _DIGITS.match(text, at)
        digits, end = (plain.group(), plain.end()) if plain else ("", at)
    decimals = _DECIMALS.match(text, end)
    fraction = ""
    if decimals and not text.startswith("..", end):
        fraction, end = (decimals[1] if decimals[1] is not None else decimals[2]), decimals.end()
    elif decimals is None and not digits:
        raise Unreadable("not a number")
    if len(digits) + len(fraction) > _MAX_DIGITS:
        raise Unreadable("a number with too many digits")
    value = Fraction(int(digits + fraction or "0"), 10 ** len(fraction))
    if decimals or digits == "0":
        repeat = _repeating(text, end, fraction)
        if repeat:
            block, end, shift = repeat
            value = Fraction(int((digits + fraction)[: len(digits) + shift] or "0"), 10**shift)
            return value + Fraction(int(block), (10 ** len(block) - 1) * 10**shift), end
    exponent = _EXPONENT.match(text, end)
    if exponent:
        power = int(exponent[1])
        return value * Fraction(10) ** power, exponent.end()
    return value, end


def _repeating(text: str, end: int, fraction: str) -> tuple[str, int, int] | None:
    """(repeating block, end, number of decimals before the block) for 0.1\\overline{6}, 0.(3), 0.\\dot{3}, 0.333..."""
    marked = _REPEAT.match(text, end)
    if marked and (fraction or text[end - 1 : end] == "."):
        if marked[3]:
            block = marked[3] + (marked[4] or "") + marked[5] if marked[5] else marked[3]
        else:
            block = marked[1] or marked[2]
        return block, marked.end(), len(fraction)
    if text.startswith("...", end) and fraction:
        for size in range(1, len(fraction) // 2 + 1):
            block = fraction[-size:]
            times = 1
            while fraction.endswith(block * (times + 1)):
                times += 1
            if times >= (3 if size == 1 else 2):
                return block, end + 3, len(fraction) - size * times
    return None


def _letters(run: str) -> _Made:
    """One run of letters: a function, a product of symbols, or a word."""
    zero = Fraction(0)
    if run in _ASCII_COMMANDS:
        return [("command", _ASCII_COMMANDS[run], zero)]
    glued = _GLUED.fullmatch(run)
    if (
        glued
        and run not in UNIT_WORDS
        and run not in ("cosh", "tang", "pint", "pink", "pie", "pic", "logs", "since", "sine")
    ):
        return [("command", _ASCII_COMMANDS[glued[1]], zero), *(("symbol", c, zero) for c in glued[2])]
    if is_product(run):
        return [("symbol", c, zero) for c in run]
    return [("text", run, zero)]


def is_product(run: str) -> bool:
    """Do these letters stand for a product of symbols, rather than for a word or a unit?"""
    if len(run) == 1:
        return True
    if run in _SMALL_WORDS or run in UNIT_WORDS or run.lower() in _SMALL_WORDS:
        return False
    if len(run) == 2:
        return run.islower() or run[1].isupper()  # "Al" may be a name
    if len(run) == 3 and run[0].islower() and not run.islower():
        return True  # mgL, nRT
    if len(run) > 6 or not run.islower():
        return False
    return not set(run) & set("aeiou") or (set(run) <= set("abcdxyz") and list(run) == sorted(run))
