"""bespokelabs/Bespoke-Stratos-17k: `system` and `conversations` [user, assistant] with Sky-T1 markers.

The dataset has no ground truth: the teacher's own boxed answer is taken and marked as such, unless the recipe
joins gold from another dataset. About a third of its rows are code or puzzles and are dropped.
"""

from __future__ import annotations

from pairforge.sources.entry import Adapter, Entry, Given, Row, RowDrop
from pairforge.sources.messages import BOX_INSTRUCTION, last, math_question, turns
from pairforge.verifier.extract.answer import read_gold

R1 = "deepseek-ai/DeepSeek-R1"


def read(row: Row) -> Entry:
    messages = turns(row, "conversations")
    user, solution = last(messages, "user", "no_question"), last(messages, "assistant", "no_solution")
    answer = read_gold(solution) or ""
    if not answer and not user.startswith(BOX_INSTRUCTION):
        raise RowDrop("not_math", "neither asks for a boxed answer nor gives one")
    return Entry(math_question(user), answer, (Given(solution, model=R1),), gold="teacher")


def recognise(row: Row) -> bool:
    conversation = row.get("conversations")
    return isinstance(conversation, list) and "system" in row and not {"chosen", "problem"} & row.keys()


ADAPTER = Adapter(
    name="bespoke-stratos",
    read=read,
    rank=30,
    example={
        "system": "Think first.",
        "conversations": [
            {"from": "user", "value": "What is 2 + 3?"},
            {
                "from": "assistant",
                "value": "<|begin_of_thought|>Add.<|end_of_thought|><|begin_of_solution|>\\boxed{5}<|end_of_solution|>",
            },
        ],
    },
    required=("conversations",),
    schema_source="https://huggingface.co/datasets/bespokelabs/Bespoke-Stratos-17k",
    recognise=recognise,
    dataset_hint="stratos",
)
