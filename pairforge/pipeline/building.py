"""All stages in order, and the totals of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pairforge.generator.config import GIVEN
from pairforge.pipeline.deriving import derive
from pairforge.pipeline.preparing import prepare
from pairforge.pipeline.sampling import sample
from pairforge.pipeline.session import Session
from pairforge.pipeline.sides import check_sides
from pairforge.pipeline.verifying import verify
from pairforge.pipeline.view import make_view
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe
from pairforge.run import read_view
from pairforge.run.arm_totals import arm_totals


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of a whole run and one view of it, however often it was interrupted.

    `samples` and `correct` count sampled solutions, `drops` problems and source rows by reason; `seconds` is the wall
    time of all stages. `cut_by_budget` counts samples that reached the budget a rule set for them: they are longer than
    any solution that could have been paired. `cut_by_max_tokens` counts those that reached `sampling.max_tokens`.
    `given` and `given_correct` count the solutions that came with the sources, `given_repeated` those that were left
    out because their problem had the same text already.
    `arms` is by the name of the arm: see `pairforge.run.arm_totals`.
    """

    run: str
    view: str
    problems: int
    samples: int
    correct: int
    pairs: int
    drops: dict[str, int]
    seconds: float
    arms: dict[str, dict[str, Any]]
    mean_chosen_tokens: float | None = None
    mean_rejected_tokens: float | None = None
    cut_by_budget: int = 0
    cut_by_max_tokens: int = 0
    given: int = 0
    given_correct: int = 0
    given_repeated: int = 0

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
    session = prepare(recipe, path, extend=extend, fresh=fresh, progress=progress)
    with session.run.lock():
        check_sides(session)
        sample(session, extend=extend)
        verify(session)
        derive(session)
        make_view(session, view)
        return summarise(session, view)


def evidence_counts(session: Session) -> dict[str, int]:
    """How much evidence a run holds: problems, samples, and verdicts by status."""
    statuses = Counter(session.verdicts["status"].to_list())
    return {
        "problems": session.problems.height,
        "samples": session.run.sample_count(),
        **dict(statuses.most_common()),
    }


def summarise(session: Session, view: str) -> Summary:
    """Totals of the whole run and one view."""
    run = session.run
    record = read_view(run, view)
    drops = Counter(pl.read_parquet(run.view(view) / "drops.parquet", columns=["reason"])["reason"].to_list())
    least = {name: block.draws.min for name, block in session.recipe.arms.items()}
    arms = arm_totals(session.samples, session.verdicts, run.manifest().arms, least)
    drawn = session.samples.filter((pl.col("origin") != GIVEN) & ~pl.col("derived"))
    cut = drawn.filter(pl.col("finish_reason") == "length")["budget_limited"]
    given = session.kept_samples.filter((pl.col("origin") == GIVEN) & ~pl.col("derived"))
    given = given.join(session.verdicts, on="sample_key", how="left")
    return Summary(
        run=str(run.path),
        view=view,
        problems=session.problems.height,
        samples=int(sum(arm["samples"] for arm in arms.values())),
        correct=int(sum(arm["correct"] for arm in arms.values())),
        pairs=record.pairs,
        drops=dict(drops.most_common()),
        seconds=round(sum(run.manifest().seconds.values()), 1),
        arms=arms,
        mean_chosen_tokens=record.means["chosen_tokens"],
        mean_rejected_tokens=record.means["rejected_tokens"],
        cut_by_budget=int(cut.sum()),
        cut_by_max_tokens=cut.len() - int(cut.sum()),
        given=given.height,
        given_correct=given.filter(pl.col("status") == "correct").height,
        given_repeated=sum(source.repeated_given for source in run.manifest().sources),
    )
