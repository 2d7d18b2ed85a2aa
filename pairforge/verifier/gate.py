"""The gate every text passes before anything parses it: gold and answer alike.

LaTeX accents and `\\text` take any characters, and math-verify's parser turns them into symbol names that SymPy
may later place into source it executes. So only a whitelist of commands passes, only letters and digits inside
accents, and only plain words inside text. See docs/verifier.md, "Safety".
"""

from __future__ import annotations

import re

MAX_CHARS = 1000  # of a text for math-verify: its parser is slow on long ones
MAX_BARS = 20  # "|" is opening and closing bracket in one, and the parser tries every way
MAX_DEPTH = 40

_COMMAND_NAMES = """
    frac dfrac tfrac cfrac sqrt boxed fbox left right big Big bigg Bigg bigl bigr Bigl Bigr cdot times div pm mp ast pi
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau upsilon
    phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar infty sin cos tan cot
    sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp binom dbinom tbinom max min mod pmod bmod le leq leqslant
    ge geq geqslant lt gt ne neq approx equiv sim cong to in notin ni subset subseteq cup cap setminus emptyset
    varnothing mathbb mathcal mathbf mathrm mathit mathsf text textbf textit textrm textup mbox hbox bm boldsymbol rm
    bf it overline underline bar hat vec tilde dot overrightarrow widehat prime circ degree angle triangle perp parallel
    lfloor rfloor lceil rceil lvert rvert vert mid langle rangle lbrace rbrace lbrack rbrack quad qquad space hspace
    displaystyle textstyle ldots dots cdots begin end infin choose over limits land lor wedge vee neg forall exists
    mapsto rightarrow Rightarrow implies iff colon because therefore not square blacksquare star dagger backslash color
    euro pounds
"""
_COMMANDS = frozenset(_COMMAND_NAMES.split())
_NEVER_EVALUATED = "sum prod int iint oint lim det gcd lcm operatorname limsup liminf sup inf"
_FORBIDDEN = frozenset(_NEVER_EVALUATED.split())
_ACCENTS = (
    r"overline|underline|bar|hat|vec|tilde|dot|overrightarrow|widehat"
    r"|mathbb|mathcal|mathbf|mathit|mathsf|bm|boldsymbol"
)
_ACCENT = re.compile(r"\\(?:" + _ACCENTS + r")\s*\{([^{}]{0,80})\}")
_ACCENT_OPEN = re.compile(r"\\(?:" + _ACCENTS + r")(?![A-Za-z])\s*(\{?)")
_INNER = re.compile(r"[A-Za-z0-9 .,]{0,40}")
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|textup|mathrm|mbox|hbox|rm)(?![A-Za-z])\s*\{([^{}]{0,400})\}")
_TEXT_OPEN = re.compile(r"\\(?:text|textbf|textit|textrm|textup|mathrm|mbox|hbox)(?![A-Za-z])\s*\{")
_WORDS = re.compile(r"[\w \t.,:!?'’/%$^°²³()\-+=~]*")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_NESTED_FACTORIAL = re.compile(r"!\s*(?:[)}\]]\s*)*!")  # the judge's parser reads 11!! as (11!)!, and computes it
_CHARS = re.compile(r"[\x20-\x7e\t\n\r\u00a0-\uffef]*")


def refuse_for_judge(text: str) -> str:
    """Why this text must not reach math-verify ("" when it may)."""
    if len(text) > MAX_CHARS:
        return f"longer than {MAX_CHARS} characters"
    if "__" in text or "lambda" in text.replace("\\lambda", ""):
        return "looks like program text"
    if text.count("|") + text.count("vert") > MAX_BARS:
        return f"more than {MAX_BARS} bars"
    if not _CHARS.fullmatch(text):
        return "control or unusual characters"
    for command in _COMMAND.findall(text):
        if command in _FORBIDDEN:
            return f"\\{command} is not evaluated"
        if command not in _COMMANDS:
            return f"unknown command \\{command}"
    if _NESTED_FACTORIAL.search(text):
        return "a factorial of a factorial"
    if _depth(text) > MAX_DEPTH:
        return f"nested deeper than {MAX_DEPTH}"
    return _refuse_inner(text)


def _refuse_inner(text: str) -> str:
    accents = _ACCENT.findall(text)
    braced = sum(1 for m in _ACCENT_OPEN.finditer(text) if m[1])
    if braced != len(accents) or not all(_INNER.fullmatch(inner) for inner in accents):
        return "an accent over more than letters and digits"
    words = _TEXT.findall(text)
    if len(words) != len(_TEXT_OPEN.findall(text)) or not all(_WORDS.fullmatch(w) for w in words):
        return "text that is more than plain words"
    return ""


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        if char in "({[":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")}]":
            depth -= 1
    return deepest
