"""What is missing in a run: the recipe's target, each problem's budget, and the draws there are.

Arms are planned one at a time, each from what all of them have stored. So what an arm draws for a problem follows from
the problem's own samples: a resumed run draws what an undisturbed one draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from pairforge import chat, lengths
from pairforge.filters.target import Facts, Target, draws_needed, longest_useful, serves
from pairforge.generator import Accept, Begun, Drawn, Measure, Plan, Task
from pairforge.generator.budget import Budget, TokenRatio, budget, measure_ratio
from pairforge.generator.config import GIVEN, GeneratorConfig
from pairforge.generator.loop import as_begun
from pairforge.pipeline.frozen_target import Stored, facts_by_problem, frozen_target
from pairforge.pipeline.sampler import rendered_prompts, require_columns, sampler_context, sampler_prompt, stop_strings
from pairforge.pipeline.session import Session
from pairforge.pipeline.student import completion, student_prompt
from pairforge.records import Drop, Message, Problem, Sample, Verdict, digest, sample_key

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Waiting = Callable[[str], list[str]]
"""Called as waiting(problem_id): the arms that may still write a partner."""

MIN_ROOM_TOKENS = 16  # less room than this in the context is no room for a solution
RATIO_TEXTS = 500


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of the recipe. `room_tokens` is what the prompt of each problem leaves of the sampler's context;
    `too_long` are the problems that it leaves no room, with the reason; `ratio` the sampler's tokens per token of the
    student."""

    origin: str
    block: GeneratorConfig
    sampler: PreTrainedTokenizerBase | None
    room_tokens: Mapping[str, int]
    too_long: Mapping[str, str]
    ratio: TokenRatio


