"""The texts of many samples in bounded memory, and in two passes over them however many batches there are.

Whoever wants texts in another order than they are stored in would have to read all samples once per batch. Instead
they are dealt out, in one pass, to a file per batch.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import polars as pl
import pyarrow as pa

from pairforge.records import Sample, from_row, schema
from pairforge.run.tables import Tables

MOST_BATCHES = 200  # each is an open file while the samples are dealt out


def batch_size(items: int, wished: int) -> int:
    """How many items a batch takes: as many as wished, or more where there would be too many batches."""
    return max(wished, -(-items // MOST_BATCHES))


def deal_out(run: Tables, wanted: pl.DataFrame, folder: Path) -> None:
    """Write the samples of `wanted` (`sample_key`, `batch`) into a file per batch, for `read_batch`."""
    placed = _positions(run, wanted)
    start = 0
    with contextlib.ExitStack() as stack:
        writers: dict[int, pa.RecordBatchStreamWriter] = {}
        for frame in run.sample_batches():
            low, high = placed["position"].search_sorted(pl.Series([start, start + frame.height]))
            here = placed[int(low) : int(high)]
            for (batch,), part in here.group_by("batch", maintain_order=True):
                number = int(str(batch))
                if number not in writers:
                    writer = pa.ipc.new_stream(_file(folder, number), schema(Sample))
                    writers[number] = stack.enter_context(writer)
                rows = frame[(part["position"] - start).to_list()].drop("sample_key")
                writers[number].write_table(rows.to_arrow().cast(schema(Sample)))
            start += frame.height


def read_batch(folder: Path, number: int) -> dict[str, Sample]:
    """The samples of one batch by their keys; none where the batch wanted none."""
    file = _file(folder, number)
    if not file.exists():
        return {}
    with pa.OSFile(str(file)) as source, pa.ipc.open_stream(source) as stream:
        samples = (from_row(Sample, row) for row in stream.read_all().to_pylist())
        return {sample.key: sample for sample in samples}


def _positions(run: Tables, wanted: pl.DataFrame) -> pl.DataFrame:
    """`position` (of a stored sample, counted over all of them) and `batch` (that needs it), by position."""
    keys = [frame["sample_key"] for frame in run.sample_batches(texts=False)]
    stored = pl.DataFrame({"sample_key": pl.concat(keys) if keys else []}, schema={"sample_key": pl.String})
    placed = wanted.unique().join(stored.with_row_index("position"), on="sample_key")
    return placed.select("position", "batch").sort("position")


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number}.arrow"
