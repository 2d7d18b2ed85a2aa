"""Numbers and labels out of a file, joined to the solutions or problems of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pairforge.errors import RunError, nearest
from pairforge.filters.columns import OWN_COLUMNS, OWN_PREFIXES
from pairforge.filters.expression import RESERVED
from pairforge.records import problem_id
from pairforge.rowfiles import BadRow, read_json_lines
from pairforge.run import Run, score_names, score_record
from pairforge.run.score_files import ScoreKey, ScoreRecord, write_score

By = Literal["sample_key", "problem_id", "question"]
BY: tuple[By, ...] = ("sample_key", "problem_id", "question")
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Joined:
    """What became of the rows of a file.

    `rows` = `matched` + `doubled` + `unmatched` + `empty`. A row is `empty` without a key or a value (null, NaN),
    `unmatched` when the run has nothing with its key, `doubled` when an earlier row had the same key: the first one
    stands, and `conflicting` counts the doubled rows with another value. `scored` of `possible` solutions (or problems)
    of the run have a value. `examples`: keys that matched nothing.
    """

    record: ScoreRecord
    rows: int
    matched: int
    unmatched: int
    doubled: int
    conflicting: int
    empty: int
    possible: int
    examples: tuple[str, ...]


def check_name(run: Run, name: str, columns: Sequence[str] = ()) -> None:
    """Raise `RunError` for a name that cannot name a score, or that rules use for something else.

    `columns` are the columns that the score brings besides the one with its own name.
    """
    run.score_file(name)  # refuses what is no name
    for column in (name, *columns):
        others = [other for other in score_names(run) if other != name and column in score_record(run, other).columns]
        taken = column in OWN_COLUMNS or column in RESERVED or column.startswith(OWN_PREFIXES)
        if taken or others:
            whose = f"the score '{others[0]}' has a column" if others else "rules know a column or a word"
            raise RunError(f"a score cannot have the column '{column}': {whose} of that name", hint="name it otherwise")


def join_scores(
    run: Run, file: Path, name: str, *, column: str | None = None, by: By | None = None, key_column: str | None = None
) -> Joined:
    """Join the values of a file (JSON lines, CSV, parquet) to the run, as the score `name`.

    `column` holds the values (default: the column called like the score). `by` says what the rows are about: the first
    of `sample_key`, `problem_id` and `question` that the file has. `key_column` names its column where that has
    another name. Numbers are stored as floats, texts and true or false as they are. A score of that name from before
    is kept as a version. Raises `RunError` when the file cannot be read, has no such column, or matches nothing.
    """
    check_name(run, name)
    names = column_names(file)
    about = by or next((kind for kind in BY if kind in names), None)
    if about is None:
        there = f"the file has: {', '.join(names)}"
        raise RunError(f"{file} has none of the columns {', '.join(BY)}", hint=f"name one with --by and --key; {there}")
    wanted = (key_column or about, column or name)
    for needed in wanted:
        if needed not in names:
            hint = nearest(needed, names, otherwise=f"the file has: {', '.join(names)}")
            raise RunError(f"{file} has no column '{needed}'", hint=hint)
    rows = read_columns(file, *wanted)
    if about == "question":
        rows = rows.with_columns(pl.Series("key", [None if q is None else problem_id(q) for q in rows["key"]]))
    return store(run, rows, name, about, {"file": file.name, "column": wanted[1], "by": about})


def store(run: Run, rows: pl.DataFrame, name: str, by: By, made_from: dict[str, Any]) -> Joined:
    """Match `rows` (key, value) with what the run holds, and write the score."""
    key: ScoreKey = "sample_key" if by == "sample_key" else "problem_id"
    there = keys_of(run, key)
    full = rows.filter(pl.col("key").is_not_null() & pl.col("value").is_not_null())
    known = full.filter(pl.col("key").is_in(there.implode()))
    unknown = full.filter(~pl.col("key").is_in(there.implode()))["key"]
    first = known.unique("key", keep="first", maintain_order=True)
    conflicting = known.join(first.rename({"value": "stands"}), on="key").filter(pl.col("value") != pl.col("stands"))
    if first.is_empty():
        example = f", '{unknown[0]}' for example" if len(unknown) else ""
        raise RunError(
            f"no row of the file matches the run by {by}{example}",
            hint=f"the run has {len(there):,}, '{there[0]}' for example" if len(there) else "the run is empty",
        )
    counts = {
        "rows": rows.height,
        "matched": first.height,
        "unmatched": len(unknown),
        "doubled": known.height - first.height,
        "conflicting": conflicting.height,
        "empty": rows.height - full.height,
    }
    record = ScoreRecord(name=name, kind="joined", key=key, made_from=made_from, counts=counts)
    record = write_score(run, record, first.rename({"key": key, "value": name}))
    examples = tuple(unknown.unique(maintain_order=True).head(EXAMPLES))
    return Joined(record, **counts, possible=len(there), examples=examples)


def keys_of(run: Run, key: ScoreKey) -> pl.Series:
    """The keys of every stored solution, or the ids of all problems."""
    if key == "problem_id":
        return run.problem_table(["id"])["id"]
    keys = [frame["sample_key"] for frame in run.sample_batches(texts=False)]
    return pl.concat(keys).unique(maintain_order=True) if keys else pl.Series(dtype=pl.String)


# --- files ---------------------------------------------------------------------------------------------------------


def column_names(file: Path) -> list[str]:
    """The columns of a file; of JSON lines, those of the first row. Raises `RunError` for what is no such file."""
    if not file.is_file():
        raise RunError(f"there is no file {file}", hint="name a .jsonl, .csv or .parquet file")
    try:
        if file.suffix == ".parquet":
            return list(pl.read_parquet_schema(file))
        if file.suffix == ".csv":
            return pl.read_csv(file, n_rows=0).columns
    except (pl.exceptions.PolarsError, OSError) as error:
        raise unreadable(file, error) from None
    first = next(iter(read_json_lines(file)), (1, {}))[1]
    if isinstance(first, BadRow):
        raise RunError(f"{file}, line 1: {first.reason}, {first.detail}", hint="name a .jsonl, .csv or .parquet file")
    return list(first)


def read_columns(file: Path, key: str, value: str) -> pl.DataFrame:
    """Two columns of a file as `key` (text) and `value` (a number, a text, or true and false); NaN is null."""
    if file.suffix in (".parquet", ".csv"):
        columns = list({key, value})
        try:
            if file.suffix == ".parquet":
                table = pl.read_parquet(file, columns=columns)
            else:
                text = {key: pl.String}
                table = pl.read_csv(file, columns=columns, infer_schema_length=None, schema_overrides=text)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise unreadable(file, error) from None
        keys, values = table[key], table[value]
    else:
        keys, values = read_json(file, key, value)
    if keys.dtype not in (pl.String, pl.Categorical) and not keys.dtype.is_integer():
        raise RunError(f"{file}: the column '{key}' holds {keys.dtype}, and keys are text")
    if values.dtype.is_numeric():
        values = values.cast(pl.Float64).fill_nan(None)
    elif isinstance(values.dtype, pl.Categorical | pl.Enum):
        values = values.cast(pl.String)
    elif values.dtype not in (pl.String, pl.Boolean):
        raise RunError(f"{file}: the column '{value}' holds {values.dtype}, no numbers or texts")
    return pl.DataFrame({"key": keys.cast(pl.String), "value": values})


def read_json(file: Path, key: str, value: str) -> tuple[pl.Series, pl.Series]:
    """The same of JSON lines. Raises `RunError` naming the line whose value is of another kind than those before."""
    keys: list[str | None] = []
    values: list[Any] = []
    kind: type | None = None
    for number, row in read_json_lines(file):
        if isinstance(row, BadRow):
            raise RunError(f"{file}, line {number}: {row.reason}, {row.detail}", hint="correct or delete that line")
        found = row.get(value)
        its_kind = float if type(found) in (int, float) else type(found)
        if its_kind not in (float, str, bool, type(None)):
            raise RunError(f"{file}, line {number}: '{value}' is {found!r:.60}, no number or text")
        if kind is not None and found is not None and its_kind is not kind:
            raise RunError(
                f"{file}, line {number}: '{value}' is {found!r:.60}, and the values before it are of another kind",
                hint="a score holds numbers only, texts only, or true and false",
            )
        kind = kind if found is None else its_kind
        keys.append(None if row.get(key) is None else str(row[key]))
        values.append(float(found) if kind is float and found is not None else found)
    types: dict[type | None, Any] = {float: pl.Float64, str: pl.String, bool: pl.Boolean, None: pl.Float64}
    return pl.Series(keys, dtype=pl.String), pl.Series(values, dtype=types[kind])


def unreadable(file: Path, error: Exception) -> RunError:
    """The one way to say that a file of scores cannot be read."""
    kind = file.suffix.removeprefix(".")
    return RunError(f"{file} cannot be read as {kind}: {str(error).splitlines()[0]}", hint="is the file complete?")
