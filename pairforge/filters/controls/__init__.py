"""Control arms: is it the length of the reasoning that makes the difference, or something else? One file each.

`CONTROLS` is the list of all control arms; the key `control` names one of them, or "none".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pairforge.filters.controls.control import Control
from pairforge.filters.controls.random_pairs import RandomPairs
from pairforge.filters.controls.reversed import Reversed
from pairforge.filters.controls.same_length import SameLength
from pairforge.filters.controls.wrong_only import WrongOnly
from pairforge.filters.rule import Model

CONTROLS: tuple[Control, ...] = (RandomPairs(), SameLength(), Reversed(), WrongOnly())

if TYPE_CHECKING:
    ControlName = str
else:
    ControlName = Literal["none", *(control.name for control in CONTROLS)]


class ControlArm(Model):
    """The control arm that a view is, or none."""

    control: ControlName = Field(
        "none",
        description="Make a control arm of the rules: `random_pairs`, `same_length`, `reversed` or `wrong_only`.",
        examples=[control.name for control in CONTROLS],
    )

    @property
    def control_arm(self) -> Control:
        """The control arm; one that changes nothing for `none`."""
        return next((control for control in CONTROLS if control.name == self.control), Control())

    def sentences(self) -> Iterator[str]:
        if self.control != "none":
            yield self.control_arm.sentence
