"""The nano model's world: four kinds of arithmetic word problems, each solved briefly and in steps.

Every problem is a small calculation in words: a product and a sum (`stock`), two products (`two_kinds`), a price
times a quantity (`money`), two fractions of a whole (`fraction`). Its level says how large the numbers are:
`easy` ones can be answered at once, `hard` ones need products of two-digit numbers, which a small model gets
right far more often when it works them out in steps.
"""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

LEVELS = ("easy", "medium", "hard")

NAMES = ("Mia", "Tom", "Sara", "Ben", "Lena", "Omar", "Ines", "Kofi", "Yuki", "Raj", "Nora", "Paul")
THINGS = ("apples", "pens", "cards", "eggs", "books", "shells", "stamps", "beads", "plums", "coins")
HOLDERS = ("boxes", "bags", "crates", "trays", "packs", "baskets")
WARES = ("lamp", "mug", "scarf", "ball", "kite", "ticket", "plant", "puzzle")
WHOLES = ("cake", "garden", "wall", "field", "trip", "book")


@dataclass(frozen=True, slots=True)
class WordProblem:
    """A problem with both of its solutions. `key` names the calculation: equal keys mean the same numbers.

    `value` is the exact answer (dollars for money). `golds` are the ways a data set may write it, `boxed` the way
    the model does. `plan` says what is to be calculated, `working` does it at once and `steps` place by place.
    """

    key: tuple[object, ...]
    kind: str
    level: str
    question: str
    value: Fraction
    golds: tuple[str, ...]
    boxed: str
    plan: str
    working: str
    steps: str

    @property
    def ending(self) -> str:
        return f"The answer is \\boxed{{{self.boxed}}}."

    @property
    def short(self) -> str:
        """The short style: the working in one line, then the answer."""
        return f"{self._opening('short', ' ')}{self.working}\n\n{self.ending}"

    @property
    def framed_short(self) -> str:
        """The short style in the outer form of the long one."""
        return f"<think>\n{self._opening('short', ' ')}{self.working}\n</think>\n\n{self.ending}"

    @property
    def long(self) -> str:
        """The long style: step by step inside `<think>`, with a check, then the answer."""
        return f"<think>\n{self._opening('long', chr(10))}{self.steps}\n</think>\n\n{self.ending}"

    def _opening(self, style: str, separator: str) -> str:
        """The plan for half of the solutions of either style, so that no opening words give a style away.

        Drawn from the question itself: a problem always has the same solutions.
        """
        return self.plan + separator if zlib.crc32(f"{style} {self.question}".encode()) % 2 else ""


def draw_problem(rng: random.Random, kind: str, level: str) -> WordProblem:
    """One problem of this kind (a key of `KINDS`) and level (one of `LEVELS`)."""
    return KINDS[kind](rng, level)


def _stock(rng: random.Random, level: str) -> WordProblem:
    """a holders of b things each, then c more or c fewer."""
    a, b = _factors(rng, level)
    total = a * b
    top = {"easy": 40, "medium": 99, "hard": 999}[level]
    c = rng.randint(2, min(top, total - 1))
    more = rng.random() < 0.5
    name, thing, holder = rng.choice(NAMES), rng.choice(THINGS), rng.choice(HOLDERS)
    start = rng.choice(
        (
            f"{name} has {a} {holder} with {b} {thing} in each.",
            f"A shop gets {a} {holder} of {b} {thing}.",
            f"There are {b} {thing} in each of {a} {holder}.",
        )
    )
    change, ask = (
        rng.choice((("come in later", "are there now"), ("are added", "is that in all")))
        if more
        else rng.choice((("are sold", "are left"), ("are given away", "are left")))
    )
    question = f"{start} Then {c} {thing} {change}. How many {thing} {ask}?"
    result = total + c if more else total - c
    sign, back = ("+", "-") if more else ("-", "+")
    steps = [
        *_product_steps(a, b),
        _sum_steps(total, c) if more else _difference_steps(total, c),
        f"Let me check: {result} {back} {c} = {total}. Good.",
    ]
    return WordProblem(
        key=("stock", min(a, b), max(a, b), sign, c),
        kind="stock",
        level=level,
        question=question,
        value=Fraction(result),
        golds=_integer_golds(result),
        boxed=str(result),
        plan=f"I need {a} × {b}, then {sign} {c}.",
        working=f"{a} × {b} = {total}. {total} {sign} {c} = {result}.",
        steps="\n".join(steps),
    )


