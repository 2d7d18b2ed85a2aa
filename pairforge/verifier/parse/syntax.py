"""What all readers share: tokens, expression trees, and the error for a text that is neither."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

THIN = "\u2009"  # a thin space in the normal spelling

# ("n", Fraction), ("s", name), ("c", "pi" | "e" | "i" | "oo"), ("+", a, b, ...), ("*", a, b), ("neg", a), ("/", a, b),
# ("^", a, b), ("f", name, arguments...), ("deg", a)
Tree = tuple[Any, ...]
INFINITY: Tree = ("c", "oo")
MINUS_INFINITY: Tree = ("neg", INFINITY)
TokenKind = Literal["number", "symbol", "command", "text", "sign"]


class Unreadable(Exception):
    """The text is not an expression that pairforge reads. A fact about the text, not a failure."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    value: Fraction = Fraction(0)
    start: int = 0
    end: int = 0
    spaced: bool = False  # white space stands before it


def symbols(tree: Tree) -> set[str]:
    """The names of the free symbols."""
    found: set[str] = set()
    stack: list[Any] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            if node and node[0] == "s":
                found.add(node[1])
            else:
                stack.extend(node[1:])
    return found


def mentions(tree: Any, *what: str) -> bool:
    """Does a node kind, constant or function of one of these names occur in the tree?"""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple) and node:
            if node[0] in what or (node[0] in ("c", "f") and node[1] in what):
                return True
            stack.extend(node[1:])
    return False


def infinite(tree: Tree) -> int:
    """1 for infinity, -1 for minus infinity, else 0."""
    if tree == INFINITY:
        return 1
    return -1 if tree == MINUS_INFINITY else 0
