"""Problems, samples, verdicts and lengths of a run, as records and as frames."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pairforge.errors import RunError
from pairforge.records import Drop, Problem, Sample, Verdict, from_row, schema, to_row
from pairforge.rowfiles import ROWS_AT_A_TIME, iter_rows
from pairforge.run.atomic import replacing, write_rows
from pairforge.run.layout import Layout
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
# `agreeing` solutions of `votes` gave the answer; `share` is their share, `margin` the distance to the second answer.
MAJORITY_COLUMNS: dict[str, type[pl.DataType]] = {
    "problem_id": pl.String,
    "answer": pl.String,
    "agreeing": pl.Int64,
    "votes": pl.Int64,
    "share": pl.Float64,
    "margin": pl.Float64,
}
_KEY_PARTS = ["problem_id", "origin", "draw", "max_tokens"]
SAMPLE_KEY = pl.concat_str(_KEY_PARTS, separator="/").alias("sample_key")  # as `records.sample_key` writes it


@dataclass(frozen=True, slots=True)
class Tables(Layout):
    """Reads and writes the tables of a run. A sample or verdict may be in its parquet file or still in its log."""

    # --- problems, and the rows and problems that were dropped ----------------------------------------

    @property
    def has_problems(self) -> bool:
        """Whether the sources were read to the end."""
        return self.problems_file.exists()

    def write_sources(self, problems: Iterable[Problem], drops: Iterable[Drop]) -> None:
        """Store the problems and the source drops. The problems file comes last: it marks the stage as done."""
        write_rows(self.source_drops_file, map(to_row, drops), Drop)
        write_rows(self.problems_file, map(to_row, problems), Problem)

    def each_problem(self) -> Iterator[Problem]:
        """All problems, in the order of the sources, with the majority's answer where they have none of their own."""
        known = {row["problem_id"]: row for row in self.majorities().iter_rows(named=True)}
        for problem in self.source_problems():
            found = known.get(problem.id)
            if found is None or problem.answer:
                yield problem
            else:
                meta = {**problem.meta, "majority_share": found["share"], "majority_margin": found["margin"]}
                yield replace(problem, answer=found["answer"], meta=meta)

    def source_problems(self) -> Iterator[Problem]:
        """All problems as the sources gave them: without ground truth the answer is ""."""
        return (from_row(Problem, row) for row in iter_rows(_existing(self.problems_file)))

    def problem_table(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """All problems, with the named columns or all of them (`meta` as JSON text)."""
        if not self.majority_file.exists():
            return pl.read_parquet(_existing(self.problems_file), columns=list(columns) if columns else None)
        rows = [to_row(problem) for problem in self.each_problem()]
        table = pl.DataFrame(pa.Table.from_pylist(rows, schema=schema(Problem)))
        return table.select(columns) if columns else table

    def majorities(self) -> pl.DataFrame:
        """What was decided for problems without ground truth: see `MAJORITY_COLUMNS`."""
        if self.majority_file.exists():
            return pl.read_parquet(self.majority_file)
        return pl.DataFrame(schema=MAJORITY_COLUMNS)

    def write_majorities(self, table: pl.DataFrame) -> None:
        """Store the majorities decided so far, in place of those there are."""
        with replacing(self.majority_file) as temporary:
            table.select(list(MAJORITY_COLUMNS)).write_parquet(temporary)

    def source_drops(self) -> Iterator[Drop]:
        return (from_row(Drop, row) for row in iter_rows(_existing(self.source_drops_file)))

    def write_sampling_drops(self, drops: Iterable[Drop]) -> None:
        """Store the problems that were not sampled, each with the reason."""
        write_rows(self.sampling_drops_file, map(to_row, drops), Drop)

    def sampling_drops(self) -> Iterator[Drop]:
        return (from_row(Drop, row) for row in _rows_if_any(self.sampling_drops_file))

    # --- samples -------------------------------------------------------------------------------------

    @property
    def has_samples(self) -> bool:
        """Whether anything was sampled."""
        return self.sampled_file.exists() or self.sampled_log_file.exists()

    @contextlib.contextmanager
    def given_writer(self) -> Iterator[SampleWriter]:
        """A writer for given solutions as the sources yield them: `with run.given_writer() as add: add(samples)`."""
        columns = schema(Sample)
        with replacing(self.given_file) as temporary, pq.ParquetWriter(temporary, columns, compression="zstd") as file:
            add = SampleWriter(file)
            yield add
            add.flush()

    def sample_log(self) -> AppendLog:
        """The append-only log that sampled solutions go to."""
        return AppendLog(self.sampled_log_file)

    def each_sample(self) -> Iterator[Sample]:
        """Every stored sample: given, sampled, derived. A sample that was stored twice comes once."""
        yield from self.given()
        yield from self.sampled()
        yield from (from_row(Sample, row) for row in _rows_if_any(self.derived_file))

    def given(self) -> Iterator[Sample]:
        """Given solutions only, in the order of the sources."""
        return (from_row(Sample, row) for row in _rows_if_any(self.given_file))

    def sampled(self) -> Iterator[Sample]:
        """Sampled solutions only, in the order they finished; one that was stored twice comes once."""
        rows = itertools.chain(_rows_if_any(self.sampled_file), read_log(self.sampled_log_file))
        return _unique(from_row(Sample, row) for row in rows)

    def sample_table(self) -> pl.DataFrame:
        """`sample_key`, the `SAMPLE_FACTS` of every sample, without its text, and whether it is `derived` from another.
        Where a draw was repeated with a larger budget, the larger one stands for it."""
        frames = [
            pl.scan_parquet(f).select(SAMPLE_FACTS).collect().with_columns(derived=pl.lit(f == self.derived_file))
            for f in self._sample_files()
        ]
        log = [
            {name: row[name] for name in SAMPLE_FACTS} | {"derived": False} for row in read_log(self.sampled_log_file)
        ]
        special: dict[str, type[pl.DataType]] = {
            **dict.fromkeys(("budget_limited", "derived"), pl.Boolean),
            **dict.fromkeys(("draw", "max_tokens", "sampled_tokens"), pl.Int64),
        }
        types = {name: special.get(name, pl.String) for name in (*SAMPLE_FACTS, "derived")}
        table = pl.concat([*frames, pl.DataFrame(log, schema=types)], how="vertical_relaxed")
        draw = ["problem_id", "origin", "draw"]
        return (
            table.with_columns(SAMPLE_KEY)
            .sort([*draw, "max_tokens"], maintain_order=True)
            .unique(draw, keep="last", maintain_order=True)
        )

    def sample_batches(self, *, texts: bool = True) -> Iterator[pl.DataFrame]:
        """Every stored sample as frames of about a thousand rows: `sample_key`, and with `texts` all columns of
        `Sample`. One that was stored twice comes twice."""
        columns = schema(Sample).names if texts else _KEY_PARTS
        for file in self._sample_files():
            with pq.ParquetFile(file, pre_buffer=False) as parquet:
                for group in range(parquet.num_row_groups):
                    yield pl.DataFrame(parquet.read_row_group(group, columns=columns)).with_columns(SAMPLE_KEY)
        log = read_log(self.sampled_log_file)
        while rows := list(itertools.islice(log, ROWS_AT_A_TIME)):
            table = pa.Table.from_pylist(rows, schema=schema(Sample)).select(columns)
            yield pl.DataFrame(table).with_columns(SAMPLE_KEY)

    def texts(self, keys: Iterable[str]) -> dict[str, Sample]:
        """The full samples of the given keys."""
        wanted = set(keys)
        problems = {key.split("/", 1)[0] for key in wanted}
        rows: list[dict[str, Any]] = []
        for file in self._sample_files():
            rows += pl.scan_parquet(file).filter(pl.col("problem_id").is_in(problems)).collect().to_dicts()
        rows += [row for row in read_log(self.sampled_log_file) if row["problem_id"] in problems]
        found = (from_row(Sample, row) for row in rows)
        return {sample.key: sample for sample in found if sample.key in wanted}

    def sample_count(self) -> int:
        """How many samples are stored, given and sampled."""
        stored = sum(pq.read_metadata(file).num_rows for file in self._sample_files())
        return stored + sum(1 for _ in read_log(self.sampled_log_file))

    def _sample_files(self) -> list[Path]:
        return [file for file in (self.given_file, self.sampled_file, self.derived_file) if file.exists()]

    # --- verdicts ------------------------------------------------------------------------------------

    def verdict_log(self) -> AppendLog:
        """The append-only log that verdicts go to."""
        return AppendLog(self.verdict_log_file)

    def each_verdict(self) -> Iterator[Verdict]:
        """Every stored verdict, oldest first; the last one of a key is the one that counts."""
        rows = itertools.chain(_rows_if_any(self.verdicts_file), read_log(self.verdict_log_file))
        return (from_row(Verdict, row) for row in rows)

    def verdict_table(self) -> pl.DataFrame:
        """The current verdict of every judged sample, with the columns of `Verdict`."""
        columns = dict.fromkeys(Verdict.__dataclass_fields__, pl.String)
        table = pl.DataFrame(list(read_log(self.verdict_log_file)), schema=columns)
        if self.verdicts_file.exists():
            table = pl.concat([pl.read_parquet(self.verdicts_file, columns=list(columns)), table])
        return table.unique("sample_key", keep="last", maintain_order=True)

    # --- lengths: derived, may be deleted at any time ------------------------------------------------

    def lengths(self, key: str) -> pl.DataFrame | None:
        """A cached table of token counts, by sample (`sample_key`, `prompt_tokens`, `completion_tokens`) or by problem
        (`problem_id`, `prompt_tokens`); or None."""
        file = self.lengths_file(key)
        return pl.read_parquet(file) if file.exists() else None

    def write_lengths(self, key: str, table: pl.DataFrame) -> None:
        with replacing(self.lengths_file(key)) as temporary:
            table.write_parquet(temporary)


class SampleWriter:
    """Appends given samples to a parquet file, a row group at a time, so that memory stays flat."""

    def __init__(self, writer: pq.ParquetWriter, rows_per_group: int = ROWS_AT_A_TIME) -> None:
        self._writer, self._size = writer, rows_per_group
        self._rows: list[dict[str, Any]] = []

    def __call__(self, samples: Iterable[Sample]) -> None:
        self._rows += [to_row(s) for s in samples]
        if len(self._rows) >= self._size:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=schema(Sample)))
            self._rows = []


def _existing(file: Path) -> Path:
    if not file.exists():
        raise RunError(f"{file.parent} has no {file.name}", hint="`pairforge build` fills a run from its recipe")
    return file


def _rows_if_any(file: Path) -> Iterator[dict[str, Any]]:
    return iter_rows(file) if file.exists() else iter(())


def _unique(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Each sample once, by its key."""
    seen: set[str] = set()
    for sample in samples:
        if sample.key not in seen:
            seen.add(sample.key)
            yield sample
