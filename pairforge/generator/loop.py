"""The loop between plan, engine, verifier and store. It owns no policy: the plan decides, the store keeps."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Protocol

from pairforge.chat import split_reasoning
from pairforge.errors import EngineError
from pairforge.filters.target import Facts
from pairforge.generator.engines.protocol import Completion, Engine, Request
from pairforge.generator.plan import Begun, Drawn, Plan, Task
from pairforge.records import Sample, Verdict
from pairforge.verifier import Item, Verifier

POLL_S = 0.05
MOST_EARLY_ERRORS = 20
MOST_REASONS = 3  # told when all requests fail


class Store(Protocol):
    """Where finished work goes. When a method returns, its record survives the death of the process."""

    def add_sample(self, sample: Sample) -> None: ...

    def add_verdict(self, verdict: Verdict) -> None: ...


@dataclass(slots=True)
class Progress:
    """How far the loop is. The first five count since this call began, the others the whole plan."""

    samples: int = 0
    sampled_tokens: int = 0
    errors: int = 0
    verdicts: int = 0
    seconds: float = 0.0
    in_flight: int = 0
    decided: int = 0
    accepted: int = 0
    problems: int = 0

    def after(self, earlier: Progress | None) -> Progress:
        """This with what other arms have drawn before: its counts of the plan stand, all others add up."""
        added = ("samples", "sampled_tokens", "errors", "verdicts", "seconds")
        if earlier is None:
            return self
        return replace(self, **{name: getattr(earlier, name) + getattr(self, name) for name in added})


Measure = Callable[[Sample, Verdict | None], Facts]
"""Called as measure(sample, verdict); a failed request has no verdict."""


def without_length(sample: Sample, verdict: Verdict | None) -> Facts:
    """What is known of a sample before anyone counts the student's tokens."""
    status = verdict.status if verdict is not None else "error"
    return Facts(sample.origin, status, None, finish_reason=sample.finish_reason, model=sample.model)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM: everything that had finished is stored, the rest is missing."""


def sample(
    plan: Plan,
    engine: Engine,
    verifier: Verifier,
    store: Store,
    *,
    model: str,
    revision: str = "",
    measure: Measure | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Generate the missing samples: a full window in flight, each one stored as it finishes and verified meanwhile.

    `measure` turns a judged sample into what the plan's acceptance looks at; by default that is all but its length.
    Returns when every problem is decided. Raises `Interrupted` on Ctrl-C or SIGTERM, and `EngineError` when the
    engine died, both with everything that finished stored. When nothing but failed requests comes back from the
    start, that is an `EngineError` too (a wrong model name, a wrong key), and none of them is stored: after
    `MOST_EARLY_ERRORS` of them, or sooner where there is nothing more to send and no sample was ever stored.
    """
    progress = Progress(problems=plan.problems)
    loop = _Loop(plan, engine, verifier, store, model, revision, measure or without_length, progress)
    with stop_signals() as stopped:
        while not plan.finished:
            if stopped():
                raise Interrupted
            loop.feed()
            loop.settle_early_errors()
            loop.collect()
            if on_progress is not None:
                on_progress(loop.seen())
    return loop.seen()


