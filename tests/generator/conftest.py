"""Small parts that the generator's tests share: problems, a store in memory, a verifier that compares text."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pairforge.generator import Completion, Request, Task
from pairforge.records import Sample, Verdict
from pairforge.verifier import Item


@dataclass
class MemoryStore:
    samples: list[Sample] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def add_sample(self, sample: Sample) -> None:
        self.samples.append(sample)

    def add_verdict(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)


class EqualTextVerifier:
    """Correct when text equals gold. Verdicts come `late` polls after their item, as a pool's would."""

    def __init__(self, late: int = 2) -> None:
        self._late = late
        self._items: list[tuple[int, Item]] = []
        self._polls = 0

    @property
    def pending(self) -> int:
        return len(self._items)

    def submit(self, item: Item) -> None:
        self._items.append((self._polls + self._late, item))

    def poll(self, timeout_s: float = 0.0) -> list[Verdict]:
        self._polls += 1
        ready = [item for due, item in self._items if due <= self._polls]
        self._items = [(due, item) for due, item in self._items if due > self._polls]
        return [verdict(i.key, "correct" if i.text == i.gold else "incorrect", i.text) for i in ready]


def verdict(key: str, status: str, answer: str = "") -> Verdict:
    return Verdict(key, status, answer, "test", "", "test")


def tasks(count: int, max_tokens: int = 100) -> list[Task]:
    return [Task(f"p{n:03}", f"prompt {n}", max_tokens, gold="yes") for n in range(count)]


def says(text: str, tokens: int = 5):
    """A script that gives every request the same text."""

    def answer(request: Request) -> Completion:
        return Completion(request.key, text, tokens, "stop")

    return answer


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()
