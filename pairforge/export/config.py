"""The settings of exports: which solutions and problems a format takes from a view besides its pairs."""

from __future__ import annotations

from typing import Literal

import pydantic
from pydantic import Field

from pairforge.config import Config
from pairforge.filters.rule import Bounds
from pairforge.records import Status


class KtoConfig(Config):
    """Which solutions get a label, and in what proportion."""

    undesirable: tuple[Status, ...] = Field(
        ("incorrect",), description="Verdicts that make a solution undesirable, whatever its length."
    )
    per_problem: int | None = Field(
        None, ge=1, description="Most rows per problem and label, a seeded choice. null: all."
    )
    max_ratio: float | None = Field(
        None,
        ge=1,
        description="Most rows of one label per row of the other, a seeded choice. null: all; weights balance them.",
    )


class SftConfig(Config):
    """Which solutions are trained on."""

    solutions: Literal["chosen", "rejected", "correct"] = Field(
        "chosen", description="A side of the pairs, or all `correct` solutions that a side accepts: rejection sampling."
    )
    pick: Literal["all", "shortest", "longest", "random"] = Field(
        "all", description="Which of a problem's solutions come first; `all` keeps every one."
    )
    per_problem: int = Field(1, ge=1, description="Most solutions per problem, a count; `pick: all` keeps every one.")


class RlvrConfig(Config):
    """Which problems are trained on, by their pass rate."""

    arm: str | None = Field(None, description="Whose draws the pass rates are of: a generator's name. null: all arms.")
    pass_rate: Bounds = Field(
        Bounds(), description="Accepted pass rates, 0 to 1; a problem that was not sampled has none."
    )
    bands: dict[str, Bounds] = Field(
        {"unsolved": Bounds(max=0), "solved": Bounds(min=1), "mixed": Bounds()},
        description="Names of difficulties by pass rate. The first band that holds a problem's pass rate is its band.",
    )
    keep: tuple[str, ...] | None = Field(None, description="Bands whose problems are kept. null: every problem.")

    @pydantic.model_validator(mode="after")
    def _known_bands(self) -> RlvrConfig:
        unknown = sorted(set(self.keep or ()) - set(self.bands))
        if unknown:
            raise ValueError(f"keep: there is no band '{unknown[0]}'; bands: {', '.join(self.bands) or 'none'}")
        return self


class ExportConfig(Config):
    """What exports take from a view besides its pairs."""

    kto: KtoConfig = Field(KtoConfig(), description="Labeled solutions: `export --format kto`, `push --unpaired`.")
    sft: SftConfig = Field(SftConfig(), description="Solutions: `export --format sft`, `train --method sft`.")
    rlvr: RlvrConfig = Field(RlvrConfig(), description="Problems with verifiable answers: `export --format rlvr`.")
