"""The settings of a recipe in the form that the layers below take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pairforge.config import flatten
from pairforge.recipe import Recipe, parse_recipe
from pairforge.run import Run
from pairforge.verifier import Verifier


def run_recipe(run: Run, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe a run was made with, with overrides."""
    return parse_recipe(run.recipe_file.read_text(), overrides, name=str(run.recipe_file), stored=True)


def evidence_settings(recipe: Recipe) -> dict[str, Any]:
    """The settings that decide what the evidence is, as key paths: sources and sampling, no rule and no hardware."""
    raw = recipe.model_dump(mode="json")
    kept = {name: raw[name] for name in ("seed", "sources", "decontaminate")}
    if raw["generator"]:
        block = raw["generator"]
        engine = {name: block["engine"][name] for name in ("model", "revision", "quantization")}
        kept["generator"] = {**block, "engine": engine}
    return flatten(kept)


def open_verifier(recipe: Recipe, run: Run) -> Verifier:
    """The recipe's verifier, with the run's own cache of decisions."""
    block = recipe.verifier
    workers = None if block.workers == "auto" else block.workers
    return Verifier(workers=workers, timeout_s=block.timeout_s, percent=block.percent, cache=run.verifier_cache)
