"""What a control arm is: rules with one thing taken out, or pairs whose sides are exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import polars as pl

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules


class Control:
    """One control arm. Override `rules` or `exchanged`, and set `name` and `sentence`.

    An arm with other rules keeps the problems that are paired without it; `to_sample` says which solutions the others
    lack.
    """

    name: ClassVar[str]
    sentence: ClassVar[str]
    to_sample: ClassVar[str] = ""

    def rules(self, rules: Rules) -> Rules:
        """The rules of this arm, from those of the recipe."""
        return rules

    def exchanged(self, problem_hash: pl.Series, seed: int) -> pl.Series | None:
        """Which pairs exchange their sides after they are made, given the hash of each pair's problem; None: none."""
        return None
