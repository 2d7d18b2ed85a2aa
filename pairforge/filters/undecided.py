"""What a view owes to the sampling rather than to its rules.

Sampling stops early and cuts long samples for the rules it was made for (`pairforge.filters.target`). A view under
other rules can then miss pairs, and a choice among solutions has few of them: both are counted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pairforge.filters.candidates import TOKENS, side_conditions
from pairforge.filters.control_matching import UNMATCHED
from pairforge.filters.evidence import ACCEPTED, ENOUGH, Evidence
from pairforge.filters.rule import SideName
from pairforge.filters.rules import SideRules
from pairforge.filters.ruleset import Part, Rules

GIVEN = "given"  # the origin of solutions that come with the source: all others are sampled


@dataclass(frozen=True, slots=True)
class Undecided:
    """What further sampling might have changed in a view.

    `cut`: dropped problems with samples cut by a budget below the configured one, where the rules allow longer ones.
    `stopped`: dropped problems that were not drawn further because the samples satisfied the rules of that time.
    `problems`: either. `enough`: drawing stopped because enough problems were accepted, these or others; more draws
    need a larger number, not other rules. `picks`: paired problems of one of these kinds, where `pick` had fewer
    solutions to choose from than the recipe allows; a random pick is the same either way.
    """

    cut: int = 0
    stopped: int = 0
    problems: int = 0
    enough: int = 0
    picks: int = 0

    def notes(self) -> list[str]:
        """What a table of results should say beside the numbers."""
        notes = []
        if self.cut:
            notes.append(f"budget: {self.cut:,} dropped problems hold samples cut for other rules")
        if self.stopped:
            notes.append(f"early stopping: {self.stopped:,} dropped problems were not drawn further, for other rules")
        if self.enough:
            notes.append(f"draws.enough: {self.enough:,} dropped problems were not drawn further")
        if self.picks:
            notes.append(f"pick: {self.picks:,} paired problems were not drawn further, or hold samples cut")
        return notes

    def sentences(self) -> list[str]:
        """What a reader of a view has to know about it."""
        found = []
        if self.enough:
            found.append(
                f"{self.enough:,} dropped problems were not drawn further, because enough were accepted: "
                "a larger generator.draws.enough goes on"
            )
        if self.problems:
            found.append(
                f"up to {self.problems:,} more problems could give pairs: {self.cut:,} hold samples cut by an earlier "
                f"budget, {self.stopped:,} stopped drawing for other rules"
            )
        if self.picks:
            found.append(
                f"pick had fewer solutions to choose from than the recipe allows, in {self.picks:,} paired problems: "
                "drawing stopped once a pair was possible, or a budget cut samples (draws.until: max and budget: full "
                "avoid both)"
            )
        return found


_CUT = pl.col("budget_limited") & (pl.col("finish_reason") == "length")


def undecided(evidence: Evidence, rules: Rules, drops: pl.DataFrame) -> Undecided:
    """Count what the sampling left undecided, given the drops of a selection (`Selection.drops`)."""
    parts = [
        part for part in rules.parts or (rules,) if _drawn(part.effective.chosen) or _drawn(part.effective.rejected)
    ]
    if not parts:
        return Undecided()  # no sampled solution can be in a pair, however many there are
    # What rules on the problem and choices drop, no further sample would change.
    final = [ENOUGH, *(reason for part in rules.parts or (rules,) for reason in _final_reasons(part))]
    names = drops.filter(~pl.col("reason").is_in(final)).select(problem_id="subject")
    problems = evidence.problems.select("p", "problem_id", "stopped_by")
    cut_short = evidence.samples.filter(_CUT)["p"].unique().implode()
    problems = problems.filter(pl.col("stopped_by").is_in([ACCEPTED, ENOUGH]) | pl.col("p").is_in(cut_short))
    if problems.is_empty():
        return Undecided()  # every problem had all its draws, at full length
    dropped = problems.join(names, on="problem_id", how="semi")
    left = dropped.filter(pl.col("stopped_by") == ENOUGH).height
    able = [_with_limit(evidence, part.effective, dropped) for part in parts]
    stopped = pl.concat(these.filter(pl.col("stopped_by") == ACCEPTED)["p"] for these in able).unique()
    cut = pl.concat(_cut(evidence, these) for these in able).unique()
    paired = problems.join(drops.select(problem_id="subject"), on="problem_id", how="anti")
    picks = _limited_picks(evidence, [part for part in parts if part.pick != "random"], paired)
    return Undecided(cut.len(), stopped.len(), pl.concat([cut, stopped]).n_unique(), left, picks)


def _limited_picks(evidence: Evidence, parts: Sequence[Rules], paired: pl.DataFrame) -> int:
    """In how many of these paired problems further draws, or longer ones, might have changed a pick."""
    found = [pl.Series("p", [], dtype=paired.schema["p"])]
    for part in parts:
        able = _with_limit(evidence, part.effective, paired)
        found += [_cut(evidence, able), able.filter(pl.col("stopped_by").is_in([ACCEPTED, ENOUGH]))["p"]]
    return pl.concat(found).n_unique()


def _final_reasons(rules: Rules) -> list[str]:
    """The reasons for which a problem is dropped whatever samples it has."""
    of_choices = [UNMATCHED, *(subset.reason for subset in rules.subsets(rules))]
    if isinstance(rules, Part):  # what one part's rules on the problem drop, another part may take
        return [f"{rules.name}.{reason}" for reason in (*of_choices, "share", "earlier_part")]
    return [*of_choices, *(condition.reason for condition in rules.problem_conditions())]


def _sides(rules: Rules) -> tuple[SideRules, SideRules]:
    return rules.chosen, rules.rejected


def _drawn(side: SideRules) -> bool:
    """Whether solutions of a side may be sampled."""
    return side.origins != (GIVEN,)


def _with_limit(evidence: Evidence, rules: Rules, problems: pl.DataFrame) -> pl.DataFrame:
    """The problems in which a further sampled solution may be paired, with the tokens that it may have (`limit`, null:
    any number): its partner must meet the rules of the other side, and be there already where it must be given."""
    problems = problems.with_columns(limit=pl.lit(None, dtype=pl.Float64))
    sides: tuple[tuple[SideName, SideRules, SideRules], ...] = (
        ("chosen", rules.chosen, rules.rejected),
        ("rejected", rules.rejected, rules.chosen),
    )
    for side, own, other in sides:
        if not own.origins or set(own.origins) & set(other.origins or own.origins):
            continue  # both solutions may be further ones
        meets = [c.expression() for c in (*own.role(side), *side_conditions(own, side, evidence))]
        partners = evidence.samples.filter(*meets).group_by("p").agg(longest=pl.col(TOKENS[side]).max())
        problems = problems.join(partners, on="p", how="left", maintain_order="left")
        if not _drawn(own):
            problems = problems.filter(pl.col("longest").is_not_null())
        if side == "chosen" and rules.direction == "long":
            limits = [
                pl.col("longest") - max(rules.gap.min or 0, 1),
                pl.col("longest") / max(rules.ratio.min or 1, 1),
                pl.lit(rules.rejected.max_tokens, dtype=pl.Float64),
            ]
            problems = problems.with_columns(limit=pl.min_horizontal(limits))
            problems = problems.filter(pl.col("limit").is_null() | (pl.col("limit") > 0))
        problems = problems.drop("longest")
    return problems


def _cut(evidence: Evidence, problems: pl.DataFrame) -> pl.Series:
    """Of these problems, those with a sample that was cut for a smaller budget and may be longer under the rules."""
    cut = evidence.samples.filter(_CUT)
    cut = cut.join(problems.select("p", "limit"), on="p")
    return cut.filter(pl.col("limit").is_null() | (pl.col("completion_tokens") < pl.col("limit")))["p"].unique()
