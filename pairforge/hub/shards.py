"""Rows into parquet shards, and what identifies them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pairforge.export.split import held_out
from pairforge.hub.redact import published_text
from pairforge.progress import Progress
from pairforge.rowfiles import iter_rows

SHARD_BYTES = 64 << 20  # a shard is about what streaming it keeps in memory
ROWS_PER_GROUP = 1000
_NAMES = ("source", "model", "chosen_model", "rejected_model")


class RowHash:
    """SHA-256 over rows in order: the identity of a split, whatever shards or row groups hold it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0

    def add(self, row: Mapping[str, Any]) -> None:
        text = json.dumps(row, sort_keys=True, separators=(",", ":"))
        self._hash.update(text.encode() + b"\n")
        self.rows += 1

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


@dataclass(slots=True)
class SplitWriter:
    """Writes `<prefix>-00000-of-0000N.parquet` files of about `shard_bytes`, a row group at a time.

    `close` gives them their final names, for only then is N known.
    """

    folder: Path
    prefix: str
    schema: pa.Schema
    shard_bytes: int = SHARD_BYTES
    hash: RowHash = field(default_factory=RowHash)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _parts: list[Path] = field(default_factory=list)
    _writer: pq.ParquetWriter | None = None

    def add(self, row: dict[str, Any]) -> None:
        self.hash.add(row)
        self._rows.append(row)
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> list[Path]:
        """Finish the last shard and name all of them; an empty split still has one shard, with the columns."""
        self._flush(even_if_empty=not self._parts)
        self._end_shard()
        total = len(self._parts)
        final = [self.folder / f"{self.prefix}-{i:05d}-of-{total:05d}.parquet" for i in range(total)]
        for part, name in zip(self._parts, final, strict=True):
            part.rename(name)
        return final

    def _flush(self, even_if_empty: bool = False) -> None:
        if not self._rows and not even_if_empty:
            return
        if self._writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._parts.append(self.folder / f".{self.prefix}-{len(self._parts)}.part")
            self._writer = pq.ParquetWriter(self._parts[-1], self.schema, compression="zstd", write_page_index=True)
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self.schema))
        self._rows = []
        if self._parts[-1].stat().st_size >= self.shard_bytes:
            self._end_shard()

    def _end_shard(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def pair_rows(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a view, with local model and file names made publishable."""
    return (published_row(row) for row in iter_rows(file))


def published_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose names of sources and models may leave the machine."""
    return {name: published_text(value) if name in _NAMES else value for name, value in row.items()}


def write_splits(
    rows: Iterable[dict[str, Any]],
    columns: pa.Schema,
    folder: Path,
    *,
    split: str,
    eval_split: str,
    eval_share: float,
    total: int | None = None,
    shard_bytes: int = SHARD_BYTES,
    progress: Progress,
) -> dict[str, tuple[list[Path], RowHash]]:
    """Write rows as one split, or two that share no problem; per split its files and the hash of its rows."""
    names = [split, eval_split] if eval_share else [split]
    writers = {name: SplitWriter(folder, name, columns, shard_bytes) for name in names}
    for done, row in enumerate(rows, start=1):
        name = eval_split if eval_share and held_out(row["problem_id"], eval_share) else split
        writers[name].add(row)
        if done % ROWS_PER_GROUP == 0:
            progress("shards", done, total, folder.name)
    progress("shards", sum(w.hash.rows for w in writers.values()), total, folder.name)
    return {name: (writer.close(), writer.hash) for name, writer in writers.items()}
