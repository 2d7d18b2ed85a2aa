"""The cost of a recipe: what is known before anything is sampled, and an estimate from a pilot whose samples count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pairforge.filters.target import Facts, Target, accepts
from pairforge.generator.forecast import Forecast, Piloted, forecast
from pairforge.pipeline.frozen_target import facts_by_problem
from pairforge.pipeline.preparing import prepare
from pairforge.pipeline.sampling import sample
from pairforge.pipeline.sampling_plan import Work, chosen, plan_sampling
from pairforge.pipeline.session import Session
from pairforge.pipeline.stages_to_sample import stages_to_sample
from pairforge.pipeline.verifying import verify
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe

RECORD_BYTES = 400  # one sample's and its verdict's row without the text, as measured in the logs


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known (`problems` to `token_ratio`) and, after a pilot, what is expected.

    `drawable` problems can be paired by drawing, `owed` of them may still be drawn, `budget_limited` have a budget that
    a rule sets. `most_tokens` is the most that the missing draws can use, `token_ratio` the sampler's tokens per token
    of the student, with its safety margin.
    """

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
    Where no pilot of this run was ever timed (its samples were there before), the forecast knows no seconds. Raises
    `RecipeError` when the recipe samples nothing.
    """
    recipe.sampling_block()  # refuse before any work
    session = prepare(recipe, path, progress=progress)
    with session.run.lock():
        verify(session)
        rate = run_pilot(session, pilot) if pilot else None
        stage = session.for_sampling(stages_to_sample(session.recipe, session.run)[0])
        work = plan_sampling(stage)
        return Outlook(
            run=str(session.run.path),
            problems=session.problems.height,
            drawable=len(work.tasks),
            owed=work.plan.missing,
            budget_limited=sum(task.budget_limited for task in work.tasks),
            most_tokens=work.plan.most_tokens,
            token_ratio=round(work.ratio.safe, 3),
            forecast=scaled_up(stage, work, pilot, rate) if pilot else None,
        )


def run_pilot(session: Session, problems: int) -> float | None:
    """Draw that many problems. Returns the tokens per second of the latest pilot that drew any, None without one."""
    run = session.run
    drawn = sample(session, only=problems)
    verify(session)
    if drawn and drawn.sampled_tokens:
        rate = drawn.sampled_tokens / drawn.seconds
        run.update_manifest(pilot={"tokens_per_s": round(rate, 1)})
        return rate
    pilot = run.manifest().pilot
    return pilot.tokens_per_s if pilot else None


def scaled_up(session: Session, work: Work, pilot: int, tokens_per_s: float | None) -> Forecast | None:
    """The forecast for all problems, from those of the pilot; None where it drew none."""
    draws = session.recipe.sampling_block().draws
    piloted = list(pilot_results(session, work, pilot).values())
    if not piloted:
        return None
    return forecast(
        piloted,
        problems=len(work.tasks),
        tokens_per_s=tokens_per_s,
        enough=draws.enough,
        min_draws=draws.min,
        seed=session.recipe.seed,
    )


def pilot_results(session: Session, work: Work, pilot: int | None = None) -> dict[str, Piloted]:
    """How each drawn problem ended, by its id, from what is stored; `pilot` limits it to a pilot of that size."""
    tasks = work.tasks if pilot is None else chosen(work.tasks, pilot, session.recipe.seed)
    wanted = {task.problem_id for task in tasks}
    stored = facts_by_problem(session.sample_facts)
    facts: dict[str, dict[int, Facts]] = defaultdict(dict)
    for drawn in stored.drawn:
        facts[drawn.problem_id][drawn.draw] = drawn.facts
    tokens: dict[str, Counter[int]] = defaultdict(Counter)
    text_bytes: Counter[str] = Counter()
    for s in session.run.sampled():
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
