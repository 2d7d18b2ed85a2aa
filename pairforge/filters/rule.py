"""What a rule is: keys of a recipe's `filter:` block, together with everything that follows from them.

A rule is one class in one file. Its fields are the YAML keys, with defaults, limits and descriptions. Its methods say
which conditions it sets, what it means for sampling, which settings contradict each other, and how it reads in plain
English. The classes are put together by inheritance: the bases of `ProblemRules`, `SideRules`, `PairRules` and
`Choices` are the ordered lists of all rules, and their fields together are the `filter:` block.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
from pydantic import BaseModel, Field

from pairforge.config import Config

if TYPE_CHECKING:
    from pairforge.filters.evidence import Evidence
    from pairforge.filters.ruleset import Rules

SideName = Literal["chosen", "rejected"]


class Model(Config):
    """Settings of rules, in the order of the rules."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Put the fields in the order of the bases: pydantic itself takes the bases last to first."""
        super().__pydantic_init_subclass__(**kwargs)
        inherited = [name for base in cls.__bases__ if issubclass(base, BaseModel) for name in base.model_fields]
        order = list(dict.fromkeys([*inherited, *cls.model_fields]))
        if order != list(cls.model_fields):
            cls.__pydantic_fields__ = {name: cls.model_fields[name] for name in order}
            cls.model_rebuild(force=True)


