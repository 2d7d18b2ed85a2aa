"""`reversed`: the same pairs, the other way round."""

from __future__ import annotations

import polars as pl

from pairforge.filters.controls.control import Control


class Reversed(Control):
    """Turns the preference round, and keeps the pairs."""

    name = "reversed"
    sentence = "This is a control arm: the chosen and the rejected side of every pair are exchanged."

    def exchanged(self, problem_hash: pl.Series, seed: int) -> pl.Series:
        return pl.repeat(True, len(problem_hash), eager=True)
