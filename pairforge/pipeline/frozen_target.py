"""What a run is sampled for: the loosest reading of its rules, frozen when sampling begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pairforge.filters.target import Facts, Target, accepts, read_target
from pairforge.generator import Accept, Drawn
from pairforge.pipeline.stages_to_sample import begin_stage
from pairforge.recipe import Recipe
from pairforge.run import Run


def frozen_target(recipe: Recipe, run: Run) -> Target:
    """The target that the run is sampled for under the recipe of a stage, which begins with this call if it is new."""
    begin_stage(recipe, run)
    return read_target(run.manifest().target or {})


def acceptance(given: Mapping[str, list[Facts]], target: Target) -> Accept:
    """Whether one problem's samples, given and sampled, serve the target."""

    def accept(problem_id: str, sampled: Sequence[Facts]) -> bool:
        return accepts([*given.get(problem_id, []), *sampled], target)

    return accept


@dataclass(frozen=True, slots=True)
class Stored:
    """What the target needs of all stored samples: given ones by problem, sampled ones as draws."""

    given: dict[str, list[Facts]]
    drawn: list[Drawn]


def facts_by_problem(table: pl.DataFrame) -> Stored:
    """The stored samples, from the table of `sample_facts`."""
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
