"""The rules on a problem, on a side, and on both sides together: one file each.

The bases of the three classes below are the lists of all rules, in the order in which they are applied. That is also
the order of the funnel, and it decides which reason a drop gets. To add a rule, write a file like `finish.py` and add
its class to a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import polars as pl

from pairforge.filters.evidence import Evidence
from pairforge.filters.rule import Condition, PairRule, ProblemRule, SideName, SideRule
from pairforge.filters.rules.direction import Direction
from pairforge.filters.rules.finish import Finish
from pairforge.filters.rules.gap import Gap
from pairforge.filters.rules.gold import Gold
from pairforge.filters.rules.gold_suspects import GoldSuspects
from pairforge.filters.rules.known_lengths import KnownLengths
from pairforge.filters.rules.models import Models
from pairforge.filters.rules.origin import Origin
from pairforge.filters.rules.pass_rate import PassRate
from pairforge.filters.rules.quality import Quality
from pairforge.filters.rules.ratio import Ratio
from pairforge.filters.rules.role import Role
from pairforge.filters.rules.same_bin import SameBin
from pairforge.filters.rules.status import Status
from pairforge.filters.rules.tokens import Tokens
from pairforge.filters.rules.total import Total
from pairforge.filters.rules.where import Where


class ProblemRules(Gold, GoldSuspects, PassRate):
    """All rules on a problem."""

    def problem_conditions(self) -> Iterator[Condition]:
        for rule in PROBLEM_RULES:
            yield from rule.problem_conditions(self)

    def with_columns(self, problems: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
        for rule in PROBLEM_RULES:
            problems = rule.with_columns(self, problems, evidence)
        return problems

    def mistakes(self) -> Iterator[str]:
        for rule in PROBLEM_RULES:
            yield from rule.mistakes(self)

    def sentences(self) -> Iterator[str]:
        for rule in PROBLEM_RULES:
            yield from rule.sentences(self)


class SideRules(Role, Origin, Models, Finish, Status, Tokens, Quality):
    """All rules on one side: the block `chosen` or `rejected`."""

    def role(self, side: SideName) -> Iterator[Condition]:
        for rule in SIDE_RULES:
            yield from rule.role(self, side)

    def side_conditions(self) -> Iterator[Condition]:
        for rule in SIDE_RULES:
            yield from rule.side_conditions(self)

    def longest_tokens(self) -> float | None:
        return shortest(rule.longest_tokens(self) for rule in SIDE_RULES)

    def mistakes(self) -> Iterator[str]:
        for rule in SIDE_RULES:
            yield from rule.mistakes(self)

    def sentences(self, side: SideName) -> Iterator[str]:
        for rule in SIDE_RULES:
            yield from rule.sentences(self, side)


class PairRules(KnownLengths, Direction, Gap, Ratio, Total, SameBin, Where):
    """All rules on both sides together."""

    def pair_conditions(self) -> Iterator[Condition]:
        for rule in PAIR_RULES:
            yield from rule.pair_conditions(self)

    def longest_tokens(self, partner_tokens: int | None, prompt_tokens: int, *, longer: bool) -> float | None:
        return shortest(rule.longest_tokens(self, partner_tokens, prompt_tokens, longer=longer) for rule in PAIR_RULES)

    def mistakes(self) -> Iterator[str]:
        for rule in PAIR_RULES:
            yield from rule.mistakes(self)
        if self.direction != "any" and self.gap.max is not None and self.gap.max < 1:
            yield f"gap.max is {self.gap.max:g}, but direction {self.direction} asks for a gap of at least 1"

    def sentences(self) -> Iterator[str]:
        for rule in PAIR_RULES:
            yield from rule.sentences(self)


PROBLEM_RULES = cast("tuple[type[ProblemRule], ...]", ProblemRules.__bases__)
SIDE_RULES = cast("tuple[type[SideRule], ...]", SideRules.__bases__)
PAIR_RULES = cast("tuple[type[PairRule], ...]", PairRules.__bases__)


def shortest(limits: Iterator[float | None]) -> float | None:
    """The smallest of some limits, of which None is no limit."""
    return min((limit for limit in limits if limit is not None), default=None)
