"""What all readers share: tokens, expression trees, and the error for a text that is neither."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

THIN = "\u2009"  # a thin space in the normal spelling
WIDE = "\u2003"  # the space of \quad, which parts statements

# ("n", Fraction), ("s", name), ("c", "pi" | "e" | "i" | "oo"), ("+", a, b, ...), ("*", a, b), ("neg", a), ("/", a, b),
# ("^", a, b), ("f", name, arguments...), ("call", name, arguments...) of a function that is only named, ("deg", a)
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


def rename(tree: Tree, names: dict[str, str]) -> Tree:
    """The tree with other names for some of its symbols."""
    if tree[0] == "s":
        return ("s", names.get(tree[1], tree[1]))
    return tuple(rename(t, names) if isinstance(t, tuple) else t for t in tree)


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


def letters_of(token: Token) -> list[Token]:
    """A run of letters as its symbols."""
    return [
        Token("symbol", c, start=token.start + n, end=token.start + n + 1, spaced=token.spaced and not n)
        for n, c in enumerate(token.text)
    ]


class Cursor:
    """A place in a list of tokens, and what stands around it."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self, ahead: int = 0) -> Token | None:
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def is_next(self, *texts: str) -> bool:
        token = self.peek()
        return token is not None and token.kind in ("sign", "command") and token.text in texts

    def take(self, *texts: str) -> bool:
        if self.is_next(*texts):
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise Unreadable(f"missing {text!r}")

    def is_times_x(self) -> bool:
        """`6 x 10^6`: an x between two numbers, with a power of ten behind it, is a multiplication sign."""
        before, x, after, power = self.peek(-1), self.peek(), self.peek(1), self.peek(2)
        return (
            x is not None
            and x.kind == "symbol"
            and x.text in "xX"
            and before is not None
            and before.kind == "number"
            and after is not None
            and after.text == "10"
            and (power is None or power.text == "^" or x.spaced)
        )

    def behind_subscript(self) -> bool:
        """Is the number before this place a subscript, as in `x_1 0`?"""
        return self.at > 1 and self.tokens[self.at - 2].text == "_"

    def degree_follows(self) -> bool:
        begin = self.at
        braced = self.take("{")
        if self.take("circ") and (not braced or self.take("}")):
            return True
        self.at = begin
        return False


# --- names and numerals ----------------------------------------------------------------------------------------------

_FUNCTION_NAMES = """
    sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh coth log ln exp abs floor ceil max min gcd lcm
    cbrt cis
"""
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_GREEK_NAMES = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega Gamma Delta
    Theta Lambda Xi Sigma Phi Psi Omega ell upsilon hbar
"""
GREEK = frozenset(_GREEK_NAMES.split())

NUMBER_BASES = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "sixteen": 16,
}  # fmt: skip


def in_base(digits: str, base: int) -> Fraction:
    """The value of a numeral in a base from 2 to 36. Raises `Unreadable` when a digit does not belong to it."""
    whole, _, fraction = digits.replace(",", "").replace(" ", "").partition(".")
    if not 2 <= base <= 36:
        raise Unreadable(f"{base} is no base")
    try:
        return int(whole + fraction, base) / Fraction(base) ** len(fraction)
    except ValueError:
        raise Unreadable(f"{digits} is no number in base {base}") from None
