"""The plan: what is missing, given what is stored."""

import random

from hypothesis import given
from hypothesis import strategies as st

from pairforge.filters.target import Facts
from pairforge.generator import Drawn, Plan, Request, Task
from pairforge.generator.plan import draw_seed
from tests.generator.conftest import tasks


def correct(problem_id: str, facts: list[Facts]) -> bool:
    return any(f.status == "correct" for f in facts)


def drawn(request: Request, status: str = "incorrect", finish_reason: str = "stop") -> Drawn:
    return Drawn(
        request.problem_id, request.draw, request.max_tokens, Facts("sampled", status, 5, finish_reason=finish_reason)
    )


def finish(plan: Plan, request: Request, status: str) -> None:
    plan.done(drawn(request, status))


def everything(plan: Plan) -> list[Request]:
    """All requests the plan can send before it hears anything back."""
    return list(iter(plan.next, None))


def test_fixed_draws_are_all_sent_at_once():
    plan = Plan(tasks(2), run_seed=0, min_draws=1, max_draws=3)
    assert [(r.problem_id, r.draw) for r in everything(plan)] == [(p, d) for p in ("p000", "p001") for d in range(3)]


def test_draws_until_accepted_go_one_at_a_time_and_stop_at_the_first_yes():
    plan = Plan(tasks(1), run_seed=0, max_draws=8, accept=correct)
    for draw, status in enumerate(["incorrect", "no_answer", "correct"]):
        (request,) = everything(plan)
        assert request.draw == draw
        assert not plan.finished
        finish(plan, request, status)
    assert plan.finished
    assert plan.accepted == 1
    assert everything(plan) == []


def test_draws_stop_at_the_limit_without_acceptance():
    plan = Plan(tasks(1), run_seed=0, min_draws=2, max_draws=3, accept=correct)
    for _ in range(2):
        for request in everything(plan):
            finish(plan, request, "incorrect")
    assert plan.finished
    assert plan.accepted == 0


def test_the_first_draws_are_always_made_even_after_a_yes():
    """Pass rates look at the first `min_draws`; stopping before would bias them."""
    plan = Plan(tasks(1), run_seed=0, min_draws=3, max_draws=8, accept=correct)
    requests = everything(plan)
    assert [r.draw for r in requests] == [0, 1, 2]
    finish(plan, requests[0], "correct")
    assert not plan.finished
    finish(plan, requests[2], "incorrect")
    finish(plan, requests[1], "incorrect")
    assert plan.finished


def test_long_budgets_start_first_and_a_further_draw_before_a_new_problem():
    some = [Task("short", "", 10, "yes"), Task("long", "", 90, "yes"), Task("middle", "", 50, "yes")]
    plan = Plan(some, run_seed=0, max_draws=2, accept=correct)
    first, second = plan.next(), plan.next()
    assert (first.problem_id, second.problem_id) == ("long", "middle")
    finish(plan, second, "incorrect")
    assert [(r.problem_id, r.draw) for r in everything(plan)] == [("middle", 1), ("short", 0)]


def test_a_failed_request_counts_as_a_draw():
    plan = Plan(tasks(1), run_seed=0, max_draws=2, accept=correct)
    plan.done(drawn(plan.next(), "error", "error"))
    assert plan.next().draw == 1


def test_a_larger_budget_owes_exactly_the_truncated_draws_with_the_same_seed():
    small = everything(Plan(tasks(3, max_tokens=50), run_seed=7))
    stored = [drawn(small[0]), *(drawn(r, "truncated", "length") for r in small[1:])]
    again = everything(Plan(tasks(3, max_tokens=200), run_seed=7, stored=stored))
    assert [(r.problem_id, r.max_tokens, r.seed) for r in again] == [(r.problem_id, 200, r.seed) for r in small[1:]]
    assert everything(Plan(tasks(3, max_tokens=20), run_seed=7, stored=stored)) == []


def test_the_most_that_can_still_be_used_falls_with_every_draw_and_ends_at_none():
    plan = Plan(tasks(2, max_tokens=50), run_seed=0, max_draws=3, accept=correct)
    assert plan.most_tokens == 2 * 3 * 50
    first, second = everything(plan)
    finish(plan, first, "incorrect")
    assert plan.most_tokens == (2 + 3) * 50
    finish(plan, second, "correct")
    assert plan.most_tokens == 2 * 50
    finish(plan, plan.next(), "correct")
    assert plan.finished
    assert plan.most_tokens == 0


def test_more_draws_or_problems_owe_only_the_new_ones():
    stored = [drawn(r) for r in everything(Plan(tasks(2), run_seed=0, max_draws=2))]
    more = everything(Plan(tasks(3), run_seed=0, max_draws=3, stored=stored))
    assert [(r.problem_id, r.draw) for r in more] == [("p000", 2), ("p001", 2), ("p002", 0), ("p002", 1), ("p002", 2)]


def test_enough_goes_wide_before_it_goes_deep_and_keeps_the_order_given():
    some = [Task("short", "", 10, "yes"), Task("long", "", 90, "yes"), Task("middle", "", 50, "yes")]
    plan = Plan(some, run_seed=0, max_draws=3, accept=correct, enough=3)
    asked = []
    while (request := plan.next()) is not None:
        asked.append((request.problem_id, request.draw))
        finish(plan, request, "incorrect")
    assert asked == [(name, draw) for draw in range(3) for name in ("short", "long", "middle")]
    assert plan.finished
    assert plan.undrawn() == []


