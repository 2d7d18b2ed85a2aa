"""OpenThoughts-114k, default config, and open-r1/OpenThoughts-114k-math.

Both carry Bespoke-Stratos' `conversations`. The -math version adds `problem` and a human `solution`, whose box
is then the ground truth; the default config has none.
"""

from __future__ import annotations

from dataclasses import replace

from pairforge.sources.adapters import bespoke_stratos
from pairforge.sources.entry import Adapter, Entry, Row, optional_text
from pairforge.verifier.extract.answer import read_gold


def read(row: Row) -> Entry:
    entry = bespoke_stratos.read(row if row.get("conversations") else {**row, "conversations": row.get("messages")})
    question, gold = optional_text(row, "problem"), read_gold(optional_text(row, "solution"))
    if question:
        entry = replace(entry, question=question, meta={"source": row.get("source"), "correct": row.get("correct")})
    return replace(entry, answer=gold, gold="dataset") if gold else entry


ADAPTER = Adapter(
    name="openthoughts",
    read=read,
    rank=31,
    example={
        "conversations": [
            {"from": "user", "value": "What is 2 + 3?"},
            {
                "from": "assistant",
                "value": "<|begin_of_thought|>Add.<|end_of_thought|><|begin_of_solution|>\\boxed{5}<|end_of_solution|>",
            },
        ],
        "problem": "What is 2 + 3?",
        "solution": "\\boxed{5}",
    },
    required=("conversations",),
    schema_source="https://huggingface.co/datasets/open-thoughts/OpenThoughts-114k",
    recognise=lambda row: isinstance(row.get("conversations"), list) and ("problem" in row or "system" in row),
    dataset_hint="openthoughts",
)
