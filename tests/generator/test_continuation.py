"""A solution that its budget cut goes on from where it ended, whatever happens in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.errors import EngineError
from pairforge.generator import Begun, Completion, Drawn, Plan, Request, Task, sample
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.generator.loop import as_begun, without_length
from pairforge.records import Sample
from tests.generator.conftest import EqualTextVerifier, MemoryStore

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def spells(lengths: dict[str, int]):
    """A model that spells the alphabet up to a problem's own letter: a token a letter, and it reads what was begun."""

    def answer(request: Request) -> Completion:
        rest = LETTERS[len(request.begun) : lengths[request.problem_id]]
        kept = rest[: request.max_tokens]
        return Completion(request.key, kept, len(kept), "length" if len(rest) > len(kept) else "stop")

    return answer


def task(name: str, *, leg: int | None, most: int, begun: str = "") -> Task:
    return Task(name, "prompt", most, gold="abcdefghij", begun=begun, leg_tokens=leg)


def plan_of(tasks: list[Task], stored: list[Sample] = (), **settings) -> Plan:  # type: ignore[assignment]
    """A plan over what is stored, as the pipeline makes it: the largest budget of a draw stands for it."""
    last = {(s.problem_id, s.draw): s for s in sorted(stored, key=lambda s: s.max_tokens)}
    drawn = [Drawn(s.problem_id, s.draw, s.max_tokens, without_length(s, None)) for s in last.values()]
    begun = {draw: as_begun(s) for draw, s in last.items() if as_begun(s)}
    return Plan(tasks, run_seed=0, stored=drawn, begun=begun, **settings)


def test_a_cut_solution_is_continued_and_every_step_is_stored(store: MemoryStore):
    engine = ScriptedEngine(spells({"p": 10}))
    progress = sample(plan_of([task("p", leg=4, most=12)]), engine, EqualTextVerifier(), store, model="m")
    assert [(s.text, s.sampled_tokens, s.max_tokens, s.finish_reason) for s in store.samples] == [
        ("abcd", 4, 4, "length"), ("abcdefgh", 8, 8, "length"), ("abcdefghij", 10, 12, "stop")
    ]  # fmt: skip
    assert [(r.begun, r.max_tokens) for r in engine.requests] == [("", 4), ("abcd", 4), ("abcdefgh", 4)]
    assert len({r.seed for r in engine.requests}) == len({s.key for s in store.samples}) == 3
    assert (progress.sampled_tokens, progress.decided) == (10, 1)


def test_it_ends_at_the_budget_of_the_problem(store: MemoryStore):
    """The last step takes what is left, and a solution that is still cut there is final."""
    sample(
        plan_of([task("p", leg=4, most=10)]), ScriptedEngine(spells({"p": 26})), EqualTextVerifier(), store, model="m"
    )
    last = store.samples[-1]
    assert (last.text, last.max_tokens, last.finish_reason) == ("abcdefghij", 10, "length")


def test_acceptance_sees_the_whole_solution_only(store: MemoryStore):
    seen = []

    def accept(problem: str, facts) -> bool:
        seen.append([f.status for f in facts])
        return facts[-1].status == "correct"

    engine = ScriptedEngine(spells({"p": 10}))
    plan = plan_of([task("p", leg=4, most=12)], accept=accept, max_draws=3)
    sample(plan, engine, EqualTextVerifier(), store, model="m")
    assert seen == [["correct"]]


def test_a_prefix_is_continued_first_and_counts_no_token(store: MemoryStore):
    engine = ScriptedEngine(spells({"p": 8}))
    sample(plan_of([task("p", leg=4, most=8, begun="ab")]), engine, EqualTextVerifier(), store, model="m")
    assert [(s.text, s.sampled_tokens) for s in store.samples] == [("abcdef", 4), ("abcdefgh", 6)]


def test_a_stored_cut_solution_is_the_starting_point(store: MemoryStore):
    """Also one that was sampled before anybody thought of continuing."""
    alone = [task("p", leg=None, most=4)]
    sample(plan_of(alone), ScriptedEngine(spells({"p": 10})), EqualTextVerifier(), store, model="m")
    engine = ScriptedEngine(spells({"p": 10}))
    plan = plan_of([task("p", leg=4, most=12)], store.samples)
    sample(plan, engine, EqualTextVerifier(), store, model="m")
    assert [r.begun for r in engine.requests] == ["abcd", "abcdefgh"]
    assert store.samples[-1].text == "abcdefghij"


