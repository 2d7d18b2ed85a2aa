"""Many rule sets over one run's evidence, and two of its views side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pairforge.errors import RecipeError
from pairforge.filters import Evidence, Selection
from pairforge.filters.diff import Difference, diff
from pairforge.filters.hashing import text_hash
from pairforge.filters.ruleset import measures_needed
from pairforge.filters.separability import Surface, separability
from pairforge.filters.sweep import Arm, ArmResult, grid, label, sweep, to_table
from pairforge.filters.undecided import undecided
from pairforge.pipeline.facts import load_evidence
from pairforge.pipeline.settings import Progress, completion, frames, quiet, run_recipe
from pairforge.pipeline.view import write_view
from pairforge.recipe import Recipe
from pairforge.report.figures import save, sweep_figure
from pairforge.run import Run
from pairforge.run.atomic import replacing, write_text

SURFACE_PROBLEMS = 400  # problems whose texts the separability test of a sweep looks at
MIN_SURFACE_PAIRS = 20  # fewer pairs among them say nothing


def run_sweep(
    run: Run,
    settings: Iterable[Mapping[str, Any]],
    *,
    overrides: Sequence[str] = (),
    surfaces: bool = True,
    save_as: str | None = None,
    progress: Progress = quiet,
) -> list[ArmResult]:
    """Apply one rule set per entry of `settings` (recipe key -> value) on top of the run's recipe and `overrides`.

    `surfaces` adds how well form alone tells the sides apart; `save_as` keeps every arm as a view with that prefix.
    Raises `RecipeError` for a key or value that no recipe can have.
    """
    base = run_recipe(run, overrides)
    recipes = {}
    arms = []
    for entry in settings:
        recipe = run_recipe(run, [*overrides, *(f"{key}={yaml_value(value)}" for key, value in entry.items())])
        arm = Arm(entry, recipe.filter, recipe.seed)
        recipes[label(arm.settings)] = recipe
        arms.append(arm)
    measured = any(measures_needed(arm.rules) for arm in arms)
    evidence = load_evidence(base, run, quality=measured, progress=progress)
    done = 0

    def finished(arm: Arm, selection: Selection) -> None:
        nonlocal done
        done += 1
        progress("sweep", done, len(arms), label(arm.settings))
        if save_as:
            left = undecided(evidence, arm.rules, selection.drops)
            write_view(recipes[label(arm.settings)], run, f"{save_as}-{arms.index(arm) + 1}", selection, left)

    measure = surface_measure(base, run, evidence) if surfaces else None
    results = sweep(evidence, arms, measure=measure, keep=finished)
    write_sweep(results, run.path / "sweep.json")  # the latest one, for the report
    return results


def parse_axes(vary: Iterable[str]) -> list[dict[str, Any]]:
    """`["filter.gap.max=500,none", "filter.pick=shortest,random"]` as every combination of the values.

    `none` lifts a bound. Raises `RecipeError` for what is no rule.
    """
    axes: dict[str, list[Any]] = {}
    for text in vary:
        key, equals, values = text.partition("=")
        if not equals or not values.strip():
            raise RecipeError(f"--vary '{text}' names no values", hint="write --vary filter.gap.max=500,1000,none")
        axes[check_key(key.strip())] = [parse_value(value) for value in split_values(values)]
    return grid(axes)


def read_grid(file: Path) -> list[dict[str, Any]]:
    """The settings of a YAML file: a mapping of keys to lists of values (all combinations), or a list of mappings."""
    try:
        found = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise RecipeError(f"cannot read the grid {file}: {str(error).splitlines()[0]}") from None
    if isinstance(found, dict) and all(isinstance(values, list) for values in found.values()):
        found = grid(found)
    if not isinstance(found, list) or not found or not all(isinstance(entry, dict) for entry in found):
        raise RecipeError(
            f"{file} holds no grid", hint="write a mapping of keys to lists (filter.gap.max: [500, null]), or a list"
        )
    return [{check_key(str(key)): value for key, value in entry.items()} for entry in found]


LENGTH_KEYS = ("filter.tokenizer", "filter.revision", "filter.chat_template")


def check_key(key: str) -> str:
    """A key that a sweep may vary: rules and the seed, nothing that would change the evidence or its lengths."""
    if key == "seed" or (key.startswith("filter.") and key not in LENGTH_KEYS):
        return key
    raise RecipeError(f"a sweep cannot vary '{key}'", hint="it varies rules: keys under 'filter.', or 'seed'")


def split_values(text: str) -> list[str]:
    """Split at commas that stand in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{(":
            depth += 1
        elif letter in "]})":
            depth -= 1
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def parse_value(text: str) -> Any:
    """A value as YAML reads it; `none` is null."""
    if text.lower() == "none":
        return None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def yaml_value(value: Any) -> str:
    """A value on one line that YAML reads back to the same value."""
    return json.dumps(value)


def surface_measure(recipe: Recipe, run: Run, evidence: Evidence) -> Callable[[Selection], dict[str, Any]]:
    """A measure for `sweep`: the accuracy of the one surface feature that tells chosen from rejected best.

    Looks at the pairs of the same few hundred problems in every arm, so that each text is read once.
    """
    ids = sorted(evidence.problems["problem_id"], key=lambda name: text_hash(f"{recipe.seed}/surface/{name}"))
    looked_at = ids[:SURFACE_PROBLEMS]
    keys = evidence.samples.filter(pl.col("problem_id").is_in(looked_at))["sample_key"]
    texts = run.texts(keys)
    frame, rejected_frame = frames(recipe)

    def measure(selection: Selection) -> dict[str, Any]:
        rows = selection.pairs.filter(pl.col("problem_id").is_in(looked_at)).head(SURFACE_PROBLEMS)
        if rows.height < MIN_SURFACE_PAIRS:
            return {"separability": None, "separability_by": ""}
        features = separability(
            Surface(
                f"{row['chosen_key']} {row['rejected_key']}",
                completion(texts[row["chosen_key"]], frame),
                completion(texts[row["rejected_key"]], rejected_frame),
            )
            for row in rows.select("chosen_key", "rejected_key").iter_rows(named=True)
        )
        return {"separability": round(features[0].accuracy, 3), "separability_by": features[0].name}

    return measure


def write_sweep(results: Sequence[ArmResult], file: Path) -> None:
    """The table of a sweep as .parquet, .csv or .json, by the name of the file. Raises `RecipeError` for others."""
    if file.suffix == ".json":
        write_text(file, json.dumps([result.to_json() for result in results], indent=2) + "\n")
        return
    if file.suffix not in (".parquet", ".csv"):
        raise RecipeError(f"cannot write a sweep to {file}", hint="name a .parquet, .csv or .json file")
    table = to_table(results)
    with replacing(file) as temporary:
        table.write_parquet(temporary) if file.suffix == ".parquet" else table.write_csv(temporary)


def draw_sweep(results: Sequence[ArmResult], file: Path) -> None:
    """The sweep as a figure, .svg or .png by the name of the file."""
    save(sweep_figure(results), file)


def diff_views(run: Run, view_a: str, view_b: str) -> Difference:
    """Which problems two views of a run treat differently, and for what reason."""

    def tables(view: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        folder = run.view(view)
        pairs = pl.read_parquet(folder / "pairs.parquet", columns=["problem_id", "chosen_key", "rejected_key"])
        return pairs, pl.read_parquet(folder / "drops.parquet")

    return diff(*tables(view_a), *tables(view_b))
