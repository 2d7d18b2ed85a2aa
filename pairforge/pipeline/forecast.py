"""What a recipe will cost: known before anything is sampled, and estimated from a pilot whose samples count."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pairforge.filters.target import Facts, accepts
from pairforge.generator.forecast import Forecast, Piloted, forecast
from pairforge.pipeline.evidence import prepare, verify
from pairforge.pipeline.plan import Work, chosen, facts_by_problem, plan_sampling, student_facts
from pairforge.pipeline.sampling import sample
from pairforge.pipeline.settings import Progress, quiet
from pairforge.recipe import Recipe
from pairforge.records import Sample
from pairforge.run import Run

RECORD_BYTES = 400  # one sample's and its verdict's row without the text, as measured in the logs


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known (`problems` to `most_tokens`) and, after a pilot, what is expected."""

    run: str
    problems: int
    drawable: int
    owed: int
    budget_limited: int
    most_tokens: int
    token_ratio: float
    forecast: Forecast | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


def outlook(recipe: Recipe, path: str | Path, *, pilot: int = 0, progress: Progress = quiet) -> Outlook:
    """Read the sources, judge the given solutions, plan; with `pilot`, draw that many problems and scale them up.

    The pilot's problems are chosen by a hash of seed and id; its samples are the run's own and are not drawn again.
    `most_tokens` is the most that the owed draws can use. Raises `RecipeError` when the recipe samples nothing.
    """
    block = recipe.sampling_block()
    run = prepare(recipe, path, progress=progress)
    with run.lock():
        verify(recipe, run, progress=progress)
        expected = None
        if pilot:
            drawn = sample(recipe, run, only=pilot, progress=progress)
            rate = drawn.sampled_tokens / drawn.seconds if drawn and drawn.sampled_tokens else None
            if rate is not None:
                run.update_manifest(pilot={"tokens_per_s": round(rate, 1)})
            rate = rate or float(run.manifest().get("pilot", {}).get("tokens_per_s", 0.0))
            verify(recipe, run, progress=progress)
            work = plan_sampling(recipe, run)
            piloted = pilot_results(recipe, run, work, pilot)
            if piloted:
                expected = forecast(
                    list(piloted.values()), problems=len(work.tasks), tokens_per_s=rate, seed=recipe.seed
                )
        else:
            work = plan_sampling(recipe, run)
        draws = block.draws.max
        return Outlook(
            run=str(run.path),
            problems=run.problem_table(["id"]).height,
            drawable=len(work.tasks),
            owed=work.plan.problems - work.plan.decided,
            budget_limited=sum(task.budget_limited for task in work.tasks),
            most_tokens=draws * sum(task.max_tokens for task in work.tasks),
            token_ratio=round(work.ratio.safe, 3),
            forecast=expected,
        )


def pilot_results(recipe: Recipe, run: Run, work: Work, pilot: int | None = None) -> dict[str, Piloted]:
    """How each drawn problem ended, by its id, from what is stored; `pilot` limits it to a pilot of that size."""
    tasks = work.tasks if pilot is None else chosen(work.tasks, pilot, recipe.seed)
    wanted = {task.problem_id for task in tasks}
    stored = facts_by_problem(student_facts(recipe, run))
    facts: dict[str, list[Facts]] = defaultdict(list)
    for drawn in stored.drawn:
        facts[drawn.problem_id].append(drawn.facts)
    samples: dict[str, list[Sample]] = defaultdict(list)
    for s in run.sampled():
        if s.problem_id in wanted:
            samples[s.problem_id].append(s)
    return {
        problem_id: Piloted(
            accepted=accepts([*stored.given.get(problem_id, []), *facts[problem_id]], work.target),
            draws=len(mine),
            tokens=sum(s.sampled_tokens for s in mine),
            text_bytes=sum(2 * len(s.text.encode()) + RECORD_BYTES for s in mine),
        )
        for problem_id, mine in samples.items()
    }
