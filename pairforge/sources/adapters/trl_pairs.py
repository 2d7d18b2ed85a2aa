"""Any preference set in TRL's explicit-prompt format: `prompt`, `chosen`, `rejected`, as messages or as plain text.

Datasets published by pairforge are of this format, with more columns: `question`, `answer`, `gold`, `chosen_model`
and `rejected_model` are read where they are. Without `answer` the chosen side's box is all there is to verify with,
and the problem says so ("teacher").
"""

from __future__ import annotations

from pairforge.records import GOLDS, Gold
from pairforge.sources.entry import Adapter, Entry, Given, Row, optional_text, short_answer, text
from pairforge.sources.messages import last, math_question, turns
from pairforge.verifier.extract.answer import read_gold

_GOLDS: dict[str, Gold] = {gold: gold for gold in GOLDS}


def read(row: Row) -> Entry:
    chosen, rejected = side(row, "chosen"), side(row, "rejected")
    question = optional_text(row, "question") or math_question(message(row, "prompt", "user", "no_question"))
    given = (
        Given(chosen, side="chosen", model=optional_text(row, "chosen_model")),
        Given(rejected, side="rejected", model=optional_text(row, "rejected_model")),
    )
    if row.get("answer") in (None, ""):
        return Entry(question, read_gold(chosen) or "", given, gold="teacher")
    gold = _GOLDS.get(optional_text(row, "gold"), "dataset")
    return Entry(question, short_answer(text(row, "answer", "no_answer")), given, gold=gold)


def side(row: Row, column: str) -> str:
    return message(row, column, "assistant", "no_solution")


def message(row: Row, column: str, role: str, reason: str) -> str:
    """A column that holds a text, or messages whose last one of the role counts."""
    if isinstance(row.get(column), str):
        return text(row, column, reason)
    return last(turns(row, column), role, reason)


ADAPTER = Adapter(
    name="trl-pairs",
    read=read,
    rank=15,
    example={
        "prompt": [{"role": "user", "content": "What is 2 + 3?"}],
        "chosen": [
            {"role": "assistant", "content": "<think>\n2 + 3 = 5. Check: 5 - 3 = 2.\n</think>\n\nIt is \\boxed{5}."}
        ],
        "rejected": [{"role": "assistant", "content": "2 + 3 = 5, so it is \\boxed{5}."}],
        "answer": "5",
    },
    required=("prompt", "chosen", "rejected"),
    schema_source="https://huggingface.co/docs/trl/dataset_formats#preference",
    recognise=lambda row: {"prompt", "chosen", "rejected"} <= row.keys(),
)
