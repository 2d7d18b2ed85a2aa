"""What a recipe will cost: known before anything is sampled, and estimated from a pilot whose samples count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pairforge.filters.target import Facts, Target, accepts
from pairforge.generator.forecast import Forecast, Piloted, forecast
from pairforge.pipeline.evidence import prepare, verify
from pairforge.pipeline.facts import student_facts
from pairforge.pipeline.plan import Work, chosen, plan_sampling
from pairforge.pipeline.sampling import sample
from pairforge.pipeline.settings import Progress, quiet
from pairforge.pipeline.target import facts_by_problem
from pairforge.recipe import Recipe
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
    `most_tokens` is the most that the owed draws can use. Where no pilot of this run was ever timed (its samples were
    there before), the forecast knows no seconds. Raises `RecipeError` when the recipe samples nothing.
    """
    recipe.sampling_block()  # refuse before any work
    run = prepare(recipe, path, progress=progress)
    with run.lock():
        verify(recipe, run, progress=progress)
        expected = None
        if pilot:
            drawn = sample(recipe, run, only=pilot, progress=progress)
            rate = drawn.sampled_tokens / drawn.seconds if drawn and drawn.sampled_tokens else None
            if rate is not None:
                run.update_manifest(pilot={"tokens_per_s": round(rate, 1)})
            rate = rate or run.manifest().get("pilot", {}).get("tokens_per_s")
            verify(recipe, run, progress=progress)
            work = plan_sampling(recipe, run)
            piloted = pilot_results(recipe, run, work, pilot)
            if piloted:
                draws = recipe.sampling_block().draws
                expected = forecast(
                    list(piloted.values()),
                    problems=len(work.tasks),
                    tokens_per_s=rate,
                    enough=draws.enough,
                    min_draws=draws.min,
                    seed=recipe.seed,
                )
        else:
            work = plan_sampling(recipe, run)
        return Outlook(
            run=str(run.path),
            problems=run.problem_table(["id"]).height,
            drawable=len(work.tasks),
            owed=work.plan.owed,
            budget_limited=sum(task.budget_limited for task in work.tasks),
            most_tokens=work.plan.most_tokens,
            token_ratio=round(work.ratio.safe, 3),
            forecast=expected,
        )


def pilot_results(recipe: Recipe, run: Run, work: Work, pilot: int | None = None) -> dict[str, Piloted]:
    """How each drawn problem ended, by its id, from what is stored; `pilot` limits it to a pilot of that size."""
    tasks = work.tasks if pilot is None else chosen(work.tasks, pilot, recipe.seed)
    wanted = {task.problem_id for task in tasks}
    stored = facts_by_problem(student_facts(recipe, run))
    facts: dict[str, dict[int, Facts]] = defaultdict(dict)
    for drawn in stored.drawn:
        facts[drawn.problem_id][drawn.draw] = drawn.facts
    tokens: dict[str, Counter[int]] = defaultdict(Counter)
    text_bytes: Counter[str] = Counter()
    for s in run.sampled():
        if s.problem_id in wanted:
            tokens[s.problem_id][s.draw] += s.sampled_tokens  # a draw repeated with a larger budget cost both
            text_bytes[s.problem_id] += 2 * len(s.text.encode()) + RECORD_BYTES
    return {
        problem_id: Piloted(
            draw_tokens=tuple(used for _, used in sorted(by_draw.items())),
            accepted_after=accepted_after(stored.given.get(problem_id, []), facts[problem_id], work.target),
            text_bytes=text_bytes[problem_id],
        )
        for problem_id, by_draw in tokens.items()
    }


def accepted_after(given: list[Facts], drawn: Mapping[int, Facts], target: Target) -> int | None:
    """How many of the draws, in their order, it takes to serve the target; None when all do not."""
    in_order = [facts for _, facts in sorted(drawn.items())]
    return next((n for n in range(1, len(in_order) + 1) if accepts([*given, *in_order[:n]], target)), None)
