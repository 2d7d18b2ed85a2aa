"""One spelling for every way of writing the same thing: Unicode, LaTeX variants, wrappers, spacing.

The result is still a string: LaTeX commands, ASCII, text between double quotes, and `\u2009` for thin spaces.
Everything here is linear in a text that is at most `MAX_ANSWER_CHARS` of `extract` long.
"""

from __future__ import annotations

import re
import unicodedata

from pairforge.verifier.parse.syntax import THIN, WIDE
from pairforge.verifier.parse.units import QUOTIENT, parse_unit

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ₙₓ", "0123456789nx", strict=True))
_FRACTIONS = {c: unicodedata.normalize("NFKD", c).split("⁄") for c in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"}
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "θ": "theta", "λ": "lambda", "μ": "mu",
    "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "ω": "omega", "π": "pi", "𝜋": "pi", "Δ": "Delta",
    "Ω": "Omega", "Σ": "Sigma", "ψ": "psi", "ξ": "xi", "η": "eta", "κ": "kappa", "ν": "nu", "χ": "chi", "ζ": "zeta",
}  # fmt: skip
_SYMBOLS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "×": r"\times ", "✕": r"\times ", "÷": r"\div ",
    "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "∗": "*", "√": r"\sqrt ", "∛": r"\sqrt[3]", "∜": r"\sqrt[4]",
    "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\neq ", "≈": r"\approx ",
    "≅": r"\approx ", "±": r"\pm ", "∓": r"\mp ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∉": r"\notin ",
    "∅": r"\varnothing ", "Ø": r"\varnothing ", "∖": r"\setminus ", "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ",
    "℃": r"^\circ C", "℉": r"^\circ F", "′": "'", "’": "'", "‘": "'", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "∠": r"\angle ", "⟨": r"\langle ", "⟩": r"\rangle ",
    "〈": r"\langle ", "〉": r"\rangle ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "≡": r"\equiv ", "⁄": "/", "∕": "/", "…": "...", "⋯": "...", "、": ",", "。": ".", "％": "%", "→": r"\to ",
    "⊂": r"\subset ", "∧": r"\land ", "∨": r"\lor ", "⊥": r"\perp ", "∥": r"\parallel ", "€": r"\euro ",
    "£": r"\pounds ", "“": '"', "”": '"', "\u00a0": THIN, "\u202f": THIN, "\u2007": THIN, "\u2008": THIN,
    "\u200a": THIN,
    "\u3000": " ", "ℓ": r"\ell ", "µ": r"\mu ", "¢": " cents ", "➡": r"\to ", "₂": "_{2}",
}  # fmt: skip
_INVISIBLE = (
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2066\u2067\u2068\u2069\ufeff\u00ad"
)


def _table() -> dict[int, str]:
    table = {ord(c): text for c, text in _SYMBOLS.items()}
    table.update({ord(c): f"\\{name} " for c, name in _GREEK.items()})
    table.update({ord(c): "" for c in _INVISIBLE})
    table.update(dict.fromkeys(range(32), " ") | {0x7F: "", 10: WIDE})
    table.update({0xFF01 + n: chr(0x21 + n) for n in range(94)})  # full-width forms
    table.update({ord(c): f"\\frac{{{top}}}{{{bottom}}}" for c, (top, bottom) in _FRACTIONS.items()})
    table.update({ord("₀") + n: f"_{{{n}}}" for n in range(10)})
    table.update({ord("①") + n: f'"({n + 1})"' for n in range(20)})
    return table


_TABLE = _table()
_SUPER_RUN = re.compile("[" + "".join(_SUPERSCRIPTS) + "]+")
_SUB_RUN = re.compile("[" + "".join(_SUBSCRIPTS) + "]+")
_OVERLINED = re.compile("((?:[0-9]\u0305)+|(?:[0-9]\u0304)+)")

