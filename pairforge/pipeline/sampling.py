"""Drawing the short solutions a run owes: the recipe's settings for the generator's plan, engine and loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pairforge import chat, demo, generator, lengths
from pairforge.filters.target import Facts, accepts, loosest_target
from pairforge.generator import Outcome, Plan, Task
from pairforge.generator.plan import Accept
from pairforge.generator.vllm_engine import context_tokens
from pairforge.pipeline.facts import sample_facts
from pairforge.pipeline.settings import (
    Progress,
    completion,
    frames,
    open_verifier,
    prompt,
    quiet,
    sampler_prompt,
)
from pairforge.recipe import GeneratorBlock, Recipe
from pairforge.records import Drop, Problem, Sample, Verdict, to_row
from pairforge.run import Run

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def sample(recipe: Recipe, run: Run, *, progress: Progress = quiet) -> None:
    """Draw what is still owed, each sample stored as it finishes and judged beside the engine.

    Safe to call again: what is stored is not drawn twice. Raises `EngineError` when the engine cannot start or
    dies; everything that had finished is kept.
    """
    block = recipe.generator
    if block is None:
        return
    tokenizer = lengths.load_tokenizer(demo.resolve(block.engine.model), block.engine.revision)
    tasks, drops = plan_tasks(recipe, run, tokenizer)
    run.write_sampling_drops(drops)
    plan = Plan(
        tasks,
        run_seed=recipe.seed,
        min_draws=block.draws.min,
        max_draws=block.draws.max,
        accept=acceptance(recipe, run) if block.draws.until == "accepted" else None,
        stored=run.sampled(),
        verdicts={verdict.sample_key: verdict for verdict in run.verdicts()},
        stop=stop_strings(block, tokenizer),
    )
    if plan.finished:
        return
    with (
        run.timed("sample"),
        open_verifier(recipe, run) as verifier,
        RunStore(run) as store,
        open_engine(recipe, run) as engine,
    ):
        generator.sample(
            plan,
            engine,
            verifier,
            store,
            model=block.engine.model,
            revision=block.engine.revision or "",
            on_progress=lambda p: progress("sample", p.decided, p.problems, f"{p.sampled_tokens:,} tokens"),
        )


class RunStore:
    """The run as the sampling loop sees it: a place that keeps samples and verdicts."""

    def __init__(self, run: Run) -> None:
        self._samples, self._verdicts = run.sample_log(), run.verdict_log()

    def add_sample(self, sample: Sample) -> None:
        self._samples.append(to_row(sample))

    def add_verdict(self, verdict: Verdict) -> None:
        self._verdicts.append(to_row(verdict))

    def __enter__(self) -> RunStore:
        return self

    def __exit__(self, *_: object) -> None:
        self._samples.close()
        self._verdicts.close()


def plan_tasks(recipe: Recipe, run: Run, tokenizer: PreTrainedTokenizerBase) -> tuple[list[Task], list[Drop]]:
    """A task for every problem whose prompt leaves room to answer in the context; a drop for every other."""
    block = recipe.generator
    assert block is not None  # sample() has looked
    engine = block.engine
    context = engine.max_model_len or context_tokens(demo.resolve(engine.model), engine.revision)
    tasks, drops = [], []
    for batch in batched(run.problems(), 1000):
        prompts = [chat.render_prompt(tokenizer, sampler_prompt(recipe, p.question)) for p in batch]
        counts = [len(ids) for ids in tokenizer(prompts, add_special_tokens=False)["input_ids"]]
        for problem, text, prompt_tokens in zip(batch, prompts, counts, strict=True):
            room = context - prompt_tokens
            if room < min(block.sampling.max_tokens, MIN_ROOM_TOKENS):
                detail = f"its prompt has {prompt_tokens} tokens, the sampler's context {context}"
                drops.append(Drop(problem.id, "sample", "prompt_too_long", detail))
                continue
            messages = tuple(sampler_prompt(recipe, problem.question))
            budget = min(block.sampling.max_tokens, room)
            tasks.append(Task(problem.id, text, budget, problem.answer, messages=messages))
    return tasks, drops


MIN_ROOM_TOKENS = 16  # less room than this in the context is no room for a solution


def batched(problems: Iterator[Problem], size: int) -> Iterator[list[Problem]]:
    batch: list[Problem] = []
    for problem in problems:
        batch.append(problem)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def stop_strings(block: GeneratorBlock, tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """The recipe's stop strings; a model without a chat template also stops where it would ask the next question."""
    own = block.sampling.stop
    return own if getattr(tokenizer, "chat_template", None) else (*own, *chat.PLAIN_STOPS)


