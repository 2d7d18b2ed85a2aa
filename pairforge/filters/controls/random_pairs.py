"""`random_pairs`: the same pairs, with a coin deciding which side is chosen."""

from __future__ import annotations

import polars as pl

from pairforge.filters.controls.control import Control
from pairforge.filters.hashing import seeded_order


class RandomPairs(Control):
    """Takes out the preference, and keeps the texts."""

    name = "random_pairs"
    sentence = "This is a control arm: a seeded coin decides for each problem which side is chosen."

    def exchanged(self, problem_hash: pl.Series, seed: int) -> pl.Series:
        return seeded_order(problem_hash, seed, "sides") % 2 == 1
