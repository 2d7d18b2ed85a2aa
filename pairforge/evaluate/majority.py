"""Which final answers of a question are the same: the votes of maj@k, counted by the verifier and not by text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from pairforge.records import Status
from pairforge.verifier.majority_vote import join, leader_of

GOLD = "="  # the vote of every right answer: what equals the gold answer is equal
Equal = Callable[[Iterable[tuple[str, str]]], Iterable[bool]]
"""For each pair of final answers, in order: are they the same?"""


def votes(answers: Mapping[str, Sequence[tuple[Status, str]]], equal: Equal) -> dict[str, list[str]]:
    """A vote for each (status, final answer) of each question, equal for equal answers; "" where there is none.

    Answers are only compared where it can matter to the majority.
    """
    pairs = list(_open_pairs(answers))
    same = list(equal((first, second) for _, first, second in pairs))
    leaders = {question: {text: text for _, text in own} for question, own in answers.items()}
    for (question, first, second), is_same in zip(pairs, same, strict=True):
        if is_same:
            join(leaders[question], first, second)
    return {question: [_vote(leaders[question], *given) for given in own] for question, own in answers.items()}


def _vote(leaders: Mapping[str, str], status: Status, text: str) -> str:
    if status == "correct":
        return GOLD
    return f"{GOLD}{leader_of(leaders, text)}" if text else ""


def _open_pairs(answers: Mapping[str, Sequence[tuple[Status, str]]]) -> Iterator[tuple[str, str, str]]:
    """Different wrong texts of a question, where right answers neither lead anyway nor are missing."""
    for question, own in answers.items():
        right = sum(status == "correct" for status, _ in own)
        wrong = [text for status, text in own if status != "correct" and text]
        if 0 < right <= len(wrong):
            yield from ((question, first, second) for first, second in combinations(sorted(set(wrong)), 2))
