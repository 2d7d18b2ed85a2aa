"""What to draw next. Pure: no engine, no clock, no files.

A plan is rebuilt from what is stored, so resuming is planning: whatever is not stored is missing. Acceptance looks at
one problem's samples alone, so the set of draws does not depend on the order in which samples finish.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pairforge.filters.target import Facts
from pairforge.generator.engines.protocol import Request
from pairforge.records import Message, sample_key


@dataclass(frozen=True, slots=True)
class Task:
    """One problem to draw solutions for. `max_tokens` is the budget of each draw, in the sampler's tokens; `begun` is
    the text that every solution begins with.

    With `leg_tokens`, one request may use that many of them: a solution that it cuts is continued by the next.
    """

    problem_id: str
    prompt: str
    max_tokens: int
    gold: str
    budget_limited: bool = False
    token_ratio: float = 1.0
    messages: tuple[Message, ...] = ()
    begun: str = ""
    leg_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A solution that a request has cut: its text, its tokens, and the budget it was cut at."""

    text: str
    tokens: int
    budget_tokens: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished draw as the plan sees it: which one, with which budget, and what acceptance looks at."""

    problem_id: str
    draw: int
    max_tokens: int
    facts: Facts


AT_ONCE = -(10**9)  # before everything else in the queue
CAUTION_DRAWS = 30  # accepted draws that a share begins with: the first few to finish are the short ones

Accept = Callable[[str, Sequence[Facts]], bool]
"""Called as accept(problem_id, facts of its sampled solutions in draw order)."""


@dataclass(slots=True)
class _State:
    """Where one problem stands. What its samples were is forgotten once it is decided."""

    task: Task
    place: int
    done: dict[int, Facts] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    missing: deque[int] = field(default_factory=deque)
    begun: dict[int, Begun] = field(default_factory=dict)
    decided: bool = False
    drawn: bool = False


class Plan:
    """`max_draws` for every problem, or, with `accept`, draws until it says yes.

    Every problem gets `min_draws`; then one more at a time while its samples are not accepted, up to `max_draws`.
    Problems with a long budget come first, so that none of them is left running alone at the end; a problem
    that needs another draw comes before a new one, while its prompt is still in the engine's prefix cache.

    With `enough` the plan ends once that many problems are accepted, and goes wide before it goes deep: every problem
    in the order given, then a further draw of each that was not accepted, and so on, because a first draw is accepted
    more often than one that follows a failure. `needs` is how many draws it takes at least to be accepted: so many
    make up the first round. Towards the end no more problems are in flight than it should take to find those still
    missing, at the rate so far.

    `accepted` counts the problems that `accept` said yes to, here or for other arms. `has_samples` says whether a
    stored draw is more than a failed request.
    """

    def __init__(
        self,
        tasks: Iterable[Task],
        *,
        run_seed: int,
        min_draws: int = 1,
        max_draws: int = 1,
        accept: Accept | None = None,
        enough: int | None = None,
        needs: int = 1,
        stored: Iterable[Drawn] = (),
        stop: tuple[str, ...] = (),
        origin: str = "sampled",
        accepted: int = 0,
        begun: Mapping[tuple[str, int], Begun] | None = None,
    ) -> None:
        """`stored` are the existing draws. One that ran into a smaller budget than its task's is missing again; where
        its task has `leg_tokens`, it is continued if it is in `begun`, by problem and draw, and final otherwise.
        `origin` names the arm; `accepted` problems, none of them in `tasks`, other arms have served already."""
        self._seed, self._max, self._accept, self._stop = run_seed, max_draws, accept, stop
        self.origin = origin
        self._min = min_draws if accept is not None else max_draws
        self._enough, self._first_round = enough, max(self._min, needs)
        ordered = list(tasks) if enough is not None else sorted(tasks, key=lambda task: -task.max_tokens)
        self._states = {task.problem_id: _State(task, place) for place, task in enumerate(ordered)}
        self._queue: list[tuple[int, int, _State]] = []  # a heap; no two places are equal, so no states are compared
        self._open = len(self._states)
        self._flying = 0
        self._judged = 0
        self.accepted = accepted
        self.has_samples = False
        self._begun = begun or {}
        for drawn in stored:
            self._take_stored(drawn)
        for state in self._states.values():
            self._move_on(state)

    @property
    def finished(self) -> bool:
        """Whether every problem is decided (accepted, or drawn as often as allowed), or enough are accepted."""
        return self._open == 0 or (self._missing == 0 and self._flying == 0)

    @property
    def problems(self) -> int:
        return len(self._states)

    @property
    def decided(self) -> int:
        return len(self._states) - self._open

    @property
    def missing(self) -> int:
        """How many problems may still be drawn."""
        return 0 if self.finished else self._open

    def open_problems(self) -> list[str]:
        """The problems that may still be drawn."""
        return [] if self.finished else [name for name, state in self._states.items() if not state.decided]

    def undrawn(self) -> list[str]:
        """The problems that were never drawn, with whatever budget: when the plan has ended, those not needed."""
        return [name for name, state in self._states.items() if not state.drawn]

    @property
    def most_tokens(self) -> int:
        """The most that the problems not yet decided can still use: all draws they are allowed, each to its budget."""
        if self.finished:
            return 0
        undecided = (state for state in self._states.values() if not state.decided)
        return sum((self._max - len(state.done)) * state.task.max_tokens for state in undecided)

    @property
    def _missing(self) -> int:
        """How many problems must still be accepted; without `enough`, as many as there are."""
        return self._open if self._enough is None else max(0, self._enough - self.accepted)

    @property
    def _useful_in_flight(self) -> float:
        """How many problems to have in flight: those still missing, over the share of draws accepted so far."""
        if self._enough is None:
            return self._open
        return self._missing * (self._judged + CAUTION_DRAWS) / (self.accepted + CAUTION_DRAWS)

    def task(self, problem_id: str) -> Task:
        return self._states[problem_id].task

    def next(self, *, held: int = 0) -> Request | None:
        """The next request to send; None when nothing can be sent until more verdicts are in.

        `held` problems in flight have failed, and whoever holds them waits to see whether others fail too.
        """
        if not self._queue:
            return None
        state = self._queue[0][-1]
        if not state.waiting and self._flying - held + 1 > self._useful_in_flight:
            return None
        draw = state.missing.popleft()
        if not state.missing:
            heapq.heappop(self._queue)
        self._flying += not state.waiting
        return self._request(state, draw)

    def done(self, drawn: Drawn, begun: Begun | None = None) -> None:
        """Take in a finished and judged draw; it may decide the problem or make it owe another draw.

        `begun` is what can be continued of a draw that was cut. That comes first: its text is still in the engine's
        prefix cache, and in the memory of this plan.
        """
        state = self._states[drawn.problem_id]
        state.waiting.discard(drawn.draw)
        self._flying -= not state.waiting
        if begun is not None and state.task.leg_tokens and begun.budget_tokens < state.task.max_tokens:
            state.begun[drawn.draw] = begun
            if not state.missing:  # else it is in the queue already
                heapq.heappush(self._queue, (AT_ONCE, state.place, state))
            state.missing.appendleft(drawn.draw)
            return
        self._judged += 1
        state.done[drawn.draw] = drawn.facts
        self._move_on(state)

    def _take_stored(self, drawn: Drawn) -> None:
        self.has_samples |= drawn.facts.finish_reason != "error"
        state = self._states.get(drawn.problem_id)
        if state is None:
            return
        state.drawn = True
        if drawn.draw >= self._max:
            return
        cut = drawn.facts.finish_reason == "length" and drawn.max_tokens < state.task.max_tokens
        begun = self._begun.get((drawn.problem_id, drawn.draw)) if cut and state.task.leg_tokens else None
        if begun is not None:
            state.begun[drawn.draw] = begun
        elif not cut or state.task.leg_tokens:
            state.done[drawn.draw] = drawn.facts
            self._judged += 1

    def _move_on(self, state: _State) -> None:
        """Decide the problem, or owe what it lacks: its first draws, then one more at a time."""
        if state.decided or state.waiting or state.missing:
            return
        first = [draw for draw in range(self._min) if draw not in state.done]
        if first:
            self._owe(state, first)
            return
        known = [state.done[draw] for draw in sorted(state.done)]
        accepted = self._accept is not None and self._accept(state.task.problem_id, known)
        following = next((draw for draw in range(self._max) if draw not in state.done), None)
        if accepted or following is None:
            state.decided = True
            state.done.clear()
            self._open -= 1
            self.accepted += accepted
        else:
            self._owe(state, [following])

    def _owe(self, state: _State, draws: list[int]) -> None:
        """Put the problem in line: further draws before new problems, or, with `enough`, behind them."""
        state.missing.extend(draws)
        further = max(0, draws[0] - self._first_round + 1)
        heapq.heappush(self._queue, (-further if self._enough is None else further, state.place, state))

    def _request(self, state: _State, draw: int) -> Request:
        task = state.task
        state.waiting.add(draw)
        state.drawn = True
        begun = state.begun.pop(draw, None) or Begun(task.begun, 0, 0)
        budget = min(begun.budget_tokens + (task.leg_tokens or task.max_tokens), task.max_tokens)
        return Request(
            key=sample_key(task.problem_id, self.origin, draw, budget),
            problem_id=task.problem_id,
            draw=draw,
            prompt=task.prompt,
            max_tokens=budget - begun.tokens,
            seed=draw_seed(self._seed, task.problem_id, draw, self.origin, begun.tokens),
            stop=self._stop,
            messages=task.messages,
            begun=begun.text,
            begun_tokens=begun.tokens,
        )


def draw_seed(run_seed: int, problem_id: str, draw: int, origin: str = "sampled", begun_tokens: int = 0) -> int:
    """The seed of one draw, below 2^31 so that every server takes it. The budget is not in it: a draw repeated
    with a larger budget begins the same way. What continues a draw behind `begun_tokens` has a seed of its own."""
    text = f"{run_seed}/{problem_id}/{draw}"
    if origin != "sampled":  # the seeds of runs with one arm stay what they were
        text += f"/{origin}"
    if begun_tokens:
        text += f"/{begun_tokens} tokens"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
