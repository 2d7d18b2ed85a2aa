"""Rules that look at many pairs at once: picks, the share of wrong ones, bands, caps, a number of pairs.

Each takes the pairs and returns those to keep. All ties end in a seeded draw over ids.
"""

from __future__ import annotations

import polars as pl

from pairforge.filters.hashing import draw
from pairforge.filters.rules import Band, Cap, Rules


def with_draws(pairs: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Add `order`: a seeded order over the candidates, from their samples' ids."""
    chosen = draw(pairs["chosen_hash"], seed, "chosen")
    rejected = draw(pairs["rejected_hash"], seed, "rejected")
    # An odd multiplier keeps the couples (a, b) and (b, a) apart.
    odd = pl.Series([0x9E3779B97F4A7C15], dtype=pl.UInt64)
    return pairs.with_columns((chosen * odd + rejected).alias("order")).drop("chosen_hash", "rejected_hash")


def pick(pairs: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """At most `per_problem` candidates of each problem, and of each kind where wrong ones are wanted too."""
    if rules.pick == "all":
        return pairs
    wider = -pl.col("gap")
    preference = {
        "shortest": [pl.col("rejected_tokens"), wider],
        "longest": [-pl.col("rejected_tokens"), wider],
        "closest": [(pl.col("gap") - rules.target_gap).abs()],
        "random": [],
    }[rules.pick]
    first = {
        "any": [],
        "first": [pl.col("chosen_draw")],
        "shortest": [pl.col("chosen_tokens")],
        "longest": [-pl.col("chosen_tokens")],
    }[rules.pick_chosen]
    group = ["p", "wrong"] if 0 < rules.wrong_share < 1 else ["p"]
    ordered = pairs.sort(*group, *first, *preference, "order")
    return ordered.filter(pl.int_range(pl.len()).over(group) < rules.per_problem)


def share_wrong(pairs: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Give every problem one kind of rejected side, so that `wrong_share` of the pairs have a wrong one.

    Problems that have only wrong candidates are used first; where they are too few, problems that have both kinds
    turn to a wrong one, in a seeded order; where they are too many, the surplus is left out. Too few wrong
    candidates altogether leave the share short: no right pair is given up for it.
    """
    share = rules.wrong_share
    if not 0 < share < 1:
        return pairs
    wrong = pl.col("wrong")
    kinds = pairs.group_by("p").agg(
        right=(~wrong).sum().cast(pl.Int64), wrong=wrong.sum().cast(pl.Int64), order=pl.col("order").min()
    )
    kinds = kinds.sort("order", "p")
    only_wrong = kinds.filter(pl.col("right") == 0)
    both = kinds.filter((pl.col("right") > 0) & (pl.col("wrong") > 0))
    rights, surplus = int(kinds["right"].sum()), int(only_wrong["wrong"].sum())
    wanted = int(share / (1 - share) * rights + 0.5)
    if surplus >= wanted:
        turned = only_wrong.filter(pl.col("wrong").cum_sum() <= wanted)
    else:
        wrongs = surplus + both["wrong"].cum_sum()
        total = wrongs + rights - both["right"].cum_sum()
        turned = pl.concat([only_wrong, both.filter(wrongs <= (share * total + 0.5).floor())])
    turned = turned.select("p", turned=pl.lit(True))
    marked = pairs.join(turned, on="p", how="left").with_columns(pl.col("turned").fill_null(False))
    return marked.filter(wrong == pl.col("turned")).drop("turned")


def band(pairs: pl.DataFrame, rule: Band, by: str) -> pl.DataFrame:
    """The n smallest, middle or largest by the column `by`, or those between two quantiles; never unknown values."""
    known = pairs.filter(pl.col(by).is_not_null()).sort(by, "order")
    size = known.height
    if rule.quantiles is not None:
        low, high = (round(share * size) for share in rule.quantiles)
        return known.slice(low, high - low)
    n = min(rule.n or 0, size)
    start = {"smallest": 0, "middle": (size - n) // 2, "largest": size - n}[rule.keep]
    return known.slice(start, n)


def cap(pairs: pl.DataFrame, rule: Cap, column: str) -> pl.DataFrame:
    """At most `max` pairs per value (or bin) of `column`, in a seeded order.

    Without `max`, every group is cut to the size of the smallest.
    """
    by = pl.col(column)
    group = (by / rule.width).floor() if rule.width else by
    grouped = pairs.with_columns(group=group).sort("order", "p")
    most = rule.max if rule.max is not None else grouped.group_by("group").len()["len"].min() or 0
    return grouped.filter(pl.int_range(pl.len()).over("group") < most).drop("group")


def sample_pairs(pairs: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """`n_pairs` pairs in a seeded order, keeping `wrong_share` where one is asked for."""
    n = rules.n_pairs
    if n is None or pairs.height <= n:
        return pairs
    ordered = pairs.sort("order", "p")
    if not 0 < rules.wrong_share < 1:
        return ordered.head(n)
    wrong, right = ordered.filter("wrong"), ordered.filter(~pl.col("wrong"))
    wrongs = max(min(round(rules.wrong_share * n), wrong.height), n - right.height)
    return pl.concat([wrong.head(wrongs), right.head(n - wrongs)])
