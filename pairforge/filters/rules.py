"""What a user may ask of a pair: plain frozen values, the counterpart of the recipe's `filter:` block.

Lengths are tokens of the student's tokenizer and chat template. A rule left at its default asks for nothing,
except `direction` (the sides must differ in length) and the sides' `status` (both correct).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

from pairforge.errors import RuleError
from pairforge.records import STATUSES

Direction = Literal["long", "short", "any"]
Pick = Literal["shortest", "longest", "closest", "random", "all"]
PickChosen = Literal["any", "first", "shortest", "longest"]
Keep = Literal["smallest", "middle", "largest"]
Control = Literal["none", "random_pairs", "same_length", "reversed", "wrong_only"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval, both ends included; None leaves an end open."""

    min: float | None = None
    max: float | None = None

    @property
    def open(self) -> bool:
        """Whether the interval bounds nothing."""
        return self.min is None and self.max is None


@dataclass(frozen=True, slots=True)
class SideRule:
    """What one side of a pair must be.

    `origin`, `models` and the source's own labelling (`Sample.side`) say which solutions stand for this side at all;
    the rest are rules on them. `status` lists the accepted verdicts, `finish` the accepted finish reasons; empty
    means any. `quality` bounds columns computed from the text (see `pairforge.filters.quality`).
    """

    origin: Literal["given", "sampled", "any"] = "any"
    models: tuple[str, ...] = ()
    finish: tuple[str, ...] = ()
    status: tuple[str, ...] = ("correct",)
    min_tokens: int | None = None
    max_tokens: int | None = None
    quality: tuple[tuple[str, Bounds], ...] = ()


OPEN = Bounds()
CORRECT = SideRule()


@dataclass(frozen=True, slots=True)
class Band:
    """Keep the `n` smallest, middle or largest pairs by a column, or those between two quantiles of it.

    The paper's ablation (section 4.2) keeps 1,000 pairs each with the smallest, middle and largest gap.
    """

    by: str = "gap"
    keep: Keep = "smallest"
    n: int | None = None
    quantiles: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `max` pairs per value of a column; None cuts every group to the size of the smallest.

    Numeric columns are grouped into bins of `width` (tokens for lengths, a share for `pass_rate`).
    """

    by: str
    max: int | None = None
    width: float | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything a view is made from, besides the evidence.

    `direction` "long": the chosen side is the longer one, "short": the shorter one, "any": either. `gap`, `ratio`
    and `target_gap` are measured in that direction (longer minus shorter), so they are never negative.
    `wrong_share` > 0 makes that part of the pairs take an incorrect rejected side (the paper: about 0.2).
    `pick` chooses among a problem's candidates by the rejected side's length ("shortest", "longest"; ties go to the
    wider gap), by the distance to `target_gap` ("closest"), or by a seeded draw; "all" keeps every one and ignores
    `per_problem`. Where a problem has several chosen solutions, `pick_chosen` prefers the "first" of the source, the
    "shortest" or the "longest", before `pick` looks at the rejected side. `band`, `caps` and `n_pairs` then choose
    among the pairs, in this order.
    """

    direction: Direction = "long"
    chosen: SideRule = CORRECT
    rejected: SideRule = CORRECT
    wrong_share: float = 0.0
    gap: Bounds = OPEN
    ratio: Bounds = OPEN
    total: Bounds = OPEN
    same_bin: int | None = None
    pass_rate: Bounds = OPEN
    gold: tuple[str, ...] = ()
    gold_suspects: Literal["keep", "drop", "only"] = "keep"
    where: str = ""
    pick: Pick = "shortest"
    pick_chosen: PickChosen = "any"
    target_gap: int = 0
    per_problem: int = 1
    band: Band | None = None
    caps: tuple[Cap, ...] = ()
    n_pairs: int | None = None
    control: Control = "none"
    seed: int = 0


def check_rules(rules: Rules) -> None:
    """Raise `RuleError` for the first thing in `rules` that no pair can satisfy, or that means nothing."""
    for problem in _mistakes(rules):
        raise RuleError(f"filter.{problem}", hint="see docs/filtering.md for what each key accepts")


