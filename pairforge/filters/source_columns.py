"""The source's own columns of the problems (`meta`), as typed columns that rules can name.

Every key of `meta` becomes the column `meta.<key>`. Its type is the one that all its values have: true or false,
integer, number or text. Where the types differ, and for lists and mappings, the values are JSON text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

import polars as pl

PREFIX = "meta."
MOST_COLUMNS = 200  # a source with a key per row would make as many columns as it has rows
_INTEGERS = range(-(2**63), 2**63)


def source_columns(metas: Iterable[tuple[str, str]]) -> tuple[pl.DataFrame, dict[str, str]]:
    """The columns of many problems, from (problem id, `meta` as JSON text), and notes on columns by name.

    The table has `problem_id` and the columns sorted by name; a problem without a value has null. A note says that the
    types of a column differ, or (under "meta") that keys were left out.
    """
    ids: list[str] = []
    values: dict[str, dict[int, Any]] = {}
    for at, (problem, text) in enumerate(metas):
        ids.append(problem)
        for name, value in json.loads(text or "{}").items():
            if value is not None and not (isinstance(value, float) and not math.isfinite(value)):
                values.setdefault(name, {})[at] = value
    kept = sorted(sorted(values, key=lambda name: (-len(values[name]), name))[:MOST_COLUMNS])
    notes = {}
    if len(values) > len(kept):
        notes["meta"] = f"meta has {len(values):,} keys: the {MOST_COLUMNS} most frequent are columns"
    columns: dict[str, pl.Series] = {"problem_id": pl.Series(ids, dtype=pl.String)}
    for name in kept:
        own = values.pop(name)
        kinds = {_kind(value) for value in own.values()}
        kind = _common(kinds)
        if kind == pl.String and kinds != {"text"}:
            own = {at: value if isinstance(value, str) else json.dumps(value) for at, value in own.items()}
        if kind == pl.String and len(kinds) > 1:
            notes[f"{PREFIX}{name}"] = f"{PREFIX}{name} holds {' and '.join(sorted(kinds))}: it is read as text"
        columns[f"{PREFIX}{name}"] = pl.Series([own.get(at) for at in range(len(ids))], dtype=kind)
    return pl.DataFrame(columns), notes


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "integers" if value in _INTEGERS else "numbers"
    if isinstance(value, float):
        return "numbers"
    return "text" if isinstance(value, str) else "lists or mappings"


def _common(kinds: set[str]) -> type[pl.DataType]:
    """The type of a column with values of these kinds."""
    if kinds == {"true or false"}:
        return pl.Boolean
    if kinds == {"integers"}:
        return pl.Int64
    return pl.Float64 if kinds <= {"integers", "numbers"} else pl.String
