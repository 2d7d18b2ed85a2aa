"""`where`: any condition over the columns of a pair, written as an expression."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.expression import parse_expression
from pairforge.filters.rule import Condition, PairRule


class Where(PairRule):
    """A condition in the language of `pairforge.filters.expression`. Sampling does not look at it."""

    where: str = Field(
        "",
        description="A condition over the columns, such as `chosen_tokens > 3 * rejected_tokens`; empty: none.",
        examples=["gap > 20 and source == 'a'"],
    )

    def pair_conditions(self) -> Iterator[Condition]:
        """Raises `RuleError` for a text that is no expression."""
        if self.where:
            parsed = parse_expression(self.where, key="filter.where")
            yield Condition("where", tuple(sorted(parsed.names)), lambda *_: parsed.expr, while_sampling=False)

    def sentences(self) -> Iterator[str]:
        if self.where:
            yield f"Every pair meets the condition `{self.where}`."
