"""An engine without a model: a function answers. For tests, and for measuring everything but the model."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import TracebackType

from pairforge.generator.engines.protocol import Completion, Request


class ScriptedEngine:
    """An `Engine` that answers each request with `answer(request)`.

    Requests finish in a seeded random order, `per_poll` of them at a time, as a real engine's would. What `answer`
    raises is raised by `poll`: that is how a test lets the engine die.
    """

    def __init__(
        self, answer: Callable[[Request], Completion], *, window: int = 8, per_poll: int = 3, order_seed: int = 0
    ) -> None:
        self.window = window
        self.requests: list[Request] = []
        self.most_in_flight = 0
        self._answer, self._per_poll = answer, per_poll
        self._order = random.Random(order_seed)
        self._waiting: list[Request] = []

    @property
    def in_flight(self) -> int:
        return len(self._waiting)

    def submit(self, request: Request) -> None:
        self.requests.append(request)
        self._waiting.append(request)
        self.most_in_flight = max(self.most_in_flight, len(self._waiting))

    def poll(self, timeout_s: float) -> list[Completion]:
        finished = []
        for _ in range(min(self._per_poll, len(self._waiting))):
            at = self._order.randrange(len(self._waiting))
            self._waiting[at], self._waiting[-1] = self._waiting[-1], self._waiting[at]
            finished.append(self._answer(self._waiting.pop()))
        return finished

    def close(self) -> None:
        self._waiting.clear()

    def __enter__(self) -> ScriptedEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
