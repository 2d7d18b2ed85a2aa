"""The settings of derived solutions: the recipe's `derive:` block, one entry per new origin."""

from __future__ import annotations

import pydantic
from pydantic import Field

from pairforge.config import Config

METHODS = ("first_correct", "first_correct_plus", "without_reflections", "truncate")


class DeriveConfig(Config):
    """What is made of the solutions of one origin. Exactly one of the methods is set."""

    of: str = Field("given", description="The origin whose solutions are taken: `given`, or the name of a generator.")
    first_correct: bool = Field(
        False,
        description="Cut the reasoning after the first place that states the right answer, of correct solutions only.",
    )
    first_correct_plus: int | None = Field(
        None,
        ge=1,
        description="The same with this many further places that state it, each after a reflection word (`wait`).",
    )
    without_reflections: bool = Field(
        False,
        description="Leave out paragraphs with reflection words (sentences, where there are few paragraphs).",
    )
    truncate: int | None = Field(
        None,
        ge=1,
        description="Keep at most this many tokens of the reasoning, in the student's tokens, up to the end of a step.",
    )

    @pydantic.model_validator(mode="after")
    def _one_method(self) -> DeriveConfig:
        chosen = [name for name in METHODS if getattr(self, name) not in (False, None)]
        if len(chosen) != 1:
            found = " and ".join(chosen) or "none"
            raise ValueError(f"set exactly one of {', '.join(METHODS)} (found {found})")
        return self

    @property
    def method(self) -> str:
        """The name of the method that is set."""
        return next(name for name in METHODS if getattr(self, name) not in (False, None))

    @property
    def needs_right_answers(self) -> bool:
        """Whether it has to be known where the right answer is stated."""
        return self.first_correct or self.first_correct_plus is not None
