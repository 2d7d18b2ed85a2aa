"""simplescaling/s1K-1.1: bare thinking trajectories of two teachers, ground truth as a text or a bare answer."""

from __future__ import annotations

from pairforge.chat import render_reasoning
from pairforge.sources.adapters.bespoke_stratos import R1
from pairforge.sources.entry import Adapter, Entry, Given, Row, RowDrop, gold_or_teacher, optional_text, text

_TEACHERS = (("deepseek", R1), ("gemini", "gemini-2.0-flash-thinking"))


def read(row: Row) -> Entry:
    kind = optional_text(row, "cot_type").lower()
    if kind not in ("math", ""):
        raise RowDrop("not_math", f"cot_type {kind}")
    question = text(row, "question", "no_question")
    given = []
    for teacher, model in _TEACHERS:
        thought, attempt = (optional_text(row, f"{teacher}_{part}") for part in ("thinking_trajectory", "attempt"))
        if thought:
            given.append(Given(render_reasoning(thought, attempt, "think"), model=model, complete=bool(attempt)))
    if not given:
        raise RowDrop("no_solution", "no thinking trajectory")
    answer, gold = gold_or_teacher(optional_text(row, "solution"), optional_text(row, "deepseek_attempt"))
    meta = {name: row[name] for name in ("source_type", "deepseek_grade") if row.get(name) is not None}
    return Entry(question, answer, tuple(given), gold, meta)


ADAPTER = Adapter(
    name="s1k",
    read=read,
    rank=12,
    example={
        "question": "What is 2 + 3?",
        "solution": "5",
        "cot_type": "math",
        "deepseek_thinking_trajectory": "2 + 3 = 5.",
        "deepseek_attempt": "2 + 3 = 5, so it is \\boxed{5}.",
    },
    required=("question", "solution", "deepseek_thinking_trajectory"),
    schema_source="https://huggingface.co/datasets/simplescaling/s1K-1.1",
    recognise=lambda row: {"question", "deepseek_thinking_trajectory"} <= row.keys(),
)
