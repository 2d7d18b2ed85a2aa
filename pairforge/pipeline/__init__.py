"""The stages, wired: evidence first (prepare, sample, verify), then a view of it (make_view).

Each stage takes the recipe apart and hands plain values on, and each is safe to call again: what is stored is not
done twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pairforge.pipeline.evidence import prepare, verify
from pairforge.pipeline.facts import load_evidence
from pairforge.pipeline.sampling import sample
from pairforge.pipeline.settings import Progress, quiet, run_recipe
from pairforge.pipeline.view import make_view, write_view
from pairforge.recipe import Recipe
from pairforge.run import Run, read_view

__all__ = [
    "Progress",
    "Summary",
    "build",
    "evidence_counts",
    "load_evidence",
    "make_view",
    "prepare",
    "quiet",
    "run_recipe",
    "sample",
    "summarise",
    "verify",
    "write_view",
]


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of a whole run and one view of it, however many sittings it took.

    `samples` and `correct` count sampled solutions, `drops` problems and source rows by reason; `seconds` is the
    wall time of all stages and sittings.
    """

    run: str
    view: str
    problems: int
    samples: int
    correct: int
    pairs: int
    drops: dict[str, int]
    seconds: float
    mean_chosen_tokens: float | None = None
    mean_rejected_tokens: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


def build(
    recipe: Recipe,
    path: str | Path,
    *,
    view: str = "default",
    extend: bool = False,
    fresh: bool = False,
    progress: Progress = quiet,
) -> Summary:
    """Make, or finish, the run at `path` and one view of it. `extend` and `fresh`: see `prepare`."""
    run = prepare(recipe, path, extend=extend, fresh=fresh, progress=progress)
    with run.lock():
        sample(recipe, run, extend=extend, progress=progress)
        verify(recipe, run, progress=progress)
        make_view(recipe, run, view, progress=progress)
        return summarise(run, view)


def evidence_counts(run: Run) -> dict[str, int]:
    """How much evidence a run holds: problems, samples, and verdicts by status."""
    statuses = run.verdict_table()["status"].to_list()
    return {
        "problems": run.problem_table(["id"]).height,
        "samples": run.sample_count(),
        **dict(Counter(statuses).most_common()),
    }


def summarise(run: Run, view: str) -> Summary:
    """Totals of the whole run and one view."""
    folder = run.view(view)
    record = read_view(run, view)
    drops = Counter(pl.read_parquet(folder / "drops.parquet", columns=["reason"])["reason"].to_list())
    sampled = run.sample_table().filter(pl.col("origin") == "sampled")
    verdicts = run.verdict_table().join(sampled, on="sample_key", how="semi")  # one draw counts once
    return Summary(
        run=str(run.path),
        view=view,
        problems=run.problem_table(["id"]).height,
        samples=sampled.height,
        correct=verdicts.filter(pl.col("status") == "correct").height,
        pairs=record["pairs"],
        drops=dict(drops.most_common()),
        seconds=round(sum(run.manifest().get("seconds", {}).values()), 1),
        mean_chosen_tokens=record["means"]["chosen_tokens"],
        mean_rejected_tokens=record["means"]["rejected_tokens"],
    )
