"""All rules together: the `filter:` block of a recipe, and what `select` takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from pairforge.errors import RuleError
from pairforge.filters.choices import Choices
from pairforge.filters.columns import names_in
from pairforge.filters.controls import ControlArm
from pairforge.filters.measures import QUALITY_COLUMNS
from pairforge.filters.mix import mix_mistakes
from pairforge.filters.rule import Model
from pairforge.filters.rules import PairRules, ProblemRules, SideRules


class Sides(Model):
    """The rules on the two sides."""

    chosen: SideRules = Field(
        SideRules(origin="given"), description="Which solutions may be the chosen side.", examples=[{"origin": "any"}]
    )
    rejected: SideRules = Field(
        SideRules(origin="sampled"),
        description="Which solutions may be the rejected side.",
        examples=[{"origin": "any"}],
    )


class Rules(ProblemRules, Sides, PairRules, Choices, ControlArm):  # type: ignore[misc]  # pydantic's mypy plugin
    """Everything a view is made from, besides the evidence and a seed.

    Lengths are tokens of the student's tokenizer and chat template. A rule left at its default asks for nothing,
    except `direction`, `pick` and the sides' `origin` and `status`.
    """

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of a mix; empty where these are one set of rules."""
        return ()

    @property
    def effective(self) -> Rules:
        """The rules of the control arm that `control` names, or these themselves."""
        return self.control_arm.rules(self)

    def mistakes(self) -> Iterator[str]:
        """What no pair can satisfy, or what means nothing, as "key: what is wrong"."""
        yield from ProblemRules.mistakes(self)
        for side in ("chosen", "rejected"):
            yield from (f"{side}.{mistake}" for mistake in getattr(self, side).mistakes())
        yield from PairRules.mistakes(self)
        yield from Choices.mistakes(self)

    def sentences(self) -> Iterator[str]:
        """What the rules ask for, in plain English, one sentence each."""
        yield from ProblemRules.sentences(self)
        yield from self.chosen.sentences("chosen")
        yield from self.rejected.sentences("rejected")
        yield from PairRules.sentences(self)
        yield from Choices.sentences(self)
        yield from ControlArm.sentences(self)


class Part(Rules):
    """A part of a mix: a whole set of rules, with the keys that `filter` has. It takes nothing over from `filter`."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$",
        description="The part's name, a column of the pairs: letters, digits, '-' and '_'.",
    )
    share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Share of the paired problems, 0 to 1, that go to this part; null: all that no part before takes.",
    )


class RuleSet(Rules):
    """The rules of a view: one set of them, or a mix of several."""

    mix: tuple[Part, ...] = Field(
        (),
        description="Several whole sets of rules in one view: a problem goes to the first part that takes it, or to "
        "one by its `share`. Beside it, only `control` of the other rules has an effect, on every part.",
        examples=[[{"name": "near", "gap": {"max": 20}}, {"name": "far", "gap": {"min": 30}}]],
    )

    @property
    def parts(self) -> tuple[Part, ...]:
        if self.control == "none":
            return self.mix
        return tuple(
            part.model_copy(update={"control": self.control}) if part.control == "none" else part for part in self.mix
        )

    def mistakes(self) -> Iterator[str]:
        if not self.mix:
            yield from super().mistakes()
            return
        idle = [
            name
            for name, field in Rules.model_fields.items()
            if name != "control" and getattr(self, name) != field.default
        ]
        if idle:
            yield f"{idle[0]}: has no effect beside mix: write it in the parts"
        yield from mix_mistakes(self.mix)

    def sentences(self) -> Iterator[str]:
        if not self.mix:
            yield from super().sentences()
            return
        yield f"The pairs are a mix of {len(self.mix)} parts: a problem goes to the first part that takes it."
        for part in self.mix:
            if part.share is not None:
                yield f"Part {part.name} gets {part.share:.0%} of the problems."
            yield from (f"Part {part.name}: {sentence}" for sentence in part.sentences())
        yield from ControlArm.sentences(self)


class Student(Model):
    """Whose tokens the rules count in."""

    tokenizer: str = Field(description="The model that will be trained: all lengths are in tokens of its tokenizer.")
    revision: str | None = Field(None, description="The tokenizer's revision on the Hub (a commit, tag or branch).")
    chat_template: Literal["own", "training"] = Field(
        "own",
        description="`training` replaces a chat template that deletes reasoning by one that keeps it, where one is "
        "known; `own` keeps the tokenizer's.",
    )


class FilterSettings(Student, RuleSet):  # type: ignore[misc]  # see `Rules`
    """The `filter:` block of a recipe: the student, and the rules of a view."""


def check_rules(rules: Rules) -> None:
    """Raise `RuleError` for the first thing in `rules` that no pair can satisfy, or that means nothing."""
    for mistake in rules.mistakes():
        raise RuleError(f"filter.{mistake}", hint="see docs/filtering.md for what each key accepts")


def columns_named(rules: Rules) -> set[str]:
    """The columns of a pair that the rules name (see `pairforge.filters.columns`), a side's as chosen_X, rejected_X."""
    if rules.parts:
        return {name for part in rules.parts for name in columns_named(part)}
    named = {
        f"{side}_{name}"
        for side, settings in (("chosen", rules.chosen), ("rejected", rules.rejected))
        for condition in settings.side_conditions()
        for name in condition.columns
    }
    named |= {name for condition in rules.pair_conditions() for name in condition.columns}
    for subset in rules.subsets(rules):
        for text in subset.by.values():
            named |= names_in(text)
    return named


def measures_needed(names: Iterable[str]) -> set[str]:
    """The measures of the text among the named columns, of `QUALITY_COLUMNS`: where there are any, texts are read."""
    return without_sides(names) & set(QUALITY_COLUMNS)


def without_sides(names: Iterable[str]) -> set[str]:
    """The names, and those of a side as the samples have them: `chosen_model` as `model`."""
    names = set(names)
    return names | {name.partition("_")[2] for name in names if name.startswith(("chosen_", "rejected_"))}