_RENAMED = {
    "dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac", "dbinom": r"\binom", "tbinom": r"\binom", "leq": r"\le ",
    "leqslant": r"\le ", "le": r"\le ", "geq": r"\ge ", "geqslant": r"\ge ", "ge": r"\ge ", "lt": "<", "gt": ">",
    "ne": r"\neq ", "neq": r"\neq ", "lbrace": r"\{", "rbrace": r"\}", "langle": "(", "rangle": ")",
    "lbrack": "[", "rbrack": "]", "infin": r"\infty ",
    "emptyset": r"\varnothing ", "oslash": r"\varnothing ", "O": r"\varnothing ",
    "degree": r"^\circ ", "textdegree": r"^\circ ", "lvert": "|", "rvert": "|",
    "vert": "|",
    "mid": "|", "colon": ":", "dots": "...", "ldots": "...", "cdots": "...", "dotsc": "...", "quad": WIDE,
    "qquad": WIDE,
    "thinspace": THIN, "enspace": " ", "space": " ", "ast": "*", "backslash": r"\setminus ", "varphi": r"\phi ",
    "varepsilon": r"\epsilon ", "vartheta": r"\theta ", "lor": r"\lor ", "vee": r"\lor ", "wedge": r"\land ",
    "rightarrow": r"\to ", "Rightarrow": r"\to ", "implies": r"\to ", "simeq": r"\approx ", "cong": r"\approx ",
    "operatorname": r"\text", "textnormal": r"\text", "textrm": r"\text", "textbf": r"\text", "textit": r"\text",
    "textup": r"\text", "textsf": r"\text", "texttt": r"\text", "mbox": r"\text", "hbox": r"\text",
    "mathit": r"\mathrm",
    "mathsf": r"\mathrm", "mathnormal": r"\mathrm", "boldsymbol": r"\mathbf", "bm": r"\mathbf", "pmb": r"\mathbf",
    "overrightarrow": r"\vec", "vphantom": r"\phantom", "hphantom": r"\phantom", "rm": " ", "bf": " ", "it": " ",
    "tan": r"\tan ", "prime": "'", "dag": "", "lg": r"\log ", "imath": "i", "jmath": "j",
    "asin": r"\arcsin ", "atan": r"\arctan ",
    "acos": r"\arccos ", "tg": r"\tan ", "ctg": r"\cot ", "arctg": r"\arctan ", "bullet": r"\cdot ",
}  # fmt: skip
_DROPPED_NAMES = """
    left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle scriptstyle limits
    nolimits mathstrut strut hfill newline middle mathopen mathclose nonumber centering large Large underline uline
    notag allowbreak
"""
_DROPPED = frozenset(_DROPPED_NAMES.split())
_COMMAND = re.compile(r"\\([A-Za-z]+) ?|\\([^A-Za-z])")
_SPACED = {
    ",": THIN,
    ";": " ",
    ":": " ",
    " ": " ",
    "!": "",
    "\n": " ",
    ">": " ",
    "%": "%",
    "#": "#",
    "&": "&",
    "_": "_",
}


_UNIT_QUOTIENT = re.compile(r'\\frac\s*\{\s*"([^"]*)"\s*\}\s*\{\s*"([^"]*)"\s*\}')
_PLAIN_QUOTIENT = re.compile(rf"([-+]?\d[\d.,{{}}\\!]{{0,40}}(?:\\times\s*10\^\{{?-?\d+\}}?)?)\s+({QUOTIENT})\.?")
_BREAK = re.compile(r"(?<=[\w)}\]])\.?\s*\n\s*(?=[A-Za-z\\]+[^\n=]{0,20}=)")  # between two statements
_BULLET = re.compile(r"(?:^|\n)\s*(?:[-*•]|\d{1,2}[.)])\s+")  # "- x = 4\n- y = -1"
_SPACES = re.compile(" {2,}")
_CHOOSE_BARE = re.compile(r"^\s*(\w{1,6})\s*\\choose\s*(\w{1,6})\s*$")
_CHOOSE = re.compile(r"(?<![A-Za-z\\_])C\(\s*(\d{1,6})\s*,\s*(\d{1,6})\s*\)")


