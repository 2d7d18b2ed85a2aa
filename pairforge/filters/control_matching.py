"""A control arm beside the rules it is a control of: the same problems, and how the pairs differ besides."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from pairforge.filters.controls.control import Control

MEASURES = ("chosen_tokens", "rejected_tokens", "gap_tokens", "pass_rate")
UNMATCHED = "unmatched"
"""The reason of a drop: the rules make no pair of this problem without the control."""


def matching_notes(control: Control, pairs: pl.DataFrame, without: pl.DataFrame) -> Iterator[str]:
    """How far a control arm is matched with the pairs that the rules make without it, and what is missing."""
    theirs, common = (frame["problem_id"].n_unique() for frame in (without, pairs))
    if not theirs:
        return
    yield (
        f"control {control.name}: it pairs {common:,} of the {theirs:,} problems that the rules pair without it, "
        "and no other problem"
    )
    if common:
        told = ", ".join(f"{name.replace('_', ' ')} {value:+.2f}" for name, value in differences(pairs, without))
        yield f"standardised differences of its pairs from those without it (beyond 0.1 is unlike): {told}"
    if common < theirs and control.to_sample:
        yield f"to match the other {theirs - common:,} problems, sample {control.to_sample}"


def differences(pairs: pl.DataFrame, others: pl.DataFrame) -> Iterator[tuple[str, float]]:
    """(measure, difference of the means in standard deviations). `source` stands for the most unlike share of one."""
    for name in MEASURES:
        yield name, standardised(pairs[name].drop_nulls().to_numpy(), others[name].drop_nulls().to_numpy())
    sources = sorted({*pairs["source"], *others["source"]})
    by_source = [standardised(*((frame["source"] == name).to_numpy() for frame in (pairs, others))) for name in sources]
    yield "source", max(by_source, key=abs, default=0.0)


def standardised(values: np.ndarray, others: np.ndarray) -> float:
    """The difference of two means over the root of their mean variance (Cohen's d, as Austin 2009 uses it for matched
    groups); 0 where a group is empty, infinite where both are constant and unlike."""
    if not len(values) or not len(others):
        return 0.0
    one, other = values.astype(float), others.astype(float)
    difference = float(one.mean() - other.mean())
    spread = math.sqrt((float(one.var()) + float(other.var())) / 2)
    if spread == 0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / spread
