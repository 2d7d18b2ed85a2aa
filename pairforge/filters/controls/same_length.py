"""`same_length`: sides of nearly equal length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pairforge.filters.controls.control import Control
from pairforge.filters.rule import Bounds

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules

SAME_LENGTH_RATIO = 1.1
"""Lengths within 10 % count as equal: the longer side has at most this many times the tokens of the shorter one."""


class SameLength(Control):
    """Takes out the gap, and keeps origins and verdicts: every rule on the gap becomes "nearly equal"."""

    name = "same_length"
    sentence = (
        "This is a control arm: the lengths of both sides lie within 10 %, as close as each problem "
        "allows. Its problems are paired without it, too."
    )
    to_sample = (
        "solutions as long as their partners: `pairforge sample RUN --extend --set filter.control=same_length` gives "
        "them the tokens, up to generator.sampling.max_tokens; a model that writes briefly needs a prompt, or a second "
        "model, that writes at length"
    )

    def rules(self, rules: Rules) -> Rules:
        changes = {"direction": "any", "gap": Bounds(), "ratio": Bounds(max=SAME_LENGTH_RATIO)}
        return rules.model_copy(update={**changes, "pick": "closest", "target_gap": 0})