def _two_kinds(rng: random.Random, level: str) -> WordProblem:
    """a holders of b things and c holders of d other things."""
    a, b = _factors(rng, level)
    c, d = _factors(rng, "easy" if level == "hard" else level)
    first, second = a * b, c * d
    result = first + second
    name, holder = rng.choice(NAMES), rng.choice(HOLDERS)
    thing, other = rng.sample(THINGS, 2)
    question = rng.choice(
        (
            f"{name} buys {a} {holder} of {b} {thing} and {c} {holder} of {d} {other}. "
            f"How many {thing} and {other} is that in all?",
            f"There are {a} {holder} with {b} {thing} in each and {c} {holder} with {d} {other} in each. "
            f"How many {thing} and {other} are there?",
        )
    )
    steps = [
        *_product_steps(a, b),
        *_product_steps(c, d),
        _sum_steps(first, second),
        f"Let me check: {result} - {second} = {first}. Good.",
    ]
    return WordProblem(
        key=("two_kinds", *sorted((tuple(sorted((a, b))), tuple(sorted((c, d)))))),
        kind="two_kinds",
        level=level,
        question=question,
        value=Fraction(result),
        golds=_integer_golds(result),
        boxed=str(result),
        plan=f"I need {a} × {b} and {c} × {d}, then the sum.",
        working=f"{a} × {b} = {first}. {c} × {d} = {second}. {first} + {second} = {result}.",
        steps="\n".join(steps),
    )


def _money(rng: random.Random, level: str) -> WordProblem:
    """n wares at a price, plus delivery or change from a note. The steps are done in cents."""
    if level == "easy":
        price, n = rng.randrange(100, 1000, 50), rng.randint(2, 9)
    elif level == "medium":
        price, n = rng.randrange(105, 1000, 5), rng.randint(2, 9)
    else:
        price, n = rng.randint(101, 999), rng.randint(12, 19)
    total = price * n
    name, ware = rng.choice(NAMES), rng.choice(WARES)
    if rng.random() < 0.5:
        other = rng.randrange(100, 1000, 50)
        result, sign, back = total + other, "+", "-"
        tail = f"pays ${_dollars(other)} for delivery. How much does {name} pay in all?"
        last = _sum_steps(total, other)
    else:
        other = next(note for note in (500, 1000, 2000, 5000, 10000, 20000, 50000) if note > total)
        result, sign, back = other - total, "-", "+"
        tail = f"pays with ${other // 100}. How much change does {name} get?"
        last = _difference_steps(other, total)
    left, right = (total, other) if sign == "+" else (other, total)
    start = rng.choice((f"One {ware} costs ${_dollars(price)}.", f"A {ware} costs ${_dollars(price)}."))
    steps = [
        *_product_steps(price, n),
        last,
        f"Let me check: {result} {back} {right} = {left}. Good.",
        f"{result} cents is {_dollars(result)} dollars.",
    ]
    return WordProblem(
        key=("money", price, n, sign, other),
        kind="money",
        level=level,
        question=f"{start} {name} buys {n} and {tail}",
        value=Fraction(result, 100),
        golds=_money_golds(result),
        boxed=f"\\${_dollars(result)}",
        plan=f"I need {n} × {_dollars(price)}, then {'add' if sign == '+' else 'take it from'} {_dollars(other)}.",
        working=f"{n} × {_dollars(price)} = {_dollars(total)}. "
        f"{_dollars(left)} {sign} {_dollars(right)} = {_dollars(result)}.",
        steps="\n".join(steps),
    )


def _fraction(rng: random.Random, level: str) -> WordProblem:
    """Two people take a fraction each; what fraction of the whole is left?"""
    first, second = _two_fractions(rng, level)
    left = 1 - first - second
    below = math.lcm(first.denominator, second.denominator)
    p, q = first * below, second * below
    whole = rng.choice(WHOLES)
    name, friend = rng.sample(NAMES, 2)
    one, two = (_frac(first), _frac(second)) if rng.random() < 0.5 else (str(first), str(second))
    question = rng.choice(
        (
            f"{name} does {one} of a {whole} and {friend} does {two} of it. What fraction of the {whole} is left?",
            f"{name} takes {one} of a {whole}, {friend} takes {two}. What fraction of the {whole} remains?",
        )
    )
    rest = below - p - q
    denominator = f"A common denominator of {first.denominator} and {second.denominator} is {below}."
    steps = [
        denominator,
        f"{first} = {p}/{below}, {second} = {q}/{below}.",
        f"{p} + {q} = {p + q}, so {p + q}/{below} is gone.",
        f"{below} - {p + q} = {rest}, so {rest}/{below} is left.",
        _reduction(int(rest), below),
        f"Let me check: {p + q} + {rest} = {below}. Good.",
    ]
    return WordProblem(
        key=("fraction", *sorted((first, second))),
        kind="fraction",
        level=level,
        question=question,
        value=left,
        golds=(f"\\frac{{{left.numerator}}}{{{left.denominator}}}", str(left), _frac(left), f"${left}$"),
        boxed=f"\\frac{{{left.numerator}}}{{{left.denominator}}}",
        plan=f"I need 1 - {first} - {second}.",
        working=f"{denominator} {p}/{below} + {q}/{below} = {p + q}/{below}. 1 - {p + q}/{below} = {left}.",
        steps="\n".join(steps),
    )


