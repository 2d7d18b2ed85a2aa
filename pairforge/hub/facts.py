"""The numbers a card tells about one view: small pure functions over its pairs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from pairforge.filters.summary import COLUMNS, MEASURES, QUANTILES, ViewSummary, summarise
from pairforge.hub.redact import published_text
from pairforge.rowfiles import iter_rows
from pairforge.run import Run, ViewRecord, read_view

QUANTILE_NAMES = {"p5": 0.05, "p50": 0.5, "p95": 0.95}
EXAMPLE_CHARACTERS = 280
BARS = 12


def view_facts(run: Run, view: str) -> dict[str, Any]:
    """Everything a card says about a view: its record, and what `pairs.parquet` adds to it."""
    folder, record = run.view(view), read_view(run, view)
    file = folder / "pairs.parquet"
    summary = record if record.complete else summarise(read_columns(file, list(COLUMNS)))

    def column(name: str) -> pl.Series:
        return read_columns(file, [name])[name]  # one at a time: a million pairs' columns together would be large

    return {
        **record.model_dump(mode="json", include=_FROM_RECORD),
        "pairs": summary.pairs,
        "problems": summary.problems,
        "lengths": {name: lengths(summary, name) for name in MEASURES},
        "gap_histogram": histogram(column("gap_tokens")),
        "wrong_share": round(summary.wrong_share or 0.0, 4),
        "gold": counts(column("gold")),
        "sources": counts(column("source")),
        "statuses": counts(column("chosen_status") + " / " + column("rejected_status")),
        "chosen_models": counts(column("chosen_model")),
        "rejected_models": counts(column("rejected_model")),
        "picks": counts(column("pick")),
        "draws": spread(column("draws")),
        "difficulty": [one.sentence() for one in record.difficulty],
        "undecided_notes": record.undecided.sentences(),
        "drops": drop_reasons(folder / "drops.parquet"),
        "separability": surface_facts(record),
        "example": example(file),
    }


_FROM_RECORD = {
    "view",
    "pairforge",
    "digest",
    "seed",
    "filter",
    "format",
    "tokenizer",
    "scores",
    "funnel",
    "shortfall",
    "notes",
}


def read_columns(file: Path, names: list[str]) -> pl.DataFrame:
    """Some columns of a parquet file, without mapping the rest of it into memory."""
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        return pl.DataFrame(pl.from_arrow(parquet.read(columns=names)))


def lengths(summary: ViewSummary, measure: str) -> dict[str, float] | None:
    """Mean, three quantiles, smallest and largest of a measure; None without pairs."""
    low, high = summary.ranges[measure]
    known = dict(zip(QUANTILES, summary.quantiles[measure], strict=True))
    quantiles = {name: known[q] for name, q in QUANTILE_NAMES.items()}
    figures = {"mean": summary.means[measure], **quantiles, "min": low, "max": high}
    return {name: round(value, 3) for name, value in figures.items() if value is not None} or None


def spread(values: pl.Series) -> dict[str, float] | None:
    """Mean, three quantiles, smallest and largest; None without values."""
    known = values.drop_nulls()
    if not known.len():
        return None
    quantiles = {name: known.quantile(q, "linear") for name, q in QUANTILE_NAMES.items()}
    figures = {"mean": known.mean(), **quantiles, "min": known.min(), "max": known.max()}
    return {name: round(float(value), 3) for name, value in figures.items()}  # type: ignore[arg-type]


def counts(values: pl.Series) -> dict[str, int]:
    """How often each value occurs, the most frequent first; values that are local paths under their published name."""
    table = values.alias("value").to_frame().group_by("value").len().sort(["len", "value"], descending=[True, False])
    found: Counter[str] = Counter()
    for value, n in table.iter_rows():
        found[published_text(str(value))] += int(n)
    return dict(found)


def histogram(values: pl.Series, bars: int = BARS) -> list[tuple[int, int, int]]:
    """(from, to, count) in equal steps from the smallest value to the 99th percentile; the last bar takes the rest."""
    if not values.len():
        return []
    low, high = int(values.min()), int(values.quantile(0.99, "nearest"))  # type: ignore[arg-type]
    step = max(1, -(-(high - low + 1) // bars))
    bar = ((values - low) // step).clip(0, (high - low) // step)
    found = dict(bar.alias("bar").to_frame().group_by("bar").len().iter_rows())
    last = max(found)
    return [
        (low + i * step, int(values.max()) if i == last else low + (i + 1) * step - 1, int(found.get(i, 0)))  # type: ignore[arg-type]
        for i in range(last + 1)
    ]


def drop_reasons(file: Path) -> dict[str, dict[str, int]]:
    """stage -> reason -> how many problems or source rows ended there."""
    table = read_columns(file, ["stage", "reason"]).group_by("stage", "reason").len()
    reasons: dict[str, dict[str, int]] = {}
    for stage, reason, n in table.sort(["stage", "len", "reason"], descending=[False, True, False]).iter_rows():
        reasons.setdefault(stage, {})[reason] = int(n)
    return reasons


def surface_facts(record: ViewRecord) -> list[dict[str, Any]]:
    """How well the form of a text alone tells chosen from rejected, as the view measured it."""
    return [
        {key: round(value, 3) if isinstance(value, float) else value for key, value in test.model_dump().items()}
        for test in record.separability or ()
    ]


def example(file: Path) -> dict[str, Any] | None:
    """The first row, long texts shortened in the middle; None for an empty view."""
    row = next(iter(iter_rows(file)), None)
    return None if row is None else shortened(row)


def shortened(value: Any) -> Any:
    """A JSON-like value whose long texts keep their beginning and their end."""
    if isinstance(value, dict):
        return {key: shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shortened(inner) for inner in value]
    if isinstance(value, str) and len(value) > EXAMPLE_CHARACTERS:
        half = EXAMPLE_CHARACTERS // 2
        return f"{value[:half]} [... {len(value) - 2 * half:,} characters ...] {value[-half:]}"
    return value
