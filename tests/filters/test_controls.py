"""Control arms: what they keep from the rules, and what they take out."""

import pytest

from pairforge.filters import Bounds, Cap, Rules, SideRules, gold_suspects, prepare, select, select_pairs
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


def test_the_same_bin_matches_the_lengths_of_both_sides():
    table = samples(sample("p", "given", 310), *(sample("p", "sampled", n, draw=n) for n in (100, 299, 305)))
    rules = replace(THINKPO, direction="any", gap=Bounds(), same_bin=100)
    assert select_pairs(problems("p"), table, rules).pairs["rejected_tokens"].to_list() == [305]


def test_a_difficulty_window_looks_at_the_pass_rate():
    rows = [{"problem_id": f"p{i}", "pass_rate": rate} for i, rate in enumerate([0.0, 0.5, 1.0, None])]
    table = samples(*(sample(f"p{i}", o, n) for i in range(4) for o, n in (("given", 300), ("sampled", 100))))
    made = select_pairs(problems(*rows), table, replace(THINKPO, pass_rate=Bounds(min=0.2, max=0.8)))
    assert made.pairs["problem_id"].to_list() == ["p1"]
    assert set(made.drops["reason"]) == {"pass_rate"}
    balanced = select_pairs(
        problems(*rows[:3]), table, replace(THINKPO, caps=(Cap(by="difficulty", max=1, width=0.6),))
    )
    assert balanced.pairs.height == 2  # 0.0 and 0.5 share a bin


def test_pairs_are_balanced_over_bins_of_the_gap():
    table = [sample(f"p{i}", "given", 300 if i < 8 else 900) for i in range(10)]
    table += [sample(f"p{i}", "sampled", 100) for i in range(10)]
    made = select_pairs(
        problems(*(f"p{i}" for i in range(10))), samples(*table), replace(THINKPO, caps=(Cap(by="gap", width=500),))
    )
    assert sorted(made.pairs["gap_tokens"]) == [200, 200, 800, 800]


def test_a_number_of_pairs_keeps_the_share_of_wrong_ones():
    pairs = arm("none", wrong_share=0.2, n_pairs=50)
    assert pairs.height == 50 and (pairs["rejected_status"] == "incorrect").sum() == 10
    more = select(two_hundred(), replace(THINKPO, n_pairs=500))
    assert more.pairs.height == 200 and "500" in more.shortfall[0]


@pytest.mark.parametrize(("choice", "kept"), [("keep", 2), ("drop", 1), ("only", 1)])
def test_gold_suspects_can_be_dropped_or_looked_at(choice, kept):
    wrong = {"answer": "7"}
    table = samples(
        sample("p", "given", 300, "incorrect", **wrong),
        *(sample("p", "sampled", 100, "incorrect", draw=d, **wrong) for d in (1, 2)),
        sample("q", "given", 300), sample("q", "sampled", 100),
    )  # fmt: skip
    given, sampled = SideRules(origin="given", status="any"), SideRules(origin="sampled", status="any")
    rules = Rules(chosen=given, rejected=sampled, gold_suspects=choice)
    assert gold_suspects(prepare(problems("p", "q"), table)).height == 1
    assert select_pairs(problems("p", "q"), table, rules).pairs.height == kept
