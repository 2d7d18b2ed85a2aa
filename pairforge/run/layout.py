"""Run directory layout: the only code that knows the file names.

    recipe.yaml  manifest.json                   the resolved recipe; what produced the evidence, counts, timings
    problems.parquet  source_drops.parquet       evidence from the sources
    majority.parquet                             answers that an arm's solutions agree on, of problems without any
    sampling_drops.parquet                       problems that were not sampled: prompt too long, or not needed
    samples/given.parquet                        solutions that came with the problems
    samples/sampled.jsonl -> sampled.parquet     append-only while sampling, compacted when done
    samples/derived.parquet                      solutions made from those by cutting their reasoning
    verdicts/verdicts.jsonl -> verdicts.parquet  the same
    verdicts/decisions.cache                     the verifier's cache
    lengths/<key>.parquet                        derived: token counts and text measures, per tokenizer and format
    scores/<name>.jsonl -> <name>.parquet        a value per solution or problem, joined or computed after sampling
    views/<view>/                                view.json, pairs.parquet, drops.parquet, card, report, figures
    sweep.json                                   the latest sweep
    sweeps/<number>.json  sweeps/pairs/          every sweep, and the pairs of its arms as hashes
    engine.log  .lock                            what the engine printed; which process works on the run

Evidence only grows by appending. Everything else is written beside its place and renamed into it, a view as a whole
folder, so that a reader never sees half a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pairforge.errors import RunError

SCORE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")  # what an expression can name, too
_VIEW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of a run directory. Nothing here says that a file exists."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def lock_file(self) -> Path:
        return self.path / ".lock"

    @property
    def recipe_file(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def manifest_file(self) -> Path:
        return self.path / "manifest.json"

    @property
    def problems_file(self) -> Path:
        return self.path / "problems.parquet"

    @property
    def source_drops_file(self) -> Path:
        return self.path / "source_drops.parquet"

    @property
    def majority_file(self) -> Path:
        return self.path / "majority.parquet"

    @property
    def sampling_drops_file(self) -> Path:
        return self.path / "sampling_drops.parquet"

    @property
    def given_file(self) -> Path:
        return self.path / "samples" / "given.parquet"

    @property
    def sampled_log_file(self) -> Path:
        return self.path / "samples" / "sampled.jsonl"

    @property
    def sampled_file(self) -> Path:
        return self.path / "samples" / "sampled.parquet"

    @property
    def derived_file(self) -> Path:
        return self.path / "samples" / "derived.parquet"

    @property
    def verdict_log_file(self) -> Path:
        return self.path / "verdicts" / "verdicts.jsonl"

    @property
    def verdicts_file(self) -> Path:
        return self.path / "verdicts" / "verdicts.parquet"

    @property
    def verifier_cache(self) -> Path:
        """Where the verifier may keep its decisions."""
        return self.path / "verdicts" / "decisions.cache"

    @property
    def engine_log_file(self) -> Path:
        return self.path / "engine.log"

    @property
    def sweep_file(self) -> Path:
        return self.path / "sweep.json"

    @property
    def sweeps_folder(self) -> Path:
        return self.path / "sweeps"

    def sweep_pairs_file(self, digest: str) -> Path:
        return self.sweeps_folder / "pairs" / f"{digest}.npy"

    def lengths_file(self, key: str) -> Path:
        return self.path / "lengths" / f"{key}.parquet"

    @property
    def scores_folder(self) -> Path:
        return self.path / "scores"

    def score_file(self, name: str) -> Path:
        """The file of a score, whether it exists or not. Raises `RunError` for what cannot name a score."""
        if not SCORE_NAME.fullmatch(name):
            raise RunError(f"'{name}' cannot name a score", hint="use letters, digits and '_', a letter first")
        return self.scores_folder / f"{name}.parquet"

    def score_log_file(self, name: str) -> Path:
        """The append-only log of a score while it is computed."""
        return self.score_file(name).with_suffix(".jsonl")

    def score_version_file(self, name: str, digest: str) -> Path:
        """Where a version of a score is kept when another one takes its place."""
        return self.score_file(name).with_suffix(f".{digest}.parquet")

    def view_folder(self, name: str) -> Path:
        """The folder of a view, whether it exists or not. Raises `RunError` for what cannot name a view."""
        if not _VIEW_NAME.fullmatch(name):
            raise RunError(f"'{name}' cannot name a view", hint="use letters, digits, '.', '_' and '-'")
        return self.path / "views" / name
