"""A run directory as one object."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairforge.errors import RunError
from pairforge.rowfiles import iter_rows
from pairforge.run import compaction
from pairforge.run.atomic import remove_leftovers, replacing_folder, write_text
from pairforge.run.frames import Frames
from pairforge.run.lock import locked
from pairforge.run.manifest import Manifest, read_json
from pairforge.run.view_record import ViewRecord


@dataclass(frozen=True, slots=True)
class Run(Frames):
    """One run directory: its places (`Layout`), its tables (`Tables`, `Frames`), its recipe, manifest and views.

    Methods read and write files; they decide nothing.
    """

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the run for writing evidence; raises `RunError` naming the process that has it."""
        return locked(self.lock_file)

    # --- the directory as a whole --------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at the path that anyone could miss."""
        if not self.path.exists():
            return True
        # A first start that was killed leaves the lock and perhaps a temporary file: nothing of value.
        return self.path.is_dir() and all(entry.name.startswith(".") for entry in self.path.iterdir())

    def remove_leftovers(self) -> None:
        """Remove the temporary files and folders of processes that were killed, and put back a view that one of them
        moved away for a new one."""
        remove_leftovers(self.path)

    def move_aside(self) -> Path | None:
        """Rename the whole directory to the next free `<name>.old<n>`; returns that, None when there was nothing."""
        if self.is_empty:
            return None
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.old{number}")).exists():
            number += 1
        self.path.rename(aside)
        return aside

    # --- recipe and manifest -------------------------------------------------------------------------

    def write_recipe(self, text: str) -> None:
        write_text(self.recipe_file, text)

    def manifest(self) -> Manifest:
        """The manifest, empty when nothing was recorded yet. Raises `RunError` when it is damaged."""
        return read_json(self.manifest_file, Manifest) if self.manifest_file.exists() else Manifest()

    def update_manifest(self, **sections: Any) -> Manifest:
        """Replace the named sections of the manifest and write it; returns the whole."""
        manifest = self.manifest().updated(**sections)
        write_text(self.manifest_file, manifest.model_dump_json(indent=2, exclude_unset=True) + "\n")
        return manifest

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the block's wall time to the manifest's `seconds`, whether it ends well or not."""
        started = time.monotonic()
        try:
            yield
        finally:
            seconds = self.manifest().seconds
            spent = round(seconds.get(stage, 0.0) + time.monotonic() - started, 2)
            self.update_manifest(seconds={**seconds, stage: spent})

    # --- evidence ------------------------------------------------------------------------------------

    def compact(self) -> int:
        """Turn the two logs into parquet; returns how many verdicts without a sample were removed."""
        return compaction.compact(self)

    def forget_errors(self) -> int:
        """Remove the samples whose request failed, so that they are drawn again; returns how many there were."""
        return compaction.forget_errors(self)

    def forget_sources(self) -> None:
        """Mark the sources as not read, and remove verdicts and lengths; what was sampled stays."""
        compaction.forget_sources(self)

    # --- views ---------------------------------------------------------------------------------------

    def new_view(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """A temporary folder that replaces the view as a whole when the block ends well."""
        return replacing_folder(self.view_folder(name))


def find_run(run: str | Path) -> Run | None:
    """An existing run, by path or by its name under `runs/`; None when there is none."""
    paths = (Path(run), Path("runs") / run)
    return next((Run(path) for path in paths if Run(path).recipe_file.exists()), None)


def open_run(run: str | Path) -> Run:
    """An existing run, by path or by its name under `runs/`.

    Raises `RunError` when there is none.
    """
    found = find_run(run)
    if found is not None:
        return found
    known = ", ".join(sorted(p.parent.name for p in Path("runs").glob("*/recipe.yaml"))) or "none"
    raise RunError(f"there is no run at '{run}'", hint=f"runs here: {known}. `pairforge build RECIPE` makes one")


def read_view(run: Run, name: str) -> ViewRecord:
    """The record of a view: its rules, counts, means and funnel. Raises `RunError` when its view.json is damaged."""
    return read_json(run.view(name) / "view.json", ViewRecord)


def view_pairs(run: Run, name: str) -> list[dict[str, Any]]:
    """All pairs of a view as rows with the columns of `Pair`."""
    return list(iter_rows(run.view(name) / "pairs.parquet"))
