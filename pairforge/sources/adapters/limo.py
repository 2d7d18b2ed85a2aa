"""GAIR/LIMO: `question`, a long `solution` without any tags (reasoning and answer in one text), `answer`.

Many tables have these three columns; `auto` takes the shape only where most solutions are long.
"""

from __future__ import annotations

from pairforge.chat import split_reasoning
from pairforge.sources.entry import Adapter, Entry, Given, Row, short_answer, text

LONG_CHARACTERS = 2000  # about 600 tokens; LIMO's shortest solutions are far above, textbook solutions far below


def read(row: Row) -> Entry:
    question = text(row, "question", "no_question")
    answer = short_answer(text(row, "answer", "no_answer"))
    return Entry(question, answer, (Given(text(row, "solution", "no_solution")),))


def recognise(row: Row) -> bool:
    solution = row.get("solution")
    if not isinstance(solution, str) or not {"question", "answer"} <= row.keys():
        return False
    return len(solution) >= LONG_CHARACTERS or split_reasoning(solution).thought is not None


ADAPTER = Adapter(
    name="limo",
    read=read,
    rank=93,
    example={
        "question": "What is 2 + 3?",
        "solution": "<think>\n2 + 3 = 5. Check: 5 - 3 = 2.\n</think>\n\nIt is \\boxed{5}.",
        "answer": "5",
    },
    required=("question", "solution", "answer"),
    schema_source="https://huggingface.co/datasets/GAIR/LIMO",
    recognise=recognise,
)
