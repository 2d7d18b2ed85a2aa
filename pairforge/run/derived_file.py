"""samples/derived.parquet: solutions made from others, each with the key of the one it was made from.

The file is a function of the other samples, their verdicts and the settings, and is written as a whole. A solution that
changes its text keeps its key, so everything that was computed from its old text goes before the new file stands.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pairforge.records import Sample, schema, to_row
from pairforge.run.atomic import replacing, write_text
from pairforge.run.layout import Layout
from pairforge.run.log import read_log
from pairforge.run.score_files import forget_scores
from pairforge.run.tables import SAMPLE_KEY

FROM = "derived_from"
ROWS_PER_GROUP = 1000


def write_derived(run: Layout, rows: Iterable[tuple[Sample, str]]) -> None:
    """Replace the derived solutions by these, each with the key of the solution it was made from."""
    columns = schema(Sample).append(pa.field(FROM, pa.string()))
    iterator = iter(rows)
    with replacing(run.derived_file) as temporary:
        with pq.ParquetWriter(temporary, columns, compression="zstd") as writer:
            while chunk := list(itertools.islice(iterator, ROWS_PER_GROUP)):
                writer.write_table(pa.Table.from_pylist([to_row(s) | {FROM: key} for s, key in chunk], schema=columns))
        forget_solutions(run, outdated(run.derived_file, temporary))


def lineage(run: Layout) -> pl.DataFrame:
    """`sample_key` of every derived solution, its `origin`, and the key of the solution it was made from."""
    if not run.derived_file.exists():
        return pl.DataFrame(schema={"sample_key": pl.String, "origin": pl.String, FROM: pl.String})
    return pl.scan_parquet(run.derived_file).select(SAMPLE_KEY, "origin", FROM).collect()


def remove_derived(run: Layout) -> None:
    """Remove all derived solutions, and what was computed from them."""
    forget_solutions(run, lineage(run)["sample_key"])
    run.derived_file.unlink(missing_ok=True)


def outdated(old: Path, new: Path) -> pl.Series:
    """The keys of the solutions whose text is not the same in the new file, or that are not in it."""
    if not old.exists():
        return pl.Series("sample_key", [], dtype=pl.String)
    texts = [pl.scan_parquet(file).select(SAMPLE_KEY, pl.col("text").hash()).collect() for file in (old, new)]
    return texts[0].join(texts[1], on=["sample_key", "text"], how="anti")["sample_key"]


def forget_solutions(run: Layout, keys: pl.Series) -> None:
    """Remove verdicts, lengths, measures and scores of these solutions."""
    if keys.is_empty():
        return
    kept = ~pl.col("sample_key").is_in(keys.implode())
    for file in (run.verdicts_file, *run.path.glob("lengths/*.parquet")):
        if file.exists() and "sample_key" in pq.read_schema(file).names:
            with replacing(file) as temporary:
                pl.read_parquet(file).filter(kept).write_parquet(temporary)
    if run.verdict_log_file.exists():
        gone = set(keys)
        rows = (row for row in read_log(run.verdict_log_file) if row["sample_key"] not in gone)
        write_text(run.verdict_log_file, "".join(json.dumps(row) + "\n" for row in rows))
    forget_scores(run, kept)
