"""Scores of a run: `scores/<name>.parquet`, a value per solution or per problem, with its record inside the file.

The record lies in the parquet file's own metadata, so that a score and what it was made from are replaced as one.
"""

from __future__ import annotations

import json
import shutil
from typing import Literal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pydantic
from pydantic import Field

from pairforge.errors import RunError
from pairforge.records import digest
from pairforge.run.atomic import replacing, write_text
from pairforge.run.layout import Layout
from pairforge.run.log import read_log
from pairforge.run.manifest import Stored

ScoreKey = Literal["sample_key", "problem_id"]
DETAIL = "detail"
"""A column of explanations: why there is no value. Rules do not read it."""
_RECORD = b"pairforge.score"


class ScoreRecord(Stored):
    """What a score was made from.

    `kind`: joined, logprob, judge or reward. `key` says whether it has a value per solution (`sample_key`) or per
    problem (`problem_id`). `columns` are its columns besides the key: the first one has the score's own name, the
    others begin with it. `made_from` holds what decides the values (a file and its column, a model, a prompt), `counts`
    what became of the rows. `rows` is the number of stored rows, `digest` identifies keys and values.
    """

    name: str
    kind: str = "joined"
    key: ScoreKey = "sample_key"
    columns: tuple[str, ...] = ()
    made_from: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
    rows: int = 0
    digest: str = ""


def score_names(run: Layout) -> list[str]:
    """The scores of a run, by name. Earlier versions, which have their digest in the file name, are not among them."""
    return sorted(file.stem for file in run.scores_folder.glob("*.parquet") if "." not in file.stem)


def score_record(run: Layout, name: str) -> ScoreRecord:
    """The record of a score. Raises `RunError` when there is no such score, or when its file is damaged."""
    file = run.score_file(name)
    if not file.exists():
        there = ", ".join(score_names(run)) or "none yet"
        raise RunError(f"{run.path}: there is no score '{name}'", hint=f"scores: {there}")
    try:
        return ScoreRecord.model_validate_json((pq.read_schema(file).metadata or {})[_RECORD])
    except (pa.ArrowException, OSError, KeyError, pydantic.ValidationError) as error:
        said = str(error).splitlines()[0]
        hint = "restore it from a backup, or delete it and score again"
        raise RunError(f"{file} is damaged: {said}", hint=hint) from None


def read_score(run: Layout, name: str) -> pl.DataFrame:
    """The values of a score: its key and its columns."""
    record = score_record(run, name)
    return pl.read_parquet(run.score_file(name), columns=[record.key, *record.columns])


def write_score(run: Layout, record: ScoreRecord, table: pl.DataFrame) -> ScoreRecord:
    """Store a score; returns the record with its digest. Another one of that name, with its values made from something
    else, is kept as `<name>.<digest>.parquet`.

    `table`: the record's key, its columns, and `DETAIL` where there are explanations. It is sorted by the key, so that
    equal values give equal files.
    """
    columns = tuple(name for name in table.columns if name not in (record.key, DETAIL))
    table = table.sort(record.key)
    identity = digest([record.key, table.select(record.key, *columns).to_dict(as_series=False)])
    record = record.model_copy(update={"columns": columns, "rows": table.height, "digest": identity})
    file = run.score_file(record.name)
    if file.exists():
        old = score_record(run, record.name)
        grown = old.kind == record.kind != "joined" and old.made_from == record.made_from
        if old.digest != identity and not grown:
            keep_version(run, old)
    stored = table.to_arrow().replace_schema_metadata({_RECORD: record.model_dump_json().encode()})
    with replacing(file) as temporary:
        pq.write_table(stored, temporary, compression="zstd")
    return record


def keep_version(run: Layout, record: ScoreRecord) -> None:
    """Keep the present version of a score beside it, under its digest."""
    with replacing(run.score_version_file(record.name, record.digest)) as temporary:
        shutil.copyfile(run.score_file(record.name), temporary)


def forget_given(run: Layout) -> None:
    """Take the given solutions out of every score: the sources are read again, and may number them otherwise."""
    forget_scores(run, pl.col("sample_key").str.split("/").list.get(1) != "given")


def forget_scores(run: Layout, keep: pl.Expr) -> None:
    """Keep the scores of those solutions only for which the condition on `sample_key` holds."""
    for name in score_names(run):
        record = score_record(run, name)
        if record.key != "sample_key":
            continue
        table = pl.read_parquet(run.score_file(name))
        kept = table.filter(keep)
        if kept.height < table.height:
            keep_version(run, record)
            write_score(run, record, kept)
    for log in run.scores_folder.glob("*.jsonl"):
        rows = list(read_log(log))
        stays = pl.DataFrame({"sample_key": [row.get("sample_key", "/") for row in rows]}).select(keep).to_series()
        lines = (json.dumps(row) + "\n" for row, stay in zip(rows, stays, strict=True) if stay)
        write_text(log, "".join(lines))
