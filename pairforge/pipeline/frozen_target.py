"""What a run is sampled for: the loosest reading of its rules, frozen when sampling begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pairforge.filters import Rules
from pairforge.filters.target import Facts, Target, accepts, loosest_target, read_target
from pairforge.generator import Accept, Drawn
from pairforge.run import Run


def frozen_target(rules: Rules, run: Run, *, extend: bool = False) -> Target:
    """The target this run is sampled for: the loosest one of the rules at the first sampling or the last `extend`."""
    stored = run.manifest().target
    if stored is not None and not extend:
        return read_target(stored)
    target = loosest_target(rules)
    run.update_manifest(target=target.model_dump(mode="json"))
    return target


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
