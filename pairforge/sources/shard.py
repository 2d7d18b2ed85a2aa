"""A shard: one of several disjoint shares of the problems, for machines that share no engine and no disk."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pairforge.records import digest


@dataclass(frozen=True, slots=True)
class Shard:
    """Number `number` of `of` shares, counted from 1. Which problems it holds follows from their ids alone, so it stays
    the same when the sources are read in another order or grow."""

    number: int
    of: int

    def holds(self, problem_id: str) -> bool:
        return int(digest(["shard", problem_id]), 16) % self.of == self.number - 1

    def share(self, count: int) -> int:
        """This shard's part of a number that all of them should reach together, rounded up."""
        return -(-count // self.of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_shard(text: str) -> Shard:
    """`3/16` as a shard. Raises `ValueError` for anything that is not a number out of at least as many."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"'{text}' is no shard: write 3/16 for the third of sixteen")
    return Shard(int(found[1]), int(found[2]))
