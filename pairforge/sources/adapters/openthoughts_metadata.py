"""OpenThoughts-114k, config `metadata`: reasoning, solution and ground truth in separate columns, all domains."""

from __future__ import annotations

from pairforge.chat import render_reasoning
from pairforge.sources.adapters.bespoke_stratos import R1
from pairforge.sources.entry import Adapter, Entry, Given, Row, RowDrop, gold_or_teacher, optional_text, text


def read(row: Row) -> Entry:
    domain = optional_text(row, "domain").lower()
    if domain != "math":
        raise RowDrop("not_math", f"domain {domain or 'null'}")
    question = text(row, "problem", "no_question")
    thought = text(row, "deepseek_reasoning", "no_solution")
    attempt = optional_text(row, "deepseek_solution")
    answer, gold = gold_or_teacher(optional_text(row, "ground_truth_solution"), attempt)
    long = Given(render_reasoning(thought, attempt, "think"), model=R1, complete=bool(attempt))
    return Entry(question, answer, (long,), gold, {"source": row.get("source")})


ADAPTER = Adapter(
    name="openthoughts-metadata",
    read=read,
    rank=11,
    example={
        "problem": "What is 2 + 3?",
        "deepseek_reasoning": "2 + 3 = 5.",
        "deepseek_solution": "2 + 3 = 5, so it is \\boxed{5}.",
        "ground_truth_solution": "5",
        "domain": "math",
    },
    required=("problem", "deepseek_reasoning", "deepseek_solution", "domain"),
    schema_source="https://huggingface.co/datasets/open-thoughts/OpenThoughts-114k (card, metadata subset)",
    recognise=lambda row: {"problem", "deepseek_reasoning", "deepseek_solution"} <= row.keys(),
)
