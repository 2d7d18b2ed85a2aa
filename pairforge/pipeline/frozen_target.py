"""What a run is sampled for: the loosest reading of its rules, frozen when sampling begins."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from pairforge.filters.target import Facts, Target, read_target
from pairforge.generator import Drawn
from pairforge.generator.config import GIVEN
from pairforge.pipeline.stages_to_sample import begin_stage
from pairforge.recipe import Recipe
from pairforge.run import Run


def frozen_target(recipe: Recipe, run: Run) -> Target:
    """The target that the run is sampled for under the recipe of a stage, which begins with this call if it is new."""
    begin_stage(recipe, run)
    return read_target(run.manifest().target or {})


@dataclass(slots=True)
class Stored:
    """What the target needs of all stored samples: by problem and origin, and the draws of each arm."""

    by_problem: dict[str, dict[str, list[Facts]]] = field(default_factory=dict)
    drawn: dict[str, list[Drawn]] = field(default_factory=dict)

    def of(self, problem_id: str, origin: str) -> list[Facts]:
        return self.by_problem.get(problem_id, {}).get(origin, [])

    def others(self, problem_id: str, origin: str) -> list[Facts]:
        """The samples of a problem that the arm `origin` did not write."""
        own = self.by_problem.get(problem_id, {})
        return [facts for name, samples in own.items() if name != origin for facts in samples]

    @property
    def given(self) -> dict[str, list[Facts]]:
        return {problem: found for problem, found in self.of_origins([GIVEN]).items() if found}

    def of_origins(self, origins: Collection[str]) -> dict[str, list[Facts]]:
        """The samples of these origins, by problem."""
        return {
            problem: [facts for origin in origins for facts in own.get(origin, [])]
            for problem, own in self.by_problem.items()
        }


def facts_by_problem(table: pl.DataFrame) -> Stored:
    """The stored samples, from the table of `sample_facts`."""
    stored = Stored()
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
        stored.by_problem.setdefault(row["problem_id"], {}).setdefault(row["origin"], []).append(facts)
        if row["origin"] != GIVEN:
            drawn = Drawn(row["problem_id"], row["draw"], row["max_tokens"], facts)
            stored.drawn.setdefault(row["origin"], []).append(drawn)
    return stored
