"""The first stage: a run is opened or made, and the sources are read into it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pairforge
from pairforge import sources
from pairforge.errors import RunError, SourceError
from pairforge.pipeline.recipe_changes import Changes, changes, only_adds, refusal
from pairforge.pipeline.recipe_settings import evidence_settings, run_recipe
from pairforge.pipeline.sampling_plan import RATIO_TEXTS
from pairforge.pipeline.session import Session
from pairforge.pipeline.stages_to_sample import changed_stages
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe, dump_recipe
from pairforge.run import Run
from pairforge.sources.shard import parse_shard


def prepare(
    recipe: Recipe, path: str | Path, *, extend: bool = False, fresh: bool = False, progress: Progress = quiet
) -> Session:
    """Open the run at `path`, or make it and read the sources into it.

    `extend` lets a changed recipe add problems or draws to the run; `fresh` moves an existing run aside (renamed, not
    deleted) and starts over. Raises `RunError` when the directory holds something else, when the
    run's evidence was made by other settings, or when another process works on it.
    """
    run = Run(Path(path))
    if run.path.exists() and not run.is_empty and not run.recipe_file.exists():
        raise RunError(f"{run.path} exists but is not a pairforge run", hint="name another directory with --run")
    if fresh:
        with run.lock():
            run.move_aside()
    with run.lock():
        run.remove_leftovers()
        started = run.has_problems or run.has_samples
        changed = changed_evidence(recipe, run) if started else {}
        if changed and not (extend and only_adds(changed)):
            raise refusal(run.path, changed)
        if changed or not run.has_problems:
            run.write_recipe(dump_recipe(recipe))
        if any(key == "shard" or key.startswith("sources.") for key in changed):
            run.forget_sources()  # so that a crash from here on is seen as sources not read
        if not run.has_problems:
            with run.timed("prepare"):
                read_sources(recipe, run, progress=progress)
        elif changed:
            run.update_manifest(evidence=evidence_settings(recipe))
        keep_choices(recipe, run)
    return Session(recipe, run, progress)


def keep_choices(recipe: Recipe, run: Run) -> None:
    """Make the recipe's rules for answers, its judge and its derived solutions the run's own, so that later commands do
    not judge again, or derive others, without them.

    The rest of the recipe on disk stays: it tells what the evidence was made with.
    """
    stored = run_recipe(run)
    rules = recipe.verifier.model_dump(include={"kind", "percent", "units", "python"})
    verifier = stored.verifier.model_copy(update={**rules, "judge": recipe.verifier.judge})
    sources = tuple(
        there.model_copy(update={"verifier": here.verifier})
        for there, here in zip(stored.sources, recipe.sources, strict=False)
    )
    kept = stored.model_copy(
        update={"verifier": verifier, "sources": (*sources, *stored.sources[len(sources) :]), "derive": recipe.derive}
    )
    if kept != stored:
        run.write_recipe(dump_recipe(kept))


def read_sources(recipe: Recipe, run: Run, *, progress: Progress = quiet) -> None:
    """Sources -> problems, given samples and drops. Only problems are kept in memory.

    A shard reads everything, because repeats and near duplicates are found among all problems, and stores its share. It
    also stores the first given solutions, whoever's they are: the token ratio is then the same in all shards.
    """
    shard = parse_shard(recipe.shard) if recipe.shard else None
    streams = [
        sources.read_source(spec, base_dir=Path(), unlabelled=recipe.majority is not None) for spec in recipe.sources
    ]
    collection = sources.collect(streams)
    with run.given_writer() as store:
        for count, given in enumerate(collection.samples(), start=1):
            if shard is None or count <= RATIO_TEXTS or shard.holds(given.problem_id):
                store([given])
            progress("sources", count, None, "")
    clean = sources.screen(collection.problems, base_dir=Path(), **recipe.decontaminate.model_dump())
    problems, drops = clean.problems, [*collection.drops, *clean.drops]
    if not problems:
        first = f"{drops[0].subject}: {drops[0].reason}, {drops[0].detail}" if drops else "there are no rows"
        notes = [f"{stream.name}: {note}" for stream in streams for note in stream.notes]
        hint = "; ".join([*notes, "`pairforge check` counts why"])
        raise SourceError(f"no source row became a problem; the first: {first}", hint=hint)
    run.update_manifest(
        pairforge=pairforge.__version__,
        evidence=evidence_settings(recipe),
        sources=[asdict(summary) for summary in collection.summaries(problems, drops)],
        decontamination=clean.summary(),
    )
    kept = [problem for problem in problems if shard is None or shard.holds(problem.id)]
    run.write_sources(kept, drops)  # last: the problems mark the stage as done


def changed_evidence(recipe: Recipe, run: Run) -> Changes:
    """The settings in which a recipe differs from what a run's evidence was made with."""
    changed = changes(run.manifest().evidence or evidence_settings(run_recipe(run)), evidence_settings(recipe))
    return changed | changed_stages(recipe, run)
