"""What is missing in a run: the recipe's target, each problem's budget, and the draws there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from pairforge import chat, lengths
from pairforge.filters.target import Facts, Target, draws_needed, longest_useful
from pairforge.generator import Measure, Plan, Task
from pairforge.generator.budget import Budget, TokenRatio, budget, measure_ratio
from pairforge.pipeline.frozen_target import acceptance, facts_by_problem, frozen_target
from pairforge.pipeline.sampler import rendered_prompts, sampler_context, sampler_prompt, stop_strings
from pairforge.pipeline.session import Session
from pairforge.pipeline.student import completion, student_prompt
from pairforge.records import Drop, Message, Problem, Sample, Verdict, digest

if TYPE_CHECKING:
    pass

MIN_ROOM_TOKENS = 16  # less room than this in the context is no room for a solution
RATIO_TEXTS = 500


@dataclass(frozen=True, slots=True)
class Work:
    """Everything the sampling loop needs to know of a run, and why some problems are not drawn.

    `measure` turns a judged sample into what the plan's acceptance needs: its length in the student's tokens.
    """

    plan: Plan
    tasks: list[Task]
    drops: list[Drop]
    measure: Measure
    ratio: TokenRatio
    target: Target


def plan_sampling(session: Session, *, only: int | None = None) -> Work:
    """The samples that are missing: worked out from what is stored, every time.

    The session's recipe is that of a stage of sampling (`stages_to_sample`). `only` limits the plan to that many
    problems, chosen by a hash of the seed and their ids.
    """
    recipe = session.recipe
    block = recipe.sampling_block()
    target = frozen_target(recipe, session.run)
    stored = facts_by_problem(session.sample_facts)
    ratio = token_ratio(session)
    tasks, drops = make_tasks(session, stored.given, target, ratio)
    enough = block.draws.enough if only is None else None  # a pilot is drawn to its end: it tells what is enough
    plan = Plan(
        tasks if only is None and enough is None else chosen(tasks, only, recipe.seed),
        run_seed=recipe.seed,
        min_draws=block.draws.min,
        max_draws=block.draws.max,
        accept=acceptance(stored.given, target) if block.draws.until == "accepted" else None,
        enough=enough,
        needs=draws_needed(target),
        stored=stored.drawn,
        stop=stop_strings(block, session.sampler),
    )
    return Work(plan, tasks, drops, length_measure(session, target), ratio, target)


def chosen(tasks: list[Task], count: int | None, seed: int) -> list[Task]:
    """A sample of the tasks that does not depend on their order or on the other tasks; None: all, in that order."""
    return sorted(tasks, key=lambda task: digest(["pilot", seed, task.problem_id]))[:count]


def length_measure(session: Session, target: Target) -> Measure:
    """Counts a judged sample in the student's tokens, where its verdict lets it matter to the target at all."""
    tokenizer, block = session.student, session.recipe.format
    questions = dict(session.problems.select("id", "question").iter_rows())
    sides = (target.chosen.status, target.rejected.status)
    formats = dict.fromkeys(session.formats)

    def measure(sample: Sample, verdict: Verdict | None) -> Facts:
        status = verdict.status if verdict is not None else "error"
        counts: list[tuple[str, int, int]] = []
        if any(not statuses or status in statuses for statuses in sides):
            turns = student_prompt(block, questions[sample.problem_id])
            rows = [(str(form), turns, completion(sample, form)) for form in formats]
            counts = list(lengths.count_lengths(tokenizer, rows))
        return Facts(
            origin="sampled",
            status=status,
            tokens=counts[0][2] if counts else None,
            prompt_tokens=counts[0][1] if counts else 0,
            finish_reason=sample.finish_reason,
            model=sample.model,
            rejected_tokens=counts[1][2] if len(counts) > 1 else None,
        )

    return measure


# --- tasks and budgets ---------------------------------------------------------------------------------------------


def make_tasks(
    session: Session, given: Mapping[str, list[Facts]], target: Target, ratio: TokenRatio
) -> tuple[list[Task], list[Drop]]:
    """A task for every problem that can be paired by drawing; a drop where the prompt leaves no room to answer.

    A problem that no sampled solution could pair (its given solution is wrong, or too short for the gap) gets
    neither: the rules will say why it has no pair.
    """
    block = session.recipe.sampling_block()
    tasks: list[Task] = []
    drops: list[Drop] = []
    context = sampler_context(block)
    prompt_tokens = prompt_lengths(session) if session.sampler is not None else {}
    for problem in session.each_problem():
        room = context - prompt_tokens.get(problem.id, 0)
        if room < min(block.sampling.max_tokens, MIN_ROOM_TOKENS):
            detail = f"its prompt has {prompt_tokens[problem.id]} tokens, the sampler's context {context}"
            drops.append(Drop(problem.id, "sample", "prompt_too_long", detail))
            continue
        longest = longest_of(given.get(problem.id, []), target) if block.budget == "rule" else None
        allowed = budget(longest, configured_tokens=block.sampling.max_tokens, room_tokens=room, ratio=ratio)
        if allowed.max_tokens:
            tasks.append(make_task(session, problem, allowed))
    return tasks, drops


def prompt_lengths(session: Session) -> dict[str, int]:
    """The sampler's tokens of every problem's prompt, from the run's cache or counted now."""
    recipe, run, sampler = session.recipe, session.run, session.sampler
    assert sampler is not None
    parts = [lengths.tokenizer_digest(sampler), sampler_prompt(recipe, "")]
    key = f"prompts-{digest(parts)}"
    cached = run.lengths(key)
    known: dict[str, int] = dict(cached.iter_rows()) if cached is not None else {}
    new = (problem for problem in session.each_problem() if problem.id not in known)
    counted = {problem.id: tokens for problem, _, tokens in rendered_prompts(recipe, new, sampler)}
    if counted:
        known |= counted
        run.write_lengths(key, pl.DataFrame({"problem_id": list(known), "prompt_tokens": list(known.values())}))
    return known


def longest_of(given: list[Facts], target: Target) -> int | None:
    """The longest sampled solution (student's tokens) that could be paired with these given ones."""
    prompt_tokens = max((facts.prompt_tokens for facts in given), default=0)
    return longest_useful(given, target, prompt_tokens)


def make_task(session: Session, problem: Problem, allowed: Budget) -> Task:
    """The messages go along only where a server applies the chat template itself."""
    turns = sampler_prompt(session.recipe, problem.question)
    text = chat.plain_prompt(turns) if session.sampler is None else chat.render_prompt(session.sampler, turns)
    on_server = session.recipe.sampling_block().engine.kind == "server"
    messages: tuple[Message, ...] = tuple(turns) if on_server else ()
    return Task(problem.id, text, allowed.max_tokens, problem.answer, allowed.limited, allowed.ratio, messages)


def token_ratio(session: Session) -> TokenRatio:
    """The sampler's tokens per student token, measured on given solutions (1 for the same tokenizer)."""
    sampler, student = session.sampler, session.student
    if sampler is None or sampler is student or lengths.tokenizer_digest(sampler) == session.student_digest:
        return TokenRatio()
    return measure_ratio(sampler, student, [sample.text for sample in islice(session.run.given(), RATIO_TEXTS)])
