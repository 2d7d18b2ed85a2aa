"""`wrong_only`: every rejected side is incorrect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pairforge.filters.controls.control import Control

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules


class WrongOnly(Control):
    """Takes out the correctness of the rejected side, and keeps the rules on length."""

    name = "wrong_only"
    sentence = "This is a control arm: every rejected side is incorrect. Its problems are paired without it, too."
    to_sample = (
        "wrong solutions of them: `pairforge sample RUN --extend --set filter.control=wrong_only` draws each until one "
        "is wrong, and a larger generator.draws.max finds more"
    )

    def rules(self, rules: Rules) -> Rules:
        rejected = rules.rejected.model_copy(update={"status": "incorrect"})
        return rules.model_copy(update={"rejected": rejected, "wrong_share": 0.0})
