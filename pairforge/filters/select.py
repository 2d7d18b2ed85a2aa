"""From evidence and rules to pairs and drops: the view as a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from pairforge.filters.applied import ODD, Applied, apply_mix, apply_rules, choose, together
from pairforge.filters.columns import with_columns
from pairforge.filters.control_matching import UNMATCHED, matching_notes
from pairforge.filters.controls.control import Control
from pairforge.filters.drops import drops, funnel
from pairforge.filters.evidence import Evidence, prepare
from pairforge.filters.mix import shortfalls
from pairforge.filters.rule import Subset
from pairforge.filters.ruleset import Rules, check_rules, columns_named
from pairforge.filters.sums import with_sums


@dataclass(frozen=True, slots=True)
class Selection:
    """A view without its texts.

    `pairs`: problem_id, chosen_key, rejected_key, chosen_status, rejected_status, chosen_answer, rejected_answer,
    chosen_model, rejected_model, prompt_tokens, chosen_tokens, rejected_tokens, gap_tokens (chosen - rejected), ratio
    (chosen / rejected), total_tokens (prompt + longer side), exchanged (a control arm turned the pair round: each text
    keeps the format of the side it was selected for), draws, pick, source, gold, pass_rate,
    pair_hash (64 bits from the ids of the two samples); of a mix also part.
    `drops`: subject (problem id), stage, reason, detail, counts (JSON: candidates per reason).
    `funnel`: one {step, candidates, problems, part} per rule in order: what is left after it. In a mix, steps and drop
    reasons have the name of their part in front.
    `shortfall`: what was asked for and could not be filled, `notes`: what a reader of the columns that the rules name
    should know, as sentences.
    """

    pairs: pl.DataFrame
    drops: pl.DataFrame
    funnel: list[dict[str, Any]]
    shortfall: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


# Of the candidates, what the pairs are made from.
COLUMNS_OF_CANDIDATES = (
    "p", "chosen_row", "rejected_row", "chosen_tokens", "rejected_tokens", "prompt_tokens", "gap", "ratio",
    "total_tokens", "wrong",
)  # fmt: skip


def select_pairs(problems: pl.DataFrame, samples: pl.DataFrame, rules: Rules, *, seed: int = 0) -> Selection:
    """Pairs and drops of one rule set; see `prepare` for the tables. Raises `RuleError` for contradictory rules.

    Every problem ends in at least one pair or exactly one drop. The result depends on ids, numbers, rules and `seed`
    only, never on the order of the rows.
    """
    return select(prepare(problems, samples), rules, seed=seed)


def select(evidence: Evidence, rules: Rules, *, seed: int = 0, columns: Sequence[str] = ()) -> Selection:
    """`select_pairs` over evidence that was made ready once; the pairs get `columns` too (see `known_columns`)."""
    check_rules(rules)
    named = {*columns_named(rules), *columns, "meta"}
    evidence = with_sums(evidence, named)
    parts = rules.parts
    without = _without_control(evidence, rules, seed)
    matched = [] if without is None else [Subset(UNMATCHED, partial(_of_problems, _numbers(evidence, without)))]
    applied = (
        apply_mix(evidence, parts, seed, matched)
        if parts
        else [choose(evidence, apply_rules(evidence, rules, seed), matched)]
    )
    pairs = [_finished(one, evidence, seed, columns) for one in applied]
    shortfall = [sentence for one in applied for sentence in one.rules.shortfall(one.pairs)]
    shortfall += shortfalls(parts, [own["problem_id"].n_unique() for own in pairs] if parts else [])
    finished = pl.concat(pairs).sort("problem_id", "chosen_key", "rejected_key")
    notes = [evidence.notes[name] for name in sorted(named & evidence.notes.keys())]
    if without is not None:
        notes += matching_notes(_control(rules), finished, without)
    return Selection(
        pairs=finished,
        drops=drops(evidence.problems, *together(applied), pl.concat(one.pairs.select("p") for one in applied)),
        funnel=[step for one in applied for step in funnel(one.found, one.lost, one.part)],
        shortfall=tuple(shortfall),
        notes=tuple(notes),
    )


def _control(rules: Rules) -> Control:
    """The control arm that changes the rules, of a mix that of the first part with one; one that changes nothing."""
    arms = (part.control_arm for part in rules.parts or (rules,) if part.effective is not part)
    return next(arms, Control())


def _without_control(evidence: Evidence, rules: Rules, seed: int) -> pl.DataFrame | None:
    """The pairs that the rules make without their control arm; None where no arm changes the rules."""
    if type(_control(rules)) is Control:
        return None
    changes: dict[str, Any] = {"control": "none"}
    if rules.parts:
        changes["mix"] = tuple(part.model_copy(update={"control": "none"}) for part in rules.parts)
    return select(evidence, rules.model_copy(update=changes), seed=seed).pairs


def _numbers(evidence: Evidence, pairs: pl.DataFrame) -> pl.DataFrame:
    """p: the problems of finished pairs."""
    return evidence.problems.filter(pl.col("problem_id").is_in(pairs["problem_id"].implode())).select("p")


def _of_problems(problems: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.join(problems, on="p", how="semi", maintain_order="left")


def _finished(applied: Applied, evidence: Evidence, seed: int, more: Sequence[str]) -> pl.DataFrame:
    """Exchange sides where a control arm asks for it, and gather the columns of the pairs."""
    rules = applied.rules
    pairs = applied.pairs.select(COLUMNS_OF_CANDIDATES)  # what rules named belongs to the sides before an exchange
    swap = rules.control_arm.exchanged(evidence.problems["problem_hash"][pairs["p"]], seed)
    if swap is None:
        swap = pl.repeat(False, pairs.height, dtype=pl.Boolean, eager=True)
    pairs = _exchanged(pairs, swap)
    chosen, rejected = evidence.samples[pairs["chosen_row"]], evidence.samples[pairs["rejected_row"]]
    problems = evidence.problems[pairs["p"]]
    columns: dict[str, pl.Series] = {"problem_id": problems["problem_id"]}
    for name, column in (("key", "sample_key"), ("status", "status"), ("answer", "answer"), ("model", "model")):
        sides = {"chosen": chosen[column], "rejected": rejected[column]}
        columns |= {f"{side}_{name}": values.cast(pl.String) for side, values in sides.items()}
    columns["prompt_tokens"] = chosen["prompt_tokens"]
    columns |= {name: pairs[name] for name in ("chosen_tokens", "rejected_tokens")}
    columns["gap_tokens"] = pairs["chosen_tokens"] - pairs["rejected_tokens"]
    columns["ratio"] = pairs["chosen_tokens"] / pairs["rejected_tokens"].clip(lower_bound=1)
    columns |= {name: pairs[name] for name in ("total_tokens", "exchanged")}
    columns |= {name: problems[name] for name in ("draws", "source", "gold", "pass_rate")}
    columns["pair_hash"] = chosen["sample_hash"] * ODD + rejected["sample_hash"]
    columns |= {name: with_columns(pairs, evidence, [name], key="format.columns")[name] for name in more}
    why = rules.pick_name if rules.control == "none" else f"{rules.pick_name}, {rules.control}"
    labels = {"pick": why} | ({"part": applied.part} if applied.part else {})
    return pl.DataFrame(columns).with_columns(pl.lit(value).alias(name) for name, value in labels.items())


def _exchanged(pairs: pl.DataFrame, swap: pl.Series) -> pl.DataFrame:
    columns = []
    for name in ("row", "tokens"):
        chosen, rejected = pl.col(f"chosen_{name}"), pl.col(f"rejected_{name}")
        columns += [
            pl.when("exchanged").then(rejected).otherwise(chosen).alias(f"chosen_{name}"),
            pl.when("exchanged").then(chosen).otherwise(rejected).alias(f"rejected_{name}"),
        ]
    return pairs.with_columns(swap.alias("exchanged")).with_columns(columns)
