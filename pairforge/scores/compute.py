"""Scores that are computed, one solution after another: each value is durable at once, and a resume goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import polars as pl

from pairforge.errors import RunError
from pairforge.run import Run, ScoreRecord
from pairforge.run.log import AppendLog, read_log
from pairforge.run.score_files import DETAIL, keep_version, score_record, write_score

ScoreStatus = Literal["scored", "unreadable", "error"]
MadeFrom = Mapping[str, str | int | float | bool | None]


class Keyed(Protocol):
    """Anything to score: `key` is the solution's."""

    @property
    def key(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Scored:
    """The values of one solution, by the end of their column's name ("" is the score itself).

    `status`: "scored", "unreadable" (an answer came, and holds no value) or "error" (it is tried again by a resume);
    `detail` explains.
    """

    key: str
    values: dict[str, float | None] = field(default_factory=dict)
    status: ScoreStatus = "scored"
    detail: str = ""


Item = TypeVar("Item", bound=Keyed, contravariant=True)


class Scorer(Protocol[Item]):
    """Gives values to solutions, with room for `window` at a time. `endings` are the columns it fills."""

    window: int
    endings: tuple[str, ...]

    @property
    def in_flight(self) -> int: ...

    def submit(self, item: Item, /) -> None: ...

    def poll(self, timeout_s: float) -> list[Scored]: ...


@dataclass(frozen=True, slots=True)
class Work:
    """A score to compute: its name, its kind, what its values are made from, and the columns it will have."""

    run: Run
    name: str
    kind: Literal["logprob", "judge", "reward"]
    made_from: dict[str, str | int | float | bool | None]
    endings: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the score: its own name, further values, and the status."""
        return tuple(column_name(self.name, ending) for ending in (*self.endings, "status"))

    def done(self) -> set[str]:
        """The keys that have a value. Raises `RunError` when the score of that name is made from something else."""
        keys: set[str] = set()
        if self.run.score_file(self.name).exists():
            record = score_record(self.run, self.name)
            self.check(record.kind, record.made_from)
            keys |= finished(pl.read_parquet(self.run.score_file(self.name)), self.name)
        for row in self.logged():
            (keys.add if row["status"] != "error" else keys.discard)(row["sample_key"])
        return keys

    def logged(self) -> Iterator[dict[str, Any]]:
        """The rows of the log that an interrupted computation left."""
        rows = read_log(self.run.score_log_file(self.name))
        head = next(rows, None)
        if head is not None:
            self.check(head.get("kind"), head.get("made_from", {}))
        yield from rows

    def check(self, kind: str | None, made_from: MadeFrom) -> None:
        """Raise `RunError` unless a stored score was made as this one is to be."""
        if (kind, dict(made_from)) == (self.kind, self.made_from):
            return
        names = sorted({*made_from, *self.made_from})
        differ = [n for n in names if made_from.get(n) != self.made_from.get(n)] if kind == self.kind else ["its kind"]
        raise RunError(
            f"the score '{self.name}' was made otherwise: {', '.join(differ)} differ",
            hint="choose another --name, or pass --replace (the old values are kept as a version)",
        )

    def open_log(self) -> AppendLog:
        """The log, which begins with what the values are made from."""
        new = not any(True for _ in read_log(self.run.score_log_file(self.name)))
        log = AppendLog(self.run.score_log_file(self.name))
        if new:
            log.append({"kind": self.kind, "made_from": self.made_from})
        return log

    def compact(self) -> ScoreRecord:
        """Turn the log into the score's parquet file; returns its record. A crash in between loses nothing."""
        table = rows_table(self.logged(), self)
        if self.run.score_file(self.name).exists():
            before = pl.read_parquet(self.run.score_file(self.name))
            table = pl.concat([before, table], how="vertical_relaxed").unique("sample_key", keep="last")
        statuses = table[column_name(self.name, "status")].value_counts(name="n", sort=True)
        counts = {str(status): int(n) for status, n in statuses.iter_rows()}
        record = ScoreRecord(name=self.name, kind=self.kind, made_from=self.made_from, counts=counts)
        record = write_score(self.run, record, table)
        self.run.score_log_file(self.name).unlink(missing_ok=True)
        return record

    def set_aside(self) -> None:
        """Make room for other values under the same name: what there is becomes a version."""
        self.run.score_log_file(self.name).unlink(missing_ok=True)
        if self.run.score_file(self.name).exists():
            keep_version(self.run, score_record(self.run, self.name))
            self.run.score_file(self.name).unlink()


def compute(work: Work, items: Iterator[Item], scorer: Scorer[Item], on_done: Callable[[int], None]) -> ScoreRecord:
    """Score the items, each value durable at once, and make the score's file; on an interruption too.

    Raises what the scorer raises when it can go on no more (`EngineError`); what it finished is kept.
    """
    number = 0
    try:
        with work.open_log() as log:
            while True:
                while scorer.in_flight < scorer.window and (item := next(items, None)) is not None:
                    scorer.submit(item)
                if not scorer.in_flight:
                    break
                for scored in scorer.poll(1.0):
                    log.append(as_row(scored))
                    number += 1
                    on_done(number)
    finally:
        record = work.compact()
    return record


def as_row(scored: Scored) -> dict[str, Any]:
    """One line of the log."""
    return {"sample_key": scored.key, **scored.values, "status": scored.status, DETAIL: scored.detail}


def rows_table(rows: Iterator[dict[str, Any]], work: Work) -> pl.DataFrame:
    """The rows of a log as the columns of the score; of a solution with several rows, the last."""
    names = {ending: column_name(work.name, ending) for ending in (*work.endings, "status")}
    columns: dict[str, list[Any]] = {"sample_key": [], **{name: [] for name in names.values()}, DETAIL: []}
    for row in rows:
        columns["sample_key"].append(row["sample_key"])
        columns[DETAIL].append(row[DETAIL])
        for ending, name in names.items():
            columns[name].append(row.get(ending))
    text = ("sample_key", names["status"], DETAIL)
    types = {name: pl.String if name in text else pl.Float64 for name in columns}
    return pl.DataFrame(columns, schema=types).unique("sample_key", keep="last", maintain_order=True)


def finished(table: pl.DataFrame, name: str) -> set[str]:
    """The keys of a stored score that need no further try."""
    return set(table.filter(pl.col(column_name(name, "status")) != "error")["sample_key"])


def column_name(name: str, ending: str) -> str:
    """The column of a value: the score's own name, or that name and an ending."""
    return f"{name}_{ending}" if ending else name
