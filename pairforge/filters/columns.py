"""The columns that `where`, bands and caps may name, gathered for candidates only when something names them."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from pairforge.errors import RuleError
from pairforge.filters.evidence import PROBLEM_COLUMNS, SAMPLE_COLUMNS, Evidence
from pairforge.filters.measures import QUALITY_COLUMNS

LENGTH_COLUMNS = (
    "chosen_tokens", "rejected_tokens", "prompt_tokens", "total_tokens", "gap", "gap_tokens", "ratio", "wrong",
)  # fmt: skip
# Shorter names for some of them.
ALIASES = {"total": "total_tokens", "chosen": "chosen_tokens", "rejected": "rejected_tokens", "difficulty": "pass_rate"}
_INTERNAL = {
    "p", "row", "problem_hash", "sample_hash", "problem_id", "sample_key", "prompt_tokens", "completion_tokens",
    "rejected_completion_tokens",
}  # fmt: skip


OWN_COLUMNS = frozenset(
    {*LENGTH_COLUMNS, *ALIASES, *QUALITY_COLUMNS, *PROBLEM_COLUMNS, *SAMPLE_COLUMNS, *_INTERNAL, "id", "question"}
)
"""Names that mean something in every run: no score may have one of them."""
OWN_PREFIXES = ("chosen_", "rejected_", "mean_", "min_", "max_", "n_", "pass_rate_", "agreement", "meta")
"""How the columns begin that depend on the run: those of the sides, of a problem's solutions, and of the source."""


def known_columns(evidence: Evidence) -> list[str]:
    """All columns of a candidate: its lengths, its problem's columns, and each side's as chosen_X, rejected_X."""
    of_problem = [name for name in evidence.problems.columns if name not in _INTERNAL]
    of_sample = [name for name in evidence.samples.columns if name not in _INTERNAL]
    sides = [f"{side}_{name}" for side in ("chosen", "rejected") for name in of_sample]
    return [*LENGTH_COLUMNS, "problem_id", *of_problem, *sides]


def resolve(name: str, evidence: Evidence, *, key: str) -> str:
    """The column that a name means. Raises `RuleError` listing all columns when there is none."""
    known = known_columns(evidence)
    if name in known:
        return name
    if name in ALIASES:
        return ALIASES[name]
    known += [f"{side}_{column}" for side in ("chosen", "rejected") for column in QUALITY_COLUMNS]
    if name in known:
        raise RuleError(f"{key}: '{name}' was not measured", hint="join `pairforge.filters.measures.quality_table`")
    known = list(dict.fromkeys(known))
    raise RuleError(f"{key}: there is no column '{name}'", hint=f"columns: {', '.join(known)}")


def with_columns(pairs: pl.DataFrame, evidence: Evidence, names: Iterable[str], *, key: str) -> pl.DataFrame:
    """The candidates with the named columns added, each under the name that was asked for.

    Raises `RuleError`, naming the YAML `key`, where there is no such column.
    """
    added = []
    for name in sorted(set(names) - set(pairs.columns)):
        column = resolve(name, evidence, key=key)
        if column in pairs.columns:
            values = pairs[column]
        elif column == "gap_tokens":
            values = pairs["chosen_tokens"] - pairs["rejected_tokens"]
        elif column in evidence.problems.columns:
            values = evidence.problems[column][pairs["p"]]
        else:
            side, _, of_sample = column.partition("_")
            values = evidence.samples[of_sample][pairs[f"{side}_row"]]
        added.append((values.cast(pl.String) if values.dtype == pl.Categorical else values).alias(name))
    return pairs.with_columns(added)