def open_engine(recipe: Recipe, run: Run) -> generator.Engine:
    """The recipe's engine, started."""
    block = recipe.generator
    assert block is not None  # sample() has looked
    own = {"kind", "model", "revision", "base_urls", "address", "replicas"}
    settings: dict[str, Any] = block.engine.model_dump(exclude=own)
    sampling = block.sampling.model_dump(exclude={"max_tokens", "stop"})
    return generator.open_engine(
        block.engine.kind,
        model=demo.resolve(block.engine.model),
        revision=block.engine.revision,
        sampling=sampling,
        settings=settings,
        log=run.path / "engine.log",
    )


def acceptance(recipe: Recipe, run: Run) -> Accept:
    """Whether one problem's samples serve the loosest rule, in the student's tokens."""
    target = loosest_target(recipe.filter.to_rules(recipe.seed))
    tokenizer = lengths.load_tokenizer(demo.resolve(recipe.filter.tokenizer), recipe.filter.revision)
    questions = {problem.id: problem.question for problem in run.problems()}
    given = given_facts(recipe, run, tokenizer)

    def accept(problem_id: str, outcomes: Sequence[Outcome]) -> bool:
        sampled = sampled_facts(recipe, tokenizer, questions[problem_id], outcomes)
        return accepts([*given.get(problem_id, []), *sampled], target)

    return accept


def given_facts(recipe: Recipe, run: Run, tokenizer: PreTrainedTokenizerBase) -> dict[str, list[Facts]]:
    """What the target looks at in the given solutions, by problem."""
    facts: dict[str, list[Facts]] = {}
    table = sample_facts(recipe, run, tokenizer)
    for row in table.filter(table["origin"] == "given").iter_rows(named=True):
        fact = Facts(
            origin="given",
            status=row["status"],
            tokens=row["completion_tokens"],
            prompt_tokens=row["prompt_tokens"] or 0,
            finish_reason=row["finish_reason"],
            side=row["side"],
            model=row["model"],
            rejected_tokens=row.get("rejected_completion_tokens"),
        )
        facts.setdefault(row["problem_id"], []).append(fact)
    return facts


def sampled_facts(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, question: str, outcomes: Sequence[Outcome]
) -> list[Facts]:
    """The same of the solutions sampled so far for one problem."""
    turns = prompt(recipe, question)
    rows = [
        (frame, turns, completion(outcome.sample, frame))
        for outcome in outcomes
        for frame in dict.fromkeys(frames(recipe))
    ]
    counted = list(lengths.count_lengths(tokenizer, rows))
    per_outcome = len(counted) // max(len(outcomes), 1)
    facts = []
    for at, outcome in enumerate(outcomes):
        (_, prompt_tokens, tokens), *other = counted[at * per_outcome : (at + 1) * per_outcome]
        facts.append(
            Facts(
                origin="sampled",
                status=outcome.verdict.status if outcome.verdict else "error",
                tokens=tokens,
                prompt_tokens=prompt_tokens,
                finish_reason=outcome.sample.finish_reason,
                model=outcome.sample.model,
                rejected_tokens=other[0][2] if other else None,
            )
        )
    return facts
