"""Rules on problems and on both sides, by example."""

import pytest

from pairforge.filters import Bounds, Cap, Rules, SideRules, gold_suspects, prepare, select_pairs
from tests.filters.tables import problems, replace, sample, samples

THINKPO = Rules(chosen=SideRules(origin="given"), rejected=SideRules(origin="sampled"), gap=Bounds(min=50))


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
