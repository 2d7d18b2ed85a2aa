"""Control arms: what they keep from the rules, and what they take out."""

from pairforge.filters import Bounds, Rules, SideRules, prepare, select
from tests.filters.tables import problems, replace, sample, samples

THINKPO = Rules(chosen=SideRules(origin="given"), rejected=SideRules(origin="sampled"), gap=Bounds(min=50))


def two_hundred():
    """Problems with a long given solution and sampled ones: short, nearly as long, and wrong."""
    table = []
    for i in range(200):
        name = f"p{i}"
        table.append(sample(name, "given", 300))
        table += [sample(name, "sampled", n, draw=n) for n in (100, 290)]
        table.append(sample(name, "sampled", 120, "incorrect", draw=3))
    return prepare(problems(*(f"p{i}" for i in range(200))), samples(*table))


def arm(control, seed=0, **more):
    return select(two_hundred(), replace(THINKPO, control=control, **more), seed=seed).pairs


def test_random_pairs_keep_the_pairs_and_toss_a_coin_for_the_sides():
    plain, tossed = arm("none"), arm("random_pairs")
    assert {frozenset(row) for row in plain.select("chosen_key", "rejected_key").rows()} == {
        frozenset(row) for row in tossed.select("chosen_key", "rejected_key").rows()
    }
    turned = (tossed["gap_tokens"] < 0).sum()
    assert 70 < turned < 130
    assert arm("random_pairs").equals(tossed) and not arm("random_pairs", seed=1).equals(tossed)


def test_same_length_pairs_the_same_sides_at_nearly_equal_lengths():
    pairs = arm("same_length")
    assert pairs.height == 200
    assert set(pairs["rejected_tokens"]) == {290} and set(pairs["rejected_status"]) == {"correct"}


def test_wrong_only_takes_incorrect_rejected_sides():
    assert set(arm("wrong_only")["rejected_status"]) == {"incorrect"}
    assert set(arm("wrong_only", wrong_share=0.3)["rejected_status"]) == {"incorrect"}


def test_reversed_says_so_in_the_reason_of_the_pick():
    pairs = arm("reversed")
    assert (pairs["gap_tokens"] < 0).all() and set(pairs["pick"]) == {"shortest, reversed"}
