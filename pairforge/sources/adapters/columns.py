"""Any table: the recipe's `columns` says which column is what.

`question` and `answer` are required. Optional: `long` and `short` (ready-made solutions: `short` may only be
rejected, `long` may stand on either side; each may be a list of them), `thought` (reasoning kept apart from its
answer in `long`, a list where that is one), `model` (the teacher's name), `id`, and `meta.<name>` for what else should
travel with the problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from pairforge.chat import render_reasoning
from pairforge.sources.entry import (
    Adapter,
    Entry,
    Given,
    Row,
    RowDrop,
    clean,
    many,
    optional_text,
    short_answer,
    shorten,
    text,
)

KNOWN = ("question", "answer", "long", "short", "thought", "model", "id")


def read(row: Row) -> Entry:
    question = text(row, "question", "no_question")
    answer = short_answer(text(row, "answer", "no_answer"))
    return Entry(question, answer, given(row), meta=meta(row))


def given(row: Row) -> tuple[Given, ...]:
    """The ready-made solutions of a row, from `long` (with `thought`) and `short`."""
    model = optional_text(row, "model")
    found = [Given(solution, model=model) for solution in long_solutions(row)]
    if "long" in row and not found:
        raise RowDrop("no_solution", "'long' is null or blank")
    short = (as_text(value, "short") for value in many(row.get("short")))
    return (*found, *(Given(solution, side="rejected") for solution in short if solution))


def long_solutions(row: Row) -> Iterator[str]:
    """The solutions in `long`, each with its own entry of `thought` before it where there is one."""
    answers, thoughts = ([as_text(value, column) for value in many(row.get(column))] for column in ("long", "thought"))
    if answers and thoughts and len(answers) != len(thoughts):
        raise RowDrop("no_solution", f"'long' holds {len(answers)} solutions and 'thought' {len(thoughts)}")
    for answer, thought in zip_longest(answers, thoughts, fillvalue=""):
        if answer or thought:
            yield render_reasoning(thought, answer, "think") if thought else answer


def as_text(value: object, column: str) -> str:
    """A solution, "" for null; a row with anything else is dropped."""
    if value is not None and not isinstance(value, str):
        raise RowDrop("no_solution", f"'{column}' holds {shorten(value)}")
    return clean(value or "").strip()


def meta(row: Row) -> dict[str, object]:
    return {name.removeprefix("meta."): value for name, value in row.items() if name.startswith("meta.")}


ADAPTER = Adapter(
    name="columns",
    answer_column="answer",
    read=read,
    rank=90,
    example={
        "question": "What is 2 + 3?",
        "answer": "5",
        "long": "<think>\n2 + 3 = 5. Check: 5 - 3 = 2.\n</think>\n\nIt is \\boxed{5}.",
    },
    required=("question", "answer"),
    schema_source="the recipe's `columns`",
    recognise=lambda row: {"question", "answer", "long"} <= row.keys() or row.keys() - {"id"} == {"question", "answer"},
)
