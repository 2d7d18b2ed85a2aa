"""Grading the rows of a file: JSON lines or parquet in, one record per row out, none lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairforge.errors import VerifierError
from pairforge.records import FinishReason, Verdict
from pairforge.verifier.verifier import Item, Verifier


@dataclass(frozen=True, slots=True)
class Row:
    """One response to grade, or why the row cannot be graded (`problem`)."""

    id: str
    gold: str
    response: str
    finish_reason: FinishReason = "stop"
    problem: str = ""


def read_rows(path: Path, *, gold: str, response: str, id_column: str | None = None) -> Iterator[Row]:
    """The rows of a JSON lines or parquet file, streaming. A list of responses becomes one row each ("7/0", "7/1").

    Raises `VerifierError` when the file, or one of the columns in the file as a whole, is missing.
    """
    columns = [gold, response, *([id_column] if id_column else [])]
    for number, raw in enumerate(_records(path, columns)):
        if isinstance(raw, str):
            yield Row(str(number), "", "", problem=raw)
            continue
        name = str(raw.get(id_column)) if id_column and raw.get(id_column) is not None else str(number)
        missing = [column for column in (gold, response) if column not in raw]
        if missing:
            yield Row(name, "", "", problem=f"row {number} has no column {', '.join(missing)}")
            continue
        finish: FinishReason = "length" if raw.get("finish_reason") == "length" else "stop"
        answers = raw[response] if isinstance(raw[response], list) else [raw[response]]
        for index, answer in enumerate(answers):
            key = f"{name}/{index}" if isinstance(raw[response], list) else name
            yield Row(key, _text(raw[gold]), _text(answer), finish)


def grade_rows(rows: Iterable[Row], verifier: Verifier) -> Iterator[tuple[Row, Verdict]]:
    """Rows with their verdicts, in order. A row that cannot be graded gets the status "error" and its problem."""
    held: dict[str, Row] = {}

    def items() -> Iterator[Item]:
        for number, row in enumerate(rows):
            held[str(number)] = row
            yield Item(str(number), row.gold, row.response, row.finish_reason)

    for verdict in verifier.verify(items()):
        row = held.pop(verdict.sample_key)
        if row.problem:
            yield row, Verdict(row.id, "error", "", "input", row.problem, verifier.version)
        else:
            yield row, Verdict(row.id, verdict.status, verdict.answer, verdict.rule, verdict.detail, verifier.version)


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _records(path: Path, columns: list[str]) -> Iterator[dict[str, Any] | str]:
    """Rows as dicts; a line that is no JSON object comes out as the sentence that says so."""
    if not path.is_file():
        raise VerifierError(f"{path}: no such file", hint="name a .jsonl or .parquet file")
    if path.suffix == ".parquet":
        yield from _parquet(path, columns)
        return
    complained = False
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                yield f"line {number} is not JSON ({error}); the file may have been cut"
                continue
            if not isinstance(row, dict):
                yield f"line {number} is not a JSON object"
                continue
            if not complained:
                _require(path, columns, list(row))
                complained = True
            yield row


def _parquet(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, pre_buffer=False)  # buffering would keep every byte read until the end
        _require(path, columns, file.schema_arrow.names)
        wanted = [*dict.fromkeys(columns), *({"finish_reason"} & set(file.schema_arrow.names) - set(columns))]
        for batch in file.iter_batches(batch_size=1024, columns=wanted):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise VerifierError(f"{path}: cannot be read as parquet: {error}", hint="is the file complete?") from error


def _require(path: Path, columns: list[str], present: list[str]) -> None:
    missing = [column for column in columns if column not in present]
    if missing:
        there = ", ".join(present)
        raise VerifierError(f"{path}: no column {', '.join(missing)}", hint=f"the file has: {there}")
