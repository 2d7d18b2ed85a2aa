"""qihoo360/Light-R1-DPOData: ready-made pairs in ShareGPT ranking style.

`conversations` holds the user turn, `chosen` and `rejected` one message each (`{from, value}`), both reasoning in
`<think>` tags. There is no ground truth: the chosen side's boxed answer is taken and marked as the teacher's.
"""

from __future__ import annotations

from pairforge.sources.entry import Adapter, Entry, Given, Row
from pairforge.sources.messages import last, math_question, turns
from pairforge.verifier.extract.answer import read_gold


def read(row: Row) -> Entry:
    question = math_question(last(turns(row, "conversations"), "user", "no_question"))
    chosen = last(turns(row, "chosen"), "assistant", "no_solution")
    rejected = last(turns(row, "rejected"), "assistant", "no_solution")
    answer = read_gold(chosen) or ""
    return Entry(question, answer, (Given(chosen, side="chosen"), Given(rejected, side="rejected")), gold="teacher")


ADAPTER = Adapter(
    name="light-r1-dpo",
    read=read,
    rank=14,
    example={
        "conversations": [{"from": "human", "value": "What is 2 + 3?"}],
        "chosen": {"from": "gpt", "value": "<think>\n2 + 3 = 5. Check: 5 - 3 = 2.\n</think>\n\nIt is \\boxed{5}."},
        "rejected": {"from": "gpt", "value": "2 + 3 = 5, so it is \\boxed{5}."},
    },
    required=("conversations", "chosen", "rejected"),
    schema_source="https://github.com/Qihoo360/Light-R1/blob/main/train-scripts/README.md",
    recognise=lambda row: {"conversations", "chosen", "rejected"} <= row.keys(),
)
