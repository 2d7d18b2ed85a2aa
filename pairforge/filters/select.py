"""From evidence and rules to pairs and drops: the view as a pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from pairforge.filters.candidates import Candidates, candidates
from pairforge.filters.columns import resolve, with_columns
from pairforge.filters.drops import explain_drops
from pairforge.filters.evidence import Evidence, prepare
from pairforge.filters.hashing import draw
from pairforge.filters.rules import Rules, check_rules, controlled
from pairforge.filters.subsets import band, cap, pick, sample_pairs, share_wrong, with_draws


@dataclass(frozen=True, slots=True)
class Selection:
    """A view without its texts.

    `pairs`: problem_id, chosen_key, rejected_key, chosen_status, rejected_status, chosen_answer, rejected_answer,
    chosen_model, rejected_model, prompt_tokens, chosen_tokens, rejected_tokens, gap_tokens (chosen - rejected), ratio
    (chosen / rejected), total_tokens (prompt + longer side), draws, pick, source, gold, pass_rate.
    `drops`: subject (problem id), stage, reason, detail, counts (JSON: candidates per reason).
    `funnel`: one {step, candidates, problems} per rule in order: what is left after it.
    `shortfall`: what was asked for and could not be filled, as sentences.
    """

    pairs: pl.DataFrame
    drops: pl.DataFrame
    funnel: list[dict[str, Any]]
    shortfall: tuple[str, ...] = ()


def select_pairs(problems: pl.DataFrame, samples: pl.DataFrame, rules: Rules) -> Selection:
    """Pairs and drops of one rule set; see `prepare` for the tables. Raises `RuleError` for contradictory rules.

    Every problem ends in at least one pair or exactly one drop. The result depends on ids, numbers and rules only,
    never on the order of the rows.
    """
    return select(prepare(problems, samples), rules)


def select(evidence: Evidence, rules: Rules) -> Selection:
    """`select_pairs` over evidence that was made ready once."""
    check_rules(rules)
    effective = controlled(rules)
    found = candidates(evidence, effective)
    named = {name: resolve(name, evidence, where=f"filter.{key}.by") for key, name in _ranked_by(rules)}
    kept = with_columns(with_draws(found.passed, rules.seed), evidence, named.values())
    removed: list[tuple[str, pl.DataFrame]] = []
    for reason, step in _choices(effective, named):
        after = step(kept)
        removed.append((reason, _lost(kept, after)))
        kept = after
    return Selection(
        pairs=_finish(kept, evidence, effective),
        drops=explain_drops(evidence.problems, found, removed, kept),
        funnel=_funnel(found, removed),
        shortfall=tuple(_shortfall(kept, effective)),
    )


def _choices(rules: Rules, columns: dict[str, str]) -> Iterator[tuple[str, Callable[[pl.DataFrame], pl.DataFrame]]]:
    """The rules over many pairs, in order, each with the reason of what it leaves out."""
    yield "not_picked", lambda pairs: pick(pairs, rules)
    if 0 < rules.wrong_share < 1:
        yield "wrong_share", lambda pairs: share_wrong(pairs, rules)
    if rules.band is not None:
        chosen_band = rules.band
        yield "band", lambda pairs: band(pairs, chosen_band, columns[chosen_band.by])
    for rule in rules.caps:
        yield f"cap_{rule.by}", lambda pairs, rule=rule: cap(pairs, rule, columns[rule.by])  # type: ignore[misc]
    if rules.n_pairs is not None:
        yield "n_pairs", lambda pairs: sample_pairs(pairs, rules)


def _ranked_by(rules: Rules) -> list[tuple[str, str]]:
    """The columns that bands and caps name, with the key that names them."""
    return [*([("band", rules.band.by)] if rules.band else []), *(("caps", rule.by) for rule in rules.caps)]


def _lost(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """p, n: how many pairs of each problem a rule left out."""
    counts = before.group_by("p").agg(n=pl.len().cast(pl.Int64))
    left = after.group_by("p").agg(left=pl.len().cast(pl.Int64))
    counts = counts.join(left, on="p", how="left").with_columns(pl.col("n") - pl.col("left").fill_null(0))
    return counts.filter(pl.col("n") > 0).select("p", "n")


def _finish(kept: pl.DataFrame, evidence: Evidence, rules: Rules) -> pl.DataFrame:
    """Gather the columns of the pairs, exchange sides where a control arm asks for it, and put them in order."""
    kept = _exchange(kept, evidence, rules)
    chosen, rejected = evidence.samples[kept["chosen_row"]], evidence.samples[kept["rejected_row"]]
    problems = evidence.problems[kept["p"]]
    columns: dict[str, pl.Series] = {"problem_id": problems["problem_id"]}
    for name, column in (("key", "sample_key"), ("status", "status"), ("answer", "answer"), ("model", "model")):
        sides = {"chosen": chosen[column], "rejected": rejected[column]}
        columns |= {f"{side}_{name}": values.cast(pl.String) for side, values in sides.items()}
    columns["prompt_tokens"] = chosen["prompt_tokens"]
    columns |= {name: kept[name] for name in ("chosen_tokens", "rejected_tokens")}
    columns["gap_tokens"] = kept["chosen_tokens"] - kept["rejected_tokens"]
    columns["ratio"] = kept["chosen_tokens"] / kept["rejected_tokens"].clip(lower_bound=1)
    columns["total_tokens"] = kept["total_tokens"]
    columns |= {name: problems[name] for name in ("draws", "source", "gold", "pass_rate")}
    why = rules.pick if rules.control == "none" else f"{rules.pick}, {rules.control}"
    pairs = pl.DataFrame(columns).with_columns(pl.lit(why).alias("pick"))
    return pairs.sort("problem_id", "chosen_key", "rejected_key")


def _exchange(kept: pl.DataFrame, evidence: Evidence, rules: Rules) -> pl.DataFrame:
    """ "reversed" exchanges the sides of every pair, "random_pairs" those of the problems a seeded coin chooses."""
    if rules.control not in ("reversed", "random_pairs"):
        return kept
    swap = pl.repeat(True, kept.height, eager=True)
    if rules.control == "random_pairs":
        swap = draw(evidence.problems["problem_hash"][kept["p"]], rules.seed, "sides") % 2 == 1
    return _swapped(kept, swap)


def _swapped(kept: pl.DataFrame, swap: pl.Series) -> pl.DataFrame:
    columns = []
    for name in ("row", "tokens"):
        chosen, rejected = pl.col(f"chosen_{name}"), pl.col(f"rejected_{name}")
        columns += [
            pl.when("swap").then(rejected).otherwise(chosen).alias(f"chosen_{name}"),
            pl.when("swap").then(chosen).otherwise(rejected).alias(f"rejected_{name}"),
        ]
    return kept.with_columns(swap.alias("swap")).with_columns(columns).drop("swap")


def _funnel(found: Candidates, removed: list[tuple[str, pl.DataFrame]]) -> list[dict[str, Any]]:
    """What is left after every rule."""
    left = found.all
    funnel = [{"step": "candidates", "candidates": int(left["n"].sum()), "problems": left.height}]
    steps = [
        (reason, found.lost.filter(pl.col("code") == code).select("p", "n"))
        for code, reason in enumerate(found.reasons, start=1)
    ]
    for reason, lost in steps + removed:
        left = left.join(lost.rename({"n": "lost"}), on="p", how="left")
        left = left.select("p", n=pl.col("n") - pl.col("lost").fill_null(0)).filter(pl.col("n") > 0)
        name = "pick" if reason == "not_picked" else reason
        funnel.append({"step": name, "candidates": int(left["n"].sum()), "problems": left.height})
    return funnel


def _shortfall(kept: pl.DataFrame, rules: Rules) -> Iterator[str]:
    if rules.n_pairs is not None and kept.height < rules.n_pairs:
        yield f"n_pairs asks for {rules.n_pairs:,} pairs, and {kept.height:,} passed the rules"
    wrong = int(kept["wrong"].sum())
    if 0 < rules.wrong_share < 1 and wrong < int(rules.wrong_share * kept.height):
        share = wrong / kept.height
        yield f"wrong_share asks for {rules.wrong_share:.0%} pairs with a wrong rejected side, and {share:.1%} have one"
