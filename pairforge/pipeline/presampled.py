"""The demo on a machine without an engine: its samples come with the package, all else is computed."""

from __future__ import annotations

import shutil
from pathlib import Path

from pairforge.pipeline.building import Summary, build
from pairforge.pipeline.preparing import prepare
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe
from pairforge.run.atomic import replacing


def build_presampled(recipe: Recipe, path: str | Path, samples: Path, *, progress: Progress = quiet) -> Summary:
    """`build`, with samples out of a file where the run has none yet.

    They must be those that the recipe asks for: what is missing is sampled, and that needs the engine.
    """
    session = prepare(recipe, path, progress=progress)
    with session.run.lock():
        if not session.run.has_samples:
            session.run.sampled_file.parent.mkdir(exist_ok=True)
            with replacing(session.run.sampled_file) as temporary:
                shutil.copyfile(samples, temporary)
    return build(recipe, path, progress=progress)
