"""Files that are whole or not there: written beside their place, synced, and renamed into it."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pairforge.records import Sample, schema, to_row
from pairforge.run.log import cannot_write, sync_folder


class SampleWriter:
    """Appends given samples to a parquet file, a row group at a time, so that memory stays flat."""

    def __init__(self, writer: pq.ParquetWriter, rows_per_group: int = 1000) -> None:
        self._writer, self._size = writer, rows_per_group
        self._rows: list[dict[str, Any]] = []
        self.count = 0

    def __call__(self, samples: Iterable[Sample]) -> None:
        self._rows += [to_row(s) for s in samples]
        if len(self._rows) >= self._size:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=schema(Sample)))
            self.count += len(self._rows)
            self._rows = []


@contextlib.contextmanager
def sample_writer(file: Path) -> Iterator[SampleWriter]:
    with replacing(file) as temporary, pq.ParquetWriter(temporary, schema(Sample), compression="zstd") as writer:
        add = SampleWriter(writer)
        yield add
        add.flush()


def process_lives(pid: int) -> bool:
    """Whether a process of this machine has that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives and is somebody else's
        return True
    return True


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A temporary path beside `file` that takes its place, durably, when the block ends well.

    Raises `RunError` when the place cannot be written (read-only, disk full).
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        raise cannot_write(file, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_text(file: Path, text: str) -> None:
    """Write a whole text file, atomically."""
    with replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_rows(file: Path, rows: Iterable[Mapping[str, Any]], kind: type, rows_per_group: int = 1000) -> int:
    """Write rows as parquet with the schema of `kind`, atomically and in bounded memory; returns their number."""
    count, iterator = 0, iter(rows)
    with replacing(file) as temporary, pq.ParquetWriter(temporary, schema(kind), compression="zstd") as writer:
        while chunk := list(itertools.islice(iterator, rows_per_group)):
            writer.write_table(pa.Table.from_pylist(chunk, schema=schema(kind)))
            count += len(chunk)
    return count


def iter_rows(file: Path) -> Iterator[dict[str, Any]]:
    """Rows of a parquet file, a batch at a time and in bounded memory."""
    # pre_buffer, pyarrow's default, would keep every byte it has read until the file is closed
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        for batch in parquet.iter_batches(batch_size=1000):
            yield from batch.to_pylist()
