"""Generating the missing solutions, arm by arm: the recipe's settings for the generator's plan, engine and loop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pairforge import demo, generator
from pairforge.errors import RunError
from pairforge.filters.evidence import ENOUGH
from pairforge.generator.config import GeneratorConfig
from pairforge.generator.weights import weights_digest
from pairforge.pipeline.deriving import derive
from pairforge.pipeline.lineage import lineage
from pairforge.pipeline.majority_gold import decide_majorities, unlabelled, unlabelled_work
from pairforge.pipeline.recipe_settings import open_verifier
from pairforge.pipeline.sampling_plan import Arm, Outset, Work, begin, no_majority, plan_arm
from pairforge.pipeline.session import Session
from pairforge.pipeline.stages_to_sample import end_stage, stages_to_sample
from pairforge.pipeline.verifying import record_verifier, verify
from pairforge.records import Drop, Sample, Verdict, to_row
from pairforge.run import Run
from pairforge.run.manifest import ArmRecord


def sample(
    session: Session, *, extend: bool = False, retry_errors: bool = False, only: int | None = None
) -> generator.Progress | None:
    """Generate the missing samples, each stored as it finishes and judged beside the engine.

    Safe to call again: what is stored is not drawn twice. `extend` samples for the recipe's present rules instead
    of those the run was first sampled for; `retry_errors` draws failed requests again; `only` stops after that many
    problems (a pilot). Returns what this call drew, None when nothing was missing. Raises `EngineError` when an
    engine cannot start or dies; everything that had finished is kept.

    Arms are drawn one after the other: always the first one, in the recipe's order, that anything is missing of. An
    engine is closed before the next one starts.
    """
    run = session.run
    if not session.recipe.arms and session.recipe.majority is None:
        return None
    with run.lock():
        if retry_errors and run.forget_errors():
            session.samples_changed()
        verify(session)  # given solutions, and samples whose verdict was lost in a crash
        total = label(session, only=only)
        derive(session)  # partners, perhaps, of what is drawn next
        if not session.recipe.arms:
            run.write_sampling_drops(no_majority(problem) for problem in unlabelled(session))
            session.sampling_drops_changed()
            return total
        for recipe in stages_to_sample(session.recipe, run, extend=extend):
            stage = session.for_sampling(recipe)
            try:
                drawn = sample_stage(stage, only=only)
            finally:
                if stage is not session:
                    session.evidence_changed()
            total = drawn.after(total) if drawn else total
    return total


def label(session: Session, *, only: int | None = None) -> generator.Progress | None:
    """Draw the problems without ground truth, and give them the majority's answer: see `majority_gold`."""
    work = unlabelled_work(session, only=only)
    drawn = draw_arm(session, work, is_pilot=only is not None) if work else None
    if decide_majorities(session):
        verify(session)
    return drawn


def sample_stage(session: Session, *, only: int | None = None) -> generator.Progress | None:
    """Generate what is missing under the rules of one stage: see `sample`."""
    outset = begin(session, only=only)
    total: generator.Progress | None = None
    while work := first_missing(session, outset):
        total = draw_arm(session, work, is_pilot=outset.is_pilot).after(total)
        if len(outset.arms) == 1:  # nothing else can have changed what it draws: spare the second plan
            store_drops(session, outset, [work])
            break
    if only is None:
        end_stage(session.run)
    return total


def first_missing(session: Session, outset: Outset) -> Work | None:
    """The work of the first arm that is not finished; None when all are."""
    finished = []
    for arm in outset.arms:
        work = plan_arm(session, outset, arm)
        if not work.plan.finished:
            store_drops(session, outset, [])
            return work
        finished.append(work)
    store_drops(session, outset, finished)
    return None


def store_drops(session: Session, outset: Outset, finished: Sequence[Work]) -> None:
    """Store why problems are not drawn. A pilot does not tell."""
    if not outset.is_pilot:
        session.run.write_sampling_drops([*outset.drops, *(drop for work in finished for drop in not_needed(work))])
        session.sampling_drops_changed()


def draw_arm(session: Session, work: Work, *, is_pilot: bool) -> generator.Progress:
    """Draw what is missing of one arm, and record what that took."""
    run, arm = session.run, work.arm
    record_verifier(session)
    known = {"model": arm.block.engine.public_name, "weights": same_weights(run, arm)}
    record_arm(run, arm.origin, **known, token_ratio=asdict(arm.ratio))
    if trainings := lineage(arm.block.engine.model):
        record_arm(run, arm.origin, lineage=[training.model_dump(mode="json") for training in trainings])
    started = time.monotonic()
    try:
        drawn = draw(session, work)
    finally:
        session.samples_changed()
        session.verdicts_changed()
        before = run.manifest().arms[arm.origin].seconds
        record_arm(run, arm.origin, seconds=round(before + time.monotonic() - started, 2))
    if is_pilot and drawn.sampled_tokens:
        record_arm(run, arm.origin, tokens_per_s=round(drawn.sampled_tokens / drawn.seconds, 1))
    return drawn


def draw(session: Session, work: Work) -> generator.Progress:
    """Run the engine until the plan is finished."""
    run, progress, engine_block = session.run, session.progress, work.arm.block.engine
    stage = "sample" if len(session.recipe.arms) == 1 else f"sample {work.arm.origin}"
    with (
        run.timed("sample"),
        open_verifier(session.recipe, run, session.truth) as verifier,
        RunStore(run) as store,
        open_engine(work.arm.block, run) as engine,
    ):
        return generator.sample(
            work.plan,
            engine,
            verifier,
            store,
            model=engine_block.public_name,
            revision=engine_block.revision or "",
            measure=work.measure,
            on_progress=lambda p: progress(stage, *how_far(p, work.enough), f"{p.sampled_tokens:,} tokens"),
        )


def same_weights(run: Run, arm: Arm) -> str:
    """The digest of the arm's weights, "" where they are not in a local folder.

    Raises `RunError` when the arm was sampled with other weights: the same folder may hold another model by now.
    """
    engine = arm.block.engine
    digest = weights_digest(demo.resolve(engine.model)) if engine.kind != "server" else ""
    before = run.manifest().arms.get(arm.origin, ArmRecord()).weights
    if before and digest and before != digest:
        raise RunError(
            f"the weights in {engine.model} are no longer those that '{arm.origin}' was sampled with in {run.path}",
            hint="name another run with --run, or `pairforge build --fresh` (moves this run aside)",
        )
    return digest or before


def record_arm(run: Run, origin: str, **known: Any) -> None:
    """Write what is known of an arm into the manifest."""
    arms = run.manifest().to_json().get("arms", {})
    run.update_manifest(arms={**arms, origin: {**arms.get(origin, {}), **known}})


def not_needed(work: Work) -> list[Drop]:
    """A drop for every problem that an arm never drew because enough others were accepted."""
    if work.enough is None:
        return []
    detail = f"{work.enough:,} problems were accepted before it was drawn"
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


def open_engine(block: GeneratorConfig, run: Run) -> generator.Engine:
    """The engine of an arm, started."""
    return generator.open_engine(
        block.engine,
        sampling=block.sampling.for_all_requests(),
        template_kwargs=block.prompt.template_kwargs,
        log=run.engine_log_file,
    )
