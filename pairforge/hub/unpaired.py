"""The rows of the config `unpaired`: every sample with its problem and its verdict, what the rules chose from."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pairforge.hub.shards import published_row
from pairforge.records import Sample, schema
from pairforge.run import Run
from pairforge.run.atomic import beside, temporary_folder

_PROBLEM = ("question", "answer", "source", "gold")
_SAMPLE = ("origin", "side", "draw", "model", "revision", "text", "finish_reason", "sampled_tokens", "max_tokens",
           "budget_limited")  # fmt: skip
_VERDICT = ("status", "found_answer", "rule", "verifier_version")


def sample_schema() -> pa.Schema:
    """The columns of `sample_rows`."""
    own, text = schema(Sample), pa.string()
    before, after = ("sample_key", "problem_id", *_PROBLEM), _VERDICT
    return pa.schema([*((n, text) for n in before), *(own.field(n) for n in _SAMPLE), *((n, text) for n in after)])


def sample_rows(run: Run) -> Iterator[dict[str, Any]]:
    """Every sample of a problem that was kept, given ones first, in bounded memory; local names made publishable."""
    with _lookup(run) as index:
        for sample in run.each_sample():
            problem = index.execute("SELECT * FROM problems WHERE id = ?", (sample.problem_id,)).fetchone()
            if problem is None:
                continue  # it was dropped after the sample was stored
            verdict = index.execute("SELECT * FROM verdicts WHERE key = ?", (sample.key,)).fetchone()
            yield published_row(
                {
                    "sample_key": sample.key,
                    "problem_id": sample.problem_id,
                    **dict(zip(_PROBLEM, problem[1:], strict=True)),
                    **{name: getattr(sample, name) for name in _SAMPLE},
                    **dict(zip(_VERDICT, verdict[1:] if verdict else ("error", "", "", ""), strict=True)),
                }
            )


@contextlib.contextmanager
def _lookup(run: Run) -> Iterator[sqlite3.Connection]:
    """Problems by id and the last verdicts by sample key, on disk: a million of them would fill the memory."""
    with (
        temporary_folder(beside(run.path / "unpaired")) as folder,
        contextlib.closing(sqlite3.connect(folder / "index.sqlite")) as index,
    ):
        index.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
            "CREATE TABLE problems (id TEXT PRIMARY KEY, question, answer, source, gold);"
            "CREATE TABLE verdicts (key TEXT PRIMARY KEY, status, answer, rule, version);"
        )
        problems = ((p.id, p.question, p.answer, p.source, p.gold) for p in run.each_problem())
        index.executemany("INSERT INTO problems VALUES (?, ?, ?, ?, ?)", problems)
        verdicts = ((v.sample_key, v.status, v.answer, v.rule, v.verifier_version) for v in run.each_verdict())
        index.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)", verdicts)
        yield index
