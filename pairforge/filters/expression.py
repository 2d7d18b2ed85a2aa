"""The expressions of rules: a small language over the columns of a pair, never evaluated as code.

    chosen_tokens > 3 * rejected_tokens and source != "amc"
    not chosen_budget_limited or pass_rate <= 0.5
    rejected_model in ["a", "b"] and meta.topic is not null
    `meta.problem type` == "algebra"
    abs(gap - 800)

Numbers, "text", true, false, null; + - * /; == != < <= > >=; in [..]; is null; and, or, not; brackets; abs(x). A
column whose name is more than letters, digits, dots and underscores stands in backticks.
A comparison with an unknown value is unknown, and a candidate for which the whole is unknown does not pass.

The text is split into the tokens above, and nothing else. Names and values then become placeholders, so that Python's
parser sees the operators alone; of its tree, only the node types below are accepted.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, cast

import polars as pl

from pairforge.errors import RuleError

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)
        |(?P<text>"[^"]*"|'[^']*')
        |(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
        |(?P<quoted>`[^`]+`)
        |(?P<sign>==|!=|<=|>=|[-+*/<>()\[\],])
        |(?P<end>$)|(?P<other>.))""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.And: operator.and_, ast.Or: operator.or_, ast.Not: operator.invert,
    ast.USub: operator.neg,
}  # fmt: skip
_WORDS = {"and", "or", "not", "in", "is"}
_CONSTANTS = {"true": True, "false": False, "null": None}
RESERVED = frozenset({*_WORDS, *_CONSTANTS, "abs"})
"""The words of the language, which no column can have as its name."""
_BRACKET = re.compile(r"\s*\(")
MAX_LENGTH, MAX_DEPTH = 2000, 40
Literal = float | str | bool | None


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression and the columns it names."""

    expr: pl.Expr
    names: frozenset[str]


def parse_expression(text: str, *, key: str = "filter.where") -> Expression:
    """Parse an expression of the language above.

    Raises `RuleError`, naming the YAML `key`, that points at the place where the text stops making sense.
    """
    if len(text) > MAX_LENGTH:
        raise RuleError(f"{key}: {len(text)} characters, at most {MAX_LENGTH} are read")
    return _Parser(key, text).parse()


class _Parser:
    """The tokens of a text, and the expression that the tree of its operators stands for."""

    def __init__(self, key: str, text: str) -> None:
        self.key, self.text = key, text
        self.names: set[str] = set()
        self.at: dict[int, re.Match[str]] = {}  # the tokens, by their column in the code that Python parses

    def parse(self) -> Expression:
        code, place, brackets, run = "", 0, 0, 0
        while True:
            token = cast("re.Match[str]", _TOKEN.match(self.text, place))  # `other` matches anything
            kind, value, place = _kind(token), _value(token), token.end()
            self.at[len(code)] = token
            brackets += (value in ("(", "[")) - (value in (")", "]"))
            if value in (")", "]") and code.endswith(", "):
                raise self.refusal("expected a column, a number or a text", token)
            run = run + 1 if value in ("not", "-") else 0
            if brackets + run > MAX_DEPTH:
                raise self.refusal(f"more than {MAX_DEPTH} levels deep", token)
            if kind == "other" or (kind == "end" and brackets > 0):
                raise self.refusal("expected ')'" if kind == "end" else "cannot read this", token)
            if kind == "end":
                break
            is_operator = kind == "sign" or value in _WORDS or (value == "abs" and _BRACKET.match(self.text, place))
            code += f"{value if is_operator else 'operand'} "
        try:
            tree = ast.parse(code.rstrip(), mode="eval")
        except SyntaxError as error:
            found = len(code) if not error.offset else min(error.offset - 1, len(code))
            before = [token for column, token in self.at.items() if column < found]
            complete = before and (_kind(before[-1]) != "sign" or _value(before[-1]) in (")", "]"))
            complete = complete and _value(before[-1]) not in _WORDS
            what = "expected 'and', 'or' or the end" if complete else "expected a column, a number or a text"
            raise self.refusal(what, self.at.get(found, token)) from None
        return Expression(self.build(tree.body), frozenset(self.names))

    def build(self, node: ast.expr) -> pl.Expr:
        """The polars expression of a node. Anything but the nodes named here is refused."""
        match node:
            case ast.Name(id="operand"):
                token = self.at[node.col_offset]
                if not _is_column(token):
                    return pl.lit(_literal(token))
                name = _value(token).strip("`")
                self.names.add(name)
                return pl.col(name)
            case ast.BoolOp(op=op, values=values):
                return reduce(_OPERATORS[type(op)], map(self.build, values))
            case ast.UnaryOp(op=ast.Not() | ast.USub() as op, operand=operand):
                return _OPERATORS[type(op)](self.build(operand))
            case ast.BinOp():
                return self.chain(node)
            case ast.Compare(left=left, ops=[ast.In()], comparators=[ast.List(elts=[_, *_] as items)]):
                return self.build(left).is_in(self.values(items))
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Name() as null]):
                if _value(self.at[null.col_offset]) == "null":
                    unknown = self.build(left).is_null()
                    return unknown if isinstance(op, ast.Is) else ~unknown
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self.build(left), self.build(right))
            case ast.Call(func=ast.Name(id="abs"), args=[value]):
                return self.build(value).abs()
        raise self.refusal("this is no condition of the language", self.at[node.col_offset])

    def chain(self, node: ast.expr) -> pl.Expr:
        """A sum or product, which Python nests to the left: as a loop, because it may be long."""
        steps: list[tuple[Callable[..., Any], ast.expr]] = []
        while isinstance(node, ast.BinOp):
            steps.append((_OPERATORS[type(node.op)], node.right))
            node = node.left
        return reduce(lambda made, step: step[0](made, self.build(step[1])), reversed(steps), self.build(node))

    def values(self, items: list[ast.expr]) -> list[Literal]:
        """The values of a list: all numbers, all texts, or all true and false."""
        found: list[Any] = []
        for item in items:
            negative = isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.USub)
            value = item.operand if isinstance(item, ast.UnaryOp) and negative else item
            token = self.at[value.col_offset]
            literal = isinstance(value, ast.Name) and not _is_column(token)
            if not literal or (negative and _kind(token) != "number"):
                raise self.refusal("expected a number or a text", token)
            found.append(-cast("float", _literal(token)) if negative else _literal(token))
        kinds = {str if isinstance(value, str) else bool if isinstance(value, bool) else float for value in found}
        if len(kinds) > 1 or None in found:
            raise self.refusal("a list holds numbers only or texts only", token)
        return [float(value) for value in found] if float in map(type, found) else found  # polars wants one type

    def refusal(self, what: str, token: re.Match[str]) -> RuleError:
        found = f"found '{_value(token)}'" if _value(token) else "found the end"
        return RuleError(
            f"{self.key}: {what}, {found} at character {token.start(_kind(token)) + 1} of: {self.text}",
            hint='write conditions such as: chosen_tokens > 500 and source == "amc"',
        )


def _kind(token: re.Match[str]) -> str:
    return str(token.lastgroup)


def _value(token: re.Match[str]) -> str:
    return token[_kind(token)]


def _is_column(token: re.Match[str]) -> bool:
    return _kind(token) == "quoted" or (_kind(token) == "name" and _value(token) not in _CONSTANTS)


def _literal(token: re.Match[str]) -> Literal:
    value = _value(token)
    if _kind(token) == "number":
        return int(value) if value.isdecimal() and len(value) < 19 else float(value)
    return value[1:-1] if _kind(token) == "text" else _CONSTANTS[value]
