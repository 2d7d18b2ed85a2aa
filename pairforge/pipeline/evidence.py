"""The first half of a run: sources are read, and every solution gets its verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pairforge
from pairforge import sources
from pairforge.errors import RunError, SourceError
from pairforge.pipeline.settings import (
    Progress,
    evidence_settings,
    open_verifier,
    quiet,
    run_recipe,
)
from pairforge.recipe import Recipe, dump_recipe
from pairforge.records import to_row
from pairforge.run import Run
from pairforge.verifier import VERIFIER_VERSION, Item


def prepare(
    recipe: Recipe, path: str | Path, *, extend: bool = False, fresh: bool = False, progress: Progress = quiet
) -> Run:
    """Open the run at `path`, or make it and read the sources into it.

    `extend` lets a changed recipe add problems or draws to the run; `fresh` sets the run that is there aside
    (renamed, not deleted) and starts anew. Raises `RunError` when the directory holds something else, when the
    run's evidence was made by other settings, or when another process works on it.
    """
    run = Run(Path(path))
    if run.path.exists() and not run.is_empty and not run.recipe_file.exists():
        raise RunError(f"{run.path} holds something, but no run", hint="name another directory with --run")
    if fresh:
        with run.lock():
            run.set_aside()
    with run.lock():
        run.sweep()
        started = run.has_problems or run.has_samples
        changed = changed_evidence(recipe, run) if started else {}
        if changed and not (extend and only_adds(changed)):
            raise refusal(run, changed)
        if changed or not run.has_problems:
            run.write_recipe(dump_recipe(recipe))
        if any(key.startswith("sources.") for key in changed):
            run.forget_sources()  # so that a crash from here on is seen as sources not read
        if not run.has_problems:
            with run.timed("prepare"):
                read_sources(recipe, run, progress=progress)
        elif changed:
            run.update_manifest(evidence=evidence_settings(recipe))
    return run


def read_sources(recipe: Recipe, run: Run, *, progress: Progress = quiet) -> None:
    """Sources -> problems, given samples and drops. Only problems are kept in memory."""
    streams = [sources.read_source(spec, base_dir=Path()) for spec in recipe.sources]
    collection = sources.collect(streams)
    with run.given_writer() as store:
        for count, given in enumerate(collection.samples(), start=1):
            store([given])
            progress("sources", count, None, "")
    clean = sources.screen(collection.problems, base_dir=Path(), **recipe.decontaminate.model_dump())
    problems, drops = clean.problems, [*collection.drops, *clean.drops]
    if not problems:
        first = f"{drops[0].subject}: {drops[0].reason}, {drops[0].detail}" if drops else "there are no rows"
        raise SourceError(f"no source row became a problem; the first: {first}", hint="`pairforge check` counts why")
    run.update_manifest(
        pairforge=pairforge.__version__,
        evidence=evidence_settings(recipe),
        sources=[asdict(summary) for summary in collection.summaries(problems, drops)],
        decontamination=clean.summary(),
    )
    run.write_sources(problems, drops)  # last: the problems mark the stage as done


Changes = dict[str, tuple[Any, Any]]
"""Key path -> (value in the run, value in the recipe); None where a side does not have the key."""


def changed_evidence(recipe: Recipe, run: Run) -> Changes:
    """The settings in which a recipe differs from what a run's evidence was made with."""
    there = run.manifest().get("evidence") or evidence_settings(run_recipe(run))
    here = evidence_settings(recipe)
    keys = sorted({*there, *here})
    return {key: (there.get(key), here.get(key)) for key in keys if there.get(key) != here.get(key)}


def only_adds(changed: Changes) -> bool:
    """Whether the changes leave everything stored as it is and add problems, draws or longer budgets to it."""
    new_sources = {
        key.split(".")[1] for key, (_, here) in changed.items() if re.fullmatch(r"sources\.\d+\.dataset", key)
    }
    return all(_adds(key, there, here, new_sources) for key, (there, here) in changed.items())


def _adds(key: str, there: Any, here: Any, new_sources: set[str]) -> bool:
    if key.startswith("sources."):
        number = key.split(".")[1]
        if number in new_sources:
            return there is None
        return key.endswith(".limit") and there is not None and (here is None or here > there)
    if key in ("generator.draws.min", "generator.draws.max", "generator.sampling.max_tokens"):
        return there is not None and here is not None and here > there
    if key == "generator.draws.enough":
        return True  # a smaller number draws nothing, a larger one goes on
    return (key, there, here) in (("generator.draws.until", "accepted", "max"), ("generator.budget", "rule", "full"))


def refusal(run: Run, changed: Changes) -> RunError:
    """Say which keys differ, and every way out."""
    shown = "; ".join(f"{key}: {there!r} there, {here!r} here" for key, (there, here) in list(changed.items())[:6])
    more = f" and {len(changed) - 6} more" if len(changed) > 6 else ""
    ways = ["name another run with --run", "undo the change", "`pairforge build --fresh` (sets this run aside)"]
    if only_adds(changed):
        ways.insert(0, "`pairforge build --extend` (it only adds problems or draws; everything sampled is kept)")
    return RunError(
        f"{run.path} was made with other settings: {shown}{more}",
        hint=", or ".join(ways) + ". Rules under 'filter' may change freely",
    )


def verify(recipe: Recipe, run: Run, *, again: bool = False, progress: Progress = quiet) -> None:
    """Judge every stored sample that has no verdict of this verifier yet (`again`: all); then compact the logs."""
    with run.lock():
        owed = owed_verdicts(run, again=again)
        if owed:
            with run.timed("verify"), open_verifier(recipe, run) as verifier, run.verdict_log() as log:
                for done, verdict in enumerate(verifier.verify(items(run, owed)), start=1):
                    log.append(to_row(verdict))
                    progress("verify", done, len(owed), "")
            run.update_manifest(verifier={**recipe.verifier.model_dump(mode="json"), "version": VERIFIER_VERSION})
        run.compact()


def owed_verdicts(run: Run, *, again: bool = False) -> set[str]:
    """Keys of the samples that this verifier has not judged (`again`: of all). A failed request has no verdict."""
    samples = run.sample_table()
    judgeable = (samples["finish_reason"] != "error") & samples["problem_id"].is_in(
        run.problem_table(["id"])["id"].implode()
    )
    keys = set(samples.filter(judgeable)["sample_key"])
    return keys if again else keys - current_verdicts(run)


def items(run: Run, keys: set[str]) -> Iterator[Item]:
    """What the verifier needs of these samples, read as it is asked for."""
    answers = {problem.id: problem.answer for problem in run.problems()}
    for sample in run.samples():
        if sample.key in keys and sample.problem_id in answers:
            yield Item(sample.key, answers[sample.problem_id], sample.text, sample.finish_reason)


def current_verdicts(run: Run) -> set[str]:
    """Keys of the samples that this version of the verifier has judged."""
    verdicts = run.verdict_table()
    return set(verdicts.filter(verdicts["verifier_version"] == VERIFIER_VERSION)["sample_key"])
