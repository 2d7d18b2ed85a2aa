"""Which samples can stand on a side whatever the recipe says. This rule has no key."""

from __future__ import annotations

from collections.abc import Iterator

from pairforge.filters.rule import Condition, SideName, SideRule, one_of


class Role(SideRule):
    """The source may label a solution as chosen or rejected. A failed request has no text and can stand on no side."""

    def role(self, side: SideName) -> Iterator[Condition]:
        yield Condition("label", ("side",), one_of(("any", side)))
        yield Condition("error", ("finish_reason",), lambda finish: finish != "error")
