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


def uneven():
    """Twenty problems: all are paired by the rules, the last five have a wrong solution too; two are only wrong."""
    table = [sample(f"p{i:02}", "given", 300) for i in range(22)]
    table += [sample(f"p{i:02}", "sampled", 100 + i) for i in range(20)]
    table += [sample(f"p{i:02}", "sampled", 140, "incorrect", draw=1) for i in range(15, 22)]
    rates = [{"problem_id": f"p{i:02}", "pass_rate": 1.0 if i < 15 else 0.4, "source": "ab"[i % 2]} for i in range(22)]
    return prepare(problems(*rates), samples(*table))


def test_a_control_pairs_only_problems_that_the_rules_pair_without_it():
    plain, wrong = (select(uneven(), replace(THINKPO, control=name)) for name in ("none", "wrong_only"))
    assert set(wrong.pairs["problem_id"]) == {f"p{i}" for i in range(15, 20)} < set(plain.pairs["problem_id"])
    unmatched = wrong.drops.filter(reason="unmatched")["subject"].to_list()
    assert unmatched == ["p20", "p21"]
    assert {"step": "unmatched", "candidates": 5, "problems": 5, "part": ""} in wrong.funnel


def test_a_control_tells_its_overlap_its_differences_and_what_to_sample():
    reach, differences, missing = select(uneven(), replace(THINKPO, control="wrong_only")).notes
    assert reach.startswith("control wrong_only: it pairs 5 of the 20 problems that the rules pair without it")
    assert "rejected tokens +7.48" in differences and "pass rate -2.45" in differences and "source" in differences
    assert missing.startswith("to match the other 15 problems, sample wrong solutions of them: `pairforge sample")


def test_a_control_that_cannot_be_matched_at_all_says_what_to_sample():
    found = select(uneven(), replace(THINKPO, control="same_length"))
    assert found.pairs.is_empty()
    assert found.notes[0].startswith("control same_length: it pairs 0 of the 20 problems")
    assert "sample solutions as long as their partners" in found.notes[1]


def test_controls_that_exchange_sides_are_matched_as_they_are():
    assert select(uneven(), replace(THINKPO, control="reversed")).notes == ()


def test_standardised_differences_are_cohens_d():
    import numpy as np

    from pairforge.filters.control_matching import standardised

    rng = np.random.default_rng(0)
    one, other = rng.normal(1, 2, 4000), rng.normal(0, 2, 4000)
    assert abs(standardised(one, other) - 0.5) < 0.05
    assert standardised(one, one) == 0 and standardised(np.ones(3), np.zeros(4)) == float("inf")