@dataclass(frozen=True, slots=True)
class Outset:
    """What stays the same while a run is sampled.

    `drawable` are the problems that sampling could pair, in the order of the sources, when nothing was sampled yet;
    with a pilot, those that the pilot draws. `drops` says why other problems are not drawn.
    """

    target: Target
    arms: tuple[Arm, ...]
    drawable: tuple[str, ...]
    drops: tuple[Drop, ...]
    is_pilot: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What the sampling loop needs to know of one arm.

    `measure` turns a judged sample into what the plan's acceptance needs: its length in the student's tokens.
    """

    arm: Arm
    plan: Plan
    tasks: list[Task]
    measure: Measure
    enough: int | None


def begin(session: Session, *, only: int | None = None) -> Outset:
    """What sampling starts from.

    The session's recipe is that of a stage of sampling (`stages_to_sample`). `only` limits it to that many problems,
    chosen by a hash of the seed and their ids.
    """
    recipe = session.recipe
    target = frozen_target(recipe, session.run)
    arms = tuple(make_arm(session, origin, block) for origin, block in recipe.arms.items())
    from_sources = [GIVEN, *(name for name, how in recipe.derive.items() if how.of == GIVEN)]
    given = facts_by_problem(session.sample_facts).of_origins(from_sources)
    drawable, drops = [], []
    for problem, answer in session.problems.select("id", "answer").iter_rows():
        if not answer:
            drops.append(no_majority(problem))
        elif any(longest_at_first(arm, arms, problem, given.get(problem, []), target) != 0 for arm in arms):
            drawable.append(problem)
        else:
            drops += too_long(arms, problem)
    if only is not None:
        drawable = by_hash(drawable, recipe.seed)[:only]
    return Outset(target, arms, tuple(drawable), tuple(drops), only is not None)


def no_majority(problem: str) -> Drop:
    """The drop of a problem that has no ground truth, and whose solutions give it none."""
    return Drop(problem, "sample", "no_majority", "it has no ground truth, and its solutions do not agree enough")


def make_arm(session: Session, origin: str, block: GeneratorConfig) -> Arm:
    require_columns(block, session.each_problem(), key=session.recipe.key_of(origin))
    context = sampler_context(block)
    sampler = session.sampler(origin)
    prompts = prompt_lengths(session, origin) if sampler is not None else {}
    least = min(block.sampling.max_tokens, MIN_ROOM_TOKENS)
    rooms = {problem: context - prompts.get(problem, 0) for problem in session.problems["id"]}
    too_long = {
        problem: f"its prompt has {prompts[problem]} tokens, the sampler's context {context}"
        for problem, room in rooms.items()
        if room < least
    }
    return Arm(origin, block, sampler, rooms, too_long, token_ratio(session, origin))


def longest_at_first(arm: Arm, arms: Sequence[Arm], problem: str, given: Sequence[Facts], target: Target) -> int | None:
    """`longest_useful` of an arm while nothing is sampled; 0 also where its prompt leaves no room to answer."""
    if problem in arm.too_long:
        return 0
    if arm.block.budget == "full":
        return None
    waiting = [other.origin for other in arms if other is not arm and problem not in other.too_long]
    return longest_of(given, target, arm.origin, waiting)


def longest_of(samples: Sequence[Facts], target: Target, origin: str, waiting: Sequence[str]) -> int | None:
    """The longest solution of the arm (student's tokens) that could be paired with these, or with one of `waiting`."""
    prompt_tokens = max((facts.prompt_tokens for facts in samples), default=0)
    return longest_useful(samples, target, prompt_tokens, origin=origin, waiting=waiting)


def too_long(arms: Sequence[Arm], problem: str) -> list[Drop]:
    """The drop of a problem whose prompt leaves an arm no room to answer; none where that is not the reason."""
    details = [(arm.origin, arm.too_long[problem]) for arm in arms if problem in arm.too_long]
    if not details:
        return []
    detail = "; ".join(text if len(arms) == 1 else f"{origin}: {text}" for origin, text in details)
    return [Drop(problem, "sample", "prompt_too_long", detail)]


def by_hash(problems: Sequence[str], seed: int) -> list[str]:
    """An order of the problems that does not depend on the order given or on the other problems."""
    return sorted(problems, key=lambda problem: digest(["pilot", seed, problem]))


# --- the plan of one arm -------------------------------------------------------------------------------------------


def plan_arm(session: Session, outset: Outset, arm: Arm, *, ahead: bool = False) -> Work:
    """What the arm has to draw, given all that is stored.

    Where its `draws.until` is "accepted", an arm leaves out the problems that the others have served without it. It
    also leaves out those in which no partner is known and no later arm may write one; `ahead` keeps them while an
    earlier arm may, for what the arm may have to draw at most.
    """
    draws, seed, target = arm.block.draws, session.recipe.seed, outset.target
    stored = facts_by_problem(session.sample_facts)
    waiting = still_open(outset.arms[outset.arms.index(arm) + 1 :], stored)
    anyone = still_open([other for other in outset.arms if other is not arm], stored)
    accept = acceptance(stored, target, arm.origin, waiting) if draws.until == "accepted" else None
    enough = None if outset.is_pilot else session.recipe.enough(arm.origin)  # a pilot tells what is enough
    tasks, served = [], 0
    wanted = set(outset.drawable)
    for problem in session.each_problem():
        if problem.id not in wanted:
            continue
        if accept and len(outset.arms) > 1 and not stored.of(problem.id, arm.origin) and accept(problem.id, []):
            served += 1
            continue
        partners = anyone(problem.id) if ahead else waiting(problem.id)
        allowed = budget_of(arm, problem.id, stored.others(problem.id, arm.origin), target, partners)
        if allowed.max_tokens:
            tasks.append(make_task(arm, problem, allowed))
    if outset.is_pilot or enough is not None:
        places = {problem: place for place, problem in enumerate(by_hash(outset.drawable, seed))}
        tasks.sort(key=lambda task: places[task.problem_id])
    own = stored.drawn.get(arm.origin, [])
    plan = Plan(
        tasks,
        run_seed=seed,
        min_draws=draws.min,
        max_draws=draws.max,
        accept=accept,
        enough=enough,
        needs=draws_needed(target, arm.origin),
        stored=own,
        begun=begun_draws(session, arm, tasks, own),
        stop=stop_strings(arm.block, arm.sampler),
        origin=arm.origin,
        accepted=served,
    )
    return Work(arm, plan, tasks, length_measure(session, target, arm.origin), enough)


def still_open(arms: Sequence[Arm], stored: Stored) -> Waiting:
    """Which of the arms may still be drawn for a problem: its prompt leaves room, and not all draws are made."""

    def waiting(problem: str) -> list[str]:
        return [
            other.origin
            for other in arms
            if problem not in other.too_long and len(stored.of(problem, other.origin)) < other.block.draws.max
        ]

    return waiting


def acceptance(stored: Stored, target: Target, origin: str, waiting: Waiting) -> Accept:
    """Whether one problem's samples, the arm's own and all others, need no further one of the arm."""

    def accept(problem_id: str, own: Sequence[Facts]) -> bool:
        return serves([*stored.others(problem_id, origin), *own], target, origin, waiting(problem_id))

    return accept


def budget_of(arm: Arm, problem: str, others: Sequence[Facts], target: Target, waiting: Sequence[str]) -> Budget:
    """The budget of each of the arm's draws; 0 where none of its solutions could be paired."""
    if problem in arm.too_long:
        return Budget(0)
    room = arm.room_tokens[problem]
    longest = longest_of(others, target, arm.origin, waiting) if arm.block.budget == "rule" else None
    most = arm.block.sampling.max_tokens * (1 + arm.block.draws.continue_truncated)
    return budget(longest, configured_tokens=most, room_tokens=room, ratio=arm.ratio)


def make_task(arm: Arm, problem: Problem, allowed: Budget) -> Task:
    """The messages go along only where a server applies the chat template itself."""
    turns = sampler_prompt(arm.block, problem.question, problem.meta)
    text = chat.plain_prompt(turns) if arm.sampler is None else chat.render_prompt(arm.sampler, turns)
    messages: tuple[Message, ...] = tuple(turns) if arm.block.engine.kind == "server" else ()
    return Task(
        problem.id,
        text,
        allowed.max_tokens,
        problem.answer,
        allowed.limited,
        allowed.ratio,
        messages,
        begun=arm.block.prompt.prefix,
        leg_tokens=arm.block.sampling.max_tokens if arm.block.draws.continue_truncated else None,
    )


def begun_draws(
    session: Session, arm: Arm, tasks: Sequence[Task], drawn: Sequence[Drawn]
) -> dict[tuple[str, int], Begun]:
    """What is stored of the solutions that a budget has cut and the arm continues, by problem and draw."""
    if not arm.block.draws.continue_truncated:
        return {}
    budgets = {task.problem_id: task.max_tokens for task in tasks}
    keys = [
        sample_key(d.problem_id, arm.origin, d.draw, d.max_tokens)
        for d in drawn
        if d.facts.finish_reason == "length" and d.max_tokens < budgets.get(d.problem_id, 0)
    ]
    found = session.run.texts(keys).values() if keys else ()
    begun = {(sample.problem_id, sample.draw): as_begun(sample) for sample in found}
    return {draw: cut for draw, cut in begun.items() if cut is not None}


def length_measure(session: Session, target: Target, origin: str) -> Measure:
    """Counts a judged sample in the student's tokens, where its verdict lets it matter to the target at all."""
    tokenizer, block = session.student, session.recipe.format
    questions = dict(session.problems.select("id", "question").iter_rows())
    parts = target.mix or (target,)
    sides = {statuses for part in parts for statuses in (part.chosen.statuses, part.rejected.statuses)}
    formats = dict.fromkeys(session.formats)

    def measure(sample: Sample, verdict: Verdict | None) -> Facts:
        status = verdict.status if verdict is not None else "error"
        counts: list[tuple[str, int, int]] = []
        if any(not statuses or status in statuses for statuses in sides):
            turns = student_prompt(block, questions[sample.problem_id])
            rows = [(str(form), turns, completion(sample, form)) for form in formats]
            counts = list(lengths.count_lengths(tokenizer, rows))
        return Facts(
            origin=origin,
            status=status,
            tokens=counts[0][2] if counts else None,
            prompt_tokens=counts[0][1] if counts else 0,
            finish_reason=sample.finish_reason,
            model=sample.model,
            rejected_tokens=counts[1][2] if len(counts) > 1 else None,
        )

    return measure


# --- lengths -------------------------------------------------------------------------------------------------------


def prompt_lengths(session: Session, origin: str) -> dict[str, int]:
    """The sampler's tokens of every problem's prompt, from the run's cache or counted now."""
    run, block, sampler = session.run, session.recipe.arms[origin], session.sampler(origin)
    assert sampler is not None
    key = f"prompts-{digest([lengths.tokenizer_digest(sampler), sampler_prompt(block, '')])}"
    cached = run.lengths(key)
    known: dict[str, int] = dict(cached.iter_rows()) if cached is not None else {}
    new = (problem for problem in session.each_problem() if problem.id not in known)
    counted = {problem.id: tokens for problem, _, tokens in rendered_prompts(block, new, sampler)}
    if counted:
        known |= counted
        run.write_lengths(key, pl.DataFrame({"problem_id": list(known), "prompt_tokens": list(known.values())}))
    return known


def token_ratio(session: Session, origin: str) -> TokenRatio:
    """The sampler's tokens per student token, measured on given solutions (1 for the same tokenizer).

    Where the sources give none, the questions stand in for them: budgets must not change while solutions come in.
    """
    sampler, student = session.sampler(origin), session.student
    if sampler is None or sampler is student or lengths.tokenizer_digest(sampler) == session.student_digest:
        return TokenRatio()
    manifest = session.run.manifest()
    if manifest.merged and origin in manifest.arms and (known := manifest.arms[origin].token_ratio):
        return TokenRatio(known.median, known.safe, known.texts)  # what the shards were drawn with
    texts = [sample.text for sample in islice(session.run.given(), RATIO_TEXTS)]
    return measure_ratio(sampler, student, texts or session.problems["question"].head(RATIO_TEXTS).to_list())
