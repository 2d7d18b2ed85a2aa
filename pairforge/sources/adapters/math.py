"""MATH and sets of its shape (MATH-500): `problem`, a human `solution` with a box, `level` and `type` or `subject`."""

from __future__ import annotations

from dataclasses import replace

from pairforge.sources.adapters import numina
from pairforge.sources.entry import Adapter, Entry, Row


def read(row: Row) -> Entry:
    meta = {name: row[name] for name in ("level", "type", "subject", "unique_id") if row.get(name) is not None}
    return replace(numina.read(row), meta=meta)


ADAPTER = Adapter(
    name="math",
    read=read,
    rank=91,
    example={"problem": "What is 2 + 3?", "solution": "2 + 3 = 5, so it is \\boxed{5}.", "level": "Level 1"},
    required=("problem", "solution"),
    schema_source="https://github.com/hendrycks/math; https://huggingface.co/datasets/HuggingFaceH4/MATH-500",
    recognise=lambda row: {"problem", "solution", "level"} <= row.keys(),
)
