"""The manifest: what a run's evidence was made with, and what it took."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict

from pairforge.errors import RunError


class Stored(BaseModel):
    """A part of a JSON file of a run.

    Keys that this version does not know are kept: they come from an older or newer version, and the manifest is
    written again. Missing keys get their default.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())


class GoldFrom(Stored):
    """The dataset that ground truth was joined from."""

    source: str = ""
    revision: str = ""
    license: str = ""


class SourceRecord(Stored):
    """What one source gave. `rows` = rows in problems (repeats merge) + `drops` (reason -> rows).

    `repeated_given` counts given solutions that were left out because their problem had the same text already.
    `gold` is the kind of ground truth ("joined" as soon as any was joined, else the most frequent), `gold_counts` says
    how many problems have which. `license` is what the dataset's own card states, "" where it states none.
    """

    source: str = ""
    adapter: str = ""
    revision: str = ""
    rows: int = 0
    problems: int = 0
    given_samples: int = 0
    repeated_given: int = 0
    drops: dict[str, int] = {}
    gold: str | dict[str, int] = ""
    gold_counts: dict[str, int] = {}
    notes: list[str] = []
    license: str = ""
    gold_from: GoldFrom | None = None


class DecontaminationRecord(Stored):
    """What the problems were compared with: counts by evaluation set, sets that could not be read with the reason,
    dropped problems by kind of match, and how many near duplicates were dropped."""

    sets: dict[str, dict[str, Any]] = {}
    unreachable: dict[str, str] | list[str] = {}
    kinds: dict[str, int] = {}
    near_duplicates: int = 0


class TokenRatioRecord(Stored):
    """Tokens of the sampler per token of the student, over `texts` given solutions."""

    median: float = 1.0
    safe: float = 1.0
    texts: int = 0


class VerifierRecord(Stored):
    """The verifier that judged last: its version, and the recipe's settings for it."""

    version: str = ""


class DerivedRecord(Stored):
    """The derived solutions. `state` identifies the settings and what they were made from; `counts` says by origin what
    became of the solutions they are made of: made, unchanged (nothing to cut), not_correct."""

    state: str = ""
    counts: dict[str, dict[str, int]] = {}


class PilotRecord(Stored):
    """What a pilot measured, in runs that knew one arm only."""

    tokens_per_s: float | None = None


class SamplingStage(Stored):
    """One stage of sampling: the seed of the draws, and the blocks of the recipe that decided what was drawn.

    `generator` is that block without its engine, `generators` those of several arms. `finished` is False for a stage
    that was interrupted.
    """

    seed: int = 0
    format: dict[str, Any] = {}
    filter: dict[str, Any] = {}
    generator: dict[str, Any] = {}
    generators: dict[str, dict[str, Any]] = {}
    finished: bool = False


class TrainedRecord(Stored):
    """How a model was trained: from which model, on the pairs of which view (`digest` is that of the view's rules, or
    of a dataset), how many, and when it was finished."""

    base: str
    method: str
    data: str
    digest: str
    rows: int
    finished: str


class ArmRecord(Stored):
    """What sampling an arm took: wall seconds with the engine's start, over all attempts; tokens per second in the
    latest pilot.

    `model` is what its solutions are known by, `weights` the digest of a local model (see
    `pairforge.generator.weights`), "" where the model is not a local folder. `lineage` are the trainings behind a model
    that `pairforge train` wrote, newest first.
    """

    model: str = ""
    weights: str = ""
    seconds: float = 0.0
    token_ratio: TokenRatioRecord | None = None
    tokens_per_s: float | None = None
    lineage: list[TrainedRecord] = []


class MergedRecord(Stored):
    """A run that was merged into this one: its name, and what it held and took when it was merged last."""

    run: str = ""
    problems: int = 0
    samples: int = 0
    seconds: dict[str, float] = {}
    arm_seconds: dict[str, float] = {}


class Manifest(Stored):
    """manifest.json. Every section is None or empty until its stage has run.

    `pairforge` is the version that read the sources. `evidence` holds the settings that decide what the evidence is,
    key path -> value; `target` what the run is sampled for (see `pairforge.pipeline.frozen_target`), `sampled_for` the
    settings that this target comes from, after those of earlier stages: `--extend` adds one. `arms` is by the name of
    the arm; earlier versions wrote `token_ratio` and `pilot` of their one arm. `merged` holds the runs this one was
    merged from, by their shard ("3/16") or name. `seconds` is the wall time of each stage over all its attempts, merged
    runs included.
    """

    pairforge: str = ""
    evidence: dict[str, Any] = {}
    sources: list[SourceRecord] = []
    decontamination: DecontaminationRecord | None = None
    target: dict[str, Any] | None = None
    sampled_for: list[SamplingStage] = []
    token_ratio: TokenRatioRecord | None = None
    verifier: VerifierRecord | None = None
    pilot: PilotRecord | None = None
    arms: dict[str, ArmRecord] = {}
    derived: DerivedRecord | None = None
    merged: dict[str, MergedRecord] = {}
    seconds: dict[str, float] = {}

    def updated(self, **sections: Any) -> Manifest:
        """A manifest with these sections in place of its own. Raises `TypeError` for a section that does not exist."""
        unknown = sections.keys() - Manifest.model_fields.keys()
        if unknown:
            raise TypeError(f"a manifest has no section {', '.join(sorted(unknown))}")
        return Manifest.model_validate(self.to_json() | sections)

    def to_json(self) -> dict[str, Any]:
        """Plain values: the sections there are, as they are written."""
        return self.model_dump(mode="json", exclude_unset=True)


Model = TypeVar("Model", bound=BaseModel)


def read_json(file: Path, kind: type[Model]) -> Model:
    """The content of a JSON file. Raises `RunError` with the place of the first mistake when it is damaged."""
    try:
        return kind.model_validate_json(file.read_bytes())
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = first["msg"] if not where else f"{where}: {first['msg']}"
        raise RunError(f"{file} is damaged: {problem}", hint="restore it from a backup, or start over") from None
