"""`mix`: several whole sets of rules in one view, and which problems each of them gets.

Parts with a share are served first: each gets its share of the problems, taken from those that fewest other parts take.
The others follow in the order of the list, and a problem goes to the first of them that takes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Part


def mix_mistakes(parts: Sequence[Part]) -> Iterator[str]:
    """What contradicts itself in a mix, as "key: what is wrong"."""
    names = [part.name for part in parts]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"mix: two parts have the name '{name}'"
    shares = [part.share for part in parts if part.share is not None]
    if sum(shares) > 1 + 1e-9:
        yield f"mix: the shares add up to {sum(shares):g}, more than 1"
    if len(shares) == len(parts) and sum(shares) < 1 - 1e-9:
        yield f"mix: the shares add up to {sum(shares):g}: make them 1, or give one part no share"
    for at, part in enumerate(parts):
        yield from (f"mix.{at}.{mistake}" for mistake in part.mistakes())


def reserved(takes: np.ndarray, shares: Sequence[float | None], order: np.ndarray) -> np.ndarray:
    """Which problems the parts with a share get: parts x problems, true or false.

    `takes` has the same shape: which problems each part could pair. `order` is the problems' seeded order. The shares
    are of all problems that end in some part. They fall short where too few problems serve a part, and problems that
    only parts with a share take are left out where there are too many of them.
    """
    shared = [at for at, share in enumerate(shares) if share is not None]
    # The problems of each part, those that fewest parts take first.
    ranked = {at: np.lexsort((order, takes.sum(axis=0))) for at in shared}
    ranked = {at: ranks[takes[at][ranks]] for at, ranks in ranked.items()}
    unshared = np.delete(takes, shared, axis=0).any(axis=0)
    total = int(takes.any(axis=0).sum())
    while True:
        given = np.zeros_like(takes)
        free = np.ones(takes.shape[1], dtype=bool)
        for at in shared:
            own = ranked[at][free[ranked[at]]][: int((shares[at] or 0) * total + 0.5)]
            given[at, own], free[own] = True, False
        paired = int((given.any(axis=0) | unshared).sum())
        if paired >= total:
            return given
        total = paired  # what is left out makes the shares smaller: they are of the problems that stay


def shortfalls(parts: Sequence[Part], problems: Sequence[int]) -> Iterator[str]:
    """The parts that got fewer of the problems than their share, as sentences. `problems`: how many each part pairs."""
    for part, count in zip(parts, problems, strict=True):
        if part.share is not None and count < int(part.share * sum(problems)):
            share = f"{count / sum(problems):.1%}"
            yield f"mix: part '{part.name}' asks for {part.share:.0%} of the problems, and {share} are its"
