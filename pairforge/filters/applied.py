"""Rules applied to evidence: one set of them, or the parts of a mix, each to the problems that it gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl

from pairforge.filters.candidates import Candidates, candidates
from pairforge.filters.columns import with_columns
from pairforge.filters.drops import Lost, counts_in_order, lost_between, reasons_in_order
from pairforge.filters.evidence import Evidence
from pairforge.filters.hashing import seeded_order
from pairforge.filters.mix import reserved
from pairforge.filters.rule import Subset
from pairforge.filters.ruleset import Part, Rules

ODD = pl.Series([0x9E3779B97F4A7C15], dtype=pl.UInt64)
"""An odd multiplier keeps the couples (a, b) and (b, a) apart."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One set of rules and what became of the candidates: `found` by the rules on single ones, `lost` by the choices in
    order, `pairs` what is left. `part` is the name of a mix's part, "" outside of one."""

    rules: Rules
    found: Candidates
    lost: list[Lost]
    pairs: pl.DataFrame
    part: str = ""


def apply_rules(evidence: Evidence, rules: Rules, seed: int, part: str = "") -> Applied:
    """The rules on single candidates."""
    rules = rules.effective
    found = candidates(evidence, rules.for_candidates(rules))
    return Applied(rules, found, [], _with_order(found.passed, seed), part)


def choose(evidence: Evidence, applied: Applied, first: Sequence[Subset] = ()) -> Applied:
    """The choices among the candidates that passed; `first` are made before those of the rules."""
    pairs, lost = applied.pairs, [*applied.lost]
    subsets = [*first, *applied.rules.subsets(applied.rules)]
    for subset in subsets:
        for key, text in subset.by.items():
            pairs = with_columns(pairs, evidence, [text], key=f"filter.{key}")
    for subset in subsets:
        kept = subset.keep(pairs)
        lost.append(Lost(subset.reason, lost_between(pairs, kept)))
        pairs = kept
    return replace(applied, pairs=pairs, lost=lost)


def apply_mix(evidence: Evidence, parts: Sequence[Part], seed: int, first: Sequence[Subset] = ()) -> list[Applied]:
    """Every part, applied to the problems that it gets; `first`: see `choose`."""
    passed = [apply_rules(evidence, part, seed, part.name) for part in parts]
    takes = np.zeros((len(parts), evidence.problems.height), dtype=bool)
    for at, one in enumerate(passed):
        takes[at, one.pairs["p"].to_numpy()] = True
    order = seeded_order(evidence.problems["problem_hash"], seed, "mix").to_numpy()
    shares = [part.share for part in parts]
    given = reserved(takes, shares, order)
    left = np.logical_not(given.any(axis=0))
    applied = []
    for at, one in enumerate(passed):
        offered = pl.Series(np.array(left if shares[at] is None else given[at]))
        reason = "earlier_part" if shares[at] is None else "share"
        made = choose(evidence, one, [*first, Subset(reason, partial(_offered, offered))])
        left[made.pairs["p"].to_numpy()] = False
        applied.append(made)
    return applied


def _offered(offered: pl.Series, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs of the problems that a part gets."""
    return pairs.filter(offered[pairs["p"]])


def _with_order(pairs: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Add `order`: a seeded order over the candidates, from their samples' ids."""
    chosen = seeded_order(pairs["chosen_hash"], seed, "chosen")
    rejected = seeded_order(pairs["rejected_hash"], seed, "rejected")
    return pairs.with_columns((chosen * ODD + rejected).alias("order")).drop("chosen_hash", "rejected_hash")


def together(parts: Sequence[Applied]) -> tuple[Candidates, list[Lost]]:
    """What several parts lost, as one set of rules after another: for the drops of problems that no part pairs."""
    if len(parts) == 1 and not parts[0].part:
        return parts[0].found, parts[0].lost
    lost = [
        Lost(f"{one.part}.{reason}", counts)
        for one in parts
        for reason, counts in zip(
            reasons_in_order(one.found, one.lost), counts_in_order(one.found, one.lost), strict=True
        )
    ]
    return Candidates(pl.DataFrame(), parts[0].found.lost.clear(), (), pl.DataFrame()), lost