def test_enough_has_in_flight_what_it_should_take_to_find_those_missing():
    plan = Plan(tasks(99), run_seed=0, max_draws=2, accept=correct, enough=2)
    first, second = everything(plan)
    finish(plan, first, "correct")
    assert everything(plan) == [], "one is missing, and one is in flight"
    finish(plan, second, "incorrect")
    (third,) = everything(plan)
    assert (third.problem_id, third.draw, plan.finished) == ("p002", 0, False), "a new problem before a second draw"
    finish(plan, third, "incorrect")
    for _ in range(60):
        finish(plan, plan.next(), "incorrect")
    hopeful = everything(plan)
    assert [r.problem_id for r in hopeful] == ["p063", "p064", "p065"], "few are accepted, so it takes more"
    for request in hopeful[:2]:
        finish(plan, request, "correct")
    assert not plan.finished, "one is still in flight"
    finish(plan, hopeful[2], "correct")
    assert (plan.finished, plan.accepted, plan.missing, plan.most_tokens) == (True, 4, 0, 0)
    assert everything(plan) == []
    assert plan.undrawn()[0] == "p066"


def test_a_first_round_is_as_deep_as_acceptance_needs():
    def two(problem_id: str, facts: list[Facts]) -> bool:
        return len(facts) == 2

    plan = Plan(tasks(50), run_seed=0, max_draws=3, accept=two, enough=3, needs=2)
    asked = 0
    while (request := plan.next()) is not None:
        finish(plan, request, "correct")
        asked += 1
    assert (plan.accepted, asked) == (3, 6)


def test_a_draw_with_a_smaller_budget_is_a_draw():
    stored = [drawn(r, "truncated", "length") for r in everything(Plan(tasks(2, max_tokens=50), run_seed=0))]
    plan = Plan(tasks(3, max_tokens=200), run_seed=0, accept=correct, enough=1, stored=stored)
    assert plan.undrawn() == ["p002"]


def test_enough_waits_for_all_the_first_draws_of_a_problem():
    plan = Plan(tasks(3), run_seed=0, min_draws=2, max_draws=3, accept=correct, enough=1)
    first, second = everything(plan)
    assert (first.problem_id, second.problem_id) == ("p000", "p000")
    finish(plan, first, "correct")
    assert not plan.finished
    finish(plan, second, "incorrect")
    assert plan.finished


def test_a_larger_number_that_is_enough_goes_on_where_the_plan_ended():
    stored = [
        drawn(r, "correct") for r in everything(Plan(tasks(5), run_seed=0, max_draws=2, accept=correct, enough=2))
    ]
    assert Plan(tasks(5), run_seed=0, max_draws=2, accept=correct, enough=2, stored=stored).finished
    more = Plan(tasks(5), run_seed=0, max_draws=2, accept=correct, enough=4, stored=stored)
    assert [r.problem_id for r in everything(more)] == ["p002", "p003"]


def test_seeds_are_stable_and_differ():
    assert draw_seed(0, "p", 0) == draw_seed(0, "p", 0)
    assert len({draw_seed(s, p, d) for s in (0, 1) for p in ("a", "b") for d in range(4)}) == 16
    assert all(0 <= draw_seed(0, "p", d) < 2**31 for d in range(100))


def play(
    seed: int,
    solved_at: dict[str, int],
    min_draws: int,
    max_draws: int,
    die_after: int | None = None,
    enough: int | None = None,
):
    """Run a plan to its end with results in random order; optionally die on the way and resume from what is stored."""
    order = random.Random(seed)
    stored: list[Drawn] = []
    asked: list[str] = []
    for limit in (die_after, None):
        plan = Plan(
            tasks(len(solved_at)),
            run_seed=3,
            min_draws=min_draws,
            max_draws=max_draws,
            accept=correct,
            enough=enough,
            stored=stored,
        )
        flying: list[Request] = []
        while not plan.finished and (limit is None or len(stored) < limit):
            flying += everything(plan)
            request = flying.pop(order.randrange(len(flying)))
            asked.append(request.key)
            stored.append(drawn(request, "correct" if request.draw >= solved_at[request.problem_id] else "incorrect"))
            plan.done(stored[-1])
        if plan.finished:
            break
    return sorted(asked), plan


@given(
    seed=st.integers(0, 10**6),
    solved=st.lists(st.integers(0, 6), min_size=1, max_size=6),
    min_draws=st.integers(1, 3),
    extra=st.integers(0, 3),
    die_after=st.integers(0, 20),
)
def test_neither_order_nor_death_changes_what_is_drawn(seed, solved, min_draws, extra, die_after):
    solved_at = {f"p{n:03}": s for n, s in enumerate(solved)}
    wanted = sorted(
        f"{p}/sampled/{d}/100"
        for p, s in solved_at.items()
        for d in range(max(min_draws, min(s + 1, min_draws + extra)))
    )
    undisturbed, _ = play(seed, solved_at, min_draws, min_draws + extra)
    killed, plan = play(seed + 1, solved_at, min_draws, min_draws + extra, die_after)
    assert undisturbed == killed == wanted
    assert plan.finished
    assert plan.accepted == sum(s < min_draws + extra for s in solved)


@given(
    seed=st.integers(0, 10**6),
    solved=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    min_draws=st.integers(1, 3),
    extra=st.integers(0, 3),
    enough=st.integers(1, 12),
    die_after=st.integers(0, 20),
)
def test_enough_are_accepted_whatever_the_order_and_the_deaths(seed, solved, min_draws, extra, enough, die_after):
    solved_at = {f"p{n:03}": s for n, s in enumerate(solved)}
    asked, plan = play(seed, solved_at, min_draws, min_draws + extra, die_after, enough)
    assert plan.finished
    assert plan.accepted >= min(enough, sum(s < min_draws + extra for s in solved))
    assert len(asked) == len(set(asked)), "no draw is asked for twice"
    everything_drawn, _ = play(seed, solved_at, min_draws, min_draws + extra)
    assert set(asked) <= set(everything_drawn), "only draws that a run without `enough` makes too"
