"""The cost of a recipe: what is known before anything is sampled, and an estimate from a pilot whose samples count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pairforge.errors import RecipeError
from pairforge.filters.target import SIDES, Facts, Target, accepts, standing
from pairforge.generator.config import GIVEN, SAMPLED
from pairforge.generator.forecast import Forecast, Piloted, forecast
from pairforge.generator.orders import ArmRole, OrderCost, Outcome, Sides, order_costs
from pairforge.pipeline.frozen_target import facts_by_problem
from pairforge.pipeline.preparing import prepare
from pairforge.pipeline.sampling import sample
from pairforge.pipeline.sampling_plan import Outset, begin, plan_arm
from pairforge.pipeline.session import Session
from pairforge.pipeline.sides import check_sides
from pairforge.pipeline.stages_to_sample import stages_to_sample
from pairforge.pipeline.verifying import verify
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe

RECORD_BYTES = 400  # one sample's and its verdict's row without the text, as measured in the logs


@dataclass(frozen=True, slots=True)
class ArmOutlook:
    """The part of one arm. `problems` may be drawn by it, `problems_to_draw` of them still; of these,
    `budget_limited` have a budget that a rule sets. `most_tokens` is the most that they can use: other arms may leave
    it less to do.
    `token_ratio`: the sampler's tokens per token of the student, with its safety margin. Of the `forecast`, `accepted`
    counts problems in which this arm's solutions make the pair."""

    problems: int
    problems_to_draw: int
    budget_limited: int
    most_tokens: int
    token_ratio: float
    forecast: Forecast | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known and, after a pilot, what is expected.

    `drawable` problems can be paired by drawing, `problems_to_draw` of them may still be drawn, `budget_limited` have a
    budget that a rule sets, `most_tokens` is the most that the missing draws of all arms can use. `forecast` is of all
    arms together, `arms` has the part of each, and `orders` the tokens of each order of the arms, the cheapest first.
    """

    run: str
    problems: int
    drawable: int
    problems_to_draw: int
    budget_limited: int
    most_tokens: int
    forecast: Forecast | None = None
    arms: dict[str, ArmOutlook] = field(default_factory=dict)
    orders: list[OrderCost] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


def outlook(recipe: Recipe, path: str | Path, *, pilot: int = 0, progress: Progress = quiet) -> Outlook:
    """Read the sources, judge the given solutions, plan; with `pilot`, draw that many problems and scale them up.

    The pilot's problems are chosen by a hash of seed and id; its samples are the run's own and are not drawn again.
    Where no pilot of this run was ever timed (its samples were there before), the forecast knows no seconds. Raises
    `RecipeError` when the recipe samples nothing.
    """
    if not recipe.arms:
        raise RecipeError("this recipe samples nothing", hint="add a 'generator' block, or just build it")
    session = prepare(recipe, path, progress=progress)
    with session.run.lock():
        check_sides(session)
        verify(session)
        if pilot:
            run_pilot(session, pilot)
        stage = session.for_sampling(stages_to_sample(session.recipe, session.run)[0])
        outset = begin(stage)
        works = {arm.origin: plan_arm(stage, outset, arm, ahead=True) for arm in outset.arms}
        forecasts = forecasts_of(stage, pilot) if pilot else {}
        to_draw = {problem for work in works.values() for problem in work.plan.open_problems()}
        limited = {task.problem_id for work in works.values() for task in work.tasks if task.budget_limited}
        return Outlook(
            run=str(session.run.path),
            problems=session.problems.height,
            drawable=len(outset.drawable),
            problems_to_draw=len(to_draw),
            budget_limited=len(limited),
            most_tokens=sum(work.plan.most_tokens for work in works.values()),
            forecast=forecasts.get(""),
            arms={
                name: ArmOutlook(
                    problems=len(work.tasks),
                    problems_to_draw=work.plan.missing,
                    budget_limited=sum(task.budget_limited for task in work.tasks),
                    most_tokens=work.plan.most_tokens,
                    token_ratio=round(work.arm.ratio.safe, 3),
                    forecast=forecasts.get(name),
                )
                for name, work in works.items()
            },
            orders=orders_of(stage, pilot) if pilot else [],
        )


def run_pilot(session: Session, problems: int) -> None:
    """Draw that many problems."""
    sample(session, only=problems)
    verify(session)


def forecasts_of(session: Session, pilot: int) -> dict[str, Forecast]:
    """The forecast of each arm that the pilot drew, by its name, and under "" that of all together."""
    recipe, whole = session.recipe, begin(session)
    outset = begin(session, only=pilot)
    by_arm = {name: pilot_results(session, outset, name) for name in recipe.arms}
    rates = {name: tokens_per_s(session, name) for name in recipe.arms}
    drawn = {name: sum(p.tokens for p in results.values()) for name, results in by_arm.items()}
    known = all(rates[name] for name, tokens in drawn.items() if tokens)
    seconds = sum(tokens / (rates[name] or 1) for name, tokens in drawn.items())
    draws = [block.draws for block in recipe.arms.values()]
    enough = [number for name in recipe.arms if (number := recipe.enough(name)) is not None]
    found = {}
    for name, results in {"": pilot_results(session, outset), **by_arm}.items():
        if not any(p.draws for p in results.values()):
            continue
        found[name] = forecast(
            list(results.values()),
            problems=len(whole.drawable),
            tokens_per_s=rates[name] if name else sum(drawn.values()) / seconds if known and seconds else None,
            enough=recipe.enough(name) if name else min(enough, default=None),
            min_draws=recipe.arms[name].draws.min if name else min(d.min for d in draws),
            seed=recipe.seed,
        )
    if len(recipe.arms) > 1 and "" in found:  # draws of several arms in a row say nothing about one `draws.max`
        found[""] = replace(found[""], by_max_draws=())
    return found


def orders_of(session: Session, pilot: int) -> list[OrderCost]:
    """The cost of each order of the arms, from the pilot's problems."""
    recipe, outset = session.recipe, begin(session, only=pilot)
    target, facts = outset.target, facts_by_problem(session.sample_facts)
    parts = target.mix or (target,)
    tokens: dict[tuple[str, str], int] = Counter()
    for problem, origin, used in session.samples.select("problem_id", "origin", "sampled_tokens").iter_rows():
        tokens[problem, origin] += used

    def sides(samples: Sequence[Facts]) -> Sides:
        return frozenset(side for side in SIDES if any(standing(samples, part, side) for part in parts))

    arms = {}
    for name, block in recipe.arms.items():
        own = {problem: facts.of(problem, name) for problem in outset.drawable}
        outcomes = {
            problem: Outcome(tokens[problem, name], sides(samples), accepts(samples, target))
            for problem, samples in own.items()
            if samples
        }
        may = frozenset(side for side in SIDES if any(getattr(part, side).takes(name) for part in parts))
        arms[name] = ArmRole(may, block.draws.until == "max", tokens_per_s(session, name), outcomes)
    given = {problem: sides(facts.of(problem, GIVEN)) for problem in outset.drawable}
    return order_costs(arms, given, problems=len(begin(session).drawable), seed=recipe.seed)


