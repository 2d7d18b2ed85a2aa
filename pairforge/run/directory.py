"""The run directory: the only code that knows its file names.

    recipe.yaml  manifest.json                   the resolved recipe; what produced the evidence, counts, timings
    problems.parquet  source_drops.parquet       evidence from the sources
    sampling_drops.parquet                       problems that were not sampled: prompt too long, or not needed
    samples/given.parquet                        solutions that came with the problems
    samples/sampled.jsonl -> sampled.parquet     append-only while sampling, compacted when done
    verdicts/verdicts.jsonl -> verdicts.parquet  the same
    lengths/<digest>.parquet                     derived: tokens per sample, for one tokenizer, template and frame
    views/<view>/                                view.json, pairs.parquet, drops.parquet, card, report, figures

Evidence grows only by appending. Everything else is written beside its place and renamed into it, a view as a
whole folder, so that a reader never sees half a file.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pairforge.errors import RunError
from pairforge.records import Drop, Problem, Sample, Verdict, from_row, sample_key, schema, to_row
from pairforge.run.atomic import (
    SampleWriter,
    iter_rows,
    process_lives,
    replacing,
    sample_writer,
    write_rows,
    write_text,
)
from pairforge.run.lock import locked
from pairforge.run.log import AppendLog, read_log

# Columns of a sample that are numbers and labels; the rest is text and stays on disk until a pair needs it.
SAMPLE_FACTS = [
    "problem_id",
    "draw",
    "origin",
    "model",
    "side",
    "max_tokens",
    "sampled_tokens",
    "finish_reason",
    "budget_limited",
]
LOCK_FILE = ".lock"
_VIEW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Run:
    """One run directory. Methods read and write its files; they decide nothing."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the run for writing evidence; raises `RunError` naming the process that has it."""
        return locked(self.path / LOCK_FILE)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at the path that anyone could miss."""
        if not self.path.exists():
            return True
        # A first start that was killed leaves the lock and perhaps a temporary file: nothing of value.
        return self.path.is_dir() and all(entry.name.startswith(".") for entry in self.path.iterdir())

    def sweep(self) -> None:
        """Remove the temporary files and folders of processes that are no more.

        A view that was set aside for a new one that never took its place is put back.
        """
        for entry in [*self.path.glob("views/.*.old"), *self.path.glob(".*.tmp"), *self.path.glob("*/.*.tmp")]:
            name, pid, kind = entry.name.removeprefix(".").rsplit(".", 2)
            if not pid.isdecimal() or process_lives(int(pid)):
                continue
            if kind == "old" and not entry.with_name(name).exists():
                entry.rename(entry.with_name(name))
            elif entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)

    def set_aside(self) -> Path | None:
        """Rename the whole directory to the next free `<name>.old<n>`; returns that, None when there was nothing."""
        if self.is_empty:
            return None
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.old{number}")).exists():
            number += 1
        self.path.rename(aside)
        return aside

    # --- recipe and manifest -------------------------------------------------------------------------

    @property
    def recipe_file(self) -> Path:
        return self.path / "recipe.yaml"

    def write_recipe(self, text: str) -> None:
        write_text(self.recipe_file, text)

    def manifest(self) -> dict[str, Any]:
        """The manifest, or an empty mapping when nothing was recorded yet."""
        file = self.path / "manifest.json"
        if not file.exists():
            return {}
        try:
            return dict(json.loads(file.read_text()))
        except ValueError as error:
            raise RunError(f"{file} is not valid JSON: {error}", hint="restore it, or start a new run") from None

    def update_manifest(self, **sections: Any) -> dict[str, Any]:
        """Replace the named sections of the manifest and write it; returns the whole."""
        manifest = {**self.manifest(), **sections}
        write_text(self.path / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        return manifest

    # --- problems and given solutions ----------------------------------------------------------------

    @property
    def has_problems(self) -> bool:
        return (self.path / "problems.parquet").exists()

    @property
    def has_samples(self) -> bool:
        """Whether anything was sampled."""
        return any((self.path / "samples" / name).exists() for name in ("sampled.parquet", "sampled.jsonl"))

    def forget_sources(self) -> None:
        """Mark the sources as not read; what was sampled stays.

        Verdicts and measures go: read anew, a problem may have another ground truth and a given solution another
        number. The verifier's cache of decisions stays, so judging again is quick.
        """
        for file in [*(self.path / "verdicts").glob("verdicts.*"), *(self.path / "lengths").glob("*.parquet")]:
            file.unlink()
        (self.path / "problems.parquet").unlink(missing_ok=True)

    def write_sources(self, problems: Iterable[Problem], drops: Iterable[Drop]) -> None:
        """Store the problems and the source drops. The problems file comes last: it marks the stage as done."""
        write_rows(self.path / "source_drops.parquet", map(to_row, drops), Drop)
        write_rows(self.path / "problems.parquet", map(to_row, problems), Problem)

    def given_writer(self) -> contextlib.AbstractContextManager[SampleWriter]:
        """A writer for given solutions as the sources yield them: `with run.given_writer() as add: add(samples)`."""
        return sample_writer(self.path / "samples" / "given.parquet")

    def problems(self) -> Iterator[Problem]:
        """All problems, in the order of the sources."""
        return (from_row(Problem, row) for row in iter_rows(self._need("problems.parquet")))

    def problem_table(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """All problems, with the named columns or all of them (`meta` as JSON text)."""
        return pl.read_parquet(self._need("problems.parquet"), columns=list(columns) if columns else None)

    def source_drops(self) -> Iterator[Drop]:
        return (from_row(Drop, row) for row in iter_rows(self._need("source_drops.parquet")))

    def write_sampling_drops(self, drops: Iterable[Drop]) -> None:
        """Store the problems that were not sampled, each with the reason."""
        write_rows(self.path / "sampling_drops.parquet", map(to_row, drops), Drop)

    def sampling_drops(self) -> Iterator[Drop]:
        file = self.path / "sampling_drops.parquet"
        return (from_row(Drop, row) for row in iter_rows(file)) if file.exists() else iter(())

    # --- samples and verdicts ------------------------------------------------------------------------

    def sample_log(self) -> AppendLog:
        """The append-only log that sampled solutions go to."""
        return AppendLog(self.path / "samples" / "sampled.jsonl")

    def verdict_log(self) -> AppendLog:
        """The append-only log that verdicts go to."""
        return AppendLog(self.path / "verdicts" / "verdicts.jsonl")

    def samples(self) -> Iterator[Sample]:
        """Every stored sample, given ones first. A sample that was stored twice comes once."""
        yield from self.given()
        yield from self.sampled()

    def given(self) -> Iterator[Sample]:
        """Given solutions only, in the order of the sources."""
        file = self.path / "samples" / "given.parquet"
        return (from_row(Sample, row) for row in iter_rows(file)) if file.exists() else iter(())

    def sampled(self) -> Iterator[Sample]:
        """Sampled solutions only, in the order they finished; one that was stored twice comes once."""
        file = self.path / "samples" / "sampled.parquet"
        compacted = iter_rows(file) if file.exists() else iter(())
        return unique(from_row(Sample, row) for row in itertools.chain(compacted, self._logged_samples()))

    def sample_table(self) -> pl.DataFrame:
        """`sample_key` and the `SAMPLE_FACTS` of every sample, without its text. Where a draw was repeated with a
        larger budget, the larger one stands for it."""
        frames = [pl.scan_parquet(f).select(SAMPLE_FACTS).collect() for f in self._sample_parquets()]
        log = [{name: row[name] for name in SAMPLE_FACTS} for row in self._logged_samples()]
        special: dict[str, type[pl.DataType]] = {
            "budget_limited": pl.Boolean,
            **dict.fromkeys(("draw", "max_tokens", "sampled_tokens"), pl.Int64),
        }
        types = {name: special.get(name, pl.String) for name in SAMPLE_FACTS}
        table = pl.concat([*frames, pl.DataFrame(log, schema=types)], how="vertical_relaxed")
        key = pl.concat_str(["problem_id", "origin", "draw", "max_tokens"], separator="/").alias("sample_key")
        draw = ["problem_id", "origin", "draw"]
        return (
            table.with_columns(key)
            .sort([*draw, "max_tokens"], maintain_order=True)
            .unique(draw, keep="last", maintain_order=True)
        )

    def sample_batches(self, *, texts: bool = True) -> Iterator[pl.DataFrame]:
        """Every stored sample as frames of about a thousand rows: `sample_key`, and with `texts` all columns of
        `Sample`. One that was stored twice comes twice."""
        parts = ["problem_id", "origin", "draw", "max_tokens"]
        key = pl.concat_str(parts, separator="/").alias("sample_key")
        columns = schema(Sample).names if texts else parts
        for file in self._sample_parquets():
            with pq.ParquetFile(file, pre_buffer=False) as parquet:
                for group in range(parquet.num_row_groups):
                    yield pl.DataFrame(parquet.read_row_group(group, columns=columns)).with_columns(key)
        log = self._logged_samples()
        while rows := list(itertools.islice(log, 1000)):
            table = pa.Table.from_pylist(rows, schema=schema(Sample)).select(columns)
            yield pl.DataFrame(table).with_columns(key)

    def texts(self, keys: Iterable[str]) -> dict[str, Sample]:
        """The full samples of the given keys."""
        wanted = set(keys)
        problems = {key.split("/", 1)[0] for key in wanted}
        rows: list[dict[str, Any]] = []
        for file in self._sample_parquets():
            rows += pl.scan_parquet(file).filter(pl.col("problem_id").is_in(problems)).collect().to_dicts()
        rows += [row for row in self._logged_samples() if row["problem_id"] in problems]
        found = (from_row(Sample, row) for row in rows)
        return {sample.key: sample for sample in found if sample.key in wanted}

    def verdicts(self) -> Iterator[Verdict]:
        """Every stored verdict, oldest first; the last one of a key is the one that counts."""
        folder = self.path / "verdicts"
        if (folder / "verdicts.parquet").exists():
            yield from (from_row(Verdict, r) for r in iter_rows(folder / "verdicts.parquet"))
        yield from (from_row(Verdict, r) for r in read_log(folder / "verdicts.jsonl"))

    def verdict_table(self) -> pl.DataFrame:
        """The current verdict of every judged sample, with the columns of `Verdict`."""
        columns = dict.fromkeys(Verdict.__dataclass_fields__, pl.String)
        file, log = (self.path / "verdicts" / f"verdicts.{kind}" for kind in ("parquet", "jsonl"))
        table = pl.DataFrame(list(read_log(log)), schema=columns)
        if file.exists():
            table = pl.concat([pl.read_parquet(file, columns=list(columns)), table])
        return table.unique("sample_key", keep="last", maintain_order=True)

    def compact(self) -> None:
        """Turn the two logs into parquet. A crash in between leaves both; readers then see each record once."""
        samples = self.path / "samples"
        if (samples / "sampled.jsonl").exists():
            self._rewrite_sampled(self.sampled())
        verdicts = self.path / "verdicts"
        if (verdicts / "verdicts.jsonl").exists():
            stored = self._sample_keys()  # after a power loss a verdict may have outlived its sample
            last = {v.sample_key: v for v in self.verdicts() if v.sample_key in stored}
            write_rows(verdicts / "verdicts.parquet", map(to_row, last.values()), Verdict)
            (verdicts / "verdicts.jsonl").unlink()

    def forget_errors(self) -> int:
        """Remove the samples whose request failed, so that they are owed again; returns how many there were."""
        failed = sum(s.finish_reason == "error" for s in self.sampled())
        if failed:
            self._rewrite_sampled(s for s in self.sampled() if s.finish_reason != "error")
        return failed

    def _rewrite_sampled(self, sampled: Iterable[Sample]) -> None:
        write_rows(self.path / "samples" / "sampled.parquet", map(to_row, sampled), Sample)
        (self.path / "samples" / "sampled.jsonl").unlink(missing_ok=True)

    def sample_count(self) -> int:
        """How many samples are stored, given and sampled."""
        stored = sum(pq.read_metadata(file).num_rows for file in self._sample_parquets())
        return stored + sum(1 for _ in self._logged_samples())

    @property
    def verifier_cache(self) -> Path:
        """Where the verifier may keep its decisions."""
        return self.path / "verdicts" / "decisions.cache"

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the block's wall time to the manifest's `seconds`, whether it ends well or not."""
        started = time.monotonic()
        try:
            yield
        finally:
            seconds = dict(self.manifest().get("seconds", {}))
            seconds[stage] = round(seconds.get(stage, 0.0) + time.monotonic() - started, 2)
            self.update_manifest(seconds=seconds)

    # --- derived: lengths, views ---------------------------------------------------------------------

    def lengths(self, key: str) -> pl.DataFrame | None:
        """A cached table of token counts, by sample (`sample_key`, `prompt_tokens`, `completion_tokens`) or by problem
        (`problem_id`, `prompt_tokens`); or None."""
        file = self.path / "lengths" / f"{key}.parquet"
        return pl.read_parquet(file) if file.exists() else None

    def write_lengths(self, key: str, table: pl.DataFrame) -> None:
        file = self.path / "lengths" / f"{key}.parquet"
        with replacing(file) as temporary:
            table.write_parquet(temporary)

    def view(self, name: str) -> Path:
        """The folder of an existing view.

        Raises `RunError` naming the views there are.
        """
        folder = self._view_path(name)
        if not (folder / "view.json").exists():
            there = ", ".join(self.views()) or "none yet"
            raise RunError(
                f"{self.path}: there is no view '{name}'",
                hint=f"views: {there}. `pairforge filter {self.path} --view {name}` makes one",
            )
        return folder

    def views(self) -> list[str]:
        folders = (f.parent.name for f in (self.path / "views").glob("*/view.json"))
        return sorted(name for name in folders if not name.startswith("."))

    @contextlib.contextmanager
    def new_view(self, name: str) -> Iterator[Path]:
        """A temporary folder that replaces the view as a whole when the block ends well."""
        final = self._view_path(name)
        temporary = final.with_name(f".{name}.{os.getpid()}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            old = final.with_name(f".{name}.{os.getpid()}.old")
            if final.exists():
                final.rename(old)
            temporary.rename(final)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    # --- inside ---------------------------------------------------------------------------------------

    def _view_path(self, name: str) -> Path:
        if not _VIEW_NAME.fullmatch(name):
            raise RunError(f"'{name}' cannot name a view", hint="use letters, digits, '.', '_' and '-'")
        return self.path / "views" / name

    def _need(self, name: str) -> Path:
        file = self.path / name
        if not file.exists():
            raise RunError(f"{self.path} has no {name}", hint="`pairforge build` fills a run from its recipe")
        return file

    def _sample_parquets(self) -> list[Path]:
        files = [self.path / "samples" / name for name in ("given.parquet", "sampled.parquet")]
        return [f for f in files if f.exists()]

    def _sample_keys(self) -> set[str]:
        """The keys of all stored samples, without their texts."""
        parts = ["problem_id", "origin", "draw", "max_tokens"]
        frames = [pl.read_parquet(file, columns=parts) for file in self._sample_parquets()]
        rows = [row for frame in frames for row in frame.select(parts).iter_rows()]
        rows += [tuple(row[name] for name in parts) for row in self._logged_samples()]
        return {sample_key(*row) for row in rows}

    def _logged_samples(self) -> Iterator[dict[str, Any]]:
        return read_log(self.path / "samples" / "sampled.jsonl")


def unique(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Each sample once, by its key."""
    seen: set[str] = set()
    for sample in samples:
        if sample.key not in seen:
            seen.add(sample.key)
            yield sample


def open_run(run: str | Path) -> Run:
    """An existing run, by path or by its name under `runs/`.

    Raises `RunError` when there is none.
    """
    for path in (Path(run), Path("runs") / run):
        if (path / "recipe.yaml").exists():
            return Run(path)
    known = ", ".join(sorted(p.parent.name for p in Path("runs").glob("*/recipe.yaml"))) or "none"
    raise RunError(f"there is no run at '{run}'", hint=f"runs here: {known}. `pairforge build RECIPE` makes one")


def read_view(run: Run, name: str) -> dict[str, Any]:
    """The record of a view: its rules, counts, means and funnel (view.json)."""
    return dict(json.loads((run.view(name) / "view.json").read_text()))


def view_pairs(run: Run, name: str) -> list[dict[str, Any]]:
    """All pairs of a view as rows with the columns of `Pair`."""
    return list(iter_rows(run.view(name) / "pairs.parquet"))
