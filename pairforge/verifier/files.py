"""Grading the rows of a file: JSON lines, parquet or CSV in, one record per response out, none lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from pairforge.errors import VerifierError
from pairforge.intervals import Estimate, clustered_share
from pairforge.records import FinishReason, Status, Verdict
from pairforge.verifier.answer_rules import Options
from pairforge.verifier.text_kinds import options_from
from pairforge.verifier.verifier import Item, Verifier

GOLD_NAMES = ("gold", "answer", "ground_truth", "gt")
RESPONSE_NAMES = ("response", "completion", "output", "prediction")
ID_NAME = "id"
QUESTION_NAMES = ("question", "problem")
OPTIONS_NAMES = ("options", "choices")
UNDECIDED: frozenset[Status] = frozenset({"gold_unparsed", "refused", "timeout", "error"})
_CSV_BLOCK_BYTES = 16 << 20  # a row must fit in one block


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns to read; without `id`, rows are named by their number from 0."""

    gold: str
    response: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One response to grade, or why there is nothing to grade (`problem`) and the status that this has.

    `number` is the row's place in the file from 0; the responses of one list share it. `question` and `options` are for
    the kinds of ground truth that need them.
    """

    id: str
    gold: str
    response: str
    finish_reason: FinishReason = "stop"
    problem: str = ""
    problem_status: Status = "error"
    number: int = 0
    question: str = ""
    options: Options = ()


@dataclass(slots=True)
class Tally:
    """What was counted over graded responses. Every status but `correct` counts as wrong."""

    counts: Counter[Status] = field(default_factory=Counter)
    _rows: list[int] = field(default_factory=list)
    _correct: list[int] = field(default_factory=list)
    _responses: list[int] = field(default_factory=list)

    def add(self, row: Row, verdict: Verdict) -> None:
        """Count one response; those of one row must come one after the other."""
        self.counts[verdict.status] += 1
        if not self._rows or self._rows[-1] != row.number:
            self._rows.append(row.number)
            self._correct.append(0)
            self._responses.append(0)
        self._correct[-1] += verdict.status == "correct"
        self._responses[-1] += 1

    @property
    def undecided(self) -> int:
        """Responses that the verifier could not decide: `gold_unparsed`, `refused`, `timeout` and `error`."""
        return sum(self.counts[status] for status in UNDECIDED)

    @property
    def accuracy(self) -> Estimate | None:
        """The mean over the rows of each row's share of correct responses, with its 95 % interval; None without rows.

        The interval takes into account that responses to one question resemble each other.
        """
        if not self._rows:
            return None
        shares = [correct / responses for correct, responses in zip(self._correct, self._responses, strict=True)]
        return clustered_share(shares, sum(self._responses) / len(self._rows))


def choose_columns(
    path: Path, *, gold: str | None = None, response: str | None = None, id_column: str | None = None
) -> Columns:
    """The named columns; in place of one that is not named, the only column of the file with a usual name for it.

    Raises `VerifierError` when the file cannot be read, or when no column or several fit.
    """
    names = column_names(path)
    return Columns(
        gold or _usual(path, names, GOLD_NAMES, "gold answers", "--gold", taken=response),
        response or _usual(path, names, RESPONSE_NAMES, "responses", "--response", taken=gold),
        id_column or (ID_NAME if ID_NAME in names and ID_NAME not in (gold, response) else None),
    )


def _usual(path: Path, present: list[str], usual: tuple[str, ...], what: str, option: str, taken: str | None) -> str:
    fitting = [name for name in usual if name in present and name != taken]
    if len(fitting) == 1:
        return fitting[0]
    there = f"the file has: {', '.join(present) or 'no columns'}"
    if fitting:
        raise VerifierError(
            f"{path}: several columns may hold the {what}: {', '.join(fitting)}",
            hint=f"choose one with {option}; {there}",
        )
    raise VerifierError(
        f"{path}: no column for the {what} (usual names: {', '.join(usual)})", hint=f"name it with {option}; {there}"
    )


def column_names(path: Path) -> list[str]:
    """The columns of a file; of JSON lines, those of its first object. Raises `VerifierError`."""
    _require_file(path)
    try:
        if path.suffix == ".parquet":
            return list(pq.read_schema(path).names)
        if path.suffix == ".csv":
            return list(_open_csv(path).schema.names)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    return next((list(row) for row in _json_lines(path) if isinstance(row, dict)), [])


def read_rows(path: Path, *, gold: str, response: str, id_column: str | None = None) -> Iterator[Row]:
    """The rows of a JSON lines, parquet or CSV file, streaming.

    A list of responses becomes one row each ("7/0", "7/1"), an empty list one row that has no answer.

    Raises `VerifierError` when the file, or one of the columns in the file as a whole, is missing.
    """
    columns = [gold, response, *([id_column] if id_column else [])]
    for number, raw in enumerate(_records(path, columns)):
        if isinstance(raw, str):
            yield Row(str(number), "", "", problem=raw, number=number)
            continue
        name = str(number) if not id_column or raw.get(id_column) in (None, "") else str(raw[id_column])
        missing = [column for column in (gold, response) if column not in raw]
        if missing:
            yield Row(name, "", "", problem=f"row {number} has no column {', '.join(missing)}", number=number)
            continue
        finish: FinishReason = "length" if raw.get("finish_reason") == "length" else "stop"
        if raw[response] == []:
            empty = "the list of responses is empty"
            yield Row(name, _text(raw[gold]), "", finish, empty, "no_answer", number)
            continue
        question = next((_text(raw[name]) for name in QUESTION_NAMES if raw.get(name)), "")
        options = next((options_from(raw[name]) for name in OPTIONS_NAMES if raw.get(name)), ())
        answers = raw[response] if isinstance(raw[response], list) else [raw[response]]
        for index, answer in enumerate(answers):
            key = f"{name}/{index}" if isinstance(raw[response], list) else name
            gold_text = _text(raw[gold])
            yield Row(key, gold_text, _text(answer), finish, number=number, question=question, options=options)


def grade_rows(rows: Iterable[Row], verifier: Verifier) -> Iterator[tuple[Row, Verdict]]:
    """Rows with their verdicts, in order. A row with a problem gets the problem's status and text."""
    held: dict[str, Row] = {}

    def items() -> Iterator[Item]:
        for number, row in enumerate(rows):
            held[str(number)] = row
            yield Item(str(number), row.gold, row.response, row.finish_reason, row.question, row.options)

    for verdict in verifier.verify(items()):
        row = held.pop(verdict.sample_key)
        if row.problem:
            yield row, Verdict(row.id, row.problem_status, "", "input", row.problem, verifier.version)
        else:
            yield row, Verdict(row.id, verdict.status, verdict.answer, verdict.rule, verdict.detail, verifier.version)


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _records(path: Path, columns: list[str]) -> Iterator[dict[str, Any] | str]:
    """Rows as dicts; one that cannot be read comes out as the sentence that says so."""
    _require_file(path)
    if path.suffix == ".parquet":
        yield from _parquet(path, columns)
    elif path.suffix == ".csv":
        yield from _csv(path, columns)
    else:
        complained = False
        for row in _json_lines(path):
            if isinstance(row, dict) and not complained:
                _require(path, columns, list(row))
                complained = True
            yield row