def tokens_per_s(session: Session, origin: str) -> float | None:
    """The rate of an arm in the latest pilot that drew any of it; None without one."""
    manifest = session.run.manifest()
    if origin in manifest.arms and manifest.arms[origin].tokens_per_s:
        return manifest.arms[origin].tokens_per_s
    return manifest.pilot.tokens_per_s if manifest.pilot and origin == SAMPLED else None


def pilot_results(session: Session, outset: Outset, origin: str | None = None) -> dict[str, Piloted]:
    """How each of the drawable problems ended, by its id, from what is stored: over the draws of one arm, or of all of
    them in their order. A problem that no arm has drawn is left out."""
    wanted = set(outset.drawable)
    facts = facts_by_problem(session.sample_facts)
    continued = {arm.origin for arm in outset.arms if arm.block.draws.continue_truncated}
    tokens: dict[str, dict[str, Counter[int]]] = {}
    text_bytes: dict[str, Counter[str]] = {}
    for s in session.run.sampled():
        if s.problem_id in wanted:
            draws = tokens.setdefault(s.problem_id, {}).setdefault(s.origin, Counter())
            if s.origin in continued:
                draws[s.draw] = max(draws[s.draw], s.sampled_tokens)  # counted from the beginning of the solution
            else:
                draws[s.draw] += s.sampled_tokens  # a draw repeated with a larger budget cost both
            text_bytes.setdefault(s.problem_id, Counter())[s.origin] += 2 * len(s.text.encode()) + RECORD_BYTES
    counted = [arm.origin for arm in outset.arms if origin in (None, arm.origin)]
    results = {}
    for problem, by_arm in tokens.items():
        own = [facts.of(problem, name) for name in counted]
        rest = [f for name, known in facts.by_problem[problem].items() if name not in counted for f in known]
        results[problem] = Piloted(
            draw_tokens=tuple(used for name in counted for _, used in sorted(by_arm.get(name, {}).items())),
            accepted_after=accepted_after(rest, [f for drawn in own for f in drawn], outset.target),
            text_bytes=sum(text_bytes[problem][name] for name in counted),
        )
    return results


def accepted_after(others: Sequence[Facts], drawn: Sequence[Facts], target: Target) -> int | None:
    """How many of the draws, in their order, it takes to serve the target; None when all do not."""
    return next((n for n in range(1, len(drawn) + 1) if accepts([*others, *drawn[:n]], target)), None)
