"""What sampling must serve, where several arms write the sides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pairforge.filters import Bounds, Rules, SideRules
from pairforge.filters.target import Facts, accepts, draws_needed, longest_useful, loosest_target, serves

PROMPT = 5


def sample(origin: str, tokens: int, status: str = "correct") -> Facts:
    return Facts(origin, status, tokens, PROMPT)


def target(**rules):
    sides = {"chosen": SideRules(origin="long"), "rejected": SideRules(origin=("short", "tiny"))}
    return loosest_target(Rules(**{**sides, **rules}))


def test_a_sample_that_waits_for_a_later_arm_ends_the_drawing_of_its_own():
    assert serves([sample("short", 10)], target(), "short", ["long"])
    assert not serves([sample("short", 10)], target(), "short", [])
    assert not serves([sample("short", 10, "incorrect")], target(), "short", ["long"])
    assert not serves([sample("short", 10)], target(), "long", []), "the long arm is what it waits for"


def test_an_arm_does_not_wait_for_another_that_could_do_only_what_it_can():
    """`short` and `tiny` stand on one side: after the long arm, the first of them is drawn, and then the other."""
    known = [sample("long", 50)]
    assert not serves(known, target(), "short", ["tiny"])
    assert serves([*known, sample("short", 10)], target(), "tiny", [])


def test_a_sample_beside_which_no_partner_fits_is_drawn_again():
    tight = target(gap=Bounds(min=20), total=Bounds(max=60))
    assert serves([sample("short", 35)], tight, "short", ["long"])
    assert not serves([sample("short", 36)], tight, "short", ["long"])


def test_a_known_partner_bounds_the_length_in_either_direction():
    both = target(gap=Bounds(min=20, max=100))
    assert longest_useful([sample("long", 200)], both, PROMPT, origin="short") == 180
    assert longest_useful([sample("short", 50)], both, PROMPT, origin="long") == 150


def test_a_partner_that_is_still_to_come_bounds_it_by_the_rules_alone():
    rules = target(gap=Bounds(min=20), total=Bounds(max=105))
    assert longest_useful([], rules, PROMPT, origin="short", waiting=["long"]) == 80
    assert longest_useful([], rules, PROMPT, origin="long", waiting=["short"]) == 100
    assert longest_useful([], target(), PROMPT, origin="long", waiting=["short"]) is None
    assert longest_useful([], rules, PROMPT, origin="long", waiting=["other"]) == 0
    assert longest_useful([sample("long", 10)], rules, PROMPT, origin="short", waiting=[]) == 0
    assert longest_useful([], rules, PROMPT, origin="other", waiting=["long", "short"]) == 0, "no side takes it"


def test_how_many_draws_a_first_round_needs():
    two = {"per_problem": 2}
    assert draws_needed(target(**two), "short") == 1, "another long solution makes the second pair"
    one_given = target(chosen=SideRules(origin="given"), rejected=SideRules(origin="short"), **two)
    assert draws_needed(one_given, "short") == 2
    alone = target(chosen=SideRules(origin="short"), rejected=SideRules(origin="short"), per_problem=3)
    assert draws_needed(alone, "short") == 3


arms = st.sampled_from(["given", "short", "tiny", "long"])
samples = st.lists(st.builds(sample, arms, st.integers(1, 60), st.sampled_from(["correct", "incorrect"])), max_size=5)
bounds = st.builds(Bounds, min=st.none() | st.integers(1, 30), max=st.none() | st.integers(30, 60))
rules = st.builds(target, gap=bounds, total=bounds, direction=st.sampled_from(["long", "short", "any"]))


@given(rules, samples, st.sampled_from(["short", "tiny", "long"]), st.integers(1, 60))
def test_no_solution_that_would_make_the_pair_is_cut_or_left_out(asked, known, origin, tokens):
    others = [one for one in known if one.origin != origin]
    made = accepts([*others, sample(origin, tokens)], asked) and not accepts(others, asked)
    limit = longest_useful(others, asked, PROMPT, origin=origin)
    assert not made or limit is None or tokens <= limit


@given(rules, samples, st.integers(1, 60), st.integers(1, 60))
def test_a_sample_that_could_be_paired_later_is_enough_for_now(asked, known, short, long):
    """Where a long solution of some length would pair with one of the short arm's, that arm waits for it."""
    own = [one for one in known if one.origin != "long"] + [sample("short", short)]
    if accepts([*own, sample("long", long)], asked):
        assert serves(own, asked, "short", ["long"])
    assert not serves([], asked, "short", ["long"])
