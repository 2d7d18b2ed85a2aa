"""What a run still has to draw: the recipe's target, each problem's budget, and the draws there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from pairforge import chat, demo, lengths
from pairforge.errors import EngineError, SourceError
from pairforge.filters.target import Facts, Target, draws_needed, longest_useful
from pairforge.generator import Plan, Task, Weigh
from pairforge.generator.budget import Budget, TokenRatio, budget, measure_ratio
from pairforge.generator.config import GeneratorConfig
from pairforge.generator.engines.vllm import context_tokens
from pairforge.pipeline.facts import student_facts
from pairforge.pipeline.settings import completion, frames, prompt, sampler_prompt, student
from pairforge.pipeline.target import acceptance, facts_by_problem, frozen_target
from pairforge.recipe import Recipe
from pairforge.records import Drop, Message, Problem, Sample, Verdict, digest
from pairforge.run import Run

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MIN_ROOM_TOKENS = 16  # less room than this in the context is no room for a solution
RATIO_TEXTS = 500
UNKNOWN_CONTEXT = 10**9  # only the server knows it, and refuses what is too long, each request for itself


@dataclass(frozen=True, slots=True)
class Work:
    """Everything the sampling loop needs to know of a run, and why some problems are not drawn."""

    plan: Plan
    tasks: list[Task]
    drops: list[Drop]
    weigh: Weigh
    ratio: TokenRatio
    target: Target


def plan_sampling(recipe: Recipe, run: Run, *, extend: bool = False, only: int | None = None) -> Work:
    """The work that is owed: rebuilt from what is stored, every time.

    Sampling serves the target that was frozen when the run was first sampled; `extend` freezes the recipe's present
    one in its place. `only` limits the plan to that many problems, chosen by a hash of the seed and their ids.
    """
    block = recipe.sampling_block()
    tokenizer = student(recipe)
    sampler = sampler_tokenizer(block)
    target = frozen_target(recipe, run, extend=extend)
    facts = facts_by_problem(student_facts(recipe, run))
    ratio = token_ratio(sampler, tokenizer, run)
    tasks, drops = make_tasks(recipe, run, sampler, facts.given, target, ratio)
    enough = block.draws.enough if only is None else None  # a pilot is drawn to its end: it tells what is enough
    plan = Plan(
        tasks if only is None and enough is None else chosen(tasks, only, recipe.seed),
        run_seed=recipe.seed,
        min_draws=block.draws.min,
        max_draws=block.draws.max,
        accept=acceptance(facts.given, target) if block.draws.until == "accepted" else None,
        enough=enough,
        needs=draws_needed(target),
        stored=facts.drawn,
        stop=stop_strings(block, sampler),
    )
    return Work(plan, tasks, drops, weigher(recipe, run, tokenizer, target), ratio, target)


def chosen(tasks: list[Task], count: int | None, seed: int) -> list[Task]:
    """A sample of the tasks that does not depend on their order or on the other tasks; None: all, in that order."""
    return sorted(tasks, key=lambda task: digest(["pilot", seed, task.problem_id]))[:count]


def weigher(recipe: Recipe, run: Run, tokenizer: PreTrainedTokenizerBase, target: Target) -> Weigh:
    """Counts a judged sample in the student's tokens, where its verdict lets it matter to the target at all."""
    questions = {problem.id: problem.question for problem in run.problems()}
    sides = (target.chosen.status, target.rejected.status)
    framings = dict.fromkeys(frames(recipe))

    def weigh(sample: Sample, verdict: Verdict | None) -> Facts:
        status = verdict.status if verdict is not None else "error"
        counts: list[tuple[str, int, int]] = []
        if any(not statuses or status in statuses for statuses in sides):
            turns = prompt(recipe, questions[sample.problem_id])
            rows = [(str(frame), turns, completion(sample, frame)) for frame in framings]
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

    return weigh


# --- tasks and budgets ---------------------------------------------------------------------------------------------


def make_tasks(
    recipe: Recipe,
    run: Run,
    sampler: PreTrainedTokenizerBase | None,
    given: Mapping[str, list[Facts]],
    target: Target,
    ratio: TokenRatio,
) -> tuple[list[Task], list[Drop]]:
    """A task for every problem that can be paired by drawing; a drop where the prompt leaves no room to answer.

    A problem that no sampled solution could pair (its given solution is wrong, or too short for the gap) gets
    neither: the rules will say why it has no pair.
    """
    block = recipe.sampling_block()
    tasks: list[Task] = []
    drops: list[Drop] = []
    context = sampler_context(block)
    prompt_tokens = prompt_lengths(recipe, run, sampler) if sampler is not None else {}
    for problem in run.problems():
        room = context - prompt_tokens.get(problem.id, 0)
        if room < min(block.sampling.max_tokens, MIN_ROOM_TOKENS):
            detail = f"its prompt has {prompt_tokens[problem.id]} tokens, the sampler's context {context}"
            drops.append(Drop(problem.id, "sample", "prompt_too_long", detail))
            continue
        longest = longest_of(given.get(problem.id, []), target) if block.budget == "rule" else None
        allowed = budget(longest, configured_tokens=block.sampling.max_tokens, room_tokens=room, ratio=ratio)
        if allowed.max_tokens:
            tasks.append(task(recipe, problem, sampler, allowed))
    return tasks, drops


