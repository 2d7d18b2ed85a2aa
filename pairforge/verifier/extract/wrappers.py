"""LaTeX and markdown around an answer that change how it looks and not what it says."""

from __future__ import annotations

import re

_STYLE = r"underline|mathbf|boldsymbol|bm|pmb|mathit|mathsf|mathtt|textbf|textit|emph|ensuremath|mathstrut|large|Large"
_WRAPPED = re.compile(
    rf"\\(?:(?:textcolor|colorbox|color)\s*(?:\[[a-zA-Z]+\])?\s*\{{[^{{}}]{{0,40}}\}}\s*|(?:{_STYLE}"
    rf"|bbox(?:\[[^\]]{{0,40}}\])?)\s*)"
    r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
)
_COLOUR = re.compile(r"\\color\s*(?:\[[a-zA-Z]+\])?\s*\{[^{}]{0,40}\}")
_DROPPED = re.compile(
    r"\\(?:tag|label)\*?\s*\{[^{}]{0,40}\}"
    r"|\\(?:displaystyle|textstyle|scriptstyle|bf|Large|large|huge|Huge|LARGE|normalsize|boldmath|nonumber|notag"
    r"|bigstar"
    r"|therefore|checkmark|blacksquare|blacktriangle)(?![A-Za-z])"
)
_ROWS = re.compile(r"\\begin\{(aligned|align\*?|gathered|gather\*?|split|equation\*?)\}(.*)\\end\{\1\}", re.DOTALL)
_ARRAY = re.compile(
    r"(?:\\left\\\{\s*)?\\begin\{(array)\}\s*(?:\{[lcr|]*\})?(.*)\\end\{array\}(?:\s*\\right\.)?", re.DOTALL
)


def unwrap(answer: str) -> str:
    """The answer without colours, underlines, bold, tags, and the environment that lines its rows up."""
    if "\\" not in answer or not _HINT.search(answer):
        return answer
    answer = undoubled(answer)
    for _ in range(6):
        bare = _WRAPPED.sub(_inner, answer)
        if bare == answer:
            break
        answer = bare
    answer = _DROPPED.sub("", _COLOUR.sub("", answer))
    rows = _ROWS.fullmatch(answer.strip()) or _ARRAY.fullmatch(answer.strip())
    return _joined_rows(rows[2], answer, environment=rows[1]) if rows else _assignments(answer)


# What none of the patterns above and below can do without.
_HINT = re.compile(
    rf"\\\\|\\[;q]|\\(?:[a-z]*color|bbox|{_STYLE}|tag|label|begin|end|[a-z]+style|bf|[Ll]arge|LARGE|[Hh]uge|normalsize"
    r"|boldmath|nonumber|notag|bigstar|therefore|checkmark|black)"
)
_SYSTEM = re.compile(r"(?:\\left\\\{)?\s*\\begin\{cases\}(.*)\\end\{cases\}(?:\s*\\right\.)?", re.DOTALL)
_APART = re.compile(r"\\\\(?:\[[^\]]{0,8}\])?|(?:\\q?quad|\\;)+")
_ASSIGNMENT = re.compile(r"[A-Za-z](?:_\{?\w{1,3}\}?)?\s*&?=[^=<>&\\]*(?:\\[A-Za-z]+(?<!\\text)[^=<>&\\]*)*")


def _assignments(answer: str) -> str:
    """Assignments that only space or a line break separates, as a list."""
    system = _SYSTEM.fullmatch(answer.strip())
    parts = [part.strip().strip(",;").strip() for part in _APART.split(system[1] if system else answer)]
    parts = [part for part in parts if part]
    if len(parts) < 2 or not all(_ASSIGNMENT.fullmatch(part) for part in parts):
        return answer
    return ", ".join(part.replace("&", "") for part in parts)


def _inner(found: re.Match[str]) -> str:
    inner = found[1]
    styled = found[0].startswith(
        ("\\mathbf", "\\boldsymbol", "\\bm", "\\textbf", "\\textit", "\\emph", "\\math", "\\pmb")
    )
    if styled and not re.search(r"[\d\\]", inner):  # a vector's name, or words
        return found[0] if found[0].startswith("\\math") else f"\\text{{{inner}}}" if len(inner) > 1 else inner
    return inner


_DOUBLED = re.compile(r"\\\\(?=[a-zA-Z]{2,})")
_SINGLE = re.compile(r"(?<!\\)\\(?=[a-zA-Z])")


def undoubled(answer: str) -> str:
    """Commands that were escaped once more, as in a JSON string: `\\\\frac` for `\\frac`."""
    if "\\\\" in answer and _DOUBLED.search(answer) and not _SINGLE.search(answer):
        return answer.replace("\\\\", "\\")
    return answer


def _joined_rows(body: str, answer: str, *, environment: str) -> str:
    """Rows of equations as a list; rows that only continue an equation belong to the one before."""
    rows = [row.replace("&", " ").strip().strip(",;").strip() for row in body.split("\\\\")]
    rows = [row for row in rows if row]
    if not rows or (environment == "array" and not all("=" in row for row in rows)):
        return answer
    joined = [rows[0]]
    for row in rows[1:]:
        if row.startswith(("=", "\\approx", "+", "-", "\\Rightarrow")):
            joined[-1] = f"{joined[-1]} {row}"
        else:
            joined.append(row)
    return ", ".join(joined)


_DIGITS = {ord(c): str(n % 10) for n, c in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९０１２３４５６７８９")}
_FULL_WIDTH = str.maketrans("，．：；（）＋－＝％／＜＞［］｛｝－！", ",.:;()+-=%/<>[]{}-!") | {
    ord("٫"): ".",
    ord("٬"): ",",
    ord("،"): ",",
}
_ASCII = _DIGITS | _FULL_WIDTH


def plain_digits(answer: str) -> str:
    """Arabic, Devanagari and full-width digits and signs as ASCII."""
    return answer if answer.isascii() else answer.translate(_ASCII)