@dataclass(slots=True)
class _Loop:
    """One call of `sample`: what is on its way between plan, engine, verifier and store."""

    plan: Plan
    engine: Engine
    verifier: Verifier
    store: Store
    model: str
    revision: str
    measure: Measure
    progress: Progress
    started: float = field(default_factory=time.monotonic)
    requests: dict[str, Request] = field(default_factory=dict)
    judging: dict[str, Sample] = field(default_factory=dict)
    early_errors: list[Sample] = field(default_factory=list)

    def feed(self) -> None:
        """Fill the engine's window. A verifier that falls behind slows the feed instead of filling memory."""
        engine = self.engine
        while engine.in_flight < engine.window and len(self.judging) < 4 * engine.window:
            request = self.plan.next(held=len(self.early_errors))
            if request is None:
                return
            self.requests[request.key] = request
            engine.submit(request)

    def collect(self) -> None:
        """Take in whatever the engine and the verifier have finished."""
        for completion in self.engine.poll(POLL_S) if self.engine.in_flight else []:
            self.take(completion)
        for verdict in self.verifier.poll(0.0 if self.engine.in_flight else POLL_S):
            self.store.add_verdict(verdict)
            self.progress.verdicts += 1
            self.decide(self.judging.pop(verdict.sample_key), verdict)

    def take(self, completion: Completion) -> None:
        request = self.requests.pop(completion.key)
        task = self.plan.task(request.problem_id)
        finished = as_sample(request, completion, self.plan.origin, self.model, self.revision, task)
        if finished.finish_reason == "error" and self.progress.samples == 0:
            self.early_errors.append(finished)
            if len(self.early_errors) >= MOST_EARLY_ERRORS:
                raise self.all_failed()
            return
        self.keep_early_errors()
        self.keep(finished, request.begun_tokens)

    def settle_early_errors(self) -> None:
        """Once nothing more can be sent, decide whether the failures are the engine's or the requests' own.

        Where an earlier process has sampled, the last missing prompts may be refused for what they are. If that were an
        error, such a run could never end.
        """
        if not self.early_errors or self.engine.in_flight:
            return
        if not self.plan.has_samples:
            raise self.all_failed()
        self.keep_early_errors()

    def all_failed(self) -> EngineError:
        reasons = list(dict.fromkeys(failed.error for failed in self.early_errors))
        more = f"; and {len(reasons) - MOST_REASONS} more reasons" if len(reasons) > MOST_REASONS else ""
        return EngineError(
            f"the first {len(self.early_errors)} requests all failed: {'; '.join(reasons[:MOST_REASONS])}{more}",
            hint="none of them was stored; correct the cause and run the same command again",
        )

    def keep_early_errors(self) -> None:
        held, self.early_errors = self.early_errors, []
        for failed in held:
            self.keep(failed, failed.sampled_tokens)

    def keep(self, finished: Sample, begun_tokens: int) -> None:
        self.store.add_sample(finished)
        self.progress.samples += 1
        self.progress.sampled_tokens += finished.sampled_tokens - begun_tokens
        if finished.finish_reason == "error":
            self.progress.errors += 1
            self.decide(finished, None)
        elif not self.plan.task(finished.problem_id).gold:
            self.decide(finished, None)  # nothing to judge it by yet
        else:
            self.judge(finished)

    def decide(self, finished: Sample, verdict: Verdict | None) -> None:
        facts = self.measure(finished, verdict)
        drawn = Drawn(finished.problem_id, finished.draw, finished.max_tokens, facts)
        self.plan.done(drawn, as_begun(finished))

    def judge(self, finished: Sample) -> None:
        self.judging[finished.key] = finished
        gold = self.plan.task(finished.problem_id).gold
        self.verifier.submit(Item(finished.key, gold, finished.text, finished.finish_reason))

    def seen(self) -> Progress:
        """The progress, with the plan's and the engine's own counts."""
        plan = self.plan
        return replace(
            self.progress,
            seconds=time.monotonic() - self.started,
            in_flight=self.engine.in_flight,
            decided=plan.decided,
            accepted=plan.accepted,
        )


def as_sample(request: Request, completion: Completion, origin: str, model: str, revision: str, task: Task) -> Sample:
    """A completion as the record that is kept, together with what its request has continued. Text that is not valid
    Unicode is made so here, once."""
    text = request.begun + completion.text if completion.finish_reason != "error" else completion.text
    text = text.encode("utf-8", "replace").decode("utf-8")
    parts = split_reasoning(text)
    return Sample(
        problem_id=request.problem_id,
        draw=request.draw,
        origin=origin,
        text=text,
        thought=parts.thought,
        answer_text=parts.answer,
        model=model,
        revision=revision,
        seed=request.seed,
        max_tokens=request.begun_tokens + request.max_tokens,
        sampled_tokens=request.begun_tokens + completion.sampled_tokens,
        finish_reason=completion.finish_reason,
        budget_limited=task.budget_limited,
        token_ratio=task.token_ratio,
        error=completion.error,
    )


def as_begun(finished: Sample) -> Begun | None:
    """What can be continued of a sample: one that its budget has cut, and nothing else, such as the end of the context.

    A character that was cut in the middle is drawn again.
    """
    if finished.finish_reason != "length" or finished.sampled_tokens < finished.max_tokens:
        return None
    return Begun(finished.text.rstrip("\ufffd"), finished.sampled_tokens, finished.max_tokens)


@contextlib.contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a wish to stop between two steps; a second one interrupts at once.

    Outside the main thread signals cannot be caught, and the caller's own handling stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    wished = False

    def wish(number: int, frame: FrameType | None) -> None:
        nonlocal wished
        if wished:
            raise Interrupted
        wished = True

    before = {number: signal.signal(number, wish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: wished
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
