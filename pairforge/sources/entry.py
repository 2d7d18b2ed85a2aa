"""What an adapter makes of one dataset row, and the small text tools adapters share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pairforge.records import Gold, Side
from pairforge.verifier.extract.answer import read_gold

Row = Mapping[str, Any]


class RowDrop(Exception):
    """Raised by an adapter for a row that cannot become a problem; it turns into a `Drop`, never into a crash.

    `reason` is a short identifier (`no_answer`), `detail` says what was found.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Given:
    """One ready-made solution of a row. `side` is the role the dataset gives it ("any" leaves it to the rules).

    `complete` is False when the source itself says that the reasoning was cut.
    """

    text: str
    side: Side = "any"
    model: str = ""
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as pairforge sees it: question, ground truth, ready-made solutions, and what else the source tells."""

    question: str
    answer: str
    given: tuple[Given, ...] = ()
    gold: Gold = "dataset"
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Adapter:
    """How to read one dataset's rows.

    `required` are the columns without which no row can be read. `example` is a row of the schema, in our own words: the
    tests read it. `recognise` tells whether a row looks like this schema (for `auto`; None: only on request). `auto`
    tries adapters by `rank`, lowest first: 10 to 49 for schemas that their columns tell apart, 90 and above for columns
    that many tables have. `schema_source` names the public place that confirms the schema; empty means that it could
    not be confirmed, and using the adapter says so. `dataset_hint`, part of a dataset's name in lower case, decides
    between schemas that look the same. `answer_column` holds the ground truth of schemas whose rows are
    problems without it too.
    """

    name: str
    read: Callable[[Row], Entry]
    required: tuple[str, ...]
    example: Row
    rank: int = 50
    schema_source: str = ""
    recognise: Callable[[Row], bool] | None = None
    dataset_hint: str = ""
    answer_column: str = ""


def text(row: Row, column: str, reason: str) -> str:
    """The text of a column. Numbers become text.

    A missing column drops the row, and so do, with `reason`, null, blank and structured values.
    """
    if column not in row:
        raise RowDrop("missing_column", f"no '{column}' among {', '.join(row)}")
    value = row[column]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RowDrop(reason, f"'{column}' holds {shorten(value)}")
    found = clean(str(value)).strip()
    if not found:
        raise RowDrop(reason, f"'{column}' is blank")
    return found


def many(value: object) -> Sequence[object]:
    """A list as it is, one value as a list of one, null as none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def optional_text(row: Row, column: str) -> str:
    """The text of a column that may be missing, null or blank: then the empty string."""
    value = row.get(column)
    return clean(value).strip() if isinstance(value, str) else ""


def clean(value: str) -> str:
    """The text with lone surrogates replaced: JSON can smuggle them in, and no file could be written with them."""
    if value.isascii():
        return value
    return value.encode("utf-8", "replace").decode("utf-8")


def json_safe(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Free-form values as JSON can hold them: dates and the like become text."""
    safe = json.loads(clean(json.dumps(meta, ensure_ascii=False, default=str)))
    return {name: value for name, value in safe.items() if value is not None}


def short_answer(answer: str) -> str:
    """The final answer out of a gold column that may hold a whole solution: what that marks, or the text itself."""
    return read_gold(answer) or answer.strip()


def gold_or_teacher(ground_truth: str, attempt: str) -> tuple[str, Gold]:
    """The answer out of a ground-truth text: the one it marks, or the text itself where it is a bare answer.

    A longer text that marks none holds no answer that could be compared; the teacher's own is taken instead.
    """
    marked = read_gold(ground_truth)
    if marked or (ground_truth and len(ground_truth) <= BARE_ANSWER_CHARACTERS and "\n" not in ground_truth):
        return verifiable(marked or ground_truth), "dataset"
    return read_gold(attempt) or "", "teacher"


BARE_ANSWER_CHARACTERS = 60
_PLACEHOLDERS = {"proof", "notfound", "not found", "null", "none", "n/a", ""}


def verifiable(answer: str) -> str:
    """The answer, unless it is one of the words datasets write where there is none (a proof to find, for one)."""
    if answer.strip().lower() in _PLACEHOLDERS:
        raise RowDrop("no_answer", f"the answer is {answer!r}")
    return answer.strip()


def shorten(value: object, limit: int = 80) -> str:
    """A value for a message: its repr, cut in the middle of nowhere rather than flooding the terminal."""
    shown = repr(value)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."
