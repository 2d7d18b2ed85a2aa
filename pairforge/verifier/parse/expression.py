"""Tokens to an expression tree: recursive descent, bounded, and it evaluates nothing."""

from __future__ import annotations

import re
from fractions import Fraction

from pairforge.verifier.parse.syntax import (
    FUNCTIONS,
    GREEK,
    NUMBER_BASES,
    Cursor,
    Token,
    Tree,
    Unreadable,
    in_base,
    letters_of,
)  # fmt: skip
from pairforge.verifier.parse.units import UNIT_WORDS

_MAX_DEPTH = 60
_CALLED = frozenset("fghFGH")  # f(2) is the value of a function, not f times 2
_MULTIPLY = {"*", "cdot", "times"}
_DIVIDE = {"/", "div"}
_CLOSERS = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}
_INVERSE = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "cot": "arccot"}


def parse_expression(tokens: list[Token], text: str) -> Tree:
    """The tree of tokens that are one expression; `text` is what they were read from. Raises `Unreadable`."""
    reader = _Reader(tokens, text)
    tree = reader.sum(0)
    if reader.at < len(reader.tokens):
        raise Unreadable(f"unexpected {reader.tokens[reader.at].text!r}")
    return tree


def parse_leading_expression(tokens: list[Token], text: str, *, letters: bool = False) -> tuple[Tree, str]:
    """The tree of the longest expression the tokens start with, and the rest of the text (a unit, words).

    `letters`: a short run of letters that may be a word or a unit is a product of symbols (`at`, `5 mg`).
    """
    reader = _Reader(tokens, text, letters)
    tree = reader.sum(0)
    rest = text[reader.tokens[reader.at].start :] if reader.at < len(reader.tokens) else ""
    return tree, rest.strip()


