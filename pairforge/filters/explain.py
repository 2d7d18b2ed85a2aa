"""What every rule says of one problem's samples and couples: why it is paired, or why it was dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from pairforge.filters.candidates import TOKENS, candidates, side_conditions
from pairforge.filters.columns import with_columns
from pairforge.filters.evidence import Evidence
from pairforge.filters.rule import Condition, SideName
from pairforge.filters.rules import PairRules
from pairforge.filters.rules import ProblemRules as OnProblem
from pairforge.filters.ruleset import Rules, columns_named
from pairforge.filters.sums import with_sums


@dataclass(frozen=True, slots=True)
class SampleRules:
    """One sample: its verdict, its length on either side (student's tokens), and the rules of each side that it fails;
    an empty list: it may stand there."""

    sample_key: str
    status: str
    chosen_tokens: int | None
    rejected_tokens: int | None
    chosen: tuple[str, ...]
    rejected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CoupleRules:
    """Two samples that may stand on their sides, and the rules on both together that they fail."""

    chosen_key: str
    rejected_key: str
    fails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProblemRules:
    """One problem under one set of rules: those on the problem that it fails, its samples and its couples. `part` is
    the name of a mix's part."""

    part: str
    fails: tuple[str, ...]
    samples: tuple[SampleRules, ...]
    couples: tuple[CoupleRules, ...]


def explain(evidence: Evidence, rules: Rules, problem_id: str) -> list[ProblemRules]:
    """What the rules say of a problem, once for every part of a mix. Choices among many problems are not looked at."""
    one = _only(evidence, problem_id)
    named = [(part.name, part) for part in rules.parts] if rules.parts else [("", rules)]
    return [_explained(one, name, part.effective) for name, part in named]


def _explained(evidence: Evidence, part: str, rules: Rules) -> ProblemRules:
    rules = rules.for_candidates(rules)
    evidence = with_sums(evidence, columns_named(rules))
    problem = rules.with_columns(evidence.problems, evidence)
    on_problem = _failures(problem, list(rules.problem_conditions()))
    sides: tuple[SideName, SideName] = ("chosen", "rejected")
    by_side = [_side_failures(evidence, rules, side) for side in sides]
    facts = evidence.samples.select("sample_key", pl.col("status").cast(pl.String), *TOKENS.values())
    samples = tuple(
        SampleRules(key, status, chosen, rejected, *fails)
        for (key, status, chosen, rejected), *fails in zip(facts.iter_rows(), *by_side, strict=True)
    )
    return ProblemRules(part, on_problem[0] if on_problem else (), samples, _couples(evidence, rules))


def _side_failures(evidence: Evidence, rules: Rules, side: SideName) -> list[tuple[str, ...]]:
    settings = rules.chosen if side == "chosen" else rules.rejected
    conditions = [*settings.role(side), *side_conditions(settings, side, evidence)]
    found = _failures(evidence.samples, conditions)
    return [tuple(reason.removeprefix(f"{side}_") for reason in fails) for fails in found]


def _couples(evidence: Evidence, rules: Rules) -> tuple[CoupleRules, ...]:
    """The couples whose samples passed their own side's rules, with what they fail together."""
    kinds = (*PairRules.model_fields.items(), *OnProblem.model_fields.items())
    anything = rules.model_copy(update={**{name: field.default for name, field in kinds}, "direction": "any"})
    passed = candidates(evidence, anything).passed
    conditions = list(rules.pair_conditions())
    for condition in conditions:
        passed = with_columns(passed, evidence, condition.columns, key=f"filter.{condition.reason}")
    keys = evidence.samples["sample_key"]
    rows = zip(keys[passed["chosen_row"]], keys[passed["rejected_row"]], _failures(passed, conditions), strict=True)
    return tuple(CoupleRules(*row) for row in rows)


def _failures(table: pl.DataFrame, conditions: Sequence[Condition]) -> list[tuple[str, ...]]:
    """For every row, the reasons of the conditions that it fails."""
    passes = table.select(condition.expression().alias(str(at)) for at, condition in enumerate(conditions))
    reasons = [condition.reason for condition in conditions]
    if not reasons:
        return [()] * table.height
    return [tuple(r for r, holds in zip(reasons, row, strict=True) if not holds) for row in passes.iter_rows()]


def _only(evidence: Evidence, problem_id: str) -> Evidence:
    """The evidence of one problem."""
    problems = evidence.problems.filter(pl.col("problem_id") == problem_id)
    own = pl.lit(0, dtype=problems.schema["p"]).alias("p")
    samples = evidence.samples.filter(pl.col("problem_id") == problem_id).with_columns(own)
    return replace(evidence, problems=problems.with_columns(own), samples=samples.drop("row").with_row_index("row"))
