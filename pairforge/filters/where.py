"""The `where:` expression: a small language over the candidates' columns, parsed by hand and never evaluated as code.

    chosen_tokens > 3 * rejected_tokens and source != "amc"
    not chosen_budget_limited or pass_rate <= 0.5
    rejected_model in ["a", "b"] and topic is not null

Numbers, "text", true, false, null; + - * /; == != < <= > >=; in [..]; is null; and, or, not; brackets; abs(x).
A comparison with an unknown value is unknown, and a candidate for which the whole is unknown does not pass.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from pairforge.errors import RuleError

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)
        |(?P<text>"[^"]*"|'[^']*')
        |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
        |(?P<sign>==|!=|<=|>=|[-+*/<>()\[\],]))""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not", "in", "is", "null", "true", "false"}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ADD = {"+": operator.add, "-": operator.sub}
_MULTIPLY = {"*": operator.mul, "/": operator.truediv}
MAX_LENGTH, MAX_DEPTH = 2000, 40


@dataclass(frozen=True, slots=True)
class Where:
    """A parsed expression and the names it uses."""

    expr: pl.Expr
    names: frozenset[str]


def parse_where(text: str, resolve: Callable[[str], str] = lambda name: name) -> Where:
    """Parse an expression of the language above; `resolve` turns each name into a column, or raises.

    Raises `RuleError` that points at the place where the text stops making sense.
    """
    if len(text) > MAX_LENGTH:
        raise RuleError(f"filter.where: {len(text)} characters, at most {MAX_LENGTH} are read")
    parser = _Parser(text, resolve)
    expr = parser.either()
    if parser.kind != "end":
        raise parser.error("expected 'and', 'or' or the end")
    return Where(expr, frozenset(parser.names))


class _Parser:
    """Recursive descent: one method per level of precedence, loosest first."""

    def __init__(self, text: str, resolve: Callable[[str], str]) -> None:
        self.text, self.resolve = text, resolve
        self.names: set[str] = set()
        self.place = self.end = self.depth = 0
        self.kind, self.value = "", ""
        self.advance()

    def error(self, what: str) -> RuleError:
        found = f"found '{self.value}'" if self.value else "found the end"
        return RuleError(
            f"filter.where: {what}, {found} at character {self.place + 1} of: {self.text}",
            hint='write conditions such as: chosen_tokens > 500 and source == "amc"',
        )

    def advance(self) -> None:
        self.place = self.end
        rest = self.text[self.end :]
        if not rest.strip():
            self.kind, self.value = "end", ""
            return
        match = _TOKEN.match(self.text, self.end)
        if match is None:
            self.kind, self.value = "end", rest.strip()[0]
            raise self.error("cannot read this")
        self.kind, self.end = str(match.lastgroup), match.end()
        self.value = match[self.kind]
        self.place = match.start(self.kind)
        if self.value in _WORDS:
            self.kind = "word"

    def take(self, *values: str) -> str:
        """The present token if it is one of `values` (and step over it), else the empty string."""
        if self.kind in ("word", "sign") and self.value in values:
            value = self.value
            self.advance()
            return value
        return ""

    def expect(self, value: str) -> None:
        if not self.take(value):
            raise self.error(f"expected '{value}'")

    def nested(self, level: Callable[[], pl.Expr]) -> pl.Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} levels deep")
        expr = level()
        self.depth -= 1
        return expr

    def either(self) -> pl.Expr:
        expr = self.both()
        while self.take("or"):
            expr = expr | self.both()
        return expr

    def both(self) -> pl.Expr:
        expr = self.negation()
        while self.take("and"):
            expr = expr & self.negation()
        return expr

    def negation(self) -> pl.Expr:
        return ~self.nested(self.negation) if self.take("not") else self.comparison()

    def comparison(self) -> pl.Expr:
        left = self.sum()
        if sign := self.take(*_COMPARE):
            return _COMPARE[sign](left, self.sum())
        if self.take("is"):
            unknown = not self.take("not")
            self.expect("null")
            return left.is_null() if unknown else left.is_not_null()
        if self.take("in"):
            return left.is_in(self.values())
        return left

    def sum(self) -> pl.Expr:
        expr = self.product()
        while sign := self.take(*_ADD):
            expr = _ADD[sign](expr, self.product())
        return expr

    def product(self) -> pl.Expr:
        expr = self.atom()
        while sign := self.take(*_MULTIPLY):
            expr = _MULTIPLY[sign](expr, self.atom())
        return expr

    def atom(self) -> pl.Expr:
        if self.take("-"):
            return -self.nested(self.atom)
        if self.take("("):
            expr = self.nested(self.either)
            self.expect(")")
            return expr
        if self.kind != "name":
            return pl.lit(self.literal())
        name = self.value
        if name == "abs" and self.text[self.end :].lstrip().startswith("("):
            self.advance()
            return self.nested(self.atom).abs()
        self.advance()
        column = self.resolve(name)
        self.names.add(column)
        return pl.col(column)

    def literal(self) -> float | str | bool | None:
        negative = bool(self.take("-"))
        kind, value = self.kind, self.value
        if kind == "number":
            self.advance()
            number = int(value) if value.isdecimal() and len(value) < 19 else float(value)
            return -number if negative else number
        if negative:
            raise self.error("expected a number")
        if kind == "text":
            self.advance()
            return value[1:-1]
        if word := self.take("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[word]
        raise self.error("expected a column, a number or a text")

    def values(self) -> list[float | str | bool | None]:
        self.expect("[")
        found = [self.literal()]
        while self.take(","):
            found.append(self.literal())
        self.expect("]")
        kinds = {str if isinstance(value, str) else bool if isinstance(value, bool) else float for value in found}
        if len(kinds) > 1 or None in found:
            raise self.error("a list holds numbers only or texts only")
        return found
