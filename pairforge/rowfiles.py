"""Rows out of JSON Lines, CSV and parquet files, one at a time and in bounded memory."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_AT_A_TIME = 1000
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read. `detail` is the decoder's message, or the start of what stands there; of a table it
    names the column."""

    reason: Literal["not_utf8", "broken_json", "not_an_object", "broken_csv", "unreadable_value"]
    detail: str


@contextlib.contextmanager
def opened(file: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed where its name ends in `.gz` or `.zst`.

    A damaged compressed file raises `OSError` where the damage is read.
    """
    if file.suffix not in COMPRESSIONS:
        with file.open("rb") as plain:
            yield plain
        return
    with pa.input_stream(str(file), compression=COMPRESSIONS[file.suffix]) as stream:
        yield io.BufferedReader(stream)


def read_json_lines(file: Path, *, whole_lines: bool = False) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """(line number from 1, row) of every line that is not blank.

    With `whole_lines`, reading ends at a last line without its newline: the process that wrote it died inside the
    write.
    """
    with opened(file) as lines:
        for number, line in enumerate(lines, start=1):
            if whole_lines and not line.endswith(b"\n"):
                return
            if line.strip():
                yield number, _parse_line(line)


def _parse_line(line: bytes) -> dict[str, Any] | BadRow:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return BadRow("not_utf8", str(error))
    except (ValueError, RecursionError) as error:
        return BadRow("broken_json", f"{error} in {line[-60:]!r}")
    return row if isinstance(row, dict) else BadRow("not_an_object", repr(row)[:80])


def iter_rows(
    file: Path, columns: Sequence[str] | None = None, *, rows_at_a_time: int = ROWS_AT_A_TIME
) -> Iterator[dict[str, Any]]:
    """The rows of a parquet file, with the named columns or all of them.

    Raises what pyarrow raises for a file that is damaged or no parquet file.
    """
    # pre_buffer, pyarrow's default, would keep every byte it has read until the file is closed
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        for batch in parquet.iter_batches(batch_size=rows_at_a_time, columns=list(columns) if columns else None):
            yield from batch.to_pylist()


def read_csv(file: Path, delimiter: str) -> Iterator[tuple[int, dict[str, str] | BadRow]]:
    """(row number, row) of every row of a table whose first row names the columns; that one is row 1, as in a
    spreadsheet. All values are text.

    Raises `ValueError` when there are no names, or a name occurs twice.
    """
    csv.field_size_limit(sys.maxsize)  # the default is shorter than long solutions
    with opened(file) as stream:
        # Bytes that are no UTF-8 become lone surrogates, so that one bad cell costs one row.
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        names = next(reader, [])
        repeated = sorted({name for name in names if names.count(name) > 1})
        if not names or repeated:
            raise ValueError(f"column '{repeated[0]}' occurs twice" if repeated else "its first row names no columns")
        number = 1
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, BadRow("broken_csv", str(error))
                continue
            if cells:
                yield number, _csv_row(names, cells)


def _csv_row(names: list[str], cells: list[str]) -> dict[str, str] | BadRow:
    if len(cells) != len(names):
        return BadRow("broken_csv", f"{len(cells)} cells for {len(names)} columns, the first: {cells[0][:60]!r}")
    for name, cell in zip(names, cells, strict=True):
        if not _is_unicode(cell):
            return BadRow("not_utf8", f"column '{name}'")
    return dict(zip(names, cells, strict=True))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_parquet(file: Path, rows_at_a_time: int) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
    """(row number from 1, row) of a parquet file that somebody else wrote: a value that Python cannot hold (text that
    is not UTF-8, a date beyond its calendar) costs one row, and its column is named.

    Raises what pyarrow raises for a file that is damaged or no parquet file.
    """
    number = 0
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        for batch in parquet.iter_batches(batch_size=rows_at_a_time):
            for row in _rows(batch):
                number += 1
                yield number, row


UNREADABLE = (ValueError, OverflowError, pa.ArrowException)


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any] | BadRow]:
    try:
        return list(batch.to_pylist())
    except UNREADABLE:
        return [_row(batch.slice(at, 1)) for at in range(batch.num_rows)]


def _row(batch: pa.RecordBatch) -> dict[str, Any] | BadRow:
    """The only row of a batch."""
    row: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            row[name] = column[0].as_py()
        except UNREADABLE as error:
            return BadRow("unreadable_value", f"column '{name}' ({column.type}): {error}")
    return row
