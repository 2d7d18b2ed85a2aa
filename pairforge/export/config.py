"""The settings of exports: which solutions and problems a format takes from a view besides its pairs."""

from __future__ import annotations

from pydantic import Field

from pairforge.config import Config
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


class ExportConfig(Config):
    """What exports take from a view besides its pairs."""

    kto: KtoConfig = Field(KtoConfig(), description="Labeled solutions: `export --format kto`, `push --unpaired`.")
