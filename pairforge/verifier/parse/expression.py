"""Tokens to an expression tree: recursive descent, bounded, and it evaluates nothing."""

from __future__ import annotations

from fractions import Fraction

from pairforge.verifier.parse.syntax import Token, Tree, Unreadable

_MAX_DEPTH = 60
_FUNCTION_NAMES = """
    sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh coth log ln exp abs floor ceil max min gcd lcm
    cbrt
"""
_FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_GREEK_NAMES = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega Gamma Delta
    Theta Lambda Xi Sigma Phi Psi Omega ell upsilon hbar
"""
_GREEK = frozenset(_GREEK_NAMES.split())
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


def parse_leading_expression(tokens: list[Token], text: str) -> tuple[Tree, str]:
    """The tree of the longest expression the tokens start with, and the rest of the text (a unit, words)."""
    reader = _Reader(tokens, text)
    tree = reader.sum(0)
    rest = text[reader.tokens[reader.at].start :] if reader.at < len(reader.tokens) else ""
    return tree, rest.strip()


class _Reader:
    """A cursor over tokens."""

    def __init__(self, tokens: list[Token], text: str) -> None:
        self.tokens, self.text = tokens, text
        self.at = 0
        self.bars = 0  # open | signs

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
            elif self.starts_factor():
                result = self.juxtaposed(result, depth)
            else:
                return result

    def signed_factor(self, depth: int) -> Tree:
        if self.take("-"):
            return ("neg", self.factor(depth))
        self.take("+")
        return self.factor(depth)

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
            return (name in known and name != "langle") or name in _FUNCTIONS or name in _GREEK or "@" in name
        return token.text in ("(", "[", "{") or (token.text == "|" and not self.bars)

    def factor(self, depth: int) -> Tree:
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

    def degree_follows(self) -> bool:
        begin = self.at
        braced = self.take("{")
        if self.take("circ") and (not braced or self.take("}")):
            return True
        self.at = begin
        return False

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
        if name in _FUNCTIONS:
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
        if name in _GREEK or "@" in name:
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
        if name == "log" and base is not None:
            call: Tree = ("f", "log_base", arguments[0], base)
        else:
            call = ("f", name, *arguments)
        return call if power is None else ("^", call, power)

    def arguments(self, depth: int) -> list[Tree]:
        if self.is_next("(", "[", "{"):
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
            if not self.starts_factor() or (token.kind == "command" and token.text in _FUNCTIONS):
                break
            tree = ("*", tree, self.factor(depth))
        return [("neg", tree) if negative else tree]


def _quotient(top: Tree, bottom: Tree) -> Tree:
    """45/2° is an angle: the sign stands behind the whole quotient."""
    if bottom[0] == "deg" and top[0] == "n":
        return ("deg", ("/", top, bottom[1]))
    return ("/", top, bottom)


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
