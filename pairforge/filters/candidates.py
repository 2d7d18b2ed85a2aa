"""Candidates: every (chosen, rejected) couple of one problem's samples, and which rule each one falls to first.

A couple is put together only when both its samples passed their own side's rules; those that fell before are
counted without being listed, so that a problem with many draws stays cheap.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pairforge.errors import RuleError
from pairforge.filters.columns import resolve, with_columns
from pairforge.filters.evidence import Evidence, gold_suspects
from pairforge.filters.rules import Rules
from pairforge.filters.steps import Step, first_failure, in_role, pair_steps, problem_steps, side_steps
from pairforge.filters.where import parse_where


@dataclass(frozen=True, slots=True)
class Candidates:
    """What passed, and what each rule took.

    `passed`: one row per surviving candidate: p, chosen_row, rejected_row (rows of the samples), chosen_draw,
    chosen_tokens, rejected_tokens, prompt_tokens, gap, ratio, total_tokens, wrong (the rejected side is incorrect),
    chosen_hash, rejected_hash.
    `lost`: p, code, n: how many candidates of a problem fell first to the step with this code.
    `reasons`: the steps' reasons in order; the code of `reasons[i]` is i + 1.
    `all`: p, n: candidates of each problem before any rule.
    """

    passed: pl.DataFrame
    lost: pl.DataFrame
    reasons: tuple[str, ...]
    all: pl.DataFrame


def candidates(evidence: Evidence, rules: Rules) -> Candidates:
    """Apply every rule that looks at one candidate alone."""
    _check_columns(evidence, rules)
    on_problem = problem_steps(rules)
    on_chosen = side_steps(rules.chosen, "chosen", rules.chosen.status)
    on_rejected = side_steps(rules.rejected, "rejected", rejected_statuses(rules))
    on_pair = pair_steps(rules)
    codes = [1]
    for group in (on_problem, on_chosen, on_rejected):
        codes.append(codes[-1] + len(group))

    problem_code = _problems(evidence, rules).select("p", code=first_failure(on_problem, codes[0]))["code"]
    sides = _sides(evidence, rules, first_failure(on_chosen, codes[1]), first_failure(on_rejected, codes[2]))
    total, lost = _count(problem_code, sides)
    pairs = _pairs(sides.filter(problem_code[sides["p"]] == 0) if on_problem else sides)
    if rules.where:
        pairs, on_where = _where(pairs, evidence, rules.where)
        on_pair = [*on_pair, on_where]
    pairs = pairs.with_columns(code=first_failure(on_pair, codes[3]))
    lost_pairs = pairs.filter(pl.col("code") > 0).group_by("p", "code").agg(n=pl.len().cast(pl.Int64))
    steps: list[Step] = [*on_problem, *on_chosen, *on_rejected, *on_pair]
    return Candidates(
        passed=pairs.filter(pl.col("code") == 0).drop("code"),
        lost=pl.concat([lost, lost_pairs]),
        reasons=tuple(step.reason for step in steps),
        all=total,
    )


def _sides(evidence: Evidence, rules: Rules, chosen_code: pl.Expr, rejected_code: pl.Expr) -> pl.DataFrame:
    """What each sample is on either side: in the role (c_role, r_role), its first failure there (c_code, r_code),
    and whether it passed (c_in, r_in)."""
    return evidence.samples.select(
        *("p", "row", "draw", "prompt_tokens", "completion_tokens", "rejected_completion_tokens", "sample_hash"),
        wrong=pl.col("status") == "incorrect",
        c_role=in_role(rules.chosen, "chosen"),
        r_role=in_role(rules.rejected, "rejected"),
        c_code=chosen_code,
        r_code=rejected_code,
    ).with_columns(c_in=pl.col("c_role") & (pl.col("c_code") == 0), r_in=pl.col("r_role") & (pl.col("r_code") == 0))


def rejected_statuses(rules: Rules) -> tuple[str, ...]:
    """The verdicts a rejected side may have: with a share of wrong ones, the incorrect are let in beside the rest."""
    status = rules.rejected.status
    if rules.wrong_share == 1:
        return ("incorrect",)
    if rules.wrong_share == 0 or not status or "incorrect" in status:
        return status
    return (*status, "incorrect")


def _check_columns(evidence: Evidence, rules: Rules) -> None:
    for side, rule in (("chosen", rules.chosen), ("rejected", rules.rejected)):
        for column, _ in rule.quality:
            if column not in evidence.samples.columns:
                known = ", ".join(sorted(set(evidence.samples.columns) - {"p", "row", "sample_hash"}))
                raise RuleError(f"filter.{side}.quality: there is no column {column!r}", hint=f"columns: {known}")


def _where(pairs: pl.DataFrame, evidence: Evidence, text: str) -> tuple[pl.DataFrame, Step]:
    """The candidates with the columns that the expression names, and the expression as a step."""
    where = parse_where(text, lambda name: resolve(name, evidence, where="filter.where"))
    pairs = with_columns(pairs, evidence, where.names)
    try:
        kind = pairs.head(0).select(where.expr).to_series().dtype
    except (pl.exceptions.PolarsError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise RuleError(f"filter.where cannot be computed: {reason}", hint=f"the expression is: {text}") from None
    if kind != pl.Boolean:
        raise RuleError(f"filter.where must be a condition, and this is a {kind}: {text}")
    return pairs, Step("where", where.expr)


def _problems(evidence: Evidence, rules: Rules) -> pl.DataFrame:
    if rules.gold_suspects == "keep":
        return evidence.problems
    suspects = gold_suspects(evidence)["p"]
    return evidence.problems.with_columns(gold_suspect=pl.col("p").is_in(suspects.implode()))


def _count(problem_code: pl.Series, sides: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """How many candidates each problem has, and how many fall to rules on the problem or on one side.

    A chosen sample that fails takes all its couples with it: every sample of the rejected role but itself.
    A rejected sample that fails takes the couples whose chosen sample passed.
    """

    def count(flag: pl.Expr) -> pl.Expr:
        return flag.sum().cast(pl.Int64)

    c_role, r_role = pl.col("c_role"), pl.col("r_role")
    couples = count(c_role) * count(r_role) - count(c_role & r_role)
    roles = sides.group_by("p").agg(n=couples, r=count(r_role), c=count(pl.col("c_in")))
    by_problem = pl.DataFrame({"code": problem_code}).with_row_index("p").join(roles, on="p", how="left")
    by_problem = by_problem.with_columns(pl.col("n", "r", "c").fill_null(0))
    closed = by_problem.filter(pl.col("code") > 0).select("p", "code", "n")
    open_sides = sides.with_columns(by_problem[name][sides["p"]] for name in ("code", "r", "c")).filter(code=0)
    c_lost = pl.col("r") - r_role.cast(pl.Int64)
    r_lost = pl.col("c") - pl.col("c_in").cast(pl.Int64)
    by_side = [
        open_sides.filter(c_role & (pl.col("c_code") > 0)).select("p", code="c_code", n=c_lost),
        open_sides.filter(r_role & (pl.col("r_code") > 0)).select("p", code="r_code", n=r_lost),
    ]
    summed = pl.concat(by_side).group_by("p", "code").agg(pl.col("n").sum())
    lost = pl.concat([closed, summed]).filter(pl.col("n") > 0)
    return by_problem.filter(pl.col("n") > 0).select("p", "n"), lost


def _pairs(sides: pl.DataFrame) -> pl.DataFrame:
    """Join the two sides' survivors, and measure every couple."""
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
