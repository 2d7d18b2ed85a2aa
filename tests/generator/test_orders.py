"""What the arms cost in each order."""

import pytest

from pairforge.generator.orders import ArmRole, Outcome, drawn, order_costs

CHOSEN, REJECTED, NONE = frozenset({"chosen"}), frozenset({"rejected"}), frozenset()


def role(sides, outcomes, *, until_max=False, rate=None):
    return ArmRole(sides, until_max, rate, outcomes)


def two_arms(**more):
    """Four problems: `short` costs 10 and stands on its side in half of them, `long` costs 100 and always does."""
    short = {f"p{n}": Outcome(10, REJECTED if n % 2 else NONE) for n in range(4)}
    long = {f"p{n}": Outcome(100, CHOSEN) for n in range(4)}
    return {"short": role(REJECTED, short, **more), "long": role(CHOSEN, long, **more)}


NO_GIVEN = {f"p{n}": NONE for n in range(4)}


def test_the_arm_that_often_fails_is_cheaper_first():
    costs = order_costs(two_arms(), NO_GIVEN, problems=400)
    assert [(cost.order, cost.tokens) for cost in costs] == [
        (("short", "long"), pytest.approx(400 * 10 + 200 * 100)),
        (("long", "short"), pytest.approx(400 * 100 + 400 * 10)),
    ]
    assert {cost.seconds for cost in costs} == {None}


def test_seconds_are_those_of_each_arms_own_rate():
    (first, _) = order_costs(two_arms(rate=50.0), NO_GIVEN, problems=4)
    assert first.seconds == pytest.approx(first.tokens / 50)


def test_outcomes_that_the_pilot_did_not_draw_are_taken_from_others():
    arms = two_arms()
    only_where_paired = {p: o for p, o in arms["long"].outcomes.items() if p in ("p1", "p3")}
    arms["long"] = role(CHOSEN, only_where_paired)
    (first, second) = order_costs(arms, NO_GIVEN, problems=400)
    assert (first.order, first.tokens) == (("short", "long"), pytest.approx(24_000))
    assert second.tokens == pytest.approx(44_000)


def test_a_given_partner_needs_no_second_arm_and_a_pair_ends_the_drawing():
    arms = {name: role(REJECTED, {"p": Outcome(10, REJECTED)}) for name in ("a", "b")}
    assert drawn(("a", "b"), arms, CHOSEN, {"a": Outcome(10, REJECTED), "b": Outcome(10, REJECTED)}) == ["a"]
    assert drawn(("a", "b"), arms, CHOSEN, {"a": Outcome(10, NONE), "b": Outcome(10, REJECTED)}) == ["a", "b"]
    assert drawn(("a", "b"), arms, NONE, {"a": Outcome(10, REJECTED), "b": Outcome(10, REJECTED)}) == []


def test_until_max_draws_on():
    arms = {name: role(REJECTED, {"p": Outcome(10, REJECTED)}, until_max=True) for name in ("a", "b")}
    assert drawn(("a", "b"), arms, CHOSEN, {name: Outcome(10, REJECTED) for name in arms}) == ["a", "b"]


def test_two_solutions_of_one_arm_may_be_the_pair():
    both = CHOSEN | REJECTED
    arms = {name: role(both, {"p": Outcome(10, both, alone=True)}) for name in ("a", "b")}
    outcomes = {"a": Outcome(10, both, alone=True), "b": Outcome(10, both)}
    assert drawn(("a", "b"), arms, NONE, outcomes) == ["a"]


def test_nothing_is_said_of_one_arm_or_of_an_arm_without_outcomes():
    arms = two_arms()
    assert order_costs({"short": arms["short"]}, NO_GIVEN, problems=4) == []
    assert order_costs({**arms, "long": role(CHOSEN, {})}, NO_GIVEN, problems=4) == []
