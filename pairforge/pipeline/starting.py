"""A first recipe for a dataset that pairforge has not seen: look at its rows, and say what was taken for what."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from pairforge.errors import SourceError
from pairforge.recipe.starter import starter_recipe
from pairforge.sources.entry import shorten
from pairforge.sources.guess import guess_columns
from pairforge.sources.rows import open_rows

LOOKED_AT_ROWS = 200


def recipe_for(
    dataset: str, file: Path, *, config: str | None = None, split: str = "train", models: dict[str, str] | None = None
) -> tuple[str, tuple[str, ...]]:
    """A recipe over `dataset`, to be written to `file`, and sentences that say what its columns were taken for.

    `models` names others than the defaults: `model` (the sampler), `teacher`, `student`. A local dataset is named
    relative to the recipe's folder, as recipes do. Raises `SourceError` when the dataset cannot be read, or when no
    column looks like a question with an answer: it lists the columns.
    """
    rows = open_rows(dataset, config=config, split=split, revision=None, base_dir=Path())
    seen = [row for _, row in islice(rows.rows, LOOKED_AT_ROWS) if isinstance(row, dict)]
    guess = guess_columns(seen)
    if guess is None:
        shown = ", ".join(f"{name}: {shorten(value, 40)}" for name, value in seen[0].items()) if seen else "no rows"
        raise SourceError(
            f"{dataset}: no column looks like a question with its answer. Its first row: {shown}",
            hint="start from `pairforge init`, and say which column is what: `columns: {question: ..., answer: ...}`",
        )
    text = starter_recipe(
        named_from(dataset, file.parent),
        adapter=guess.adapter,
        columns=guess.columns,
        has_solutions=guess.has_solutions,
        file=str(file),
        config=config,
        split=split,
        **(models or {}),
    )
    return text, guess.notes


def named_from(dataset: str, folder: Path) -> str:
    """The dataset's name as a recipe in `folder` writes it."""
    return os.path.relpath(dataset, folder) if Path(dataset).exists() else dataset