def prompt_lengths(recipe: Recipe, run: Run, sampler: PreTrainedTokenizerBase) -> dict[str, int]:
    """The sampler's tokens of every problem's prompt, from the run's cache or counted now."""
    parts = [lengths.tokenizer_digest(sampler), sampler_prompt(recipe, "")]
    key = f"prompts-{digest(parts)}"
    cached = run.lengths(key)
    known: dict[str, int] = dict(cached.iter_rows()) if cached is not None else {}
    new = (problem for problem in run.problems() if problem.id not in known)
    counted = {problem.id: tokens for problem, _, tokens in rendered_prompts(recipe, new, sampler)}
    if counted:
        known |= counted
        run.write_lengths(key, pl.DataFrame({"problem_id": list(known), "prompt_tokens": list(known.values())}))
    return known


def longest_of(given: list[Facts], target: Target) -> int | None:
    """The longest sampled solution (student's tokens) that could be paired with these given ones."""
    prompt_tokens = max((facts.prompt_tokens for facts in given), default=0)
    return longest_useful(given, target, prompt_tokens)


def task(recipe: Recipe, problem: Problem, sampler: PreTrainedTokenizerBase | None, allowed: Budget) -> Task:
    """The messages go along only where a server applies the chat template itself."""
    turns = sampler_prompt(recipe, problem.question)
    text = chat.plain_prompt(turns) if sampler is None else chat.render_prompt(sampler, turns)
    messages: tuple[Message, ...] = tuple(turns) if recipe.sampling_block().engine.kind == "server" else ()
    return Task(problem.id, text, allowed.max_tokens, problem.answer, allowed.limited, allowed.ratio, messages)


def rendered_prompts(
    recipe: Recipe, problems: Iterable[Problem], sampler: PreTrainedTokenizerBase | None
) -> Iterator[tuple[Problem, str, int]]:
    """Each problem with the sampler's prompt and its length; 0 tokens where only the server has the tokenizer."""
    iterator = iter(problems)
    while batch := list(islice(iterator, 1000)):
        turns = [sampler_prompt(recipe, problem.question) for problem in batch]
        if sampler is None:
            yield from ((problem, chat.plain_prompt(t), 0) for problem, t in zip(batch, turns, strict=True))
            continue
        texts = [chat.render_prompt(sampler, t) for t in turns]
        yield from zip(batch, texts, lengths.count_tokens(sampler, texts), strict=True)


def sampler_tokenizer(block: GeneratorConfig) -> PreTrainedTokenizerBase | None:
    """The sampler's tokenizer; None where only its server has one."""
    try:
        return lengths.load_tokenizer(demo.resolve(block.engine.model), block.engine.revision)
    except SourceError:
        if block.engine.kind == "server" and block.engine.api == "chat":
            return None
        raise


def sampler_context(block: GeneratorConfig) -> int:
    """How many tokens prompt and solution may have together. Raises `EngineError` where the model does not say."""
    engine = block.engine
    if engine.max_model_len is not None:
        return engine.max_model_len
    try:
        return context_tokens(demo.resolve(engine.model), engine.revision, engine.trust_remote_code)
    except (OSError, ValueError, AttributeError) as error:
        if engine.kind == "server":
            return UNKNOWN_CONTEXT
        reason = str(error).splitlines()[0]
        raise EngineError(
            f"the context length of '{engine.model}' cannot be read from its config.json: {reason}",
            hint="set generator.engine.max_model_len, or trust_remote_code where the model brings its own code",
        ) from error


def token_ratio(sampler: PreTrainedTokenizerBase | None, tokenizer: PreTrainedTokenizerBase, run: Run) -> TokenRatio:
    """The sampler's tokens per student token, measured on given solutions (1 for the same tokenizer)."""
    if sampler is None or lengths.tokenizer_digest(sampler) == lengths.tokenizer_digest(tokenizer):
        return TokenRatio()
    return measure_ratio(sampler, tokenizer, [sample.text for sample in islice(run.given(), RATIO_TEXTS)])


def stop_strings(block: GeneratorConfig, sampler: PreTrainedTokenizerBase | None) -> tuple[str, ...]:
    """The recipe's stop strings; a model without a chat template also stops where it would ask the next question."""
    own = block.sampling.stop
    if sampler is None or getattr(sampler, "chat_template", None):
        return own
    return (*own, *chat.PLAIN_STOPS)
