"""What identifies evidence, as far as a rule set looks at it: equal fingerprints mean equal results."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from pairforge.filters.evidence import PROBLEM_COLUMNS, SAMPLE_COLUMNS, Evidence
from pairforge.records import digest


class Fingerprints:
    """The fingerprints of one evidence. Each column is hashed once, however many rule sets name it."""

    def __init__(self, evidence: Evidence) -> None:
        self._tables = ((evidence.problems, "problem_hash"), (evidence.samples, "sample_hash"))
        self._known: dict[tuple[int, str], str] = {}

    def of(self, names: Iterable[str]) -> str:
        """The fingerprint of the columns that all evidence has, and of the named ones."""
        wanted = {*PROBLEM_COLUMNS, *SAMPLE_COLUMNS, "rejected_completion_tokens", *names}
        parts = [
            self._column(at, name)
            for at, (table, _) in enumerate(self._tables)
            for name in sorted(wanted & {*table.columns})
        ]
        return digest([pl.__version__, *parts])  # another version of polars may hash otherwise

    def _column(self, at: int, name: str) -> str:
        if (at, name) not in self._known:
            table, key = self._tables[at]
            values = table[name].cast(pl.String) if table[name].dtype == pl.Categorical else table[name]
            rows = pl.DataFrame({"key": table[key], "value": values}).hash_rows(seed=0)
            self._known[at, name] = f"{name}:{len(rows)}:{rows.sum()}"  # a sum: the order of the rows means nothing
        return self._known[at, name]
