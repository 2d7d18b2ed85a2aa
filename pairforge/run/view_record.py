"""view.json: what a view was made from, and what became of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from pairforge.filters.paired_difficulty import Difficulty, difficulty_in_words
from pairforge.filters.summary import ViewSummary
from pairforge.filters.undecided import Undecided
from pairforge.run.manifest import Stored


class FunnelStep(Stored):
    """How many candidates and problems a rule left; `part`: of which part of a mix, "" without one."""

    step: str
    candidates: int
    problems: int
    part: str = ""


class UndecidedRecord(Stored):
    """Dropped problems that further sampling might have paired: see `pairforge.filters.undecided`."""

    cut: int = 0
    stopped: int = 0
    problems: int = 0
    enough: int = 0
    picks: int = 0

    def sentences(self) -> list[str]:
        """What a reader of the view has to know about it."""
        return Undecided(self.cut, self.stopped, self.problems, self.enough, self.picks).sentences()


class DifficultyRecord(Stored):
    """How often an arm solves the paired problems: see `pairforge.filters.paired_difficulty.Difficulty`."""

    arm: str
    drawn: int
    paired: int
    on_selecting_draws: float
    value: float | None = None
    low: float = 0.0
    high: float = 1.0
    all_problems: float
    one_draw: bool = False

    def sentence(self) -> str:
        """What a reader of the view has to know about it."""
        return difficulty_in_words(Difficulty(**self.model_dump(include=set(DifficultyRecord.model_fields))))


class FeatureRecord(Stored):
    """How well one test of form tells chosen from rejected: see `pairforge.filters.separability.Feature`.

    Views of older versions have no interval and no text classifier.
    """

    name: str
    accuracy: float
    low: float | None = None
    high: float | None = None
    pairs: int | None = None
    tested: str = ""
    telling: tuple[tuple[str, int, int], ...] = ()


class ViewRecord(ViewSummary):
    """view.json: the summary of the pairs, and how they came about.

    `digest` identifies `seed`, `filter`, `format` (blocks of the recipe) and `tokenizer` (a digest of the student's):
    what a view is made from besides the evidence. `scores` has the digest of each score that the rules name. `funnel`
    has one step per rule, `shortfall` says in sentences what was asked for and could not be filled, `notes` what to
    know about the columns that the rules name. `difficulty` has one entry per arm that was drawn.
    `separability` is None where it was not measured.
    Keys that this version does not know are kept; missing ones, in views of older versions, get their default.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    view: str = ""
    pairforge: str = ""
    digest: str = ""
    seed: int = 0
    filter: dict[str, Any] = Field(default_factory=dict)
    format: dict[str, Any] = Field(default_factory=dict)
    tokenizer: str = ""
    scores: dict[str, str] = Field(default_factory=dict)
    funnel: list[FunnelStep] = Field(default_factory=list)
    shortfall: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    undecided: UndecidedRecord = UndecidedRecord()
    difficulty: list[DifficultyRecord] = Field(default_factory=list)
    separability: list[FeatureRecord] | None = None

    @property
    def direction(self) -> Literal["long", "short", "any"]:
        """Which side is the longer one; "any" where the parts of a mix differ."""
        parts = {part.get("direction", "long") for part in self.filter.get("mix") or [self.filter]}
        return parts.pop() if len(parts) == 1 else "any"

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they are written."""
        return self.model_dump(mode="json")