def normalise(text: str) -> str:
    """The text in pairforge's own normal spelling."""
    if not text.isascii():
        text = _from_unicode(text)
    text = _without_dollars(text.strip())
    if "\n" in text:
        text = _BREAK.sub(WIDE, _BULLET.sub(" ; ", text) if len(_BULLET.findall(text)) > 1 else text)
    if "\\" in text:
        text = _without_dress(text)
    text = re.sub(r",\\!\s*(?=\d{3})", ",", text)
    text = _COMMAND.sub(_respell, text).replace("~", THIN)
    text = re.sub(r"(?:\[[-\d.]+(?:ex|em|pt|mm|cm)\])|\\[hv]space\*?\{[^{}]*\}|\\phantom\{[^{}]*\}", " ", text)
    text = text.replace("**", "^").strip("^") if re.search(r"[A-Za-z0-9)]\*\*[-(\d]", text) else text.replace("**", "")
    text = _unwrap(text)
    text = re.sub(r'(?<=[A-Za-z]")\s*-\s*(?="[A-Za-z])', " ", text) if '"-' in text or '" -' in text else text  # N-m
    text = _UNIT_QUOTIENT.sub(r'"\1/\2"', text)
    if "/" in text and (quotient := _PLAIN_QUOTIENT.fullmatch(text)):
        text = f'{quotient[1]} "{quotient[2]}"'
    text = _CHOOSE.sub(r"\\binom{\1}{\2}", text)
    text = _CHOOSE_BARE.sub(r"\\binom{\1}{\2}", text)
    if "]" in text or text.count("[") > 1:
        text = _french(text)
    return _trim(_SPACES.sub(" ", text))


def _from_unicode(text: str) -> str:
    text = _OVERLINED.sub(lambda m: "\\overline{" + re.sub("[\u0304\u0305]", "", m[1]) + "}", text)
    text = _SUPER_RUN.sub(lambda m: "^{" + "".join(_SUPERSCRIPTS[c] for c in m[0]) + "}", text)
    text = _SUB_RUN.sub(lambda m: "_{" + "".join(_SUBSCRIPTS[c] for c in m[0]) + "}", text)
    text = re.sub(r"√\s*(\d+(?:\.\d+)?)", r"\\sqrt{\1}", text)
    text = text.translate(_TABLE)
    return "".join(c if not 0xD800 <= ord(c) <= 0xDFFF else "?" for c in text)


# --- what only dresses a formula ------------------------------------------------------------------------------------

_FUNCTION_NAMES = "arc(?:sin|cos|tan|cot|sec|csc)|(?:sin|cos|tan|cot|csc|sinh|cosh|tanh|coth|cis|ln|log|exp|lcm|gcd)"
_NAMED_FUNCTION = re.compile(
    rf"\\(?:text|textrm|mathrm|mathsf|mathit)\s*\{{\s*({_FUNCTION_NAMES})\s*\}}"
    rf"|\\operatorname\*?\s*\{{\s*({_FUNCTION_NAMES}|sec|max|min|mod)\s*\}}"
)
_DRESS = re.compile(
    r"\\tag\*?\s*\{[^{}]*\}|\\label\s*\{[^{}]*\}|\\(?:text)?color(?:box)?\s*(?:\[[^\]]*\]\s*)?\{[^{}]*\}"
    r"|\\bbox\s*\[[^\]]*\]|\\color\s+[a-z]+\b"
)
_TWICE_ESCAPED = re.compile(
    r"(?<!\\)\\\\(?=(?:[dt]?frac|sqrt|pi|text|cdot|times|left|right|pm|infty|cup|cap|le|ge|binom|log|ln|sin|cos|tan|theta|alpha|mathbb|mathrm|circ)(?![a-z]))"
)
_ROW_PART = re.compile(
    r"\\(begin|end)\s*\{([A-Za-z]+\*?)\}(?:\s*\{[lcr|@ ]*\})?|\\\\\s*(?:\[[-\d.]+[a-z]{2}\])?|\\[A-Za-z{}&]|&"
)
_ALIGNED = {"aligned", "align", "align*", "alignat", "gathered", "gather", "gather*", "split", "eqnarray", "eqnarray*",
            "equation", "equation*", "alignedat", "multline"}  # fmt: skip


