"""Which column of an unknown table is what: a guess from names and values, for a person to check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from pairforge.sources.adapters import ADAPTERS
from pairforge.verifier.extract.answer import read_gold

Fits = Callable[[Any], bool]

NAMES: dict[str, tuple[str, ...]] = {
    "question": ("question", "problem", "prompt", "query", "instruction", "input"),
    "answer": (
        *("answer", "finalanswer", "gold", "goldanswer", "groundtruth", "gt", "expectedanswer", "target", "label"),
        "reference",
    ),
    "long": (
        *("long", "longsolution", "reasoning", "deepseekreasoning", "trace", "thinking", "generations", "generation"),
        *("solutions", "solution", "responses", "response", "completions", "completion", "outputs", "output", "cot"),
        "rationale",
    ),
    "id": ("id", "uuid", "uid", "problemid", "questionid"),
}
"""Names that columns have in public datasets, most telling first; case, spaces and underscores do not count."""

META_VALUES = 40  # a column of short values with at most this many different ones describes the problem


def is_text(value: object) -> bool:
    return isinstance(value, str | int) and str(value).strip() != ""


def is_answer(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip() != ""


def is_solution(value: object) -> bool:
    """A text of some length, or a list of texts."""
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(text, str) and len(text) >= 20 for text in texts)


FITS: dict[str, Fits] = {"question": is_text, "answer": is_answer, "long": is_solution, "id": is_text}


@dataclass(frozen=True, slots=True)
class Guess:
    """How to read a table: `adapter`, and for the adapter `columns` which column is what.

    `notes` are sentences for the user: what was taken, and what to look at.
    """

    adapter: str
    columns: dict[str, str]
    notes: tuple[str, ...]

    @property
    def has_solutions(self) -> bool:
        """Whether the source itself brings solutions (an adapter of its own knows)."""
        return self.adapter != "columns" or "long" in self.columns


def guess_columns(rows: Sequence[Mapping[str, Any]]) -> Guess | None:
    """How to read these rows; None where no column looks like a question, or nothing like its answer."""
    known = [a for a in ADAPTERS.values() if a.recognise and 2 * sum(map(a.recognise, rows)) >= len(rows) > 0]
    if known and known[0].name != "columns":
        return Guess(known[0].name, {}, (f"the columns are those that the adapter '{known[0].name}' reads",))
    columns = {name for row in rows for name in row}
    found: dict[str, str] = {}
    for role, fits in FITS.items():
        fitting = {column for column in columns - set(found.values()) if mostly(rows, column, fits)}
        if column := first_named(NAMES[role], fitting):
            found[role] = column
    if "question" not in found:
        return None
    notes = [f"{role}: column '{column}'" for role, column in found.items()]
    if "answer" not in found:
        if "long" not in found or not mostly(rows, found["long"], has_final_answer):
            return None
        found["answer"] = found["long"]
        notes.append(f"answer: the box or the #### line in '{found['long']}'")
    if "long" in found:
        notes.append(solution_note(rows, found["long"]))
    taken = set(found.values())
    meta = [c for c in sorted(columns - taken) if describes(rows, c)]
    notes += [f"meta.{c}: column '{c}', for rules" for c in meta]
    return Guess("columns", {**found, **{f"meta.{c}": c for c in meta}}, tuple(notes))


def first_named(names: Iterable[str], columns: set[str]) -> str | None:
    """The first column with one of these names, in their order."""
    for name in names:
        for column in sorted(columns):
            if "".join(filter(str.isalnum, column)).lower() == name:
                return column
    return None


def mostly(rows: Sequence[Mapping[str, Any]], column: str, fits: Fits) -> bool:
    """Whether at least half of the rows have a fitting value there."""
    return 2 * sum(column in row and bool(fits(row[column])) for row in rows) >= len(rows)


def has_final_answer(value: object) -> bool:
    """Whether a text marks its final answer as a ground truth does: a box, or a #### line."""
    return isinstance(value, str) and read_gold(value) is not None


def solution_note(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    """How long the solutions are: whether they are the long side is for the user to say."""
    values = [row[column] for row in rows if is_solution(row.get(column))]
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    each = f", {len(texts) / len(values):.1f} of them per row" if len(texts) > len(values) else ""
    return f"the solutions in '{column}' have {mean(map(len, texts)):,.0f} characters on average{each}"


def describes(rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    """Whether a column says something about the problem that rules can use: a level, a topic, a score."""
    values = [row.get(column) for row in rows if row.get(column) is not None]
    plain = [v for v in values if isinstance(v, str | int | float)]
    if 2 * len(plain) < len(rows) or any(isinstance(v, str) and len(v) > 60 for v in plain):
        return False
    return len(set(plain)) <= min(META_VALUES, max(2, len(rows) // 2))
