"""GSM8K's shape: `question`, and an `answer` that holds a human solution ending in `#### <number>`.

The human solution becomes a given *rejected* sample: calculator notes (`<<48/2=24>>`) are taken out and the last
line is written as a box, so that it reads like any other short solution. A `long` column, where someone added
one, becomes a given long sample.
"""

from __future__ import annotations

import re

from pairforge.sources.adapters.columns import given
from pairforge.sources.entry import Adapter, Entry, Given, Row, RowDrop, text
from pairforge.verifier.extract.answer import read_gold

_NOTES = re.compile(r"<<[^<>\n]*>>")


def read(row: Row) -> Entry:
    question = text(row, "question", "no_question")
    solution = text(row, "answer", "no_answer")
    answer = read_gold(solution) if "####" in solution else None
    if answer is None:
        raise RowDrop("no_answer", "the solution has no '#### <answer>' line")
    working = _NOTES.sub("", solution.rpartition("####")[0]).strip()
    short = Given(f"{working}\nThe answer is \\boxed{{{answer}}}.", side="rejected", model="human")
    return Entry(question, answer, (*given(row), short))


ADAPTER = Adapter(
    name="gsm8k",
    read=read,
    rank=32,
    example={"question": "What is 2 + 3?", "answer": "2 + 3 = <<2+3=5>>5\n#### 5"},
    required=("question", "answer"),
    schema_source="https://github.com/openai/grade-school-math",
    recognise=lambda row: isinstance(row.get("answer"), str) and "####" in row["answer"] and "question" in row,
)
