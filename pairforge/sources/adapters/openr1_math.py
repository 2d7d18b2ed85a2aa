"""open-r1/OpenR1-Math-220k: 2-4 generations per problem in parallel lists, ground truth in `answer`.

Every generation becomes a given sample (its correctness columns go to `meta`: our own verifier decides), one whose
reasoning is marked incomplete counts as cut. The human `solution` becomes a given rejected sample. Proofs have no
answer to verify and are dropped.
"""

from __future__ import annotations

from typing import Any

from pairforge.sources.adapters.bespoke_stratos import R1
from pairforge.sources.entry import Adapter, Entry, Given, Row, RowDrop, clean, optional_text, text, verifiable


def read(row: Row) -> Entry:
    question = text(row, "problem", "no_question")
    answer = verifiable(text(row, "answer", "no_answer"))
    given = [
        Given(clean(generation), model=R1, complete=_complete(row, i))
        for i, generation in enumerate(row.get("generations") or [])
        if isinstance(generation, str) and generation.strip()
    ]
    if not given:
        raise RowDrop("no_solution", "no generation")
    if human := optional_text(row, "solution"):
        given.append(Given(human, side="rejected", model="human"))
    names = ("uuid", "source", "problem_type", "question_type", "correctness_math_verify", "correctness_llama")
    return Entry(question, answer, tuple(given), meta={n: row[n] for n in names if row.get(n) is not None})


def _complete(row: Row, index: int) -> bool:
    return _at(row, "is_reasoning_complete", index) is not False and _at(row, "finish_reasons", index) != "length"


def _at(row: Row, column: str, index: int) -> Any:
    """An item of a parallel list that may be null or too short."""
    values = row.get(column) or []
    return values[index] if index < len(values) else None


ADAPTER = Adapter(
    name="openr1-math",
    read=read,
    rank=10,
    example={
        "problem": "What is 2 + 3?",
        "answer": "5",
        "generations": ["<think>\n2 + 3 = 5. Check: 5 - 3 = 2.\n</think>\n\nIt is \\boxed{5}."],
        "solution": "2 + 3 = 5, so it is \\boxed{5}.",
    },
    required=("problem", "answer", "generations"),
    schema_source="https://huggingface.co/datasets/open-r1/OpenR1-Math-220k",
    recognise=lambda row: {"problem", "generations"} <= row.keys(),
)
