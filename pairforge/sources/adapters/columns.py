"""Any table: the recipe's `columns` says which column is what.

`question` and `answer` are required. Optional: `long` and `short` (ready-made solutions: `short` may only be
rejected, `long` may stand on either side), `thought` (reasoning kept apart from its answer in `long`), `model`
(the teacher's name), `id`, and `meta.<name>` for what else should travel with the problem.
"""

from __future__ import annotations

from pairforge.chat import render_reasoning
from pairforge.sources.entry import Adapter, Entry, Given, Row, RowDrop, optional_text, short_answer, text

KNOWN = ("question", "answer", "long", "short", "thought", "model", "id")


def read(row: Row) -> Entry:
    question = text(row, "question", "no_question")
    answer = short_answer(text(row, "answer", "no_answer"))
    return Entry(question, answer, given(row), meta=meta(row))


def given(row: Row) -> tuple[Given, ...]:
    """The ready-made solutions of a row, from `long` (with `thought`) and `short`."""
    long, thought, short = (optional_text(row, name) for name in ("long", "thought", "short"))
    if "long" in row and not long and not thought:
        raise RowDrop("no_solution", "'long' is null or blank")
    model = optional_text(row, "model")
    found = []
    if long or thought:
        found.append(Given(render_reasoning(thought, long, "think") if thought else long, model=model))
    if short:
        found.append(Given(short, side="rejected"))
    return tuple(found)


def meta(row: Row) -> dict[str, object]:
    return {name.removeprefix("meta."): value for name, value in row.items() if name.startswith("meta.")}


ADAPTER = Adapter(
    name="columns",
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
