"""One's own rollouts: a question, its ground truth, and what a model wrote; one row or several per question.

`question`, `completion` and `gold` under these names (or under the recipe's `columns`); `completion` may be a list.
Optional: `model`, and `finish_reason` ("length" marks a completion that was cut). Every completion may stand on
either side of a pair.
"""

from __future__ import annotations

from pairforge.sources.entry import Adapter, Entry, Given, Row, RowDrop, clean, many, optional_text, short_answer, text


def read(row: Row) -> Entry:
    question = text(row, "question", "no_question")
    answer = short_answer(text(row, "gold", "no_answer"))
    return Entry(question, answer, completions(row))


def completions(row: Row) -> tuple[Given, ...]:
    """The row's completions; those that are blank are no solutions."""
    texts, reasons = many(row.get("completion")), many(row.get("finish_reason"))
    model = optional_text(row, "model")
    found = []
    for index, written in enumerate(texts):
        reason = reasons[min(index, len(reasons) - 1)] if reasons else None
        if isinstance(written, str) and written.strip():
            found.append(Given(clean(written).strip(), model=model, complete=reason != "length"))
    if not found:
        raise RowDrop("no_solution", "'completion' is null or blank")
    return tuple(found)


ADAPTER = Adapter(
    name="rollouts",
    answer_column="gold",
    read=read,
    rank=17,
    example={
        "question": "What is 2 + 3?",
        "gold": "5",
        "completion": [
            "<think>\n2 + 3 = 5. Check: 5 - 3 = 2.\n</think>\n\nIt is \\boxed{5}.",
            "2 + 3 = 5, so it is \\boxed{5}.",
        ],
    },
    required=("question", "completion", "gold"),
    schema_source="one's own files",
    recognise=lambda row: {"question", "completion", "gold"} <= row.keys(),
)
