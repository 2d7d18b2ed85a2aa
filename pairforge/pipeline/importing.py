"""Import existing pairs or completions as a run like any other.

The run's recipe says where the data came from, so `pairforge build <run>/recipe.yaml --run OTHER` makes it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from pairforge.pipeline.building import Summary, build
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe, parse_recipe

# Labelled sides stay what they were; solutions without a label may stand on either side. Both bounds are open: an
# import shows what is there, and `pairforge filter` narrows it.
OPEN_RULES = {
    "direction": "any",
    "chosen": {"origin": "any", "status": "correct"},
    "rejected": {"origin": "any", "status": "any"},
    "pick": "random",
}


def import_data(
    source: Mapping[str, Any],
    tokenizer: str,
    path: str | Path | None = None,
    *,
    overrides: Iterable[str] = (),
    progress: Progress = quiet,
) -> Summary:
    """Read a dataset (the keys of a recipe's source), verify every solution in it, and make the first view.

    Raises `RecipeError`, `SourceError` or `RunError` as `pairforge build` does.
    """
    recipe = import_recipe(source, tokenizer, overrides)
    run = Path(path) if path is not None else Path("runs") / run_name(recipe.sources[0].dataset)
    return build(recipe, run, progress=progress)


def import_recipe(source: Mapping[str, Any], tokenizer: str, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe of an import: one source, no generator, open rules."""
    given = {key: value for key, value in source.items() if value not in (None, {})}
    raw = {"sources": [given], "generator": None, "filter": {"tokenizer": tokenizer, **OPEN_RULES}}
    return parse_recipe(yaml.safe_dump(raw), overrides, name="import")


def run_name(dataset: str) -> str:
    """A run's name from a dataset's: the last part, without its extension."""
    name = re.sub(r"\.(jsonl|ndjson|json|parquet)$", "", dataset.rstrip("/").split("/")[-1])
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "import"