class _Reader(Cursor):
    """Reads tokens by recursive descent."""

    def __init__(self, tokens: list[Token], text: str, letters: bool = False) -> None:
        super().__init__(tokens)
        self.text, self.splits_all = text, letters
        self.bars = 0  # open | signs

    # --- sums, products, powers -------------------------------------------------------------------------------

    def sum(self, depth: int) -> Tree:
        if depth > _MAX_DEPTH:
            raise Unreadable("nested too deeply")
        terms = [self.signed(depth)]
        while self.is_next("+", "-", "pm", "mp"):
            terms.append(self.signed(depth))
        return terms[0] if len(terms) == 1 else ("+", *terms)

    def signed(self, depth: int) -> Tree:
        negative = False
        while self.is_next("+", "-", "pm", "mp"):
            token = self.peek()
            self.at += 1
            assert token is not None
            negative ^= token.text in ("-", "mp")  # plus or minus is two answers, made of one text before this
        term = self.product(depth)
        return ("neg", term) if negative else term

    def product(self, depth: int) -> Tree:
        result = self.factor(depth)
        while True:
            if self.take(*_MULTIPLY):
                result = ("*", result, self.signed_factor(depth))
            elif self.take(*_DIVIDE):
                result = _quotient(result, self.signed_factor(depth))
            elif self.take("bmod"):
                result = ("f", "mod", result, self.signed_factor(depth))
            elif self.is_times_x():
                self.at += 1
                result = ("*", result, self.factor(depth))
            elif self.is_next("angle") and self.at and self.tokens[self.at - 1].kind == "number":
                self.at += 1  # 5 \angle 30^\circ: a complex number by its modulus and argument
                result = ("*", result, _cis(self.product(depth)))
            elif self.starts_factor() or self.splits():
                result = self.juxtaposed(result, depth)
            else:
                return result

    def signed_factor(self, depth: int) -> Tree:
        if self.take("-"):
            return ("neg", self.factor(depth))
        self.take("+")
        return self.factor(depth)

    def juxtaposed(self, left: Tree, depth: int) -> Tree:
        """A factor without a sign before it: a product, or the fraction of a mixed number."""
        token, before = self.peek(), self.tokens[self.at - 1]
        assert token is not None
        if token.kind == "number" and before.kind == "number":
            slash, bottom = self.peek(1), self.peek(2)
            whole = left[0] == "n" and left[1].denominator == 1 and token.value.denominator == 1
            if whole and slash and slash.text == "/" and bottom and bottom.kind == "number" and bottom.value:
                self.at += 3
                return ("n", left[1] + token.value / bottom.value)
            if left[0] == "n" or not self.behind_subscript():
                raise Unreadable("two numbers side by side")
        begin = self.at
        right = self.factor(depth)
        proper = right[0] == "/" and right[1][0] == right[2][0] == "n" and right[1][1] < right[2][1]
        if proper and left[0] == "n" and left[1].denominator == 1 and self.tokens[begin].text == "frac":
            return ("n", left[1] + right[1][1] / right[2][1])
        return ("*", left, right)

    def starts_factor(self) -> bool:
        token = self.peek()
        if token is None:
            return False
        if token.kind in ("number", "symbol"):
            return True
        if token.kind == "command":
            name = token.text
            known = ("frac", "sqrt", "pi", "infty", "binom", "overline", "lfloor", "lceil", "circ", "angle", "langle")
            return (name in known and name != "langle") or name in FUNCTIONS or name in GREEK or "@" in name
        return token.text in ("(", "[", "{") or (token.text == "|" and not self.bars)

    def splits(self) -> bool:
        """Is the next run of letters, which may be a word or a unit, a product of symbols where it stands?"""
        token, before = self.peek(), self.peek(-1) if self.at else None
        if token is None or token.kind != "text" or self.text[token.start] == '"':
            return False
        return _is_product_here(token, before, self.peek(1), self.splits_all)

    def factor(self, depth: int) -> Tree:
        if self.splits():
            self.tokens[self.at : self.at + 1] = letters_of(self.tokens[self.at])
        base = self.postfix(self.atom(depth + 1))
        while self.take("^"):
            if self.degree_follows():
                base = ("deg", base)
                continue
            primes = 0
            while self.take("'"):
                primes += 1
            base = base if primes else self.postfix(("^", base, self.script(depth + 1)))
        return base

    def postfix(self, base: Tree) -> Tree:
        while True:
            following = self.peek()
            if following is None or following.text != "!" or following.kind != "sign":
                return base
            self.at += 1
            if self.take("!"):
                base = ("f", "double_factorial", base)
            else:
                base = ("f", "factorial", base)

    def script(self, depth: int) -> Tree:
        """An exponent: braces, or the next sign-and-number, symbol or command."""
        if self.take("{"):
            inner = self.sum(depth)
            self.expect("}")
            return inner
        negative = self.take("-")
        inner = self.atom(depth)
        return ("neg", inner) if negative else inner

    # --- atoms ------------------------------------------------------------------------------------------------

    def atom(self, depth: int) -> Tree:
        token = self.peek()
        if token is None or depth > _MAX_DEPTH:
            raise Unreadable("an expression ends too early" if token is None else "nested too deeply")
        self.at += 1
        if token.kind == "number":
            return self.numeral(token)
        if token.kind == "symbol":
            return self.symbol(token.text)
        if token.kind == "command":
            return self.command(token.text, depth)
        if token.text in ("(", "[", "{", "\\{"):
            inner = self.sum(depth)
            if token.text == "{" and self.take("choose"):
                inner = ("f", "binom", inner, self.sum(depth))
            self.expect(_CLOSERS[token.text])
            return inner
        if token.text == "|":
            self.bars += 1
            inner = self.sum(depth)
            self.expect("|")
            self.bars -= 1
            return ("f", "abs", inner)
        raise Unreadable(f"unexpected {token.text!r}")

    def numeral(self, token: Token) -> Tree:
        if not self.take("_"):
            return ("n", token.value)
        braced = self.take("{")
        base = self.peek()
        if base is None or base.kind not in ("number", "text"):
            raise Unreadable("a number with a subscript that is no base")
        self.at += 1
        if braced:
            self.expect("}")
        return ("n", in_base(token.text, int(base.value) if base.kind == "number" else NUMBER_BASES.get(base.text, 0)))

    def symbol(self, name: str) -> Tree:
        if name == "e":
            return ("c", "e")
        if name == "i" and not self.is_next("_"):
            return ("c", "i")
        while self.take("'"):
            name += "'"
        if self.take("_"):
            name += "_" + self.subscript()
        following = self.peek()
        if name[0] in _CALLED and self.is_next("(") and following and not following.spaced:
            return ("call", name, *self.arguments(0))
        return ("s", name)

    def subscript(self) -> str:
        if not self.take("{"):
            token = self.peek()
            if token is None or token.kind == "sign":
                raise Unreadable("an empty subscript")
            self.at += 1
            return token.text
        depth, parts = 1, []
        while depth:
            token = self.peek()
            if token is None:
                raise Unreadable("an open subscript")
            self.at += 1
            depth += {"{": 1, "}": -1}.get(token.text, 0)
            parts.append(token.text)
        return "".join(parts[:-1])

    def group(self, depth: int) -> Tree:
        """The argument of \\frac or \\sqrt: braces, or a single digit, symbol or command."""
        if self.take("{"):
            inner = self.sum(depth)
            self.expect("}")
            return inner
        token = self.peek()
        if token is not None and token.kind == "number" and token.text[0].isdigit():
            return self.digit(token)
        return self.atom(depth)

    def digit(self, token: Token) -> Tree:
        """\\frac12 takes one digit at a time; the rest of the number stays for the next reader."""
        rest = token.text[1:]
        if rest and rest.isdigit():
            value = Fraction(int(rest))
            self.tokens[self.at] = Token("number", rest, value, token.start + 1, token.end)
        else:
            self.at += 1
            if rest:
                return ("n", token.value)
        return ("n", Fraction(int(token.text[0])))

    def command(self, name: str, depth: int) -> Tree:
        if name == "frac":
            return ("/", self.group(depth), self.group(depth))
        if name == "binom":
            return ("f", "binom", self.group(depth), self.group(depth))
        if name == "sqrt":
            return self.root(depth)
        if name in ("pi", "infty"):
            return ("c", "pi" if name == "pi" else "oo")
        if name in FUNCTIONS:
            return self.function(name, depth)
        if name in ("lfloor", "lceil"):
            inner = self.sum(depth)
            self.expect("r" + name[1:])
            return ("f", "floor" if name == "lfloor" else "ceil", inner)
        if name == "overline":
            self.expect("{")
            return ("s", "\\overline{" + self.letters_until_brace() + "}")
        if name == "angle":
            return ("s", "\\angle " + self.letters())
        if name in GREEK or "@" in name:
            return self.symbol("\\" + name)
        raise Unreadable(f"unknown command \\{name}")

    def letters(self) -> str:
        letters = ""
        while (token := self.peek()) is not None and token.kind in ("symbol", "text"):
            self.at += 1
            letters += token.text
        return letters

    def letters_until_brace(self) -> str:
        letters = self.letters()
        if not letters:
            raise Unreadable("a line over something that is not a name")
        self.expect("}")
        return letters

    def root(self, depth: int) -> Tree:
        degree: Tree = ("n", Fraction(2))
        if self.take("["):
            degree = self.sum(depth)
            self.expect("]")
        token, command = self.peek(), self.tokens[self.at - 1]
        ascii_name = self.text[command.start] != "\\"
        plain = token is not None and token.kind == "number" and (token.spaced or ascii_name)
        radicand = self.atom(depth) if plain or self.is_next("(") else self.group(depth)
        return ("f", "root", radicand, degree)

    def function(self, name: str, depth: int) -> Tree:
        base: Tree | None = None
        power: Tree | None = None
        while self.is_next("_", "^"):
            if self.take("_"):
                base = self.script(depth)
            else:
                self.at += 1
                power = self.script(depth)
        if power is not None and name in _INVERSE and power in (("neg", ("n", Fraction(1))), ("n", Fraction(-1))):
            name, power = _INVERSE[name], None
        arguments = self.arguments(depth)
        if name == "cis":
            return _cis(arguments[0]) if power is None else ("^", _cis(arguments[0]), power)
        if name == "log" and base is not None:
            call: Tree = ("f", "log_base", arguments[0], base)
        else:
            call = ("f", name, *arguments)
        return call if power is None else ("^", call, power)

    def arguments(self, depth: int) -> list[Tree]:
        if self.is_next("(", "[", "{", "\\{"):
            token = self.peek()
            assert token is not None
            self.at += 1
            found = [self.sum(depth)]
            while self.take(","):
                found.append(self.sum(depth))
            self.expect(_CLOSERS[token.text])
            if self.is_next("^"):  # \sin(x)^2 is the power of the argument's bracket by habit: (\sin x)^2
                return found
            return found
        negative = self.take("-")
        tree = self.factor(depth)
        while (token := self.peek()) is not None and not self.is_next("(", "[", "{", "|"):
            if not self.starts_factor() or (token.kind == "command" and token.text in FUNCTIONS):
                break
            tree = ("*", tree, self.factor(depth))
        return [("neg", tree) if negative else tree]


