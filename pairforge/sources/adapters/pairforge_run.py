"""Another run of pairforge: its problems with their ground truth, and its solutions, given and sampled, as given ones.

`sources.dataset` names the run directory and `origins` whose solutions are taken; `pairforge.sources.run_rows` makes
the rows. Statuses are not taken: every solution is judged anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from pairforge.records import GOLDS, SIDES, Gold, Side
from pairforge.sources.entry import Adapter, Entry, Given, Row, RowDrop, many, optional_text, shorten, text

_GOLDS: dict[object, Gold] = {gold: gold for gold in GOLDS}
_SIDES: dict[object, Side] = {side: side for side in SIDES}


def read(row: Row) -> Entry:
    question, answer = text(row, "question", "no_question"), text(row, "answer", "no_answer")
    meta = row.get("meta")
    gold = _GOLDS.get(row.get("gold"), "dataset")
    return Entry(question, answer, tuple(solutions(row)), gold, dict(meta) if isinstance(meta, dict) else {})


def solutions(row: Row) -> Iterator[Given]:
    for solution in many(row.get("solutions")):
        if not isinstance(solution, dict):
            raise RowDrop("no_solution", f"'solutions' holds {shorten(solution)}")
        written = optional_text(solution, "text")
        if written:
            side = _SIDES.get(solution.get("side"), "any")
            yield Given(written, side, optional_text(solution, "model"), solution.get("complete") is not False)


ADAPTER = Adapter(
    name="pairforge-run",
    read=read,
    rank=18,
    example={
        "question": "What is 2 + 3?",
        "answer": "5",
        "gold": "dataset",
        "solutions": [
            {"text": "<think>\n2 + 3 = 5.\n</think>\n\nIt is \\boxed{5}.", "origin": "given", "model": "teacher"},
            {"text": "It is \\boxed{5}.", "origin": "sampled", "model": "small", "side": "any", "complete": True},
        ],
    },
    required=("question", "answer", "solutions"),
    schema_source="docs/sources.md, 'Another run'",
    recognise=lambda row: {"question", "answer", "solutions"} <= row.keys(),
)
