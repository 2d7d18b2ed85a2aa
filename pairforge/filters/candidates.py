"""Candidates: every (chosen, rejected) couple of one problem's samples, and the first rule that each one fails.

A couple is put together only when both its samples passed their own side's rules. Those that failed before are counted
without being listed, so that a problem with many draws stays cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_

import numpy as np
import polars as pl

from pairforge.errors import RuleError
from pairforge.filters.columns import computed, type_in_words, with_columns
from pairforge.filters.evidence import Evidence
from pairforge.filters.measures import QUALITY_COLUMNS
from pairforge.filters.rule import Condition, SideName
from pairforge.filters.rules import SideRules
from pairforge.filters.ruleset import Rules

# The length of a sample on a side: the other side may have another reasoning format.
TOKENS = {"chosen": "completion_tokens", "rejected": "rejected_completion_tokens"}


@dataclass(frozen=True, slots=True)
class Candidates:
    """What passed, and what each rule took.

    `passed`: one row per surviving candidate: p, chosen_row, rejected_row (rows of the samples), chosen_draw,
    chosen_tokens, rejected_tokens, prompt_tokens, gap, ratio, total_tokens, wrong (the rejected side is incorrect),
    chosen_hash, rejected_hash.
    `lost`: p, code, n: how many candidates of a problem failed the condition with this code first.
    `reasons`: the conditions' reasons in order; the code of `reasons[i]` is i + 1.
    `all`: p, n: candidates of each problem before any rule.
    """

    passed: pl.DataFrame
    lost: pl.DataFrame
    reasons: tuple[str, ...]
    all: pl.DataFrame


def candidates(evidence: Evidence, rules: Rules) -> Candidates:
    """Apply every rule that looks at one candidate alone. Raises `RuleError` for a column that does not exist."""
    on_problem = list(rules.problem_conditions())
    on_chosen = side_conditions(rules.chosen, "chosen", evidence)
    on_rejected = side_conditions(rules.rejected, "rejected", evidence)
    on_pair = list(rules.pair_conditions())
    codes = [1]  # the code of each group's first condition
    for group in (on_problem, on_chosen, on_rejected):
        codes.append(codes[-1] + len(group))

    problems = rules.with_columns(evidence.problems, evidence)
    problem_code = problems.select("p", code=_first_failure(on_problem, codes[0]))["code"]
    sides = _sides(evidence, rules, _first_failure(on_chosen, codes[1]), _first_failure(on_rejected, codes[2]))
    total, lost = _count(problem_code, sides, codes[3] - 1)
    pairs = _couples(sides.filter(problem_code[sides["p"]] == 0) if on_problem else sides)
    pairs = _with_columns_of(on_pair, pairs, evidence).with_columns(code=_first_failure(on_pair, codes[3]))
    reasons = (*on_problem, *on_chosen, *on_rejected, *on_pair)
    failed = pairs["p"].to_numpy(), pairs["code"].to_numpy()
    lost_pairs = tally(*failed, len(problem_code), len(reasons))
    return Candidates(
        passed=pairs.filter(pl.col("code") == 0).drop("code"),
        lost=pl.concat([lost, lost_pairs]),
        reasons=tuple(condition.reason for condition in reasons),
        all=total,
    )


def side_members(evidence: Evidence, rules: Rules) -> pl.DataFrame:
    """Which side accepts each sample, without looking at any other sample: for uses of single solutions.

    Columns: p, problem_id, sample_key, sample_hash, status, prompt_tokens, chosen_tokens, rejected_tokens (its length
    on each side), chosen, rejected (the side's rules accept it), in_problem (the rules on the problem accept it).
    Raises `RuleError` for a column that does not exist.
    """
    sides = _sides(
        evidence,
        rules,
        _first_failure(side_conditions(rules.chosen, "chosen", evidence), 1),
        _first_failure(side_conditions(rules.rejected, "rejected", evidence), 1),
    )
    problems = problem_members(evidence, rules)
    return sides.select(
        *("p", "prompt_tokens", "sample_hash"),
        evidence.samples["sample_key"],
        evidence.samples["status"].cast(pl.String),
        problem_id=problems["problem_id"][sides["p"]],
        chosen_tokens=TOKENS["chosen"],
        rejected_tokens=TOKENS["rejected"],
        chosen="c_in",
        rejected="r_in",
        in_problem=problems["in_problem"][sides["p"]],
    )


def problem_members(evidence: Evidence, rules: Rules) -> pl.DataFrame:
    """Which problems the rules on problems accept: p, problem_id, problem_hash, in_problem, in the order of `p`."""
    failed = _first_failure(list(rules.problem_conditions()), 1)
    problems = rules.with_columns(evidence.problems, evidence)
    return problems.select("p", "problem_id", "problem_hash", in_problem=failed == 0)


def side_conditions(settings: SideRules, side: SideName, evidence: Evidence) -> list[Condition]:
    """The conditions of one side over the columns of the samples."""
    made = []
    for condition in settings.side_conditions():
        columns = tuple(TOKENS[side] if name == "tokens" else name for name in condition.columns)
        for name in columns:
            if name not in evidence.samples.columns:
                known = {*evidence.samples.columns, *QUALITY_COLUMNS} - {"p", "row", "sample_hash"}
                what = "was not measured" if name in known else "is no column of the samples"
                hint = f"columns: {', '.join(sorted(known))}"
                raise RuleError(f"filter.{side}: '{name}' {what} ({condition.reason})", hint=hint)
        made.append(replace(condition, reason=f"{side}_{condition.reason}", columns=columns))
    return made


def _sides(evidence: Evidence, rules: Rules, chosen_code: pl.Expr, rejected_code: pl.Expr) -> pl.DataFrame:
    """What each sample is on either side: in the role (c_role, r_role), its first failure there (c_code, r_code),
    and whether it passed (c_in, r_in)."""
    c_role, r_role = (
        reduce(and_, (condition.expression() for condition in settings.role(side))) for settings, side in _both(rules)
    )
    return evidence.samples.select(
        *("p", "row", "draw", "prompt_tokens", "completion_tokens", "rejected_completion_tokens", "sample_hash"),
        wrong=pl.col("status") == "incorrect",
        c_role=c_role,
        r_role=r_role,
        c_code=chosen_code,
        r_code=rejected_code,
    ).with_columns(c_in=pl.col("c_role") & (pl.col("c_code") == 0), r_in=pl.col("r_role") & (pl.col("r_code") == 0))


def _both(rules: Rules) -> tuple[tuple[SideRules, SideName], tuple[SideRules, SideName]]:
    return (rules.chosen, "chosen"), (rules.rejected, "rejected")


def _count(problem_code: pl.Series, sides: pl.DataFrame, codes: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """How many candidates each problem has, and how many fail rules on the problem or on one side; `codes`: the
    conditions of these kinds.

    A chosen sample that fails takes all its couples with it: every sample of the rejected role but itself.
    A rejected sample that fails takes the couples whose chosen sample passed.
    """
    size, p = len(problem_code), sides["p"].to_numpy()
    c_role, r_role, c_in = (sides[name].to_numpy() for name in ("c_role", "r_role", "c_in"))
    c, r, both, passed = (np.bincount(p[flag], minlength=size) for flag in (c_role, r_role, c_role & r_role, c_in))
    total = c * r - both
    closed = problem_code.to_numpy()
    open_rows = (closed == 0)[p]
    c_lost, r_lost = r[p] - r_role, passed[p] - c_in
    lost = [tally(np.arange(size), closed, size, codes, total)]
    for role, name, taken in ((c_role, "c_code", c_lost), (r_role, "r_code", r_lost)):
        code = sides[name].to_numpy()
        rows = role & (code > 0) & open_rows
        lost.append(tally(p[rows], code[rows], size, codes, taken[rows]))
    counted = pl.DataFrame({"n": total}).with_row_index("p").filter(pl.col("n") > 0)
    return counted, pl.concat(lost)


def tally(p: np.ndarray, code: np.ndarray, size: int, codes: int, weights: np.ndarray | None = None) -> pl.DataFrame:
    """p, code, n: the rows (or their weights) summed up per problem and code, of `size` problems and the codes from 1
    to `codes`. Several times as fast as a group-by."""
    parts = []
    for number in range(1, codes + 1):
        rows = code == number
        own = None if weights is None else weights[rows]
        counts = np.bincount(p[rows], weights=own, minlength=size)
        found = np.flatnonzero(counts)
        parts.append(pl.DataFrame({"p": found, "code": np.full(len(found), number), "n": counts[found]}))
    types = {"p": pl.UInt32, "code": pl.UInt8, "n": pl.Int64}
    return pl.concat([pl.DataFrame(schema=types), *(part.cast(types) for part in parts)])  # type: ignore[arg-type]


def _couples(sides: pl.DataFrame) -> pl.DataFrame:
    """Join the samples that passed on either side, and measure every couple."""
    chosen = sides.filter("c_in").select(
        "p",
        chosen_row="row",
        chosen_draw="draw",
        prompt_tokens="prompt_tokens",
        chosen_tokens="completion_tokens",
        chosen_hash="sample_hash",
    )
    rejected = sides.filter("r_in").select(
        "p",
        rejected_row="row",
        rejected_tokens="rejected_completion_tokens",
        wrong="wrong",
        rejected_hash="sample_hash",
    )
    pairs = chosen.join(rejected, on="p").filter(pl.col("chosen_row") != pl.col("rejected_row"))
    longer = pl.max_horizontal("chosen_tokens", "rejected_tokens")
    shorter = pl.min_horizontal("chosen_tokens", "rejected_tokens")
    return pairs.with_columns(
        gap=longer - shorter,
        ratio=longer / shorter.clip(lower_bound=1),
        total_tokens=pl.col("prompt_tokens") + longer,
    )


def _with_columns_of(conditions: Sequence[Condition], pairs: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """The candidates with the columns that the conditions name. Raises `RuleError` for a condition that is none."""
    for condition in conditions:
        key = f"filter.{condition.reason}"
        pairs = with_columns(pairs, evidence, condition.columns, key=key)
        kind = computed(pairs.head(0), condition.test(*map(pl.col, condition.columns)), key=key).dtype
        if kind != pl.Boolean:
            hint = "compare it with something: gap > 500"
            raise RuleError(f"{key} must be a condition, and its value is {type_in_words(kind)}", hint=hint)
    return pairs


def _first_failure(conditions: Sequence[Condition], first_code: int) -> pl.Expr:
    """The code of the first condition a row fails (`first_code` for the first one, then counting up), 0 for none."""
    failures = [
        pl.when(~condition.expression()).then(pl.lit(first_code + i, dtype=pl.UInt8))
        for i, condition in enumerate(conditions)
    ]
    return pl.coalesce(*failures, pl.lit(0, dtype=pl.UInt8))
