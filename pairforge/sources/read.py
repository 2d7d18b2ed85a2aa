"""One source as a stream: rows in, problems with their ready-made solutions (or drops) out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pairforge.chat import split_reasoning
from pairforge.errors import SourceError, nearest
from pairforge.records import Drop, Problem, Sample, problem_id
from pairforge.sources.adapters import ADAPTERS
from pairforge.sources.config import SourceConfig
from pairforge.sources.entry import Adapter, Entry, Given, RowDrop, clean, json_safe, shorten
from pairforge.sources.gold import JoinedGold, load_gold, with_joined_gold
from pairforge.sources.rows import NumberedRow, Rows, open_rows

UNKNOWN = "?"  # stands for a ground truth that is not there while an adapter reads the row
PROBE_ROWS = 32  # rows looked at to find the adapter and to see that its columns exist
_BUNDLED_COLUMNS = {"long": "solution"}

Found = tuple[Problem, list[Sample]] | Drop


class SourceStream:
    """Iterate it once: every row comes out as a problem with its given samples, or as a drop.

    `adapter`, `revision`, `name`, `license` (stated by the dataset's own card, else ""), `gold_from` (the dataset
    that answers are joined from) and `notes` (what the user should know about the adapter) are known from the start;
    `rows` counts while it is read.
    """

    def __init__(
        self, config: SourceConfig, source: Rows, gold: JoinedGold | None = None, *, unlabelled: bool = False
    ) -> None:
        self.config = config
        self._unlabelled = unlabelled
        self.name = source.name
        self.revision = source.revision
        self.license = source.license
        self.gold_from = gold.origin() if gold else {}
        self.rows = 0
        self.given_samples = 0  # counted by whoever merges: repeats of one text count once
        self.repeated_given = 0  # those repeats
        numbered = islice(source.rows, config.limit)
        probe = list(islice(numbered, PROBE_ROWS))
        if not probe:
            raise SourceError(f"{self.name} has no rows", hint="check the file, or `split` and `config` of the source")
        self.columns = {**(_BUNDLED_COLUMNS if config.dataset.startswith("pairforge:") else {}), **config.columns}
        seen = [row for _, row in probe if isinstance(row, dict)]
        _check_mapping(self.name, self.columns, seen)
        self._adapter = _choose(config.adapter, self.name, [_rename(row, self.columns) for row in seen], unlabelled)
        self.adapter = self._adapter.name
        self.notes = _notes(self._adapter)
        if config.adapter not in ("auto", "columns") and not config.columns and not _fits(self._adapter, seen):
            other = _other(self._adapter, self.name, seen)
            self.notes += [f"{other}use '{self.adapter}' all the same"] if other else []
        self._gold = gold.answers if gold else {}
        self._numbered: Iterator[NumberedRow] = chain(probe, numbered)

    def __iter__(self) -> Iterator[Found]:
        for number, row in self._numbered:
            self.rows += 1
            yield self._found(number, row)

    def _found(self, number: int, row: dict[str, Any] | RowDrop) -> Found:
        where = f"{self.name}:{number}"
        try:
            if isinstance(row, RowDrop):
                raise row
            renamed = _rename(row, self.columns)
            if "id" in self.columns and renamed.get("id") is not None:
                where = clean(f"{self.name}:{renamed['id']}")
            return self._problem(where, self._checked(self._entry(renamed)))
        except RowDrop as drop:
            return Drop(where, "source", drop.reason, clean(drop.detail))

    def _entry(self, row: dict[str, Any]) -> Entry:
        """What the adapter makes of a row; one whose ground truth is missing, null or blank may be a problem too."""
        column = self._adapter.answer_column
        if not self._unlabelled or not column or str(row.get(column) or "").strip():
            return self._adapter.read(row)
        return replace(self._adapter.read({**row, column: UNKNOWN}), answer="", gold="teacher")

    def _checked(self, entry: Entry) -> Entry:
        """The entry with the best ground truth there is, or a drop when there is none that is trusted."""
        entry = with_joined_gold(entry, self._gold)
        if not entry.question:
            raise RowDrop("no_question", "nothing is left after the instruction")
        if not entry.answer and self._unlabelled:
            return replace(entry, gold="majority")
        if not entry.answer:
            raise RowDrop("no_answer", "the teacher's solution has no boxed answer, and no other gold is known")
        if entry.gold == "teacher" and self.config.teacher_gold == "drop":
            raise RowDrop("teacher_gold", f"only the teacher's own answer {shorten(entry.answer)} is known")
        return entry

    def _problem(self, where: str, entry: Entry) -> tuple[Problem, list[Sample]]:
        identity = problem_id(entry.question)
        problem = Problem(
            identity, entry.question, entry.answer, self.name, entry.gold, (where,), json_safe(entry.meta)
        )
        solutions = entry.given if self.config.solutions == "keep" else ()
        return problem, [_sample(identity, draw, given, self.revision) for draw, given in enumerate(solutions)]


def read_source(config: SourceConfig, *, base_dir: Path, unlabelled: bool = False) -> SourceStream:
    """Open a source. Relative paths are taken from `base_dir` (the recipe's folder).

    `unlabelled` keeps problems without ground truth, with the answer "".

    Raises `SourceError` when it cannot be found or read, has no rows, or lacks the columns its adapter needs.
    """
    source = open_rows(
        config.dataset,
        config=config.config,
        split=config.split,
        revision=config.revision,
        base_dir=base_dir,
        origins=config.origins,
        limit=config.limit,
    )
    gold = load_gold(config.gold_from, base_dir=base_dir) if config.gold_from else None
    return SourceStream(config, source, gold, unlabelled=unlabelled)


def _sample(problem: str, draw: int, given: Given, revision: str) -> Sample:
    parts = split_reasoning(given.text)
    return Sample(
        problem_id=problem,
        draw=draw,
        origin="given",
        text=given.text,
        thought=parts.thought,
        answer_text=parts.answer,
        model=given.model,
        revision=revision,
        side=given.side,
        finish_reason="given" if given.complete and parts.closed else "length",
    )


def _rename(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """The row under the names the adapter knows; columns the mapping takes keep their own name too."""
    return {**row, **{name: row[column] for name, column in columns.items() if column in row}}


def _check_mapping(source: str, columns: Mapping[str, str], probe: list[dict[str, Any]]) -> None:
    known = {column for row in probe for column in row}
    for name, column in columns.items():
        if probe and column not in known:
            raise SourceError(
                f"{source}: `columns` maps {name} to '{column}', which the data does not have. {_show(probe[0])}",
                hint=nearest(column, known, otherwise="name one of these columns"),
            )


def _choose(name: str, source: str, probe: list[dict[str, Any]], unlabelled: bool) -> Adapter:
    """The adapter asked for, or the one that recognises the rows."""
    if name != "auto":
        if name not in ADAPTERS:
            hint = nearest(name, ADAPTERS, otherwise=f"one of: auto, {', '.join(ADAPTERS)}")
            raise SourceError(f"{source}: there is no adapter '{name}'", hint=hint)
        return _with_columns(ADAPTERS[name], source, probe, unlabelled)
    if fitting := _fitting(source, probe):
        return fitting
    shown = _show(probe[0]) if probe else "None of its first rows can be read."
    if probe and {"question", "solution", "answer"} <= probe[0].keys():
        hint = "its solutions are short. Say what they are: `adapter: limo` takes them as the long side, "
        hint += "`adapter: columns` with `columns: {short: solution}` as ready-made rejected ones"
    else:
        hint = "set `adapter: columns` with `columns: {question: <column>, answer: <column>, long: <column>}`"
    raise SourceError(f"{source}: `adapter: auto` does not recognise this schema. {shown}", hint=hint)


def _fitting(source: str, probe: list[dict[str, Any]]) -> Adapter | None:
    """The adapter that recognises the rows, by its rank; one that knows the dataset's name comes first."""
    fitting = [adapter for adapter in ADAPTERS.values() if _fits(adapter, probe)]
    named = [adapter for adapter in fitting if adapter.dataset_hint and adapter.dataset_hint in source.lower()]
    return next(iter(named or fitting), None)


def _fits(adapter: Adapter, probe: list[dict[str, Any]]) -> bool:
    """Whether an adapter recognises at least half of the rows."""
    if adapter.recognise is None or not probe:
        return False
    return 2 * sum(map(adapter.recognise, probe)) >= len(probe)


def _notes(adapter: Adapter) -> list[str]:
    if adapter.schema_source:
        return []
    return [f"the schema behind the adapter '{adapter.name}' could not be confirmed in public: look at a few rows"]


def _with_columns(adapter: Adapter, source: str, probe: list[dict[str, Any]], unlabelled: bool) -> Adapter:
    known = {column for row in probe for column in row} | ({adapter.answer_column} if unlabelled else set())
    missing = [column for column in adapter.required if column not in known]
    if probe and missing:
        raise SourceError(
            f"{source}: the adapter '{adapter.name}' needs the column '{missing[0]}'. {_show(probe[0])}",
            hint=f"{_other(adapter, source, probe)}say which column it is: `columns: {{{missing[0]}: <column>}}`",
        )
    return adapter


def _other(adapter: Adapter, source: str, probe: list[dict[str, Any]]) -> str:
    """The adapter that would read the rows, and by what it knows them; "" where none does."""
    fitting = _fitting(source, probe)
    if fitting is None or fitting is adapter:
        return ""
    return f"`adapter: {fitting.name}` reads these rows: they have its columns {', '.join(fitting.required)}. Or "


def _show(row: Mapping[str, Any]) -> str:
    cells = ", ".join(f"{name}: {shorten(value, 40)}" for name, value in row.items())
    return f"Its columns: {', '.join(row)}. Its first row: {{{shorten(cells, 400)[1:-1]}}}"
