"""AI-MO/NuminaMath-CoT: human short solutions, ready-made as the rejected side; their box is the ground truth."""

from __future__ import annotations

from pairforge.sources.entry import Adapter, Entry, Given, Row, optional_text, text, verifiable
from pairforge.verifier.extract.answer import read_gold


def read(row: Row) -> Entry:
    question = text(row, "problem", "no_question")
    solution = text(row, "solution", "no_solution")
    answer = verifiable(optional_text(row, "answer") or read_gold(solution) or "")
    return Entry(
        question, answer, (Given(solution, side="rejected", model="human"),), meta={"source": row.get("source")}
    )


ADAPTER = Adapter(
    name="numina",
    read=read,
    rank=92,
    example={"problem": "What is 2 + 3?", "solution": "2 + 3 = 5, so it is \\boxed{5}.", "source": "cn_k12"},
    required=("problem", "solution"),
    schema_source="https://huggingface.co/datasets/AI-MO/NuminaMath-CoT",
    recognise=lambda row: {"problem", "solution", "source"} <= row.keys() and "generations" not in row,
)
