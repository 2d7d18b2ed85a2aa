"""Generating the missing solutions: the recipe's settings for the generator's plan, engine and loop."""

from __future__ import annotations

from dataclasses import asdict

from pairforge import generator
from pairforge.filters.evidence import ENOUGH
from pairforge.pipeline.recipe_settings import open_verifier
from pairforge.pipeline.sampling_plan import Work, plan_sampling
from pairforge.pipeline.session import Session
from pairforge.pipeline.stages_to_sample import end_stage, stages_to_sample
from pairforge.pipeline.verifying import record_verifier, verify
from pairforge.recipe import Recipe
from pairforge.records import Drop, Sample, Verdict, to_row
from pairforge.run import Run


def sample(
    session: Session, *, extend: bool = False, retry_errors: bool = False, only: int | None = None
) -> generator.Progress | None:
    """Generate the missing samples, each stored as it finishes and judged beside the engine.

    Safe to call again: what is stored is not drawn twice. `extend` samples for the recipe's present rules instead
    of those the run was first sampled for; `retry_errors` draws failed requests again; `only` stops after that many
    problems (a pilot). Returns what this call drew, None when nothing was missing. Raises `EngineError` when the
    engine cannot start or dies; everything that had finished is kept.
    """
    run, drawn = session.run, None
    if session.recipe.generator is None:
        return None
    with run.lock():
        if retry_errors and run.forget_errors():
            session.samples_changed()
        verify(session)  # given solutions, and samples whose verdict was lost in a crash
        for recipe in stages_to_sample(session.recipe, run, extend=extend):
            stage = session.for_sampling(recipe)
            try:
                drawn = sample_stage(stage, only=only) or drawn
            finally:
                if stage is not session:
                    session.evidence_changed()
    return drawn


def sample_stage(session: Session, *, only: int | None = None) -> generator.Progress | None:
    """Generate what is missing under the rules of one stage: see `sample`."""
    run, block = session.run, session.recipe.sampling_block()
    work = plan_sampling(session, only=only)
    enough = block.draws.enough if only is None else None
    if only is None:
        store_drops(session, work, enough)
    drawn = None
    if not work.plan.finished:
        run.update_manifest(token_ratio=asdict(work.ratio))
        record_verifier(session)
        try:
            drawn = draw(session, work, enough)
        finally:
            session.evidence_changed()
        if enough is not None:
            store_drops(session, work, enough)
    if only is None:
        end_stage(run)
    return drawn


def draw(session: Session, work: Work, enough: int | None) -> generator.Progress:
    """Run the engine until the plan is finished."""
    run, block, progress = session.run, session.recipe.sampling_block(), session.progress
    with (
        run.timed("sample"),
        open_verifier(session.recipe, run) as verifier,
        RunStore(run) as store,
        open_engine(session.recipe, run) as engine,
    ):
        return generator.sample(
            work.plan,
            engine,
            verifier,
            store,
            model=block.engine.model,
            revision=block.engine.revision or "",
            measure=work.measure,
            on_progress=lambda p: progress("sample", *how_far(p, enough), f"{p.sampled_tokens:,} tokens"),
        )


def store_drops(session: Session, work: Work, enough: int | None) -> None:
    """Store why problems are not drawn."""
    session.run.write_sampling_drops([*work.drops, *not_needed(work, enough)])
    session.sampling_drops_changed()


def not_needed(work: Work, enough: int | None) -> list[Drop]:
    """A drop for every problem that was never drawn because enough others were accepted."""
    if enough is None or not work.plan.finished:
        return []
    detail = f"{enough:,} problems were accepted before it was drawn"
    return [Drop(problem_id, "sample", ENOUGH, detail) for problem_id in work.plan.undrawn()]


def how_far(seen: generator.Progress, enough: int | None) -> tuple[int, int]:
    """Done and total of the sampling: problems decided, or accepted where the recipe says how many are enough."""
    if enough is None:
        return seen.decided, seen.problems
    total = min(enough, seen.problems)
    return min(seen.accepted, total), total


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
        try:
            self._samples.close()
        finally:
            self._verdicts.close()


def open_engine(recipe: Recipe, run: Run) -> generator.Engine:
    """The recipe's engine, started."""
    block = recipe.sampling_block()
    return generator.open_engine(
        block.engine,
        sampling=block.sampling.for_all_requests(),
        template_kwargs=block.prompt.template_kwargs,
        log=run.engine_log_file,
    )
