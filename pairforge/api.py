"""What `import pairforge` offers. Each function is what one command does, without its printing.

A recipe may be a `Recipe` or a path, a run may be a `Run`, its path, or its name under `runs/`. `overrides` are the
`KEY=VALUE` texts of `--set`. Long work reports to `progress(stage, done, total, note)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pairforge import pipeline
from pairforge.filters import Rules, Selection
from pairforge.filters.select import select_pairs as _select_pairs
from pairforge.filters.sweep import grid, to_table
from pairforge.pipeline.building import Summary
from pairforge.pipeline.check import Report
from pairforge.pipeline.check import check as _check
from pairforge.pipeline.experiments import run_sweep
from pairforge.pipeline.outlook import Outlook, outlook
from pairforge.progress import Progress, quiet
from pairforge.recipe import Recipe, load_recipe
from pairforge.records import Verdict
from pairforge.run import Run, ViewRecord, open_run, read_view
from pairforge.verifier import Verifier
from pairforge.verifier import grade as _grade

__all__ = [
    "Recipe", "Run", "Verifier", "build", "check", "grade", "load_recipe", "make_view", "open_run", "plan", "sample",
    "select_pairs", "sweep",
]  # fmt: skip

RecipeLike = Recipe | str | Path
RunLike = Run | str | Path


def check(recipe: RecipeLike, *, rows: int = 200, progress: Progress = quiet) -> Report:
    """Check a recipe without sampling: `rows` rows of each source, ground truth, prompts, context length, template.

    A check that fails is in the report and raises nothing: `report.ok` is False, `report.checks` has them all.
    Raises `RecipeError` for a recipe that cannot be read.

    >>> pairforge.check("recipes/demo.yaml", rows=20).ok
    True
    """
    return _check(as_recipe(recipe), rows=rows, progress=progress)


def plan(recipe: RecipeLike, run: str | Path, *, pilot: int = 0, progress: Progress = quiet) -> Outlook:
    """What sampling will cost at most; with `pilot` problems sampled, an estimate with intervals. Its samples stay.

    >>> pairforge.plan("recipes/demo.yaml", "runs/plan").problems
    480
    """
    return outlook(as_recipe(recipe), Path(run), pilot=pilot, progress=progress)


def build(
    recipe: RecipeLike,
    run: str | Path,
    *,
    view: str = "default",
    extend: bool = False,
    fresh: bool = False,
    progress: Progress = quiet,
) -> Summary:
    """Make a run from a recipe, or finish it: read the sources, sample, verify, and make the view.

    Safe to call again: what is stored is not sampled twice. `extend` lets changed settings add problems, draws or
    longer budgets; `fresh` moves an existing run aside. Raises `RecipeError`, `SourceError` or `EngineError`; what had
    finished by then is kept.

    >>> pairforge.build("recipes/demo.yaml", "runs/mine").problems
    480
    """
    return pipeline.build(as_recipe(recipe), run, view=view, extend=extend, fresh=fresh, progress=progress)


def sample(
    run: RunLike, *, overrides: Iterable[str] = (), extend: bool = False, progress: Progress = quiet
) -> dict[str, int]:
    """Generate and verify what is missing in a run. Returns its counts: problems, samples, and verdicts by status.

    >>> pairforge.sample("runs/mine")["problems"]
    480
    """
    opened = as_run(run)
    session = pipeline.prepare(
        pipeline.run_recipe(opened, list(overrides)), opened.path, extend=extend, progress=progress
    )
    pipeline.sample(session, extend=extend)
    pipeline.verify(session)
    return pipeline.evidence_counts(session)


def make_view(
    run: RunLike, name: str = "default", *, overrides: Iterable[str] = (), progress: Progress = quiet
) -> ViewRecord:
    """Apply rules to a run's evidence: the recipe's, changed by `overrides`. Replaces a view of that name.

    Returns the view's record: `pairs`, `means` (tokens), `funnel`, `undecided`. Raises `RecipeError` for a key or value
    that no recipe can have, `RuleError` for rules that contradict each other.

    >>> pairforge.make_view("runs/mine", "wide", overrides=["filter.gap.min=60"]).pairs < 307
    True
    """
    session = pipeline.open_session(as_run(run), list(overrides), progress)
    pipeline.make_view(session, name)
    return read_view(session.run, name)


def sweep(
    run: RunLike,
    vary: Mapping[str, Sequence[Any]],
    *,
    overrides: Sequence[str] = (),
    surfaces: bool = True,
    save_as: str | None = None,
    progress: Progress = quiet,
) -> pl.DataFrame:
    """Every combination of the values in `vary` (recipe key -> values; None lifts a bound) as one table.

    One row per rule set: its settings, `pairs`, `problems`, `gap_tokens_mean`, `ratio_mean`, `wrong_share`,
    `pass_rate_shift` and `source_shift` (what the rules select for besides what they name), and with `surfaces`
    `separability` (how well form alone tells the sides apart, 0.5 to 1). `save_as` keeps each as a view.

    >>> pairforge.sweep("runs/mine", {"filter.gap.min": [20, 60]}, surfaces=False)["pairs"].to_list()[0]
    307
    """
    results = run_sweep(
        as_run(run), grid(vary), overrides=overrides, surfaces=surfaces, save_as=save_as, progress=progress
    )
    return to_table(results)


def select_pairs(
    problems: pl.DataFrame, samples: pl.DataFrame, rules: Rules | Mapping[str, Any], *, seed: int = 0
) -> Selection:
    """Pairs and drops of anybody's tables under a set of rules; no run and no recipe needed.

    `problems`: problem_id, and optionally source, gold, draws, stopped_by, pass_rate and any further column.
    `samples`: sample_key, problem_id, origin, status, completion_tokens, and optionally side, draw, model,
    finish_reason, answer, prompt_tokens, budget_limited, max_tokens. `rules` are those of a recipe's `filter` block
    without `tokenizer`. Every problem ends in at least one pair or exactly one drop. Raises `RuleError` for rules that
    contradict each other.

    >>> problems = pl.DataFrame({"problem_id": ["a"]})
    >>> samples = pl.DataFrame({
    ...     "sample_key": ["a/given/0/0", "a/sampled/0/256"], "problem_id": ["a", "a"], "origin": ["given", "sampled"],
    ...     "status": ["correct", "correct"], "completion_tokens": [900, 80],
    ... })
    >>> pairforge.select_pairs(problems, samples, {"gap": {"min": 200}}).pairs["gap_tokens"].to_list()
    [820]
    """
    made = rules if isinstance(rules, Rules) else Rules.model_validate(dict(rules))
    return _select_pairs(problems, samples, made, seed=seed)


def grade(gold: str, response: str, **options: Any) -> Verdict:
    """The verdict on one response: `status`, the extracted `answer`, and the `rule` that decided.

    Only "correct" and "incorrect" are decisions. For many responses keep a `Verifier`: its workers start once.

    >>> pairforge.grade("1/2", "The probability is 0.5.").status
    'correct'
    """
    return _grade(gold, response, **options)


def as_recipe(recipe: RecipeLike) -> Recipe:
    """A recipe, read where a path is given."""
    return recipe if isinstance(recipe, Recipe) else load_recipe(recipe)


def as_run(run: RunLike) -> Run:
    """A run, opened where a path or a name is given."""
    return run if isinstance(run, Run) else open_run(run)
