"""The texts of many pairs in bounded memory, and in two passes over the samples however many pairs there are.

Pairs come in the order of their problems, samples in the order they finished: fetching each batch by itself would
read the samples once per batch. Instead they are dealt out, in one pass, to a file per batch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa

from pairforge.records import Sample, from_row, schema
from pairforge.run import Run
from pairforge.run.atomic import beside, temporary_folder

PAIRS_PER_BATCH = 2000  # whose texts are in memory at a time: some 60 MB of R1 solutions
MOST_BATCHES = 200  # each is an open file while the samples are dealt out


def batches_with_texts(
    run: Run, pairs: pl.DataFrame, keys: Sequence[str] = ("chosen_key", "rejected_key")
) -> Iterator[tuple[pl.DataFrame, dict[str, Sample]]]:
    """The rows in slices, each with the samples that its columns `keys` name, by their keys."""
    size = max(PAIRS_PER_BATCH, -(-pairs.height // MOST_BATCHES))
    with temporary_folder(beside(run.path / "texts")) as folder:
        deal_out(run, wanted_samples(run, pairs, size, keys), folder)
        for number, batch in enumerate(pairs.iter_slices(size)):
            yield batch, read_batch(folder / f"{number}.arrow")


def wanted_samples(run: Run, pairs: pl.DataFrame, size: int, names: Sequence[str]) -> pl.DataFrame:
    """`position` (of a stored sample, counted over all of them) and `batch` (that needs it), by position."""
    keys = [frame["sample_key"] for frame in run.sample_batches(texts=False)]
    stored = pl.DataFrame({"sample_key": pl.concat(keys) if keys else []}, schema={"sample_key": pl.String})
    numbered = pairs.select(pl.int_range(pl.len()).floordiv(size).alias("batch"), *names)
    sides = [numbered.select("batch", sample_key=name) for name in names]
    wanted = pl.concat(sides).unique()
    return wanted.join(stored.with_row_index("position"), on="sample_key").drop("sample_key").sort("position")


def deal_out(run: Run, wanted: pl.DataFrame, folder: Path) -> None:
    """Write every wanted sample into the files of the batches that need it."""
    start = 0
    with contextlib.ExitStack() as stack:
        writers: dict[int, pa.RecordBatchStreamWriter] = {}
        for frame in run.sample_batches():
            low, high = wanted["position"].search_sorted(pl.Series([start, start + frame.height]))
            here = wanted[int(low) : int(high)]
            for (batch,), part in here.group_by("batch", maintain_order=True):
                number = int(str(batch))
                if number not in writers:
                    writer = pa.ipc.new_stream(folder / f"{number}.arrow", schema(Sample))
                    writers[number] = stack.enter_context(writer)
                rows = frame[(part["position"] - start).to_list()].drop("sample_key")
                writers[number].write_table(rows.to_arrow().cast(schema(Sample)))
            start += frame.height


def read_batch(file: Path) -> dict[str, Sample]:
    """The samples of one batch's file by their keys."""
    with pa.OSFile(str(file)) as source, pa.ipc.open_stream(source) as stream:
        samples = (from_row(Sample, row) for row in stream.read_all().to_pylist())
        return {sample.key: sample for sample in samples}
