"""A pair needs two known lengths. This rule has no key."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pairforge.filters.rule import Condition, PairRule


class KnownLengths(PairRule):
    """Both sides were counted in the student's tokens."""

    def pair_conditions(self) -> Iterator[Condition]:
        yield Condition("length", ("chosen_tokens", "rejected_tokens"), _known)


def _known(chosen: pl.Expr | int, rejected: pl.Expr | int) -> pl.Expr | bool:
    if isinstance(chosen, pl.Expr) and isinstance(rejected, pl.Expr):
        return chosen.is_not_null() & rejected.is_not_null()
    return True
