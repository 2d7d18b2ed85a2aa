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
from pairforge.filters.ruleset import columns_named
from pairforge.filters.separability import Surface, separability
from pairforge.filters.sweep import Arm, ArmResult, Known, grid, label, sweep, to_table
from pairforge.pipeline.arm_ledger import ArmLedger
from pairforge.pipeline.recipe_settings import run_recipe
from pairforge.pipeline.session import Session
from pairforge.pipeline.student import completion
from pairforge.pipeline.view import formats_of_pair, write_view
from pairforge.progress import Progress, quiet
from pairforge.report.figures import save, sweep_figure
from pairforge.run import Run
from pairforge.run.atomic import replacing, write_text
from pairforge.vary import parse_value, parse_vary

SURFACE_PROBLEMS = 400  # problems whose texts the separability test of a sweep reads
MIN_SURFACE_PAIRS = 20  # fewer pairs among them say nothing
SURFACE_MEASURES = ("separability", "separability_low", "separability_high", "separability_by")
CLASSIFIED_PAIRS = 200  # pairs of an arm that the text classifier reads: half a second


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

    `surfaces` adds how well form alone tells the sides apart; `save_as` keeps every arm as a view with that prefix. The
    sweep is written to the run's ledger, and an arm that is there already is not computed again.
    Raises `RecipeError` for a key or value that no recipe can have.
    """
    session = Session(run_recipe(run, overrides), run, progress)
    recipes = []
    for entry in settings:
        own = [f"{key}={yaml_value(value)}" for key, value in entry.items()]
        recipes.append((entry, run_recipe(run, [*overrides, *own])))
    arms = [Arm(entry, recipe.filter, recipe.seed) for entry, recipe in recipes]
    columns = session.recipe.format.columns
    evidence = session.evidence({*columns, *(name for arm in arms for name in columns_named(arm.rules))})
    ledger = ArmLedger(session, evidence, arms, surfaces=surfaces)
    done = 0

    def finished(arm: Arm) -> None:
        nonlocal done
        done += 1
        progress("sweep", done, len(arms), label(arm.settings))

    def known(arm: Arm) -> Known | None:
        found = None if save_as else ledger.read(arm)
        if found is not None:
            finished(arm)
        return found

    def keep(arm: Arm, selection: Selection) -> None:
        finished(arm)
        if save_as:
            at = arms.index(arm)
            write_view(session.with_rules(recipes[at][1]), f"{save_as}-{at + 1}", evidence, selection)

    measure = surface_measure(session, evidence) if surfaces else None
    results = sweep(evidence, arms, measure=measure, keep=keep, columns=columns, known=known, store=ledger.store)
    results = ledger.record(results, overrides)
    write_sweep(results, run.sweep_file)  # the latest one, for the report
    return results


def parse_axes(vary: Iterable[str]) -> list[dict[str, Any]]:
    """`["filter.gap.max=500,none", "filter.pick=shortest,random"]` as every combination of the values.

    `none` lifts a bound. Raises `RecipeError` for what is no rule.
    """
    axes = parse_vary(vary, example="filter.gap.max=500,1000,none")
    return grid({check_key(key): [parse_value(value) for value in values] for key, values in axes.items()})


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


def yaml_value(value: Any) -> str:
    """A value on one line that YAML reads back to the same value."""
    return json.dumps(value)


def surface_measure(session: Session, evidence: Evidence) -> Callable[[Selection], dict[str, Any]]:
    """A measure for `sweep`: the accuracy of the test of form that tells chosen from rejected best, with its interval.

    Measured on the pairs of the same few hundred problems in every arm, so that each text is read once.
    """
    seed = session.recipe.seed
    ids = sorted(evidence.problems["problem_id"], key=lambda name: text_hash(f"{seed}/surface/{name}"))
    tested = ids[:SURFACE_PROBLEMS]
    keys = evidence.samples.filter(pl.col("problem_id").is_in(tested))["sample_key"]
    texts = session.run.texts(keys)

    def surface(row: dict[str, Any]) -> Surface:
        chosen, rejected = formats_of_pair(session, row["exchanged"])
        return Surface(
            f"{row['chosen_key']} {row['rejected_key']}",
            row["problem_id"],
            completion(texts[row["chosen_key"]], chosen),
            completion(texts[row["rejected_key"]], rejected),
        )

    def measure(selection: Selection) -> dict[str, Any]:
        rows = selection.pairs.filter(pl.col("problem_id").is_in(tested)).head(SURFACE_PROBLEMS)
        if rows.height < MIN_SURFACE_PAIRS:
            return dict.fromkeys(SURFACE_MEASURES)
        pairs = map(surface, rows.iter_rows(named=True))
        best = separability(pairs, seed=seed, max_classified=CLASSIFIED_PAIRS)[0]
        values = (round(best.accuracy, 3), round(best.low, 3), round(best.high, 3), best.name)
        return dict(zip(SURFACE_MEASURES, values, strict=True))

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
