"""What an answer can be: the shapes that `read` produces and `compare` compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pairforge.verifier.expr import Tree
from pairforge.verifier.units import NO_UNIT, Unit


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
    """`name = value` where the left side only names the quantity."""

    name: str
    value: Value
    tree: Tree | None


@dataclass(frozen=True, slots=True)
class Matrix:
    rows: tuple[tuple[Value, ...], ...]


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
    words: str


@dataclass(frozen=True, slots=True)
class Special:
    """No solution, undefined, all reals, infinitely many, yes, no."""

    name: str


@dataclass(frozen=True, slots=True)
class Family:
    """All values of `body` as the parameters run through `domain` ("Z", "N", or "" when not said)."""

    body: Value
    params: tuple[str, ...]
    domain: str


Value = (
    Quantity | Items | Interval | Union | Relation | Chain | Assigned | Matrix | Ratio | Clock | Date | Choice | Letters
    | Text | Special | Family
)  # fmt: skip
Reader = Callable[[str], Value]  # reads a part of the text
