"""Problems that a rule drops although further samples might have paired them.

Sampling stops early and cuts long samples for the rules it was made for (`pairforge.filters.target`). A view under
other rules can then miss pairs for reasons that lie in the sampling, not in the rules: these are counted here.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pairforge.filters.evidence import ACCEPTED, ENOUGH, Evidence
from pairforge.filters.ruleset import Part, Rules


@dataclass(frozen=True, slots=True)
class Undecided:
    """How many dropped problems further sampling might have paired.

    `cut`: they hold samples cut by a budget below the configured one, and the rules allow longer ones.
    `stopped`: drawing stopped because the samples satisfied the rules of that time, and these rules drop them.
    `problems`: either. `enough`: drawing stopped because enough problems were accepted, these or others; more draws
    need a larger number, not other rules.
    """

    cut: int = 0
    stopped: int = 0
    problems: int = 0
    enough: int = 0

    def notes(self) -> list[str]:
        """What a table of results should say beside the numbers."""
        notes = []
        if self.cut:
            notes.append(f"budget: {self.cut:,} dropped problems hold samples cut for other rules")
        if self.stopped:
            notes.append(f"early stopping: {self.stopped:,} dropped problems were not drawn further, for other rules")
        if self.enough:
            notes.append(f"draws.enough: {self.enough:,} dropped problems were not drawn further")
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
        return found


def undecided(evidence: Evidence, rules: Rules, drops: pl.DataFrame) -> Undecided:
    """Count the dropped problems of a selection (`Selection.drops`) that the sampling left undecided."""
    # What rules on the problem and choices drop, no further sample would change.
    parts = rules.parts or (rules,)
    final = [ENOUGH, *(reason for part in parts for reason in _final_reasons(part))]
    names = drops.filter(~pl.col("reason").is_in(final)).select(problem_id="subject")
    dropped = evidence.problems.select("p", "problem_id", "stopped_by").join(names, on="problem_id", how="semi")
    stopped = dropped.filter(pl.col("stopped_by") == ACCEPTED)["p"]
    cut = pl.concat(_cut(evidence, part.effective, dropped) for part in parts).unique()
    left = dropped.filter(pl.col("stopped_by") == ENOUGH).height
    return Undecided(cut.len(), stopped.len(), pl.concat([cut, stopped]).n_unique(), left)


def _final_reasons(rules: Rules) -> list[str]:
    """The reasons for which a problem is dropped whatever samples it has."""
    of_choices = [subset.reason for subset in rules.subsets(rules)]
    if isinstance(rules, Part):  # what one part's rules on the problem drop, another part may take
        return [f"{rules.name}.{reason}" for reason in (*of_choices, "share", "earlier_part")]
    return [*of_choices, *(condition.reason for condition in rules.problem_conditions())]


def _cut(evidence: Evidence, rules: Rules, dropped: pl.DataFrame) -> pl.Series:
    """The dropped problems with a sample that was cut for a smaller budget, and that may be longer under the rules."""
    samples = evidence.samples.join(dropped, on="p", how="semi")
    cut = samples.filter(pl.col("budget_limited") & (pl.col("finish_reason") == "length"))
    origins = rules.chosen.origins
    if rules.direction == "long" and origins and not set(origins) & set(rules.rejected.origins or origins):
        partners = samples.filter(pl.col("origin").is_in(origins) & pl.col("side").is_in(["any", "chosen"]))
        longest = partners.group_by("p").agg(longest=pl.col("completion_tokens").max())
        limits = [
            pl.col("longest") - max(rules.gap.min or 0, 1),
            pl.col("longest") / max(rules.ratio.min or 1, 1),
            pl.lit(rules.rejected.max_tokens, dtype=pl.Float64),
        ]
        cut = cut.join(longest, on="p").filter(pl.col("completion_tokens") < pl.min_horizontal(limits))
    return cut["p"].unique()
