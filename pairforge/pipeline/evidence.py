"""The first half of a run: sources are read, and every solution gets its verdict."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pairforge
from pairforge import sources
from pairforge.errors import RunError
from pairforge.pipeline.settings import (
    Progress,
    evidence_settings,
    open_verifier,
    quiet,
    run_recipe,
    source_specs,
)
from pairforge.recipe import Recipe, dump_recipe
from pairforge.records import to_row
from pairforge.run import Run
from pairforge.verifier import VERIFIER_VERSION, Item


def prepare(recipe: Recipe, path: str | Path, *, progress: Progress = quiet) -> Run:
    """Open the run at `path`, or make it and read the sources into it.

    Raises `RunError` when the directory holds something else, or a run whose evidence was made by other settings.
    """
    run = Run(Path(path))
    if run.recipe_file.exists():
        refuse_other_evidence(recipe, run)
    elif run.path.exists() and (not run.path.is_dir() or any(run.path.iterdir())):
        raise RunError(f"{run.path} holds something, but no run", hint="name another directory with --run")
    if not run.has_problems:
        run.write_recipe(dump_recipe(recipe))
        with run.timed("prepare"):
            read_sources(recipe, run, progress=progress)
    return run


def read_sources(recipe: Recipe, run: Run, *, progress: Progress = quiet) -> None:
    """Sources -> problems, given samples and drops. Only problems are kept in memory."""
    streams = [sources.read_source(spec, base_dir=Path()) for spec in source_specs(recipe)]
    collection = sources.collect(streams)
    with run.given_writer() as store:
        for count, given in enumerate(collection.samples(), start=1):
            store([given])
            progress("sources", count, None, "")
    clean = sources.screen(collection.problems, base_dir=Path(), **recipe.decontaminate.model_dump())
    problems, drops = clean.problems, [*collection.drops, *clean.drops]
    if not problems:
        reasons = ", ".join(sorted({drop.reason for drop in drops}))
        raise RunError(f"no source row became a problem ({reasons})", hint="`pairforge check` shows why, row by row")
    run.write_sources(problems, drops)
    run.update_manifest(
        pairforge=pairforge.__version__,
        evidence=evidence_settings(recipe),
        sources=[asdict(summary) for summary in collection.summaries(problems, drops)],
        decontamination=clean.summary(),
    )


def refuse_other_evidence(recipe: Recipe, run: Run) -> None:
    """Raise `RunError`, naming the keys that differ, when the run's evidence came from other settings."""
    there = run.manifest().get("evidence") or evidence_settings(run_recipe(run))
    here = evidence_settings(recipe)
    changed = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    if changed:
        shown = "; ".join(f"{key}: {there.get(key)!r} there, {here.get(key)!r} here" for key in changed[:6])
        raise RunError(
            f"{run.path} was made with other settings: {shown}",
            hint="name another run with --run, or undo the change; rules under 'filter' may change freely",
        )


def verify(recipe: Recipe, run: Run, *, again: bool = False, progress: Progress = quiet) -> None:
    """Judge every stored sample that has no verdict of this verifier yet (`again`: all); then compact the logs."""
    answers = {problem.id: problem.answer for problem in run.problems()}
    judged = set() if again else current_verdicts(run)
    owed = (
        Item(sample.key, answers[sample.problem_id], sample.text, sample.finish_reason)
        for sample in run.samples()
        if sample.key not in judged and sample.finish_reason != "error" and sample.problem_id in answers
    )
    total = max(run.sample_count() - len(judged), 0)
    with run.timed("verify"), open_verifier(recipe, run) as verifier, run.verdict_log() as log:
        for done, verdict in enumerate(verifier.verify(owed), start=1):
            log.append(to_row(verdict))
            progress("verify", done, total, "")
    run.compact()
    run.update_manifest(verifier={**recipe.verifier.model_dump(mode="json"), "version": VERIFIER_VERSION})


def current_verdicts(run: Run) -> set[str]:
    """Keys of the samples that this version of the verifier has judged."""
    return {verdict.sample_key for verdict in run.verdicts() if verdict.verifier_version == VERIFIER_VERSION}
