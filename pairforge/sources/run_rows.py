"""Another run as a source: a row for each of its problems, with the solutions that are stored for it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pairforge.errors import SourceError, nearest
from pairforge.records import Sample
from pairforge.run import Run
from pairforge.run.text_batches import batch_size, deal_out, read_batch

PROBLEMS_PER_BATCH = 500  # whose solutions are in memory at a time


def is_run(path: Path) -> bool:
    """Whether a folder is a run directory."""
    return Run(path).recipe_file.exists() and Run(path).manifest_file.exists()


def check_run(path: Path, origins: Sequence[str]) -> None:
    """Raises `SourceError` when the run has no problems yet, or no solution of one of these origins."""
    run = Run(path)
    if not run.has_problems:
        raise SourceError(f"the run {path} has not read its sources yet", hint="finish it with `pairforge build`")
    there = sorted(set(run.sample_table()["origin"]))
    for origin in origins:
        if origin not in there:
            known = f"its origins: {', '.join(there) or 'none, it has no solutions'}"
            raise SourceError(f"{path} has no solutions of origin '{origin}'", hint=nearest(origin, there) or known)


def run_revision(path: Path) -> str:
    """A digest of the problems with their ground truth and of which solutions there are. It stays the same when a
    run's logs are compacted or another view is made."""
    run = Run(path)
    found = hashlib.sha256()
    for row in run.problem_table(["id", "question", "answer", "gold"]).sort("id").iter_rows():
        found.update(json.dumps(row).encode())
    for row in _usable(run, ()).select("sample_key", "finish_reason", "sampled_tokens").sort("sample_key").iter_rows():
        found.update(json.dumps(row).encode())
    return f"sha256:{found.hexdigest()[:16]}"


def run_license(path: Path) -> str:
    """The licenses of the run's own sources, joined by ", "; "" when one of them states none."""
    stated = [source.license for source in Run(path).manifest().sources]
    return ", ".join(sorted({part for text in stated for part in text.split(", ")})) if stated and all(stated) else ""


def run_rows(path: Path, *, origins: Sequence[str] = (), limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The rows: `question`, `answer`, `gold`, `meta` and `solutions` (see `adapters.pairforge_run`), in the order of
    the problems.

    `origins` names whose solutions are taken (empty: all), `limit` how many problems. Of a draw that was repeated with
    a larger budget the larger one counts; failed requests are left out.
    """
    run = Run(path)
    problems = run.problem_table()[:limit]
    size = batch_size(problems.height, PROBLEMS_PER_BATCH)
    places = problems.select(problem_id="id").with_row_index("place").with_columns(batch=pl.col("place") // size)
    wanted = (
        _usable(run, origins).join(places, on="problem_id").sort("place", pl.col("origin") != "given", "origin", "draw")
    )
    with tempfile.TemporaryDirectory(prefix="pairforge-") as folder:
        deal_out(run, wanted.select("sample_key", "batch"), Path(folder))
        for number, batch in enumerate(problems.iter_slices(size)):
            texts = read_batch(Path(folder), number)
            keys = dict(
                wanted.filter(pl.col("batch") == number)
                .group_by("problem_id", maintain_order=True)
                .agg("sample_key")
                .iter_rows()
            )
            for problem in batch.iter_rows(named=True):
                yield _row(problem, [texts[key] for key in keys.get(problem["id"], [])])


def _usable(run: Run, origins: Sequence[str]) -> pl.DataFrame:
    """The facts of every sample that holds a text, of the given origins."""
    table = run.sample_table().filter(pl.col("finish_reason") != "error")
    return table.filter(pl.col("origin").is_in(list(origins))) if origins else table


def _row(problem: dict[str, Any], samples: list[Sample]) -> dict[str, Any]:
    solutions = [
        {
            "text": sample.text,
            "origin": sample.origin,
            "model": sample.model,
            "side": sample.side,
            "complete": sample.finish_reason != "length",
        }
        for sample in samples
    ]
    taken = {name: problem[name] for name in ("question", "answer", "gold")}
    return {**taken, "meta": json.loads(problem["meta"]), "solutions": solutions}
