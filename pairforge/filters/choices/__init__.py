"""Choices among the pairs that passed every rule: one file each.

The bases of `Choices` are the list of all choices, in the order in which they are made. Every tie ends in a seeded
order over ids, so that a choice depends neither on the order of the rows nor on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import polars as pl

from pairforge.filters.choices.band import Band
from pairforge.filters.choices.caps import Caps
from pairforge.filters.choices.n_pairs import NPairs
from pairforge.filters.choices.pick import Pick
from pairforge.filters.choices.wrong_share import WrongShare
from pairforge.filters.rule import Choice, Subset

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules


class Choices(Pick, WrongShare, Band, Caps, NPairs):
    """All choices."""

    def subsets(self, rules: Rules) -> Iterator[Subset]:
        for choice in CHOICES:
            yield from choice.subsets(self, rules)

    def for_candidates(self, rules: Rules) -> Rules:
        for choice in CHOICES:
            rules = choice.for_candidates(self, rules)
        return rules

    def for_sampling(self, rules: Rules) -> Rules:
        for choice in CHOICES:
            rules = choice.for_sampling(self, rules)
        return rules

    def shortfall(self, pairs: pl.DataFrame) -> Iterator[str]:
        for choice in CHOICES:
            yield from choice.shortfall(self, pairs)

    def mistakes(self) -> Iterator[str]:
        for choice in CHOICES:
            yield from choice.mistakes(self)

    def sentences(self) -> Iterator[str]:
        for choice in CHOICES:
            yield from choice.sentences(self)


CHOICES = cast("tuple[type[Choice], ...]", Choices.__bases__)