def _json_lines(path: Path) -> Iterator[dict[str, Any] | str]:
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                yield f"line {number} is not JSON ({error}); the file may have been cut"
                continue
            yield row if isinstance(row, dict) else f"line {number} is not a JSON object"


def _parquet(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    try:
        file = pq.ParquetFile(path, pre_buffer=False)  # buffering would keep every byte read until the end
        present = file.schema_arrow.names
        _require(path, columns, present)
        for batch in file.iter_batches(batch_size=1024, columns=_wanted(columns, present)):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def _csv(path: Path, columns: list[str]) -> Iterator[dict[str, Any] | str]:
    """Every value is text: 0.50 stays 0.50, and an empty field is the empty text."""
    bad: dict[int, str] = {}  # by the number of the record, the header being 1

    def set_aside(row: pc.InvalidRow) -> str:
        bad[row.number] = f"record {row.number} has {row.actual_columns} fields, the header has {row.expected_columns}"
        return "skip"

    try:
        present = _open_csv(path).schema.names
        _require(path, columns, present)
        number = 2
        for batch in _open_csv(path, _wanted(columns, present), set_aside):
            for row in batch.to_pylist():
                while number in bad:
                    yield bad.pop(number)
                    number += 1
                yield row
                number += 1
        yield from bad.values()
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def _open_csv(
    path: Path, columns: list[str] | None = None, on_bad_row: Callable[[pc.InvalidRow], str] | None = None
) -> pc.CSVStreamingReader:
    """A CSV file as text columns, one block at a time; bad rows are left out where nobody asks for them."""
    return pc.open_csv(
        path,
        read_options=pc.ReadOptions(use_threads=False, block_size=_CSV_BLOCK_BYTES),  # threads lose the row's number
        parse_options=pc.ParseOptions(newlines_in_values=True, invalid_row_handler=on_bad_row or (lambda row: "skip")),
        convert_options=pc.ConvertOptions(
            include_columns=columns, column_types=dict.fromkeys(columns or (), pa.string()), strings_can_be_null=False
        ),
    )


def _wanted(columns: list[str], present: list[str]) -> list[str]:
    """The columns to read, each once: those named, how each response ended, the question and its options."""
    optional = ("finish_reason", *QUESTION_NAMES, *OPTIONS_NAMES)
    return list(dict.fromkeys([*columns, *(name for name in optional if name in present)]))


def _unreadable(path: Path, error: Exception) -> VerifierError:
    return VerifierError(
        f"{path}: cannot be read as {path.suffix.removeprefix('.')}: {error}", hint="is the file complete?"
    )


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise VerifierError(f"{path}: no such file", hint="name a .jsonl, .parquet or .csv file")


def _require(path: Path, columns: list[str], present: list[str]) -> None:
    missing = [column for column in columns if column not in present]
    if missing:
        there = ", ".join(present)
        raise VerifierError(f"{path}: no column {', '.join(missing)}", hint=f"the file has: {there}")
