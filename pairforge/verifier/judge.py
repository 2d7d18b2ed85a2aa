"""math-verify as the judge for what our own rules leave open. Runs only in a worker process."""

from __future__ import annotations

import functools
import logging
import re
from typing import Any

from pairforge.verifier.gate import refuse_for_judge
from pairforge.verifier.pool import Decision

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
    return status, "math-verify", detail


def _gated(gold: str, answer: str) -> tuple[str, str]:
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