def _mistakes(rules: Rules) -> Iterator[str]:
    yield from _choice_mistakes(rules)
    yield from _bound_mistakes(rules)
    if not 0 <= rules.wrong_share <= 1:
        yield f"wrong_share is {rules.wrong_share}: a share lies between 0 and 1"
    if rules.per_problem < 1:
        yield f"per_problem is {rules.per_problem}: at least one pair per problem must be allowed"
    if rules.n_pairs is not None and rules.n_pairs < 1:
        yield f"n_pairs is {rules.n_pairs}: leave it out to keep every pair"
    if rules.same_bin is not None and rules.same_bin < 1:
        yield f"same_bin is {rules.same_bin}: a bin is at least one token wide"
    if rules.band is not None:
        yield from _band_mistakes(rules.band)
    for cap in rules.caps:
        if cap.max is not None and cap.max < 1:
            yield f"caps: max is {cap.max} for {cap.by}: leave it out to cut to the smallest group"
        if cap.width is not None and cap.width <= 0:
            yield f"caps: width is {cap.width} for {cap.by}: a bin has a positive width"


def _choice_mistakes(rules: Rules) -> Iterator[str]:
    choices = {"direction": Direction, "pick": Pick, "pick_chosen": PickChosen, "control": Control}
    for name, kind in choices.items():
        value = getattr(rules, name)
        if value not in get_args(kind):
            yield f"{name} is {value!r}: expected one of {', '.join(get_args(kind))}"
    for name, side in (("chosen", rules.chosen), ("rejected", rules.rejected)):
        unknown = sorted(set(side.status) - set(STATUSES))
        if unknown:
            yield f"{name}.status has {', '.join(unknown)}: expected {', '.join(STATUSES)} or any"


def _bound_mistakes(rules: Rules) -> Iterator[str]:
    bounds = {name: getattr(rules, name) for name in ("gap", "ratio", "total", "pass_rate")}
    for name, side in (("chosen", rules.chosen), ("rejected", rules.rejected)):
        bounds[f"{name}.tokens"] = Bounds(side.min_tokens, side.max_tokens)
        bounds |= {f"{name}.quality.{column}": bound for column, bound in side.quality}
    for name, bound in bounds.items():
        if bound.min is not None and bound.max is not None and bound.min > bound.max:
            yield f"{name}: min {bound.min:g} is above max {bound.max:g}, so no pair can pass"
    if rules.direction != "any" and rules.gap.max is not None and rules.gap.max < 1:
        yield f"gap.max is {rules.gap.max:g}, but direction {rules.direction} asks for a gap of at least 1"
    if rules.ratio.max is not None and rules.ratio.max < 1:
        yield f"ratio.max is {rules.ratio.max:g}: the ratio is longer / shorter, at least 1"


def _band_mistakes(band: Band) -> Iterator[str]:
    if (band.n is None) == (band.quantiles is None):
        yield "band needs either n or quantiles"
    if band.n is not None and band.n < 1:
        yield f"band.n is {band.n}: at least 1"
    if band.keep not in get_args(Keep):
        yield f"band.keep is {band.keep!r}: expected one of {', '.join(get_args(Keep))}"
    if band.quantiles is not None and not 0 <= band.quantiles[0] < band.quantiles[1] <= 1:
        yield f"band.quantiles is {list(band.quantiles)}: expected two shares, lower first, between 0 and 1"


def controlled(rules: Rules) -> Rules:
    """The rules of the control arm that `rules.control` names (see docs/filtering.md).

    "same_length" replaces every rule on the gap by "nearly equal" and "wrong_only" asks for an incorrect rejected
    side. "reversed" and "random_pairs" keep the rules: they exchange sides after the pairs are made.
    """
    if rules.control == "same_length":
        return replace(
            rules, direction="any", gap=Bounds(), ratio=Bounds(max=SAME_LENGTH_RATIO), pick="closest", target_gap=0
        )
    if rules.control == "wrong_only":
        rejected = replace(rules.rejected, status=("incorrect",))
        return replace(rules, rejected=rejected, wrong_share=0.0)
    return rules


SAME_LENGTH_RATIO = 1.1
