"""Which dataset to read, and how: plain values, so that no recipe object reaches this layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class GoldJoin:
    """Where ground truth comes from when the dataset has none: another dataset, joined on the normalised question.

    `question` and `answer` name columns of that dataset; an answer column may hold a whole solution (its box or
    joined boxes, or its `####` line, are taken).
    """

    dataset: str
    question: str = "problem"
    answer: str = "solution"
    config: str | None = None
    split: str = "train"
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source of problems and ready-made solutions.

    `dataset`: a Hub id, a local dataset folder, a jsonl, json or parquet file, `pairforge:demo` or
    `pairforge:demo-eval`. `columns` maps a name the adapter knows to the name the data uses, for example
    `{"question": "prompt", "long": "trace"}`. `limit` bounds the rows read.

    Ground truth: the dataset's own; else joined `gold_from` another dataset; else, as the last resort and marked as
    such, the teacher's boxed answer (`teacher_gold="drop"` refuses that). `only_known` takes from this source only
    what belongs to problems of the sources before it: short solutions for long ones, say.
    """

    dataset: str
    adapter: str = "auto"
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    limit: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    gold_from: GoldJoin | None = None
    teacher_gold: Literal["keep", "drop"] = "keep"
    only_known: bool = False
