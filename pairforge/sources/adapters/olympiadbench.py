"""Hothan/OlympiadBench: `question`, and `final_answer` as a list (several answers are several parts)."""

from __future__ import annotations

from pairforge.sources.entry import Adapter, Entry, Row, RowDrop, clean, text


def read(row: Row) -> Entry:
    question = text(row, "question", "no_question")
    answers = row.get("final_answer")
    parts = [clean(a).strip().strip("$") for a in answers if isinstance(a, str)] if isinstance(answers, list) else []
    if not any(parts):
        raise RowDrop("no_answer", "'final_answer' is empty: a proof, or another kind of problem")
    return Entry(question, ", ".join(parts))


ADAPTER = Adapter(
    name="olympiadbench",
    read=read,
    rank=21,
    example={"question": "What is 2 + 3?", "final_answer": ["$5$"]},
    required=("question", "final_answer"),
    schema_source="https://huggingface.co/datasets/Hothan/OlympiadBench",
    recognise=lambda row: isinstance(row.get("final_answer"), list) and "question" in row,
)
