"""zwhe99/DeepMath-103K: three DeepSeek-R1 solutions per question, a short `final_answer`, difficulty and topic.

The solutions end their thought with `</think>`, with or without the opening tag; both are read.
"""

from __future__ import annotations

from pairforge.sources.adapters.bespoke_stratos import R1
from pairforge.sources.entry import Adapter, Entry, Given, Row, RowDrop, optional_text, text, verifiable


def read(row: Row) -> Entry:
    question = text(row, "question", "no_question")
    answer = verifiable(text(row, "final_answer", "no_answer"))
    solutions = [optional_text(row, f"r1_solution_{i}") for i in (1, 2, 3)]
    given = tuple(Given(solution, model=R1) for solution in solutions if solution)
    if not given:
        raise RowDrop("no_solution", "all three solutions are null or blank")
    meta = {name: row[name] for name in ("difficulty", "topic") if row.get(name) is not None}
    return Entry(question, answer, given, meta=meta)


ADAPTER = Adapter(
    name="deepmath",
    read=read,
    rank=13,
    example={
        "question": "What is 2 + 3?",
        "final_answer": "5",
        "r1_solution_1": "<think>\n2 + 3 = 5. Check: 5 - 3 = 2.\n</think>\n\nIt is \\boxed{5}.",
    },
    required=("question", "final_answer", "r1_solution_1"),
    schema_source="https://huggingface.co/datasets/zwhe99/DeepMath-103K",
    recognise=lambda row: {"question", "final_answer", "r1_solution_1"} <= row.keys(),
)
