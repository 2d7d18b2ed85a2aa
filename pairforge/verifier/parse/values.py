"""What an answer can be: the shapes that `parse` produces and `equal` compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from pairforge.verifier.parse.syntax import INFINITY, MINUS_INFINITY, Tree, rename
from pairforge.verifier.parse.units import NO_UNIT, Unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number or expression with what stands behind it. `rounded`: an approximation of `tree` given beside it."""

    tree: Tree
    unit: Unit = NO_UNIT
    percent: bool = False
    rounded: Tree | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """Several values. "list": written bare, any order; "set": any order; "tuple" and "bracket" ([a, b]): in order."""

    kind: Literal["list", "set", "tuple", "bracket"]
    items: tuple[Value, ...]
    joint: Literal[",", "or", "and"] = ","


@dataclass(frozen=True, slots=True)
class Interval:
    """The reals from `low` to `high`."""

    low: Tree
    high: Tree
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True, slots=True)
class Union:
    """A union of intervals and points."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """The reals of `within` except some points."""

    within: Value
    points: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """`left op right` that is no assignment; op is one of = < <= > >= !=."""

    op: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Chain:
    """An inequality about one name: `name` lies in `within`."""

    name: str
    within: Value


@dataclass(frozen=True, slots=True)
class Assigned:
    """`name = value` where the left side only names the quantity. `steps`: numbers said to equal the value."""

    name: str
    value: Value
    tree: Tree | None
    steps: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """`2 + 3 = 5`: numbers that are said to be equal, and the quantity stated last."""

    steps: tuple[Tree, ...]
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Matrix:
    """`summed`: written as a sum of vectors with factors, such as a point plus t times a direction."""

    rows: tuple[tuple[Value, ...], ...]
    summed: bool = False


@dataclass(frozen=True, slots=True)
class Piecewise:
    """Branches as (formula, condition); the condition is None for "otherwise"."""

    branches: tuple[tuple[Value, Value | None], ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """`2:3:4`. `clock`: it may as well be a time of day."""

    parts: tuple[Tree, ...]
    clock: bool


@dataclass(frozen=True, slots=True)
class Clock:
    hour: int
    minute: int
    second: int
    half: str  # "am", "pm" or ""


@dataclass(frozen=True, slots=True)
class Date:
    year: int  # 0: not given
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice letter, perhaps with the text or value it stands for."""

    letter: str
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Letters:
    """Several choice letters, or an order of labelled things."""

    letters: str
    apart: bool


@dataclass(frozen=True, slots=True)
class Text:
    """Words that are no other value, in lower case without articles."""

    text: str


@dataclass(frozen=True, slots=True)
class Special:
    """No solution, undefined, all reals, yes, no and the like. `detail`: formulas of the reason behind yes or no."""

    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """All values of `body` as the parameters run through `domain` ("Z", "N", or "" when not said)."""

    body: Value
    params: tuple[str, ...]
    domain: str


Value = (
    Quantity | Items | Interval | Union | Without | Relation | Chain | Assigned | Steps | Matrix | Ratio | Clock | Date
    | Choice | Letters | Text | Special | Family | Piecewise
)  # fmt: skip
REALS = Interval(MINUS_INFINITY, INFINITY, False, False)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text. `loose`: not the usual one, so it says nothing against another loose reading."""

    value: Value
    loose: bool = False


@dataclass(frozen=True, slots=True)
class PartReader:
    """Reads the parts of an answer for the reader of its shape. `commas_group`: 1,234 is one number.

    All three raise `Unreadable`. `expression` reads a quantity and keeps its tree.
    """

    commas_group: bool
    value: Callable[[str], Value]
    quantity: Callable[[str], Quantity]

    def expression(self, text: str) -> Tree:
        return self.quantity(text).tree


def is_real_set(value: Value) -> bool:
    """Is this written as a set of reals: an interval, a union, an inequality, all reals?"""
    if isinstance(value, Interval | Union | Without | Chain):
        return True
    return (isinstance(value, Special) and value.name == "reals") or (
        isinstance(value, Items) and any(map(is_real_set, value.items))
    )


def with_names(value: Value, names: dict[str, str]) -> Value:
    """The value with other names for some of its symbols."""
    if isinstance(value, Quantity):
        return replace(value, tree=rename(value.tree, names))
    if isinstance(value, Assigned):
        tree = None if value.tree is None else rename(value.tree, names)
        return replace(value, value=with_names(value.value, names), tree=tree)
    if isinstance(value, Items):
        return replace(value, items=tuple(with_names(item, names) for item in value.items))
    if isinstance(value, Matrix):
        return replace(value, rows=tuple(tuple(with_names(cell, names) for cell in row) for row in value.rows))
    return value


def with_unit(value: Value, unit: Unit) -> Value:
    """A quantity without a unit gets this one; any other value stays as it is."""
    quantity = value.quantity if isinstance(value, Steps) else value
    if not isinstance(quantity, Quantity) or quantity.unit:
        return value
    quantity = replace(quantity, unit=unit)
    return replace(value, quantity=quantity) if isinstance(value, Steps) else quantity
