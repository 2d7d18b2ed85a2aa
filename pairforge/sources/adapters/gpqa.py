"""Idavidrein/gpqa: a question with one right and three wrong answers, asked as a choice of letters.

The order of the four is drawn from the question itself, so it is the same on every machine and in every run.
"""

from __future__ import annotations

import hashlib
import random

from pairforge.sources.entry import Adapter, Entry, Row, text

LETTERS = "ABCD"
COLUMNS = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


def read(row: Row) -> Entry:
    question = text(row, "Question", "no_question")
    options = [text(row, column, "no_answer") for column in COLUMNS]
    order = list(range(len(options)))
    random.Random(hashlib.sha256(question.encode()).digest()).shuffle(order)
    lines = [f"{letter}) {options[at]}" for letter, at in zip(LETTERS, order, strict=True)]
    asked = "\n".join([question, "", *lines, "", "Give the letter of the right answer."])
    return Entry(asked, LETTERS[order.index(0)])


ADAPTER = Adapter(
    name="gpqa",
    read=read,
    rank=20,
    example={
        "Question": "Which one is even?",
        "Correct Answer": "2",
        "Incorrect Answer 1": "1",
        "Incorrect Answer 2": "3",
        "Incorrect Answer 3": "5",
    },
    required=("Question", *COLUMNS),
    schema_source="https://huggingface.co/datasets/Idavidrein/gpqa",
    recognise=lambda row: {"Question", *COLUMNS} <= row.keys(),
)