class Bounds(Model):
    """An interval, both ends included; null leaves an end open."""

    min: float | None = Field(None, description="Smallest accepted value, in the unit of the key it belongs to.")
    max: float | None = Field(None, description="Largest accepted value, in the unit of the key it belongs to.")

    @property
    def open(self) -> bool:
        """Whether the interval bounds nothing."""
        return self.min is None and self.max is None

    def mistakes(self, key: str) -> Iterator[str]:
        """The sentence for an interval that holds no value."""
        if self.min is not None and self.max is not None and self.min > self.max:
            yield f"{key}: min {self.min:g} is above max {self.max:g}, so no pair can pass"

    def words(self, unit: str = "") -> str:
        """The interval in plain English: "at least 200 and at most 800 tokens"."""
        ends = [f"at least {self.min:,.15g}"] if self.min is not None else []
        ends += [f"at most {self.max:,.15g}"] if self.max is not None else []
        return f"{' and '.join(ends)} {unit}".strip() if ends else ""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a problem, a sample or a couple of samples.

    `reason` names it in drops and in the funnel. `test` gets the values of `columns`, in this order, and works on
    polars expressions and on plain values alike, so that a view and the sampling loop apply the same condition.
    An unknown (null) value fails. `while_sampling` is False for what is judged after sampling only.
    """

    reason: str
    columns: tuple[str, ...]
    test: Callable[..., Any]
    while_sampling: bool = True

    def expression(self) -> pl.Expr:
        """The condition over the columns of a table."""
        passes: pl.Expr = self.test(*map(pl.col, self.columns))
        return passes.fill_null(False)

    def holds(self, values: Mapping[str, Any]) -> bool:
        """The condition for one row."""
        if len(self.columns) == 1:  # the usual case, and sampling asks often
            value = values[self.columns[0]]
            return value is not None and bool(self.test(value))
        known = [values[name] for name in self.columns]
        return None not in known and bool(self.test(*known))


def at_least(low: float) -> Callable[[Any], Any]:
    """The test `value >= low`."""
    bound = _whole(low)
    return lambda value: value >= bound


def at_most(high: float) -> Callable[[Any], Any]:
    """The test `value <= high`."""
    bound = _whole(high)
    return lambda value: value <= bound


def one_of(values: Collection[str]) -> Callable[[Any], Any]:
    """The test that a text is one of `values`."""
    return lambda value: value.is_in(list(values)) if isinstance(value, pl.Expr) else value in values


def within(bounds: Bounds) -> Callable[[Any], Any]:
    """The test that a value lies in an interval; an unknown value does not, not even in an open one."""

    def test(value: Any) -> Any:
        passes = value.is_not_null() if isinstance(value, pl.Expr) else True
        if bounds.min is not None:
            passes = passes & at_least(bounds.min)(value)
        if bounds.max is not None:
            passes = passes & at_most(bounds.max)(value)
        return passes

    return test


def bounded(name: str, column: str, bounds: Bounds) -> Iterator[Condition]:
    """One condition per end of an interval: `<name>_min`, `<name>_max`."""
    if bounds.min is not None:
        yield Condition(f"{name}_min", (column,), at_least(bounds.min))
    if bounds.max is not None:
        yield Condition(f"{name}_max", (column,), at_most(bounds.max))


def _whole(number: float) -> float:
    """A whole number as an int: columns of integers are then compared without a conversion."""
    return int(number) if abs(number) < 2**53 and number == int(number) else number


class ProblemRule(Model):
    """A rule on a problem alone. No method has to be overridden but `problem_conditions` and `sentences`."""

    def problem_conditions(self) -> Iterator[Condition]:
        """Conditions over the columns of the problems: source, gold, draws, stopped_by, pass_rate, ..."""
        yield from ()

    def with_columns(self, problems: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
        """The problems with the columns that the conditions need and the evidence does not hold."""
        return problems

    def mistakes(self) -> Iterator[str]:
        """Settings that contradict each other, as "key: what is wrong"."""
        yield from ()

    def sentences(self) -> Iterator[str]:
        """What the rule asks for, in plain English."""
        yield from ()


class SideRule(Model):
    """A rule on one side, the same for both. Override `side_conditions` (or `role`) and `sentences`."""

    def role(self, side: SideName) -> Iterator[Condition]:
        """Which samples can stand on the side at all: the others are no candidates, and cost no drop reason."""
        yield from ()

    def side_conditions(self) -> Iterator[Condition]:
        """Conditions over the columns of the samples (status, model, finish_reason, ...), `tokens` (the length on
        this side), and the measures of the text. A measure that a condition names is computed. The reason gets the
        name of the side in front."""
        yield from ()

    def longest_tokens(self) -> float | None:
        """The most tokens that a solution on this side may have; None: any length."""
        return None

    def mistakes(self) -> Iterator[str]:
        """Settings that contradict each other, as "key: what is wrong"."""
        yield from ()

    def sentences(self, side: SideName) -> Iterator[str]:
        """What the rule asks of the side, in plain English."""
        yield from ()


class PairRule(Model):
    """A rule on both sides together. Override `pair_conditions` and `sentences`, and `longest_tokens` where the rule
    bounds how long a solution may be."""

    def pair_conditions(self) -> Iterator[Condition]:
        """Conditions over chosen_tokens, rejected_tokens, gap, ratio, total_tokens (see `Candidates`), or any column
        that `columns.known_columns` lists."""
        yield from ()

    def longest_tokens(self, partner_tokens: int | None, prompt_tokens: int, *, longer: bool) -> float | None:
        """The most tokens that a further solution may have beside a partner; None: any length.

        `partner_tokens` is None where the partner is not known yet. `longer`: the further solution may be the longer
        one of the two; otherwise it must be the shorter one.
        """
        return None

    def mistakes(self) -> Iterator[str]:
        """Settings that contradict each other, as "key: what is wrong"."""
        yield from ()

    def sentences(self) -> Iterator[str]:
        """What the rule asks for, in plain English."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Subset:
    """A choice among all pairs: `keep` returns those of the pairs that stay, `reason` names why the others go.

    `by` are the columns or expressions that the choice looks at besides p, chosen_draw, chosen_tokens, rejected_tokens,
    gap, wrong and order (a seeded order over the candidates), by the YAML keys that name them.
    """

    reason: str
    keep: Callable[[pl.DataFrame], pl.DataFrame]
    by: Mapping[str, str] = field(default_factory=dict)


class Choice(Model):
    """A rule that looks at many pairs at once. Override `subsets` and `sentences`; sampling knows one problem alone
    and looks at a choice only through `for_sampling`."""

    def subsets(self, rules: Rules) -> Iterator[Subset]:
        """The choices to make, in order."""
        yield from ()

    def for_candidates(self, rules: Rules) -> Rules:
        """The rules on candidates as this choice needs them."""
        return rules

    def for_sampling(self, rules: Rules) -> Rules:
        """The rules as one problem's samples have to serve them for this choice."""
        return rules

    def shortfall(self, pairs: pl.DataFrame) -> Iterator[str]:
        """What was asked for and could not be filled."""
        yield from ()

    def mistakes(self) -> Iterator[str]:
        """Settings that contradict each other, as "key: what is wrong"."""
        yield from ()

    def sentences(self) -> Iterator[str]:
        """What the choice does, in plain English."""
        yield from ()
