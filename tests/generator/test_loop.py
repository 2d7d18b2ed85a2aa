"""The loop: a full window, nothing lost, nothing asked twice."""

import os
import signal
import threading

import pytest

from pairforge.errors import EngineError
from pairforge.filters.target import Facts
from pairforge.generator import Completion, Drawn, Plan, Progress, Request, sample
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.generator.loop import Interrupted, without_length
from tests.generator.conftest import EqualTextVerifier, MemoryStore, says, tasks


def right_at_draw(number: int):
    return lambda request: Completion(request.key, "yes" if request.draw >= number else "no", 5, "stop")


def accept(problem_id, facts) -> bool:
    return any(f.status == "correct" for f in facts)


def test_every_problem_is_drawn_stored_and_judged(store: MemoryStore):
    engine = ScriptedEngine(says("yes"))
    progress = sample(Plan(tasks(20), run_seed=0, max_draws=2), engine, EqualTextVerifier(), store, model="m")
    assert len(store.samples) == len({s.key for s in store.samples}) == 40
    assert {v.sample_key for v in store.verdicts} == {s.key for s in store.samples}
    assert (progress.samples, progress.sampled_tokens, progress.decided) == (40, 200, 20)


def test_the_window_is_full_and_never_exceeded(store: MemoryStore):
    engine = ScriptedEngine(says("yes"), window=7, per_poll=2)
    levels = []

    def watch(progress: Progress) -> None:
        levels.append(progress.in_flight)

    sample(Plan(tasks(50), run_seed=0), engine, EqualTextVerifier(), store, model="m", on_progress=watch)
    assert engine.most_in_flight == 7
    assert levels[: (50 - 7) // 2] == [5] * ((50 - 7) // 2)  # refilled to 7 before every poll that takes 2


def test_drawing_stops_where_a_sample_is_accepted(store: MemoryStore):
    engine = ScriptedEngine(right_at_draw(2))
    plan = Plan(tasks(10), run_seed=0, max_draws=8, accept=accept)
    progress = sample(plan, engine, EqualTextVerifier(), store, model="m")
    assert len(engine.requests) == 30
    assert progress.accepted == 10


def test_one_failing_request_fails_alone(store: MemoryStore):
    def answer(request: Request) -> Completion:
        if request.problem_id == "p003":
            return Completion(request.key, "", 0, "error", "too long for the context")
        return Completion(request.key, "yes", 5, "stop")

    progress = sample(Plan(tasks(6), run_seed=0), ScriptedEngine(answer), EqualTextVerifier(), store, model="m")
    (failed,) = [s for s in store.samples if s.finish_reason == "error"]
    assert (failed.problem_id, failed.error) == ("p003", "too long for the context")
    assert len(store.verdicts) == 5
    assert (progress.errors, progress.decided) == (1, 6)


def refuse(request: Request) -> Completion:
    return Completion(request.key, "", 0, "error", "model 'x' not found")


@pytest.mark.parametrize("per_poll", [3, 8])
@pytest.mark.parametrize(("count", "told"), [(100, 20), (3, 3), (1, 1)])
def test_a_run_in_which_every_request_fails_is_an_engine_error_and_stores_none(
    store: MemoryStore, count: int, told: int, per_poll: int
):
    """Also where one poll returns the whole window of 8, and nothing is in flight for a moment."""
    plan = Plan(tasks(count), run_seed=0, max_draws=4, accept=accept)
    engine = ScriptedEngine(refuse, window=8, per_poll=per_poll)
    with pytest.raises(EngineError, match=f"first {told} requests all failed: model 'x' not found\\n"):
        sample(plan, engine, EqualTextVerifier(), store, model="m")
    assert store.samples == []


def test_every_reason_is_told_when_all_requests_fail(store: MemoryStore):
    def answer(request: Request) -> Completion:
        return Completion(request.key, "", 0, "error", f"refused {request.problem_id}")

    with pytest.raises(EngineError) as caught:
        sample(Plan(tasks(5), run_seed=0), ScriptedEngine(answer, per_poll=8), EqualTextVerifier(), store, model="m")
    assert caught.value.message.count("refused p") == 3
    assert "and 2 more reasons" in caught.value.message


def test_the_last_prompts_of_a_run_that_has_samples_may_fail_alone(store: MemoryStore):
    there = [Drawn("p000", 0, 100, Facts("sampled", "correct", None, finish_reason="stop"))]
    plan = Plan(tasks(3), run_seed=0, stored=there)
    progress = sample(plan, ScriptedEngine(refuse), EqualTextVerifier(), store, model="m")
    assert (progress.errors, progress.decided) == (2, 3)
    assert [s.finish_reason for s in store.samples] == ["error", "error"]


def test_when_the_engine_dies_everything_finished_is_kept_and_the_rest_is_owed(store: MemoryStore):
    left = iter(range(10))

    def answer(request: Request) -> Completion:
        if next(left, None) is None:
            raise EngineError("the engine died: out of memory")
        return Completion(request.key, "yes", 5, "stop")

    verifier = EqualTextVerifier()
    with pytest.raises(EngineError, match="out of memory"):
        sample(Plan(tasks(30), run_seed=0), ScriptedEngine(answer, per_poll=1), verifier, store, model="m")
    assert len(store.samples) == 10

    there = [Drawn(s.problem_id, s.draw, s.max_tokens, without_length(s, None)) for s in store.samples]
    engine = ScriptedEngine(says("yes"))
    sample(Plan(tasks(30), run_seed=0, stored=there), engine, EqualTextVerifier(), store, model="m")
    assert len(engine.requests) == 20
    assert len({s.key for s in store.samples}) == len(store.samples) == 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_between_steps_and_keeps_what_finished(store: MemoryStore, number: signal.Signals):
    def answer(request: Request) -> Completion:
        if len(store.samples) == 5:
            os.kill(os.getpid(), number)
        return Completion(request.key, "yes", 5, "stop")

    before = signal.getsignal(number)
    with pytest.raises(Interrupted):
        sample(Plan(tasks(30), run_seed=0), ScriptedEngine(answer, per_poll=1), EqualTextVerifier(), store, model="m")
    assert len(store.samples) == 6
    assert signal.getsignal(number) is before


def test_it_runs_outside_the_main_thread(store: MemoryStore):
    plan = Plan(tasks(5), run_seed=0)
    thread = threading.Thread(
        target=sample, args=(plan, ScriptedEngine(says("yes")), EqualTextVerifier(), store), kwargs={"model": "m"}
    )
    thread.start()
    thread.join(10)
    assert plan.finished


def test_a_slow_verifier_slows_the_feed_instead_of_filling_memory(store: MemoryStore):
    verifier, most = EqualTextVerifier(late=200), 0

    def watch(progress: Progress) -> None:
        nonlocal most
        most = max(most, verifier.pending)

    engine = ScriptedEngine(says("yes"), window=4, per_poll=4)
    sample(Plan(tasks(200), run_seed=0), engine, verifier, store, model="m", on_progress=watch)
    assert most <= 4 * 4 + 4
    assert len(store.verdicts) == 200


def test_text_that_is_not_unicode_is_made_so_and_reasoning_is_split(store: MemoryStore):
    engine = ScriptedEngine(says("<think>hm \ud800</think>yes"))
    sample(Plan(tasks(1), run_seed=0), engine, EqualTextVerifier(), store, model="m", revision="r1")
    (stored,) = store.samples
    assert (stored.thought, stored.answer_text, stored.model, stored.revision) == ("hm ?", "yes", "m", "r1")