def _without_dress(text: str) -> str:
    """Without colours, tags and alignment: each row of an aligned formula is a statement of its own."""
    text = _SPACES.sub(" ", _DRESS.sub(" ", text))
    text = _NAMED_FUNCTION.sub(lambda m: f"\\{m[1] or m[2]} ", text)
    if "\\\\" not in text and "&" not in text and "\\begin" not in text:
        return text
    text = _TWICE_ESCAPED.sub(r"\\", text)
    pieces: list[str] = []
    inside: list[str] = []  # environments that are open
    at = 0
    for found in _ROW_PART.finditer(text):
        pieces.append(text[at : found.start()])
        at = found.end()
        kind, name = found[1], found[2]
        loose = not inside or inside[-1] in _ALIGNED
        if kind == "begin":
            inside.append(name)
        elif kind == "end" and inside:
            loose = inside.pop() in _ALIGNED
        if kind and name in _ALIGNED:
            pieces.append(" ")
        elif not kind and loose and found[0].startswith("\\\\"):
            pieces.append(" " if _CONTINUES.match(text, at) else " ; ")
        elif found[0] != "&" or not (inside and loose):
            pieces.append(found[0])
    return "".join([*pieces, text[at:]])


_CONTINUES = re.compile(r"\s*&?\s*(?:[=+]|\\(?:approx|end|quad|le|ge)|$)")
_FRENCH_OPEN = re.compile(
    r"(?:(?<=^)|(?<=\\cup)|(?<=\\in)|(?<=[=({,;]))(\s*)\]([^\[\];,]{1,80}[;,][^\[\];,]{1,80})([\[\]])"
)
_FRENCH_END = re.compile(r"\[([^\[\];,]{1,80}[;,][^\[\];,]{1,80})\[(?=\s*(?:$|\\cu[pt]|\\cap|[,;.)\"]))")


def _french(text: str) -> str:
    """`]2;5]` as (2;5] and `[2;5[` as [2;5)."""
    text = _FRENCH_OPEN.sub(lambda m: f"{m[1]}({m[2]}{')' if m[3] == '[' else ']'}", text)
    return _FRENCH_END.sub(r"[\1)", text)


_GLUED = re.compile("(sin|cos|tan|cot|sec|csc|ln|log|pi|theta)([a-z])(?<!sinh|cosh|tanh|coth)")


def _respell(found: re.Match[str]) -> str:
    name, sign = found.groups()
    if name is None:
        if sign in "()[]":
            return " "  # delimiters of formulas
        return _SPACED.get(sign, found[0])
    if name in _DROPPED:
        return " "
    if glued := _GLUED.fullmatch(name):
        return f"\\{glued[1]} {glued[2]}"  # \\cotx
    return _RENAMED.get(name) or "\\" + name + (" " if found[0].endswith(" ") else "")


_AMOUNT = re.compile(r"\$\s*(?=-?[\d.]+)")


def _without_dollars(text: str) -> str:
    """Without the `$` that delimit formulas; one that means money becomes `\\$`."""
    if "$" not in text:
        return text
    bare = text.replace("\\$", "")
    count = bare.count("$") - 2 * bare.count("$$")
    money = count % 2 == 1 or re.search(r"(?:^|\s)\$\s*\d[\d,.]*(?:\s(?:and|or|to)\s|,\s*)\$\s*\d[\d,.]*$", bare)
    if money and _AMOUNT.search(bare):
        return re.sub(r"(?<!\\)\$\s*(?=-?[\d.])", r"\\$", text).replace("$$", " ")
    return re.sub(r"(?<!\\)\$+", " ", text)


