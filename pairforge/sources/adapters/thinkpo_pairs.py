"""VanWang/Bespoke_dpo_filter, the paper's own pairs: whole conversations in `chosen` and `rejected`.

Read off the authors' scripts, which disagree: their length script reads three role/content messages, their data
script writes two from/value messages beside a `system` column. Both are read, and so are pairs with the prompt in
a column of its own. There is no ground truth: the chosen side's box is the teacher's.
"""

from __future__ import annotations

from pairforge.sources.adapters.bespoke_stratos import R1
from pairforge.sources.entry import Adapter, Entry, Given, Row
from pairforge.sources.messages import last, math_question, turns
from pairforge.verifier.extract.answer import read_gold

SAMPLER = "Qwen/Qwen2.5-Math-7B-Instruct"


def read(row: Row) -> Entry:
    chosen, rejected = turns(row, "chosen"), turns(row, "rejected")
    prompt = turns(row, "prompt") if row.get("prompt") else chosen
    long, short = last(chosen, "assistant", "no_solution"), last(rejected, "assistant", "no_solution")
    given = (Given(long, side="chosen", model=R1), Given(short, side="rejected", model=SAMPLER))
    question = math_question(last(prompt, "user", "no_question"))
    return Entry(question, read_gold(long) or "", given, gold="teacher")


ADAPTER = Adapter(
    name="thinkpo-pairs",
    read=read,
    rank=16,
    example={
        "chosen": [
            {"role": "user", "content": "What is 2 + 3?"},
            {
                "role": "assistant",
                "content": "<think>2 + 3 = 5.</think> It is \\boxed{5}.",
            },
        ],
        "rejected": [
            {"role": "user", "content": "What is 2 + 3?"},
            {"role": "assistant", "content": "2 + 3 = 5, so it is \\boxed{5}."},
        ],
    },
    required=("chosen", "rejected"),
    schema_source="",
    recognise=lambda row: isinstance(row.get("chosen"), list) and isinstance(row.get("rejected"), list),
)
