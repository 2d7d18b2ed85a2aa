"""The numbers of a view: what the report and the figures show."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pairforge.filters.summary import ViewSummary, summarise
from pairforge.run.view_record import FunnelStep

BINS = 40
PASS_RATE_BINS = 11
MOST_VALUES = 20  # of a number, before it is shown in bins


@dataclass(frozen=True, slots=True)
class ValueShare:
    """One value of a column: its share of the pairs and of all problems."""

    value: str
    pairs: int
    pair_share: float
    problem_share: float


@dataclass(frozen=True, slots=True)
class ViewStatistics:
    """The summary of one view, and the counts and histograms of its figures. Lengths are the student's tokens.

    `gap_by_pass_rate`: (pass rate, lower quartile, median, upper quartile of the gap, pairs), easy problems last.
    `drops`: (stage, reason, count), the most frequent first. `sources` are the shares by source, `columns` those by the
    values of other columns of the problems; a number of many values is in bins.
    """

    summary: ViewSummary
    all_problems: int
    funnel: Sequence[FunnelStep]
    drops: list[tuple[str, str, int]]
    sources: list[ValueShare] = field(default_factory=list)
    columns: dict[str, list[ValueShare]] = field(default_factory=dict)
    length_edges: list[float] = field(default_factory=list)
    chosen_lengths: list[int] = field(default_factory=list)
    rejected_lengths: list[int] = field(default_factory=list)
    gap_edges: list[float] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    gap_by_pass_rate: list[tuple[float, float, float, float, int]] = field(default_factory=list)


def view_statistics(
    pairs: pl.DataFrame,
    drops: pl.DataFrame,
    problems: pl.DataFrame,
    funnel: Sequence[FunnelStep],
    columns: Sequence[str] = (),
) -> ViewStatistics:
    """`pairs`: what `summarise` needs. `drops`: stage, reason. `problems`: problem_id, source, pass_rate, `columns`."""
    counted = drops.group_by("stage", "reason").len("n").sort("n", "reason", descending=[True, False])
    edges = _log_edges(pairs["chosen_tokens"], pairs["rejected_tokens"])
    gap_edges = _edges(pairs["gap_tokens"])
    return ViewStatistics(
        summary=summarise(pairs),
        all_problems=problems.height,
        funnel=funnel,
        drops=[(str(stage), str(reason), int(n)) for stage, reason, n in counted.iter_rows()],
        sources=_shares(pairs, problems, "source"),
        columns={name: _shares(pairs, _in_bins(problems, name), name) for name in columns},
        length_edges=edges,
        chosen_lengths=_histogram(pairs["chosen_tokens"], edges),
        rejected_lengths=_histogram(pairs["rejected_tokens"], edges),
        gap_edges=gap_edges,
        gaps=_histogram(pairs["gap_tokens"], gap_edges),
        gap_by_pass_rate=_gap_by_pass_rate(pairs, problems),
    )


def _shares(pairs: pl.DataFrame, problems: pl.DataFrame, column: str) -> list[ValueShare]:
    """The shares of a column's values, the most frequent among the pairs first."""
    values = problems.select("problem_id", value=pl.col(column))
    paired = pairs.select("problem_id").join(values, on="problem_id", how="left")
    mine = dict(paired.group_by("value").len().iter_rows())
    everything = dict(values.group_by("value").len().iter_rows())
    rows = [
        ValueShare(
            "unknown" if value is None else str(value),
            mine.get(value, 0),
            mine.get(value, 0) / max(pairs.height, 1),
            n / max(problems.height, 1),
        )
        for value, n in everything.items()
    ]
    return sorted(rows, key=lambda row: (-row.pairs, row.value))


def _in_bins(problems: pl.DataFrame, column: str) -> pl.DataFrame:
    """The problems with a numeric column of many values as the text of its fifth ("1 to 4.5")."""
    values = problems[column]
    if not values.dtype.is_numeric() or values.n_unique() <= MOST_VALUES:
        return problems
    fifths = [float(values.quantile(share, "lower") or 0) for share in (0.2, 0.4, 0.6, 0.8)]
    edges = sorted(set(fifths))
    ends = [float(values.min()), *edges, float(values.max())]  # type: ignore[arg-type]  # numbers, as was asked above
    names = [f"{low:g} to {high:g}" for low, high in itertools.pairwise(ends)]
    return problems.with_columns(values.cut(edges, labels=names).cast(pl.String).alias(column))


def _gap_by_pass_rate(pairs: pl.DataFrame, problems: pl.DataFrame) -> list[tuple[float, float, float, float, int]]:
    rated = pairs.select("problem_id", "gap_tokens").join(
        problems.select("problem_id", "pass_rate"), on="problem_id", how="left"
    )
    steps = PASS_RATE_BINS - 1
    binned = rated.filter(pl.col("pass_rate").is_not_null()).with_columns(
        bin=(pl.col("pass_rate") * steps).round() / steps
    )
    gap = pl.col("gap_tokens")
    quartiles = binned.group_by("bin").agg(
        low=gap.quantile(0.25, "linear"), middle=gap.median(), high=gap.quantile(0.75, "linear"), n=pl.len()
    )
    return [tuple(row) for row in quartiles.sort("bin").iter_rows()]


def _log_edges(*lengths: pl.Series) -> list[float]:
    values = np.concatenate([series.to_numpy() for series in lengths])
    if not len(values):
        return [1.0, 2.0]
    low, high = max(values.min(), 1), max(values.max(), 2)
    return [float(edge) for edge in np.geomspace(low * 0.999, high * 1.001, BINS + 1)]


def _edges(values: pl.Series) -> list[float]:
    """Equal bins over the inner 99.5 %, so that one outlier does not flatten the rest; ends are open."""
    if not len(values):
        return [0.0, 1.0]
    low, high = np.quantile(values.to_numpy(), [0.0025, 0.9975])
    return [float(edge) for edge in np.linspace(low, max(high, low + 1), BINS + 1)]


def _histogram(values: pl.Series, edges: Sequence[float]) -> list[int]:
    inside = np.clip(values.to_numpy(), edges[0], edges[-1])
    return [int(n) for n in np.histogram(inside, bins=np.asarray(edges))[0]]
