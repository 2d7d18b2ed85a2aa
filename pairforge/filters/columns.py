"""The columns that rules may name, gathered for candidates only when something names them.

A name is a column of `known_columns`, or an expression over such columns (see `pairforge.filters.expression`).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from pairforge.errors import RuleError
from pairforge.filters.evidence import PROBLEM_COLUMNS, SAMPLE_COLUMNS, Evidence
from pairforge.filters.expression import parse_expression
from pairforge.filters.measures import QUALITY_COLUMNS
from pairforge.filters.sums import sum_types, with_sums

LENGTH_COLUMNS = {
    "chosen_tokens": "integer", "rejected_tokens": "integer", "prompt_tokens": "integer", "total_tokens": "integer",
    "gap": "integer", "gap_tokens": "integer", "ratio": "number", "wrong": "true or false",
}  # fmt: skip
# Shorter names for some of them.
ALIASES = {"total": "total_tokens", "chosen": "chosen_tokens", "rejected": "rejected_tokens", "difficulty": "pass_rate"}
_INTERNAL = {
    "p", "row", "problem_hash", "sample_hash", "problem_id", "sample_key", "prompt_tokens", "completion_tokens",
    "rejected_completion_tokens",
}  # fmt: skip
_MEASURES = {f"{side}_{column}" for side in ("chosen", "rejected") for column in QUALITY_COLUMNS}


OWN_COLUMNS = frozenset(
    {*LENGTH_COLUMNS, *ALIASES, *QUALITY_COLUMNS, *PROBLEM_COLUMNS, *SAMPLE_COLUMNS, *_INTERNAL, "id", "question"}
)
"""Names that mean something in every run: no score may have one of them."""
OWN_PREFIXES = ("chosen_", "rejected_", "mean_", "min_", "max_", "n_", "pass_rate_", "agreement", "meta")
"""How the columns begin that depend on the run: those of the sides, of a problem's solutions, and of the source."""


def known_columns(evidence: Evidence) -> dict[str, str]:
    """All columns of a candidate and their types in words: its lengths, its problem's columns and sums, and each side's
    columns as chosen_X, rejected_X."""
    of_problem = {name: type_in_words(kind) for name, kind in evidence.problems.schema.items() if name not in _INTERNAL}
    of_sample = {name: type_in_words(kind) for name, kind in evidence.samples.schema.items() if name not in _INTERNAL}
    sides = {f"{side}_{name}": kind for side in ("chosen", "rejected") for name, kind in of_sample.items()}
    return {**LENGTH_COLUMNS, "problem_id": "text", **sum_types(evidence), **of_problem, **sides}


def names_in(text: str) -> set[str]:
    """The columns that a key's text may mean: itself, and those that it names where it is an expression."""
    try:
        return {text, *parse_expression(text).names}
    except RuleError:
        return {text}


def unknown_names(names: Iterable[str], evidence: Evidence) -> set[str]:
    """Those of the names that are no column of the evidence."""
    return set(names) - known_columns(evidence).keys() - ALIASES.keys()


def resolve(name: str, evidence: Evidence, *, key: str) -> str:
    """The column that a name means. Raises `RuleError` listing all columns when there is none."""
    known = known_columns(evidence)
    if name in known:
        return name
    if name in ALIASES:
        return ALIASES[name]
    if name in _MEASURES:
        raise RuleError(f"{key}: '{name}' was not measured", hint="join `pairforge.filters.measures.quality_table`")
    listed = {**known, **dict.fromkeys(sorted(_MEASURES), "measured when named")}
    columns = ", ".join(f"{column} ({kind})" for column, kind in listed.items())
    raise RuleError(f"{key}: there is no column '{name}'", hint=f"columns: {columns}")


def with_columns(pairs: pl.DataFrame, evidence: Evidence, names: Iterable[str], *, key: str) -> pl.DataFrame:
    """The candidates with the named columns added, each under the name that was asked for; an expression gives a column
    under its own text.

    Raises `RuleError`, naming the YAML `key`, where there is no such column or an expression cannot be computed.
    """
    evidence = with_sums(evidence, names)
    for name in sorted(set(names) - set(pairs.columns)):
        known = name in ALIASES or name in known_columns(evidence)
        expression = None if known else parse_expression(name, key=key)
        if expression is not None and not expression.names:
            raise RuleError(f"{key}: '{name}' names no column", hint="write a column, or an expression over columns")
        if expression is None or name in expression.names:
            pairs = pairs.with_columns(_column(pairs, evidence, resolve(name, evidence, key=key)).alias(name))
        else:
            beside = with_columns(pairs, evidence, expression.names, key=key)
            pairs = pairs.with_columns(computed(beside, expression.expr, key=key).alias(name))
    return pairs


def computed(pairs: pl.DataFrame, expression: pl.Expr, *, key: str) -> pl.Series:
    """An expression's value for every candidate. Raises `RuleError`, naming the YAML `key`, where there is none."""
    try:
        return pairs.select(value=expression)["value"]
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise RuleError(f"{key} cannot be computed: {str(error).splitlines()[0]}") from None


def _column(pairs: pl.DataFrame, evidence: Evidence, column: str) -> pl.Series:
    if column in pairs.columns:
        return pairs[column]
    if column == "gap_tokens":
        return pairs["chosen_tokens"] - pairs["rejected_tokens"]
    if column in evidence.problems.columns:
        return evidence.problems[column][pairs["p"]]
    side, _, of_sample = column.partition("_")
    values = evidence.samples[of_sample][pairs[f"{side}_row"]]
    return values.cast(pl.String) if values.dtype == pl.Categorical else values


def type_in_words(kind: pl.DataType) -> str:
    """The type of a column as a recipe's author says it."""
    if kind == pl.Boolean:
        return "true or false"
    if kind.is_numeric():
        return "integer" if kind.is_integer() else "number"
    return "text"
