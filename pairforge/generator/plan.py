"""What to draw next. Pure: no engine, no clock, no files.

A plan is rebuilt from what is stored, so resuming is planning: whatever is not stored is owed. Acceptance looks at
one problem's samples alone, so the set of draws does not depend on the order in which samples finish.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pairforge.generator.engine import Request
from pairforge.records import Message, Sample, Verdict, sample_key


@dataclass(frozen=True, slots=True)
class Task:
    """One problem to draw solutions for. `max_tokens` is the budget of each draw, in the sampler's tokens."""

    problem_id: str
    prompt: str
    max_tokens: int
    gold: str
    budget_limited: bool = False
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sample and what the verifier said about it (None: a failed request has no verdict)."""

    sample: Sample
    verdict: Verdict | None


Accept = Callable[[str, Sequence[Outcome]], bool]
"""Called as accept(problem_id, outcomes of its sampled solutions in draw order)."""


@dataclass(slots=True)
class _State:
    """Where one problem stands."""

    task: Task
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    owed: deque[int] = field(default_factory=deque)
    decided: bool = False


class Plan:
    """`max_draws` for every problem, or, with `accept`, draws until it says yes.

    Every problem gets `min_draws`; then one more at a time while its samples are not accepted, up to `max_draws`.
    Problems with a long budget come first, so that none of them is left running alone at the end; a problem
    that needs another draw comes before a new one, while its prompt is still in the engine's prefix cache.
    `accepted` counts the problems that `accept` said yes to.
    """

    def __init__(
        self,
        tasks: Iterable[Task],
        *,
        run_seed: int,
        min_draws: int = 1,
        max_draws: int = 1,
        accept: Accept | None = None,
        stored: Iterable[Sample] = (),
        verdicts: Mapping[str, Verdict] | None = None,
        stop: tuple[str, ...] = (),
    ) -> None:
        """`stored` are the sampled solutions there are, `verdicts` what is known about them by sample key.

        A stored draw that ran into a smaller budget than its task now has is owed again.
        """
        self._seed, self._max, self._accept, self._stop = run_seed, max_draws, accept, stop
        self._min = min_draws if accept is not None else max_draws
        ordered = sorted(tasks, key=lambda task: -task.max_tokens)
        self._states = {task.problem_id: _State(task) for task in ordered}
        self._again: deque[_State] = deque()
        self._open = len(self._states)
        self.accepted = 0
        self.unverified: list[Sample] = []
        self._take_stored(stored, verdicts or {})
        for state in self._states.values():
            self._move_on(state)
        self._fresh = deque(state for state in self._states.values() if state.owed)
        self._again.clear()

    @property
    def finished(self) -> bool:
        """Whether every problem is decided: accepted, or drawn as often as allowed."""
        return self._open == 0

    @property
    def problems(self) -> int:
        return len(self._states)

    @property
    def decided(self) -> int:
        return len(self._states) - self._open

    def task(self, problem_id: str) -> Task:
        return self._states[problem_id].task

    def next(self) -> Request | None:
        """The next request to send; None when nothing can be sent until more verdicts are in."""
        for queue in (self._again, self._fresh):
            while queue:
                state = queue[0]
                if state.owed:
                    return self._request(state, state.owed.popleft())
                queue.popleft()
        return None

    def done(self, sample: Sample, verdict: Verdict | None) -> None:
        """Take in a finished draw with its verdict; it may decide the problem or make it owe another draw."""
        state = self._states[sample.problem_id]
        state.waiting.discard(sample.draw)
        state.outcomes[sample.draw] = Outcome(sample, verdict)
        self._move_on(state)

    def _take_stored(self, stored: Iterable[Sample], verdicts: Mapping[str, Verdict]) -> None:
        largest: dict[tuple[str, int], Sample] = {}
        for sample in stored:
            slot = (sample.problem_id, sample.draw)
            if sample.problem_id in self._states and (
                slot not in largest or largest[slot].max_tokens < sample.max_tokens
            ):
                largest[slot] = sample
        for (problem, draw), sample in largest.items():
            state = self._states[problem]
            if draw >= self._max or (sample.finish_reason == "length" and sample.max_tokens < state.task.max_tokens):
                continue
            verdict = verdicts.get(sample.key)
            if verdict is None and sample.finish_reason != "error":
                self.unverified.append(sample)
                state.waiting.add(draw)
            else:
                state.outcomes[draw] = Outcome(sample, verdict)

    def _move_on(self, state: _State) -> None:
        """Decide the problem, or owe what it lacks."""
        if state.decided:
            return
        lacking = [d for d in range(self._min) if d not in state.outcomes and d not in state.waiting]
        state.owed.extend(d for d in lacking if d not in state.owed)
        if state.owed or state.waiting:
            return
        outcomes = [state.outcomes[draw] for draw in sorted(state.outcomes)]
        accepted = self._accept is not None and self._accept(state.task.problem_id, outcomes)
        following = next((d for d in range(self._max) if d not in state.outcomes), None)
        if accepted or following is None:
            state.decided = True
            self._open -= 1
            self.accepted += accepted
        else:
            state.owed.append(following)
            self._again.append(state)

    def _request(self, state: _State, draw: int) -> Request:
        task = state.task
        state.waiting.add(draw)
        return Request(
            key=sample_key(task.problem_id, "sampled", draw, task.max_tokens),
            problem_id=task.problem_id,
            draw=draw,
            prompt=task.prompt,
            max_tokens=task.max_tokens,
            seed=draw_seed(self._seed, task.problem_id, draw),
            stop=self._stop,
            messages=task.messages,
        )


def draw_seed(run_seed: int, problem_id: str, draw: int) -> int:
    """The seed of one draw, below 2^31 so that every server takes it. The budget is not in it: a draw repeated
    with a larger budget begins the same way."""
    text = f"{run_seed}/{problem_id}/{draw}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") >> 1
