"""A judge behind an OpenAI-compatible server: a rubric goes in, a number is read out of its answer."""

from __future__ import annotations

from pairforge.generator.engines.protocol import Completion, Engine, Request
from pairforge.scores.compute import Scored
from pairforge.scores.rubric import read_grade


class Judge:
    """A `Scorer` around an engine that answers requests in words."""

    endings: tuple[str, ...] = ("",)

    def __init__(self, engine: Engine, *, lowest: float, highest: float) -> None:
        """Grades below `lowest` or above `highest` are no grades."""
        self._engine, self._lowest, self._highest = engine, lowest, highest
        self.window = engine.window

    @property
    def in_flight(self) -> int:
        return self._engine.in_flight

    def submit(self, request: Request) -> None:
        self._engine.submit(request)

    def poll(self, timeout_s: float) -> list[Scored]:
        return [self._read(completion) for completion in self._engine.poll(timeout_s)]

    def _read(self, completion: Completion) -> Scored:
        if completion.finish_reason == "error":
            return Scored(completion.key, status="error", detail=completion.error)
        grade, why = read_grade(completion.text, self._lowest, self._highest)
        if grade is None:
            return Scored(completion.key, status="unreadable", detail=why)
        return Scored(completion.key, {"": grade})