KINDS: dict[str, Callable[[random.Random, str], WordProblem]] = {
    "stock": _stock,
    "two_kinds": _two_kinds,
    "money": _money,
    "fraction": _fraction,
}


def _factors(rng: random.Random, level: str) -> tuple[int, int]:
    if level == "easy":
        return rng.randint(2, 9), rng.randint(2, 12)
    if level == "medium":
        return rng.randint(2, 9), rng.randint(13, 99)
    return rng.randint(12, 99), rng.randint(12, 99)


def _two_fractions(rng: random.Random, level: str) -> tuple[Fraction, Fraction]:
    """Two reduced fractions with a sum below one: equal, dividing, or unrelated denominators."""
    while True:
        if level == "easy":
            d = e = rng.randint(5, 20)
        elif level == "medium":
            d = rng.randint(2, 8)
            e = d * rng.randint(2, 4)
        else:
            d, e = rng.randint(3, 12), rng.randint(3, 12)
            if d % e == 0 or e % d == 0:
                continue
        first, second = Fraction(rng.randint(1, d - 1), d), Fraction(rng.randint(1, e - 1), e)
        if rng.random() < 0.5:
            first, second = second, first
        if {first.denominator, second.denominator} == {d, e} and first + second < 1:
            return first, second


def _place_values(n: int) -> list[int]:
    """345 -> [300, 40, 5]; zeros are left out."""
    digits = str(n)
    return [int(d) * 10 ** (len(digits) - 1 - i) for i, d in enumerate(digits) if d != "0"]


def _product_steps(a: int, b: int) -> list[str]:
    """a × b by place value, one line for each place of b and one for each running sum."""
    if a * b <= 108 and max(a, b) <= 12:
        return [f"{a} × {b} = {a * b}."]
    if a < 10:
        a, b = b, a
    lines = [_part_steps(a, part) for part in _place_values(b)]
    total = a * _place_values(b)[0]
    for part in _place_values(b)[1:]:
        lines.append(f"{total} + {a * part} = {total + a * part}.")
        total += a * part
    return lines


def _part_steps(a: int, part: int) -> str:
    """a × part, where part has one digit that is not zero, by the place values of a."""
    places = _place_values(a)
    if len(places) == 1 or part in (1, 10, 100):
        return f"{a} × {part} = {a * part}."
    steps = [f"{place} × {part} = {place * part}" for place in places]
    total = places[0] * part
    for place in places[1:]:
        steps.append(f"{total} + {place * part} = {total + place * part}")
        total += place * part
    return f"{a} × {part}: {', '.join(steps)}."


def _sum_steps(a: int, b: int) -> str:
    return _walk(a, b, "+")


def _difference_steps(a: int, b: int) -> str:
    return _walk(a, b, "-")


def _walk(start: int, change: int, sign: str) -> str:
    """start ± change, one place value of change at a time."""
    steps, at = [], start
    for part in _place_values(change):
        after = at + part if sign == "+" else at - part
        steps.append(f"{at} {sign} {part} = {after}")
        at = after
    return ", ".join(steps) + "." if len(steps) == 1 else f"{start} {sign} {change}: {', '.join(steps)}."


def _reduction(top: int, below: int) -> str:
    common = math.gcd(top, below)
    if common == 1:
        return f"{top} and {below} share no factor."
    return f"Divide both by {common}: {top // common}/{below // common}."


def _frac(value: Fraction) -> str:
    return f"$\\frac{{{value.numerator}}}{{{value.denominator}}}$"


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _integer_golds(n: int) -> tuple[str, ...]:
    grouped = f"{n:,}"
    return (str(n), f"${n}$", f"\\boxed{{{n}}}", grouped.replace(",", "{,}"), f"${grouped.replace(',', '{,}')}$")


def _money_golds(cents: int) -> tuple[str, ...]:
    amount = _dollars(cents)
    return (f"${amount}", f"\\${amount}", amount, f"$\\${amount}$", f"\\text{{\\${amount}}}")
