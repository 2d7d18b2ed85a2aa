"""Rows that name samples, pairs above all, with those samples, in slices that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from pairforge.records import Sample
from pairforge.run import Run
from pairforge.run.atomic import beside, temporary_folder
from pairforge.run.text_batches import batch_size, deal_out, read_batch

PAIRS_PER_BATCH = 2000  # whose texts are in memory at a time: some 60 MB of R1 solutions


def batches_with_texts(
    run: Run, pairs: pl.DataFrame, keys: Sequence[str] = ("chosen_key", "rejected_key")
) -> Iterator[tuple[pl.DataFrame, dict[str, Sample]]]:
    """The rows in slices, each with the samples that its columns `keys` name, by their keys."""
    size = batch_size(pairs.height, PAIRS_PER_BATCH)
    with temporary_folder(beside(run.path / "texts")) as folder:
        deal_out(run, wanted_samples(pairs, size, keys), folder)
        for number, batch in enumerate(pairs.iter_slices(size)):
            yield batch, read_batch(folder, number)


def wanted_samples(pairs: pl.DataFrame, size: int, names: Sequence[str]) -> pl.DataFrame:
    """`sample_key` and the `batch` of rows that needs it."""
    numbered = pairs.select(pl.int_range(pl.len()).floordiv(size).alias("batch"), *names)
    return pl.concat([numbered.select("batch", sample_key=name) for name in names])
