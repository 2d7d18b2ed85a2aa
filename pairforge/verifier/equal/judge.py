"""math-verify as the judge for what our own rules leave open, behind a gate. Judges only in a worker process.

The gate is for every text before math-verify parses it, gold and answer alike. LaTeX accents and `\\text` take any
characters, and math-verify's parser turns them into symbol names that SymPy may later place into source it executes.
So only a whitelist of commands passes, only letters and digits inside accents, and only plain words inside text. See
docs/verifier.md, "Safety". SymPy and math-verify are imported late: `lock_down` must be the first to load them.
"""

from __future__ import annotations

import functools
import logging
import re
from typing import Any

from pairforge.records import Status
from pairforge.verifier.decisions import Decision

# --- the gate ------------------------------------------------------------------------------------------------------

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


# --- math-verify ---------------------------------------------------------------------------------------------------

_PLAIN_NAME = re.compile(r"[A-Za-zα-ωΑ-Ω][A-Za-z0-9α-ω_{}\\ ,.']{0,40}")
_NUMBER = re.compile(r"[-+]?(?:\d{1,400}(?:\.\d{0,200})?|\.\d{1,200})")


def lock_down() -> None:
    """Load SymPy and math-verify and take away the two functions through which they run generated source.

    `lambdify` compiles numeric code from symbol names; `parse_expr` evaluates any text, and the LaTeX parser sends
    even plain numbers through it.
    """
    import math_verify  # noqa: F401
    import sympy.core.evalf
    import sympy.parsing.sympy_parser
    import sympy.utilities.lambdify

    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("lambdify is not available here")

    for module in (sympy.core.evalf, sympy.utilities.lambdify):
        module.lambdify = refused
    sympy.parsing.sympy_parser.parse_expr = _number_only
    _bound_logarithms()
    _gated("x^2 + \\sqrt{2}", "\\frac{1}{2} x + 1")  # the first parse builds tables; do it before anything is timed
    logging.disable(logging.CRITICAL)


def _bound_logarithms() -> None:
    """Keep `simplify` from writing 11111111100 log(2) as the log of a number with three billion digits."""
    import importlib

    from sympy import Integer

    simplify: Any = importlib.import_module("sympy.simplify.simplify")  # the attribute of that name is the function
    combine = simplify.logcombine

    def bounded(expr: Any, *args: Any, **kwargs: Any) -> Any:
        small = all(abs(number) <= _MOST_LOGS for number in expr.atoms(Integer))
        return combine(expr, *args, **kwargs) if small else expr

    simplify.logcombine = bounded


_MOST_LOGS = 1000  # 1000 log(b) becomes the log of a number with a few thousand digits at most


def _number_only(text: object, *_: object, **__: object) -> Any:
    import sympy

    plain = str(text).strip()
    if not _NUMBER.fullmatch(plain):
        raise ValueError("only a plain number is read from text")
    return sympy.Rational(plain) if "." in plain else sympy.Integer(plain)


def judge(gold: str, answer: str) -> Decision:
    """math-verify's view on two short LaTeX strings, gold first. Call `lock_down` once before."""
    try:
        status, detail = _gated(gold, answer)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # whatever SymPy makes of such a text: it could not decide
        status, detail = "error", f"math-verify: {type(error).__name__}: {error}"[:200]
    return Decision(status, "math-verify", detail)


def _gated(gold: str, answer: str) -> tuple[Status, str]:
    for side, text in (("gold", gold), ("answer", answer)):
        reason = refuse_for_judge(text)
        if reason:
            return "refused", f"{side}: {reason}"
    golds = _parse(gold)
    if not golds:
        return "gold_unparsed", "math-verify cannot read the gold answer"
    answers = _parse(answer)
    if not answers:
        return "error", "math-verify cannot read the answer"
    for side, nodes in (("gold", golds), ("answer", answers)):
        reason = next((r for r in map(_refuse_node, nodes) if r), "")
        if reason:
            return "refused", f"{side}: {reason}"
    from math_verify import verify

    same = verify(
        list(golds), list(answers), allow_set_relation_comp=True, timeout_seconds=None, raise_on_error=True,
        float_rounding=15, numeric_precision=30,
    )  # fmt: skip
    return ("correct" if same else "incorrect"), "math-verify"


@functools.lru_cache(maxsize=512)
def _parse(text: str) -> tuple[Any, ...]:
    from math_verify import LatexExtractionConfig, parse

    found: list[Any] = parse(
        "\\boxed{" + text + "}",
        extraction_config=[LatexExtractionConfig()],  # never the expression parser: it evaluates its input
        fallback_mode="no_fallback",
        parsing_timeout=None,
        raise_on_error=True,
    )
    return tuple(found)


def _refuse_node(root: Any) -> str:
    from sympy import Basic, Derivative, Integral, Limit, MatrixBase, Product, Sum, Symbol
    from sympy.core.function import AppliedUndef

    nodes = list(root) if isinstance(root, MatrixBase) else [root]
    for start in nodes:
        if not isinstance(start, Basic):
            continue
        for node in _walk(start):
            if isinstance(node, Sum | Product | Integral | Limit | Derivative):
                return f"{type(node).__name__} is not evaluated"
            name = (
                node.name if isinstance(node, Symbol) else node.func.__name__ if isinstance(node, AppliedUndef) else ""
            )
            if name and not _PLAIN_NAME.fullmatch(name):
                return "a symbol whose name is not plain"
    return ""


def _walk(root: Any) -> list[Any]:
    found: list[Any] = []
    stack = [root]
    while stack and len(found) < 20_000:
        node = stack.pop()
        found.append(node)
        stack.extend(getattr(node, "args", ()))
    return found
