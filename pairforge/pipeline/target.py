"""What a run is sampled for: the loosest reading of its rules, frozen when sampling begins, and who serves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pairforge.filters.target import Facts, Target, accepts, loosest_target, read_target
from pairforge.generator import Accept, Drawn
from pairforge.recipe import Recipe
from pairforge.run import Run


def frozen_target(recipe: Recipe, run: Run, *, extend: bool = False) -> Target:
    """The target this run is sampled for: the recipe's loosest rule at the first sampling, or at the last `extend`."""
    stored = run.manifest().get("target")
    if stored is not None and not extend:
        return read_target(stored)
    target = loosest_target(recipe.filter)
    run.update_manifest(target=target.model_dump(mode="json"))
    return target


def acceptance(given: Mapping[str, list[Facts]], target: Target) -> Accept:
    """Whether one problem's samples, given and sampled, serve the target."""

    def accept(problem_id: str, sampled: Sequence[Facts]) -> bool:
        return accepts([*given.get(problem_id, []), *sampled], target)

    return accept


@dataclass(frozen=True, slots=True)
class Stored:
    """The facts of all stored samples: given ones by problem, sampled ones as draws."""

    given: dict[str, list[Facts]]
    drawn: list[Drawn]


def facts_by_problem(table: pl.DataFrame) -> Stored:
    """What the target looks at, from the table of `sample_facts`."""
    stored = Stored({}, [])
    for row in table.iter_rows(named=True):
        facts = Facts(
            origin=row["origin"],
            status=row["status"],
            tokens=row["completion_tokens"],
            prompt_tokens=row["prompt_tokens"] or 0,
            finish_reason=row["finish_reason"],
            side=row["side"],
            model=row["model"],
            rejected_tokens=row.get("rejected_completion_tokens"),
        )
        if row["origin"] == "given":
            stored.given.setdefault(row["problem_id"], []).append(facts)
        else:
            stored.drawn.append(Drawn(row["problem_id"], row["draw"], row["max_tokens"], facts))
    return stored
