"""The answer that most solutions of a problem agree on: equal answers are found by comparison, not by text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

Equal = Callable[[Iterable[tuple[str, str, str]]], Iterable[bool]]
"""For each (problem, final answer, other final answer), in order: are the two the same?"""


@dataclass(frozen=True, slots=True)
class Majority:
    """The answer that won: how many solutions gave it (`agreeing`) of how many that were asked (`votes`).

    `share` is agreeing / votes. `margin` is the distance to the second answer, as a share of the votes.
    """

    answer: str
    agreeing: int
    votes: int
    share: float
    margin: float


def majorities(answers: Mapping[str, Sequence[str]], equal: Equal) -> dict[str, Majority]:
    """The majority of each problem's final answers ("" for a solution without one); none where two answers are level.

    The result does not depend on the order of the answers.
    """
    asked = [(problem, *pair) for problem, own in answers.items() for pair in combinations(sorted({*own} - {""}), 2)]
    same = equal(iter(asked))
    groups = {problem: {text: text for text in own if text} for problem, own in answers.items()}
    for (problem, first, second), is_same in zip(asked, same, strict=True):
        if is_same:
            join(groups[problem], first, second)
    found = {problem: _winner(own, groups[problem]) for problem, own in answers.items()}
    return {problem: winner for problem, winner in found.items() if winner is not None}


def _winner(answers: Sequence[str], groups: dict[str, str]) -> Majority | None:
    texts = Counter(text for text in answers if text)
    sizes: Counter[str] = Counter()
    for text, count in texts.items():
        sizes[leader_of(groups, text)] += count
    ranked = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    leader, agreeing = ranked[0]
    second = ranked[1][1] if len(ranked) > 1 else 0
    # Written as most of them write it; of those as frequent, the shortest.
    spellings = [text for text in texts if leader_of(groups, text) == leader]
    answer = min(spellings, key=lambda text: (-texts[text], len(text), text))
    votes = len(answers)
    return Majority(answer, agreeing, votes, agreeing / votes, (agreeing - second) / votes)


def leader_of(groups: Mapping[str, str], text: str) -> str:
    """The text that stands for the group of `text`; `groups` leads each text to another of its group, or to itself."""
    while groups[text] != text:
        text = groups[text]
    return text


def join(groups: dict[str, str], first: str, second: str) -> None:
    """Make one group of the groups of two texts."""
    first, second = sorted((leader_of(groups, first), leader_of(groups, second)))
    groups[second] = first