def _cis(angle: Tree) -> Tree:
    return ("+", ("f", "cos", angle), ("*", ("c", "i"), ("f", "sin", angle)))


def _quotient(top: Tree, bottom: Tree) -> Tree:
    """45/2° is an angle: the sign stands behind the whole quotient."""
    if bottom[0] == "deg" and top[0] == "n":
        return ("deg", ("/", top, bottom[1]))
    return ("/", top, bottom)


_SPLITS = re.compile("[A-Za-z]{2,3}")
_WORDS = frozenset(
    [
        "and",
        "or",
        "the",
        "for",
        "if",
        "is",
        "to",
        "of",
        "no",
        "we",
        "not",
        "all",
        "any",
        "are",
        "was",
        "one",
        "two",
        "six",
        "ten",
        "yes",
        "per",
        "but",
        "NE",
        "NW",
        "SE",
        "SW",
    ]
)
_BEFORE_A_FACTOR = frozenset(
    ["+", "-", "*", "/", "(", "[", "{", "|", "^", "=", "cdot", "times", "div", "pm", "mp", "frac"]
)


def _is_product_here(token: Token, before: Token | None, after: Token | None, always: bool) -> bool:
    """Is a short run of letters, which may be a word or a unit, a product of symbols between these neighbours?

    `always`: wherever it stands. Otherwise what surrounds it has to be a formula: `at^2`, `mg\\sin x`, `{at}`.
    """
    if not _SPLITS.fullmatch(token.text) or token.text in _WORDS:
        return False
    if always:
        return True
    if before is None or before.text in _BEFORE_A_FACTOR:
        return after is not None and after.kind in ("sign", "command") and after.text not in (",", ";", ".", ":")
    scripted = after is not None and after.text in ("^", "_", "(") and not after.spaced
    return token.text not in UNIT_WORDS and (scripted or not token.spaced)