def test_what_the_context_has_cut_is_not_continued(store: MemoryStore):
    def full(request: Request) -> Completion:
        return Completion(request.key, "abc", 3, "length")  # one token less than it was allowed

    engine = ScriptedEngine(full)
    tasks = [task("p", leg=4, most=12)]
    sample(plan_of(tasks), engine, EqualTextVerifier(), store, model="m")
    assert len(store.samples) == 1
    assert plan_of(tasks, store.samples).finished


def test_a_character_that_was_cut_in_the_middle_is_drawn_again():
    cut = Sample(
        "p", 0, "sampled", "so \u2211\ufffd", None, "", "m", max_tokens=4, sampled_tokens=4, finish_reason="length"
    )
    assert as_begun(cut) == Begun("so \u2211", 4, 4)


def test_a_failed_step_is_a_failed_sample(store: MemoryStore):
    def fails(request: Request) -> Completion:
        if request.begun:
            return Completion(request.key, "", 0, "error", "too long for the context")
        return spells({"p": 10})(request)

    tasks = [task("p", leg=4, most=12)]
    sample(plan_of(tasks), ScriptedEngine(fails), EqualTextVerifier(), store, model="m")
    assert [s.finish_reason for s in store.samples] == ["length", "error"]
    assert plan_of(tasks, store.samples).finished
    retried = [s for s in store.samples if s.finish_reason != "error"]
    assert plan_of(tasks, retried).next().begun == "abcd"


@given(
    lengths=st.lists(st.integers(0, 26), min_size=1, max_size=5),
    leg=st.integers(1, 9),
    most=st.integers(1, 26),
    draws=st.integers(1, 2),
    dies_after=st.integers(0, 30),
)
def test_a_run_that_dies_anywhere_ends_as_an_undisturbed_one(lengths, leg, most, draws, dies_after):
    """It samples no token twice but those that were in flight."""
    by_problem = {f"p{n}": length for n, length in enumerate(lengths)}
    tasks = [task(name, leg=leg, most=most) for name in by_problem]
    store, answered = MemoryStore(), []

    def answer(request: Request) -> Completion:
        if len(answered) == dies_after:
            raise EngineError("killed")
        answered.append(spells(by_problem)(request))
        return answered[-1]

    try:
        sample(plan_of(tasks, max_draws=draws), ScriptedEngine(answer), EqualTextVerifier(), store, model="m")
    except EngineError:
        answered.append(Completion("", "", 0, "error"))  # the second process does not die
    before = sum(s.sampled_tokens for s in longest(store).values())
    engine = ScriptedEngine(spells(by_problem))
    plan = plan_of(tasks, store.samples, max_draws=draws)
    sample(plan, engine, EqualTextVerifier(), store, model="m")
    final = longest(store)
    assert {key: s.text for key, s in final.items()} == {
        (name, draw): LETTERS[: min(length, most)] for name, length in by_problem.items() for draw in range(draws)
    }
    assert all(s.sampled_tokens == len(s.text) for s in final.values())
    new = sum(len(spells(by_problem)(request).text) for request in engine.requests)
    assert before + new == sum(s.sampled_tokens for s in final.values())
    assert len(store.samples) == len({s.key for s in store.samples})


def longest(store: MemoryStore) -> dict[tuple[str, int], Sample]:
    return {(s.problem_id, s.draw): s for s in sorted(store.samples, key=lambda s: s.max_tokens)}


@pytest.mark.parametrize("leg", [None, 4])
def test_without_steps_a_draw_cut_at_a_smaller_budget_is_drawn_anew(store: MemoryStore, leg: int | None):
    small = [task("p", leg=None, most=4)]
    sample(plan_of(small), ScriptedEngine(spells({"p": 10})), EqualTextVerifier(), store, model="m")
    assert plan_of([task("p", leg=leg, most=12)], store.samples).next().begun == ("" if leg is None else "abcd")