_BOXED = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{")
_TEXT = re.compile(r"\\(text|mathrm|mathbf|mathbb|mathcal|vec|hat|bar|tilde)\s*\{((?:[^{}]|\^\{[^{}]*\})*)\}")
_PLAIN_TEXT = re.compile(r"[^\W\d_][^\d\\{}^_$=<>()\[\]|+*]*", re.DOTALL)


def _unwrap(text: str) -> str:
    """Text commands become quoted text, boxes and braces around the whole vanish."""
    text = text.replace('"', " ")
    for _ in range(20):
        box = _BOXED.search(text)
        if box is None:
            break
        end = _closing(text, box.end() - 1)
        text = text[: box.start()] + " " + text[box.end() : end] + " " + text[end + 1 :]
    text = re.sub(r"\\(mathbb|mathcal|mathrm|mathbf|vec|bar|hat|text)\s*(\d|[A-Za-z](?![A-Za-z]))", r"\\\1{\2}", text)
    for _ in range(3):  # text inside text
        text, count = _TEXT.subn(_quoted, text)
        if not count:
            break
    return text


_SYMBOL = re.compile("[A-Za-z]|(?![cmk]?[mg]$|ft$|in$|lb$|oz$|kg$|ml$)[a-z]{2}(?<!or|at|in|is|to|of)")
_UNIT_BEFORE = re.compile(r"[\d)}]\s*(?:\\[,;: ]\s*|~\s*|\u2009\s*)*$")  # a number: a unit may follow
_JOINING = re.compile(
    r"\s*(,|and\b|or\b)\s*(?!(?:it|this|that|approximately|about|roughly|so|then|which|is)\b)([A-Za-z][A-Za-z .:]*)"
)
_JOINED = re.compile(r"(\s*[A-Za-z][A-Za-z .]*?)\s*(,|\band\b|\bor\b)\s*")  # "boys and": the joiner joins values


def _quoted(found: re.Match[str]) -> str:
    kind, inner = found.groups()
    inner = inner.replace('"', " ")
    if kind in ("mathbb", "mathcal"):
        return f" \\{inner.strip()}@ " if inner.strip().isalpha() else inner
    if kind in ("vec", "hat", "bar", "tilde") or (
        kind == "mathbf" and len(inner.strip()) == 1 and inner.strip().isalpha()
    ):
        name = inner.strip()
        return f" \\{name}@{kind[0]} " if name.isalpha() else f"\\overline{{{inner}}}" if kind == "bar" else inner
    if kind == "text" and (joined := _JOINED.fullmatch(inner)):
        joiner = "," if joined[2] == "," else f'"{joined[2]}"'
        return f' "{joined[1]}" {joiner} '
    if kind == "text" and (joining := _JOINING.fullmatch(inner)):
        joiner = "," if joining[1] == "," else f'"{joining[1]}"'
        return f' {joiner} "{joining[2]}" '
    stripped = inner.strip()
    if (
        kind == "mathrm"
        and (single := _SYMBOL.fullmatch(stripped))
        and not _UNIT_BEFORE.search(found.string, 0, found.start())
    ):
        return single[0]
    if re.match(r"[\s~\u2009]*[A-Za-zµ]", inner) and _is_unit(stripped):
        return f' "{inner}" '
    if found.group() == found.string.strip() or not _PLAIN_TEXT.fullmatch(stripped):
        return f" {inner} "
    return f' "{inner}" '


def _is_unit(text: str) -> bool:
    unit = parse_unit(text)
    return bool(unit and unit.powers and not unit.nouns) and text not in (
        "A",
        "N",
        "h",
        "s",
        "m",
        "g",
        "J",
        "K",
        "V",
        "W",
    )


def _closing(text: str, opening: int) -> int:
    """Where the brace opened at `opening` closes (the end of the text when it does not)."""
    depth = 0
    for index in range(opening, len(text)):
        if text[index] == "{" and text[index - 1 : index] != "\\":
            depth += 1
        elif text[index] == "}" and text[index - 1 : index] != "\\":
            depth -= 1
            if depth == 0:
                return index
    return len(text)


_BLANK = " \t\n" + THIN + WIDE


def _trim(text: str) -> str:
    """Without white space, trailing punctuation, and braces around the whole."""
    for _ in range(20):
        before = text
        text = text.strip(_BLANK).strip("*`").strip(_BLANK)
        if text.endswith((".", ",", ";", ":", "،", "؛")) and not text.endswith("..."):
            text = text[:-1]
        if text.startswith("{") and _closing(text, 0) == len(text) - 1:
            text = text[1:-1]
        if text.startswith((",", ":")):
            text = text[1:]
        if text == before:
            break
    return text
