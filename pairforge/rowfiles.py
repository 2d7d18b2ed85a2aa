"""Rows out of JSON Lines and parquet files, one at a time and in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

ROWS_AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that holds no JSON object. `detail` is the decoder's message, or the start of what stands there."""

    reason: Literal["not_utf8", "broken_json", "not_an_object"]
    detail: str


def read_json_lines(file: Path, *, whole_lines: bool = False) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
    """(line number from 1, row) of every line that is not blank.

    With `whole_lines`, reading ends at a last line without its newline: the process that wrote it died inside the
    write.
    """
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if whole_lines and not line.endswith(b"\n"):
                return
            if line.strip():
                yield number, _parse_line(line)


def _parse_line(line: bytes) -> dict[str, Any] | BadLine:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return BadLine("not_utf8", str(error))
    except (ValueError, RecursionError) as error:
        return BadLine("broken_json", f"{error} in {line[-60:]!r}")
    return row if isinstance(row, dict) else BadLine("not_an_object", repr(row)[:80])


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
